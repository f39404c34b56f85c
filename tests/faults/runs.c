/*
 * Fails each kernel call of the library, one in each run: every call that a subject makes, with every error that its
 * manual has, once, or a few times in a row, or from then on for ever. Each run is a process of its own.
 *
 *   PROGRAM NAME DIRECTORY                     all of it, or so many as SAMPLE says, chosen by SEED
 *   PROGRAM NAME DIRECTORY CALL                of one call, and only until something is wrong
 *   PROGRAM NAME DIRECTORY SUBJECT CALL N TIMES ERROR      one run, in this process: for a debugger. TIMES 0: for ever
 *
 * NAME is for the lines. JOBS (2) run at once; LASTS=no leaves out what lasts, LASTS=only the rest; ONLY is the one
 * subject; EACH=yes has a line for each call, SHOW=yes one for each that waited in vain, or took long
 */
#define _GNU_SOURCE
#include "runs.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_JOBS = 64, MOST_TIMES = 60, A_FEW = 3, MANY = 100, MOST_BAD = 20, KILL_AFTER = 60 };

struct run {
    short subject, call;
    int   nth, times, error;
};

static struct job {
    pid_t       process;                /* 0: none */
    struct run  run;
    struct said *said;
    int         output;
    time_t      began;
} jobs[MOST_JOBS];
static int job_count = 2;

static const char *names[MOST_SUBJECTS];
static int subject_count;
static int counts[MOST_SUBJECTS][CALLS], twice[MOST_SUBJECTS];
static const char *title;
static long outcomes[OUTCOMES], struck_of[CALLS], missed;
static int bad, most_bad = MOST_BAD;
static int again[MOST_SUBJECTS], again_count;   /* subjects that failed without a fault, for the first time */
static bool counting = true;

/* --- one run --------------------------------------------------------------------------------------------- */

static void in_this_process(const struct run *r)
{
    fault.call = (enum call)r->call;
    fault.nth = r->nth;
    fault.times = r->times;
    fault.error = r->error;
    step(names[r->subject]);
    witness_begin(subject_seconds, r->nth == 0 ? 1 << 30 : twice[r->subject], subject_may_wait);
    subject_run(names[r->subject]);
    exit(0);
}

static void begin(struct job *j, const struct run *r)
{
    j->run = *r;
    memset(j->said, 0, sizeof *j->said);
    j->began = time(NULL);
    if (ftruncate(j->output, 0) != 0 || lseek(j->output, 0, SEEK_SET) != 0) exit(2);
    fflush(NULL);
    j->process = fork();
    if (j->process < 0) exit(2);
    if (j->process > 0) return;
    setpgid(0, 0);
    said = j->said;
    dup2(j->output, 1);
    dup2(j->output, 2);
    in_this_process(r);
}

/* What a sanitizer said, if it did */
static void take_line(struct job *j)
{
    static char text[20000];
    static const char *const words[] = { "ERROR: ", "runtime error: " };
    ssize_t n = pread(j->output, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    for (int i = 0; i < 2; i++) {
        char *line = strstr(text, words[i]), *frame = line == NULL ? NULL : strstr(line, "generated/src");
        if (line == NULL) continue;
        line[strcspn(line, "\n")] = '\0';
        if (frame != NULL) frame[strcspn(frame, "\n")] = '\0';
        snprintf(j->said->problem, sizeof j->said->problem, "%.150s %.100s", line, frame == NULL ? "" : frame);
    }
}

/* Says whether all was well; else said->problem has it */
static bool ended_well(struct job *j, int status)
{
    struct said *s = j->said;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 11) s->outcome = WELL;      /* the test was skipped */
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && s->outcome != NOTHING) return true;
    if (s->problem[0] == '\0' && s->outcome != WELL) take_line(j);
    if (s->problem[0] != '\0') return false;
    if (s->outcome == WELL) return true;
    if (WIFSIGNALED(status)) snprintf(s->problem, sizeof s->problem, "hangs, or is ended: %s", strsignal(WTERMSIG(status)));
    else snprintf(s->problem, sizeof s->problem, "ends with status %d and no word", WEXITSTATUS(status));
    return false;
}

static const char *ordinal(int n)
{
    static char text[20];
    bool teen = n / 10 % 10 == 1;
    const char *ending = teen || n % 10 == 0 || n % 10 > 3 ? "th" : n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : "rd";
    snprintf(text, sizeof text, "%d%s", n, ending);
    return text;
}

static const char *error_name(int error)
{
    static char text[40];
    const char *name = strerrorname_np(error & NUMBER);
    snprintf(text, sizeof text, "%s%s", error & OF_SYSTEM ? "EAI_SYSTEM, " : "", name);
    if (error & OF_NAMES) snprintf(text, sizeof text, "EAI %d", -(error & NUMBER));
    if (error & RECEIPT) snprintf(text, sizeof text, "%s as a receipt", name);
    return text;
}

static const char *kind(int call) { return call == KEVENT_CHANGE ? " for a change" : ""; }

static const char *how_long(int times)
{
    static char text[30];
    if (times == 0) return " for ever";
    snprintf(text, sizeof text, " %d times", times);
    return times == 1 ? "" : text;
}

/* "NAME: the 3rd recv with ENOMEM for ever", and in a comment how to have this run again */
static void print_run(const struct run *r)
{
    printf("%s: the %s %s%s with ", names[r->subject], ordinal(r->nth), rows[r->call].name, kind(r->call));
    printf("%s%s", error_name(r->error), how_long(r->times));
}

static void complain(const struct job *j)
{
    const struct run *r = &j->run;
    printf("not ok - faults, %s: ", title);
    if (r->nth == 0) printf("%s without a fault", names[r->subject]);
    else print_run(r);
    printf(": %s: %s\n", j->said->step, j->said->problem);
    if (r->nth > 0) printf("#   %s %d %d %d %d\n", names[r->subject], r->call, r->nth, r->times, r->error);
    fflush(stdout);
}

static void show(const struct job *j)
{
    printf("# waited in vain, or took long: ");
    print_run(&j->run);
    putchar('\n');
}

static void end(struct job *j, int status)
{
    kill(-j->process, SIGKILL);         /* what it left behind */
    j->process = 0;
    bool well = ended_well(j, status);
    if (!well && counting && again_count < MOST_SUBJECTS) {
        again[again_count++] = j->run.subject;
        return;
    }
    if (!well) {
        bad++;
        complain(j);
    }
    if (j->run.nth == 0) {
        memcpy(counts[j->run.subject], j->said->count, sizeof j->said->count);
        twice[j->run.subject] = j->said->closed_twice;
    } else if (j->said->struck || !well) {
        struck_of[j->run.call]++;
        outcomes[well ? j->said->outcome : NOTHING]++;
        if (well && j->said->outcome == GAVE_UP && getenv("SHOW") != NULL) show(j);
    } else missed++;
}

static void look_after(void)
{
    const struct timespec moment = { 0, 500000 };
    int status;
    for (int i = 0; i < job_count; i++) {
        struct job *j = &jobs[i];
        if (j->process == 0) continue;
        if (waitpid(j->process, &status, WNOHANG) > 0) end(j, status);
        else if (time(NULL) - j->began > KILL_AFTER) kill(-j->process, SIGKILL);
    }
    nanosleep(&moment, NULL);
}

static bool all_free(void)
{
    for (int i = 0; i < job_count; i++) if (jobs[i].process != 0) return false;
    return true;
}

static void run_all(const struct run *runs, long count)
{
    long next = 0;
    while (next < count && bad < most_bad) {
        for (int i = 0; i < job_count && next < count; i++)
            if (jobs[i].process == 0) begin(&jobs[i], &runs[next++]);
        look_after();
    }
    while (!all_free()) look_after();
}

/* --- which runs ---------------------------------------------------------------------------------------------- */

static struct run *plan;
static long planned;

static void add(int subject, int call, int nth, int times, int error)
{
    static long room;
    if (planned == room) {
        room = room * 2 + 1000;
        plan = realloc(plan, (size_t)room * sizeof *plan);
        if (plan == NULL) exit(2);
    }
    plan[planned++] = (struct run){ .subject = (short)subject, .call = (short)call, .nth = nth, .times = times, .error = error };
}

/* Signals come often, and not for ever. So do peers that are gone when they are accepted; but how an interface that is
   down is told is the system's to choose */
static bool passes(int error)
{
    return error == EINTR || error == ECONNABORTED;
}

enum how { ONCE, LASTING, BOTH_WAYS };

static void add_all_of(int subject, int call, int nth, enum how how)
{
    for (const int *error = rows[call].errors; *error != 0; error++) {
        if (how != LASTING) add(subject, call, nth, 1, *error);
        if (how == ONCE) continue;
        add(subject, call, nth, passes(*error) ? MANY : A_FEW, *error);
        if (!passes(*error)) add(subject, call, nth, 0, *error);
    }
}

/* Of a call that is made very often, the first ones, the last ones, and some between */
static bool is_chosen(int nth, int count)
{
    return count <= MOST_TIMES || nth <= MOST_TIMES / 2 || nth > count - MOST_TIMES / 6 || nth % (count / (MOST_TIMES / 3)) == 0;
}

static void plan_all(const char *only, enum how how)
{
    for (int subject = 0; subject < subject_count; subject++)
        for (int call = 0; call < CALLS; call++) {
            if (only != NULL && strcmp(only, rows[call].name) != 0) continue;
            for (int nth = 1; nth <= counts[subject][call]; nth++)
                if (is_chosen(nth, counts[subject][call])) add_all_of(subject, call, nth, how);
        }
}

static uint32_t seed = 1;

static long random_below(long limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (long)(seed % (uint32_t)limit);
}

/* Calls that are made seldom have their part as well: of each kind in turn one, until there are so many */
static long choose(struct run *chosen, long wanted)
{
    long n = 0;
    for (long i = planned - 1; i > 0; i--) {
        long j = random_below(i + 1);
        struct run swapped = plan[i];
        plan[i] = plan[j];
        plan[j] = swapped;
    }
    long at[CALLS] = { 0 };
    for (bool more = true; more && n < wanted; ) {
        more = false;
        for (int call = 0; call < CALLS && n < wanted; call++) {
            while (at[call] < planned && plan[at[call]].call != call) at[call]++;
            if (at[call] == planned) continue;
            chosen[n++] = plan[at[call]++];
            more = true;
        }
    }
    return n;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static void say_each(void)
{
    for (int call = 0; call < CALLS; call++) {
        long possible = 0;
        for (int i = 0; i < subject_count; i++) possible += counts[i][call];
        if (possible == 0) continue;
        if (struck_of[call] == 0) printf("not ok - faults, %s: %s%s never failed\n", title, rows[call].name, kind(call));
        else printf("ok - faults, %s: %s%s: %ld failures, each with a documented end\n", title, rows[call].name, kind(call), struck_of[call]);
    }
}

static void say_total(long runs, long of, const char *with_seed)
{
    long struck = 0;
    for (int i = 0; i < OUTCOMES; i++) struck += outcomes[i];
    printf("%s - faults, %s: %ld failures in %d subjects (%ld of %ld runs%s, %ld not reached): %ld went on well, %ld said so, "
        "%ld waited in vain or took long, %ld kept a thread; each queue ended\n", bad == 0 && struck > 0 ? "ok" : "not ok", title, struck, subject_count, runs, of,
        with_seed, missed, outcomes[WELL], outcomes[ASSERTED], outcomes[GAVE_UP], outcomes[HELD]);
    fflush(stdout);
}

static void run_plan(long sample, bool each)
{
    char with_seed[40] = "";
    struct run *chosen = plan;
    long count = planned;
    if (sample > 0 && sample < planned) {
        snprintf(with_seed, sizeof with_seed, ", SEED=%u", seed);
        chosen = calloc((size_t)sample, sizeof *chosen);
        if (chosen == NULL) exit(2);
        count = choose(chosen, sample);
    }
    run_all(chosen, count);
    if (each && bad == 0) say_each();
    say_total(count, planned, with_seed);
    if (chosen != plan) free(chosen);
}

static long setting(const char *name, long usual)
{
    const char *text = getenv(name);
    return text == NULL || *text == '\0' ? usual : strtol(text, NULL, 10);
}

static void make_jobs(void)
{
    job_count = (int)setting("JOBS", 2);
    if (job_count < 1 || job_count > MOST_JOBS) job_count = 2;
    for (int i = 0; i < job_count; i++) {
        jobs[i].said = mmap(NULL, sizeof(struct said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        jobs[i].output = memfd_create("output", MFD_CLOEXEC);
        if (jobs[i].said == MAP_FAILED || jobs[i].output < 0) exit(2);
    }
    said = jobs[0].said;
}

static int one_run(char **argv)
{
    struct run r = { .subject = 0, .call = (short)atoi(argv[4]), .nth = atoi(argv[5]), .times = atoi(argv[6]), .error = atoi(argv[7]) };
    while (r.subject < subject_count && strcmp(names[r.subject], argv[3]) != 0) r.subject++;
    if (r.subject == subject_count) return 2;
    in_this_process(&r);
    return 0;
}

/* What each subject calls. Who fails without a fault has a second chance: the machine may be slow */
static void count_all(void)
{
    for (int i = 0; i < subject_count; i++) add(i, 0, 0, 0, 0);
    run_all(plan, planned);
    planned = 0;
    counting = false;
    for (int i = 0; i < again_count; i++) add(again[i], 0, 0, 0, 0);
    run_all(plan, planned);
    planned = 0;
}

static enum how how_asked(void)
{
    const char *lasts = getenv("LASTS");
    return lasts == NULL ? BOTH_WAYS : strcmp(lasts, "no") == 0 ? ONCE : LASTING;
}

int main(int argc, char **argv)
{
    const char *only = argc == 4 ? argv[3] : NULL, *subject = getenv("ONLY");
    if (argc < 3) return 2;
    title = argv[1];
    directory = argv[2];
    make_jobs();
    subject_count = subjects(names);
    if (argc == 8) return one_run(argv);
    if (subject != NULL) {
        names[0] = subject;
        subject_count = 1;
    }
    seed = (uint32_t)setting("SEED", 1);
    count_all();
    if (bad > 0) return 1;
    if (only != NULL) most_bad = 1;
    plan_all(only, how_asked());
    run_plan(setting("SAMPLE", 0), getenv("EACH") != NULL);
    return bad > 0;
}
