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
/* <<wake a queue often>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
enum { THREADS = 4, EACH = 250 };

static void wake_often(void *queue)
{
    for (int i = 0; i < EACH; i++)
        mio_queue_wake(queue);
}

int main(void)
{
    /* <<let four threads wake a queue>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    sys_thread threads[THREADS];
    mio_op *done[1];
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    for (int i = 0; i < THREADS; i++)
        start(&threads[i], wake_often, q);
    for (int i = 0; i < THREADS; i++)
        sys_thread_join(&threads[i]);
    printf("%d wakes\n", THREADS * EACH);
    for (int i = 1; i <= 3; i++) {
        int result = mio_queue_wait(q, done, 1, 10 * SYS_MS);
        printf("wait %d: %s\n", i, result == 0 ? "the time is up"
                                 : mio_strerror(result));
    }
    end_queue(q);
    return 0;
}
