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
/* <<start a thread, or end>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void start(sys_thread *t, void (*work)(void *), void *argument)
{
    if (sys_thread_start(t, work, argument) != 0) {
        fprintf(stderr, "cannot start a thread\n");
        exit(1);
    }
}
/* <<wait until another thread wakes us>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void wake_later(void *queue)
{
    sys_poll(NULL, 0, 50);
    mio_queue_wake(queue);
}

static void show(const char *how_long, mio_queue *q, int64_t timeout)
{
    sys_thread thread;
    mio_op *done[1];
    start(&thread, wake_later, q);
    int result = mio_queue_wait(q, done, 1, timeout);
    printf("%s: %s\n", how_long,
           result == 0 ? "the time is up" : mio_strerror(result));
    sys_thread_join(&thread);
}

int main(void)
{
    static mio_op never;
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    must("timer", mio_timer(q, &never, INT64_MAX));
    show("for ever", q, -1);
    show("for INT64_MIN", q, INT64_MIN);
    show("for 100 years", q, 36525 * INT64_C(86400000) * SYS_MS);
    show("for 292 years", q, INT64_MAX);
    end_queue(q);
    return 0;
}
