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
/* <<work that is late>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void rest(mio_op *op)
{
    sys_poll(NULL, 0, 200);
    op->done = 1;
}

static void submit(mio_queue *q, mio_pool *pool, mio_op *op)
{
    mio_op_work(op, pool, rest);
    op->deadline = mio_now() + 50 * SYS_MS;
    must("work", mio_queue_submit(q, op));
}

int main(void)
{
    mio_queue *q;
    mio_pool *pool;
    must("queue", mio_queue_open(&q, NULL));
    must("pool", mio_pool_open(&pool, 1, 2));
    /* <<submit two works and wait for both>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
    static mio_op works[2];
    mio_op *op;
    int64_t began = mio_now();
    for (int i = 0; i < 2; i++)
        submit(q, pool, &works[i]);
    for (int i = 0; i < 2; i++) {
        must("wait", mio_queue_wait(q, &op, 1, -1));
        printf("the %s: %s, %s, %.0f ms\n",
               op == works ? "first" : "second",
               mio_strerror((int)op->result), op->done ? "done" : "not begun",
               (double)(mio_now() - began) / SYS_MS);
    }
    end_queue(q);
    return mio_pool_close(pool) != 0;
}
