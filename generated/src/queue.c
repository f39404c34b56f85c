/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#include "queue.h"
#include <stdlib.h>

enum { FAIR = 256, EVENTS = 256 };

/* <<open a queue>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
int mio_queue_open(mio_queue **opened, const mio_options *options)
{
    uint32_t room = options != NULL ? options->events : 0;
    if (room == 0 || room > 65536)
        room = EVENTS;
    *opened = NULL;
    size_t size = (sizeof(mio_queue) + 15) / 16 * 16;
    mio_queue *q = calloc(1, size + room * mio__event_size());
    if (q == NULL)
        return MIO_ENOMEM;
    q->room = (int)room;
    q->events = (char *)q + size;
    q->last = &q->first;
    int error = mio__kernel_open(q);
    if (error != 0) {
        mio__kernel_close(q);
        free(q);
        return mio__code(error);
    }
    mio__own(q);
    *opened = q;
    return 0;
}
/* <<open a queue>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

void mio__end(mio_queue *q, mio_op *op, int64_t result, int native)
{
    op->result = result;
    op->native = native;
    mio__finish(q, op);
}

/* <<accept or refuse>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
/* Misuse, or 0. Nothing is changed */
int mio__refusal(const mio_queue *q, const mio_op *op)
{
    const mio_socket *s = op->socket;
    if (mio__get(&q->shut) && op->kind != OP_CLOSE)
        return MIO_ESHUTDOWN;
    if (op->kind == OP_NONE)
        return MIO_EINVAL;
    if (op->kind <= OP_TIMER)
        return 0;
    if (s == NULL || (s->queue != q && s->queue != NULL))
        return MIO_EINVAL;
    const mio_op *first = s->head[op->way - 1];
    if (first != NULL && op->kind > OP_SHUT
            && (op->kind == OP_READY || first->kind == OP_READY))
        return MIO_EBUSY;
    return 0;
}
/* <<accept or refuse>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

/* What was accepted begins; afterwards it is pending or finished */
void mio__take(mio_queue *q, mio_op *op)
{
    op->state = PENDING;
    op->flags = 0;
    op->done = 0;
    q->inside++;
    /* <<begin it>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    switch (op->kind) {
    /* <<kinds with a way of their own>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
    case OP_TIMER:                      /* its deadline is all it has */
        break;
    case OP_NOP:
        mio__end(q, op, 0, 0);
        break;
    /* <<kinds with a way of their own>> (2 of 3), book/11-connections.md: Connections */
    case OP_CLOSE:
        mio__close(q, op);
        break;
    /* <<kinds with a way of their own>> (3 of 3), book/13-what-still-blocks.md: What still blocks */
    case OP_WORK:
        place_of(op)->enter(q, op);
        break;
    default:
        mio__begin_first(q, op);
    }
    /* <<begin it>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (op->state == PENDING && (op->deadline != 0 || op->kind == OP_TIMER))
        mio__due_insert(q, op);
}

/* <<submit>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
int mio__submit(mio_queue *q, mio_op *op)
{
    int refusal = mio__refusal(q, op);
    /* <<before it is taken>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    if (refusal != 0)
        return refusal;
    /* <<before it is taken>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (op->kind == OP_CLOSE && mio__top(&q->posted) != NULL)
        mio__take_posts(q);             /* some may be for this socket */
    mio__take(q, op);
    return 0;
}
/* <<submit>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

int mio_queue_submit(mio_queue *q, mio_op *op)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    if (op->state != YOURS)
        return MIO_EBUSY;
    if (op->kind > OP_READY && op->deadline == 0)
        return mio__submit_bytes(q, op);
    return mio__submit(q, op);
}
/* <<submit>> (3 of 4), book/11-connections.md: Connections */

/* Pending, and not wanted any more. Who has it lets go of it */
void mio__give_up(mio_queue *q, mio_op *op, int code)
{
    switch (op->kind) {
    /* <<who has it>> (1 of 2), book/11-connections.md: Connections */
    case OP_TIMER:                      /* nobody */
        mio__end(q, op, code, 0);
        break;
    /* <<who has it>> (2 of 2), book/13-what-still-blocks.md: What still blocks */
    case OP_WORK:
        place_of(op)->stop(q, op, code);
        break;
    default:
        mio__stop(q, op, code);
    }
}
/* <<submit>> (4 of 4), book/11-connections.md: Connections */

int mio_queue_cancel(mio_queue *q, mio_op *op)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    /* <<where is it?>> (1 of 3), book/11-connections.md: Connections */
    if (op->state == YOURS)
        return MIO_EINVAL;
    /* <<where is it?>> (2 of 3), book/12-time-and-other-threads.md: Time and other threads */
    if (op->state == POSTED)
        mio__take_posts(q);             /* then it is one of the others */
    /* <<where is it?>> (3 of 3), book/13-what-still-blocks.md: What still blocks */
    if (op->kind == OP_WORK && mio__top(&q->posted) != NULL)
        mio__take_posts(q);             /* its result may be there */
    if (op->state == PENDING)
        mio__give_up(q, op, MIO_ECANCELED);
    return 0;
}

/* <<give back>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
/* Up to `capacity` of those finished, as they finished */
static int give_back(mio_queue *q, mio_op **done, int capacity)
{
    mio_op *op = q->first;
    int n = 0;
    do {
        op->state = YOURS;
        done[n++] = op;
        op = op->next;
        if (op == NULL) {
            q->last = &q->first;
            break;
        }
    } while (n < capacity);
    q->first = op;
    q->inside -= (size_t)n;
    q->unasked += n;
    return n;
}

/* <<ask the kernel>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
static int64_t later(int64_t duration)
{
    int64_t now = mio_now();
    return duration > INT64_MAX - now ? INT64_MAX : now + duration;
}
/* <<ask the kernel>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* How long the kernel may sleep */
static inline int64_t sleep_time(mio_queue *q, int64_t until)
{
    /* <<reasons not to sleep>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    if (q->first != NULL || q->again != NULL)
        return 0;
    /* <<reasons not to sleep>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (q->due != NULL && q->due->deadline < until)
        until = q->due->deadline;
    if (!mio__change(&q->call, AWAKE, ASLEEP))
        return 0;                       /* called in the meantime */
    if (until == INT64_MAX)
        return -1;
    int64_t left = until > 0 ? until - mio_now() : 0;
    return left > 0 ? left : 0;
}
/* <<ask the kernel>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static inline int ask_kernel(mio_queue *q, int64_t until)
{
    /* <<ask it>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    int error = mio__select(q, sleep_time(q, until));
    /* <<ask it>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    mio__change(&q->call, ASLEEP, AWAKE);
    q->unasked = 0;
    if (q->again != NULL)
        mio__try_again(q);
    return error != 0 ? mio__code(error) : 0;
}
/* <<ask the kernel>> (4 of 4), book/12-time-and-other-threads.md: Time and other threads */

/* Takes what others posted. Is the owner wanted awake? Of two calls the
   second stands for a turn, in which others are served */
static bool answer_call(mio_queue *q)
{
    mio__set(&q->call, AWAKE);
    mio__take_posts(q);
    if (!mio__get(&q->woken))
        return false;
    q->woke = !q->woke;
    if (q->woke)
        mio__swap(&q->woken, 0);
    else
        mio__set(&q->call, CALLED);
    return q->woke;
}

/* <<wait>> (1 of 5), book/09-completion-over-readiness.md: Completion over readiness */
/* Nothing is inside, and no poster is about to put something there */
static bool empty(mio_queue *q)
{
    return q->inside == 0 && mio__get(&q->posting) == 0
        && mio__top(&q->posted) == NULL;
}
/* <<wait>> (2 of 5), book/09-completion-over-readiness.md: Completion over readiness */

static int wait_for_some(mio_queue *q, mio_op **done, int capacity,
                         int64_t until)
{
    for (bool asked = false; ; asked = true) {
        /* <<before anything is given back>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
        bool late = false;
        /* <<before anything is given back>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
        if (mio__get(&q->call) == CALLED && answer_call(q))
            return MIO_WOKEN;
        if (q->due != NULL)
            late = mio__expire(q, asked);
        if (q->first != NULL && !late && (asked || q->unasked < FAIR))
            return give_back(q, done, capacity);
        if (mio__get(&q->shut) && empty(q))
            return MIO_ESHUTDOWN;
        if (asked && until != INT64_MAX && mio_now() >= until)
            return 0;
        bool ending = mio__get(&q->shut) && q->inside == 0;
        int bad = ask_kernel(q, ending ? 0 : until);
        if (bad != 0)
            return bad;
    }
}
/* <<wait>> (3 of 5), book/09-completion-over-readiness.md: Completion over readiness */

/* Nothing but I/O is going on */
static bool calm(const mio_queue *q)
{
    /* <<reasons to look closer>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    if (q->unasked >= FAIR)
        return false;
    /* <<reasons to look closer>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (mio__get(&q->call) == CALLED || q->due != NULL)
        return false;
    return true;
}
/* <<wait>> (4 of 5), book/09-completion-over-readiness.md: Completion over readiness */

/* There is nothing to be given at once. Where nothing but I/O is going on,
   the kernel is asked without more questions */
static int ask_first(mio_queue *q, mio_op **done, int capacity,
                     int64_t timeout)
{
    if (timeout >= 0)
        return wait_for_some(q, done, capacity,
                             timeout == 0 ? 0 : later(timeout));
    if (!mio__get(&q->shut) && calm(q) && q->first == NULL) {
        int bad = ask_kernel(q, INT64_MAX);
        if (bad != 0)
            return bad;
        if (calm(q) && q->first != NULL)
            return give_back(q, done, capacity);
    }
    return wait_for_some(q, done, capacity, INT64_MAX);
}
/* <<wait>> (5 of 5), book/09-completion-over-readiness.md: Completion over readiness */

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity,
                   int64_t timeout)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    if (capacity < 1)
        return MIO_EINVAL;
    if (q->first == NULL)
        return ask_first(q, done, capacity, timeout);
    if (!calm(q))
        return ask_first(q, done, capacity, timeout);
    return give_back(q, done, capacity);
}

/* <<end a queue>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
/* What is inside comes back, cancelled; the sockets stay open */
int mio_queue_shutdown(mio_queue *q)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    mio__set(&q->shut, 1);
    /* <<cancel what is inside>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
    for (mio_socket *s = q->sockets; s != NULL; s = s->next) {
        mio__stop_socket(q, s);
        s->flags |= CAREFUL;            /* the long way refuses */
    }
    /* <<cancel what is inside>> (2 of 3), book/12-time-and-other-threads.md: Time and other threads */
    mio__take_posts(q);
    while (q->due != NULL)
        mio__give_up(q, q->due, MIO_ECANCELED);
    /* <<cancel what is inside>> (3 of 3), book/13-what-still-blocks.md: What still blocks */
    for (mio_op *op = q->away, *next; op != NULL; op = next) {
        next = op->reserved[LATER];
        mio__give_up(q, op, MIO_ECANCELED);
    }
    return 0;
}
/* <<end a queue>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

int mio_queue_close(mio_queue *q)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    if (!mio__get(&q->shut) || !empty(q))
        return MIO_EBUSY;
    while (q->sockets != NULL)
        mio__release(q, q->sockets);
    mio__kernel_close(q);
    free(q);
    return 0;
}

/* <<words for codes>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
static const char *const words[] = {
    "success", "woken", "invalid argument", "busy", "queue is shut down",
    "wrong thread", "cancelled", "timed out", "bad descriptor",
    "not supported", "out of memory", "too many descriptors",
    "connection refused", "connection reset", "broken pipe",
    "unreachable", "address in use", "address not available",
    "permission denied", "message too long", "not connected",
    "already connected", "not now", "no such name", "system error"
};
/* <<words for codes>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

const char *mio_strerror(int code)
{
    if (code > 0 || code <= -(int)(sizeof words / sizeof words[0]))
        return "unknown code";
    return words[-code];
}
