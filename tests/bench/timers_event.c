/* Timers of libevent */
#include "common.h"
#include "timers.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

static struct event_base *base;
static struct event      *timers;
static struct event      *turning;
static void             (*on_expiry)(void), (*turn)(void);

static void rang(int s, short what, void *user)
{
    (void)s, (void)what, (void)user;
    on_expiry();
}

static void turned(int s, short what, void *user)
{
    (void)s, (void)what, (void)user;
    turn();
    event_base_loopbreak(base);         /* what it made due is not part of it */
}

void timers_open(int count, void (*expired)(void))
{
    on_expiry = expired;
    base = event_base_new();
    turning = base != NULL ? event_new(base, -1, 0, turned, NULL) : NULL;
    timers = calloc((size_t)count, sizeof *timers);
    if (timers == NULL || turning == NULL)
        fail("event_base_new");
    for (int i = 0; i < count; i++)
        event_assign(&timers[i], base, -1, 0, rang, NULL);
}

void timers_turn(void (*what)(void))
{
    turn = what;
    event_active(turning, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

void timers_set(int which, int ms)
{
    struct timeval t = { ms / 1000, ms % 1000 * 1000 };
    event_add(&timers[which], &t);
}

void timers_reset(int which, int ms)
{
    timers_set(which, ms);
}

void timers_cancel(int which)
{
    event_del(&timers[which]);
}

void timers_settle(void)
{
}

void timers_expire(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}
