/*
 * Fails each call of the library to Windows, one in each run: every call that a workload makes, with the errors that
 * Microsoft's pages have for it. A call fails once; in half of the runs it fails from then on, until the workload has
 * seen the same fail twice. Whatever fails, the workload expects, beside what steps.h has:
 *
 *   - nothing asleep though the kernel is ready; nothing closed twice
 *   - at the end a queue that can be closed, all memory freed, and no handle left
 *
 *   faults_windows NAME some|all [CALL]      how many failures of each call, and a line for each that is not well. NAME is
 *                                            for the lines; all: every error at every call; some: each error, and each
 *                                            call. It starts itself, for each CALL:
 *   faults_windows NAME some|all CALL COUNT FIRST END     the runs from FIRST to before END; the exit status is the first
 *                                            that is not well, counted from 1
 */
#include "calls_windows.h"
#include "steps.h"
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <process.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 20, BULK = 300000 };

const int quiet = 30 * MS, patience = 1000 * MS;

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

void problem(const char *format, ...)
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

void step(const char *name) { this.step = name; }

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

/* --- for steps.h ----------------------------------------------------------------------------------------- */

enum { WAIT_FAILS = BIT(MIO_ENOMEM) | BIT(MIO_ESYSTEM) };

/* Is it want of memory that the failing call tells of? */
static bool want_of_memory(void)
{
    static const long all[] = { WSAENOBUFS, ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_QUOTA,
        ERROR_COMMITMENT_LIMIT, (long)0xC000009A, (long)0xC0000017, (long)0xC0000044 };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (fault.error == all[i]) return true;
    return false;
}

void documented(const char *what, int64_t code, int native, unsigned may)
{
    if (code >= 0) return;
    if (want_of_memory() && code != MIO_ENOMEM && code != MIO_ECANCELED && code != MIO_ETIMEDOUT)
        problem("%s says '%s' (%d) for want of memory", what, mio_strerror((int)code), native);
    if (!is_documented(code, may))
        problem("%s says '%s' (%d), which minimio.h does not have for it", what, mio_strerror((int)code), native);
}

/* It should, where the failure lasts, which now ends */
void failed_again(const char *what, int64_t code, int before)
{
    if (before == 0) return;
    if (!fault.lasts || fault.nth == 0) problem("%s fails again: %s", what, mio_strerror((int)code));
    fault.nth = 0;
}

void stuck(const char *what, const char *why) { problem("%s %s", what, why); }

/* One wait, which may fail where the port does, but not again */
int wait_once(int64_t timeout)
{
    mio_op *done[4];
    int64_t begun = mio_now();
    int n = mio_queue_wait(queue, done, 4, timeout);
    for (int i = 0; i < n; i++) back((struct item *)done[i]);
    if (n == 0 && mio_now() - begun < timeout) problem("a wait ends early");
    if (n == MIO_WOKEN) woken++;
    if (n < 0 && n != MIO_WOKEN && n != MIO_ESHUTDOWN) {
        if (fault.call != DEQUEUE || fault.struck == 0) problem("the wait fails: %s", mio_strerror(n));
        while (again_for("wait", n, WAIT_FAILS)) n = wait_once(timeout);
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

void is_awake(struct item *i)
{
    if (!kernel_is_ready(i)) return;
    while (i->inside && wait_once(patience) > 0) ;
    if (kernel_is_ready(i)) problem("%s sleeps though the kernel is ready", i->what);
}

/* An end that a receive was told by the call that fails */
static bool told_an_end(void)
{
    return fault.call == RECEIVE && (fault.error == WSAEDISCON || fault.error == WSAESHUTDOWN
        || fault.error == WSAECONNRESET || fault.error == WSAECONNABORTED || fault.error == WSAENETRESET);
}

void end_amid(struct stream *t)
{
    if (!told_an_end()) problem("an end amid the stream");
    if (t->receive.failed > 0 || fault.nth == 0) problem("another end amid the stream");
    if (fault.lasts) fault.nth = 0;
}

/* --- sockets ------------------------------------------------------------------------------------------- */

static void open_socket(mio_socket *s, int family, int type)
{
    while (again("open", mio_socket_open(s, family, type)))
        if (s->native != INVALID_SOCKET) problem("open fails and leaves a socket");
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
    bulk(&there, BULK);
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
    while (again_for("pool_open", mio_pool_open(&pool, 2, 2), POOL))
        if (pool != NULL) problem("pool_open fails and leaves a pool");
    taken(&work, "work", OF_WORK, mio_work(queue, &work.op, pool, do_work));
    do {
        taken(&name, "resolve", OF_RESOLVE, mio_resolve(queue, &name.op, pool, "127.0.0.1", 80, found, 4));
        while (name.inside || work.inside)
            if (wait_once(patience) == 0) problem("work stays inside");
    } while (!succeeded(&name));
    if (work.op.result != 7) problem("work does not come to its result");
    if (mio_address_port(&found[0]) != 80) problem("resolve found nothing");
    if (mio_pool_close(pool) != 0) problem("the pool cannot be closed");
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
    int64_t late = mio_now() + 5 * (int64_t)patience;
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
    do n = wait_once(patience);
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
    while (again_for("queue_open", mio_queue_open(&queue, &few), OPEN))
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
    if (fault.resets != 0) problem("a close is made a reset");
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
