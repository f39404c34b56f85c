/* What the tests do again and again: queues, completions, connections. The same on every system */
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>

/* How long to wait for what must come: 2 s, and more where SUITE_SECONDS says that all is slow */
static int64_t patience(void)
{
    const char *text = getenv("SUITE_SECONDS");
    int64_t seconds = text == NULL ? 10 : strtol(text, NULL, 10);

    return seconds > 10 ? seconds * 200 * MS : 2000 * MS;
}

mio_queue *open_queue(void)
{
    mio_queue *q = NULL;

    EQUAL(mio_queue_open(&q, NULL), 0);
    CHECK(q != NULL);
    return q;
}

void end_queue(mio_queue *q)
{
    mio_op *done[16];
    int n;

    EQUAL(mio_queue_shutdown(q), 0);
    while ((n = mio_queue_wait(q, done, COUNT(done), patience())) > 0 || n == MIO_WOKEN) continue;
    EQUAL(n, MIO_ESHUTDOWN);
    EQUAL(mio_queue_close(q), 0);
}

mio_op *wait_one(mio_queue *q)
{
    mio_op *op = NULL;

    EQUAL(mio_queue_wait(q, &op, 1, patience()), 1);
    CHECK(op != NULL);
    return op;
}

int64_t result_of(mio_queue *q, mio_op *op)
{
    mio_op *next = wait_one(q);

    CHECK(next == op);
    return op->result;
}

int wait_all(mio_queue *q, mio_op **done, int wanted)
{
    int64_t until = now() + patience();
    int count = 0;

    while (count < wanted) {
        int64_t left = until - now();
        int n = mio_queue_wait(q, done + count, wanted - count, left > 0 ? left : 0);
        CHECK(n > 0);
        count += n;
    }
    return count;
}

void quiet(mio_queue *q, int64_t ns)
{
    mio_op *op = NULL;

    EQUAL(mio_queue_wait(q, &op, 1, ns), 0);
}

void close_all(mio_queue *q, mio_socket *sockets, int count)
{
    mio_op op = { 0 };

    for (int i = 0; i < count; i++) {
        EQUAL(mio_socket_close(q, &op, &sockets[i]), 0);
        EQUAL(result_of(q, &op), 0);
    }
}

/* --- connections ------------------------------------------------------------------------------------ */

void listening(mio_socket *s, mio_address *address)
{
    EQUAL(mio_address_parse(address, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(s, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_socket_bind(s, address), 0);
    EQUAL(mio_socket_listen(s, 0), 0);
    EQUAL(mio_socket_local(s, address), 0);
    CHECK(mio_address_port(address) > 0);
}

void connected(mio_queue *q, mio_socket *one, mio_socket *other)
{
    mio_socket listener;
    mio_address address;
    mio_op accept = { 0 }, connect = { 0 }, *done[2];

    listening(&listener, &address);
    EQUAL(mio_socket_open(one, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_accept(q, &accept, &listener, other), 0);
    EQUAL(mio_connect(q, &connect, one, &address), 0);
    wait_all(q, done, 2);
    CHECK(done[0] != done[1]);
    EQUAL(accept.result, 0);
    EQUAL(connect.result, 0);
    close_all(q, &listener, 1);
}

void peered(mio_queue *q, mio_socket *ours, peer *theirs)
{
    mio_socket listener;
    mio_address address;
    mio_op accept = { 0 };

    listening(&listener, &address);
    *theirs = peer_connect(&address);
    EQUAL(mio_accept(q, &accept, &listener, ours), 0);
    EQUAL(result_of(q, &accept), 0);
    close_all(q, &listener, 1);
}

void fill(mio_queue *q, mio_socket *s)
{
    static char bytes[65536];
    mio_op op = { 0 }, *done;

    for (;;) {
        EQUAL(mio_send(q, &op, s, bytes, sizeof bytes), 0);
        /* A moment: what is on its way may still find room at the other end */
        int n = mio_queue_wait(q, &done, 1, 20 * MS);
        if (n == 0) {
            EQUAL(mio_queue_cancel(q, &op), 0);
            n = mio_queue_wait(q, &done, 1, patience());
        }
        EQUAL(n, 1);
        CHECK(done == &op);
        if (op.result == MIO_ECANCELED) break;
        CHECK(op.result > 0);
    }
    /* Where a send that waits is all or nothing, there may be room for a short one */
    while (peer_send(s->native, bytes, sizeof bytes) > 0) continue;
}

static _Thread_local uint32_t seed = 2463534242u;

void random_from(uint32_t with) { seed = with; }

uint32_t random_below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

int scaled(int count)
{
    const char *text = getenv("SUITE_SCALE");
    int scale = text == NULL ? 1 : (int)strtol(text, NULL, 10);

    return scale > 1 && count / scale > 0 ? count / scale : count;
}
