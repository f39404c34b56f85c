/*
 * Fails each kernel call of the library, one in each run: every call that a workload makes, with every error that its
 * manual has. Whatever fails, the workload expects:
 *
 *   - a result that minimio.h has for it, and each accepted operation back exactly once
 *   - what failed succeeds when it is tried again: a call fails once
 *   - the right bytes; nothing asleep though the kernel is ready; no signal seen; nothing closed twice
 *   - at the end a queue that can be closed, all memory freed, and no descriptor left
 *
 *   faults NAME DIRECTORY            all of it: a line for each call. NAME is for the lines, DIRECTORY for local sockets
 *   faults NAME DIRECTORY CALL       of one call, and only until something is wrong
 *   faults NAME DIRECTORY CALL N ERRNO       one run, in this process: for a debugger
 */
#define _GNU_SOURCE
#include "calls.h"
#include "minimio.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, QUIET = 10 * MS, PATIENCE = 300 * MS, SECONDS = 10, BULK = 500000, PART = 65536, FDS = 256 };

/* What a run says to its parent */
static struct said {
    int count[CALLS];
    bool struck;
    char step[40], problem[200];
} *said;

static const char *directory;

static void problem(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    vsnprintf(said->problem, sizeof said->problem, format, rest);
    va_end(rest);
    fprintf(stderr, "%s: %s\n", said->step, said->problem);
    exit(1);
}

static void step(const char *name) { snprintf(said->step, sizeof said->step, "%s", name); }

/* --- what minimio.h has for each ---------------------------------------------------------------------- */

#define BIT(code) (1u << -(code))
enum {
    COMMON = BIT(MIO_ECANCELED) | BIT(MIO_ETIMEDOUT) | BIT(MIO_EBADF) | BIT(MIO_ENOTSUP) | BIT(MIO_ENOMEM)
        | BIT(MIO_ESYSTEM),
    OPEN = BIT(MIO_ENOMEM) | BIT(MIO_EMFILE) | BIT(MIO_ESYSTEM),
    CALL = BIT(MIO_EINVAL) | BIT(MIO_ENOTSUP) | BIT(MIO_EMFILE) | BIT(MIO_ENOMEM) | BIT(MIO_EACCES)
        | BIT(MIO_EADDRINUSE) | BIT(MIO_EADDRNOTAVAIL) | BIT(MIO_EBADF) | BIT(MIO_ENOTCONN) | BIT(MIO_ESYSTEM),
    ADOPT = BIT(MIO_EBADF) | BIT(MIO_ENOTSUP) | BIT(MIO_EINVAL) | BIT(MIO_ENOMEM) | BIT(MIO_ESYSTEM),
    OF_CONNECT = COMMON | BIT(MIO_ECONNREFUSED) | BIT(MIO_EUNREACHABLE) | BIT(MIO_ECONNRESET)
        | BIT(MIO_EADDRNOTAVAIL) | BIT(MIO_EACCES) | BIT(MIO_EADDRINUSE) | BIT(MIO_EISCONN)
        | BIT(MIO_EAGAIN) | BIT(MIO_EINVAL),
    OF_ACCEPT = COMMON | BIT(MIO_EMFILE) | BIT(MIO_EINVAL) | BIT(MIO_EACCES),
    OF_RECEIVE = COMMON | BIT(MIO_ECONNRESET) | BIT(MIO_ENOTCONN) | BIT(MIO_EMSGSIZE) | BIT(MIO_ECONNREFUSED)
        | BIT(MIO_EUNREACHABLE),
    OF_SEND = COMMON | BIT(MIO_EPIPE) | BIT(MIO_ECONNRESET) | BIT(MIO_ENOTCONN) | BIT(MIO_EMSGSIZE)
        | BIT(MIO_EUNREACHABLE) | BIT(MIO_ECONNREFUSED) | BIT(MIO_EACCES),
    OF_SEND_TO = COMMON | BIT(MIO_EMSGSIZE) | BIT(MIO_EUNREACHABLE) | BIT(MIO_EACCES) | BIT(MIO_EADDRNOTAVAIL)
        | BIT(MIO_EINVAL) | BIT(MIO_ECONNREFUSED) | BIT(MIO_EAGAIN),
    OF_RECEIVE_FROM = COMMON | BIT(MIO_EMSGSIZE) | BIT(MIO_ECONNREFUSED),   /* the last if it is connected */
    OF_SHUT = COMMON | BIT(MIO_ENOTCONN),
    OF_CLOSE = BIT(MIO_EBADF) | BIT(MIO_ESYSTEM),
    OF_TIMER = BIT(MIO_ECANCELED)
};

static void documented(const char *what, int64_t code, int native, unsigned may)
{
    if (code >= 0) return;
    if (code < MIO_ESYSTEM || !(may & BIT((int)code)))
        problem("%s says '%s' (%s), which minimio.h does not have for it", what, mio_strerror((int)code), strerror(native));
}

/* A function, called until it succeeds: while (again("bind", mio_socket_bind(...))) */
static bool again_for(const char *what, int code, unsigned may)
{
    static bool failed;
    if (code >= 0) {
        failed = false;
        return false;
    }
    documented(what, code, fault.error & ~RECEIPT, may);
    if (failed) problem("%s fails again: %s", what, mio_strerror(code));
    failed = true;
    return true;
}

static bool again(const char *what, int code) { return again_for(what, code, CALL); }

/* --- operations --------------------------------------------------------------------------------------- */

struct item {
    mio_op op;                  /* the first: what comes back is an item */
    const char *what;
    unsigned may;
    bool inside, tried;
};

static mio_queue *queue;
static int inside, woken;

/* It was submitted; a refusal is misuse, and this is none */
static void taken(struct item *i, const char *what, unsigned may, int refused)
{
    if (refused != 0) problem("%s is refused: %s", what, mio_strerror(refused));
    i->what = what;
    i->may = may;
    i->inside = true;
    inside++;
}

static void back(struct item *i)
{
    if (!i->inside) problem("%s comes back twice", i->what);
    i->inside = false;
    inside--;
    documented(i->what, i->op.result, i->op.native, i->may);
    if (i->op.native == EINTR) problem("%s is ended by a signal", i->what);
    if (i->op.result >= 0 && i->op.native != 0) problem("%s succeeds with error %d", i->what, i->op.native);
}

/* One wait. How many came; or what it says */
static int wait_once(int64_t timeout)
{
    mio_op *done[4];
    int n = mio_queue_wait(queue, done, 4, timeout);
    for (int i = 0; i < n; i++) back((struct item *)done[i]);
    if (n == MIO_WOKEN) woken++;
    else if (n < 0 && n != MIO_ESHUTDOWN) problem("the wait fails: %s", mio_strerror(n));
    return n;
}

static bool kernel_is_ready(const struct item *i)
{
    const mio_socket *s = i->op.socket;
    if (!i->inside || s == NULL || s->native < 0) return false;
    struct pollfd p = { .fd = s->native, .events = i->op.way == MIO_READABLE ? POLLIN : POLLOUT };
    return poll(&p, 1, 0) > 0;
}

/* Nothing came for a while: ought it to have come? */
static void is_awake(struct item *i)
{
    if (!kernel_is_ready(i)) return;
    while (i->inside && wait_once(PATIENCE) > 0) ;
    if (kernel_is_ready(i)) problem("%s sleeps though the kernel is ready", i->what);
}

/* Until both are back, in case of need by a cancel */
static void until(struct item *a, struct item *b)
{
    while (a->inside || b->inside)
        if (wait_once(QUIET) == 0) break;
    is_awake(a);
    is_awake(b);
    if (a->inside) mio_queue_cancel(queue, &a->op);
    if (b->inside) mio_queue_cancel(queue, &b->op);
    while (a->inside || b->inside)
        if (wait_once(PATIENCE) == 0) problem("%s stays inside", a->inside ? a->what : b->what);
}

/* Did it succeed? After a failure it is tried once more */
static bool succeeded(struct item *i)
{
    if (i->inside) return false;
    if (i->op.result >= 0) {
        i->tried = false;
        return true;
    }
    if (i->tried) problem("%s fails again: %s", i->what, mio_strerror((int)i->op.result));
    i->tried = true;
    return false;
}

/* --- streams of known bytes --------------------------------------------------------------------------- */

struct stream {
    mio_socket *from, *to;
    size_t sent, received;
    struct item send, receive;
    unsigned char out[PART], in[PART];
};

static unsigned char byte_at(size_t n) { return (unsigned char)(n * 7 + n / 251); }

static void begin_stream(struct stream *t, mio_socket *from, mio_socket *to)
{
    memset(t, 0, sizeof *t);
    t->from = from;
    t->to = to;
}

static void start_send(struct stream *t, size_t length, bool all)
{
    for (size_t i = 0; i < length; i++) t->out[i] = byte_at(t->sent + i);
    if (all) taken(&t->send, "send_all", OF_SEND, mio_send_all(queue, &t->send.op, t->from, t->out, length));
    else taken(&t->send, "send", OF_SEND, mio_send(queue, &t->send.op, t->from, t->out, length));
}

static void start_receive(struct stream *t, size_t length)
{
    taken(&t->receive, "receive", OF_RECEIVE, mio_receive(queue, &t->receive.op, t->to, t->in, length));
}

static void end_send(struct stream *t)
{
    t->sent += t->send.op.done;
    if (t->send.op.result >= 0 && (size_t)t->send.op.result != t->send.op.done) problem("send: done is not the result");
}

static void end_receive(struct stream *t)
{
    int64_t n = t->receive.op.result;
    if (n < 0) return;
    for (size_t i = 0; i < (size_t)n; i++)
        if (t->in[i] != byte_at(t->received + i)) problem("byte %zu is not what was sent", t->received + i);
    t->received += (size_t)n;
    if (t->received > t->sent + t->send.op.done * t->send.inside) problem("more is received than was sent");
}

static void send_some(struct stream *t, size_t length)
{
    size_t end = t->sent + length;
    while (t->sent < end) {
        start_send(t, end - t->sent, false);
        until(&t->send, &t->send);
        end_send(t);
        succeeded(&t->send);
    }
}

static void receive_some(struct stream *t, size_t length)
{
    size_t end = t->received + length;
    while (t->received < end) {
        start_receive(t, end - t->received);
        until(&t->receive, &t->receive);
        end_receive(t);
        if (succeeded(&t->receive) && t->receive.op.result == 0) problem("an end amid the stream");
    }
}

/* A message that a receive waits for already */
static void awaited(struct stream *t, size_t length)
{
    start_receive(t, length);
    start_send(t, length, false);
    until(&t->send, &t->receive);
    end_send(t);
    end_receive(t);
    succeeded(&t->send);
    succeeded(&t->receive);
    size_t sent = t->sent, missing = length - t->send.op.done * (t->send.op.result >= 0);
    if (missing > 0 && sent < t->received + length) send_some(t, missing);
    if (t->received < t->sent) receive_some(t, t->sent - t->received);
}

/* More than fits into the buffers of the system */
static void bulk(struct stream *t)
{
    size_t end = t->sent + BULK;
    for (int still = 0; t->received < end; ) {
        if (!t->send.inside && t->sent < end) start_send(t, end - t->sent < PART ? end - t->sent : PART, true);
        if (!t->receive.inside) start_receive(t, PART / 2);
        int n = wait_once(QUIET);
        if (n == 0) {
            is_awake(&t->send);
            is_awake(&t->receive);
            if (++still > 20) problem("the stream stands still");
        }
        if (!t->send.inside && t->send.what != NULL) {
            end_send(t);
            succeeded(&t->send);
            t->send.op.done = 0;
            t->send.op.result = 0;
        }
        if (!t->receive.inside) {
            end_receive(t);
            succeeded(&t->receive);
        }
    }
    until(&t->send, &t->receive);
    if (t->send.op.done > 0) end_send(t);
}

/* --- sockets ------------------------------------------------------------------------------------------- */

static void open_socket(mio_socket *s, int family, int type)
{
    while (again("open", mio_socket_open(s, family, type)))
        if (s->native != -1) problem("open fails and leaves a descriptor");
    if (!(fcntl(s->native, F_GETFL) & O_NONBLOCK)) problem("a socket blocks");
    if (!(fcntl(s->native, F_GETFD) & FD_CLOEXEC)) problem("a socket is inherited");
}

static void close_socket(mio_socket *s)
{
    struct item i = { 0 };
    taken(&i, "close", OF_CLOSE, mio_socket_close(queue, &i.op, s));
    while (i.inside)
        if (wait_once(PATIENCE) == 0) problem("close stays inside");
    if (s->native != -1) problem("a socket is not closed");
}

static void address_of(const mio_socket *s, mio_address *a, bool peer)
{
    while (again(peer ? "peer" : "local", peer ? mio_socket_peer(s, a) : mio_socket_local(s, a))) ;
}

static void local_path(mio_address *a, const char *name)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path);
    if (mio_address_local(a, path) != 0) problem("no local address");
}

static void bind_socket(mio_socket *s, int family, const char *name, mio_address *bound)
{
    if (family == MIO_LOCAL) local_path(bound, name);
    else if (mio_address_parse(bound, family == MIO_IPV6 ? "::1" : "127.0.0.1", 0) != 0) problem("no address");
    while (again("bind", mio_socket_bind(s, bound))) ;
    if (family != MIO_LOCAL) address_of(s, bound, false);
}

static void listener_at(mio_socket *s, int family, mio_address *bound)
{
    open_socket(s, family, MIO_STREAM);
    bind_socket(s, family, "listener", bound);
    while (again("listen", mio_socket_listen(s, 0))) ;
}

/* Whom was it accepted from? A connect that failed may have left a connection behind */
static bool same(const mio_socket *client, const mio_socket *accepted, int family)
{
    mio_address here, there;
    if (family == MIO_LOCAL) return true;
    address_of(client, &here, false);
    address_of(accepted, &there, true);
    return mio_address_port(&here) == mio_address_port(&there);
}

static void connection(mio_socket *listener, const mio_address *to, mio_socket *client, mio_socket *accepted, int family)
{
    struct item connect = { 0 }, accept = { 0 };
    bool connected = false, has = false;
    for (int tries = 0; !connected || !has; tries++) {
        if (tries == 4) problem("no connection comes about");
        if (!connected) {
            open_socket(client, family, MIO_STREAM);
            taken(&connect, "connect", OF_CONNECT, mio_connect(queue, &connect.op, client, to));
        }
        if (!has) taken(&accept, "accept", OF_ACCEPT, mio_accept(queue, &accept.op, listener, accepted));
        until(&connect, &accept);
        connected = connect.op.result >= 0;
        has = accept.op.result >= 0;
        if (!connected) close_socket(client);
        if (has && (!connected || !same(client, accepted, family))) {
            close_socket(accepted);
            has = false;
        }
    }
}

/* --- the workload -------------------------------------------------------------------------------------- */

/* Ready for what was left unread; then what was left is received all the same */
static void readiness(struct stream *t)
{
    struct item ready = { 0 };
    send_some(t, 64);
    receive_some(t, 10);
    wait_once(0);                       /* the kernel tells of the rest no more */
    taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->to, MIO_READABLE));
    until(&ready, &ready);
    if (!succeeded(&ready)) {
        receive_some(t, 10);            /* it asks nothing of what failed */
        taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->to, MIO_READABLE));
        until(&ready, &ready);
        succeeded(&ready);
    }
    receive_some(t, t->sent - t->received);
    wait_once(0);
    taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->from, MIO_WRITABLE));
    until(&ready, &ready);
    if (!succeeded(&ready)) send_some(t, 5);
    awaited(t, 20);
    if (t->received < t->sent) receive_some(t, t->sent - t->received);
}

/* Of a receive: its deadline, and a cancel */
static void given_up(mio_socket *s)
{
    struct item i = { 0 };
    char byte;
    mio_op_receive(&i.op, s, &byte, 1);
    i.op.deadline = mio_now() + MS;
    taken(&i, "receive", OF_RECEIVE, mio_queue_submit(queue, &i.op));
    until(&i, &i);
    if (i.op.result >= 0) problem("a receive has bytes that nobody sent");
    taken(&i, "receive", OF_RECEIVE, mio_receive(queue, &i.op, s, &byte, 1));
    mio_queue_cancel(queue, &i.op);
    until(&i, &i);
    if (i.op.result >= 0) problem("a receive has bytes that nobody sent");
}

static void end_of_stream(struct stream *t)
{
    struct item shut = { 0 };
    do {
        taken(&shut, "shut", OF_SHUT, mio_shut(queue, &shut.op, t->from, MIO_SHUT_SEND));
        until(&shut, &shut);
    } while (!succeeded(&shut));
    do {
        start_receive(t, 10);
        until(&t->receive, &t->receive);
    } while (!succeeded(&t->receive));
    if (t->receive.op.result != 0) problem("bytes behind the end");
}

static void stream_workload(int family, mio_socket *listener, mio_socket *client, mio_socket *accepted)
{
    static struct stream there, here;
    mio_address at;
    step(family == MIO_LOCAL ? "local streams" : "TCP");
    listener_at(listener, family, &at);
    connection(listener, &at, client, accepted, family);
    begin_stream(&there, client, accepted);
    begin_stream(&here, accepted, client);
    awaited(&there, 100);
    readiness(&there);
    awaited(&here, 3000);
    given_up(accepted);
    if (family == MIO_LOCAL) bulk(&there);
    end_of_stream(&there);
    awaited(&here, 10);
}

/* One datagram, which may get lost once */
static void datagram(mio_socket *from, mio_socket *to, const mio_address *where)
{
    struct item send = { 0 }, receive = { 0 };
    mio_address whence;
    char in[100], out[50] = "a datagram";
    for (int tries = 0; ; tries++) {
        if (tries == 3) problem("no datagram comes");
        if (!receive.inside)
            taken(&receive, "receive_from", OF_RECEIVE_FROM,
                mio_receive_from(queue, &receive.op, to, in, sizeof in, &whence));
        if (where != NULL) taken(&send, "send_to", OF_SEND_TO, mio_send_to(queue, &send.op, from, out, sizeof out, where));
        else taken(&send, "send", OF_SEND, mio_send(queue, &send.op, from, out, sizeof out));
        until(&send, &receive);
        if (receive.op.result >= 0) break;
    }
    if (receive.op.result != sizeof out || memcmp(in, out, sizeof out) != 0) problem("another datagram comes");
}

static void datagram_workload(int family)
{
    mio_socket a, b;
    mio_address at, other;
    struct item connect = { 0 };
    step(family == MIO_LOCAL ? "local datagrams" : "UDP");
    open_socket(&a, family, MIO_DATAGRAM);
    open_socket(&b, family, MIO_DATAGRAM);
    bind_socket(&a, family, "a", &at);
    bind_socket(&b, family, "b", &other);
    datagram(&a, &b, &other);
    do {
        taken(&connect, "connect", OF_CONNECT, mio_connect(queue, &connect.op, &b, &at));
        until(&connect, &connect);
    } while (!succeeded(&connect));
    datagram(&b, &a, NULL);
    close_socket(&a);
    close_socket(&b);
}

static bool has_ipv6(void)
{
    mio_address a;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    mio_address_parse(&a, "::1", 0);
    bool has = fd >= 0 && bind(fd, (void *)a.storage.bytes, a.length) == 0;
    if (fd >= 0) close(fd);
    return has;
}

static void ipv6_workload(void)
{
    mio_socket s;
    mio_address at;
    step("IPv6");
    if (!has_ipv6()) return;
    listener_at(&s, MIO_IPV6, &at);
    close_socket(&s);
}

static void adopt(mio_socket *s, int fd)
{
    while (again_for("adopt", mio_socket_adopt(s, fd), ADOPT))
        if (fcntl(fd, F_GETFD) < 0) problem("adopt fails and closes the descriptor");
}

/* A pipe, and a pair of sockets of which one is given back */
static void adopted_workload(void)
{
    static struct stream t;
    mio_socket ends[2];
    mio_native native;
    int fds[2];
    step("a pipe");
    if (pipe2(fds, O_NONBLOCK) != 0) problem("no pipe");
    for (int i = 0; i < 2; i++) adopt(&ends[i], fds[i]);
    begin_stream(&t, &ends[1], &ends[0]);
    awaited(&t, 100);
    bulk(&t);
    for (int i = 0; i < 2; i++) close_socket(&ends[i]);
    step("a pair");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) problem("no pair");
    for (int i = 0; i < 2; i++) adopt(&ends[i], fds[i]);
    begin_stream(&t, &ends[1], &ends[0]);
    awaited(&t, 100);
    if (mio_socket_detach(&ends[0], &native) != 0 || native != fds[0]) problem("detach fails");
    close_socket(&ends[1]);
    close(native);
}

static void time_and_posts(void)
{
    struct item timer = { 0 }, nop = { 0 };
    step("a timer and a post");
    int64_t due = mio_now() + MS / 2;
    taken(&timer, "timer", OF_TIMER, mio_timer(queue, &timer.op, due));
    mio_op_nop(&nop.op);
    taken(&nop, "nop", OF_TIMER, mio_queue_post(queue, &nop.op));
    until(&timer, &nop);
    if (timer.op.result == 0 && mio_now() < due) problem("a timer is early");
    if (nop.op.result != 0) problem("a nop fails");
    mio_queue_wake(queue);
    for (int i = 0; i < 3 && woken == 0; i++) wait_once(QUIET);
    if (woken != 1) problem("woken %d times", woken);
}

static void *post_later(void *item)
{
    struct timespec some = { 0, 2 * MS };
    nanosleep(&some, NULL);
    mio_queue_post(queue, &((struct item *)item)->op);
    return NULL;
}

/* The bell: a post from another thread, while the owner sleeps */
static void post_to_a_sleeper(void)
{
    struct item nop = { 0 };
    pthread_t thread;
    step("a post from a thread");
    mio_op_nop(&nop.op);
    taken(&nop, "nop", OF_TIMER, 0);
    if (pthread_create(&thread, NULL, post_later, &nop) != 0) problem("no thread");
    int64_t late = mio_now() + 5 * (int64_t)PATIENCE;
    while (nop.inside && mio_now() < late) wait_once(late - mio_now());
    if (mio_now() >= late) problem("a post does not wake the owner");
    pthread_join(thread, NULL);
}

/* Shut down while operations wait; closes are taken still */
static void ending(mio_socket *listener, mio_socket *client, mio_socket *accepted)
{
    struct item waiting[4] = { 0 };
    mio_socket unused;
    char byte;
    int n;
    step("the end");
    taken(&waiting[0], "receive", OF_RECEIVE, mio_receive(queue, &waiting[0].op, client, &byte, 1));
    taken(&waiting[1], "accept", OF_ACCEPT, mio_accept(queue, &waiting[1].op, listener, &unused));
    taken(&waiting[2], "timer", OF_TIMER, mio_timer(queue, &waiting[2].op, INT64_MAX));
    mio_op_nop(&waiting[3].op);
    taken(&waiting[3], "nop", OF_TIMER, mio_queue_post(queue, &waiting[3].op));
    if (mio_queue_shutdown(queue) != 0) problem("shutdown fails");
    close_socket(accepted);
    close_socket(client);
    do n = wait_once(PATIENCE);
    while (n > 0);
    if (n != MIO_ESHUTDOWN) problem("the queue does not become empty");
    if (inside != 0) problem("%d operations did not come back", inside);
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
    close(listener->native);            /* the queue left it open */
}

static void workload(void)
{
    mio_socket listener[2], client[2], accepted[2];
    static const mio_options few = { .events = 8 };
    step("opening");
    int code;
    /* No manual has a reason for fcntl to fail, so minimio.h has no code for it */
    while (code = mio_queue_open(&queue, &few), again_for("queue_open", code, fault.call == FCNTL ? CALL : OPEN))
        if (queue != NULL) problem("queue_open fails and leaves a queue");
    time_and_posts();
    post_to_a_sleeper();
    stream_workload(MIO_IPV4, &listener[0], &client[0], &accepted[0]);
    stream_workload(MIO_LOCAL, &listener[1], &client[1], &accepted[1]);
    datagram_workload(MIO_IPV4);
    datagram_workload(MIO_LOCAL);
    ipv6_workload();
    adopted_workload();
    close_socket(&listener[1]);
    close_socket(&client[1]);
    close_socket(&accepted[1]);
    ending(&listener[0], &client[0], &accepted[0]);
}

/* --- one run, and all of them -------------------------------------------------------------------------- */

/* Which of the low descriptors are open? */
static void open_ones(char *map)
{
    for (int fd = 0; fd < FDS; fd++) map[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void run(enum call call, int nth, int error)
{
    char before[FDS], after[FDS];
    fault = (struct fault){ .call = call, .nth = nth, .error = error };
    alarm(SECONDS);
    open_ones(before);
    workload();
    step("afterwards");
    open_ones(after);
    for (int fd = 0; fd < FDS; fd++)
        if (before[fd] != after[fd]) problem("descriptor %d is %s", fd, after[fd] ? "left open" : "closed");
    if (fault.closed_twice != 0) problem("a descriptor is closed twice");
    if (fault.memory != 0) problem("%d blocks of memory are not freed", fault.memory);
    memcpy(said->count, fault.count, sizeof said->count);
    said->struck = fault.struck;
}

/* In a process of its own. Says whether all was well; else said->problem has it */
static bool forked(enum call call, int nth, int error)
{
    int status = 0;
    memset(said, 0, sizeof *said);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        freopen("/dev/null", "w", stderr);
        run(call, nth, error);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (said->problem[0] != '\0') return false;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(said->problem, sizeof said->problem, "hangs");
    else snprintf(said->problem, sizeof said->problem, "ends with status 0x%x, as a sanitizer or a crash ends it", (unsigned)status);
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

static const char *kind(enum call call) { return call == KEVENT_CHANGE ? " for a change" : ""; }

/* All failures of one call. If something is wrong, `most` lines are enough */
static bool all_of(const char *name, enum call call, int count, int most)
{
    int struck = 0, bad = 0;
    for (const int *error = rows[call].errors; *error != 0; error++)
        for (int n = 1; n <= count && bad < most; n++) {
            bool well = forked(call, n, *error);
            struck += said->struck || !well;
            if (well) continue;
            bad++;
            printf("not ok - faults, %s: the %s %s%s with %s%s: %s: %s\n", name, ordinal(n), rows[call].name, kind(call),
                strerrorname_np(*error & ~RECEIPT), *error & RECEIPT ? " as a receipt" : "", said->step, said->problem);
        }
    if (bad == 0 && struck == 0) printf("not ok - faults, %s: %s%s never failed\n", name, rows[call].name, kind(call));
    else if (bad == 0)
        printf("ok - faults, %s: %s%s: %d failures, each with a documented end\n", name, rows[call].name, kind(call), struck);
    fflush(stdout);
    return bad == 0;
}

static int one_run(const char *name, int nth, int error)
{
    int call = 0;
    while (call < CALLS && strcmp(rows[call].name, name) != 0) call++;
    run((enum call)call, nth, error);
    puts(said->struck ? "struck" : "not reached");
    return 0;
}

int main(int argc, char **argv)
{
    int count[CALLS], bad = 0;
    const char *only = argc == 4 ? argv[3] : NULL;
    if (argc < 3) return 2;
    directory = argv[2];
    said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED) return 2;
    if (argc == 6) return one_run(argv[3], atoi(argv[4]), atoi(argv[5]));
    if (!forked(CALLS, 0, 0)) {
        printf("not ok - faults, %s: without a fault: %s: %s\n", argv[1], said->step, said->problem);
        return 1;
    }
    memcpy(count, said->count, sizeof count);
    for (int call = 0; call < CALLS; call++) {
        if (count[call] == 0 || (only != NULL && strcmp(only, rows[call].name) != 0)) continue;
        if (!all_of(argv[1], (enum call)call, count[call], only != NULL ? 1 : 5)) bad++;
    }
    return bad > 0;
}
