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
/* <<look up, and print what was found>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void show(mio_queue *q, mio_pool *pool, const char *host)
{
    static mio_op op, *done[1];
    static mio_address found[8];
    char text[80];
    must("resolve", mio_resolve(q, &op, pool, host, 80, found, 8));
    must("wait", mio_queue_wait(q, done, 1, -1));
    printf("%s: ", host);
    if (op.result < 0)
        puts(mio_strerror((int)op.result));
    for (int i = 0; i < op.result; i++) {
        mio_address_print(&found[i], text, sizeof text);
        puts(text);
    }
}

int main(int argc, char **argv)
{
    mio_queue *q;
    mio_pool *pool;
    must("queue", mio_queue_open(&q, NULL));
    must("pool", mio_pool_open(&pool, 1, 1));
    for (int i = 1; i < argc; i++)
        show(q, pool, argv[i]);
    end_queue(q);
    return mio_pool_close(pool) != 0;
}
