/*
 * Stress: threads post to one queue while its owner submits, cancels and closes, over many sockets. Each accepted
 * submission is counted, and comes back exactly once. In half of the tests every operation and its buffer, and every
 * socket, has a page of its own, which nobody may touch from the moment it came back: a late write ends the process.
 * What the threads do is random and has a seed; how they meet is different in each run.
 */
#include "suite.h"
#include <stdatomic.h>

enum { ENDS = 64, POSTERS = 3, THREADS = POSTERS + 1, OWNER = POSTERS, EACH = 2, ROOM = 2000 };

/* What has a page of its own */
struct slot {
    mio_op op;
    char   bytes[ROOM];
};

/* An operation that one thread alone hands over. The owner sets it free, when it came back */
struct place {
    struct slot *slot;
    struct end  *end;
    atomic_int   state;
};
enum { FREE, GOES_IN, INSIDE };

/* One end of a connection */
static struct end {
    mio_socket  *socket;
    struct place places[THREADS][EACH], close;
    atomic_bool  closed;                /* its close is handed over, or will be */
    atomic_int   users;                 /* threads that may be about to post for it */
} ends[ENDS];

static mio_queue   *q;
static bool         guarded;            /* what came back may not be touched */
static uint32_t     one_in;             /* so many things that a thread does, one is a close */
static int64_t      until;              /* the posters post */
static atomic_long  accepted;
static long         returned;           /* known to the owner */
static atomic_int   ended;              /* posters */
static mio_op      *done[16];

/* --- pages ------------------------------------------------------------------------------------------ */

static void allow(void *page, bool allowed) { if (guarded) pages_allow(page, 1, allowed); }

static void new_place(struct place *p, struct end *e)
{
    if (p->slot == NULL) p->slot = pages(1);
    p->end = e;
    allow(p->slot, false);
}

static void new_end(struct end *e)
{
    if (e->socket == NULL) e->socket = pages(1);
    allow(e->socket, true);
    e->closed = false;
    for (int i = 0; i < THREADS * EACH; i++) new_place(&e->places[i / EACH][i % EACH], e);
    new_place(&e->close, e);
}

/* --- in and out: each is counted -------------------------------------------------------------------- */

static bool take(struct place *p)       /* to prepare it */
{
    if (p->state != FREE) return false;
    allow(p->slot, true);
    p->slot->op.user = p;
    return true;
}

/* It may be back before the call is: so it is counted, and marked, before */
static int hand_over(struct place *p, int (*how)(mio_queue *, mio_op *))
{
    int goes_in = GOES_IN;

    p->state = GOES_IN;
    accepted++;
    int refused = how(q, &p->slot->op);
    if (refused == 0) atomic_compare_exchange_strong(&p->state, &goes_in, INSIDE);
    else {
        accepted--;
        allow(p->slot, false);
        p->state = FREE;
    }
    return refused;
}

static bool is_result(int64_t result)
{
    static const int wanted[] = { MIO_ECANCELED, MIO_ETIMEDOUT, MIO_EPIPE, MIO_ECONNRESET, MIO_ENOTCONN, MIO_EBADF,
                                  MIO_EBUSY };

    for (int i = 0; i < COUNT(wanted); i++) if (result == wanted[i]) return true;
    return result >= 0 && result <= ROOM;
}

static void came_back(const mio_op *op)
{
    struct place *p = op->user;

    if (!is_result(op->result)) EQUAL(op->result, 0);
    if (p == &p->end->close) {
        EQUAL(op->result, 0);
        allow(p->end->socket, false);
    }
    allow(p->slot, false);
    returned++;
    CHECK(atomic_exchange(&p->state, FREE) != FREE);
}

static int collect(int capacity, int64_t timeout)
{
    int n = mio_queue_wait(q, done, capacity, timeout);

    for (int i = 0; i < n; i++) came_back(done[i]);
    return n;
}

/* --- what a thread does ----------------------------------------------------------------------------- */

/* A READY is refused beside a receive or a send: every fourth end has nothing else in both directions */
static bool only_watched(const struct end *e) { return (e - ends) % 4 == 0; }

static void prepare(struct place *p)
{
    mio_op *op = &p->slot->op;
    mio_socket *s = p->end->socket;
    size_t length = 1 + random_below(ROOM);
    uint32_t what = random_below(1000);

    if (what < 850 && only_watched(p->end)) mio_op_ready(op, s, what < 600 ? MIO_READABLE : MIO_WRITABLE);
    else if (what < 450) mio_op_receive(op, s, p->slot->bytes, length);
    else if (what < 650) mio_op_send(op, s, p->slot->bytes, length);
    else if (what < 850) mio_op_send_all(op, s, p->slot->bytes, length);
    else if (what < 900) mio_op_ready(op, s, what % 2 ? MIO_READABLE : MIO_WRITABLE);
    else if (what < 950) mio_op_timer(op, mio_now() + (int64_t)random_below(2 * MS));
    else if (what < 999) mio_op_nop(op);
    else mio_op_shut(op, s, MIO_SHUT_SEND);
    if (what < 900 && random_below(4) == 0) op->deadline = mio_now() + (int64_t)random_below(2 * MS);
}

/* Once, whoever comes first */
static bool closes(struct end *e) { return !atomic_exchange(&e->closed, true); }

static void hand_over_close(struct end *e, int (*how)(mio_queue *, mio_op *))
{
    CHECK(take(&e->close));
    mio_op_close(&e->close.slot->op, e->socket);
    EQUAL(hand_over(&e->close, how), 0);        /* also after a shutdown */
}

/* What nobody may touch when it is closed is closed by the owner, when no thread is about to post for it */
static bool enter(struct end *e)
{
    e->users++;
    if (!guarded || !e->closed) return true;
    e->users--;
    return false;
}

static int post_something(struct end *e, struct place *p)
{
    if (!guarded && random_below(one_in) == 0 && closes(e)) hand_over_close(e, mio_queue_post);
    else if (take(p)) {
        prepare(p);
        return hand_over(p, mio_queue_post);
    } else if (random_below(32) == 0) nap(1);   /* the owner has them all */
    return 0;
}

static struct poster {
    thread   thread;
    int      number;
    uint32_t seed;
} posters[POSTERS];

static void post_and_post(void *argument)
{
    struct poster *self = argument;
    int result = 0;

    random_from(self->seed);
    while (now() < until && result == 0) {
        struct end *e = &ends[random_below(ENDS)];
        if (!enter(e)) continue;
        result = post_something(e, &e->places[self->number][random_below(EACH)]);
        e->users--;
    }
    CHECK(result == 0 || result == MIO_ESHUTDOWN);
    ended++;
}

static void close_guarded(struct end *e)
{
    if (!closes(e)) return;
    while (e->users > 0) nap(1);
    hand_over_close(e, mio_queue_submit);
}

/* Whatever other threads posted, and is not back, may be cancelled */
static void do_something(void)
{
    struct end *e = &ends[random_below(ENDS)];
    struct place *mine = &e->places[OWNER][random_below(EACH)];
    struct place *any = &e->places[random_below(THREADS)][random_below(EACH)];
    uint32_t what = random_below(1000);

    if (random_below(one_in) == 0) close_guarded(e);
    else if (what < 300) {
        if (any->state == INSIDE) EQUAL(mio_queue_cancel(q, &any->slot->op), 0);
    } else if ((!guarded || !e->closed) && take(mine)) {
        prepare(mine);
        int refused = hand_over(mine, mio_queue_submit);
        CHECK(refused == 0 || refused == MIO_EBUSY);
    }
}

/* --- a round ---------------------------------------------------------------------------------------- */

static void begin_round(int ms)
{
    q = open_queue();
    accepted = returned = 0;
    ended = 0;
    for (int i = 0; i < ENDS; i++) new_end(&ends[i]);
    for (int i = 0; i < ENDS; i += 2) connected(q, ends[i].socket, ends[i + 1].socket);
    until = now() + ms * MS;
    for (int i = 0; i < POSTERS; i++) {
        posters[i].number = i;
        posters[i].seed = 1 + random_below(UINT32_MAX - 1);
        start(&posters[i].thread, post_and_post, &posters[i]);
    }
}

/* All are closed, and as many came back as were taken */
static void end_round(void)
{
    for (int i = 0; i < POSTERS; i++) join(&posters[i].thread);
    for (int i = 0; i < ENDS; i++) close_guarded(&ends[i]);
    while (returned < accepted) CHECK(collect(COUNT(done), 2000 * MS) > 0);
    EQUAL(returned, accepted);
    for (int i = 0; i < ENDS; i++) CHECK(ends[i].close.state == FREE);
}

/* Sockets die young in one round, and live long in the next */
static void race(int round)
{
    one_in = round % 2 == 0 ? 1000 : 100000;
    begin_round(round % 2 == 0 ? 90 + round : 390 + round);
    while (ended < POSTERS) {
        do_something();
        if (random_below(8) == 0) CHECK(collect(1 + (int)random_below(COUNT(done)), 0) >= 0);
    }
    end_round();
    quiet(q, MS);
    end_queue(q);
}

/* Each round is shut down at another moment */
static void race_with_a_shutdown(int round)
{
    one_in = 1000;
    begin_round(10000);
    for (int i = 0; i < 4 << round; i++) {
        do_something();
        if (random_below(8) == 0) CHECK(collect(1 + (int)random_below(COUNT(done)), 0) >= 0);
    }
    EQUAL(mio_queue_shutdown(q), 0);
    for (int n = 0; n >= 0 || ended < POSTERS; ) {
        n = collect(COUNT(done), 2000 * MS);
        CHECK(n > 0 || n == MIO_ESHUTDOWN);
    }
    end_round();
    EQUAL(mio_queue_wait(q, done, 1, 0), MIO_ESHUTDOWN);
    EQUAL(mio_queue_close(q), 0);
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void run(void (*one)(int), bool guard, uint32_t seed)
{
    CHECK(sizeof(struct slot) <= page_size());
    guarded = guard;
    random_from(seed);
    for (int i = 0; i < scaled(10); i++) one(i);
}

static void posts_cancels_and_closes_that_race_come_back_exactly_once(void) { run(race, false, 77); }
static void what_races_with_a_shutdown_comes_back_exactly_once(void) { run(race_with_a_shutdown, false, 78); }
static void what_raced_and_came_back_is_never_touched_again(void) { run(race, true, 79); }
static void what_raced_with_a_shutdown_and_came_back_is_never_touched_again(void) { run(race_with_a_shutdown, true, 80); }

const struct test stress_tests[] = {
    TEST(posts_cancels_and_closes_that_race_come_back_exactly_once),
    TEST(what_races_with_a_shutdown_comes_back_exactly_once),
    TEST(what_raced_and_came_back_is_never_touched_again),
    TEST(what_raced_with_a_shutdown_and_came_back_is_never_touched_again),
    { NULL, NULL }
};
