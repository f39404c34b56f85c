/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#include "queue.h"

/* <<prepare>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
/* What all of them have, but not `user`, nor what is in the queue's hands
   if it is inside */
static void prepare(mio_op *op, enum kind kind, enum way way,
                    mio_socket *s)
{
    op->kind = (uint8_t)kind;
    op->way = (uint8_t)way;
    op->socket = s;
    op->deadline = 0;
    op->buffer = NULL;
    op->length = 0;
}

/* Arguments that make no sense make it no operation, to be refused */
static void makes_sense(mio_op *op, bool sense)
{
    if (!sense)
        op->kind = OP_NONE;
}
/* <<prepare>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

static void prepare_bytes(mio_op *op, enum kind kind, enum way way,
                          mio_socket *s, const void *buffer, size_t length)
{
    prepare(op, kind, way, s);
    op->buffer = (void *)(uintptr_t)buffer;     /* a send only reads it */
    op->length = length;
}

/* <<prepare each kind>> (1 of 5), book/09-completion-over-readiness.md: Completion over readiness */
void mio_op_nop(mio_op *op)
{
    prepare(op, OP_NOP, READING, NULL);
}

void mio_op_timer(mio_op *op, int64_t deadline)
{
    prepare(op, OP_TIMER, READING, NULL);
    op->deadline = deadline;
}

void mio_op_receive(mio_op *op, mio_socket *s, void *buffer, size_t length)
{
    prepare_bytes(op, OP_RECEIVE, READING, s, buffer, length);
    makes_sense(op, length > 0);
}
/* <<prepare each kind>> (2 of 5), book/09-completion-over-readiness.md: Completion over readiness */

void mio_op_send(mio_op *op, mio_socket *s, const void *buffer,
                 size_t length)
{
    prepare_bytes(op, OP_SEND, WRITING, s, buffer, length);
}

void mio_op_send_all(mio_op *op, mio_socket *s, const void *buffer,
                     size_t length)
{
    prepare_bytes(op, OP_SEND_ALL, WRITING, s, buffer, length);
}
/* <<prepare each kind>> (3 of 5), book/09-completion-over-readiness.md: Completion over readiness */

void mio_op_receive_from(mio_op *op, mio_socket *s, void *buffer,
                         size_t length, mio_address *from)
{
    prepare_bytes(op, OP_RECEIVE_FROM, READING, s, buffer, length);
    op->with.from = from;
    makes_sense(op, length > 0);
}

void mio_op_send_to(mio_op *op, mio_socket *s, const void *buffer,
                    size_t length, const mio_address *to)
{
    prepare_bytes(op, OP_SEND_TO, WRITING, s, buffer, length);
    op->with.to = to;
    makes_sense(op, to != NULL);
}
/* <<prepare each kind>> (4 of 5), book/09-completion-over-readiness.md: Completion over readiness */

void mio_op_accept(mio_op *op, mio_socket *listener, mio_socket *accepted)
{
    prepare(op, OP_ACCEPT, READING, listener);
    op->with.accepted = accepted;
    makes_sense(op, accepted != NULL);
}

void mio_op_connect(mio_op *op, mio_socket *s, const mio_address *to)
{
    prepare(op, OP_CONNECT, WRITING, s);
    op->with.to = to;
    makes_sense(op, to != NULL);
}
/* <<prepare each kind>> (5 of 5), book/09-completion-over-readiness.md: Completion over readiness */

void mio_op_shut(mio_op *op, mio_socket *s, int half)
{
    prepare(op, OP_SHUT, WRITING, s);
    op->length = (size_t)half;
    makes_sense(op, half >= 1 && half <= 3);
}

void mio_op_close(mio_op *op, mio_socket *s)
{
    prepare(op, OP_CLOSE, READING, s);
}

void mio_op_ready(mio_op *op, mio_socket *s, int direction)
{
    prepare(op, OP_READY, direction == MIO_WRITABLE ? WRITING : READING, s);
    op->length = (size_t)direction;
    makes_sense(op, direction == MIO_READABLE || direction == MIO_WRITABLE);
}

/* <<prepare and submit>> (1 of 6), book/09-completion-over-readiness.md: Completion over readiness */
/* The twins. What is inside is not prepared anew */

int mio_nop(mio_queue *q, mio_op *op)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_nop(op);
    return mio_queue_submit(q, op);
}

int mio_timer(mio_queue *q, mio_op *op, int64_t deadline)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_timer(op, deadline);
    return mio_queue_submit(q, op);
}
/* <<prepare and submit>> (2 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_receive(mio_queue *q, mio_op *op, mio_socket *s, void *buffer,
                size_t length)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_receive(op, s, buffer, length);
    return mio_queue_submit(q, op);
}

int mio_send(mio_queue *q, mio_op *op, mio_socket *s, const void *buffer,
             size_t length)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_send(op, s, buffer, length);
    return mio__submit_bytes(q, op);
}
/* <<prepare and submit>> (3 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_send_all(mio_queue *q, mio_op *op, mio_socket *s,
                 const void *buffer, size_t length)
{
    if (!mio__owned(q))
        return MIO_ETHREAD;
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_send_all(op, s, buffer, length);
    return mio__submit_bytes(q, op);
}

int mio_receive_from(mio_queue *q, mio_op *op, mio_socket *s,
                     void *buffer, size_t length, mio_address *from)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_receive_from(op, s, buffer, length, from);
    return mio_queue_submit(q, op);
}
/* <<prepare and submit>> (4 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_send_to(mio_queue *q, mio_op *op, mio_socket *s,
                const void *buffer, size_t length, const mio_address *to)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_send_to(op, s, buffer, length, to);
    return mio_queue_submit(q, op);
}

int mio_accept(mio_queue *q, mio_op *op, mio_socket *s,
               mio_socket *accepted)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_accept(op, s, accepted);
    return mio_queue_submit(q, op);
}
/* <<prepare and submit>> (5 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_connect(mio_queue *q, mio_op *op, mio_socket *s,
                const mio_address *to)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_connect(op, s, to);
    return mio_queue_submit(q, op);
}

int mio_shut(mio_queue *q, mio_op *op, mio_socket *s, int half)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_shut(op, s, half);
    return mio_queue_submit(q, op);
}
/* <<prepare and submit>> (6 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_socket_close(mio_queue *q, mio_op *op, mio_socket *s)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_close(op, s);
    return mio_queue_submit(q, op);
}

int mio_ready(mio_queue *q, mio_op *op, mio_socket *s, int direction)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_ready(op, s, direction);
    return mio_queue_submit(q, op);
}
