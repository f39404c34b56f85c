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
/* <<start a thread, or end>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void start(sys_thread *t, void (*work)(void *), void *argument)
{
    if (sys_thread_start(t, work, argument) != 0) {
        fprintf(stderr, "cannot start a thread\n");
        exit(1);
    }
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
/* <<a worker and its results>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
enum { RANGES = 10, RANGE = 100000, FLYING = 4 };

typedef struct result {
    mio_op         op;              /* a nop: the message */
    struct worker *from;
    int            first, primes;
} result;

typedef struct worker {
    mio_queue *home, *queue;        /* where results go, and return to */
    result     results[FLYING];
} worker;
/* <<a worker and its results>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void hand_over(result *r, mio_queue *to)
{
    mio_op_nop(&r->op);
    r->op.user = r;
    must("post", mio_queue_post(to, &r->op));
}
/* <<count primes>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void count_primes(result *r)
{
    r->primes = 0;
    for (int n = r->first; n < r->first + RANGE; n++) {
        int d = 2;
        while (d <= n / d && n % d != 0)
            d++;
        r->primes += n > 1 && d > n / d;
    }
}
/* <<the worker's thread>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
static result *next_free(worker *w)
{
    mio_op *op;
    must("wait", mio_queue_wait(w->queue, &op, 1, -1));
    return op->user;
}
/* <<the worker's thread>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void work(void *argument)
{
    worker *w = argument;
    must("open", mio_queue_open(&w->queue, NULL));
    /* <<post all structures to yourself>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    for (int i = 0; i < FLYING; i++) {
        w->results[i].from = w;
        hand_over(&w->results[i], w->queue);
    }
    for (int i = 0; i < RANGES; i++) {
        result *r = next_free(w);
        r->first = i * RANGE;
        count_primes(r);
        hand_over(r, w->home);
    }
    for (int i = 0; i < FLYING; i++)
        next_free(w);               /* until nobody has one any more */
    end_queue(w->queue);
}
/* <<the owner's side>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static const int64_t period = 10 * SYS_MS;
static mio_op tick;
static int    ticks;

static int serve(mio_queue *q, mio_op *op)      /* 1: it was a result */
{
    if (op == &tick) {
        ticks++;
        must("timer", mio_timer(q, &tick, tick.deadline + period));
        return 0;
    }
    result *r = op->user;
    printf("%6d to %6d: %4d primes\n", r->first, r->first + RANGE - 1,
           r->primes);
    hand_over(r, r->from->queue);
    return 1;
}

int main(void)
{
    static worker w;
    sys_thread thread;
    must("open", mio_queue_open(&w.home, NULL));
    must("timer", mio_timer(w.home, &tick, mio_now() + period));
    start(&thread, work, &w);
    /* <<serve until all results are in>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    for (int left = RANGES; left > 0; ) {
        mio_op *done[FLYING + 1];
        int n = must("wait", mio_queue_wait(w.home, done, FLYING + 1, -1));
        for (int i = 0; i < n; i++)
            left -= serve(w.home, done[i]);
    }
    sys_thread_join(&thread);
    end_queue(w.home);
    printf("%d ticks meanwhile\n", ticks);
    return 0;
}
