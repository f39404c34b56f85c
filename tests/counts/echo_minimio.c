/*
 * An echo server on minimio
 *
 *   echo PORT                    0: any; it prints `listening on 127.0.0.1:PORT`
 *
 * A client is a socket, one operation and a buffer: receive, send all of it, receive.
 */
#include "minimio.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 4096, BATCH = 64, MOST = 4000 };

typedef struct client {
    mio_socket     socket;
    mio_op         op;
    enum { RECEIVES, SENDS, CLOSES } step;
    struct client *next;                /* free */
    char           text[ROOM];
} client;

static mio_queue  *queue;
static mio_socket  listener;
static mio_op      accepting;
static client      clients[MOST], *unused, *newcomer;

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "echo: %s: %s\n", what, mio_strerror(result));
    exit(1);
}

static void accept_next(void)
{
    newcomer = unused;
    if (newcomer == NULL)               /* the next close goes on with it */
        return;
    unused = newcomer->next;
    must(mio_accept(queue, &accepting, &listener, &newcomer->socket), "accept");
}

static void receive(client *c)
{
    c->step = RECEIVES;
    must(mio_receive(queue, &c->op, &c->socket, c->text, ROOM), "receive");
}

static void send_back(client *c, size_t length)
{
    c->step = SENDS;
    must(mio_send_all(queue, &c->op, &c->socket, c->text, length), "send");
}

static void end(client *c)
{
    c->step = CLOSES;
    must(mio_socket_close(queue, &c->op, &c->socket), "close");
}

static void ended(client *c)
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
        c->op.user = c;
        receive(c);
    } else {
        c->next = unused;
        unused = c;
    }
    accept_next();
}

static void go_on(client *c)
{
    if (c->step == CLOSES)
        ended(c);
    else if (c->op.result <= 0)
        end(c);
    else if (c->step == RECEIVES)
        send_back(c, (size_t)c->op.result);
    else
        receive(c);
}

static void listen_on(int port)
{
    mio_address at;
    must(mio_address_parse(&at, "127.0.0.1", port), "address");
    must(mio_socket_open(&listener, MIO_IPV4, MIO_STREAM), "open");
    must(mio_socket_bind(&listener, &at), "bind");
    must(mio_socket_listen(&listener, 0), "listen");
    must(mio_socket_local(&listener, &at), "address");
    printf("listening on 127.0.0.1:%d\n", mio_address_port(&at));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    mio_op *done[BATCH];
    for (int i = MOST - 1; i >= 0; i--) {
        clients[i].next = unused;
        unused = &clients[i];
    }
    must(mio_queue_open(&queue, NULL), "queue");
    listen_on(argc == 2 ? (int)strtol(argv[1], NULL, 10) : -1);
    accept_next();
    for (;;) {
        int n = mio_queue_wait(queue, done, BATCH, -1);
        must(n, "wait");
        for (int i = 0; i < n; i++)
            if (done[i] == &accepting)
                accepted();
            else
                go_on(done[i]->user);
    }
}
