/*
 * What a program does with the library, all of it, under failing calls; see runs.c. Whatever fails, it expects, beside
 * what steps.h has:
 *
 *   - nothing asleep though the kernel is ready; no signal seen; nothing closed twice
 *   - at the end a queue and a pool that can be closed, all memory freed, and no descriptor left
 *
 * Where a call fails for ever it gives up, and the witness ends what there is.
 */
#define _GNU_SOURCE
#include "runs.h"
#include "steps.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BULK = 500000, FDS = 256, ENOUGH = 3 };

const int quiet = 10 * MS, patience = 300 * MS;

const char *directory;
const int subject_seconds = 20;
const bool subject_may_wait = false;

/* What can be no otherwise if a call fails for ever */
void stuck(const char *what, const char *why)
{
    if (fault.struck && fault.times == 0) witness_take_over(ASSERTED);
    problem("%s %s", what, why);
}

void documented(const char *what, int64_t code, int native, unsigned may)
{
    if (!is_documented(code, may)) problem("%s says '%s', which minimio.h does not have for it", what, mio_strerror((int)code));
    if (native == EINTR) problem("%s is ended by a signal", what);
    bool given_up = (code == MIO_ECANCELED && native != ECANCELED) || (code == MIO_ETIMEDOUT && native != ETIMEDOUT);
    if (given_up && native != 0) problem("%s is given up by us, with error %d of the system", what, native);
}

/* It may, if a call has failed since this was asked last */
void failed_again(const char *what, int64_t code, int before)
{
    static int known;
    bool once_more = fault.failures > known;
    known = fault.failures;
    if (before > 0 && !once_more) problem("%s fails again: %s", what, mio_strerror((int)code));
    if (before >= ENOUGH) stuck(what, "fails again and again");
}

int wait_once(int64_t timeout)
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

/* Whose call failed in the meantime is not asleep */
void is_awake(struct item *i)
{
    int before = fault.failures;
    if (!kernel_is_ready(i)) return;
    while (i->inside && wait_once(patience) > 0) ;
    if (kernel_is_ready(i) && fault.failures == before) problem("%s sleeps though the kernel is ready", i->what);
}

void end_amid(struct stream *t)
{
    (void)t;
    problem("an end amid the stream");
}

/* --- sockets ------------------------------------------------------------------------------------------- */

static void open_socket(mio_socket *s, int family, int type)
{
    while (again("open", mio_socket_open(s, family, type)))
        if (s->native != -1) problem("open fails and leaves a descriptor");
    if (!(fcntl(s->native, F_GETFL) & O_NONBLOCK)) problem("a socket blocks");
    if (!(fcntl(s->native, F_GETFD) & FD_CLOEXEC)) problem("a socket is inherited");
}

static void local_path(mio_address *a, const char *name)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%ld-%s", directory, (long)getpid(), name);
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
        if (tries == 4 + ENOUGH) stuck("connection", "does not come about");
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
    if (family == MIO_LOCAL) bulk(&there, BULK);
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
        if (tries == 3 + ENOUGH) stuck("datagram", "does not come");
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

/* --- a pool --------------------------------------------------------------------------------------------- */

static mio_pool *pool;
static atomic_bool may_go;
static atomic_int staying;

static void computes(mio_op *op) { op->result = *(int *)op->user * 2; }

/* Stays in its thread until it may go */
static void stays(mio_op *op)
{
    const struct timespec moment = { 0, MS / 10 };
    staying++;
    while (!may_go) nanosleep(&moment, NULL);
    staying--;
    op->result = 1;
}

/* A work is done whatever fails; only the way back is the kernel's */
static void works(void)
{
    struct item items[3] = { 0 };
    int numbers[3] = { 1, 2, 3 };
    for (int i = 0; i < 3; i++) {
        items[i].op.user = &numbers[i];
        taken(&items[i], "work", OF_WORK, mio_work(queue, &items[i].op, pool, computes));
    }
    for (int i = 0; i < 3; i++) {
        while (items[i].inside)
            if (wait_once(10 * (int64_t)patience) == 0) problem("a work does not come back");
        if (items[i].op.result != 2 * numbers[i]) problem("a work has another result");
    }
}

static void come_back(struct item *i, int64_t wanted)
{
    while (i->inside)
        if (wait_once(10 * (int64_t)patience) == 0) problem("%s does not come back", i->what);
    if (i->op.result != wanted) problem("%s: %s", i->what, mio_strerror((int)i->op.result));
}

/* Both threads are busy; one that waits is cancelled, one is too late, and for one there is no room */
static void works_that_wait(void)
{
    struct item busy[2] = { 0 }, waits = { 0 }, late = { 0 }, many = { 0 };
    may_go = false;
    for (int i = 0; i < 2; i++) taken(&busy[i], "work", OF_WORK, mio_work(queue, &busy[i].op, pool, stays));
    int64_t late_at = mio_now() + 10 * (int64_t)patience;
    while (staying < 2)
        if (mio_now() > late_at) problem("a pool has fewer threads than were asked for");
    taken(&waits, "work", OF_WORK, mio_work(queue, &waits.op, pool, stays));
    mio_op_work(&late.op, pool, stays);
    late.op.deadline = mio_now() + MS;
    taken(&late, "work", OF_WORK, mio_queue_submit(queue, &late.op));
    taken(&many, "work", OF_WORK, mio_work(queue, &many.op, pool, stays));
    come_back(&many, MIO_EAGAIN);
    come_back(&late, MIO_ETIMEDOUT);
    mio_queue_cancel(queue, &waits.op);
    come_back(&waits, MIO_ECANCELED);
    if (mio_pool_close(pool) != MIO_EBUSY) problem("a pool that works is closed");
    may_go = true;
    for (int i = 0; i < 2; i++) come_back(&busy[i], 1);
}

static void looked_up(const char *host, int family)
{
    struct item resolve = { 0 };
    mio_address found[2];
    do {
        taken(&resolve, "resolve", OF_RESOLVE, mio_resolve(queue, &resolve.op, pool, host, 80, found, 2));
        while (resolve.inside)
            if (wait_once(10 * (int64_t)patience) == 0) problem("a resolve does not come back");
        if (resolve.op.result < 0 && resolve.op.native == 0) problem("a resolve fails without a reason");
        if (resolve.op.result == 0) problem("a resolve finds nothing, and calls that a success");
    } while (!succeeded(&resolve));
    if (mio_address_family(&found[0]) != family || mio_address_port(&found[0]) != 80) problem("another address is found");
}

static void pool_workload(void)
{
    int code;
    step("a pool");
    while (code = mio_pool_open(&pool, 2, 4), again_for("pool_open", code, POOL))
        if (pool != NULL) problem("pool_open fails and leaves a pool");
    works();
    works_that_wait();
    step("names");
    looked_up("127.0.0.1", MIO_IPV4);
    looked_up("::1", MIO_IPV6);
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
    seam_owner(fd, PROGRAM_S);
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
    bulk(&t, BULK);
    for (int i = 0; i < 2; i++) close_socket(&ends[i]);
    step("a pair");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) problem("no pair");
    for (int i = 0; i < 2; i++) adopt(&ends[i], fds[i]);
    if (ends[0].family != MIO_LOCAL) problem("a pair is adopted as another family");
    begin_stream(&t, &ends[1], &ends[0]);
    awaited(&t, 100);
    if (mio_socket_detach(&ends[0], &native) != 0 || native != fds[0]) problem("detach fails");
    close_socket(&ends[1]);
    close(native);
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
    int64_t late = mio_now() + 10 * (int64_t)patience;
    while (nop.inside && mio_now() < late) wait_once(late - mio_now());
    if (mio_now() >= late) problem("a post does not wake the owner");
    pthread_join(thread, NULL);
}

/* Shut down while operations wait; closes are taken still */
static void ending(mio_socket *listener, mio_socket *client, mio_socket *accepted)
{
    struct item waiting[4] = { 0 }, works_on = { 0 };
    mio_socket unused;
    char byte;
    int n;
    step("the end");
    taken(&waiting[0], "receive", OF_RECEIVE, mio_receive(queue, &waiting[0].op, client, &byte, 1));
    taken(&waiting[1], "accept", OF_ACCEPT, mio_accept(queue, &waiting[1].op, listener, &unused));
    taken(&waiting[2], "timer", OF_TIMER, mio_timer(queue, &waiting[2].op, INT64_MAX));
    mio_op_nop(&waiting[3].op);
    taken(&waiting[3], "nop", OF_TIMER, mio_queue_post(queue, &waiting[3].op));
    may_go = false;
    taken(&works_on, "work", OF_WORK, mio_work(queue, &works_on.op, pool, stays));
    if (mio_queue_shutdown(queue) != 0) problem("shutdown fails");
    may_go = true;
    close_socket(accepted);
    close_socket(client);
    do n = wait_once(10 * (int64_t)patience);
    while (n > 0);
    if (n != MIO_ESHUTDOWN) problem("the queue does not become empty");
    if (inside != 0) problem("%d operations did not come back", inside);
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
    if (mio_pool_close(pool) != 0) problem("the pool cannot be closed");
    close(seam_owner(listener->native, PROGRAM_S));     /* the queue left it open */
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
    pool_workload();
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

/* --- for runs.c ---------------------------------------------------------------------------------------- */

int subjects(const char *names[MOST_SUBJECTS])
{
    names[0] = "workload";
    return 1;
}

/* Which of the low descriptors are open? */
static void open_ones(char *map)
{
    for (int fd = 0; fd < FDS; fd++) map[fd] = fcntl(fd, F_GETFD) >= 0;
}

void subject_run(const char *name)
{
    char before[FDS], after[FDS];
    (void)name;
    open_ones(before);
    workload();
    step("afterwards");
    open_ones(after);
    for (int fd = 0; fd < FDS; fd++)
        if (before[fd] != after[fd]) problem("descriptor %d is %s", fd, after[fd] ? "left open" : "closed");
    witness_passed();
}
