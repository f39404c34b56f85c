/*
 * The conformance suite: the list of tables, and the runner.
 *
 *   suite              every test, each in a process of its own
 *   suite NAME...      these
 *   suite -l           their names
 *   suite -u           the names of those that only Unix has: elsewhere there are none
 *   suite -x NAME      one, in this process: for a debugger
 *
 * One line a test, in the order of the tables: ok, not ok or skip. The status is 1 if one failed.
 * SUITE_JOBS (4) of them run at once, each for at most SUITE_SECONDS (10). With SUITE_FIRST=1 the first that fails
 * ends all.
 */
#include "suite.h"
#include "runner.h"
#include <stdio.h>
#include <stdlib.h>

/* Each table ends with a test that has no name */
static const struct table {
    const struct test *tests;
    bool               unix_alone;
} tables[] = {
    { stream_tests, false }, { connection_tests, false }, { closing_tests, false }, { queue_tests, false },
    { time_tests, false }, { post_tests, false }, { datagram_tests, false }, { adopted_tests, false },
    { ready_tests, false }, { socket_tests, false }, { abuse_tests, false }, { stress_tests, false },
    { pool_tests, false },
#if !defined(_WIN32)
    { unix_connection_tests, true }, { unix_closing_tests, true }, { unix_queue_tests, true },
    { unix_time_tests, true }, { unix_post_tests, true }, { unix_datagram_tests, true },
    { unix_adopted_tests, true }, { unix_ready_tests, true }, { unix_socket_tests, true },
#endif
};

/* How a test's process ends; sanitizers and valgrind have their own numbers, which are none of these */
enum { PASSED = 0, FAILED = 10, SKIPPED = 11 };

/* --- in the test's process -------------------------------------------------------------------------- */

/* Where the test itself has been: a helper that fails says after what */
static _Thread_local const char *last_file = "";
static _Thread_local int last_line;

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool in_helpers(const char *file) { return strcmp(base(file), "suite_helpers.c") == 0; }

static void fail(const char *file)
{
    if (in_helpers(file)) printf(" (after %s:%d)", base(last_file), last_line);
    putchar('\n');
    process_exit(FAILED);
}

void suite_failed(const char *file, int line, const char *condition)
{
    printf("%s:%d: not so: %s", base(file), line, condition);
    fail(file);
}

static void print_value(int64_t value)
{
    const char *words = value < 0 && value > -1000 ? mio_strerror((int)value) : "";

    printf("%lld%s%s%s", (long long)value, words[0] ? " (" : "", words, words[0] ? ")" : "");
}

void suite_equal(const char *file, int line, const char *what, int64_t got, int64_t wanted)
{
    if (!in_helpers(file)) {
        last_file = file;
        last_line = line;
    }
    if (got == wanted) return;
    printf("%s:%d: %s is ", base(file), line, what);
    print_value(got);
    printf(", not ");
    print_value(wanted);
    fail(file);
}

void suite_skip(const char *why)
{
    printf("%s\n", why);
    process_exit(SKIPPED);
}

/* All queues are closed, and nothing is in a kernel any more. How many there were is a remark, for conformance.sh */
static void compare_packets(const char *name)
{
    long requests = requests_made(), packets = packets_taken();

    if (requests > 0 && requests == packets) printf("# %s: %ld requests, %ld packets\n", name, requests, packets);
    if (requests == packets) return;
    printf("%ld requests, %ld packets\n", requests, packets);
    process_exit(FAILED);
}

static void run_test(const struct test *t)
{
    reserve_port();
    int before = descriptors();
    t->run();
    int after = descriptors();
    compare_packets(t->name);
    if (after == before) return;
    printf("%d descriptors before, %d after\n", before, after);
    process_exit(FAILED);
}

/* --- the runner ------------------------------------------------------------------------------------- */

enum { MAX_TESTS = 1000, MAX_JOBS = 64, MAX_TEXT = 16000 };

static struct run {
    const struct test *test;
    enum { WAITS, RUNS, ENDED } state;
    struct process process;
    int64_t        until;
    int            status;
    bool           stopped;         /* its time was over */
    char          *text;            /* what it wrote */
} runs[MAX_TESTS];
static int count, failed;

static int setting(const char *name, int usual)
{
    const char *text = getenv(name);
    int value = text == NULL ? 0 : (int)strtol(text, NULL, 10);

    return value > 0 ? value : usual;
}

/* The first line that contains one of these says the most, else the first of all; cut off there */
static const char *telling(char *text)
{
    static const char *const words[] = { "ERROR: ", "WARNING: ", "runtime error: " };
    char *line = text;

    for (int i = 0; i < COUNT(words); i++) {
        char *found = strstr(text, words[i]);
        if (found == NULL) continue;
        for (line = found; line > text && line[-1] != '\n'; line--) continue;
        break;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void print_comment(const char *text)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        printf("#   %.*s\n", length, text);
        text += length;
        if (*text == '\n') text++;
    }
}

/* What a test that passed has to say: its lines that begin with # */
static void print_remarks(const char *text)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        if (*text == '#') printf("%.*s\n", length, text);
        text += length;
        if (*text == '\n') text++;
    }
}

static bool has_failed(const struct run *r) { return r->stopped || (r->status != PASSED && r->status != SKIPPED); }

static void print_result(struct run *r, int seconds)
{
    static char whole[MAX_TEXT];
    bool ended_badly = has_failed(r) && (r->stopped || r->status != FAILED);

    memcpy(whole, r->text, strlen(r->text) + 1);
    const char *line = telling(r->text), *colon = line[0] == '\0' ? "" : ": ";
    if (r->stopped) printf("not ok - %s: stopped after %d s%s%s\n", r->test->name, seconds, colon, line);
    else if (r->status == PASSED) printf("ok - %s\n", r->test->name);
    else if (r->status == SKIPPED) printf("skip - %s: %s\n", r->test->name, line);
    else if (r->status == FAILED) printf("not ok - %s: %s\n", r->test->name, line);
    else if (r->status == PROCESS_LOST) printf("not ok - %s: no process for it\n", r->test->name);
    else if (r->status < 0)
        printf("not ok - %s: %s%s%s\n", r->test->name, process_signal(-r->status), colon, line);
    else printf("not ok - %s: ended with status %d%s%s\n", r->test->name, r->status, colon, line);
    if (ended_badly) print_comment(whole);
    else if (r->status == PASSED) print_remarks(whole);
    if (has_failed(r)) failed++;
    fflush(stdout);
    free(r->text);
}

static void end_run(struct run *r, int status)
{
    static char text[MAX_TEXT];
    size_t length = 0;

    r->state = ENDED;
    r->status = status;
    if (r->process.output != NULL) {
        rewind(r->process.output);
        length = fread(text, 1, sizeof text - 1, r->process.output);
        fclose(r->process.output);
    }
    r->text = calloc(1, length + 1);
    if (r->text == NULL) exit(2);
    memcpy(r->text, text, length);
}

static void begin_run(struct run *r, int seconds)
{
    r->state = RUNS;
    r->until = now() + seconds * 1000 * MS;
    if (!process_start(&r->process, run_test, r->test, seconds)) {
        r->process.output = NULL;
        end_run(r, PROCESS_LOST);
    }
}

static void look_at(struct run *r)
{
    int status = process_ended(&r->process);

    if (status != PROCESS_RUNS) end_run(r, status);
    else if (now() >= r->until) {
        process_kill(&r->process);
        r->stopped = true;
        end_run(r, PROCESS_LOST);
    }
}

/* Only this one, which failed, is told of */
static void end_all(int begun, struct run *first, int seconds)
{
    for (int i = 0; i < begun; i++)
        if (runs[i].state == RUNS) process_kill(&runs[i].process);
    print_result(first, seconds);
    exit(1);
}

static void run_all(int jobs, int seconds)
{
    int begun = 0, printed = 0, running = 0;
    bool one_is_enough = setting("SUITE_FIRST", 0) > 0;

    while (printed < count) {
        for (; running < jobs && begun < count; running++) begin_run(&runs[begun++], seconds);
        nap(MS);
        running = 0;
        for (int i = printed; i < begun; i++) {
            if (runs[i].state == RUNS) look_at(&runs[i]);
            if (runs[i].state == RUNS) running++;
            else if (one_is_enough && has_failed(&runs[i])) end_all(begun, &runs[i], seconds);
        }
        for (; printed < begun && runs[printed].state == ENDED; printed++) print_result(&runs[printed], seconds);
    }
}

/* --- which tests ------------------------------------------------------------------------------------ */

static const struct test *find(const char *name)
{
    for (int i = 0; i < COUNT(tables); i++)
        for (const struct test *t = tables[i].tests; t->name != NULL; t++)
            if (strcmp(t->name, name) == 0) return t;
    return NULL;
}

static void add(const struct test *t)
{
    if (count == MAX_TESTS) {
        printf("not ok - suite: more than %d tests\n", MAX_TESTS);
        exit(2);
    }
    runs[count++].test = t;
}

static void add_all(void)
{
    for (int i = 0; i < COUNT(tables); i++)
        for (const struct test *t = tables[i].tests; t->name != NULL; t++) {
            add(t);
            if (find(t->name) == t) continue;
            printf("not ok - suite: two tests are called %s\n", t->name);
            failed++;
        }
}

static void list_unix_alone(void)
{
    for (int i = 0; i < COUNT(tables); i++)
        for (const struct test *t = tables[i].tests; tables[i].unix_alone && t->name != NULL; t++) puts(t->name);
}

static void add_named(const char *name)
{
    const struct test *t = find(name);

    if (t == NULL) {
        fprintf(stderr, "suite: no test is called %s\n", name);
        exit(2);
    }
    add(t);
}

int main(int argc, char **argv)
{
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0, here = argc > 1 && strcmp(argv[1], "-x") == 0;
    int jobs = setting("SUITE_JOBS", 4), seconds = setting("SUITE_SECONDS", 10);

    begin_program();
    if (argc > 1 && strcmp(argv[1], "-u") == 0) {
        list_unix_alone();
        return 0;
    }
    for (int i = list || here ? 2 : 1; i < argc; i++) add_named(argv[i]);
    if (count == 0) add_all();
    if (list || here) {
        for (int i = 0; i < count; i++)
            if (list) puts(runs[i].test->name);
            else run_test(runs[i].test);
    } else run_all(jobs < MAX_JOBS ? jobs : MAX_JOBS, seconds);
    return failed > 0 ? 1 : 0;
}
