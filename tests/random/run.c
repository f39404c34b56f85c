/* The model test: carries out a program, step by step, by minimio and by the reference */
#include "random.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run run;
long steps_done, times_helped;

enum { ROOM = 20000, GUARD = 16, BLOCK = 400000, SPARE = SLOTS };       /* SPARE: items for the end */

static unsigned char rooms[ITEMS][ROOM + GUARD], block[BLOCK], seen[70000], model_seen[70000];

void finding(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    vsnprintf(run.finding, sizeof run.finding, format, rest);
    va_end(rest);
    longjmp(run.out, 1);
}

static void must(const char *what, int got, int wanted)
{
    if (got != wanted) finding("%s says %s and not %s", what, mio_strerror(got), mio_strerror(wanted));
}

/* --- allocations: minimio's come here ------------------------------------------------------------------- */

static long allocated;

void *counted_calloc(size_t n, size_t size);
void counted_free(void *);

void *counted_calloc(size_t n, size_t size)
{
    allocated++;
    return calloc(n, size);
}

void counted_free(void *p)
{
    if (p != NULL) allocated--;
    free(p);
}

/* --- waiting ------------------------------------------------------------------------------------------ */

/* A call of mio_queue_wake is told by this wait or the next */
static void woken(int n)
{
    if (n == MIO_WOKEN) {
        if (run.wakes == 0) finding("a wait is woken by nobody");
        run.wakes = 0;
    } else if (run.wakes > 0 && (n == 0 || run.wakes++ > 1)) {
        finding("a call of mio_queue_wake is lost");
    }
}

static int wait_once(int capacity, int64_t timeout)
{
    mio_op *done[ITEMS];
    reference_take_posts();
    int64_t begin = os_now();
    int n = mio_queue_wait(run.queue, done, capacity, timeout);
    if (n > capacity) finding("a wait gives back %d of at most %d", n, capacity);
    for (int i = 0; i < n; i++) reference_follow((struct item *)done[i]);
    if (n < 0 && n != MIO_WOKEN && n != MIO_ESHUTDOWN) finding("a wait says %s", mio_strerror(n));
    if (n == MIO_ESHUTDOWN && !run.ending) finding("a wait says that the queue is shut down");
    if (n == 0 && timeout < 0) finding("a wait for ever ends with nothing");
    if (n == 0 && os_now() - begin < timeout) finding("a wait ends early");
    woken(n);
    return n;
}

/* What is finished is followed; nothing is waited for */
static void collect(void)
{
    int n;
    do
        n = wait_once(run.program.capacity, 0);
    while (n > 0 || n == MIO_WOKEN);
}

/*
 * Wine 8 can lose the cancellation of a send: CancelIoEx says that there is nothing to be cancelled, and no packet comes,
 * as a program of plain calls saw for 1 of 200 sends that were cancelled at once. It ends when there is room
 */
static void help(const struct item *i)
{
    struct slot *s = &run.slots[i->slot];
    bool given_up = i->unwanted || (i->deadline != 0 && i->deadline <= os_now());
    if ((i->kind != S_SEND && i->kind != S_SEND_ALL && i->kind != S_CLOSE) || s->peer == NO_FD) return;
    if (i->kind != S_CLOSE && !given_up) return;
    s->spoiled = s->lost = true;
    bool more = os_receive(s->peer, seen, sizeof seen) > 0;
    times_helped += more;
    while (more) more = os_receive(s->peer, seen, sizeof seen) > 0;
}

/* Until the reference finds nothing more to be done: with patience, as it may be on its way */
static void settle(void)
{
    const struct item *i;
    int64_t until = os_now() + run.patience, nap = 0;
    for (collect(); (i = reference_owes()) != NULL; collect()) {
        if (os_now() > until) finding("%s #%d on s%d sleeps, and could be done", item_name(i), i->number, i->slot);
        if (!UNIX && nap >= 200 * US) help(i);
        if (nap > 0) os_nap(nap);
        nap = nap < 200 * US ? nap * 2 + 5 * US : nap;
    }
    for (int k = 0; k < ITEMS; k++) run.items[k].seen = run.items[k].inside;
}

/* --- sockets ------------------------------------------------------------------------------------------ */

static void forget_peers(struct slot *s)
{
    if (s->peer != NO_FD) os_reset(s->peer);
    if (s->model_peer != NO_FD) os_reset(s->model_peer);
    if (s->target != NO_FD) os_close(s->target);
    if (s->model_target != NO_FD) os_close(s->model_target);
    for (int i = 0; i < s->nwaiting; i++)
        for (int w = 0; w < 2; w++) os_reset(s->waiting[w][i]);
}

static void no_peers(struct slot *s)
{
    memset(s, 0, sizeof *s);
    s->peer = s->model = s->model_peer = s->target = s->model_target = NO_FD;
}

static void open_pair(struct slot *s, enum kind_of_pair kind)
{
    fd own[2], model[2];
    int here = s->type == PIPE_OUT ? 1 : 0;
    os_pair(kind, own, true);
    os_pair(kind, model, false);
    must("adopt", mio_socket_adopt(&s->socket, own[here]), 0);
    s->peer = own[1 - here];
    s->model = model[here];
    s->model_peer = model[1 - here];
    if (kind != PAIR_UDP_FREE) return;
    os_local(s->peer, &s->peer_address);
    os_local(s->model_peer, &s->model_peer_address);
}

static void open_fresh(struct slot *s)
{
    must("open", mio_socket_open(&s->socket, MIO_IPV4, MIO_STREAM), 0);
    os_room(s->socket.native, true);
    s->model = os_stream(false);
    s->target = os_listener(&s->target_address);
    s->model_target = os_listener(&s->model_target_address);
}

static void open_listener(struct slot *s)
{
    mio_address any;
    os_any(&any);
    must("open", mio_socket_open(&s->socket, MIO_IPV4, MIO_STREAM), 0);
    must("bind", mio_socket_bind(&s->socket, &any), 0);
    must("listen", mio_socket_listen(&s->socket, 16), 0);
    must("local", mio_socket_local(&s->socket, &s->to), 0);
    s->model = os_listener(&s->model_to);
}

static void open_slot(int number, enum type type)
{
    static const enum kind_of_pair kinds[TYPES] = {
        [TCP] = PAIR_TCP, [LOCAL] = PAIR_LOCAL, [PIPE_IN] = PAIR_PIPE, [PIPE_OUT] = PAIR_PIPE, [UDP] = PAIR_UDP,
        [UDP_FREE] = PAIR_UDP_FREE
    };
    struct slot *s = &run.slots[number];
    no_peers(s);
    s->type = type;
    if (type == NOTHING) return;
    if (type == FRESH) open_fresh(s);
    else if (type == LISTENER) open_listener(s);
    else open_pair(s, kinds[type]);
    s->open = true;
    s->connected = type != FRESH && type != LISTENER;
}

/* Nothing of the slot is in the queue, or on its way there */
static bool is_idle(int slot)
{
    for (int k = 0; k < ITEMS; k++)
        if (run.items[k].inside && run.items[k].kind < S_TIMER && run.items[k].slot == slot) return false;
    return !run.slots[slot].reserved;
}

static void step_open(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    collect();
    if (s->open || !is_idle(t->slot)) return;
    forget_peers(s);
    open_slot(t->slot, program_of((uint8_t[]){ 0, (uint8_t)(1 + t->extra % (TYPES - 1)) }, 2).types[0]);
}

/* --- operations --------------------------------------------------------------------------------------- */

/* Half of the timers are due at the same time as the one before */
static int64_t deadline_of(const struct step *t)
{
    static int64_t before;
    if (t->kind == S_TIMER && t->extra & 8 && t->deadline == NEVER && run.sequence > 0) return before;
    if (t->kind == S_TIMER && t->deadline == NEVER) return before = os_now() + (t->extra & 7) * 100 * US;
    switch (t->deadline) {
    case SOON:      return os_now() + 200 * US + (t->extra & 3) * 100 * US;
    case PAST:      return os_now() - 1;
    case NOT_NEVER: return os_now() + 3600000 * MS;
    default:        return 0;
    }
}

static const size_t receives[8] = { 1, 100, 7, 1000, 4096, 2, ROOM, ROOM };
static const size_t stream_sends[8] = { 1, 100, 7, 1000, 4096, 20000, 70000, 300000 };
static const size_t datagram_sends[8] = { 1, 100, 7, 1000, 1400, 0, 60, 500 };

static void prepare_send(struct item *i, struct slot *s, const struct step *t)
{
    mio_socket *m = &s->socket;
    i->length = is_datagram(s) ? datagram_sends[t->size] : stream_sends[t->size];
    i->bytes = block + run.sequence * 7919 % 65536;
    i->address = s->peer_address;
    if (s->type == UDP_FREE) mio_op_send_to(&i->op, m, i->bytes, i->length, &i->address);
    else if (i->kind == S_SEND) mio_op_send(&i->op, m, i->bytes, i->length);
    else mio_op_send_all(&i->op, m, i->bytes, i->length);
}

static void prepare_receive(struct item *i, struct slot *s, const struct step *t)
{
    i->length = receives[t->size];
    memset(i->room + i->length, 0xA5, GUARD);
    if (s->type == UDP_FREE) mio_op_receive_from(&i->op, &s->socket, i->room, i->length, &i->address);
    else mio_op_receive(&i->op, &s->socket, i->room, i->length);
}

static void prepare_connect(struct item *i, struct slot *s, const struct step *t)
{
    i->address = s->target_address;
    i->model_address = s->model_target_address;
    if (t->extra % 8 == 6) os_refusing(&i->address), os_refusing(&i->model_address);
    if (t->extra % 8 == 7) os_stuck(&i->address), os_stuck(&i->model_address);
    mio_op_connect(&i->op, &s->socket, &i->address);
}

static void prepare(struct item *i, const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    switch (t->kind) {
    case S_RECEIVE: case S_WHILE_POST: prepare_receive(i, s, t); break;
    case S_SEND: case S_SEND_ALL: prepare_send(i, s, t); break;
    case S_CONNECT: prepare_connect(i, s, t); break;
    case S_ACCEPT:  mio_op_accept(&i->op, &s->socket, &run.slots[t->other].socket); break;
    case S_SHUT:    mio_op_shut(&i->op, &s->socket, (int)(i->length = 1 + (size_t)t->extra % 3)); break;
    case S_READY:   mio_op_ready(&i->op, &s->socket, (int)(i->length = t->extra & 1 ? WRITES : READS)); break;
    case S_CLOSE:   mio_op_close(&i->op, &s->socket); break;
    case S_TIMER:   mio_op_timer(&i->op, i->deadline); break;
    default:        mio_op_nop(&i->op);
    }
    if (i->kind != S_CLOSE && i->kind != S_NOP) i->op.deadline = i->deadline;
}

static struct item *new_item(const struct step *t, int from, int to)
{
    for (int k = from; k < to; k++) {
        struct item *i = &run.items[k];
        if (i->inside) continue;
        memset(i, 0, sizeof *i);
        i->kind = t->kind == S_WHILE_POST ? S_RECEIVE : t->kind;
        i->number = run.at;
        i->slot = t->slot;
        i->other = t->other;
        i->room = rooms[k];
        i->deadline = i->kind == S_CLOSE || i->kind == S_NOP || i->kind == S_SHUT ? 0 : deadline_of(t);
        i->expected = 1;
        prepare(i, t);
        return i;
    }
    return NULL;
}

static int by_twin(struct item *i)
{
    mio_queue *q = run.queue;
    mio_op *op = &i->op;
    struct slot *s = &run.slots[i->slot];
    mio_socket *m = &s->socket;
    switch (i->kind) {
    case S_RECEIVE: return s->type == UDP_FREE ? mio_receive_from(q, op, m, i->room, i->length, &i->address)
                                               : mio_receive(q, op, m, i->room, i->length);
    case S_SEND:    return s->type == UDP_FREE ? mio_send_to(q, op, m, i->bytes, i->length, &i->address)
                                               : mio_send(q, op, m, i->bytes, i->length);
    case S_SEND_ALL: return s->type == UDP_FREE ? mio_queue_submit(q, op) : mio_send_all(q, op, m, i->bytes, i->length);
    case S_CONNECT: return mio_connect(q, op, m, &i->address);
    case S_ACCEPT:  return mio_accept(q, op, m, &run.slots[i->other].socket);
    case S_SHUT:    return mio_shut(q, op, m, (int)i->length);
    case S_CLOSE:   return mio_socket_close(q, op, m);
    case S_READY:   return mio_ready(q, op, m, (int)i->length);
    case S_TIMER:   return mio_timer(q, op, i->deadline);
    default:        return mio_nop(q, op);
    }
}

/* What the second thread does, and what came of it */
static struct job {
    struct item *post;
    struct slot *send_to;
    size_t length;
    bool wake, late;
    long result;
} job;

static void act(void *unused)
{
    (void)unused;
    if (job.send_to != NULL) job.result = os_send(job.send_to->peer, block, job.length);
    if (job.post != NULL) job.result = mio_queue_post(run.queue, &job.post->op);
    if (job.wake) mio_queue_wake(run.queue);
}

static void too_late(void *unused)
{
    (void)unused;
    job.late = true;
    mio_queue_wake(run.queue);
}

static int post_elsewhere(struct item *i)
{
    job = (struct job){ .post = i };
    job_begin(act, NULL, 0, too_late, 3600000 * MS);
    job_end();
    return (int)job.result;
}

static void line_up_post(struct item *i)
{
    struct item **at = &run.posts;
    while (*at != NULL) at = &(*at)->next;
    *at = i;
    i->next = NULL;
    i->inside = i->posted = true;
    i->sequence = run.sequence++;
}

/* A post is refused for two reasons only; the others are told when it comes back */
static void hand_over(struct item *i, enum way way)
{
    if (way == BY_POST || way == BY_THREAD) {
        int refusal = run.ending && i->kind != S_CLOSE ? MIO_ESHUTDOWN : 0;
        must("post", way == BY_POST ? mio_queue_post(run.queue, &i->op) : post_elsewhere(i), refusal);
        if (refusal == 0) line_up_post(i);
        else if (i->kind == S_ACCEPT) run.slots[i->other].reserved = false;
        return;
    }
    if (i->kind == S_CLOSE) reference_take_posts();
    int refusal = reference_refusal(i);
    must(item_name(i), way == BY_TWIN && i->deadline == 0 ? by_twin(i) : mio_queue_submit(run.queue, &i->op), refusal);
    if (refusal == 0) reference_take(i);
    else if (i->kind == S_ACCEPT) run.slots[i->other].reserved = false;
}

/* Is it in the contract? A cancelled connect leaves a socket that can only be closed, and on Windows so does more */
static bool makes_sense(const struct step *t)
{
    const struct slot *s = &run.slots[t->slot], *other = &run.slots[t->other];
    if (t->kind >= S_TIMER && t->kind != S_WHILE_POST) return true;
    if (s->reserved) return false;
    if (t->kind == S_ACCEPT && (s->type != LISTENER || t->other == t->slot || other->open || !is_idle(t->other))) return false;
    if (!s->open || s->closing) return UNIX || !s->closing;
    if (s->spoiled) return t->kind == S_CLOSE;
    bool reads = t->kind == S_RECEIVE || t->kind == S_WHILE_POST, writes = t->kind == S_SEND || t->kind == S_SEND_ALL;
    bool unconnected = s->type == FRESH && !s->connected && s->line[WRITES - 1] == NULL;
    if ((s->type == PIPE_OUT && reads) || (s->type == PIPE_IN && writes)) return false;
    if (!UNIX && s->type == LISTENER && (reads || writes)) return false;
    if (t->kind == S_CONNECT) return s->type == FRESH && s->line[WRITES - 1] == NULL && run.posts == NULL;
    if (t->kind == S_ACCEPT) return true;
    if (t->kind == S_SHUT) return is_stream(s) && s->type != LISTENER && (UNIX || !unconnected);
    if (t->kind == S_READY && s->type == PIPE_OUT) return (t->extra & 1) != 0;
    if (t->kind == S_READY && s->type == PIPE_IN) return (t->extra & 1) == 0;
    if (t->kind == S_READY) return s->type != FRESH || s->connected;
    return t->kind == S_CLOSE || UNIX || !unconnected;
}

static bool ready_there(const struct slot *s)
{
    for (int w = 0; w < 2; w++)
        for (const struct item *i = s->line[w]; i != NULL; i = i->next) if (i->kind == S_READY) return true;
    return false;
}

static void step_operation(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    if (t->kind == S_READY || ready_there(s) || t->kind == S_ACCEPT || s->type == FRESH) collect();
    if (!makes_sense(t)) return;
    struct item *i = new_item(t, 0, ITEMS - SPARE);
    if (i == NULL) return;
    if (t->kind == S_ACCEPT) {
        forget_peers(&run.slots[t->other]);
        no_peers(&run.slots[t->other]);
        run.slots[t->other].reserved = true;
    }
    hand_over(i, t->way);
}

static struct item *one_inside(int which)
{
    int inside = 0;
    for (int k = 0; k < ITEMS; k++) inside += run.items[k].inside;
    if (inside == 0) return NULL;
    which %= inside;
    for (int k = 0; ; k++) if (run.items[k].inside && which-- == 0) return &run.items[k];
}

static void step_cancel(const struct step *t)
{
    struct item *i = one_inside(t->extra);
    if (i == NULL) {
        must("cancel", mio_queue_cancel(run.queue, &run.items[0].op), MIO_EINVAL);
        return;
    }
    reference_cancel(i);
    must("cancel", mio_queue_cancel(run.queue, &i->op), 0);
}

static void step_again(const struct step *t)
{
    struct item *i = one_inside(t->extra);
    if (i == NULL) return;
    must("submit again", t->extra & 1 ? mio_queue_submit(run.queue, &i->op) : mio_queue_post(run.queue, &i->op), MIO_EBUSY);
}

/* --- the owner's other steps -------------------------------------------------------------------------- */

/* Waits for ever, while the second thread does its job; it calls for help if nothing comes */
static void wait_for_ever(int capacity)
{
    job_begin(act, NULL, job.send_to != NULL || job.post != NULL || job.wake ? 50 * US : 0, too_late, run.patience);
    if (job.wake) run.wakes = 1;
    mio_op *done[ITEMS];
    reference_take_posts();
    int n = mio_queue_wait(run.queue, done, capacity, -1);
    job_end();
    if (job.late) finding("a wait for ever sleeps, and something could be done");
    if (n == 0 || (n < 0 && n != MIO_WOKEN && n != MIO_ESHUTDOWN)) finding("a wait for ever says %s", mio_strerror(n));
    for (int i = 0; i < n; i++) reference_follow((struct item *)done[i]);
    if (n > 0 && job.wake) run.wakes = 1;       /* perhaps it was called afterwards */
    else woken(n);
}

static void step_wait(const struct step *t)
{
    int capacity = 1 + t->size;
    if ((t->extra & 3) < 2) {
        wait_once(capacity, (t->extra & 3) * 300 * US);
        return;
    }
    job = (struct job){ 0 };
    reference_take_posts();             /* this wait takes them */
    const struct item *due = reference_owes();
    bool sends = due != NULL && (due->kind == S_SEND_ALL || (!UNIX && due->kind == S_SEND));
    bool sure = due != NULL && !sends;          /* there may be room, and not enough */
    if (sure || run.wakes > 0) wait_for_ever(capacity);
    else wait_once(capacity, 0);
}

static void step_detach(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    mio_native native, was = s->socket.native;
    if (!UNIX || s->reserved || s->type == NOTHING || s->spoiled) return;
    settle();
    int wanted = !s->open ? MIO_EBADF : s->line[0] != NULL || s->line[1] != NULL ? MIO_EBUSY : 0;
    must("detach", mio_socket_detach(&s->socket, &native), wanted);
    if (wanted != 0) return;
    if (native != was) finding("detach gives another descriptor");
    must("adopt", mio_socket_adopt(&s->socket, native), 0);
    if (s->type == FRESH && s->connected) s->type = TCP;        /* how it came about is not known any more */
    s->error = 0;
    s->told[0] = s->told[1] = false;
}

static void new_queue(void)
{
    must("open a queue", mio_queue_open(&run.queue, NULL), 0);
    run.ending = false;
    run.wakes = 0;
}

/* All that is inside comes back, and then the queue says that it is empty */
static void end_queue(void)
{
    int64_t until = os_now() + run.patience;
    int n;
    while ((n = wait_once(run.program.capacity, 0)) != MIO_ESHUTDOWN) {
        if (n <= 0 && os_now() > until) finding("a queue that is shut down does not get empty");
        for (int k = 0; !UNIX && n == 0 && k < ITEMS; k++) if (run.items[k].inside) help(&run.items[k]);
        if (n == 0) os_nap(50 * US);
    }
    for (int k = 0; k < ITEMS; k++)
        if (run.items[k].inside) finding("%s #%d is lost in the shutdown", item_name(&run.items[k]), run.items[k].number);
    must("close a queue", mio_queue_close(run.queue), 0);
}

static void shut_down(void)
{
    must("close before shutdown", mio_queue_close(run.queue), MIO_EBUSY);
    run.ending = true;
    reference_take_posts();
    for (int k = 0; k < ITEMS; k++) if (run.items[k].inside) reference_cancel(&run.items[k]);
    must("shutdown", mio_queue_shutdown(run.queue), 0);
}

static void step_shutdown(const struct step *t)
{
    struct step nop = { .kind = S_NOP, .way = (enum way)(t->extra & 3) };
    struct step close = { .kind = S_CLOSE, .slot = t->slot, .way = t->way };
    shut_down();
    step_operation(&nop);
    if (t->extra & 4) step_operation(&close);
    end_queue();
    new_queue();
    for (int i = 0; !UNIX && i < SLOTS; i++) run.slots[i].spoiled = true;
}

/* --- peers -------------------------------------------------------------------------------------------- */

/* Before a peer does something, what was given to minimio shall have reached both worlds */
static bool has_peer(struct slot *s)
{
    if (s->closing) settle();
    else collect();
    if (s->peer == NO_FD || s->model_peer == NO_FD) return false;
    if (s->lost) return false;
    if (!UNIX && is_datagram(s) && !s->open) return false;      /* Wine tells of a refusal now and then */
    reference_feed(s, 0);
    return true;
}

/* Once our side has closed or shut what it receives, bytes of the peer bring a reset. When it comes is a matter of what is
   under way; and then the two worlds need not be compared */
static bool is_over(int n) { return n == 0 || n == MIO_EPIPE || n == MIO_ECONNRESET; }

static bool alike(struct slot *s, long one, long other)
{
    if (one == other) return true;
    if (s->open && !s->no_more && !s->vague) return false;
    if (other >= 0 && one > 0) return false;
    return s->spoiled = s->lost = is_over((int)(one > 0 ? 0 : one)) && is_over((int)(other > 0 ? 0 : other));
}

static void model_peer_sends(struct slot *s, size_t n)
{
    size_t sent = 0;
    for (int64_t until = os_now() + run.patience; ; os_nap(20 * US)) {
        long more = os_send(s->model_peer, block + sent, n - sent);
        if (more >= 0) sent += (size_t)more;
        if (sent == n) return;
        if (more < 0 && more != MIO_EAGAIN && alike(s, (long)n, more)) return;
        if (more != MIO_EAGAIN || os_now() > until) finding("the reference's peer cannot send: %s", mio_strerror((int)more));
    }
}

static size_t peer_length(const struct slot *s, const struct step *t)
{
    return is_datagram(s) ? datagram_sends[t->size] : stream_sends[t->size < 6 ? t->size : 3];
}

static void step_peer_send(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    if (!has_peer(s) || s->type == PIPE_OUT || (!UNIX && s->no_more)) return;
    long n = os_send(s->peer, block, peer_length(s, t));
    if (n >= 0) {
        model_peer_sends(s, (size_t)n);
        return;
    }
    if (n == MIO_EAGAIN) return;
    long model = os_send(s->model_peer, block, peer_length(s, t));
    if (!alike(s, n, model)) finding("the peer of s%d hears %s, the reference's %ld", t->slot, mio_strerror((int)n), model);
}

static void model_peer_reads(struct slot *s, size_t n)
{
    long model = is_datagram(s) ? reference_receive(s->model_peer, model_seen, 0, sizeof model_seen) : 0;
    if (!is_datagram(s)) {
        size_t got = 0;
        int64_t until = os_now() + run.patience;
        while (got < n && os_now() < until) {
            long more = os_receive(s->model_peer, model_seen + got, n - got);
            if (more > 0) got += (size_t)more;
            else if (more == MIO_EAGAIN) reference_feed(s, n - got);
            else break;
        }
        model = (long)got;
    }
    if (model != (long)n || memcmp(seen, model_seen, n) != 0)
        finding("the peer of s%d has %d bytes, the reference's %ld, or others", (int)(s - run.slots), (int)n, model);
}

static void step_peer_read(const struct step *t)
{
    static const size_t lengths[8] = { 1, 100, 4096, 20000, 70000, 70000, 70000, 7 };
    struct slot *s = &run.slots[t->slot];
    if (!has_peer(s) || s->type == PIPE_IN) return;
    long n = os_receive(s->peer, seen, is_datagram(s) ? sizeof seen : lengths[t->size]);
    struct asked model = { s->model_peer, READS, 0 };
    os_poll(&model, 1);
    for (int64_t until = os_now() + run.patience; n == MIO_EAGAIN && model.ready; os_nap(20 * US)) {
        n = os_receive(s->peer, seen, is_datagram(s) ? sizeof seen : lengths[t->size]);
        if (os_now() > until) finding("the peer of s%d has nothing, the reference's has", t->slot);
    }
    if (n > 0) model_peer_reads(s, (size_t)n);
    if (n > 0 || n == MIO_EAGAIN) return;
    long end = reference_receive(s->model_peer, model_seen, 0, sizeof model_seen);
    if (!alike(s, n, end)) finding("the peer of s%d hears %s, the reference's %ld", t->slot, n == 0 ? "the end" : mio_strerror((int)n), end);
}

static void step_peer_shut(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    if (!has_peer(s) || !is_stream(s)) return;
    os_shut(s->peer, MIO_SHUT_SEND);
    os_shut(s->model_peer, MIO_SHUT_SEND);
}

static void step_peer_close(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    if (!has_peer(s) || (!UNIX && is_datagram(s))) return;
    if (!UNIX) s->vague = true;
    if (t->kind == S_PEER_RESET) os_reset(s->peer), os_reset(s->model_peer);
    else os_close(s->peer), os_close(s->model_peer);
    s->peer = s->model_peer = NO_FD;
}

static void step_peer_connect(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    if (s->closing) settle();
    else collect();
    if (s->type != LISTENER || !s->open || s->nwaiting == 8) return;
    const mio_address *to[2] = { &s->to, &s->model_to };
    for (int w = 0; w < 2; w++) {
        fd peer = s->waiting[w][s->nwaiting] = os_connected(to[w]);
        if (t->extra & 1) os_send(peer, block, 100);
        if ((t->extra & 3) == 3) os_shut(peer, MIO_SHUT_SEND);
    }
    s->nwaiting++;
}

/* --- meanwhile ---------------------------------------------------------------------------------------- */

/* The owner sleeps when it happens. The model has it before: if nothing comes of it there, the owner has to be woken */
static void meanwhile(void)
{
    const struct item *due = reference_owes();
    bool lost = !UNIX && due != NULL && (due->kind == S_SEND || due->kind == S_SEND_ALL);      /* perhaps: see `help` */
    job.wake = job.wake || due == NULL || lost;
    wait_for_ever(run.program.capacity);
    settle();
}

static void step_meanwhile(const struct step *t)
{
    struct slot *s = &run.slots[t->slot];
    bool peer = has_peer(s);
    job = (struct job){ .wake = t->kind == S_WHILE_WAKE };
    if (t->kind == S_WHILE_POST) {
        if (!makes_sense(t) || s->type == LISTENER) return;
        job.post = new_item(t, 0, ITEMS - SPARE);
        if (job.post == NULL) return;
        line_up_post(job.post);
        reference_take_posts();
    } else if (t->kind == S_WHILE_SEND) {
        if (!peer || s->type == PIPE_OUT || !s->open || (!UNIX && s->no_more)) return;
        job.send_to = s;
        job.length = 100;
        if (os_send(s->model_peer, block, 100) != 100) return;
    }
    meanwhile();
    if (job.result != (job.send_to != NULL ? 100 : 0)) finding("in the other thread: %ld", job.result);
}

/* --- a program ------------------------------------------------------------------------------------------ */

static void step(const struct step *t)
{
    switch (t->kind) {
    case S_OPEN:         step_open(t); break;
    case S_CANCEL:       step_cancel(t); break;
    case S_AGAIN:        step_again(t); break;
    case S_WAKE:         mio_queue_wake(run.queue); run.wakes = 1; break;
    case S_WAIT:         step_wait(t); break;
    case S_TIME:         os_nap(300 * US); break;
    case S_DETACH:       step_detach(t); break;
    case S_SHUTDOWN:     step_shutdown(t); break;
    case S_PEER_SEND:    step_peer_send(t); break;
    case S_PEER_READ:    step_peer_read(t); break;
    case S_PEER_SHUT:    step_peer_shut(t); break;
    case S_PEER_CLOSE: case S_PEER_RESET: step_peer_close(t); break;
    case S_PEER_CONNECT: step_peer_connect(t); break;
    case S_WHILE_SEND: case S_WHILE_WAKE: case S_WHILE_POST: step_meanwhile(t); break;
    default:             step_operation(t);
    }
    if (!t->hold) settle();
}

static void close_by_queue(void)
{
    for (int i = 0; i < SLOTS; i++) {
        struct step close = { .kind = S_CLOSE, .slot = i, .way = BY_SUBMIT };
        if (!run.slots[i].open || run.slots[i].closing) continue;
        hand_over(new_item(&close, ITEMS - SPARE, ITEMS), BY_SUBMIT);
    }
    settle();
    for (int i = 0; i < SLOTS; i++) if (run.slots[i].open) finding("s%d is not closed", i);
}

static void finish(void)
{
    run.at = run.program.count;
    settle();
    if (!run.program.shut_first) close_by_queue();
    shut_down();
    end_queue();
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &run.slots[i];
        if (s->open) os_close(s->socket.native), os_close(s->model);
        forget_peers(s);
    }
}

static void begin(int64_t patience)
{
    mio_address unused;
    if (block[0] == 0) {
        fd pair[2];
        for (uint32_t i = 0, n = 1; i < BLOCK; i++) block[i] = (unsigned char)((n = n * 1664525 + 1013904223) >> 24 | (i == 0));
        os_begin();
        os_refusing(&unused);
        os_stuck(&unused);
        os_pair(PAIR_TCP, pair, true);
        os_close(pair[0]);
        os_close(pair[1]);
    }
    memset(&run, 0, offsetof(struct run, out));
    run.patience = patience;
    run.finding[0] = '\0';
}

bool run_program(const uint8_t *bytes, size_t size, int64_t patience)
{
    begin(patience);
    run.program = program_of(bytes, size);
    int before = os_descriptors(), signals = os_signals();
    long memory = allocated;
    if (setjmp(run.out) != 0) return false;
    new_queue();
    for (int i = 0; i < SLOTS; i++) open_slot(i, run.program.types[i]);
    for (run.at = 0; run.at < run.program.count; run.at++, steps_done++) step(&run.program.steps[run.at]);
    finish();
    if (os_descriptors() != before) finding("%d descriptors are left open", os_descriptors() - before);
    if (allocated != memory) finding("%ld blocks of memory are not freed", allocated - memory);
    if (os_signals() != signals) finding("SIGPIPE reached the program");
    return true;
}
