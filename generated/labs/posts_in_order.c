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
/* <<messages of four threads>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
enum { THREADS = 4, EACH = 1000 };

typedef struct message {
    mio_op op;
    int    thread, number;
} message;

static message    messages[THREADS][EACH];
static mio_queue *mailbox;
/* <<messages of four threads>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void post_all(void *first)
{
    message *m = first;
    for (int i = 0; i < EACH; i++, m++) {
        mio_op_nop(&m->op);
        m->op.user = m;
        must("post", mio_queue_post(mailbox, &m->op));
    }
}

int main(void)
{
    sys_thread threads[THREADS];
    must("open", mio_queue_open(&mailbox, NULL));
    /* <<number the messages and begin to post>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < EACH; i++)
            messages[t][i] = (message){ .thread = t, .number = i };
        start(&threads[t], post_all, messages[t]);
    }
    /* <<take the messages and compare their order>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    int next[THREADS] = { 0 }, all = 0, wrong = 0;
    mio_op *done[64];
    for (int n; all < THREADS * EACH; all += n) {
        n = must("wait", mio_queue_wait(mailbox, done, 64, -1));
        for (int i = 0; i < n; i++) {
            message *m = done[i]->user;
            wrong += m->number != next[m->thread]++;
        }
    }
    for (int t = 0; t < THREADS; t++)
        sys_thread_join(&threads[t]);
    printf("%d came back, %d out of order\n", all, wrong);
    end_queue(mailbox);
    return 0;
}
