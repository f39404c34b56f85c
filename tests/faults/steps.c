/* See steps.h */
#include "steps.h"
#include <string.h>

mio_queue *queue;
int inside, woken;

/* --- calls --------------------------------------------------------------------------------------------- */

/* A function, called until it succeeds */
bool again_for(const char *what, int code, unsigned may)
{
    static int failed;
    if (code >= 0) {
        failed = 0;
        return false;
    }
    documented(what, code, 0, may);
    failed_again(what, code, failed++);
    return true;
}

bool again(const char *what, int code) { return again_for(what, code, CALL); }

/* --- operations ---------------------------------------------------------------------------------------- */

/* It was submitted; a refusal is misuse, and this is none */
void taken(struct item *i, const char *what, unsigned may, int refused)
{
    if (refused != 0) problem("%s is refused: %s", what, mio_strerror(refused));
    i->what = what;
    i->may = may;
    i->inside = true;
    inside++;
}

void back(struct item *i)
{
    if (!i->inside) problem("%s comes back twice", i->what);
    i->inside = false;
    inside--;
    documented(i->what, i->op.result, i->op.native, i->may);
    if (i->op.result >= 0 && i->op.native != 0) problem("%s succeeds with error %d", i->what, i->op.native);
}

/* Until both are back, in case of need by a cancel */
void until(struct item *a, struct item *b)
{
    while (a->inside || b->inside)
        if (wait_once(quiet) == 0) break;
    is_awake(a);
    is_awake(b);
    if (a->inside) mio_queue_cancel(queue, &a->op);
    if (b->inside) mio_queue_cancel(queue, &b->op);
    while (a->inside || b->inside)
        if (wait_once(patience) == 0) problem("%s stays inside", a->inside ? a->what : b->what);
}

/* Did it succeed? After a failure it is tried once more */
bool succeeded(struct item *i)
{
    if (i->inside) return false;
    if (i->op.result >= 0) {
        i->failed = 0;
        return true;
    }
    failed_again(i->what, i->op.result, i->failed++);
    return false;
}

/* --- streams of known bytes ---------------------------------------------------------------------------- */

static unsigned char byte_at(size_t n) { return (unsigned char)(n * 7 + n / 251); }

void begin_stream(struct stream *t, mio_socket *from, mio_socket *to)
{
    memset(t, 0, sizeof *t);
    t->from = from;
    t->to = to;
}

static void start_send(struct stream *t, size_t length, bool all)
{
    for (size_t i = 0; i < length; i++) t->out[i] = byte_at(t->sent + i);
    if (all) taken(&t->send, "send_all", OF_SEND, mio_send_all(queue, &t->send.op, t->from, t->out, length));
    else taken(&t->send, "send", OF_SEND, mio_send(queue, &t->send.op, t->from, t->out, length));
}

static void start_receive(struct stream *t, size_t length)
{
    taken(&t->receive, "receive", OF_RECEIVE, mio_receive(queue, &t->receive.op, t->to, t->in, length));
}

static void end_send(struct stream *t)
{
    t->sent += t->send.op.done;
    if (t->send.op.result >= 0 && (size_t)t->send.op.result != t->send.op.done) problem("send: done is not the result");
}

static void end_receive(struct stream *t)
{
    int64_t n = t->receive.op.result;
    if (n < 0) return;
    for (size_t i = 0; i < (size_t)n; i++)
        if (t->in[i] != byte_at(t->received + i)) problem("byte %zu is not what was sent", t->received + i);
    t->received += (size_t)n;
}

void send_some(struct stream *t, size_t length)
{
    size_t end = t->sent + length;
    while (t->sent < end) {
        start_send(t, end - t->sent, false);
        until(&t->send, &t->send);
        end_send(t);
        succeeded(&t->send);
    }
}

void receive_some(struct stream *t, size_t length)
{
    size_t end = t->received + length;
    while (t->received < end) {
        start_receive(t, end - t->received);
        until(&t->receive, &t->receive);
        end_receive(t);
        if (succeeded(&t->receive) && t->receive.op.result == 0) end_amid(t);
    }
}

/* A message that a receive waits for already */
void awaited(struct stream *t, size_t length)
{
    start_receive(t, length);
    start_send(t, length, false);
    until(&t->send, &t->receive);
    end_send(t);
    end_receive(t);
    succeeded(&t->send);
    succeeded(&t->receive);
    size_t missing = length - t->send.op.done * (t->send.op.result >= 0);
    if (missing > 0 && t->sent < t->received + length) send_some(t, missing);
    if (t->received < t->sent) receive_some(t, t->sent - t->received);
}

/* More than fits into the buffers of the system, in both directions at once */
void bulk(struct stream *t, size_t length)
{
    size_t end = t->sent + length;
    for (int still = 0; t->received < end; ) {
        if (!t->send.inside && t->sent < end) start_send(t, end - t->sent < PART ? end - t->sent : PART, true);
        if (!t->receive.inside) start_receive(t, PART / 2);
        if (wait_once(quiet) == 0) {
            is_awake(&t->send);
            is_awake(&t->receive);
            if (++still > 20) stuck("the stream", "stands still");
        }
        if (!t->send.inside && t->send.what != NULL) {
            end_send(t);
            succeeded(&t->send);
            t->send.op.done = 0;
            t->send.op.result = 0;
        }
        if (!t->receive.inside) {
            end_receive(t);
            succeeded(&t->receive);
        }
    }
    until(&t->send, &t->receive);
    if (t->send.op.done > 0) end_send(t);
}

void end_of_stream(struct stream *t)
{
    struct item shut = { 0 };
    do {
        taken(&shut, "shut", OF_SHUT, mio_shut(queue, &shut.op, t->from, MIO_SHUT_SEND));
        until(&shut, &shut);
    } while (!succeeded(&shut));
    do {
        start_receive(t, 10);
        until(&t->receive, &t->receive);
    } while (!succeeded(&t->receive));
    if (t->receive.op.result != 0) problem("bytes behind the end");
}

/* --- sockets, time ------------------------------------------------------------------------------------- */

void close_socket(mio_socket *s)
{
    struct item i = { 0 };
    taken(&i, "close", OF_CLOSE, mio_socket_close(queue, &i.op, s));
    while (i.inside)
        if (wait_once(patience) == 0) problem("close stays inside");
    if (s->native != (mio_native)-1) problem("a socket is not closed");
}

void address_of(const mio_socket *s, mio_address *a, bool peer)
{
    while (again(peer ? "peer" : "local", peer ? mio_socket_peer(s, a) : mio_socket_local(s, a))) ;
}

void time_and_posts(void)
{
    struct item timer = { 0 }, nop = { 0 };
    step("a timer and a post");
    int64_t due = mio_now() + MS / 2;
    taken(&timer, "timer", OF_TIMER, mio_timer(queue, &timer.op, due));
    mio_op_nop(&nop.op);
    taken(&nop, "nop", OF_TIMER, mio_queue_post(queue, &nop.op));
    until(&timer, &nop);
    if (timer.op.result == 0 && mio_now() < due) problem("a timer is early");
    if (nop.op.result != 0) problem("a nop fails");
    mio_queue_wake(queue);
    for (int i = 0; i < 3 && woken == 0; i++) wait_once(quiet);
    if (woken != 1) problem("woken %d times", woken);
}
