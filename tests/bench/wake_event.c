/* Wake-ups by event_active, with libevent's locks */
#include "common.h"
#include "wake.h"
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

struct loop {
    struct event_base *base;
    struct event      *call;
    void             (*called)(void *);
    void              *user;
};

static void heard(int s, short what, void *user)
{
    loop *l = user;
    (void)s, (void)what;
    l->called(l->user);
}

loop *loop_open(void (*called)(void *), void *user)
{
    loop *l = calloc(1, sizeof *l);
    if (evthread_use_pthreads() != 0 || l == NULL || (l->base = event_base_new()) == NULL)
        fail("event_base_new");
    l->call = event_new(l->base, -1, EV_PERSIST, heard, l);
    l->called = called;
    l->user = user;
    return l;
}

void loop_call(loop *l)
{
    event_active(l->call, EV_READ, 0);
}

void loop_run(loop *l)
{
    event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(loop *l)
{
    event_base_loopbreak(l->base);
}
