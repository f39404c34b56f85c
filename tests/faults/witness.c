/* See witness.h */
#define _GNU_SOURCE
#include "witness.h"
#include "../../generated/src/queue.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, MOST_QUEUES = 256, MOST_POOLS = 64, TABLE = 1 << 18, AGAIN = 100, HANGS = 30, STILL = 4 };

struct said *said;
static pid_t process;
static pthread_t first_thread;
static int expected_twice;

/* --- what is wrong --------------------------------------------------------------------------------------- */

/* A process that a test started says nothing: the queue is its parent's */
static void leave_child(void)
{
    if (getpid() != process) _exit(10);
}

void problem(const char *format, ...)
{
    static atomic_bool told;
    va_list rest;
    leave_child();
    if (atomic_exchange(&told, true)) for (;;) pause();
    va_start(rest, format);
    vsnprintf(said->problem, sizeof said->problem, format, rest);
    va_end(rest);
    fprintf(stderr, "%s: %s\n", said->step, said->problem);
    _exit(1);
}

void step(const char *name) { snprintf(said->step, sizeof said->step, "%s", name); }

static void must_be_documented(const char *what, int64_t code, unsigned may)
{
    if (!is_documented(code, may)) problem("%s says '%s', which minimio.h does not have for it", what, mio_strerror((int)code));
}

/* --- in the library, and out ------------------------------------------------------------------------------ */

static atomic_int  in_library;          /* threads */
static atomic_bool taken_over, over;    /* somebody ends the run; the next call of the first thread shall */
static atomic_long calls;
static _Thread_local bool ends;         /* it is this thread */
static _Thread_local const char *doing; /* the call that it is in */

/* Another thread ends the run: this one does nothing more with any queue */
static void stop_here(void)
{
    if (taken_over && !ends) for (;;) pause();
}

static void enter(const char *what)
{
    calls++;
    if (over && !ends && pthread_equal(pthread_self(), first_thread)) witness_take_over(GAVE_UP);
    in_library++;
    if (taken_over && !ends) {
        in_library--;
        stop_here();
    }
    doing = what;
    seam_entered();
}

static void leave(void)
{
    const char *what = doing;
    doing = NULL;
    in_library--;
    stop_here();
    if (fault.spins) problem("%s calls the kernel again and again", what);
}

/* --- what is inside --------------------------------------------------------------------------------------- */

/* By the address of the operation. A place that was used is used again for the same one only. A post may be back before
   its call is: so what is on its way in is not inside yet */
static struct known {
    mio_op    *op;
    mio_queue *queue;
    int        inside, goes_in;
    long       since;               /* how many went in before */
    bool       posted;
} table[TABLE];
static struct known *in_use[TABLE];
static int known;
static atomic_long accepts;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct known *find(mio_op *op)
{
    size_t i = ((uintptr_t)op >> 3) * 2654435761u % TABLE;
    while (table[i].op != NULL && table[i].op != op) i = (i + 1) % TABLE;
    if (table[i].op == NULL) {
        if (known == TABLE / 2) problem("the witness knows too many operations");
        in_use[known++] = &table[i];
    }
    table[i].op = op;
    return &table[i];
}

static void goes_in(mio_queue *q, mio_op *op, bool posted)
{
    pthread_mutex_lock(&mutex);
    struct known *k = find(op);
    if (k->goes_in++ + k->inside == 0) {
        k->queue = q;
        k->posted = posted;
    }
    pthread_mutex_unlock(&mutex);
}

static int went_in(mio_op *op, const char *what, int refused)
{
    pthread_mutex_lock(&mutex);
    struct known *k = find(op);
    k->goes_in--;
    if (refused == 0) {
        k->inside++;
        k->since = accepts++;
    }
    pthread_mutex_unlock(&mutex);
    must_be_documented(what, refused, REFUSED);
    return refused;
}

static unsigned may_come(const mio_op *op)
{
    switch (op->kind) {
    case OP_CONNECT:      return OF_CONNECT;
    case OP_ACCEPT:       return OF_ACCEPT;
    case OP_RECEIVE:      return OF_RECEIVE;
    case OP_SEND:
    case OP_SEND_ALL:     return OF_SEND;
    case OP_RECEIVE_FROM: return OF_RECEIVE_FROM;
    case OP_SEND_TO:      return OF_SEND_TO;
    case OP_SHUT:         return OF_SHUT;
    case OP_CLOSE:        return OF_CLOSE;
    case OP_READY:        return OF_READY;
    case OP_WORK:         return ~0u;       /* what the function says */
    default:              return OF_TIMER;
    }
}

static void came_back(mio_queue *q, mio_op *op)
{
    static const char *const names[] = { "nothing", "nop", "work", "timer", "close", "shut", "connect", "ready", "accept",
        "receive_from", "send_to", "receive", "send", "send_all" };
    pthread_mutex_lock(&mutex);
    struct known k = *find(op);
    find(op)->inside--;
    pthread_mutex_unlock(&mutex);
    const char *name = names[op->kind];
    if (k.inside + k.goes_in <= 0) problem("%s comes back and is not inside", name);
    if (k.queue != q) problem("%s comes back from another queue", name);
    must_be_documented(name, op->result, may_come(op) | (k.posted ? REFUSED : 0u));
    if (op->kind == OP_WORK) return;
    if (op->native == EINTR) problem("%s is ended by a signal", name);
    if (op->result >= 0 && op->native != 0) problem("%s succeeds with error %d", name, op->native);
    if (op->kind == OP_ACCEPT && op->result == 0) seam_owner(op->with.accepted->native, PROGRAM_S);
}

/* Of one kind, or -1: of all */
static int inside_since(const mio_queue *q, int kind, long before)
{
    int n = 0;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < known; i++) {
        const struct known *k = in_use[i];
        if (k->inside > 0 && k->queue == q && k->since < before && (kind < 0 || k->op->kind == kind)) n += k->inside;
    }
    pthread_mutex_unlock(&mutex);
    return n;
}

static int inside(const mio_queue *q, int kind) { return inside_since(q, kind, LONG_MAX); }

/* --- queues and pools -------------------------------------------------------------------------------------- */

static mio_queue *queues[MOST_QUEUES];
static mio_pool *pools[MOST_POOLS];
static _Thread_local mio_queue *volatile waiting;

static void remember(void **list, int most, void *what, void *instead)
{
    pthread_mutex_lock(&mutex);
    int i = 0;
    while (i < most && list[i] != what) i++;
    if (i < most) list[i] = instead;
    pthread_mutex_unlock(&mutex);
    if (i == most) problem("the witness has no more room");
}

int witness_queue_open(mio_queue **opened, const mio_options *options);
int witness_queue_open(mio_queue **opened, const mio_options *options)
{
    enter("mio_queue_open");
    int code = mio_queue_open(opened, options);
    if (code == 0) remember((void **)queues, MOST_QUEUES, NULL, *opened);
    leave();
    /* No manual has a reason for fcntl to fail, so minimio.h has no code for it */
    must_be_documented("mio_queue_open", code, fault.call == FCNTL ? CALL : OPEN);
    if (code != 0 && *opened != NULL) problem("mio_queue_open fails and leaves a queue");
    return code;
}

int witness_queue_close(mio_queue *q);
int witness_queue_close(mio_queue *q)
{
    int left = inside(q, -1);
    enter("mio_queue_close");
    int code = mio_queue_close(q);
    if (code == 0) remember((void **)queues, MOST_QUEUES, q, NULL);
    leave();
    must_be_documented("mio_queue_close", code, BIT(MIO_EBUSY));
    if (code == 0 && left > 0) problem("a queue closes with %d operations inside", left);
    return code;
}

int witness_pool_open(mio_pool **opened, int threads, int room);
int witness_pool_open(mio_pool **opened, int threads, int room)
{
    enter("mio_pool_open");
    int code = mio_pool_open(opened, threads, room);
    if (code == 0) remember((void **)pools, MOST_POOLS, NULL, *opened);
    leave();
    must_be_documented("mio_pool_open", code, POOL);
    if (code != 0 && *opened != NULL) problem("mio_pool_open fails and leaves a pool");
    return code;
}

int witness_pool_close(mio_pool *);
int witness_pool_close(mio_pool *p)
{
    enter("mio_pool_close");
    int code = mio_pool_close(p);
    if (code == 0) remember((void **)pools, MOST_POOLS, p, NULL);
    leave();
    must_be_documented("mio_pool_close", code, BIT(MIO_EBUSY));
    return code;
}

static int64_t now_is(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static int checked_wait(mio_queue *q, mio_op **done, int capacity, int64_t timeout)
{
    int64_t began = now_is();
    long before = accepts;              /* a close may be posted as soon as the queue was empty */
    waiting = q;
    enter("mio_queue_wait");
    int n = mio_queue_wait(q, done, capacity, timeout);
    waiting = NULL;
    if (n > 0 && n > capacity) problem("mio_queue_wait gives more than it may");
    for (int i = 0; i < n; i++) came_back(q, done[i]);
    leave();
    must_be_documented("mio_queue_wait", n, WAIT);
    if (n == 0 && (timeout < 0 || now_is() - began < timeout)) problem("mio_queue_wait says that the time is up, and it is not");
    int left = n == MIO_ESHUTDOWN ? inside_since(q, -1, before) : 0;
    if (left > 0) problem("a queue says that it is empty, and %d are inside", left);
    return n;
}

int witness_queue_wait(mio_queue *q, mio_op **done, int capacity, int64_t timeout);
int witness_queue_wait(mio_queue *q, mio_op **done, int capacity, int64_t timeout)
{
    int n = checked_wait(q, done, capacity, timeout);
    if (over && n <= 0) witness_take_over(GAVE_UP);
    return n;
}

int witness_queue_shutdown(mio_queue *q);
int witness_queue_shutdown(mio_queue *q)
{
    enter("mio_queue_shutdown");
    int code = mio_queue_shutdown(q);
    leave();
    if (code != 0) problem("mio_queue_shutdown fails");
    return 0;
}

int witness_queue_cancel(mio_queue *q, mio_op *op);
int witness_queue_cancel(mio_queue *q, mio_op *op)
{
    enter("mio_queue_cancel");
    int code = mio_queue_cancel(q, op);
    leave();
    must_be_documented("mio_queue_cancel", code, BIT(MIO_EINVAL));
    return code;
}

/* --- any thread: it may be one of a pool's, which must go on ----------------------------------------------- */

int witness_queue_post(mio_queue *q, mio_op *op);
int witness_queue_post(mio_queue *q, mio_op *op)
{
    in_library++;
    if (taken_over && !ends) {
        in_library--;
        return MIO_ESHUTDOWN;
    }
    goes_in(q, op, true);
    int refused = went_in(op, "mio_queue_post", mio_queue_post(q, op));
    in_library--;
    return refused;
}

/* Safe in a signal handler, so it is not watched */
int witness_queue_wake(mio_queue *q);
int witness_queue_wake(mio_queue *q)
{
    in_library++;
    int code = taken_over && !ends ? 0 : mio_queue_wake(q);
    in_library--;
    return code;
}

/* --- submissions ------------------------------------------------------------------------------------------- */

static void before(mio_queue *q, mio_op *op, const char *what)
{
    goes_in(q, op, false);
    enter(what);
}

static int after(mio_op *op, int refused)
{
    went_in(op, doing, refused);
    leave();
    return refused;
}

int witness_queue_submit(mio_queue *q, mio_op *op);
int witness_queue_submit(mio_queue *q, mio_op *op)
{
    before(q, op, "mio_queue_submit");
    return after(op, mio_queue_submit(q, op));
}

int witness_connect(mio_queue *q, mio_op *op, mio_socket *s, const mio_address *to);
int witness_connect(mio_queue *q, mio_op *op, mio_socket *s, const mio_address *to)
{
    before(q, op, "mio_connect");
    return after(op, mio_connect(q, op, s, to));
}

int witness_accept(mio_queue *q, mio_op *op, mio_socket *listener, mio_socket *accepted);
int witness_accept(mio_queue *q, mio_op *op, mio_socket *listener, mio_socket *accepted)
{
    before(q, op, "mio_accept");
    return after(op, mio_accept(q, op, listener, accepted));
}

int witness_receive(mio_queue *q, mio_op *op, mio_socket *s, void *buffer, size_t length);
int witness_receive(mio_queue *q, mio_op *op, mio_socket *s, void *buffer, size_t length)
{
    before(q, op, "mio_receive");
    return after(op, mio_receive(q, op, s, buffer, length));
}

int witness_send(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length);
int witness_send(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length)
{
    before(q, op, "mio_send");
    return after(op, mio_send(q, op, s, buffer, length));
}

int witness_send_all(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length);
int witness_send_all(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length)
{
    before(q, op, "mio_send_all");
    return after(op, mio_send_all(q, op, s, buffer, length));
}

int witness_receive_from(mio_queue *q, mio_op *op, mio_socket *s, void *buffer, size_t length, mio_address *from);
int witness_receive_from(mio_queue *q, mio_op *op, mio_socket *s, void *buffer, size_t length, mio_address *from)
{
    before(q, op, "mio_receive_from");
    return after(op, mio_receive_from(q, op, s, buffer, length, from));
}

int witness_send_to(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length, const mio_address *to);
int witness_send_to(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer, size_t length, const mio_address *to)
{
    before(q, op, "mio_send_to");
    return after(op, mio_send_to(q, op, s, buffer, length, to));
}

int witness_shut(mio_queue *q, mio_op *op, mio_socket *s, int half);
int witness_shut(mio_queue *q, mio_op *op, mio_socket *s, int half)
{
    before(q, op, "mio_shut");
    return after(op, mio_shut(q, op, s, half));
}

int witness_socket_close(mio_queue *q, mio_op *op, mio_socket *s);
int witness_socket_close(mio_queue *q, mio_op *op, mio_socket *s)
{
    before(q, op, "mio_socket_close");
    return after(op, mio_socket_close(q, op, s));
}

int witness_ready(mio_queue *q, mio_op *op, mio_socket *s, int direction);
int witness_ready(mio_queue *q, mio_op *op, mio_socket *s, int direction)
{
    before(q, op, "mio_ready");
    return after(op, mio_ready(q, op, s, direction));
}

int witness_timer(mio_queue *q, mio_op *op, int64_t deadline);
int witness_timer(mio_queue *q, mio_op *op, int64_t deadline)
{
    before(q, op, "mio_timer");
    return after(op, mio_timer(q, op, deadline));
}

int witness_nop(mio_queue *q, mio_op *op);
int witness_nop(mio_queue *q, mio_op *op)
{
    before(q, op, "mio_nop");
    return after(op, mio_nop(q, op));
}

int witness_work(mio_queue *q, mio_op *op, mio_pool *pool, void (*run)(mio_op *));
int witness_work(mio_queue *q, mio_op *op, mio_pool *pool, void (*run)(mio_op *))
{
    before(q, op, "mio_work");
    return after(op, mio_work(q, op, pool, run));
}

int witness_resolve(mio_queue *q, mio_op *op, mio_pool *pool, const char *host, int port, mio_address *found, size_t room);
int witness_resolve(mio_queue *q, mio_op *op, mio_pool *pool, const char *host, int port, mio_address *found, size_t room)
{
    before(q, op, "mio_resolve");
    return after(op, mio_resolve(q, op, pool, host, port, found, room));
}

/* --- sockets: which descriptors are the program's ------------------------------------------------------------ */

static int of_socket(mio_socket *s, const char *what, int code, unsigned may)
{
    if (code == 0) seam_owner(s->native, PROGRAM_S);
    leave();
    must_be_documented(what, code, may);
    if (code != 0 && s->native != -1) problem("%s fails and leaves a descriptor", what);
    return code;
}

int witness_socket_open(mio_socket *s, int family, int type);
int witness_socket_open(mio_socket *s, int family, int type)
{
    enter("mio_socket_open");
    return of_socket(s, "mio_socket_open", mio_socket_open(s, family, type), CALL);
}

int witness_socket_adopt(mio_socket *s, mio_native fd);
int witness_socket_adopt(mio_socket *s, mio_native fd)
{
    enter("mio_socket_adopt");
    return of_socket(s, "mio_socket_adopt", mio_socket_adopt(s, fd), ADOPT);
}

int witness_socket_bind(mio_socket *s, const mio_address *a);
int witness_socket_bind(mio_socket *s, const mio_address *a)
{
    enter("mio_socket_bind");
    int code = mio_socket_bind(s, a);
    leave();
    must_be_documented("mio_socket_bind", code, CALL);
    return code;
}

int witness_socket_listen(mio_socket *s, int backlog);
int witness_socket_listen(mio_socket *s, int backlog)
{
    enter("mio_socket_listen");
    int code = mio_socket_listen(s, backlog);
    leave();
    must_be_documented("mio_socket_listen", code, CALL);
    return code;
}

int witness_socket_local(const mio_socket *s, mio_address *a);
int witness_socket_local(const mio_socket *s, mio_address *a)
{
    enter("mio_socket_local");
    int code = mio_socket_local(s, a);
    leave();
    must_be_documented("mio_socket_local", code, CALL);
    return code;
}

int witness_socket_peer(const mio_socket *s, mio_address *a);
int witness_socket_peer(const mio_socket *s, mio_address *a)
{
    enter("mio_socket_peer");
    int code = mio_socket_peer(s, a);
    leave();
    must_be_documented("mio_socket_peer", code, CALL);
    return code;
}

int witness_socket_detach(mio_socket *s, mio_native *native);
int witness_socket_detach(mio_socket *s, mio_native *native)
{
    enter("mio_socket_detach");
    int code = mio_socket_detach(s, native);
    leave();
    must_be_documented("mio_socket_detach", code, DETACH);
    return code;
}

/* --- the end of a run ---------------------------------------------------------------------------------------- */

/* A test of pools keeps works running until this is set; it is the test's */
extern atomic_bool let_go __attribute__((weak));

void witness_report(enum outcome outcome)
{
    for (int i = 0; i < CALLS; i++) said->count[i] = fault.count[i];
    said->closed_twice = fault.closed_twice;
    said->struck = fault.struck;
    said->outcome = outcome;
}

static void nothing_left(void)
{
    static const char *const names[] = { "blocks of memory", "threads", "locks", "conditions", "lists of addresses" };
    int fd = seam_left();
    for (int i = 0; i < HOLDINGS; i++)
        if (fault.holds[i] != 0) problem("%d %s are left", fault.holds[i], names[i]);
    if (fd >= 0) problem("descriptor %d is left open", fd);
    if (fault.closed_twice > expected_twice) problem("a descriptor is closed twice");
}

void witness_passed(void)
{
    static const struct itimerval none;
    setitimer(ITIMER_REAL, &none, NULL);
    for (int i = 0; i < MOST_QUEUES; i++)
        if (queues[i] != NULL && inside(queues[i], -1) > 0) problem("%d operations did not come back", inside(queues[i], -1));
    nothing_left();
    witness_report(WELL);
}

/* Others may be in the library still: woken, they leave it, and stay out */
static void wait_for_others(void)
{
    for (int tries = 0; in_library > 0; tries++) {
        for (int i = 0; i < MOST_QUEUES; i++) if (queues[i] != NULL) mio_queue_wake(queues[i]);
        if (tries > 1000) problem("a thread does not come out of the library");
        usleep(1000);
    }
}

/* The sockets of what is inside: they are there, so that they can be closed */
enum { MOST_SOCKETS = 200 };
static mio_op closes[MOST_SOCKETS];
static int closing;

static void close_sockets(mio_queue *q)
{
    static mio_socket *sockets[MOST_SOCKETS];
    int n = 0;
    for (int i = 0; i < known; i++) {
        const struct known *k = in_use[i];
        mio_socket *s = k->inside > 0 && k->queue == q ? k->op->socket : NULL;
        bool is_new = s != NULL && k->op->kind > OP_CLOSE && n < MOST_SOCKETS;
        for (int j = 0; j < n && is_new; j++) is_new = sockets[j] != s;
        if (is_new) sockets[n++] = s;
    }
    for (int i = 0; i < n && closing < MOST_SOCKETS; i++) {
        int refused = witness_socket_close(q, &closes[closing++], sockets[i]);
        if (refused != 0) problem("a close is refused: %s", mio_strerror(refused));
    }
}

/* Says whether it could be emptied: what a test keeps running in a pool stays inside */
static bool drain(mio_queue *q)
{
    mio_op *done[16];
    for (int tries = 0; tries < 5; ) {
        int n = checked_wait(q, done, 16, 100 * MS);
        if (n == MIO_ESHUTDOWN) return true;
        if (n <= 0) tries++;
    }
    int works = inside(q, OP_WORK), all = inside(q, -1);
    if (works < all || works == 0) problem("after a shutdown %d operations stay inside", all - works);
    return false;
}

/* In one order or the other */
static bool end_queue(mio_queue *q)
{
    bool first = fault.nth % 2 == 0;
    if (first) close_sockets(q);
    witness_queue_shutdown(q);
    if (!first) close_sockets(q);
    if (!drain(q)) return false;
    int code = witness_queue_close(q);
    for (int tries = 0; code == MIO_EBUSY && tries < 100; tries++) {
        usleep(1000);
        code = witness_queue_close(q);
    }
    if (code != 0) problem("a queue that is empty cannot be closed: %s", mio_strerror(code));
    return true;
}

void witness_take_over(enum outcome outcome)
{
    static const struct itimerval limit = { .it_value = { 10, 0 } };
    leave_child();
    ends = true;
    if (atomic_exchange(&taken_over, true)) {
        ends = false;
        stop_here();
    }
    signal(SIGALRM, SIG_DFL);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    setitimer(ITIMER_REAL, &limit, NULL);
    step("the end after it");
    wait_for_others();
    if (&let_go != NULL) let_go = true;
    bool all = true;
    for (int i = 0; i < MOST_QUEUES; i++)
        if (queues[i] != NULL) all = end_queue(queues[i]) && all;
    for (int i = 0; i < MOST_POOLS; i++) {
        int code = pools[i] != NULL ? witness_pool_close(pools[i]) : 0;
        if (code != 0 && all) problem("a pool that is empty cannot be closed: %s", mio_strerror(code));
    }
    if (all) nothing_left();
    witness_report(all ? outcome : HELD);
    fflush(NULL);
    _exit(0);
}

void witness_exit(int status)
{
    fflush(NULL);
    if (getpid() != process || status == 11) _exit(status);     /* 11: the test was skipped */
    witness_take_over(ASSERTED);
}

/* --- time ------------------------------------------------------------------------------------------------------ */

/* Some time after the failure the test has not ended. Its next call ends it, or the wait that it is in. If no call comes
   because it waits in its own code, the run ends here and now. Who is in the library for long, and not in a wait, hangs */
static void first_is_late(void)
{
    static long seen;
    static int times, still;
    still = calls == seen && doing == NULL ? still + 1 : 0;
    seen = calls;
    over = true;
    if (still >= STILL) witness_take_over(GAVE_UP);
    if (doing != NULL && ++times > HANGS) problem("%s hangs", doing);
    if (waiting != NULL) mio_queue_wake(waiting);
}

static void too_late(int number)
{
    int kept = errno;
    (void)number;
    if (getpid() != process) _exit(10);
    if (pthread_equal(pthread_self(), first_thread)) first_is_late();
    else pthread_kill(first_thread, SIGALRM);
    errno = kept;
}

static void on_strike(void)
{
    static const struct itimerval soon = { .it_interval = { 0, AGAIN * 1000 }, .it_value = { 0, 600000 } };
    setitimer(ITIMER_REAL, &soon, NULL);
}

void witness_begin(int seconds, int closed_twice, bool may_wait)
{
    const struct itimerval limit = { .it_interval = { 0, AGAIN * 1000 }, .it_value = { seconds, 0 } };
    struct sigaction action = { .sa_handler = too_late, .sa_flags = SA_RESTART };
    process = getpid();
    first_thread = pthread_self();
    expected_twice = closed_twice;
    fault.on_strike = may_wait ? on_strike : NULL;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &limit, NULL);
}
