/* Wake-ups by ev_async_send */
#include "common.h"
#include "wake.h"
#include <ev.h>
#include <stdlib.h>

struct loop {
    struct ev_loop *loop;
    ev_async        async;
    void          (*called)(void *);
    void           *user;
};

static void heard(struct ev_loop *loop_, ev_async *a, int events)
{
    loop *l = a->data;
    (void)loop_, (void)events;
    l->called(l->user);
}

loop *loop_open(void (*called)(void *), void *user)
{
    loop *l = calloc(1, sizeof *l);
    if (l == NULL || (l->loop = ev_loop_new(EVBACKEND_EPOLL)) == NULL)
        fail("loop");
    ev_async_init(&l->async, heard);
    l->async.data = l;
    l->called = called;
    l->user = user;
    ev_async_start(l->loop, &l->async);
    return l;
}

void loop_call(loop *l)
{
    ev_async_send(l->loop, &l->async);
}

void loop_run(loop *l)
{
    ev_run(l->loop, 0);
}

void loop_stop(loop *l)
{
    ev_break(l->loop, EVBREAK_ALL);
}
