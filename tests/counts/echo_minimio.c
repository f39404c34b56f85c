/*
 * An echo server on minimio
 *
 *   echo PORT                    0: any; it prints `listening on 127.0.0.1:PORT`
 *
 * A client is a socket, a buffer, and an operation for each way: receive, send all of it, receive. The receive
 * is always the same one, so it is prepared once.
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "minimio.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { ROOM = 4096, BATCH = 64, MOST = 19000 };

typedef struct client {
    mio_op         receiving, sending, closing;
    mio_socket     socket;
    struct client *next;                /* free */
    char           text[ROOM];
} client;

static mio_queue  *queue;
static mio_socket  listener;
static mio_op      accepting;
static client      clients[MOST], *unused, *newcomer;   /* memory that nobody used is not there yet */
static int         used;

static void fail(int result, const char *what)
{
    fprintf(stderr, "echo: %s: %s\n", what, mio_strerror(result));
    exit(1);
}

static void must(int result, const char *what)
{
    if (result < 0)
        fail(result, what);
}

static client *take(void)
{
    client *c = unused;
    if (c == NULL)
        return used < MOST ? &clients[used++] : NULL;
    unused = c->next;
    return c;
}

static void accept_next(void)
{
    newcomer = take();
    if (newcomer == NULL)               /* the next close goes on with it */
        return;
    must(mio_accept(queue, &accepting, &listener, &newcomer->socket), "accept");
}

static void release(client *c)
{
    c->next = unused;
    unused = c;
    if (newcomer == NULL)
        accept_next();
}

static void accepted(void)
{
    client *c = newcomer;
    if (accepting.result == 0) {
        c->receiving.user = c->sending.user = c->closing.user = c;
        mio_op_receive(&c->receiving, &c->socket, c->text, ROOM);
        must(mio_queue_submit(queue, &c->receiving), "receive");
    } else {
        c->next = unused;
        unused = c;
    }
    accept_next();
}

/* No bytes: a close or an accept, or the connection is at its end */
static void no_bytes(mio_op *op)
{
    client *c = op->user;
    if (op == &accepting)
        accepted();
    else if (op == &c->closing)
        release(c);
    else
        must(mio_socket_close(queue, &c->closing, &c->socket), "close");
}

static void bytes(mio_op *op)
{
    client *c = op->user;
    if (op == &c->receiving)
        must(mio_send_all(queue, &c->sending, &c->socket, c->text,
                          (size_t)op->result), "send");
    else
        must(mio_queue_submit(queue, &c->receiving), "receive");
}

static void listen_on(int port)
{
    mio_address at;
    int one = 1;
    must(mio_address_parse(&at, "127.0.0.1", port), "address");
    must(mio_socket_open(&listener, MIO_IPV4, MIO_STREAM), "open");
    setsockopt(listener.native, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);        /* it is inherited */
    must(mio_socket_bind(&listener, &at), "bind");
    must(mio_socket_listen(&listener, 0), "listen");
    must(mio_socket_local(&listener, &at), "address");
    printf("listening on 127.0.0.1:%d\n", mio_address_port(&at));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    mio_op *done[BATCH];
    must(mio_queue_open(&queue, NULL), "queue");
    listen_on(argc == 2 ? (int)strtol(argv[1], NULL, 10) : -1);
    accept_next();
    for (;;) {
        int n = mio_queue_wait(queue, done, BATCH, -1);
        must(n, "wait");
        for (int i = 0; i < n; i++)
            if (done[i]->result > 0)
                bytes(done[i]);
            else
                no_bytes(done[i]);
    }
}
