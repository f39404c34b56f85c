/* Tangled from book/12-time-and-other-threads.md: Time and other threads. Edit the chapter, not this file. */

/* <<what a lab on the queue begins with>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>

/* <<it succeeds or the program ends>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static int must(const char *what, int result)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, mio_strerror(result));
        exit(1);
    }
    return result;
}
/* <<shut down, wait and close>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void end_queue(mio_queue *q)
{
    mio_op *done[8];
    must("shutdown", mio_queue_shutdown(q));
    while (mio_queue_wait(q, done, 8, -1) != MIO_ESHUTDOWN)
        ;
    must("close", mio_queue_close(q));
}

enum { TIMES = 200 };
static const int64_t step = 10000;  /* 10 us */

/* <<count early timers>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static int early_timers(mio_queue *q)
{
    static mio_op timer, *done[1];
    int early = 0;
    for (int i = 1; i <= TIMES; i++) {
        must("timer", mio_timer(q, &timer, mio_now() + i * step));
        must("wait", mio_queue_wait(q, done, 1, -1));
        early += mio_now() < timer.deadline;
    }
    return early;
}

/* <<count early waits>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static int early_waits(mio_queue *q)
{
    mio_op *done[1];
    int early = 0;
    for (int i = 1; i <= TIMES; i++) {
        int64_t until = mio_now() + i * step;
        must("wait", mio_queue_wait(q, done, 1, i * step));
        early += mio_now() < until;
    }
    return early;
}

int main(void)
{
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    printf("%d timers, early: %d\n", TIMES, early_timers(q));
    printf("%d waits, early: %d\n", TIMES, early_waits(q));
    end_queue(q);
    return 0;
}
