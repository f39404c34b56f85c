/* Timers of libuv */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "timers.h"
#include <stdlib.h>
#include <uv.h>

static uv_loop_t   loop;
static uv_timer_t *timers;
static void      (*on_expiry)(void);

static void rang(uv_timer_t *t)
{
    (void)t;
    on_expiry();
}

void timers_open(int count, void (*expired)(void))
{
    on_expiry = expired;
    timers = calloc((size_t)count, sizeof *timers);
    if (timers == NULL || uv_loop_init(&loop) != 0)
        fail("loop");
    for (int i = 0; i < count; i++)
        uv_timer_init(&loop, &timers[i]);
}

void timers_turn(void (*what)(void))
{
    uv_update_time(&loop);
    what();
}

void timers_set(int which, int ms)
{
    uv_timer_start(&timers[which], rang, (uint64_t)ms, 0);
}

void timers_reset(int which, int ms)
{
    uv_timer_start(&timers[which], rang, (uint64_t)ms, 0);
}

void timers_cancel(int which)
{
    uv_timer_stop(&timers[which]);
}

void timers_settle(void)
{
}

void timers_expire(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}
