/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

/* The two lines of a socket, and the queue's list of sockets: for a
   backend. Not for programs. */
#ifndef MINIMIO_LINES_H
#define MINIMIO_LINES_H
#include "queue.h"

/* <<the lines of a socket>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
/* The end of what is received waits for nobody who sends */
static inline bool ends_receiving(const mio_op *op)
{
    return op->kind == OP_SHUT && op->length == MIO_SHUT_RECEIVE;
}

/* The tail of an empty list means nothing. An end that is put in line goes
   behind the connect, which is the first */
static inline void append(mio_socket *s, mio_op *op)
{
    unsigned i = op->way - 1u;
    op->next = op->previous = NULL;
    if (s->head[i] == NULL) {
        s->head[i] = op;
    } else {
        op->previous = ends_receiving(op) ? s->head[i] : s->tail[i];
        op->next = op->previous->next;
        op->previous->next = op;
    }
    *(op->next == NULL ? &s->tail[i] : &op->next->previous) = op;
}

static inline void take_out(mio_op *op)
{
    mio_socket *s = op->socket;
    mio_op *before = op->previous, *after = op->next;
    *(before == NULL ? &s->head[op->way - 1] : &before->next) = after;
    *(after == NULL ? &s->tail[op->way - 1] : &after->previous) = before;
}

/* It goes ahead of them; but there must be a connection, or Linux gives up
   the one that is under way */
static inline bool goes_ahead(const mio_op *op)
{
    const mio_op *writer = op->socket->head[WRITING - 1];
    return ends_receiving(op)
        && (writer == NULL || writer->kind != OP_CONNECT);
}
/* <<the lines of a socket>> (2 of 3), book/09-completion-over-readiness.md: Completion over readiness */

/* The first operation on a socket makes it one of the queue's */
static inline void join(mio_queue *q, mio_socket *s)
{
    s->queue = q;
    s->previous = NULL;
    s->next = q->sockets;
    if (s->next != NULL)
        s->next->previous = s;
    q->sockets = s;
}

static inline void part(mio_queue *q, mio_socket *s)
{
    *(s->previous == NULL ? &q->sockets : &s->previous->next) = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    s->queue = NULL;
}
/* <<the lines of a socket>> (3 of 3), book/09-completion-over-readiness.md: Completion over readiness */

static inline void list_again(mio_queue *q, mio_socket *s)
{
    if (s->flags & LISTED)
        return;
    s->flags |= LISTED;
    s->again = q->again;
    q->again = s;
}

static inline void unlist(mio_queue *q, mio_socket *s)
{
    mio_socket **at = &q->again;
    if (!(s->flags & LISTED))
        return;
    while (*at != s)
        at = &(*at)->again;
    *at = s->again;
    s->flags &= ~(uint32_t)LISTED;
}

#endif
