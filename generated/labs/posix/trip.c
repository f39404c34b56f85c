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
#include <unistd.h>
/* <<read the same page again>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
enum { PAGE = 4096, TIMES = 1000 };

static int time_of_a_read(void)
{
    static char page[PAGE];
    FILE *file = tmpfile();
    must("file", file == NULL ? MIO_ESYSTEM : 0);
    fwrite(page, 1, PAGE, file);
    fflush(file);
    int64_t began = mio_now();
    for (int i = 0; i < TIMES; i++)
        if (pread(fileno(file), page, PAGE, 0) != PAGE)
            exit(1);
    int took = (int)((mio_now() - began) / TIMES);
    fclose(file);
    return took;
}
/* <<to the pool and back>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void nothing(mio_op *op)
{
    (void)op;
}

static int time_of_a_trip(mio_queue *q, mio_pool *pool)
{
    static mio_op op, *done;
    int64_t began = mio_now();
    for (int i = 0; i < TIMES; i++) {
        must("work", mio_work(q, &op, pool, nothing));
        must("wait", mio_queue_wait(q, &done, 1, -1));
    }
    return (int)((mio_now() - began) / TIMES);
}

int main(void)
{
    mio_queue *q;
    mio_pool *pool;
    must("queue", mio_queue_open(&q, NULL));
    must("pool", mio_pool_open(&pool, 1, 1));
    int page = time_of_a_read(), trip = time_of_a_trip(q, pool);
    printf("a page in memory: %d ns\n", page);
    printf("to the pool and back: %d ns, %s\n", trip,
           trip > page ? "which is more" : "which is less");
    end_queue(q);
    return mio_pool_close(pool) != 0;
}
