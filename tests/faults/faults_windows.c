/*
 * Fails each call of the library to Windows, one in each run: every call that a workload makes, with the errors that
 * Microsoft's pages have for it. Whatever fails, the workload expects:
 *
 *   - a result that minimio.h has for it, and each accepted operation back exactly once
 *   - what failed succeeds when it is tried again: a call fails once. In half of the runs it fails from then on, until
 *     the workload has seen the same fail twice
 *   - the right bytes; nothing asleep though the kernel is ready; nothing closed twice
 *   - at the end a queue that can be closed, all memory freed, and no handle left
 *
 *   faults_windows NAME some|all [CALL]      how many failures of each call, and a line for each that is not well. NAME is
 *                                            for the lines; all: every error at every call; some: each error, and each
 *                                            call. It starts itself, for each CALL:
 *   faults_windows NAME some|all CALL COUNT FIRST END     the runs from FIRST to before END; the exit status is the first
 *                                            that is not well, counted from 1
 */
#include "calls_windows.h"
#include "minimio.h"
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <process.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000000, QUIET = 30 * MS, PATIENCE = 1000 * MS, SECONDS = 20, BULK = 300000, PART = 65536 };

/* --- one run, and what is wrong with it ------------------------------------------------------------------ */

static struct run {
    const char *name;               /* of the system */
    int number;                     /* from 0 */
    long nth;                       /* call that fails first */
    const struct error *error;
    const char *step;
    ULONGLONG begun;
} this;

static void describe(void)
{
    printf("not ok - faults, %s: ", this.name);
    if (this.error == NULL) printf("without a fault: ");
    else printf("%s number %ld%s with %s: ", rows[fault.call].name, this.nth, fault.lasts ? " and all that follow" : "",
        this.error->name);
}

static void problem(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    describe();
    printf("%s: ", this.step);
    vprintf(format, rest);
    puts("");
    va_end(rest);
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), (UINT)this.number + 1);
    abort();
}

static void step(const char *name) { this.step = name; }

static DWORD WINAPI watch(LPVOID unused)
{
    (void)unused;
    while ((LONGLONG)(GetTickCount64() - this.begun) < SECONDS * 1000) Sleep(200);
    problem("hangs");
    return 0;
}

static LONG WINAPI crashed(EXCEPTION_POINTERS *what)
{
    problem("crashes with 0x%08lx", (unsigned long)what->ExceptionRecord->ExceptionCode);
    return EXCEPTION_CONTINUE_SEARCH;
}

/* It fails again: as it should where the failure lasts, which now ends */
static void seen_twice(const char *what, int64_t code)
{
    if (!fault.lasts || fault.nth == 0) problem("%s fails again: %s", what, mio_strerror((int)code));
    fault.nth = 0;
}

/* --- what minimio.h has for each ---------------------------------------------------------------------- */

#define BIT(code) (1u << -(code))
enum {
    COMMON = BIT(MIO_ECANCELED) | BIT(MIO_ETIMEDOUT) | BIT(MIO_EBADF) | BIT(MIO_ENOTSUP) | BIT(MIO_ENOMEM)
        | BIT(MIO_ESYSTEM),
    OPEN_QUEUE = BIT(MIO_ENOMEM) | BIT(MIO_EMFILE) | BIT(MIO_ESYSTEM),
    OPEN_POOL = BIT(MIO_ENOMEM),
    WAIT = BIT(MIO_ENOMEM) | BIT(MIO_ESYSTEM),
    OF_CALL = BIT(MIO_EINVAL) | BIT(MIO_ENOTSUP) | BIT(MIO_EMFILE) | BIT(MIO_ENOMEM) | BIT(MIO_EACCES)
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
        | BIT(MIO_EINVAL) | BIT(MIO_ECONNREFUSED),
    OF_RECEIVE_FROM = COMMON | BIT(MIO_EMSGSIZE) | BIT(MIO_ECONNREFUSED) | BIT(MIO_EUNREACHABLE),
    OF_SHUT = COMMON | BIT(MIO_ENOTCONN),
    OF_CLOSE = BIT(MIO_EBADF) | BIT(MIO_ESYSTEM),
    OF_TIMER = BIT(MIO_ECANCELED),
    OF_RESOLVE = COMMON | BIT(MIO_ENOTFOUND) | BIT(MIO_EAGAIN),
    OF_WORK = COMMON | BIT(MIO_EAGAIN)
};

/* Is it want of memory that the failing call tells of? */
static bool want_of_memory(void)
{
    static const long all[] = { WSAENOBUFS, ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_QUOTA,
        ERROR_COMMITMENT_LIMIT, (long)0xC000009A, (long)0xC0000017, (long)0xC0000044 };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (fault.error == all[i]) return true;
    return false;
}

static void documented(const char *what, int64_t code, long native, unsigned may)
{
    if (code >= 0) return;
    if (want_of_memory() && code != MIO_ENOMEM && code != MIO_ECANCELED && code != MIO_ETIMEDOUT)
        problem("%s says '%s' (%ld) for want of memory", what, mio_strerror((int)code), native);
    if (code < MIO_ESYSTEM || !(may & BIT((int)code)))
        problem("%s says '%s' (%ld), which minimio.h does not have for it", what, mio_strerror((int)code), native);
}

/* A function, called until it succeeds: while (again("bind", mio_socket_bind(...))) */
static bool again_for(const char *what, int code, unsigned may)
{
    static bool failed;
    if (code >= 0) {
        failed = false;
        return false;
    }
    documented(what, code, fault.error, may);
    if (failed) seen_twice(what, code);
    failed = true;
    return true;
}

static bool again(const char *what, int code) { return again_for(what, code, OF_CALL); }

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
    if (i->op.result >= 0 && i->op.native != 0) problem("%s succeeds with error %d", i->what, i->op.native);
}

/* One wait, which may fail where the port does, but not again. How many came; or what it says */
static int wait_once(int64_t timeout)
{
    mio_op *done[4];
    int64_t begun = mio_now();
    int n = mio_queue_wait(queue, done, 4, timeout);
    for (int i = 0; i < n; i++) back((struct item *)done[i]);
    if (n == 0 && mio_now() - begun < timeout) problem("a wait ends early");
    if (n == MIO_WOKEN) woken++;
    if (n < 0 && n != MIO_WOKEN && n != MIO_ESHUTDOWN) {
        if (fault.call != DEQUEUE || fault.struck == 0) problem("the wait fails: %s", mio_strerror(n));
        while (again_for("wait", n, WAIT)) n = wait_once(timeout);
    }
    return n;
}

static bool kernel_is_ready(const struct item *i)
{
    const mio_socket *s = i->op.socket;
    if (!i->inside || s == NULL || s->native == INVALID_SOCKET) return false;
    fd_set set;
    struct timeval none = { 0, 0 };
    FD_ZERO(&set);
    FD_SET(s->native, &set);
    bool reads = i->op.way == MIO_READABLE;
    return select(0, reads ? &set : NULL, reads ? NULL : &set, NULL, &none) > 0;
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
    if (i->tried) seen_twice(i->what, i->op.result);
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

/* Is it the end that a receive was told by the call that fails? Else it is none */
static bool told_an_end(void)
{
    return fault.call == RECEIVE && (fault.error == WSAEDISCON || fault.error == WSAESHUTDOWN
        || fault.error == WSAECONNRESET || fault.error == WSAECONNABORTED || fault.error == WSAENETRESET);
}

static void receive_some(struct stream *t, size_t length)
{
    size_t end = t->received + length;
    while (t->received < end) {
        start_receive(t, end - t->received);
        until(&t->receive, &t->receive);
        end_receive(t);
        if (!succeeded(&t->receive) || t->receive.op.result != 0) continue;
        if (!told_an_end()) problem("an end amid the stream");
        if (t->receive.tried || fault.nth == 0) problem("another end amid the stream");
        if (fault.lasts) fault.nth = 0;
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
    size_t missing = length - t->send.op.done * (t->send.op.result >= 0);
    if (missing > 0 && t->sent < t->received + length) send_some(t, missing);
    if (t->received < t->sent) receive_some(t, t->sent - t->received);
}

/* More than fits into the buffers of the system */
static void bulk(struct stream *t)
{
    size_t end = t->sent + BULK;
    for (int still = 0; t->received < end; ) {
        if (!t->send.inside && t->sent < end) start_send(t, end - t->sent < PART ? end - t->sent : PART, true);
        if (!t->receive.inside) start_receive(t, PART);
        if (wait_once(QUIET) == 0) {
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
        if (s->native != INVALID_SOCKET) problem("open fails and leaves a socket");
}

static void close_socket(mio_socket *s)
{
    struct item i = { 0 };
    taken(&i, "close", OF_CLOSE, mio_socket_close(queue, &i.op, s));
    while (i.inside)
        if (wait_once(PATIENCE) == 0) problem("close stays inside");
    if (s->native != INVALID_SOCKET) problem("a socket is not closed");
}

static void address_of(const mio_socket *s, mio_address *a, bool peer)
{
    while (again(peer ? "peer" : "local", peer ? mio_socket_peer(s, a) : mio_socket_local(s, a))) ;
}

static void bind_socket(mio_socket *s, int family, mio_address *bound)
{
    if (mio_address_parse(bound, family == MIO_IPV6 ? "::1" : "127.0.0.1", 0) != 0) problem("no address");
    while (again("bind", mio_socket_bind(s, bound))) ;
    address_of(s, bound, false);
}

static void listener_at(mio_socket *s, int family, mio_address *bound)
{
    open_socket(s, family, MIO_STREAM);
    bind_socket(s, family, bound);
    while (again("listen", mio_socket_listen(s, 0))) ;
}

/* Whom was it accepted from? A connect that failed may have left a connection behind */
static bool same(const mio_socket *client, const mio_socket *accepted)
{
    mio_address here, there;
    address_of(client, &here, false);
    address_of(accepted, &there, true);
    return mio_address_port(&here) == mio_address_port(&there);
}

static bool failed(struct item *i) { return !i->inside && i->op.result < 0 && !succeeded(i); }

/* An accept that stays waiting has lost its client: a connection goes with the accept that fails after it */
static void connection(mio_socket *listener, const mio_address *to, mio_socket *client, mio_socket *accepted)
{
    struct item connect = { 0 }, accept = { 0 };
    bool connected = false, has = false;
    for (int tries = 0; !connected || !has; tries++) {
        if (tries == 8) problem("no connection comes about");
        if (!connected) {
            open_socket(client, MIO_IPV4, MIO_STREAM);
            taken(&connect, "connect", OF_CONNECT, mio_connect(queue, &connect.op, client, to));
        }
        if (!has) taken(&accept, "accept", OF_ACCEPT, mio_accept(queue, &accept.op, listener, accepted));
        until(&connect, &accept);
        connected = connect.op.result >= 0;
        has = accept.op.result >= 0;
        bool lost = connected && accept.op.result == MIO_ECANCELED;
        if (has && (!connected || !same(client, accepted))) {
            close_socket(accepted);
            has = false;
        }
        if (!connected || lost) {
            close_socket(client);
            connected = false;
        }
        if (tries > 0 && fault.lasts) fault.nth = 0;
    }
}

/* --- the workload -------------------------------------------------------------------------------------- */

/* Ready for what was left unread; then what was left is received all the same */
static void readiness(struct stream *t)
{
    struct item ready = { 0 };
    send_some(t, 64);
    receive_some(t, 10);
    do {
        taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->to, MIO_READABLE));
        until(&ready, &ready);
    } while (!succeeded(&ready));
    receive_some(t, t->sent - t->received);
    taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->to, MIO_READABLE));
    mio_queue_cancel(queue, &ready.op);
    until(&ready, &ready);
    if (ready.op.result >= 0) problem("ready, though nobody sent");
    do {
        taken(&ready, "ready", COMMON, mio_ready(queue, &ready.op, t->from, MIO_WRITABLE));
        until(&ready, &ready);
    } while (!succeeded(&ready));
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
    if (i.op.result > 0) problem("a receive has bytes that nobody sent");
    taken(&i, "receive", OF_RECEIVE, mio_receive(queue, &i.op, s, &byte, 1));
    mio_queue_cancel(queue, &i.op);
    until(&i, &i);
    if (i.op.result > 0) problem("a receive has bytes that nobody sent");
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

/* The receiving half is shut: the receive that waits ends */
static void no_more(mio_socket *s)
{
    struct item shut = { 0 }, receive = { 0 };
    char byte;
    taken(&receive, "receive", OF_RECEIVE, mio_receive(queue, &receive.op, s, &byte, 1));
    do {
        taken(&shut, "shut", OF_SHUT, mio_shut(queue, &shut.op, s, MIO_SHUT_RECEIVE));
        until(&shut, &shut);
    } while (!succeeded(&shut));
    until(&receive, &receive);
    if (receive.op.result > 0) problem("a receive has bytes that nobody sent");
}

static void stream_workload(mio_socket *listener, mio_socket *client, mio_socket *accepted)
{
    static struct stream there, here;
    mio_address at;
    step("TCP");
    listener_at(listener, MIO_IPV4, &at);
    connection(listener, &at, client, accepted);
    begin_stream(&there, client, accepted);
    begin_stream(&here, accepted, client);
    awaited(&there, 100);
    readiness(&there);
    awaited(&here, 3000);
    given_up(accepted);
    bulk(&there);
    end_of_stream(&there);
    awaited(&here, 10);
    no_more(client);
}

/* One datagram, which may get lost once */
static void datagram(mio_socket *from, mio_socket *to, const mio_address *where)
{
    struct item send = { 0 }, receive = { 0 };
    mio_address whence;
    char in[100], out[50] = "a datagram";
    for (int tries = 0; ; tries++) {
        if (tries == 4) problem("no datagram comes");
        if (!receive.inside)
            taken(&receive, "receive_from", OF_RECEIVE_FROM,
                mio_receive_from(queue, &receive.op, to, in, sizeof in, &whence));
        if (where != NULL) taken(&send, "send_to", OF_SEND_TO, mio_send_to(queue, &send.op, from, out, sizeof out, where));
        else taken(&send, "send", OF_SEND, mio_send(queue, &send.op, from, out, sizeof out));
        until(&send, &receive);
        if (receive.op.result >= 0) break;
        if (failed(&send) || failed(&receive)) continue;
    }
    if (receive.op.result != sizeof out || memcmp(in, out, sizeof out) != 0) problem("another datagram comes");
}

static void datagram_workload(void)
{
    mio_socket a, b;
    mio_address at, other;
    struct item connect = { 0 };
    step("UDP");
    open_socket(&a, MIO_IPV4, MIO_DATAGRAM);
    open_socket(&b, MIO_IPV4, MIO_DATAGRAM);
    bind_socket(&a, MIO_IPV4, &at);
    bind_socket(&b, MIO_IPV4, &other);
    datagram(&a, &b, &other);
    do {
        taken(&connect, "connect", OF_CONNECT, mio_connect(queue, &connect.op, &b, &at));
        until(&connect, &connect);
    } while (!succeeded(&connect));
    datagram(&b, &a, NULL);
    close_socket(&a);
    close_socket(&b);
}

static void ipv6_workload(void)
{
    mio_socket s;
    mio_address at;
    SOCKET probe = socket(AF_INET6, SOCK_STREAM, 0);
    step("IPv6");
    if (probe == INVALID_SOCKET) return;
    closesocket(probe);
    listener_at(&s, MIO_IPV6, &at);
    close_socket(&s);
}

/* A socket that others opened, which is given back; and a handle that is none */
static void adopted_workload(void)
{
    mio_socket s;
    mio_native native, other = socket(AF_INET, SOCK_DGRAM, 0);
    step("adopting");
    while (again_for("adopt", mio_socket_adopt(&s, other), ADOPT)) ;
    if (mio_socket_detach(&s, &native) != 0 || native != other) problem("detach fails");
    if (closesocket(native) != 0) problem("the socket was closed");
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    int code = mio_socket_adopt(&s, (mio_native)event);
    bool may_differ = fault.call == GET_OPTION || fault.call == HANDLE_INFORMATION;
    if (code != MIO_ENOTSUP && (!may_differ || code == 0 || !(ADOPT & BIT(code)))) problem("an event is adopted: %d", code);
    CloseHandle(event);
}

static void do_work(mio_op *op) { op->result = 7; }

/* Threads, and a name that needs no network */
static void pool_workload(void)
{
    mio_pool *pool;
    mio_address found[4];
    struct item work = { 0 }, name = { 0 };
    step("a pool");
    while (again_for("pool_open", mio_pool_open(&pool, 2, 2), OPEN_POOL))
        if (pool != NULL) problem("pool_open fails and leaves a pool");
    taken(&work, "work", OF_WORK, mio_work(queue, &work.op, pool, do_work));
    do {
        taken(&name, "resolve", OF_RESOLVE, mio_resolve(queue, &name.op, pool, "127.0.0.1", 80, found, 4));
        while (name.inside || work.inside)
            if (wait_once(PATIENCE) == 0) problem("work stays inside");
    } while (!succeeded(&name));
    if (work.op.result != 7) problem("work does not come to its result");
    if (mio_address_port(&found[0]) != 80) problem("resolve found nothing");
    if (mio_pool_close(pool) != 0) problem("the pool cannot be closed");
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

static DWORD WINAPI post_later(LPVOID item)
{
    Sleep(2);
    mio_queue_post(queue, &((struct item *)item)->op);
    return 0;
}

/* The bell: a post from another thread, while the owner sleeps */
static void post_to_a_sleeper(void)
{
    struct item nop = { 0 };
    step("a post from a thread");
    mio_op_nop(&nop.op);
    taken(&nop, "nop", OF_TIMER, 0);
    HANDLE thread = CreateThread(NULL, 0, post_later, &nop, 0, NULL);
    if (thread == NULL) problem("no thread");
    int64_t late = mio_now() + 5 * (int64_t)PATIENCE;
    while (nop.inside && mio_now() < late) wait_once(late - mio_now());
    if (mio_now() >= late) problem("a post does not wake the owner");
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

/* Shut down while operations wait; closes are taken still */
static void ending(mio_socket *listener, mio_socket *client, mio_socket *accepted)
{
    struct item waiting[5] = { 0 };
    mio_socket unused;
    char byte;
    int n;
    step("the end");
    taken(&waiting[0], "receive", OF_RECEIVE, mio_receive(queue, &waiting[0].op, client, &byte, 1));
    taken(&waiting[1], "accept", OF_ACCEPT, mio_accept(queue, &waiting[1].op, listener, &unused));
    taken(&waiting[2], "timer", OF_TIMER, mio_timer(queue, &waiting[2].op, INT64_MAX));
    mio_op_nop(&waiting[3].op);
    taken(&waiting[3], "nop", OF_TIMER, mio_queue_post(queue, &waiting[3].op));
    taken(&waiting[4], "ready", COMMON, mio_ready(queue, &waiting[4].op, accepted, MIO_READABLE));
    if (mio_queue_shutdown(queue) != 0) problem("shutdown fails");
    close_socket(accepted);
    close_socket(client);
    do n = wait_once(PATIENCE);
    while (n > 0);
    if (n != MIO_ESHUTDOWN) problem("the queue does not become empty");
    if (inside != 0) problem("%d operations did not come back", inside);
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
    handle_closed((HANDLE)listener->native);
    if (closesocket(listener->native) != 0) problem("the listener was closed");
}

static void workload(void)
{
    mio_socket listener, client, accepted;
    static const mio_options few = { .events = 8 };
    step("opening");
    woken = inside = 0;
    while (again_for("queue_open", mio_queue_open(&queue, &few), OPEN_QUEUE))
        if (queue != NULL) problem("queue_open fails and leaves a queue");
    time_and_posts();
    post_to_a_sleeper();
    stream_workload(&listener, &client, &accepted);
    datagram_workload();
    ipv6_workload();
    adopted_workload();
    pool_workload();
    ending(&listener, &client, &accepted);
}

/* --- runs ------------------------------------------------------------------------------------------------ */

static void run(void)
{
    this.begun = GetTickCount64();
    workload();
    step("afterwards");
    if (open_handles() != 0) problem("%ld handles are left", open_handles());
    if (fault.closed_twice != 0) problem("a handle is closed twice");
    if (fault.memory != 0) problem("%ld blocks of memory are not freed", fault.memory);
}

static int errors_of(enum call call)
{
    int n = 0;
    while (rows[call].errors[n].code != 0) n++;
    return n;
}

/* Each call with each error, or each call and each error; with failures that last it is as many again */
static int runs_of(enum call call, int count, bool all)
{
    int errors = errors_of(call);
    return 2 * (all ? count * errors : count > errors ? count : errors);
}

static void choose(enum call call, int count, bool all, int number)
{
    int errors = errors_of(call), i = number / 2;
    this.number = number;
    this.error = &rows[call].errors[all ? i / count : i % errors];
    fault = (struct fault){ .call = call, .nth = i % count + 1, .error = this.error->code, .lasts = number % 2 == 1 };
    this.nth = fault.nth;
}

/* In this process. A line says how many failures there were, with how many errors, at how many calls */
static int some_runs(enum call call, int count, bool all, int first, int end)
{
    int failures = 0;
    for (int i = first; i < end; i++) {
        choose(call, count, all, i);
        run();
        failures += fault.struck > 0;
    }
    printf("# %s: %d %d %d\n", rows[call].name, failures, errors_of(call), count);
    fflush(stdout);
    return 0;
}

/* Calls that the library makes once in its life need a process for each run */
static bool only_once(enum call call) { return call == STARTUP || call == MODULE || call == ADDRESS_OF; }

/* All failures of one call, in other processes. If something is wrong, `most` lines are enough */
static bool all_of(const char *program, enum call call, int count, bool all, int most)
{
    int end = runs_of(call, count, all), bad = 0;
    for (int first = 0; first < end && bad < most; ) {
        char words[4][12];
        int until_run = only_once(call) ? first + 1 : end;
        snprintf(words[0], sizeof words[0], "%d", (int)call);
        snprintf(words[1], sizeof words[1], "%d", count);
        snprintf(words[2], sizeof words[2], "%d", first);
        snprintf(words[3], sizeof words[3], "%d", until_run);
        char name[100];
        snprintf(name, sizeof name, "\"%s\"", this.name);
        intptr_t status = _spawnl(_P_WAIT, program, program, name, all ? "all" : "some", words[0], words[1], words[2],
            words[3], NULL);
        if (status < 0 || status > end) printf("not ok - faults, %s: %s: ended with status 0x%lx\n", this.name,
            rows[call].name, (unsigned long)status);
        bad += status != 0;
        first = status == 0 ? until_run : status < 0 || status > end ? end : (int)status;
    }
    fflush(stdout);
    return bad == 0;
}

int main(int argc, char **argv)
{
    int count[CALLS], bad = 0;
    if (argc < 3) return 2;
    this.name = argv[1];
    bool all = argc > 2 && strcmp(argv[2], "all") == 0;
    SetUnhandledExceptionFilter(crashed);
    this.begun = GetTickCount64();
    CreateThread(NULL, 0, watch, NULL, 0, NULL);
    if (argc == 7) return some_runs((enum call)atoi(argv[3]), atoi(argv[4]), all, atoi(argv[5]), atoi(argv[6]));
    const char *only = argc > 3 ? argv[3] : NULL;
    run();
    for (int call = 0; call < CALLS; call++) count[call] = (int)fault.count[call];
    this.begun += 1ULL << 40;               /* from here on others are watched */
    for (int call = 0; call < CALLS; call++) {
        if (only != NULL && strcmp(only, rows[call].name) != 0) continue;
        if (count[call] == 0) printf("# %s: 0 0 0\n", rows[call].name);
        else bad += !all_of(argv[0], (enum call)call, count[call], all, only != NULL ? 1 : 5);
    }
    return bad > 0;
}
