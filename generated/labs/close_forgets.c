/* Tangled from book/04-an-api-from-its-test.md: An API from its test. Edit the chapter, not this file. */

/* <<what a test of the stand-in includes>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <<how long poll may sleep>> (1 of 1), book/01-waiting.md: Waiting */
static int wait_ms(int64_t deadline)
{
    int64_t left = deadline - sys_now();
    if (deadline == INT64_MAX)
        return -1;                  /* nothing to wait for */
    if (left <= 0)
        return 0;
    return (int)((left + SYS_MS - 1) / SYS_MS);
}
/* <<a loopback address>> (1 of 1), book/01-waiting.md: Waiting */
static struct sockaddr_in loopback(int port_number)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port_number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/* <<a socket that talks to itself>> (1 of 1), book/01-waiting.md: Waiting */
static sys_socket self_socket(void)
{
    struct sockaddr_in self = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&self;
    socklen_t size = sizeof self;
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s != SYS_NO_SOCKET
            && (bind(s, address, size) != 0
                || getsockname(s, address, &size) != 0
                || connect(s, address, size) != 0)) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}
/* <<the queue of the stand-in>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */
enum { STAND_IN_ROOM = 64 };
enum { YOURS, POSTED, PENDING, FINISHED };              /* op->state */
enum { OP_TIMER, OP_CONNECT, OP_SEND_ALL, OP_RECEIVE_SOME, OP_CLOSE };

struct mio_queue {
    mio_op *inside[STAND_IN_ROOM];  /* in the order of submission */
    int     count;
    bool    shut;
};
/* <<the queue of the stand-in>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

static void finish(mio_op *op, int64_t result, int native)
{
    op->result = result;
    op->native = native;
    op->state = FINISHED;
}

int mio_queue_open(mio_queue **opened, const mio_options *options)
{
    (void)options;
    *opened = calloc(1, sizeof **opened);
    return *opened != NULL ? 0 : MIO_ENOMEM;
}
/* <<the queue of the stand-in>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_shutdown(mio_queue *q)
{
    q->shut = true;
    for (int i = 0; i < q->count; i++)
        if (q->inside[i]->state == PENDING)
            finish(q->inside[i], MIO_ECANCELED, 0);
    return 0;
}

int mio_queue_close(mio_queue *q)
{
    if (!q->shut || q->count > 0)
        return MIO_EBUSY;
    free(q);
    return 0;
}
/* <<the queue of the stand-in>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

int64_t mio_now(void)
{
    return sys_now();
}

const char *mio_strerror(int code)
{
    switch (code) {
    case MIO_ECANCELED: return "cancelled";
    case MIO_ETIMEDOUT: return "timed out";
    case MIO_EBUSY:     return "busy";
    default:            return "an error";
    }
}
/* <<operations of the stand-in>> (1 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void prepare(mio_op *op, int kind, mio_socket *s,
                    const void *buffer, size_t length)
{
    op->kind = (uint8_t)kind;
    op->state = YOURS;
    op->result = op->deadline = 0;
    op->native = 0;
    op->done = 0;
    op->socket = s;
    op->buffer = (void *)(uintptr_t)buffer;
    op->length = length;
}
/* <<operations of the stand-in>> (2 of 6), book/04-an-api-from-its-test.md: An API from its test */

void mio_op_connect(mio_op *op, mio_socket *s, const mio_address *to)
{
    prepare(op, OP_CONNECT, s, NULL, 0);
    op->with.to = to;
}

void mio_op_send_all(mio_op *op, mio_socket *s, const void *b, size_t n)
{
    prepare(op, OP_SEND_ALL, s, b, n);
}

void mio_op_receive(mio_op *op, mio_socket *s, void *b, size_t n)
{
    prepare(op, OP_RECEIVE_SOME, s, b, n);
}
/* <<operations of the stand-in>> (3 of 6), book/04-an-api-from-its-test.md: An API from its test */

void mio_op_close(mio_op *op, mio_socket *s)
{
    prepare(op, OP_CLOSE, s, NULL, 0);
}

void mio_op_timer(mio_op *op, int64_t deadline)
{
    prepare(op, OP_TIMER, NULL, NULL, 0);
    op->deadline = deadline;
}
/* <<operations of the stand-in>> (4 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void failed(mio_op *op)
{
    if (!sys_would_block())
        finish(op, MIO_ESYSTEM, sys_error());
}

static void end_connect(mio_op *op)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(op->socket->native, SOL_SOCKET, SO_ERROR,
                   (char *)&error, &size) != 0)
        error = sys_error();
    finish(op, error == 0 ? 0 : MIO_ESYSTEM, error);
}
/* <<operations of the stand-in>> (5 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void try_send(mio_op *op)
{
    while (op->done < op->length) {
        long n = send(op->socket->native,
                      (const char *)op->buffer + op->done,
                      (sys_size)(op->length - op->done), 0);
        if (n < 0) {
            failed(op);
            return;
        }
        op->done += (size_t)n;
    }
    finish(op, (int64_t)op->done, 0);
}
/* <<operations of the stand-in>> (6 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void attempt(mio_op *op)
{
    if (op->kind == OP_CONNECT)
        end_connect(op);
    if (op->kind == OP_SEND_ALL)
        try_send(op);
    if (op->kind == OP_RECEIVE_SOME) {
        long n = recv(op->socket->native, op->buffer,
                      (sys_size)op->length, 0);
        if (n >= 0)
            finish(op, n, 0);
        else
            failed(op);
    }
}
/* <<close and forget who waits>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */

static void close_for(mio_queue *q, mio_op *op)
{
    (void)q;
    bool closed = sys_close(op->socket->native) == 0;
    finish(op, closed ? 0 : MIO_ESYSTEM, closed ? 0 : sys_error());
}
/* <<begin, and submit>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

static void begin_connect(mio_op *op)
{
    const mio_address *to = op->with.to;
    const void *address = to->storage.bytes;
    if (connect(op->socket->native, address, (socklen_t)to->length) == 0)
        finish(op, 0, 0);
    else
        failed(op);
}
/* <<begin, and submit>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_submit(mio_queue *q, mio_op *op)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    if (q->shut && op->kind != OP_CLOSE)
        return MIO_ESHUTDOWN;
    if (q->count == STAND_IN_ROOM)
        return MIO_ENOMEM;
    op->state = PENDING;
    q->inside[q->count++] = op;
    /* <<begin the operation>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    if (op->kind == OP_CONNECT)
        begin_connect(op);
    else if (op->kind == OP_CLOSE)
        close_for(q, op);
    else
        attempt(op);
    return 0;
}
/* <<wait, and give back>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int64_t expire(mio_queue *q)
{
    int64_t now = mio_now(), next = INT64_MAX;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        bool timer = op->kind == OP_TIMER;
        if (op->state != PENDING || (op->deadline == 0 && !timer))
            continue;
        if (op->deadline <= now)
            finish(op, timer ? 0 : MIO_ETIMEDOUT, 0);
        else if (op->deadline < next)
            next = op->deadline;
    }
    return next;
}
/* <<wait, and give back>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int give(mio_queue *q, mio_op **done, int capacity)
{
    int given = 0, kept = 0;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        if (op->state == FINISHED && given < capacity) {
            op->state = YOURS;
            done[given++] = op;
        } else {
            q->inside[kept++] = op;
        }
    }
    q->count = kept;
    return given;
}
/* <<wait, and give back>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

static void ask_poll(mio_queue *q, int64_t until)
{
    sys_pollfd polled[STAND_IN_ROOM];
    mio_op *whose[STAND_IN_ROOM];
    size_t n = 0;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        if (op->state != PENDING || op->kind == OP_TIMER)
            continue;
        polled[n].fd = op->socket->native;
        polled[n].events =
            op->kind == OP_RECEIVE_SOME ? POLLIN : POLLOUT;
        whose[n++] = op;
    }
    /* <<sleep, then try those that may be tried>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    if (sys_poll(polled, n, wait_ms(until)) <= 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (polled[i].revents != 0)
            attempt(whose[i]);
}
/* <<wait, and give back>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity,
                   int64_t timeout)
{
    int64_t until = timeout < 0 ? INT64_MAX : mio_now() + timeout;
    if (capacity < 1)
        return MIO_EINVAL;
    for (bool over = false; ; ) {
        int64_t next = expire(q);
        int given = give(q, done, capacity);
        if (given > 0 || over)
            return given;
        if (q->shut && q->count == 0)
            return MIO_ESHUTDOWN;
        over = mio_now() >= until;
        ask_poll(q, next < until ? next : until);
    }
}
/* <<sockets of the stand-in>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_socket_open(mio_socket *s, int family, int type)
{
    memset(s, 0, sizeof *s);
    if (family != MIO_IPV4)
        return MIO_ENOTSUP;
    s->native = socket(AF_INET, type == MIO_STREAM ? SOCK_STREAM
                                                   : SOCK_DGRAM, 0);
    if (s->native == SYS_NO_SOCKET)
        return MIO_ESYSTEM;
    return sys_nonblocking(s->native) == 0 ? 0 : MIO_ESYSTEM;
}
/* <<sockets of the stand-in>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_address_parse(mio_address *a, const char *text, int port)
{
    struct sockaddr_in v4;
    memset(&v4, 0, sizeof v4);
    v4.sin_family = AF_INET;
    v4.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, text, &v4.sin_addr) != 1)
        return MIO_EINVAL;
    memcpy(a->storage.bytes, &v4, sizeof v4);
    a->length = sizeof v4;
    return 0;
}
/* <<test a close>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
enum { CALLED = 4 };
static const char *const called[CALLED] =
    { "connect", "receive", "timer", "close" };

int main(void)
{
    mio_queue *q;
    static mio_address to;
    /* <<open a queue for the test>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    static mio_socket old;
    if (sys_start() != 0 || mio_queue_open(&q, NULL) != 0
            || mio_address_parse(&to, "127.0.0.1", 9) != 0
            || mio_socket_open(&old, MIO_IPV4, MIO_DATAGRAM) != 0)
        return 1;
    /* <<close beside a receive>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    static mio_op ops[CALLED];
    static char buffer[16];
    mio_op_connect(&ops[0], &old, &to);
    mio_op_receive(&ops[1], &old, buffer, sizeof buffer);
    mio_op_timer(&ops[2], mio_now() + 20 * SYS_MS);
    mio_op_close(&ops[3], &old);
    for (int i = 0; i < CALLED; i++)
        if (mio_queue_submit(q, &ops[i]) != 0)
            return 1;
    sys_socket new_one = self_socket();
    send(new_one, "not for you", 11, 0);
    /* <<count what comes back>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    int times[CALLED] = { 0 };
    mio_op *done[CALLED];
    for (int n; (n = mio_queue_wait(q, done, CALLED, 200 * SYS_MS)) > 0; )
        for (int i = 0; i < n; i++)
            times[done[i] - ops]++;
    for (int i = 0; i < CALLED; i++) {
        printf("%-8s came back %d time: ", called[i], times[i]);
        if (ops[i].result > 0)
            printf("\"%.11s\"\n", buffer);
        else
            puts(ops[i].result == 0 ? "0" : mio_strerror((int)ops[i].result));
    }
    sys_close(new_one);
    mio_queue_shutdown(q);
    return mio_queue_close(q) != 0;
}
