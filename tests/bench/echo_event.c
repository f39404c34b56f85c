/* An echo server on libevent's plain events: one buffer for all reads; what cannot be sent at once is kept */
#define _GNU_SOURCE                     /* accept4 */
#include "common.h"
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096 };

typedef struct client {
    struct event reading, writing;
    char        *rest;
    size_t       length, sent;
} client;

static struct event_base *base;
static char room[ROOM];

static void end(client *c)
{
    event_del(&c->reading);
    event_del(&c->writing);
    close(event_get_fd(&c->reading));
    free(c->rest);
    free(c);
}

static void send_rest(int s, short what, void *user)
{
    client *c = user;
    ssize_t n = send(s, c->rest + c->sent, c->length - c->sent, MSG_NOSIGNAL);
    (void)what;
    if (n < 0 && errno != EAGAIN) {
        end(c);
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    if (c->sent < c->length)
        return;
    free(c->rest);
    c->rest = NULL;
    event_del(&c->writing);
    event_add(&c->reading, NULL);
}

static void keep(client *c, const char *text, size_t length)
{
    c->rest = malloc(length);
    if (c->rest == NULL)
        fail("malloc");
    memcpy(c->rest, text, length);
    c->length = length;
    c->sent = 0;
    event_del(&c->reading);
    event_add(&c->writing, NULL);
}

static void echo(int s, short what, void *user)
{
    client *c = user;
    ssize_t n = recv(s, room, ROOM, 0);
    (void)what;
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            end(c);
        return;
    }
    ssize_t sent = send(s, room, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        end(c);
    else if (sent < n)
        keep(c, room + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
}

static void welcome(int listener, short what, void *user)
{
    int s;
    (void)what, (void)user;
    while ((s = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = calloc(1, sizeof *c);
        if (c == NULL)
            fail("calloc");
        event_assign(&c->reading, base, s, EV_READ | EV_PERSIST, echo, c);
        event_assign(&c->writing, base, s, EV_WRITE | EV_PERSIST, send_rest, c);
        event_add(&c->reading, NULL);
    }
}

int main(int argc, char **argv)
{
    int s = listen_on(argc == 2 ? argv[1] : "");
    base = event_base_new();
    if (base == NULL)
        fail("event_base_new");
    event_add(event_new(base, s, EV_READ | EV_PERSIST, welcome, NULL), NULL);
    say_port(s);
    return event_base_dispatch(base);
}
