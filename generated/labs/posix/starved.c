/* Tangled from book/13-what-still-blocks.md: What still blocks. Edit the chapter, not this file. */

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
/* <<names that are slow, and a file>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
enum { NAMES = 4 };

static void wait_long(mio_op *op)
{
    (void)op;
    sys_poll(NULL, 0, 100);
}

static void be_quick(mio_op *op)
{
    (void)op;
}
/* <<names that are slow, and a file>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void show(const char *what, int threads, bool apart)
{
    static mio_op ops[NAMES + 1], *op;
    mio_queue *q;
    mio_pool *pools[2];
    must("queue", mio_queue_open(&q, NULL));
    must("pool", mio_pool_open(&pools[0], threads, NAMES + 1));
    must("pool", mio_pool_open(&pools[1], 1, 1));
    for (int i = 0; i <= NAMES; i++)
        ops[i].user = i < NAMES ? "name" : "file";
    for (int i = 0; i < NAMES; i++)
        must("work", mio_work(q, &ops[i], pools[0], wait_long));
    must("work", mio_work(q, &ops[NAMES], pools[apart], be_quick));
    /* <<who is first, and when the file comes>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
    int64_t began = mio_now(), file = 0;
    const char *first = NULL;
    for (int i = 0; i <= NAMES; i++) {
        must("wait", mio_queue_wait(q, &op, 1, -1));
        first = first == NULL ? op->user : first;
        if (op == &ops[NAMES])
            file = mio_now();
    }
    printf("%s: a %s is first, the file comes after %.0f ms\n", what, first,
           (double)(file - began) / SYS_MS);
    end_queue(q);
    for (int i = 0; i < 2; i++)
        must("pool", mio_pool_close(pools[i]));
}

int main(void)
{
    show("4 threads", 4, false);
    show("5 threads", 5, false);
    show("4 threads, and 1 for files", 4, true);
    return 0;
}
