/*
 * Posts and wake-ups: from other threads, from signal handlers, around a shutdown, between queues. Numbers in
 * brackets are rows of the project's list of bugs that shipped elsewhere. SUITE_SCALE=10 makes a tenth of the
 * hand-overs, for sanitizers and emulators.
 */
#if !defined(_WIN32)
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif
#include "suite.h"
#include <stdatomic.h>
#include <stdlib.h>

/* --- what most tests use: each runs in a process of its own, where these are fresh ------------------ */

enum { MANY = 1000 };

static mio_queue *q;
static mio_op op, other, last, ops[MANY], *done[MANY];
static mio_socket ours, pair[2];
static peer theirs;
static char bytes[MANY];

static void open_pair(void)
{
    q = open_queue();
    connected(q, &pair[0], &pair[1]);
}

static void end_pair(void)
{
    close_all(q, pair, 2);
    end_queue(q);
}

static int64_t posted(mio_op *prepared)
{
    EQUAL(mio_queue_post(q, prepared), 0);
    return result_of(q, prepared);
}

/* --- posting ---------------------------------------------------------------------------------------- */

static void the_owner_may_post_to_itself(void)
{
    q = open_queue();
    mio_op_nop(&op);
    for (int i = 0; i < 10; i++) EQUAL(posted(&op), 0);
    quiet(q, 0);
    end_queue(q);
}

static void posts_before_a_wait_are_there_for_a_wait_of_0(void)
{
    q = open_queue();
    for (int i = 0; i < MANY; i++) {
        mio_op_nop(&ops[i]);
        EQUAL(mio_queue_post(q, &ops[i]), 0);
    }
    for (int i = 0; i < MANY; i++) {
        EQUAL(mio_queue_wait(q, done, 1, 0), 1);
        CHECK(done[0] == &ops[i]);
    }
    quiet(q, 0);
    end_queue(q);
}

static void posts_op(void *unused)
{
    (void)unused;
    nap(20 * MS);
    EQUAL(mio_queue_post(q, &op), 0);
}

/* [T10] */
static void a_post_wakes_one_who_sleeps_for_ever(void)
{
    thread t;

    q = open_queue();
    mio_op_nop(&op);
    for (int i = 0; i < 3; i++) {
        start(&t, posts_op, NULL);
        EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
        CHECK(done[0] == &op);
        join(&t);
    }
    end_queue(q);
}

/* [T10] The socket has data long since */
static void a_receive_posted_to_one_who_sleeps_gets_what_is_there(void)
{
    thread t;

    q = open_queue();
    peered(q, &ours, &theirs);
    peer_send(theirs, "abc", 3);
    mio_op_receive(&op, &ours, bytes, sizeof bytes);
    start(&t, posts_op, NULL);
    EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
    EQUAL(op.result, 3);
    join(&t);
    peer_close(theirs);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void sends_and_receives_are_posted(void)
{
    open_pair();
    mio_op_receive(&other, &pair[1], bytes, sizeof bytes);
    EQUAL(mio_queue_post(q, &other), 0);
    quiet(q, MS);                               /* it waits */
    mio_op_send_all(&op, &pair[0], "ab", 2);
    EQUAL(posted(&op), 2);
    EQUAL(result_of(q, &other), 2);
    mio_op_shut(&op, &pair[0], MIO_SHUT_SEND);
    EQUAL(posted(&op), 0);
    mio_op_ready(&op, &pair[1], MIO_READABLE);
    EQUAL(posted(&op), MIO_READABLE);
    mio_op_receive(&op, &pair[1], bytes, sizeof bytes);
    EQUAL(posted(&op), 0);
    end_pair();
}

static void accepts_connects_timers_and_closes_are_posted(void)
{
    mio_socket listener;
    mio_address at;

    q = open_queue();
    listening(&listener, &at);
    EQUAL(mio_socket_open(&pair[0], MIO_IPV4, MIO_STREAM), 0);
    mio_op_accept(&op, &listener, &pair[1]);
    EQUAL(mio_queue_post(q, &op), 0);
    mio_op_connect(&other, &pair[0], &at);
    EQUAL(mio_queue_post(q, &other), 0);
    wait_all(q, done, 2);
    CHECK(op.result == 0 && other.result == 0);
    mio_op_timer(&op, mio_now() + MS);
    EQUAL(posted(&op), 0);
    mio_op_close(&op, &pair[0]);
    EQUAL(posted(&op), 0);
    mio_op_close(&op, &pair[1]);
    EQUAL(posted(&op), 0);
    mio_op_close(&op, &listener);
    EQUAL(posted(&op), 0);
    end_queue(q);
}

/* A close is the last for its socket: also after what was posted before it */
static void a_close_comes_after_what_was_posted_for_its_socket(void)
{
    open_pair();
    mio_op_receive(&op, &pair[0], bytes, 1);
    EQUAL(mio_queue_post(q, &op), 0);
    EQUAL(mio_socket_close(q, &other, &pair[0]), 0);
    wait_all(q, done, 2);
    CHECK(done[0] == &op && done[1] == &other);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(other.result, 0);
    close_all(q, &pair[1], 1);
    end_queue(q);
}

static void submissions_and_posts_of_one_socket_may_be_mixed(void)
{
    open_pair();
    for (int i = 0; i < 100; i++) {
        mio_op_receive(&ops[i], &pair[0], &bytes[i], 1);
        EQUAL(i % 2 ? mio_queue_post(q, &ops[i]) : mio_queue_submit(q, &ops[i]), 0);
    }
    quiet(q, 0);
    EQUAL(mio_send_all(q, &op, &pair[1], ops, 100), 0);
    wait_all(q, done, 101);
    for (int i = 0; i < 100; i++) EQUAL(ops[i].result, 1);
    end_pair();
}

static int refused_elsewhere;

static void posts_op_to_be_refused(void *unused)
{
    (void)unused;
    refused_elsewhere = mio_queue_post(q, &op);
}

static void what_is_inside_cannot_be_posted(void)
{
    thread t;

    q = open_queue();
    EQUAL(mio_timer(q, &op, mio_now() + 20 * MS), 0);
    EQUAL(mio_queue_post(q, &op), MIO_EBUSY);
    start(&t, posts_op_to_be_refused, NULL);
    join(&t);
    EQUAL(refused_elsewhere, MIO_EBUSY);
    mio_op_nop(&other);
    EQUAL(mio_queue_post(q, &other), 0);
    EQUAL(mio_queue_post(q, &other), MIO_EBUSY);        /* posted, and not started */
    EQUAL(mio_queue_submit(q, &other), MIO_EBUSY);
    EQUAL(result_of(q, &other), 0);
    EQUAL(result_of(q, &op), 0);
    quiet(q, 0);
    end_queue(q);
}

static void comes_back_as(int64_t wanted)
{
    op.done = 9;                        /* of an earlier use */
    EQUAL(posted(&op), wanted);
    EQUAL((int64_t)op.done, 0);
    quiet(q, 0);
}

static void posted_nonsense_comes_back_with_its_error(void)
{
    open_pair();
    mio_op_receive(&op, NULL, bytes, 1);
    comes_back_as(MIO_EINVAL);
    mio_op_receive(&op, &pair[0], bytes, 0);
    comes_back_as(MIO_EINVAL);
    mio_op_shut(&op, &pair[0], 4);
    comes_back_as(MIO_EINVAL);
    mio_op_shut(&op, &pair[0], 0);
    comes_back_as(MIO_EINVAL);
    mio_op_ready(&op, &pair[0], 3);
    comes_back_as(MIO_EINVAL);
    mio_op_close(&op, NULL);
    comes_back_as(MIO_EINVAL);
    memset(&op, 0, sizeof op);
    comes_back_as(MIO_EINVAL);
    EQUAL(mio_receive(q, &other, &pair[0], bytes, 1), 0);
    mio_op_ready(&op, &pair[0], MIO_READABLE);
    comes_back_as(MIO_EBUSY);
    EQUAL(mio_queue_cancel(q, &other), 0);
    EQUAL(result_of(q, &other), MIO_ECANCELED);
    end_pair();
}

static void posted_with_another_queue_s_socket_comes_back_with_its_error(void)
{
    open_pair();
    mio_queue *stranger = open_queue();
    mio_op_receive(&op, &pair[0], bytes, 1);
    EQUAL(mio_queue_post(stranger, &op), 0);
    EQUAL(result_of(stranger, &op), MIO_EINVAL);
    end_queue(stranger);
    end_pair();
}

static void what_was_posted_can_be_cancelled_before_it_starts(void)
{
    open_pair();
    mio_op_receive(&op, &pair[0], bytes, 1);
    EQUAL(mio_queue_post(q, &op), 0);
    mio_op_timer(&other, mio_now() + 60000 * MS);
    EQUAL(mio_queue_post(q, &other), 0);
    EQUAL(mio_queue_cancel(q, &other), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    wait_all(q, done, 2);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(other.result, MIO_ECANCELED);
    quiet(q, 0);
    end_pair();
}

/* --- many threads ----------------------------------------------------------------------------------- */

enum { POSTERS = 8, EACH = 10000 };

static struct poster {
    thread thread;
    int    accepted, seen;
    mio_op ops[EACH];
} posters[POSTERS];

static void posts_until_refused(void *argument)
{
    struct poster *p = argument;

    for (int i = 0; i < scaled(EACH); i++) {
        p->ops[i].user = p;
        mio_op_nop(&p->ops[i]);
        if (mio_queue_post(q, &p->ops[i]) != 0) break;
        p->accepted++;
    }
}

static void start_posters(void)
{
    for (int i = 0; i < POSTERS; i++) start(&posters[i].thread, posts_until_refused, &posters[i]);
}

static int join_posters(void)
{
    int accepted = 0;

    for (int i = 0; i < POSTERS; i++) {
        join(&posters[i].thread);
        accepted += posters[i].accepted;
    }
    return accepted;
}

/* Each thread's come in the order in which it posted them */
static void see(mio_op *const *came, int n)
{
    for (int i = 0; i < n; i++) {
        struct poster *p = came[i]->user;
        CHECK(came[i] == &p->ops[p->seen]);
        p->seen++;
    }
}

/* [T12] */
static void posts_of_many_threads_all_come_in_the_order_of_each(void)
{
    int left = POSTERS * scaled(EACH);

    q = open_queue();
    start_posters();
    while (left > 0) {
        int n = mio_queue_wait(q, done, MANY, -1);
        CHECK(n > 0);
        see(done, n);
        left -= n;
    }
    EQUAL(join_posters(), POSTERS * scaled(EACH));
    quiet(q, 0);
    end_queue(q);
}

static void a_burst_of_posts_is_no_wake_up(void)
{
    int left = POSTERS * scaled(EACH);

    q = open_queue();
    for (start_posters(); left > 0; left--) {
        EQUAL(mio_queue_wait(q, done, 1, -1), 1);       /* and never MIO_WOKEN */
        see(done, 1);
    }
    join_posters();
    quiet(q, 5 * MS);
    end_queue(q);
}

/* Every fourth is a close, of a socket that is not open */
static void posts_closes_too(void *argument)
{
    static mio_socket not_open;
    struct poster *p = argument;

    for (int i = 0; i < scaled(EACH); i++) {
        p->ops[i].user = p;
        if (i % 4 == 0) mio_op_close(&p->ops[i], &not_open);
        else mio_op_nop(&p->ops[i]);
        EQUAL(mio_queue_post(q, &p->ops[i]), 0);
    }
}

static void posted_closes_do_not_change_the_order(void)
{
    q = open_queue();
    for (int i = 0; i < POSTERS; i++) start(&posters[i].thread, posts_closes_too, &posters[i]);
    for (int left = POSTERS * scaled(EACH); left > 0; ) {
        int n = mio_queue_wait(q, done, MANY, -1);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) CHECK(done[i]->result == 0 || done[i]->result == MIO_EBADF);
        see(done, n);
        left -= n;
    }
    join_posters();
    end_queue(q);
}

static int collect_to_the_end(void)
{
    int n, came = 0;

    while ((n = mio_queue_wait(q, done, MANY, -1)) > 0) {
        for (int i = 0; i < n; i++) CHECK(done[i]->result == 0 || done[i]->result == MIO_ECANCELED);
        see(done, n);
        came += n;
    }
    EQUAL(n, MIO_ESHUTDOWN);
    return came;
}

static void race_with_a_shutdown(int before)
{
    int came = 0;

    for (int i = 0; i < POSTERS; i++) posters[i].accepted = posters[i].seen = 0;
    q = open_queue();
    for (start_posters(); came < before; came++) {
        EQUAL(mio_queue_wait(q, done, 1, -1), 1);
        see(done, 1);
    }
    EQUAL(mio_queue_shutdown(q), 0);
    came += collect_to_the_end();
    int accepted = join_posters();
    EQUAL(came, accepted);
    EQUAL(collect_to_the_end(), 0);
    EQUAL(mio_queue_close(q), 0);
}

/* [T8] */
static void posts_that_race_with_a_shutdown_come_exactly_once_or_are_refused(void)
{
    for (int i = 0; i < 10; i++) race_with_a_shutdown(i * 10);
}

static void a_shut_down_queue_refuses_posts(void)
{
    open_pair();
    EQUAL(mio_queue_shutdown(q), 0);
    mio_op_nop(&op);
    EQUAL(mio_queue_post(q, &op), MIO_ESHUTDOWN);
    mio_op_receive(&op, &pair[0], bytes, 1);
    EQUAL(mio_queue_post(q, &op), MIO_ESHUTDOWN);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    mio_op_timer(&op, 0);
    EQUAL(mio_queue_post(q, &op), MIO_ESHUTDOWN);
    end_pair();
}

static void a_shut_down_queue_takes_posted_closes(void)
{
    open_pair();
    EQUAL(mio_queue_shutdown(q), 0);
    for (int i = 0; i < 2; i++) {
        mio_op_close(&op, &pair[i]);
        EQUAL(posted(&op), 0);
    }
    end_queue(q);
}

static void a_shutdown_takes_what_was_posted_before_it(void)
{
    open_pair();
    mio_op_receive(&op, &pair[0], bytes, 1);
    EQUAL(mio_queue_post(q, &op), 0);
    mio_op_timer(&other, mio_now() + 60000 * MS);
    EQUAL(mio_queue_post(q, &other), 0);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_queue_close(q), MIO_EBUSY);
    wait_all(q, done, 2);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(other.result, MIO_ECANCELED);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    end_pair();
}

static void refused_by_one_queue_an_operation_is_taken_by_another(void)
{
    q = open_queue();
    mio_queue *second = open_queue();
    EQUAL(mio_queue_shutdown(q), 0);
    mio_op_nop(&op);
    EQUAL(mio_queue_post(q, &op), MIO_ESHUTDOWN);
    EQUAL(mio_queue_post(second, &op), 0);
    EQUAL(result_of(second, &op), 0);
    end_queue(second);
    end_queue(q);
}

/* --- waking ----------------------------------------------------------------------------------------- */

/* [T1] */
static void a_wake_up_before_the_wait_is_seen_once(void)
{
    q = open_queue();
    EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    quiet(q, 0);
    EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, done, MANY, 0), MIO_WOKEN);
    quiet(q, MS);
    end_queue(q);
}

static void wakes_later(void *unused)
{
    (void)unused;
    nap(10 * MS);
    EQUAL(mio_queue_wake(q), 0);
}

/* [T2, T9] Again and again, as nobody reads a byte or a count in between */
static void a_wake_up_during_the_wait_ends_it(void)
{
    thread t;

    q = open_queue();
    for (int i = 0; i < 5; i++) {
        start(&t, wakes_later, NULL);
        EQUAL(mio_queue_wait(q, done, MANY, i % 2 ? -1 : 60000 * MS), MIO_WOKEN);
        join(&t);
        quiet(q, MS);
    }
    end_queue(q);
}

static void wake_ups_without_end_hold_nothing_up(void)
{
    mio_op none = { 0 }, *back;
    int waits = 0;

    q = open_queue();
    EQUAL(mio_nop(q, &none), 0);
    do {
        EQUAL(mio_queue_wake(q), 0);
        waits++;
    } while (mio_queue_wait(q, &back, 1, -1) == MIO_WOKEN && waits < 100);
    CHECK(waits < 4);
    end_queue(q);
}

static void many_wake_ups_are_one(void)
{
    q = open_queue();
    for (int i = 0; i < MANY; i++) EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    quiet(q, MS);
    end_queue(q);
}

/* In which order the two come is the queue's affair */
static void a_wake_up_loses_no_completion_and_no_completion_a_wake_up(void)
{
    int woken = 0, came = 0;

    q = open_queue();
    for (int i = 0; i < 10; i++) EQUAL(mio_nop(q, &ops[i]), 0);
    EQUAL(mio_queue_wake(q), 0);
    mio_op_nop(&ops[10]);
    EQUAL(mio_queue_post(q, &ops[10]), 0);
    for (int i = 0; i < 12; i++) {
        int n = mio_queue_wait(q, done, 1, -1);
        CHECK(n == 1 || n == MIO_WOKEN);
        if (n == 1) CHECK(done[0] == &ops[came++]);
        else woken++;
    }
    EQUAL(woken, 1);
    EQUAL(came, 11);
    quiet(q, 0);
    end_queue(q);
}

static void a_wake_up_of_a_queue_that_is_shut_down_and_empty_is_seen(void)
{
    q = open_queue();
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    EQUAL(mio_queue_wake(q), 0);                /* and a queue with a wake-up inside is closed */
    EQUAL(mio_queue_close(q), 0);
}

static atomic_bool enough;

static void wakes_and_wakes(void *unused)
{
    (void)unused;
    for (int i = 0; !enough; i++) {
        EQUAL(mio_queue_wake(q), 0);
        if (i % 64 == 0) nap(1);                /* on many processors the owner would do nothing else */
    }
}

/* [T8] */
static void wake_ups_that_race_with_a_shutdown_do_no_harm(void)
{
    thread wakers[4];

    for (int round = 0; round < 10; round++) {
        int n = 0;
        enough = false;
        q = open_queue();
        EQUAL(mio_timer(q, &op, mio_now() + 60000 * MS), 0);
        for (int i = 0; i < COUNT(wakers); i++) start(&wakers[i], wakes_and_wakes, NULL);
        EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
        EQUAL(mio_queue_shutdown(q), 0);
        while ((n = mio_queue_wait(q, done, MANY, -1)) == MIO_WOKEN) continue;
        EQUAL(n, 1);
        EQUAL(op.result, MIO_ECANCELED);
        enough = true;
        for (int i = 0; i < COUNT(wakers); i++) join(&wakers[i]);
        end_queue(q);
    }
}

enum { CALLS = 4000 };
static atomic_int answered;

static void spin(int turns)
{
    for (volatile int left = turns; left > 0; left--) continue;
}

/* When the last call was answered, and a little later each time: while the owner falls asleep */
static void calls_one_who_falls_asleep(void *unused)
{
    (void)unused;
    mio_op_nop(&op);
    for (int i = 0; i < scaled(CALLS); i++) {
        for (int spins = 0; answered < i; spins++) if (spins > 1000) nap(1);
        spin(i % 101);
        EQUAL(i % 2 ? mio_queue_wake(q) : mio_queue_post(q, &op), 0);
    }
}

/* [T2, T5] */
static void who_falls_asleep_hears_each_call(void)
{
    thread t;

    q = open_queue();
    for (start(&t, calls_one_who_falls_asleep, NULL); answered < scaled(CALLS); ) {
        EQUAL(mio_queue_wait(q, done, MANY, -1), answered % 2 ? MIO_WOKEN : 1);
        spin(answered++ % 103);
    }
    join(&t);
    quiet(q, MS);
    end_queue(q);
}

/* --- two queues, each with its thread --------------------------------------------------------------- */

/* The other queue: its thread says which it is by posting `hello`, and ends when `stop` comes */
static struct {
    thread thread;
    mio_queue *queue;
    mio_op hello, stop;
    void (*serve)(mio_op *);
} second;

static void serve_second(void)
{
    for (;;) {
        mio_op *came = NULL;
        EQUAL(mio_queue_wait(second.queue, &came, 1, -1), 1);
        if (came == &second.stop) return;
        second.serve(came);
    }
}

static void run_second(void *unused)
{
    mio_op *none;
    int closed;

    (void)unused;
    second.queue = open_queue();
    mio_op_nop(&second.hello);
    EQUAL(mio_queue_post(q, &second.hello), 0);
    serve_second();
    EQUAL(mio_queue_shutdown(second.queue), 0);
    EQUAL(mio_queue_wait(second.queue, &none, 1, -1), MIO_ESHUTDOWN);
    /* Who posted `stop` may not have returned yet */
    while ((closed = mio_queue_close(second.queue)) == MIO_EBUSY) nap(MS);
    EQUAL(closed, 0);
}

static void start_second(void (*serve)(mio_op *))
{
    q = open_queue();
    second.serve = serve;
    start(&second.thread, run_second, NULL);
    EQUAL(result_of(q, &second.hello), 0);
}

static void end_second(void)
{
    mio_op_nop(&second.stop);
    EQUAL(mio_queue_post(second.queue, &second.stop), 0);
    join(&second.thread);
    end_queue(q);
}

static void return_it(mio_op *came) { EQUAL(mio_queue_post(q, came), 0); }

static void two_queues_play_ping_pong(void)
{
    start_second(return_it);
    mio_op_nop(&op);
    for (int i = 0; i < scaled(5000); i++) {
        EQUAL(mio_queue_post(second.queue, &op), 0);
        EQUAL(result_of(q, &op), 0);
    }
    end_second();
}

static void two_queues_play_with_many_balls(void)
{
    enum { BALLS = 50 };

    start_second(return_it);
    for (int i = 0; i < BALLS; i++) {
        mio_op_nop(&ops[i]);
        EQUAL(mio_queue_post(second.queue, &ops[i]), 0);
    }
    for (int left = scaled(20000), inside = BALLS; inside > 0; left--) {
        CHECK(mio_queue_wait(q, done, 1, -1) == 1);
        if (left > 0) EQUAL(mio_queue_post(second.queue, done[0]), 0);
        else inside--;
    }
    end_second();
}

/* What a connection does that was accepted in one queue and is served in another */
static void serve_connection(mio_op *came)
{
    int64_t got = came->result;

    if (came == &other) {               /* closed: tell the first queue */
        mio_op_nop(&last);
        EQUAL(mio_queue_post(q, &last), 0);
    } else if (got > 0)
        EQUAL(mio_receive(second.queue, came, &ours, bytes + got, sizeof bytes - (size_t)got), 0);
    else
        EQUAL(mio_socket_close(second.queue, &other, &ours), 0);
}

static void an_accepted_socket_is_served_by_another_queue(void)
{
    mio_socket listener;
    mio_address at;

    start_second(serve_connection);
    listening(&listener, &at);
    theirs = peer_connect(&at);
    EQUAL(mio_accept(q, &op, &listener, &ours), 0);
    EQUAL(result_of(q, &op), 0);
    mio_op_receive(&op, &ours, bytes, sizeof bytes);
    EQUAL(mio_queue_post(second.queue, &op), 0);
    peer_send(theirs, "hello", 5);
    peer_shut(theirs);
    CHECK(wait_one(q) == &last);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    peer_close(theirs);
    close_all(q, &listener, 1);
    end_second();
}

const struct test post_tests[] = {
    TEST(the_owner_may_post_to_itself),
    TEST(posts_before_a_wait_are_there_for_a_wait_of_0),
    TEST(a_post_wakes_one_who_sleeps_for_ever),
    TEST(a_receive_posted_to_one_who_sleeps_gets_what_is_there),
    TEST(sends_and_receives_are_posted),
    TEST(accepts_connects_timers_and_closes_are_posted),
    TEST(a_close_comes_after_what_was_posted_for_its_socket),
    TEST(submissions_and_posts_of_one_socket_may_be_mixed),
    TEST(what_is_inside_cannot_be_posted),
    TEST(posted_nonsense_comes_back_with_its_error),
    TEST(posted_with_another_queue_s_socket_comes_back_with_its_error),
    TEST(what_was_posted_can_be_cancelled_before_it_starts),
    TEST(posts_of_many_threads_all_come_in_the_order_of_each),
    TEST(posted_closes_do_not_change_the_order),
    TEST(a_burst_of_posts_is_no_wake_up),
    TEST(posts_that_race_with_a_shutdown_come_exactly_once_or_are_refused),
    TEST(a_shut_down_queue_refuses_posts),
    TEST(a_shut_down_queue_takes_posted_closes),
    TEST(a_shutdown_takes_what_was_posted_before_it),
    TEST(refused_by_one_queue_an_operation_is_taken_by_another),
    TEST(a_wake_up_before_the_wait_is_seen_once),
    TEST(a_wake_up_during_the_wait_ends_it),
    TEST(many_wake_ups_are_one),
    TEST(wake_ups_without_end_hold_nothing_up),
    TEST(a_wake_up_loses_no_completion_and_no_completion_a_wake_up),
    TEST(a_wake_up_of_a_queue_that_is_shut_down_and_empty_is_seen),
    TEST(wake_ups_that_race_with_a_shutdown_do_no_harm),
    TEST(who_falls_asleep_hears_each_call),
    TEST(two_queues_play_ping_pong),
    TEST(two_queues_play_with_many_balls),
    TEST(an_accepted_socket_is_served_by_another_queue),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: signals ------------------------------------------------------------------------- */

static volatile sig_atomic_t handled, errno_changed;

static void wake_in_handler(int number)
{
    int kept = errno;

    (void)number;
    errno = 1234;
    mio_queue_wake(q);
    if (errno != 1234) errno_changed = 1;
    errno = kept;
    handled++;
}

static void handle_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = wake_in_handler;
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

/* A child that sends this process a signal every 0.1 ms. Not a thread: qemu-i386 gives a thread that was interrupted
   the identity of the one begun last */
static pid_t begin_storm(void)
{
    pid_t target = getpid(), child = fork();

    CHECK(child >= 0);
    if (child > 0) return child;
    while (kill(target, SIGUSR1) == 0) nap(MS / 10);
    _exit(0);
}

static void end_storm(pid_t child)
{
    CHECK(kill(child, SIGKILL) == 0);
    while (waitpid(child, NULL, 0) != child) CHECK(errno == EINTR);
}

/* [T7] */
static void a_signal_handler_may_wake_and_keeps_errno(void)
{
    q = open_queue();
    handle_signals();
    raise(SIGUSR1);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    quiet(q, MS);
    EQUAL(errno_changed, 0);
    end_queue(q);
}

/* [T7] The handler runs in the owner's thread, wherever in the library that may be */
static void wake_ups_from_a_storm_of_signals_lose_nothing(void)
{
    int woken = 0, came = 0;

    q = open_queue();
    handle_signals();
    pid_t storm = begin_storm();
    mio_op_nop(&op);
    EQUAL(mio_queue_post(q, &op), 0);
    while (woken < 100) {
        int n = mio_queue_wait(q, done, MANY, -1);
        CHECK(n == 1 || n == MIO_WOKEN);
        if (n == MIO_WOKEN) woken++;
        else if (++came % 50 == 0) EQUAL(mio_timer(q, &op, mio_now() + MS), 0);         /* now it sleeps */
        else EQUAL(mio_queue_post(q, &op), 0);
    }
    end_storm(storm);
    CHECK(came > 0 && woken <= handled);
    EQUAL(errno_changed, 0);
    end_queue(q);
}

const struct test unix_post_tests[] = {
    TEST(a_signal_handler_may_wake_and_keeps_errno),
    TEST(wake_ups_from_a_storm_of_signals_lose_nothing),
    { NULL, NULL }
};
#endif
