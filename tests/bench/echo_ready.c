/* An echo server on minimio that waits with `ready`: idle connections then share one buffer, and each message
   costs a system call more */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "minimio.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ROOM = 4096, BATCH = 64 };

typedef struct client {
    mio_op     op;                      /* waits, or sends the rest, or closes */
    mio_socket socket;
    char      *rest;
} client;

static mio_queue *queue;
static mio_socket listener;
static mio_op     accepting;
static client    *newcomer;
static char       room[ROOM];

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "echo_ready: %s: %s\n", what, mio_strerror(result));
    exit(1);
}

static void accept_next(void)
{
    newcomer = calloc(1, sizeof *newcomer);
    if (newcomer == NULL)
        fail("calloc");
    must(mio_accept(queue, &accepting, &listener, &newcomer->socket), "accept");
}

static void wait_for(client *c)
{
    free(c->rest);
    c->rest = NULL;
    c->op.user = c;
    must(mio_ready(queue, &c->op, &c->socket, MIO_READABLE), "ready");
}

static void end(client *c)
{
    free(c->rest);
    c->rest = NULL;
    c->op.user = NULL;                  /* it is closing */
    must(mio_socket_close(queue, &c->op, &c->socket), "close");
}

static void keep(client *c, const char *text, size_t length)
{
    c->rest = malloc(length);
    if (c->rest == NULL)
        fail("malloc");
    memcpy(c->rest, text, length);
    must(mio_send_all(queue, &c->op, &c->socket, c->rest, length), "send");
}

static void echo(client *c)
{
    ssize_t n = recv(c->socket.native, room, ROOM, 0);
    if (n < 0 && errno == EAGAIN) {
        wait_for(c);
        return;
    }
    ssize_t sent = n > 0 ? send(c->socket.native, room, (size_t)n, MSG_NOSIGNAL) : -1;
    if (n <= 0 || (sent < 0 && errno != EAGAIN))
        end(c);
    else if (sent < n)
        keep(c, room + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
    else
        wait_for(c);
}

static void done(mio_op *op)
{
    client *c = op->user;
    if (op == &accepting) {
        must((int)op->result, "accept");
        wait_for(newcomer);
        accept_next();
    } else if (c == NULL) {
        free((client *)(void *)op);     /* it is the first of its fields */
    } else if (op->result < 0) {
        end(c);
    } else if (c->rest != NULL) {
        wait_for(c);
    } else {
        echo(c);
    }
}

int main(int argc, char **argv)
{
    mio_op *ops[BATCH];
    int s = listen_on(argc == 2 ? argv[1] : "");
    must(mio_queue_open(&queue, NULL), "queue");
    must(mio_socket_adopt(&listener, s), "adopt");
    accept_next();
    say_port(s);
    for (;;) {
        int n = mio_queue_wait(queue, ops, BATCH, -1);
        must(n, "wait");
        for (int i = 0; i < n; i++)
            done(ops[i]);
    }
}
