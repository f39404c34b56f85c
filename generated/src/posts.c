/* Tangled from book/12-time-and-other-threads.md: Time and other threads. Edit the chapter, not this file. */

#include "queue.h"
#include <errno.h>

/* <<put it on the list>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* Puts it on top of those that were posted and not taken yet */
static void push(mio_queue *q, mio_op *op)
{
    op->next = mio__top(&q->posted);
    while (!mio__put(&q->posted, op))
        ;
}

/* <<ring once for each sleep>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* After the work is where the owner looks. One ring for each sleep */
static void call_owner(mio_queue *q)
{
    if (mio__swap(&q->call, CALLED) == ASLEEP)
        mio__ring(q);
}

/* <<post>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
int mio_queue_post(mio_queue *q, mio_op *op)
{
    int refused = 0;
    mio__add(&q->posting, 1);           /* until then it is not closed */
    if (op->state != YOURS)
        refused = MIO_EBUSY;
    else if (mio__get(&q->shut) && op->kind != OP_CLOSE)
        refused = MIO_ESHUTDOWN;
    if (refused == 0) {
        op->state = POSTED;
        push(q, op);
        call_owner(q);
    }
    mio__add(&q->posting, -1);
    return refused;
}
/* <<post>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

/* It has stayed PENDING, by which the owner knows it */
void mio__send_back(mio_queue *q, mio_op *op)
{
    mio__add(&q->posting, 1);
    push(q, op);
    call_owner(q);
    mio__add(&q->posting, -1);
}

/* <<wake>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
int mio_queue_wake(mio_queue *q)
{
    if (mio__change(&q->woken, 1, 1))   /* who set it calls the owner */
        return 0;
    int kept = errno;                   /* a signal handler's duty */
    mio__add(&q->posting, 1);
    mio__swap(&q->woken, 1);
    call_owner(q);
    mio__add(&q->posting, -1);
    errno = kept;
    return 0;
}

/* <<turn the list round>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* The last posted is on top: turned round, they are in order again */
static mio_op *in_order(mio_op *top)
{
    mio_op *first = NULL;
    while (top != NULL) {
        mio_op *next = top->next;
        top->next = first;
        first = top;
        top = next;
    }
    return first;
}

/* <<take one that was posted>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void take_one(mio_queue *q, mio_op *op)
{
    int refusal = mio__refusal(q, op);
    if (refusal == 0) {
        mio__take(q, op);
        return;
    }
    /* <<it comes back with the refusal>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    op->flags = 0;
    op->done = 0;
    q->inside++;
    mio__end(q, op, mio__get(&q->shut) ? MIO_ECANCELED : refusal, 0);
}

/* <<take the whole list>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
void mio__take_posts(mio_queue *q)
{
    mio_op *op = in_order(mio__take_all(&q->posted));
    while (op != NULL) {
        mio_op *next = op->next;
        /* <<take one of them>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
        if (op->state == POSTED)
            take_one(q, op);
        /* <<take one of them>> (2 of 2), book/13-what-still-blocks.md: What still blocks */
        else                            /* from another place */
            place_of(op)->back(q, op);
        op = next;
    }
}
