/* Timers of minimio. One that is cancelled comes back first, as everything does; a turn's come back together */
#include "common.h"
#include "minimio.h"
#include "timers.h"
#include <stdlib.h>

enum { MS = 1000000, BATCH = 64 };

static mio_queue *queue;
static mio_op    *ops;
static int64_t    turn, *again;         /* when it shall be set again, or 0 */
static int        away;
static void     (*on_expiry)(void);

void timers_open(int count, void (*expired)(void))
{
    on_expiry = expired;
    ops = calloc((size_t)count, sizeof *ops);
    again = calloc((size_t)count, sizeof *again);
    if (ops == NULL || again == NULL || mio_queue_open(&queue, NULL) != 0)
        fail("queue");
    for (int i = 0; i < count; i++)
        mio_op_timer(&ops[i], 0);
}

void timers_turn(void (*what)(void))
{
    turn = mio_now();
    what();
}

void timers_set(int which, int ms)
{
    if (mio_timer(queue, &ops[which], turn + (int64_t)ms * MS) != 0)
        fail("timer");
}

static int take(void)
{
    mio_op *done[BATCH];
    int n = mio_queue_wait(queue, done, BATCH, 0);
    for (int i = 0; i < n; i++) {
        int64_t *when = &again[done[i] - ops];
        if (*when != 0 && mio_timer(queue, done[i], *when) != 0)
            fail("timer");
        if (done[i]->result == 0 && *when == 0)
            on_expiry();
        *when = 0;
    }
    return n;
}

void timers_settle(void)
{
    while (away > 0)
        away -= take();
}

void timers_cancel(int which)
{
    if (mio_queue_cancel(queue, &ops[which]) != 0)
        fail("cancel");
    if (++away == BATCH)
        timers_settle();
}

void timers_reset(int which, int ms)
{
    again[which] = turn + (int64_t)ms * MS;
    timers_cancel(which);
}

void timers_expire(void)
{
    take();
}
