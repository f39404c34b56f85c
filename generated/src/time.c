/* Tangled from book/12-time-and-other-threads.md: Time and other threads. Edit the chapter, not this file. */

#include "queue.h"

/* <<which of two is due first>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static bool before(const mio_op *a, const mio_op *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->sequence < b->sequence;
}

/* <<two heaps become one>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* Two heaps become one: the later root is the first child of the other */
static mio_op *meld(mio_op *a, mio_op *b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    if (before(b, a)) {
        mio_op *other = a;
        a = b;
        b = other;
    }
    b->sibling = a->child;
    if (b->sibling != NULL)
        b->sibling->parent = b;         /* of a sibling: the one before */
    b->parent = a;
    a->child = b;
    return a;
}

/* <<a deadline goes in>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
void mio__due_insert(mio_queue *q, mio_op *op)
{
    op->flags |= DUE;
    op->sequence = q->sequence++;
    op->child = op->sibling = op->parent = NULL;
    q->due = meld(q->due, op);
}

/* <<the children become one heap>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* Melds the children in pairs, then the pairs from the last to the first.
   Melded pairs are kept in a list through `sibling` */
static mio_op *meld_children(mio_op *child)
{
    mio_op *pairs = NULL, *all = NULL;
    while (child != NULL) {
        /* <<meld the next two>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
        mio_op *a = child, *b = child->sibling;
        child = b != NULL ? b->sibling : NULL;
        a->sibling = a->parent = NULL;
        if (b != NULL)
            b->sibling = b->parent = NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        mio_op *next = pairs->sibling;
        pairs->sibling = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

/* <<a deadline comes out>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
void mio__due_remove(mio_queue *q, mio_op *op)
{
    op->flags &= (uint8_t)~DUE;
    mio_op *below = meld_children(op->child);
    op->child = NULL;
    if (op == q->due) {
        q->due = below;
        return;
    }
    /* <<cut it out>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    if (op->parent->child == op)        /* the first: its parent is above */
        op->parent->child = op->sibling;
    else
        op->parent->sibling = op->sibling;
    if (op->sibling != NULL)
        op->sibling->parent = op->parent;
    q->due = meld(q->due, below);
}

/* <<end what is due>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
/* Ends what is due. An operation is given up only if the kernel was asked
   since: its result may be there. Says if it has to be asked */
bool mio__expire(mio_queue *q, bool asked)
{
    int64_t now = mio_now();
    while (q->due != NULL && q->due->deadline <= now) {
        mio_op *op = q->due;
        if (op->kind == OP_TIMER)
            mio__end(q, op, 0, 0);
        else if (asked)
            mio__give_up(q, op, MIO_ETIMEDOUT);
        else
            return true;
    }
    return false;
}
