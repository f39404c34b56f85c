/* An echo server on libev: one buffer for all reads; what cannot be sent at once is kept by the connection */
#define _GNU_SOURCE                     /* accept4 */
#include "common.h"
#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096 };

typedef struct client {
    ev_io  io;
    char  *rest;
    size_t length, sent;
} client;

static char room[ROOM];

static void turn_to(struct ev_loop *loop, client *c, int events)
{
    ev_io_stop(loop, &c->io);
    ev_io_set(&c->io, c->io.fd, events);
    ev_io_start(loop, &c->io);
}

static void end(struct ev_loop *loop, client *c)
{
    ev_io_stop(loop, &c->io);
    close(c->io.fd);
    free(c->rest);
    free(c);
}

static void send_rest(struct ev_loop *loop, client *c)
{
    ssize_t n = send(c->io.fd, c->rest + c->sent, c->length - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        end(loop, c);
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    if (c->sent < c->length)
        return;
    free(c->rest);
    c->rest = NULL;
    turn_to(loop, c, EV_READ);
}

static void keep(struct ev_loop *loop, client *c, const char *text, size_t length)
{
    c->rest = malloc(length);
    if (c->rest == NULL)
        fail("malloc");
    memcpy(c->rest, text, length);
    c->length = length;
    c->sent = 0;
    turn_to(loop, c, EV_WRITE);
}

static void ready(struct ev_loop *loop, ev_io *io, int events)
{
    client *c = (client *)(void *)io;
    if (events & EV_WRITE) {
        send_rest(loop, c);
        return;
    }
    ssize_t n = recv(io->fd, room, ROOM, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            end(loop, c);
        return;
    }
    ssize_t sent = send(io->fd, room, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        end(loop, c);
    else if (sent < n)
        keep(loop, c, room + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
}

static void welcome(struct ev_loop *loop, ev_io *io, int events)
{
    int s;
    (void)events;
    while ((s = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = calloc(1, sizeof *c);
        if (c == NULL)
            fail("calloc");
        ev_io_init(&c->io, ready, s, EV_READ);
        ev_io_start(loop, &c->io);
    }
}

int main(int argc, char **argv)
{
    struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
    ev_io listener;
    int s = listen_on(argc == 2 ? argv[1] : "");
    ev_io_init(&listener, welcome, s, EV_READ);
    ev_io_start(loop, &listener);
    say_port(s);
    ev_run(loop, 0);
    return 0;
}
