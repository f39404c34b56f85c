/* Timers of libev: ev_timer_again resets one that repeats, so it is stopped when it rings */
#include "common.h"
#include "timers.h"
#include <ev.h>
#include <stdlib.h>

static struct ev_loop *loop;
static ev_timer       *timers;
static void          (*on_expiry)(void);

static void rang(struct ev_loop *l, ev_timer *t, int events)
{
    (void)events;
    ev_timer_stop(l, t);
    on_expiry();
}

void timers_open(int count, void (*expired)(void))
{
    on_expiry = expired;
    loop = ev_loop_new(EVBACKEND_EPOLL);
    timers = calloc((size_t)count, sizeof *timers);
    if (timers == NULL || loop == NULL)
        fail("loop");
    for (int i = 0; i < count; i++)
        ev_init(&timers[i], rang);
}

void timers_turn(void (*what)(void))
{
    ev_now_update(loop);
    what();
}

void timers_set(int which, int ms)
{
    timers[which].repeat = ms / 1000.0;
    ev_timer_again(loop, &timers[which]);
}

void timers_reset(int which, int ms)
{
    timers[which].repeat = ms / 1000.0;
    ev_timer_again(loop, &timers[which]);
}

void timers_cancel(int which)
{
    ev_timer_stop(loop, &timers[which]);
}

void timers_settle(void)
{
}

void timers_expire(void)
{
    ev_run(loop, EVRUN_NOWAIT);
}
