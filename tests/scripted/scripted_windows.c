/*
 * A scripted completion port: the library on a model of Windows (kernel_windows.c) that answers what a script says, also
 * what no Windows gives on demand. In every script, each operation that was accepted comes back exactly once, with a result
 * that minimio.h has for it, and not while the kernel has its record; nobody sleeps for ever, or asks again and again; at
 * the end the queue is empty and can be closed, nothing is out, and no socket is left.
 *
 *   scripted_windows [COUNT [FIRST [stop]]]      the scripts, and COUNT random ones, from the seed FIRST (1); stop: when
 *                                                something is wrong
 */
#include "kernel_windows.h"
#include "minimio.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- scripts, and what is wrong with them --------------------------------------------------------------- */

static jmp_buf out_of_here;
static char words[300];

void problem(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    vsnprintf(words, sizeof words, format, rest);
    va_end(rest);
    longjmp(out_of_here, 1);
}

/* --- what minimio.h has for each ------------------------------------------------------------------------ */

#define BIT(code) (1u << -(code))
enum {
    COMMON = BIT(MIO_ECANCELED) | BIT(MIO_ETIMEDOUT) | BIT(MIO_EBADF) | BIT(MIO_ENOTSUP) | BIT(MIO_ENOMEM)
        | BIT(MIO_ESYSTEM),
    OF_CONNECT = COMMON | BIT(MIO_ECONNREFUSED) | BIT(MIO_EUNREACHABLE) | BIT(MIO_ECONNRESET)
        | BIT(MIO_EADDRNOTAVAIL) | BIT(MIO_EACCES) | BIT(MIO_EADDRINUSE) | BIT(MIO_EISCONN)
        | BIT(MIO_EAGAIN) | BIT(MIO_EINVAL),
    OF_ACCEPT = COMMON | BIT(MIO_EMFILE) | BIT(MIO_EINVAL) | BIT(MIO_EACCES),
    OF_RECEIVE = COMMON | BIT(MIO_ECONNRESET) | BIT(MIO_ENOTCONN) | BIT(MIO_EMSGSIZE) | BIT(MIO_ECONNREFUSED)
        | BIT(MIO_EUNREACHABLE),
    OF_SEND = COMMON | BIT(MIO_EPIPE) | BIT(MIO_ECONNRESET) | BIT(MIO_ENOTCONN) | BIT(MIO_EMSGSIZE)
        | BIT(MIO_EUNREACHABLE) | BIT(MIO_ECONNREFUSED) | BIT(MIO_EACCES),
    OF_RECEIVE_FROM = COMMON | BIT(MIO_EMSGSIZE) | BIT(MIO_ECONNREFUSED) | BIT(MIO_EUNREACHABLE),
    OF_SEND_TO = COMMON | BIT(MIO_EMSGSIZE) | BIT(MIO_EUNREACHABLE) | BIT(MIO_EACCES) | BIT(MIO_EADDRNOTAVAIL)
        | BIT(MIO_EINVAL) | BIT(MIO_ECONNREFUSED),
    OF_SHUT = COMMON | BIT(MIO_ENOTCONN),
    OF_CLOSE = BIT(MIO_EBADF) | BIT(MIO_ESYSTEM),
    OF_TIMER = BIT(MIO_ECANCELED)
};

/* --- operations ----------------------------------------------------------------------------------------- */

enum { MS = 1000000, ITEMS = 40 };

struct item {
    mio_op op;                  /* the first: what comes back is an item */
    unsigned may;
    bool inside;
    int place;                  /* in the order of coming back, from 1 */
};

static mio_queue *queue;
static int inside, came, room;
static struct item items[ITEMS];
static mio_socket a, b, listener, accepted, datagrams;
static mio_address there;
static char bytes[4096];

static void back(mio_op *op)
{
    struct item *i = (struct item *)op;
    if (!i->inside) problem("an operation comes back twice");
    if (kernel_has(op, sizeof *op)) problem("an operation comes back though the kernel has its record");
    if (op->result < 0 && (op->result < MIO_ESYSTEM || !(i->may & BIT((int)op->result))))
        problem("it says '%s' (%d), which minimio.h does not have for it", mio_strerror((int)op->result), op->native);
    if (op->result >= 0 && op->native != 0) problem("a success with the error %d", op->native);
    i->inside = false;
    i->place = ++came;
    inside--;
}

static int wait_for(int64_t timeout)
{
    mio_op *done[8];
    int asked = kernel.asked;
    int64_t begun = mio_now();
    kernel.in_vain = 0;
    int n = mio_queue_wait(queue, done, room, timeout);
    for (int i = 0; i < n; i++) back(done[i]);
    if (n == 0 && mio_now() - begun < timeout) problem("a wait is early by %lld ns", (long long)(timeout - (mio_now() - begun)));
    if (kernel.asked - asked > 150) problem("a wait asks %d times", kernel.asked - asked);
    return n;
}

/* It is submitted; a refusal would be misuse, and this is none */
static struct item *taken(int number, unsigned may, int refused)
{
    struct item *i = &items[number];
    if (refused != 0) problem("refused: %s", mio_strerror(refused));
    i->may = may;
    i->inside = true;
    i->place = 0;
    inside++;
    return i;
}

#define OP(number) (&items[number].op)
static struct item *receive(int n, mio_socket *s) { return taken(n, OF_RECEIVE, mio_receive(queue, OP(n), s, bytes, 100)); }
static struct item *send_(int n, mio_socket *s) { return taken(n, OF_SEND, mio_send(queue, OP(n), s, bytes, 100)); }
static struct item *send_all(int n, mio_socket *s) { return taken(n, OF_SEND, mio_send_all(queue, OP(n), s, bytes, 100)); }
static struct item *receive_from(int n, mio_socket *s)
{
    return taken(n, OF_RECEIVE_FROM, mio_receive_from(queue, OP(n), s, bytes, 100, NULL));
}
static struct item *send_to(int n, mio_socket *s)
{
    return taken(n, OF_SEND_TO, mio_send_to(queue, OP(n), s, bytes, 100, &there));
}
static struct item *connect_(int n, mio_socket *s) { return taken(n, OF_CONNECT, mio_connect(queue, OP(n), s, &there)); }
static struct item *accept_(int n) { return taken(n, OF_ACCEPT, mio_accept(queue, OP(n), &listener, &accepted)); }
static struct item *ready(int n, mio_socket *s, int way) { return taken(n, COMMON, mio_ready(queue, OP(n), s, way)); }
static struct item *shut(int n, mio_socket *s, int half) { return taken(n, OF_SHUT, mio_shut(queue, OP(n), s, half)); }
static struct item *close_(int n, mio_socket *s) { return taken(n, OF_CLOSE, mio_socket_close(queue, OP(n), s)); }
static struct item *timer(int n, int64_t due) { return taken(n, OF_TIMER, mio_timer(queue, OP(n), due)); }
static void cancel_(struct item *i) { mio_queue_cancel(queue, &i->op); }

static void look(void)
{
    while (wait_for(0) > 0) ;
}

static void is(struct item *i, int64_t result)
{
    if (i->inside) problem("operation %d stays inside", (int)(i - items));
    if (i->op.result != result) problem("operation %d has %lld (%s) instead of %lld", (int)(i - items), (long long)i->op.result,
        mio_strerror((int)i->op.result), (long long)result);
}

static void waits(struct item *i)
{
    if (!i->inside) problem("operation %d came back with %lld", (int)(i - items), (long long)i->op.result);
}

static void must(bool holds, const char *what)
{
    if (!holds) problem("%s", what);
}

static void open_all(void)
{
    mio_socket *streams[] = { &a, &b, &listener };
    for (int i = 0; i < 3; i++) must(mio_socket_open(streams[i], MIO_IPV4, MIO_STREAM) == 0, "open");
    must(mio_socket_open(&datagrams, MIO_IPV4, MIO_DATAGRAM) == 0, "open");
    must(mio_address_parse(&there, "127.0.0.1", 7) == 0, "parse");
    accepted.native = INVALID_SOCKET;
}

static void begin(void)
{
    kernel_begin();
    memset(items, 0, sizeof items);
    inside = came = 0;
    room = 8;
    must(mio_queue_open(&queue, NULL) == 0, "no queue");
    open_all();
}

static void until_empty(void)
{
    int n;
    do n = wait_for(1000 * (int64_t)MS);
    while (n > 0 || n == MIO_WOKEN);
    if (n != MIO_ESHUTDOWN) problem("the queue does not become empty: %d", n);
}

/* Whatever was left, comes back; the sockets are closed */
static void finish_all(void)
{
    mio_socket *all[] = { &a, &b, &listener, &datagrams };
    kernel.cancel = CANCEL_ENDS;
    kernel.asleep = NULL;
    for (int i = requests_out() - 1; i >= 0; i--) {
        if (!request_number(i)->cancelled) continue;
        if (request_number(i)->what == POLL) finish_poll(request_number(i), CANCELLED, 0, 0);
        else finish(request_number(i), CANCELLED, 0);
    }
    if (mio_queue_shutdown(queue) != 0) problem("shutdown fails");
    for (int i = 0; i < 4; i++)
        if (all[i]->native != INVALID_SOCKET) close_(ITEMS - 1 - i, all[i]);
    until_empty();
    if (accepted.native != INVALID_SOCKET) close_(0, &accepted);
    until_empty();
    if (inside != 0) problem("%d operations did not come back", inside);
    if (mio_queue_close(queue) != 0) problem("the queue cannot be closed");
    if (requests_out() != 0) problem("%d requests are out", requests_out());
    if (sockets_open() != 0) problem("%d sockets are open", sockets_open());
}

/* --- packets -------------------------------------------------------------------------------------------- */

static void foreign_packets(void)
{
    struct item *r = receive(0, &a);
    ready(1, &b, MIO_READABLE);
    for (ULONG_PTR key = 0; key < 5; key++) foreign_packet(key, NULL, 7);
    foreign_packet(77, &items[5].op, 7);
    foreign_packet((ULONG_PTR)-1, &a, 7);
    look();
    waits(r);
    finish(the(RECEIVE, a.native), DONE, 5);
    foreign_packet(0, NULL, 0);
    look();
    is(r, 5);
}

/* Four requests and a poll: their packets in each order, in batches of each size */
static void packets_in_any_order(void)
{
    for (int order = 0; order < 120; order++) {
        if (order > 0) begin();
        room = 1 + order % 3;
        kernel.batch = order % 4;
        struct item *of[] = { receive(0, &a), send_(1, &a), receive(2, &b), send_(3, &b), ready(4, &listener, MIO_READABLE) };
        struct item *behind = receive(5, &a);
        finish(the(RECEIVE, a.native), DONE, 1);
        finish(the(SEND, a.native), DONE, 100);
        finish(the(RECEIVE, b.native), DONE, 3);
        finish(the(SEND, b.native), DONE, 50);
        finish_poll(the(POLL, listener.native), DONE, 1, AFD_ACCEPT);
        for (int n = 5, rest = order; n > 1; n--, rest /= n + 1) packet_first(rest % n);
        look();
        static const int64_t results[] = { 1, 100, 3, 50, MIO_READABLE };
        for (int i = 0; i < 5; i++) is(of[i], results[i]);
        waits(behind);
        if (order < 119) finish_all();
    }
}

/* A receive that waits behind another is not handed over before it: else its success would overtake */
static void a_later_success_does_not_overtake(void)
{
    struct item *first = receive(0, &a), *second = receive(1, &a), *third = receive(2, &a);
    must(handed_over(RECEIVE) == 1, "two receives are in the kernel");
    at_once(RECEIVE, 0, DONE, 20, 2);
    finish(the(RECEIVE, a.native), DONE, 10);
    look();
    is(first, 10);
    is(second, 20);
    is(third, 20);
    must(first->place == 1 && second->place == 2 && third->place == 3, "they come back in another order");
}

/* One batch has the packets of two sockets; who sees the first closes the second */
static void closed_between_two_of_a_batch(void)
{
    struct item *one = receive(0, &a), *two = receive(1, &b), *more = send_(2, &b);
    room = 1;
    finish(the(RECEIVE, a.native), DONE, 1);
    finish(the(RECEIVE, b.native), DONE, 2);
    finish(the(SEND, b.native), RESET, 0);
    must(wait_for(0) == 1 && !one->inside, "the first does not come first");
    struct item *closing = close_(3, &b);
    look();
    is(two, 2);
    is(more, MIO_ECONNRESET);
    is(closing, 0);
    must(closing->place == 4, "the close overtakes");
}

static void a_success_with_its_packet(void)
{
    struct item *i;
    for (int kind = 0; kind < 2; kind++) {
        if (kind > 0) begin();
        if (kind == 0) kernel.layered = true;
        else kernel.no_skipping = true;
        at_once(RECEIVE, 0, DONE, 9, 1);
        at_once(SEND, 0, DONE, 100, 1);
        i = receive(0, &a);
        struct item *other = send_(1, &a);
        must(i->inside && packets() == 2, "it does not wait for the packet");
        look();
        is(i, 9);
        is(other, 100);
        if (kind == 0) finish_all();
    }
}

static void a_success_without_its_packet(void)
{
    at_once(RECEIVE, 0, DONE, 9, 1);
    struct item *i = receive(0, &a);
    must(packets() == 0, "the model has a packet");
    look();
    is(i, 9);
    at_once(SEND, 0, DONE, 25, 4);
    i = send_all(1, &a);
    look();
    is(i, 100);
    must(handed_over(SEND) == 4, "a send_all in another number of parts");
}

/* A datagram that was cut has its packet, though the call fails */
static void a_datagram_that_was_cut(void)
{
    at_once(RECEIVE, WSAEMSGSIZE, CUT, 100, 1);
    struct item *i = receive_from(0, &datagrams);
    waits(i);
    look();
    is(i, MIO_EMSGSIZE);
    must(i->op.done == 100, "its start is not counted");
    i = receive_from(0, &datagrams);
    finish(the(RECEIVE, datagrams.native), CUT, 60);
    look();
    is(i, MIO_EMSGSIZE);
    must(i->op.done == 60, "its start is not counted");
    i = receive_from(0, &datagrams);
    kernel.cancel = CANCEL_FINDS_NOTHING;
    cancel_(i);
    finish(the(RECEIVE, datagrams.native), CUT, 50);
    look();
    is(i, MIO_EMSGSIZE);
    at_once(SEND, WSAEMSGSIZE, 0xC0000206u, 0, 1);
    i = send_to(1, &datagrams);
    look();
    is(i, MIO_EMSGSIZE);
}

static void nothing_is_done(void)
{
    struct item *end = receive(0, &a), *sent = send_(1, &a), *empty = receive_from(2, &datagrams);
    finish(the(RECEIVE, a.native), DONE, 0);
    finish(the(SEND, a.native), DONE, 0);
    finish(the(RECEIVE, datagrams.native), DONE, 0);
    look();
    is(end, 0);
    is(sent, 0);
    is(empty, 0);
    struct item *all = send_all(1, &a);
    finish(the(SEND, a.native), DONE, 0);
    look();
    waits(all);
    finish(the(SEND, a.native), DONE, 100);
    look();
    is(all, 100);
}

/* --- statuses ------------------------------------------------------------------------------------------- */

static const uint32_t statuses[] = { DONE, STILL_PENDING, 0x40000000u, CUT, HANDLES_CLOSED, CANCELLED, NO_RESOURCES, NETNAME_DELETED,
    RESET, NOTHING_FOUND, REFUSED, ABORTED, 0xC0000001u, 0xC0000005u, 0xC0000008u, 0xC0000022u, 0xC0000043u, 0xC00000B5u,
    0xC00000BEu, 0xC000013Bu, 0xC000013Cu, 0xC0000140u, 0xC0000141u, 0xC0000184u, 0xC0000207u, 0xC0000209u, 0xC000020Au,
    0xC000020Cu, 0xC000023Au, 0xC000023Cu, 0xC000023Du, 0xC000023Eu, 0xC000023Fu, 0xC0000024u, 0xC0000023u, 0xC00000B0u,
    0xC0000237u, 0x80000001u, 0xE0001234u };
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

/* Statuses that only a request which makes no sense can have; minimio.h has no code for them */
static bool is_misuse(uint32_t status)
{
    static const uint32_t misuse[] = { 0xC0000005u, 0xC0000184u, 0xC0000023u };
    for (int i = 0; i < 3; i++)
        if (status == misuse[i]) return true;
    return false;
}

/* What of a stream's statuses a datagram, or an accept, can have is not known: here only that it comes back */
static struct item *any(int kind)
{
    struct item *i = kind == 0 ? receive(0, &a) : kind == 1 ? send_(0, &a) : kind == 2 ? send_all(0, &a)
        : kind == 3 ? connect_(0, &a) : accept_(0);
    return i;
}

static struct request *its_request(int kind)
{
    static const enum what what[] = { RECEIVE, SEND, SEND, CONNECT, ACCEPT };
    return the(what[kind], kind == 4 ? listener.native : a.native);
}

static bool has_sense(int kind, uint32_t status)
{
    static const uint32_t of_binding[] = { 0xC0000022u, 0xC0000043u, 0xC0000141u, 0xC0000207u, 0xC0000209u, 0xC000020Au };
    if (is_misuse(status)) return false;
    for (int i = 0; i < 6; i++)
        if (status == of_binding[i]) return kind == 3;
    if (status == REFUSED) return kind == 3;
    if (kind == 4) return (int32_t)status >= 0 || status == NO_RESOURCES || status == CANCELLED || status == RESET
        || status == NETNAME_DELETED || status == HANDLES_CLOSED;
    if (kind == 3) return status != CUT && status != 0xC00000B0u && status != 0xC0000237u && status != 0xC000023Au
        && status != 0xC0000140u;
    return status != 0xC000023Fu || kind != 0;
}

static void each_status_of_each_request(void)
{
    for (int kind = 0; kind < 5; kind++)
        for (int n = 0; n < STATUSES; n++) {
            if (!has_sense(kind, statuses[n])) continue;
            struct item *i = any(kind);
            finish(its_request(kind), statuses[n], kind < 3 ? 100 : 0);
            look();
            bool passed_over = kind == 4 && (statuses[n] == RESET || statuses[n] == NETNAME_DELETED);
            if (i->inside != passed_over) problem("kind %d with the status 0x%08lx: inside %d", kind,
                (unsigned long)statuses[n], (int)i->inside);
            if ((int32_t)statuses[n] >= 0 && i->op.result != (kind < 3 ? 100 : 0))
                problem("0x%08lx is no failure, but %s", (unsigned long)statuses[n], mio_strerror((int)i->op.result));
            if ((int32_t)statuses[n] < 0 && !i->inside && i->op.result > 0)
                problem("0x%08lx is a failure, but a success here", (unsigned long)statuses[n]);
            finish_all();
            begin();
        }
}

/* The same, when it was cancelled before: then nothing that was done is lost */
static void each_status_after_a_cancel(void)
{
    for (int kind = 0; kind < 5; kind++)
        for (int n = 0; n < STATUSES; n++) {
            if (!has_sense(kind, statuses[n])) continue;
            kernel.cancel = n % 2 ? CANCEL_LATER : CANCEL_FINDS_NOTHING;
            struct item *i = any(kind);
            cancel_(i);
            cancel_(i);
            must(kernel.cancels == 1, "two cancels of one request");
            waits(i);
            finish(its_request(kind), statuses[n], kind < 3 ? 100 : 0);
            look();
            if ((int32_t)statuses[n] >= 0) is(i, kind < 3 ? 100 : 0);
            else if (statuses[n] != CUT) is(i, MIO_ECANCELED);
            finish_all();
            begin();
        }
}

/* In the middle of a send_all: what was sent is counted, and no more is sent */
static void a_cancel_in_the_middle(void)
{
    struct item *i = send_all(0, &a);
    finish(the(SEND, a.native), DONE, 40);
    look();
    kernel.cancel = CANCEL_LATER;
    cancel_(i);
    finish(the(SEND, a.native), DONE, 30);
    look();
    is(i, MIO_ECANCELED);
    must(i->op.done == 70 && handed_over(SEND) == 2, "done is not 70");
}

static void a_cancel_that_nobody_asked_for(void)
{
    struct item *i = receive(0, &a), *r = ready(1, &b, MIO_READABLE);
    finish(the(RECEIVE, a.native), CANCELLED, 0);
    finish_poll(the(POLL, b.native), CANCELLED, 0, 0);
    look();
    is(i, MIO_ECANCELED);
    waits(r);
    finish_poll(the(POLL, b.native), DONE, 1, AFD_RECEIVE);
    look();
    is(r, MIO_READABLE);
}

/* A reset is told once in each direction, and never an end before it */
static void a_reset_is_told_once(void)
{
    struct item *s = send_(0, &a);
    finish(the(SEND, a.native), RESET, 0);
    struct item *r = receive(1, &a), *last = receive(2, &a), *s2 = send_(3, &a);
    look();
    is(s, MIO_ECONNRESET);
    finish(the(RECEIVE, a.native), DONE, 0);
    look();
    is(r, MIO_ECONNRESET);
    finish(the(RECEIVE, a.native), RESET, 0);
    finish(the(SEND, a.native), ABORTED, 0);
    look();
    is(last, 0);
    is(s2, MIO_EPIPE);
}

/* A cancel does not swallow it: it comes with the receive that was cancelled, or with the next */
static void a_cancel_keeps_the_reset(void)
{
    struct item *s = send_(0, &a), *r = receive(1, &a);
    finish(the(SEND, a.native), RESET, 0);
    look();
    is(s, MIO_ECONNRESET);
    kernel.cancel = CANCEL_FINDS_NOTHING;
    cancel_(r);
    finish(the(RECEIVE, a.native), DONE, 0);
    look();
    if (r->op.result == MIO_ECONNRESET) return;
    is(r, MIO_ECANCELED);
    r = receive(1, &a);
    finish(the(RECEIVE, a.native), DONE, 0);
    look();
    is(r, MIO_ECONNRESET);
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void a_peer_that_is_gone(void)
{
    struct item *i = accept_(0);
    int open = sockets_open();
    kernel.update_error = WSAENOTCONN;
    kernel.updates = 3;
    for (int n = 0; n < 3; n++) {
        finish(the(ACCEPT, listener.native), DONE, 0);
        look();
        waits(i);
        must(sockets_open() == open, "its socket stays open");
    }
    finish(the(ACCEPT, listener.native), RESET, 0);
    look();
    waits(i);
    finish(the(ACCEPT, listener.native), DONE, 0);
    look();
    is(i, 0);
    must(handed_over(ACCEPT) == 5, "another number of accepts");
}

/* So many that the accept is done at once each time: others have their turn */
static void many_peers_that_are_gone(void)
{
    struct item *r = receive(1, &a);
    finish(the(RECEIVE, a.native), DONE, 5);
    kernel.update_error = WSAENOTCONN;
    kernel.updates = 1000;
    at_once(ACCEPT, 0, DONE, 0, 1000);
    struct item *i = accept_(0);
    for (int n = 0; r->inside && n < 3; n++) wait_for(0);
    is(r, 5);
    must(handed_over(ACCEPT) < 200, "others wait for a thousand accepts");
    for (int n = 0; n < 100; n++) wait_for(0);
    waits(i);
    finish(the(ACCEPT, listener.native), DONE, 0);
    look();
    is(i, 0);
}

static void an_accept_that_cannot_be_finished(void)
{
    static const struct { int error, code; } cases[] = { { WSAENOBUFS, MIO_ENOMEM }, { WSAEINVAL, MIO_EINVAL },
        { WSAENETDOWN, MIO_ESYSTEM } };
    for (int n = 0; n < 6; n++) {
        struct item *i = accept_(0);
        int open = sockets_open();
        if (n < 3) kernel.update_error = cases[n % 3].error, kernel.updates = 1;
        else kernel.ioctl_error = cases[n % 3].error, kernel.ioctls = 1;
        finish(the(ACCEPT, listener.native), DONE, 0);
        look();
        is(i, cases[n % 3].code);
        must(accepted.native == INVALID_SOCKET && sockets_open() == open - 1, "its socket stays open");
    }
}

static void a_connect_that_cannot_be_finished(void)
{
    static const struct { int error, code; } cases[] = { { WSAENOTCONN, MIO_ECONNRESET }, { WSAENOBUFS, MIO_ENOMEM },
        { WSAEINVAL, MIO_EINVAL } };
    for (int n = 0; n < 3; n++) {
        if (n > 0) begin();
        struct item *i = connect_(0, &a), *r = receive(1, &a);
        must(handed_over(RECEIVE) == 0, "a receive does not wait for the connect");
        kernel.update_error = cases[n].error;
        kernel.updates = 1;
        finish(the(CONNECT, a.native), DONE, 0);
        look();
        is(i, cases[n].code);
        waits(r);
        must(handed_over(RECEIVE) == 1, "nobody starts the receive");
        if (n < 2) finish_all();
    }
}

/* Cancelled, when the connection was there: it is no success that is lost, and no socket */
static void an_accept_that_was_there(void)
{
    kernel.cancel = CANCEL_FINDS_NOTHING;
    struct item *i = accept_(0);
    cancel_(i);
    finish(the(ACCEPT, listener.native), DONE, 0);
    look();
    is(i, 0);
    must(socket_open(accepted.native), "the accepted socket is not open");
    close_(5, &accepted);
    look();
    i = accept_(0);
    cancel_(i);
    kernel.update_error = WSAENOTCONN;
    kernel.updates = 1;
    finish(the(ACCEPT, listener.native), DONE, 0);
    look();
    is(i, MIO_ECANCELED);
    must(accepted.native == INVALID_SOCKET, "the accepted socket is open");
}

/* --- the driver's answers ------------------------------------------------------------------------------- */

static void answers_with_nothing_in_them(void)
{
    struct item *r = ready(0, &a, MIO_READABLE);
    for (int n = 0; n < 20; n++) {
        finish_poll(the(POLL, a.native), n % 3 == 2 ? STILL_PENDING : DONE, n % 2 ? 0 : 1, n % 2 ? AFD_RECEIVE : 0);
        look();
        waits(r);
        must(handed_over(POLL) == n + 2, "it is not asked again, or too often");
    }
    finish_poll(the(POLL, a.native), DONE, 1, AFD_RECEIVE);
    look();
    is(r, MIO_READABLE);
    must(!is_out(POLL, a.native), "nobody waits, and it is asked");
}

static void events_that_nobody_asked_for(void)
{
    struct item *r = ready(0, &a, MIO_READABLE);
    must(the(POLL, a.native)->length == (AFD_CLOSED | AFD_RECEIVE | AFD_ACCEPT | AFD_END | AFD_RESET | AFD_REFUSED),
        "it asks for other events");
    finish_poll(the(POLL, a.native), DONE, 1, AFD_SEND | AFD_OOB | AFD_CONNECTED | 0x8000);
    look();
    waits(r);
    struct item *w = ready(1, &a, MIO_WRITABLE);
    look();                             /* the poll for less is cancelled, and the next is for both */
    must((the(POLL, a.native)->length & (AFD_RECEIVE | AFD_SEND)) == (AFD_RECEIVE | AFD_SEND), "it does not ask for both");
    finish_poll(the(POLL, a.native), DONE, 1, AFD_SEND);
    look();
    is(w, MIO_WRITABLE);
    waits(r);
    finish_poll(the(POLL, a.native), DONE, 1, AFD_RESET);
    look();
    is(r, MIO_READABLE);
}

static void a_handle_that_is_closed(void)
{
    struct item *r = ready(0, &a, MIO_READABLE), *w = ready(1, &a, MIO_WRITABLE);
    look();
    finish_poll(the(POLL, a.native), DONE, 1, AFD_CLOSED);
    look();
    is(r, MIO_EBADF);
    is(w, MIO_EBADF);
    r = ready(0, &a, MIO_READABLE);
    finish_poll(the(POLL, a.native), HANDLES_CLOSED, 0, 0);
    look();
    is(r, MIO_EBADF);
    r = ready(0, &a, MIO_READABLE);
    struct item *c = close_(2, &a);
    look();
    is(r, MIO_ECANCELED);
    is(c, 0);
}

static void a_poll_that_is_refused(void)
{
    kernel.poll_refused = NO_RESOURCES;
    struct item *r = ready(0, &a, MIO_READABLE);
    look();
    is(r, MIO_ENOMEM);
    kernel.poll_refused = 0;
    r = ready(0, &a, MIO_READABLE);
    waits(r);
    kernel.poll_refused = NO_RESOURCES;         /* now that it should be asked again */
    struct item *w = ready(1, &a, MIO_WRITABLE);
    look();
    is(r, MIO_ENOMEM);
    is(w, MIO_ENOMEM);
    kernel.poll_refused = 0;
    r = ready(0, &a, MIO_READABLE);
    finish_poll(the(POLL, a.native), NO_RESOURCES, 0, 0);
    look();
    is(r, MIO_ENOMEM);
}

/* A cancel finds nothing: the packet was there. What it tells is older than who waits then */
static void a_poll_whose_cancel_finds_nothing(void)
{
    kernel.cancel = CANCEL_FINDS_NOTHING;
    struct item *r = ready(0, &a, MIO_READABLE);
    cancel_(r);
    waits(r);
    finish_poll(the(POLL, a.native), DONE, 1, AFD_RECEIVE);
    look();
    must(!r->inside && (r->op.result == MIO_ECANCELED || r->op.result == MIO_READABLE), "neither cancelled nor ready");
    must(handed_over(POLL) == 1 && !is_out(POLL, a.native), "it is asked for nobody");
    r = ready(0, &a, MIO_READABLE);
    struct item *w = ready(1, &a, MIO_WRITABLE);
    finish_poll(the(POLL, a.native), DONE, 1, AFD_RECEIVE);
    look();
    waits(w);
    must(is_out(POLL, a.native), "it is not asked for who waits");
    finish_poll(the(POLL, a.native), DONE, 1, AFD_SEND | AFD_RECEIVE);
    look();
    is(w, MIO_WRITABLE);
    is(r, MIO_READABLE);
}

/* Layers that hide the socket at the bottom: it is found, or the search ends */
static void layers_above_the_socket(void)
{
    for (kernel.layers = 0; kernel.layers < 4; kernel.layers++) {
        struct item *r = ready(0, &a, MIO_READABLE);
        finish_poll(the(POLL, a.native), DONE, 1, AFD_RECEIVE);
        look();
        is(r, MIO_READABLE);
    }
    for (kernel.layers = ENDLESS; kernel.layers <= MUTE; kernel.layers++) {
        struct item *r = ready(0, &a, MIO_READABLE);
        look();
        is(r, MIO_ENOTSUP);
    }
}

/* --- lifetime ------------------------------------------------------------------------------------------- */

/* The packets of what was out come long after the close */
static void a_close_waits_for_all_packets(void)
{
    static const uint32_t last_words[] = { CANCELLED, HANDLES_CLOSED, DONE, ABORTED };
    for (int n = 0; n < 4; n++) {
        if (n > 0) begin();
        kernel.cancel = CANCEL_LATER;
        struct item *r = receive(0, &a), *s = send_(1, &a), *behind = send_(2, &a);
        SOCKET native = a.native;
        struct item *c = close_(3, &a);
        look();
        waits(r);
        waits(s);
        waits(c);
        finish(the(SEND, native), last_words[n], 100);
        look();
        waits(c);
        finish(the(RECEIVE, native), last_words[n], 0);
        must(wait_for(0) > 0, "nothing comes");
        look();
        is(behind, MIO_ECANCELED);
        is(c, 0);
        must(c->place == 4, "the close overtakes");
        if (n < 3) finish_all();
    }
}

static void a_close_waits_for_the_poll(void)
{
    kernel.cancel = CANCEL_LATER;
    struct item *r = ready(0, &a, MIO_READABLE);
    SOCKET native = a.native;
    struct item *c = close_(1, &a);
    look();
    waits(r);
    waits(c);
    finish_poll(the(POLL, native), DONE, 1, AFD_CLOSED | AFD_RECEIVE);
    look();
    must(!r->inside && c->place == 2, "the close overtakes");
    is(c, 0);
}

/* Who is cancelled twice, by a deadline, a cancel and a close, comes back once; the first that said so has the code */
static void given_up_three_times(void)
{
    kernel.cancel = CANCEL_LATER;
    struct item *i = &items[0];
    mio_op_receive(&i->op, &a, bytes, 100);
    i->op.deadline = mio_now() + MS;
    taken(0, OF_RECEIVE, mio_queue_submit(queue, &i->op));
    must(wait_for(5 * MS) == 0, "it comes back without its packet");
    cancel_(i);
    SOCKET native = a.native;
    close_(1, &a);
    finish(the(RECEIVE, native), CANCELLED, 0);
    look();
    is(i, MIO_ETIMEDOUT);
}

static void a_shut_ends_a_receive(void)
{
    struct item *r = receive(0, &a), *behind = receive(1, &a);
    struct item *s = shut(2, &a, MIO_SHUT_RECEIVE);
    look();
    is(s, 0);
    is(r, 0);
    is(behind, 0);
    must(!is_out(RECEIVE, a.native), "a receive is out");
}

/* A shut ends a receive, but a failure that was there before is no end; nor is a reset that a send has told */
static void a_shut_keeps_the_reset(void)
{
    static const struct { uint32_t status; int result; } cases[] = { { RESET, MIO_ECONNRESET }, { ABORTED, MIO_ECONNRESET },
        { NETNAME_DELETED, MIO_ECONNRESET }, { 0xC00000B5u, MIO_ETIMEDOUT }, { 0xC000023Du, MIO_EUNREACHABLE }, { DONE, 5 } };
    for (int n = 0; n < 6; n++) {
        struct item *r = receive(0, &a), *behind = receive(1, &a);
        finish(the(RECEIVE, a.native), cases[n].status, 5);
        struct item *s = shut(2, &a, MIO_SHUT_RECEIVE);
        look();
        is(s, 0);
        is(r, cases[n].result);
        is(behind, 0);
        finish_all();
        begin();
    }
    struct item *s = send_(0, &a), *r = receive(1, &a), *behind = receive(2, &a);
    finish(the(SEND, a.native), RESET, 0);
    look();
    is(s, MIO_ECONNRESET);
    shut(3, &a, MIO_SHUT_RECEIVE);
    look();
    is(r, MIO_ECONNRESET);
    is(behind, 0);
}

/* The words for what a close ends are those of a reset, too. It is neither a reset nor an end */
static void a_shut_and_a_close(void)
{
    static const uint32_t last_words[] = { NETNAME_DELETED, ABORTED, CANCELLED, HANDLES_CLOSED };
    for (int n = 0; n < 4; n++) {
        if (n > 0) begin();
        kernel.cancel = CANCEL_LATER;
        struct item *r = receive(0, &a);
        SOCKET native = a.native;
        struct item *s = shut(1, &a, MIO_SHUT_RECEIVE), *c = close_(2, &a);
        finish(the(RECEIVE, native), last_words[n], 0);
        look();
        is(s, 0);
        is(r, n < 2 ? MIO_ECANCELED : 0);
        is(c, 0);
        if (n < 3) finish_all();
    }
}

/* What hears of a half that is shut, tells a reset that has not been told there; then, and without one, it is the end */
static void a_broken_pipe_keeps_the_reset(void)
{
    static const uint32_t shut_halves[] = { 0xC00000B0u, 0xC0000237u };
    for (int n = 0; n < 4; n++) {
        if (n > 0) begin();
        uint32_t status = shut_halves[n % 2];
        struct item *s = send_(0, &a), *r = receive(1, &a);
        finish(the(SEND, a.native), n < 2 ? RESET : status, 0);
        look();
        finish(the(RECEIVE, a.native), n < 2 ? status : RESET, 0);
        look();
        is(s, n < 2 ? MIO_ECONNRESET : MIO_EPIPE);
        is(r, MIO_ECONNRESET);
        s = send_(0, &a), r = receive(1, &a);
        finish(the(SEND, a.native), status, 0);
        finish(the(RECEIVE, a.native), status, 0);
        look();
        is(s, n < 2 ? MIO_EPIPE : MIO_ECONNRESET);
        is(r, 0);
        if (n < 3) finish_all();
    }
}

/* --- time ----------------------------------------------------------------------------------------------- */

static void waits_are_rounded_up(void)
{
    static const struct { int64_t timeout; DWORD ms; } cases[] = { { 0, 0 }, { 1, 1 }, { 999999, 1 }, { 1000000, 1 },
        { 1000001, 2 }, { 1000000000, 1000 }, { 1000000001, 1001 }, { 86400000000000, 86400000 },
        { INT64_MAX / 2, INFINITE - 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kernel.ticks = 5000000000;
        kernel.asked = 0;
        struct item *r = receive(0, &a);
        if (cases[i].timeout == INT64_MAX / 2) finish(the(RECEIVE, a.native), DONE, 1), foreign_packet(9, NULL, 0);
        wait_for(cases[i].timeout);
        if (kernel.ms != cases[i].ms) problem("%lld ns are %lu ms", (long long)cases[i].timeout, (unsigned long)kernel.ms);
        must(kernel.asked == 1, "it asks more than once");
        if (r->inside) finish(the(RECEIVE, a.native), DONE, 1);
        look();
    }
}

/* A time-out that comes early is no reason to be early; nor to ask more than a few times */
static void time_outs_that_come_early(void)
{
    static const int64_t ticks[] = { 0, 300, 1000, 500000, 999999, 15625000 };
    static const int64_t frequencies[] = { 10000000, 3579545, 14318180, 24000000, 1000000000, 3500000000 };
    for (int n = 0; n < 36; n++) {
        kernel.tick = ticks[n % 6];
        kernel.frequency = frequencies[n / 6];
        for (int64_t timeout = 1; timeout < 3 * (int64_t)1000000000; timeout = timeout * 7 + 3) {
            int64_t due = mio_now() + timeout, asked = kernel.asked;
            struct item *t = timer(0, due);
            while (t->inside) wait_for(60 * (int64_t)1000000000);
            is(t, 0);
            if (mio_now() < due) problem("a timer is early by %lld ns", (long long)(due - mio_now()));
            wait_for(timeout);
            if (kernel.asked - asked > 60) problem("%d questions for one timer", (int)(kernel.asked - asked));
        }
    }
}

/* The clock: years after the start, and with counters of each kind */
static void the_clock(void)
{
    static const int64_t frequencies[] = { 1, 1000, 3579545, 10000000, 24000000, 1000000000, 3500000000 };
    for (size_t i = 0; i < sizeof frequencies / sizeof frequencies[0]; i++) {
        int64_t f = kernel.frequency = frequencies[i], before = -1;
        for (int64_t seconds = 1; seconds < 9000000000; seconds = seconds * 3 + 1) {
            kernel.ticks = seconds * f;
            if (seconds > INT64_MAX / f) break;
            if (mio_now() != seconds * 1000000000) problem("%lld s at %lld Hz are %lld ns", (long long)seconds, (long long)f,
                (long long)mio_now());
            kernel.ticks += f - 1;
            must(mio_now() > before && mio_now() < (seconds + 1) * 1000000000, "the clock jumps");
            before = mio_now();
        }
    }
    kernel.frequency = 10000000;
    kernel.ticks = 5000000000;
}

static void far_deadlines(void)
{
    struct item *t = timer(0, INT64_MAX), *year = timer(1, mio_now() + (int64_t)365 * 86400 * 1000000000);
    must(wait_for((int64_t)30 * 86400 * 1000000000) == 0, "a timer is early by a year");
    waits(t);
    must(wait_for(-1) == 1, "a year does not pass");
    is(year, 0);
    waits(t);
}

static mio_socket *sleeper;
static void data_comes(void)
{
    if (is_out(RECEIVE, sleeper->native)) finish(the(RECEIVE, sleeper->native), DONE, 4);
}

/* Data and a deadline at the same moment: what was there is not thrown away */
static void data_at_the_deadline(void)
{
    struct item *i = &items[0];
    sleeper = &a;
    mio_op_receive(&i->op, &a, bytes, 100);
    i->op.deadline = mio_now() + MS;
    taken(0, OF_RECEIVE, mio_queue_submit(queue, &i->op));
    finish(the(RECEIVE, a.native), DONE, 4);
    pass_time(5 * MS);
    look();
    is(i, 4);
    kernel.asleep = data_comes;
    i = receive(0, &a);
    must(wait_for(-1) == 1, "who sleeps is not woken");
    is(i, 4);
    kernel.asleep = NULL;
}

/* --- random scripts ------------------------------------------------------------------------------------- */

static uint64_t seed;

static int random_of(int n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)(seed % (uint64_t)n);
}

static mio_socket *a_stream(void) { return random_of(2) ? &a : &b; }

static bool has_ready(const mio_socket *s, int way)
{
    for (int i = 0; i < ITEMS; i++)
        if (items[i].inside && items[i].op.socket == s && items[i].op.way == way && items[i].may == COMMON) return true;
    return false;
}

static bool has_any(const mio_socket *s, int way)
{
    for (int i = 0; i < ITEMS; i++)
        if (items[i].inside && items[i].op.socket == s && items[i].op.way == way && items[i].may != OF_CLOSE) return true;
    return false;
}

static int free_item(void)
{
    for (int i = 0; i < 30; i++)
        if (!items[i].inside) return i;
    return -1;
}

static bool accepting(void)
{
    for (int i = 0; i < ITEMS; i++)
        if (items[i].inside && items[i].may == OF_ACCEPT) return true;
    return false;
}

static void submit_some(void)
{
    mio_socket *s = a_stream();
    int n = free_item(), kind = random_of(11), way = kind % 2 ? MIO_WRITABLE : MIO_READABLE;
    if (n < 0) return;
    memset(&items[n], 0, sizeof items[n]);
    if (kind < 2 ? has_any(s, way) : has_ready(s, kind == 2 ? MIO_READABLE : MIO_WRITABLE)) return;
    switch (kind) {
    case 0: case 1: if (s->native != INVALID_SOCKET) ready(n, s, way); break;
    case 2: receive(n, s); break;
    case 3: send_(n, s); break;
    case 4: send_all(n, s); break;
    case 5: if (accepted.native == INVALID_SOCKET && !accepting()) accept_(n); break;
    case 6: receive_from(n, &datagrams); break;
    case 7: send_to(n, &datagrams); break;
    case 8: timer(n, mio_now() + random_of(20) * (int64_t)MS); break;
    case 9: if (random_of(4) == 0) shut(n, s, 1 + random_of(3)); break;
    default: connect_(n, s); break;
    }
    if (items[n].inside) items[n].op.user = s;
}

/* A status that the request can have */
static void finish_some(void)
{
    static const uint32_t of_streams[] = { DONE, DONE, DONE, RESET, ABORTED, NETNAME_DELETED, NO_RESOURCES, 0xC00000B5u, CANCELLED };
    static const uint32_t of_datagrams[] = { DONE, DONE, CUT, RESET, 0xC000023Cu, NO_RESOURCES, CANCELLED };
    static const ULONG events[] = { 0, AFD_RECEIVE, AFD_SEND, AFD_RECEIVE | AFD_SEND, AFD_RESET, AFD_OOB, AFD_CLOSED, AFD_END };
    if (requests_out() == 0) return;
    struct request *r = request_number(random_of(requests_out()));
    if (r->what == POLL) {
        int n = random_of(10);
        bool ended = r->cancelled && !random_of(2);
        finish_poll(r, ended || n == 0 ? CANCELLED : n == 1 ? NO_RESOURCES : DONE, (ULONG)(n != 2), events[random_of(8)]);
        return;
    }
    if (r->cancelled && random_of(2)) {
        finish(r, CANCELLED, 0);
        return;
    }
    bool stream = r->s != datagrams.native;
    uint32_t status = stream ? of_streams[random_of(9)] : of_datagrams[random_of(7)];
    if (r->what == ACCEPT && status != DONE && status != RESET && status != NO_RESOURCES) status = DONE;
    finish(r, status, (int32_t)status < 0 && status != CUT ? 0 : (ULONG)random_of((int)r->length + 1));
}

static void cancel_some(void)
{
    int n = random_of(30);
    if (items[n].inside) cancel_(&items[n]);
}

static void close_some(void)
{
    mio_socket *s = random_of(3) ? a_stream() : &accepted;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].inside && (items[i].may == OF_CLOSE || (s == &accepted && items[i].may == OF_ACCEPT))) return;
    if (s->native == INVALID_SOCKET) {
        if (s != &accepted) must(mio_socket_open(s, MIO_IPV4, MIO_STREAM) == 0, "open");
        return;
    }
    close_(30, s);
    while (items[30].inside && random_of(4) == 0) wait_for(0);
}

static void change_kernel(void)
{
    static const int errors[] = { WSAENOTCONN, WSAENOBUFS };
    switch (random_of(8)) {
    case 0: kernel.cancel = random_of(3); break;
    case 1: kernel.batch = random_of(4); break;
    case 2: kernel.poll_refused = random_of(3) ? 0 : NO_RESOURCES; break;
    case 3: kernel.update_error = errors[random_of(2)]; kernel.updates = random_of(3); break;
    case 4: at_once((enum what)random_of(3), 0, DONE, (ULONG)random_of(101), random_of(3)); break;
    case 5: at_once((enum what)random_of(3), WSAENOBUFS, NO_RESOURCES, 0, random_of(2)); break;
    case 6: foreign_packet((ULONG_PTR)random_of(5), NULL, (ULONG)random_of(9)); break;
    default: if (packets() > 1) packet_first(random_of(packets())); break;
    }
}

/* A close that is under way has its socket: nobody opens it anew */
static bool closing(void) { return items[30].inside; }

static void random_script(void)
{
    kernel.layered = random_of(4) == 0;
    kernel.no_skipping = random_of(4) == 0;
    kernel.cancel = random_of(3);
    for (int step = 0; step < 120; step++) {
        room = 1 + random_of(8);
        switch (random_of(12)) {
        case 0: case 1: case 2: submit_some(); break;
        case 3: case 4: case 5: finish_some(); break;
        case 6: cancel_some(); break;
        case 7: if (!closing() && random_of(3) == 0) close_some(); break;
        case 8: change_kernel(); break;
        case 9: wait_for(random_of(10) * (int64_t)MS); break;
        case 10: mio_queue_wake(queue); break;
        default: wait_for(0); break;
        }
    }
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static const struct script { const char *name; void (*run)(void); } scripts[] = {
    { "packets of others are passed over", foreign_packets },
    { "packets come in any order, in batches of any size", packets_in_any_order },
    { "a later success does not overtake an earlier packet", a_later_success_does_not_overtake },
    { "who sees the first of a batch closes the second", closed_between_two_of_a_batch },
    { "a success with its packet, where none can be left out", a_success_with_its_packet },
    { "a success without a packet", a_success_without_its_packet },
    { "a datagram that was cut", a_datagram_that_was_cut },
    { "a packet of no bytes", nothing_is_done },
    { "each status of each request", each_status_of_each_request },
    { "each status after a cancel", each_status_after_a_cancel },
    { "a cancel in the middle of a send_all", a_cancel_in_the_middle },
    { "a cancel that nobody asked for", a_cancel_that_nobody_asked_for },
    { "a reset is told once in each direction", a_reset_is_told_once },
    { "a cancel does not swallow a reset", a_cancel_keeps_the_reset },
    { "a peer that is gone when it is accepted", a_peer_that_is_gone },
    { "a thousand peers that are gone", many_peers_that_are_gone },
    { "an accept that cannot be finished", an_accept_that_cannot_be_finished },
    { "a connect that cannot be finished", a_connect_that_cannot_be_finished },
    { "a cancel when the connection is there", an_accept_that_was_there },
    { "a driver's answers with nothing in them", answers_with_nothing_in_them },
    { "events that nobody asked for", events_that_nobody_asked_for },
    { "a handle that was closed elsewhere", a_handle_that_is_closed },
    { "a poll that is refused", a_poll_that_is_refused },
    { "a poll whose cancel finds nothing", a_poll_whose_cancel_finds_nothing },
    { "layers above the socket", layers_above_the_socket },
    { "a close waits for all packets", a_close_waits_for_all_packets },
    { "a close waits for the poll", a_close_waits_for_the_poll },
    { "given up three times, back once", given_up_three_times },
    { "a shut ends a receive", a_shut_ends_a_receive },
    { "a shut does not swallow a reset", a_shut_keeps_the_reset },
    { "a close makes no end of a shut", a_shut_and_a_close },
    { "a broken pipe does not swallow a reset", a_broken_pipe_keeps_the_reset },
    { "waits are rounded up to milliseconds", waits_are_rounded_up },
    { "time-outs that come early", time_outs_that_come_early },
    { "the clock, with any counter", the_clock },
    { "deadlines far away", far_deadlines },
    { "data at the deadline", data_at_the_deadline },
};

static bool runs(void (*run)(void))
{
    if (setjmp(out_of_here) != 0) return false;
    begin();
    run();
    finish_all();
    return true;
}

static LONG WINAPI crashed(EXCEPTION_POINTERS *what)
{
    printf("not ok - scripted, Windows: crashes with 0x%08lx\n", (unsigned long)what->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), 1);
    return EXCEPTION_CONTINUE_SEARCH;
}

int main(int argc, char **argv)
{
    bool stop = argc > 3;
    int count = argc > 1 ? atoi(argv[1]) : 0, first = argc > 2 ? atoi(argv[2]) : 1, bad = 0;
    SetUnhandledExceptionFilter(crashed);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && !(stop && bad > 0); i++) {
        if (runs(scripts[i].run)) printf("ok - scripted, Windows: %s\n", scripts[i].name);
        else printf("not ok - scripted, Windows: %s: %s\n", scripts[i].name, words), bad++;
        fflush(stdout);
    }
    for (int n = first; n < first + count && bad < (stop ? 1 : 5); n++) {
        seed = (uint64_t)n * 0x9E3779B97F4A7C15u + 1;
        if (runs(random_script)) continue;
        printf("not ok - scripted, Windows: random script %d: %s\n", n, words);
        bad++;
    }
    if (bad == 0) printf("ok - scripted, Windows: random scripts %d to %d\n", first, first + count - 1);
    return bad > 0;
}
