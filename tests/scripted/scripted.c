/*
 * The library on a kernel that is a script: see kernel.h.
 *
 *   scripted             each script, in a process of its own: a line for each group
 *   scripted first       only until one fails; says which
 *   scripted NAME [N]    one script, in this process: for a debugger; a random run's with seeds plus N
 *   scripted table       what was played, as rows of a table
 *   scripted seeds N     the random runs, with N times four other seeds
 */
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60, SOCKETS = 40, BEGIN = 1000 };

/* What a run says to its parent */
static struct said {
    int calls, events, waits, timers;
    int64_t seconds;            /* of the script's clock */
    char problem[300];
} *said;

void problem(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    vsnprintf(said->problem, sizeof said->problem, format, rest);
    va_end(rest);
    fprintf(stderr, "%s\n", said->problem);
    _exit(1);
}

/* --- sockets and operations ------------------------------------------------------------------------------ */

static struct item {
    mio_op op;                  /* the first: what comes back is an item */
    unsigned char *bytes;
    bool inside;
} items[ITEMS];

mio_queue *queue;
mio_socket *a, *b, *c;
static mio_socket *sockets[SOCKETS];
static int count_of_sockets, inside;
static mio_op *done[64];
static int came, taken;         /* of done[]: those that the test has looked at */
static unsigned char numbers_in[FDS], numbers_out[FDS];

mio_socket *fresh(void)
{
    mio_socket *s = malloc(sizeof *s);
    if (count_of_sockets == SOCKETS || s == NULL) problem("too many sockets");
    memset(s, 0, sizeof *s);
    s->native = -1;
    return sockets[count_of_sockets++] = s;
}

mio_socket *opened(int family, int type)
{
    mio_socket *s = fresh();
    int code = mio_socket_open(s, family, type);
    if (code != 0) problem("a socket does not open: %s", mio_strerror(code));
    return s;
}

mio_socket *adopted_pipe(void)
{
    mio_socket *s = fresh();
    if (mio_socket_adopt(s, open_descriptor()) != 0) problem("a pipe is not adopted");
    return s;
}

void gone(mio_socket *s)
{
    int i = 0;
    volatile unsigned char *bytes = (volatile unsigned char *)s;
    while (sockets[i] != s) i++;
    for (size_t n = 0; n < sizeof *s; n++) bytes[n] = 0xa5;
    free(s);
    sockets[i] = NULL;
}

mio_op *op_of(int i) { return &items[i].op; }

/* As the scripts call it */
const char *name_of(int fd)
{
    static const char letters[] = "abc";
    static char text[2][8];
    static int turn;
    char *to = text[turn++ % 2];
    snprintf(to, 8, "%d", fd);
    for (int i = 0; i < 3 && i < count_of_sockets; i++)
        if (sockets[i] != NULL && sockets[i]->native == fd) snprintf(to, 8, "%c", letters[i]);
    return to;
}

static int64_t next_deadline;
void due(int64_t deadline) { next_deadline = deadline; }

/* It was prepared. By now the library has made the calls of the script */
static void submit(int i, const char *what)
{
    if (items[i].inside) problem("the script submits %s twice", what);
    if (next_deadline != 0) items[i].op.deadline = next_deadline;
    next_deadline = 0;
    int code = mio_queue_submit(queue, &items[i].op);
    if (code != 0) problem("%s is refused: %s", what, mio_strerror(code));
    items[i].inside = true;
    inside++;
    script_is_used_up(what);
}

static unsigned char *room(int i, size_t length)
{
    free(items[i].bytes);
    items[i].bytes = malloc(length);
    return items[i].bytes;
}

/* The next numbers of what is sent there */
static const void *numbers(int i, const mio_socket *s, size_t length)
{
    unsigned char *bytes = room(i, length);
    for (size_t n = 0; n < length; n++) bytes[n] = (unsigned char)(numbers_out[s->native] + n);
    return bytes;
}

void receive(int i, mio_socket *s, size_t length)
{
    mio_op_receive(&items[i].op, s, room(i, length), length);
    submit(i, "receive");
}

void send_some(int i, mio_socket *s, size_t length)
{
    mio_op_send(&items[i].op, s, numbers(i, s, length), length);
    submit(i, "send");
}

void send_all(int i, mio_socket *s, size_t length)
{
    mio_op_send_all(&items[i].op, s, numbers(i, s, length), length);
    numbers_out[s->native] = (unsigned char)(numbers_out[s->native] + length);
    submit(i, "send_all");
}

void waits_to_receive(int i, mio_socket *s)
{
    will_recv(s, 100, -EAGAIN);
    will_watch(s, READING);
    receive(i, s, 100);
}

void waits_to_send(int i, mio_socket *s)
{
    will_send(s, 100, -EAGAIN);
    will_watch(s, WRITING);
    send_all(i, s, 100);
}

void accepts(int i, mio_socket *listener, mio_socket *s)
{
    mio_op_accept(&items[i].op, listener, s);
    submit(i, "accept");
}

void connects(int i, mio_socket *s, const mio_address *to)
{
    mio_op_connect(&items[i].op, s, to);
    submit(i, "connect");
}

void shuts(int i, mio_socket *s, int half)
{
    mio_op_shut(&items[i].op, s, half);
    submit(i, "shut");
}

void ready(int i, mio_socket *s, int way)
{
    mio_op_ready(&items[i].op, s, way);
    submit(i, "ready");
}

void timer(int i, int64_t deadline)
{
    mio_op_timer(&items[i].op, deadline);
    submit(i, "timer");
}

void nop(int i)
{
    mio_op_nop(&items[i].op);
    submit(i, "nop");
}

void closes(int i, mio_socket *s)
{
    mio_op_close(&items[i].op, s);
    submit(i, "close");
}

void cancel(int i)
{
    if (mio_queue_cancel(queue, &items[i].op) != 0) problem("a cancel is refused");
    script_is_used_up("cancel");
}

void posted(int i)
{
    items[i].inside = true;
    inside++;
    if (mio_queue_post(queue, &items[i].op) != 0) problem("a post is refused");
}

/* --- what comes back ------------------------------------------------------------------------------------- */

static int waits(int64_t timeout, int capacity)
{
    if (taken < came) problem("%d operations came back that the script does not have", came - taken);
    taken = came = 0;
    int n = mio_queue_wait(queue, done, capacity, timeout);
    if (!kernel.automatic) script_is_used_up("mio_queue_wait");
    for (int i = 0; i < n; i++) {
        struct item *one = (struct item *)done[i];
        if (!one->inside) problem("an operation comes back twice");
        one->inside = false;
        inside--;
    }
    came = n > 0 ? n : 0;
    return n;
}

/* What was received on a socket bears the next numbers */
static void look_at_bytes(const struct item *one)
{
    const mio_socket *s = one->op.socket;
    if (s == NULL || s->native < 0 || one->op.result <= 0 || one->bytes == NULL || one->op.buffer != one->bytes) return;
    if (one->op.way == WRITING) {
        if (one->op.done != (size_t)one->op.result) problem("`done` is not the result");
        numbers_out[s->native] = kernel.fds[s->native].out;
        return;
    }
    for (int64_t i = 0; i < one->op.result; i++)
        if (one->bytes[i] != numbers_in[s->native]++) problem("other bytes are received than the next ones");
}

static void is_next(int i, int64_t result)
{
    if (taken == came) problem("operation %d has not come back", i);
    const struct item *one = (const struct item *)done[taken++];
    if (one != &items[i]) problem("operation %d comes back, not %d", (int)(one - items), i);
    if (one->op.result != result) problem("operation %d: %lld (%s, native %d), not %lld", i, (long long)one->op.result,
        mio_strerror((int)one->op.result), one->op.native, (long long)result);
    if (one->op.kind != 0 && one->op.result >= 0 && one->op.native != 0) problem("a success with an error");
    look_at_bytes(one);
}

void back(int i, int64_t result)
{
    if (taken == came) waits(FOR_EVER, 64);
    is_next(i, result);
}

void back_alone(int i, int64_t result)
{
    waits(FOR_EVER, 1);
    is_next(i, result);
}

void wait_says(int64_t timeout, int code)
{
    int n = waits(timeout, 64);
    if (n != code) problem("mio_queue_wait says %d, not %d", n, code);
}

void nothing_for(int64_t timeout)
{
    int64_t begin = kernel.now;
    wait_says(timeout, 0);
    if (kernel.now - begin < timeout) problem("a wait ends early");
}

/* --- before and after ------------------------------------------------------------------------------------ */

static void open_queue(uint32_t events)
{
    mio_options options = { .events = events };
    kernel.room = (int)events;
    if (mio_queue_open(&queue, &options) != 0) problem("the queue does not open");
}

static void close_queue(void)
{
    for (int i = 0; i < 100 && waits(0, 64) != MIO_ESHUTDOWN; i++) taken = came;
    if (inside != 0) problem("%d operations have not come back", inside);
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
}

void queue_again(uint32_t events)
{
    kernel.automatic = true;
    mio_queue_shutdown(queue);
    close_queue();
    open_queue(events);
    kernel.automatic = false;
}

static void before(void)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.lowest = 3;
    kernel.automatic = true;
    kernel.now = BEGIN * SECOND;
    open_queue(ROOM);
    a = opened(MIO_IPV4, MIO_STREAM);
    b = opened(MIO_IPV4, MIO_STREAM);
    c = opened(MIO_IPV6, MIO_STREAM);
    kernel.automatic = false;
}

/* The kernel plays by itself: everything is given back */
static void after(void)
{
    static mio_op ends[SOCKETS];
    script_is_used_up("the end");
    if (taken < came) problem("%d operations came back that the script does not have", came - taken);
    kernel.automatic = true;
    kernel.sleep = NULL;
    mio_queue_shutdown(queue);
    close_queue();
    open_queue(ROOM);
    for (int i = 0; i < count_of_sockets; i++)
        if (sockets[i] != NULL && sockets[i]->native >= 0) mio_socket_close(queue, &ends[i], sockets[i]);
    while (mio_queue_wait(queue, done, 64, 0) > 0) ;
    mio_queue_shutdown(queue);
    if (mio_queue_wait(queue, done, 64, 0) != MIO_ESHUTDOWN) problem("closes do not come back");
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
    for (int fd = 0; fd < FDS; fd++)
        if (kernel.fds[fd].open) problem("descriptor %d is left open", fd);
    if (kernel.memory != 0) problem("memory is left");
    for (int i = 0; i < count_of_sockets; i++) free(sockets[i]);
    for (int i = 0; i < ITEMS; i++) free(items[i].bytes);
}

static void play(const struct script *s)
{
    alarm(SECONDS);
    before();
    s->run();
    after();
    said->calls = kernel.calls;
    said->events = kernel.events;
    said->waits = kernel.waits;
    said->timers = kernel.timers;
    said->seconds = kernel.now / SECOND - BEGIN;
}

/* --- all of them ----------------------------------------------------------------------------------------- */

static bool forked(const struct script *s)
{
    int status = 0;
    memset(said, 0, sizeof *said);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(2);
        play(s);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (said->problem[0] == '\0')
        snprintf(said->problem, sizeof said->problem, "ends with status 0x%x, as a sanitizer, a crash or a hang ends it",
            (unsigned)status);
    return false;
}

static const struct script *const sets[] = { common_scripts, own_scripts, clock_scripts, weak_scripts };
enum { SETS = sizeof sets / sizeof sets[0] };
enum { GROUPS = 12 };

static struct group {
    const char *name;
    int scripts, bad;
    long calls, events, waits, timers;
    double days;
} groups[GROUPS];

static struct group *group_of(const struct script *s)
{
    int i = 0;
    while (groups[i].name != NULL && strcmp(groups[i].name, s->group) != 0) i++;
    groups[i].name = s->group;
    return &groups[i];
}

static bool played(const struct script *s)
{
    struct group *g = group_of(s);
    bool well = forked(s);
    g->scripts++;
    g->bad += !well;
    g->calls += said->calls;
    g->events += said->events;
    g->waits += said->waits;
    g->timers += said->timers;
    g->days += (double)said->seconds / 86400;
    if (!well) printf("not ok - scripted %s, %s: %s: %s\n", kernel_name, s->group, s->name, said->problem);
    return well;
}

static void say(const struct group *g, bool table)
{
    if (table) printf("%s|%s|%d|%ld|%ld|%ld|%ld|%.0f\n", kernel_name, g->name, g->scripts, g->calls, g->events, g->waits,
            g->timers, g->days);
    else if (g->bad == 0)
        printf("ok - scripted %s, %s: %d scripts, %ld calls, %ld events, %ld waits\n", kernel_name, g->name, g->scripts,
            g->calls, g->events, g->waits);
}

uint64_t other_seeds;

static bool other_runs(int rounds)
{
    bool well = true;
    for (int set = 0; set < SETS; set++)
        for (const struct script *s = sets[set]; s->run != NULL; s++)
            if (strncmp(s->group, "random", 6) == 0)
                for (int round = 1; round <= rounds; round++) {
                    other_seeds = 4 * (uint64_t)round;
                    if (!played(s)) well = printf("# %s plus %d\n", s->name, 4 * round) < 0;
                }
    for (int i = 0; i < GROUPS && groups[i].name != NULL; i++) say(&groups[i], false);
    return well;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool only_first = strcmp(what, "first") == 0, table = strcmp(what, "table") == 0, well = true;
    said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED) return 2;
    if (argc == 3 && strcmp(what, "seeds") == 0) return other_runs(atoi(argv[2])) ? 0 : 1;
    if (argc == 3) other_seeds = (uint64_t)atoi(argv[2]);
    for (int set = 0; set < SETS; set++)
        for (const struct script *s = sets[set]; s->run != NULL; s++) {
            if (strcmp(s->name, what) == 0) {
                play(s);
                return 0;
            }
            if (what[0] != '\0' && !only_first && !table) continue;
            well = played(s) && well;
            if (!well && only_first) return 1;
        }
    for (int i = 0; i < GROUPS && groups[i].name != NULL; i++) say(&groups[i], table);
    return well ? 0 : 1;
}
