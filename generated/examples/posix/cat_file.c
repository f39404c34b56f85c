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
/* <<open a file and read on>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
typedef struct reading {
    mio_op      op;
    const char *name;
    FILE       *file;
    char        piece[65536];
} reading;

static void open_file(mio_op *op)
{
    reading *r = op->user;
    r->file = fopen(r->name, "rb");
    op->native = r->file == NULL ? errno : 0;
    op->result = r->file == NULL ? MIO_ESYSTEM : 0;
}
/* <<open a file and read on>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void read_on(mio_op *op)
{
    reading *r = op->user;
    size_t n = fread(r->piece, 1, sizeof r->piece, r->file);
    bool failed = n == 0 && ferror(r->file);
    op->native = failed ? errno : 0;
    op->result = failed ? MIO_ESYSTEM : (int64_t)n;
}
/* <<print it piece by piece>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
static int64_t carry_out(mio_queue *q, mio_pool *pool, mio_op *op,
                         void (*run)(mio_op *))
{
    mio_op *done;
    must("work", mio_work(q, op, pool, run));
    must("wait", mio_queue_wait(q, &done, 1, -1));
    return op->result;
}
/* <<print it piece by piece>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static bool print_file(mio_queue *q, mio_pool *pool, const char *name)
{
    static reading r;
    r = (reading){ .op.user = &r, .name = name };
    int64_t n = carry_out(q, pool, &r.op, open_file);
    while (n >= 0 && (n = carry_out(q, pool, &r.op, read_on)) > 0)
        fwrite(r.piece, 1, (size_t)n, stdout);
    fflush(stdout);
    if (n < 0)
        fprintf(stderr, "cat_file: %s: %s\n", name,
                sys_error_text(r.op.native));
    if (r.file != NULL)
        fclose(r.file);
    return n == 0;
}

int main(int argc, char **argv)
{
    mio_queue *q;
    mio_pool *pool;
    int status = 0;
    must("queue", mio_queue_open(&q, NULL));
    must("pool", mio_pool_open(&pool, 1, 1));
    for (int i = 1; i < argc; i++)
        if (!print_file(q, pool, argv[i]))
            status = 1;
    end_queue(q);
    must("pool", mio_pool_close(pool));
    return status;
}
