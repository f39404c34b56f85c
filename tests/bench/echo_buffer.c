/* An echo server on libevent's bufferevents and its listener */
#include "common.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static void echo(struct bufferevent *b, void *user)
{
    (void)user;
    bufferevent_write_buffer(b, bufferevent_get_input(b));
}

static void end(struct bufferevent *b, short what, void *user)
{
    (void)user;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(b);
}

static void welcome(struct evconnlistener *l, int s, struct sockaddr *from, int length, void *user)
{
    struct bufferevent *b = bufferevent_socket_new(evconnlistener_get_base(l), s, BEV_OPT_CLOSE_ON_FREE);
    (void)from, (void)length, (void)user;
    if (b == NULL)
        fail("bufferevent");
    bufferevent_setcb(b, echo, NULL, end, NULL);
    bufferevent_enable(b, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    int s = listen_on(argc == 2 ? argv[1] : "");
    struct event_base *base = event_base_new();
    if (base == NULL || evconnlistener_new(base, welcome, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, s) == NULL)
        fail("event_base_new");
    say_port(s);
    return event_base_dispatch(base);
}
