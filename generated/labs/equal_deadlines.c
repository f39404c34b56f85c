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

int main(void)
{
    static mio_op timers[4], *done[4];
    static const char *const names[] = { "first", "second", "third",
                                         "a millisecond earlier" };
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    int64_t moment = mio_now() + 20 * SYS_MS;
    for (int i = 0; i < 4; i++)
        must("timer", mio_timer(q, &timers[i],
                                i < 3 ? moment : moment - SYS_MS));
    /* <<print them as they come>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    for (int n, all = 0; all < 4; all += n) {
        n = must("wait", mio_queue_wait(q, done, 4, -1));
        for (int i = 0; i < n; i++)
            puts(names[done[i] - timers]);
    }
    end_queue(q);
    return 0;
}
