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
/* <<tick a hundred times>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
enum { TICKS = 100 };

static void show(const char *from, mio_queue *q, bool from_deadline)
{
    static mio_op tick, *done[1];
    int64_t began = mio_now(), next = began + SYS_MS;
    for (int i = 0; i < TICKS; i++) {
        must("timer", mio_timer(q, &tick, next));
        must("wait", mio_queue_wait(q, done, 1, -1));
        next = (from_deadline ? tick.deadline : mio_now()) + SYS_MS;
    }
    double late = (double)(mio_now() - began - TICKS * SYS_MS);
    printf("from the %s: %.1f ms behind\n", from, late / SYS_MS);
}

int main(void)
{
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    show("deadline", q, true);
    show("present", q, false);
    end_queue(q);
    return 0;
}
