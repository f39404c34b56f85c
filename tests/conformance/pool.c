/*
 * Pools: work that other threads carry out, and names that are looked up. SUITE_SCALE=10 makes a tenth of the work,
 * for sanitizers and emulators.
 */
#define _XOPEN_SOURCE 700
#include "suite.h"
#include <stdlib.h>
#include <stdatomic.h>
#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

enum { MANY = 64 };

static mio_queue *q;
static mio_pool  *pool;
static mio_op     ops[MANY], *done[MANY];
static mio_op    *const first = &ops[0], *const second = &ops[1], *const third = &ops[2];

static void open_both(int threads, int room)
{
    q = open_queue();
    EQUAL(mio_pool_open(&pool, threads, room), 0);
    CHECK(pool != NULL);
}

static void end_both(void)
{
    end_queue(q);
    EQUAL(mio_pool_close(pool), 0);
}

/* --- functions for the pool ------------------------------------------------------------------------- */

static _Thread_local bool in_the_test = false;
static atomic_int  calls, held, elsewhere;      /* called; waiting to be let go; not in the test's thread */
static atomic_bool let_go;

static void quick(mio_op *op)
{
    calls++;
    if (!in_the_test) elsewhere++;
    op->result = 42;
}

/* Stays in its thread until it is let go */
static void hold(mio_op *op)
{
    calls++;
    held++;
    while (!let_go) nap(MS / 10);
    held--;
    op->result = 7;
    op->done = 3;
    op->native = 5;
}

static void work(mio_op *op, void (*run)(mio_op *)) { EQUAL(mio_work(q, op, pool, run), 0); }

/* All threads of the pool are in hold */
static void hold_all(int threads)
{
    for (int i = 0; i < threads; i++) work(&ops[MANY - 1 - i], hold);
    for (int tries = 0; held < threads; tries++) {
        CHECK(tries < 20000);
        nap(MS / 10);
    }
}

static void release(int threads)
{
    let_go = true;
    wait_all(q, done, threads);
    for (int i = 0; i < threads; i++) EQUAL(done[i]->result, 7);
}

/* --- work ------------------------------------------------------------------------------------------- */

static void work_is_done_in_another_thread_and_comes_back_with_its_result(void)
{
    in_the_test = true;
    open_both(1, 1);
    work(first, quick);
    EQUAL(result_of(q, first), 42);
    EQUAL(calls, 1);
    EQUAL(elsewhere, 1);
    quiet(q, MS);
    end_both();
}

static void gives_nothing(mio_op *op) { (void)op; }

static void fails(mio_op *op)
{
    op->result = MIO_EACCES;
    op->native = 13;
    op->done = 11;
}

static void result_done_and_native_are_the_function_s(void)
{
    open_both(1, 1);
    work(first, fails);
    EQUAL(result_of(q, first), MIO_EACCES);
    EQUAL(first->native, 13);
    EQUAL((int64_t)first->done, 11);
    work(first, gives_nothing);
    EQUAL(result_of(q, first), 0);
    EQUAL(first->native, 0);
    EQUAL((int64_t)first->done, 0);
    end_both();
}

static void slow(mio_op *op)
{
    nap(20 * MS);
    op->result = 1;
}

static void a_result_wakes_one_who_sleeps_for_ever(void)
{
    open_both(1, 1);
    for (int i = 0; i < 5; i++) {
        work(first, slow);
        EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
        CHECK(done[0] == first);
    }
    end_both();
}

static void timers_go_on_while_a_work_runs(void)
{
    open_both(1, 1);
    hold_all(1);
    for (int i = 0; i < 5; i++) {
        EQUAL(mio_timer(q, first, mio_now() + MS), 0);
        EQUAL(result_of(q, first), 0);
    }
    release(1);
    end_both();
}

static void one_thread_works_in_the_order_of_submission(void)
{
    open_both(1, MANY);
    for (int i = 0; i < MANY; i++) work(&ops[i], quick);
    wait_all(q, done, MANY);
    for (int i = 0; i < MANY; i++) CHECK(done[i] == &ops[i]);
    end_both();
}

static void as_many_run_at_once_as_there_are_threads(void)
{
    open_both(3, 10);
    hold_all(3);
    work(first, quick);
    quiet(q, 5 * MS);
    EQUAL(calls, 3);
    let_go = true;
    wait_all(q, done, 4);
    end_both();
}

static void an_operation_works_again_as_it_is(void)
{
    open_both(2, 1);
    mio_op_work(first, pool, quick);
    for (int i = 1; i <= 100; i++) {
        EQUAL(mio_queue_submit(q, first), 0);
        EQUAL(result_of(q, first), 42);
        EQUAL(calls, i);
    }
    end_both();
}

static void adds_one(mio_op *op) { ++*(int *)op->user; }

static void user_is_the_function_s_to_read(void)
{
    int number = 1;

    open_both(1, 1);
    first->user = &number;
    for (int i = 0; i < 3; i++) {
        work(first, adds_one);
        result_of(q, first);
    }
    EQUAL(number, 4);
    end_both();
}

static void posts_the_second(mio_op *op)
{
    (void)op;
    mio_op_nop(second);
    EQUAL(mio_queue_post(q, second), 0);
}

static void a_work_may_post(void)
{
    open_both(1, 1);
    work(first, posts_the_second);
    wait_all(q, done, 2);
    CHECK(done[0] == second && done[1] == first);
    end_both();
}

#if defined(_WIN32)
static void tries_a_signal(mio_op *op) { op->result = 1; }
#else
static void tries_a_signal(mio_op *op)
{
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    op->result = sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGCHLD) == 1;
}
#endif

static void signals_are_blocked_in_the_pool_s_threads(void)
{
    open_both(1, 1);
    work(first, tries_a_signal);
    EQUAL(result_of(q, first), 1);
    end_both();
}

static void work_allocates_nothing(void)
{
    open_both(2, MANY);
    long before = allocations();
    if (before < 0) suite_skip("allocations are not counted here");
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < MANY; j++) work(&ops[j], quick);
        wait_all(q, done, MANY);
    }
    EQUAL(allocations(), before);
    end_both();
}

/* --- refusals --------------------------------------------------------------------------------------- */

static void nonsense_is_refused_at_once(void)
{
    mio_address found;
    mio_pool *none = NULL;

    open_both(1, 1);
    EQUAL(mio_work(q, first, NULL, quick), MIO_EINVAL);
    EQUAL(mio_work(q, first, pool, NULL), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, NULL, "::1", 1, &found, 1), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, pool, NULL, 1, &found, 1), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, pool, "::1", -1, &found, 1), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, pool, "::1", 65536, &found, 1), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, pool, "::1", 1, NULL, 1), MIO_EINVAL);
    EQUAL(mio_resolve(q, first, pool, "::1", 1, &found, 0), MIO_EINVAL);
    EQUAL(mio_pool_open(&none, 0, 1), MIO_EINVAL);
    EQUAL(mio_pool_open(&none, 257, 1), MIO_EINVAL);
    EQUAL(mio_pool_open(&none, 1, 0), MIO_EINVAL);
    CHECK(none == NULL);
    mio_op_work(first, pool, NULL);
    EQUAL(mio_queue_post(q, first), 0);
    EQUAL(result_of(q, first), MIO_EINVAL);
    EQUAL(calls, 0);
    end_both();
}

static void what_is_inside_is_refused(void)
{
    mio_address found;

    open_both(1, 2);
    hold_all(1);
    mio_op *running = &ops[MANY - 1];
    work(first, quick);
    EQUAL(mio_work(q, first, pool, fails), MIO_EBUSY);
    EQUAL(mio_work(q, running, pool, fails), MIO_EBUSY);
    EQUAL(mio_resolve(q, first, pool, "::1", 1, &found, 1), MIO_EBUSY);
    EQUAL(mio_queue_submit(q, running), MIO_EBUSY);
    EQUAL(mio_queue_post(q, running), MIO_EBUSY);
    let_go = true;
    wait_all(q, done, 2);
    EQUAL(running->result, 7);
    EQUAL(first->result, 42);
    end_both();
}

static void a_full_pool_says_so_and_has_room_again(void)
{
    open_both(1, 2);
    hold_all(1);
    work(first, quick);
    work(second, quick);
    EQUAL(result_of(q, second), MIO_EAGAIN);
    EQUAL(second->native, 0);
    EQUAL(mio_queue_cancel(q, first), 0);
    EQUAL(result_of(q, first), MIO_ECANCELED);
    work(second, quick);
    let_go = true;
    wait_all(q, done, 2);
    EQUAL(second->result, 42);
    end_both();
}

/* --- giving up -------------------------------------------------------------------------------------- */

static void cancelled_in_line_a_work_comes_back_at_once_and_is_not_done(void)
{
    open_both(1, 10);
    hold_all(1);
    for (int i = 0; i < 5; i++) work(&ops[i], quick);
    static const int order[] = { 2, 0, 4, 3, 1 };       /* in the middle, first, last */
    for (int i = 0; i < 5; i++) {
        EQUAL(mio_queue_cancel(q, &ops[order[i]]), 0);
        EQUAL(result_of(q, &ops[order[i]]), MIO_ECANCELED);
    }
    work(first, quick);
    let_go = true;
    wait_all(q, done, 2);
    EQUAL(first->result, 42);
    EQUAL(calls, 2);
    end_both();
}

static void cancelled_while_it_runs_a_work_comes_back_when_it_is_done(void)
{
    open_both(1, 1);
    hold_all(1);
    mio_op *running = &ops[MANY - 1];
    EQUAL(mio_queue_cancel(q, running), 0);
    EQUAL(mio_queue_cancel(q, running), 0);
    quiet(q, 5 * MS);
    let_go = true;
    EQUAL(result_of(q, running), MIO_ECANCELED);
    EQUAL(running->native, 0);
    EQUAL((int64_t)running->done, 3);
    quiet(q, MS);
    work(running, quick);               /* nothing of it is left */
    EQUAL(result_of(q, running), 42);
    end_both();
}

/* The only thread begins the second when the first is on its way back */
static void a_result_that_is_there_survives_a_cancel(void)
{
    open_both(1, 2);
    work(first, quick);
    work(second, hold);
    while (held == 0) nap(MS / 10);
    EQUAL(mio_queue_cancel(q, first), 0);
    EQUAL(result_of(q, first), 42);
    let_go = true;
    EQUAL(result_of(q, second), 7);
    end_both();
}

static void too_late_in_line_a_work_comes_back_at_its_deadline(void)
{
    open_both(1, 2);
    hold_all(1);
    int64_t until = mio_now() + 5 * MS;
    mio_op_work(first, pool, quick);
    first->deadline = until;
    EQUAL(mio_queue_submit(q, first), 0);
    EQUAL(result_of(q, first), MIO_ETIMEDOUT);
    EQUAL(first->native, 0);
    CHECK(mio_now() >= until);
    release(1);
    EQUAL(calls, 1);
    end_both();
}

/* The queue sleeps and serves others meanwhile */
static void too_late_while_it_runs_a_work_comes_back_when_it_is_done(void)
{
    open_both(1, 2);
    mio_op_work(first, pool, hold);
    first->deadline = mio_now() + 2 * MS;
    EQUAL(mio_queue_submit(q, first), 0);
    while (held == 0) nap(MS / 10);
    EQUAL(mio_timer(q, second, mio_now() + 10 * MS), 0);
    EQUAL(result_of(q, second), 0);
    EQUAL(mio_queue_cancel(q, first), 0);               /* late it is all the same */
    quiet(q, 2 * MS);
    let_go = true;
    EQUAL(result_of(q, first), MIO_ETIMEDOUT);
    EQUAL(first->native, 0);
    EQUAL((int64_t)first->done, 3);
    end_both();
}

static void in_time_a_deadline_changes_nothing(void)
{
    open_both(1, 1);
    for (int i = 0; i < 20; i++) {
        mio_op_work(first, pool, quick);
        first->deadline = mio_now() + 60000 * MS;
        EQUAL(mio_queue_submit(q, first), 0);
        EQUAL(result_of(q, first), 42);
    }
    quiet(q, MS);
    end_both();
}

/* --- ending ----------------------------------------------------------------------------------------- */

static void a_shutdown_takes_out_what_waits_and_waits_for_what_runs(void)
{
    open_both(1, 10);
    hold_all(1);
    mio_op *running = &ops[MANY - 1];
    work(first, quick);
    mio_op_work(second, pool, quick);
    second->deadline = mio_now() + 60000 * MS;
    EQUAL(mio_queue_submit(q, second), 0);
    mio_op_work(third, pool, quick);
    EQUAL(mio_queue_post(q, third), 0);
    EQUAL(mio_queue_shutdown(q), 0);
    wait_all(q, done, 3);
    for (int i = 0; i < 3; i++) EQUAL(done[i]->result, MIO_ECANCELED);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_close(q), MIO_EBUSY);
    EQUAL(mio_work(q, first, pool, quick), MIO_ESHUTDOWN);
    let_go = true;
    EQUAL(result_of(q, running), MIO_ECANCELED);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    EQUAL(calls, 1);
    end_both();
}

static void a_shutdown_waits_for_what_runs_after_its_deadline(void)
{
    open_both(1, 1);
    mio_op_work(first, pool, hold);
    first->deadline = mio_now() + 60000 * MS;
    EQUAL(mio_queue_submit(q, first), 0);
    while (held == 0) nap(MS / 10);
    EQUAL(mio_queue_shutdown(q), 0);
    quiet(q, MS);
    let_go = true;
    EQUAL(result_of(q, first), MIO_ECANCELED);
    end_both();
}

static void a_pool_is_not_closed_while_something_is_inside(void)
{
    open_both(1, 2);
    hold_all(1);
    EQUAL(mio_pool_close(pool), MIO_EBUSY);
    work(first, quick);
    EQUAL(mio_pool_close(pool), MIO_EBUSY);
    let_go = true;
    wait_all(q, done, 2);
    EQUAL(mio_pool_close(pool), 0);     /* what is back is not inside, also at once */
    end_queue(q);
}

static void pools_open_and_close(void)
{
    q = open_queue();
    for (int i = 0; i < scaled(200); i++) {
        EQUAL(mio_pool_open(&pool, 1 + i % 4, 4), 0);
        for (int j = 0; j < i % 4; j++) work(&ops[j], quick);
        wait_all(q, done, i % 4);
        EQUAL(mio_pool_close(pool), 0);
    }
    end_queue(q);
}

/* --- several queues, several threads ---------------------------------------------------------------- */

static void two_queues_share_a_pool_and_each_gets_its_own(void)
{
    open_both(2, 4);
    mio_queue *other = open_queue();
    for (int i = 0; i < 20; i++) {
        work(first, quick);
        EQUAL(mio_work(other, second, pool, quick), 0);
        EQUAL(result_of(other, second), 42);
        EQUAL(result_of(q, first), 42);
        quiet(other, 0);
        quiet(q, 0);
    }
    end_queue(other);
    end_both();
}

static void the_end_of_one_queue_leaves_the_other_s_work_alone(void)
{
    open_both(1, 4);
    mio_queue *other = open_queue();
    hold_all(1);
    work(first, quick);
    EQUAL(mio_work(other, second, pool, quick), 0);
    end_queue(other);
    EQUAL(second->result, MIO_ECANCELED);
    let_go = true;
    wait_all(q, done, 2);
    EQUAL(first->result, 42);
    EQUAL(calls, 2);
    end_both();
}

static void works_on_a_queue_of_its_own(void *argument)
{
    mio_op op = { 0 };
    mio_queue *own = open_queue();

    (void)argument;
    for (int i = 0; i < scaled(2000); i++) {
        EQUAL(mio_work(own, &op, pool, quick), 0);
        EQUAL(result_of(own, &op), 42);
    }
    end_queue(own);
}

static void threads_with_queues_of_their_own_share_a_pool(void)
{
    thread threads[3];

    open_both(2, COUNT(threads));
    for (int i = 0; i < COUNT(threads); i++) start(&threads[i], works_on_a_queue_of_its_own, NULL);
    for (int i = 0; i < COUNT(threads); i++) join(&threads[i]);
    EQUAL(calls, COUNT(threads) * scaled(2000));
    end_both();
}

enum { POSTERS = 4, EACH = 500 };

static struct poster {
    thread thread;
    mio_op ops[EACH];
    int    back[EACH];
} posters[POSTERS];

static void posts_works(void *argument)
{
    struct poster *p = argument;

    for (int i = 0; i < scaled(EACH); i++) {
        p->ops[i].user = &p->back[i];
        mio_op_work(&p->ops[i], pool, quick);
        EQUAL(mio_queue_post(q, &p->ops[i]), 0);
    }
}

static void works_of_many_threads_come_exactly_once(void)
{
    open_both(3, POSTERS * EACH);
    for (int i = 0; i < POSTERS; i++) start(&posters[i].thread, posts_works, &posters[i]);
    for (int left = POSTERS * scaled(EACH); left > 0; ) {
        int n = mio_queue_wait(q, done, MANY, -1);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) {
            EQUAL(done[i]->result, 42);
            EQUAL(++*(int *)done[i]->user, 1);
        }
        left -= n;
    }
    for (int i = 0; i < POSTERS; i++) join(&posters[i].thread);
    EQUAL(calls, POSTERS * scaled(EACH));
    quiet(q, MS);
    end_both();
}

/* --- everything at once ----------------------------------------------------------------------------- */

enum { FLYING = 48, TURNS = 4000, ROOM = 40 };

static void spins(mio_op *op)
{
    int turns = *(int *)op->user;

    calls++;
    for (volatile int left = turns; left > 0; left--) continue;
    op->result = 42;
    op->done = 1;
}

static bool is_inside[FLYING];
static int  turns[FLYING], worked;

static void send_one(int i)
{
    turns[i] = (int)random_below(3000);
    ops[i].user = &turns[i];
    mio_op_work(&ops[i], pool, spins);
    if (random_below(2) == 0) ops[i].deadline = mio_now() + (int64_t)random_below(200) * MS / 1000;
    EQUAL(random_below(4) == 0 ? mio_queue_post(q, &ops[i]) : mio_queue_submit(q, &ops[i]), 0);
    is_inside[i] = true;
}

static void take_back(mio_op *op)
{
    int i = (int)(op - ops);

    CHECK(is_inside[i]);                /* once */
    is_inside[i] = false;
    CHECK(op->result == 42 || op->result == MIO_ECANCELED || op->result == MIO_ETIMEDOUT || op->result == MIO_EAGAIN);
    CHECK(op->result != 42 || op->done == 1);
    worked += op->result == 42;
}

/* Submitted, posted, too late, cancelled here and there, refused for want of room: each comes back once */
static void everything_at_once_comes_exactly_once(void)
{
    int sent = 0, came = 0;

    open_both(3, ROOM);
    random_from(4711);
    while (sent < scaled(TURNS) || worked < scaled(TURNS) / 10) {
        for (int i = 0; i < FLYING; i++)
            if (!is_inside[i] && random_below(2) == 0) send_one(i), sent++;
        for (int i = 0; i < FLYING; i++)
            if (is_inside[i] && random_below(8) == 0) EQUAL(mio_queue_cancel(q, &ops[i]), 0);
        int n = mio_queue_wait(q, done, MANY, random_below(2) == 0 ? 0 : MS / 10);
        CHECK(n >= 0);
        for (int i = 0; i < n; i++) take_back(done[i]);
        came += n;
    }
    EQUAL(mio_queue_shutdown(q), 0);
    for (int n; (n = mio_queue_wait(q, done, MANY, -1)) != MIO_ESHUTDOWN; came += n)
        for (int i = 0; i < n; i++) take_back(done[i]);
    EQUAL(came, sent);
    end_both();
}

/* A shutdown at any moment, and at once the close of queue and pool */
static void a_shutdown_races_with_the_threads(void)
{
    for (int round = 0; round < scaled(200); round++) {
        int came = 0, n;
        open_both(2, MANY);
        for (int i = 0; i < 10; i++) work(&ops[i], quick);
        nap(round % 50 * MS / 1000);
        EQUAL(mio_queue_shutdown(q), 0);
        while ((n = mio_queue_wait(q, done, MANY, -1)) > 0) came += n;
        EQUAL(n, MIO_ESHUTDOWN);
        EQUAL(came, 10);
        EQUAL(mio_queue_close(q), 0);
        EQUAL(mio_pool_close(pool), 0);
    }
}

/* --- names ------------------------------------------------------------------------------------------ */

static mio_address found[8];

/* Where a name server is asked that does not answer: one question, one second */
static void ask_once(void)
{
#if !defined(_WIN32)
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
#endif
}

static int64_t resolved(const char *host, int port, size_t room)
{
    EQUAL(mio_resolve(q, first, pool, host, port, found, room), 0);
    return result_of(q, first);
}

static void expect(const char *host, int port, int family, const char *printed)
{
    char text[80];

    EQUAL(resolved(host, port, COUNT(found)), 1);
    EQUAL((int64_t)first->done, 1);
    EQUAL(mio_address_family(&found[0]), family);
    EQUAL(mio_address_port(&found[0]), port);
    CHECK(mio_address_print(&found[0], text, sizeof text) >= 0);
    CHECK(strcmp(text, printed) == 0);
}

static void numeric_hosts_are_found_without_a_network(void)
{
    open_both(1, 1);
    expect("127.0.0.1", 80, MIO_IPV4, "127.0.0.1:80");
    expect("192.0.2.1", 0, MIO_IPV4, "192.0.2.1:0");
    expect("::1", 65535, MIO_IPV6, "[::1]:65535");
    expect("2001:db8::7", 443, MIO_IPV6, "[2001:db8::7]:443");
    end_both();
}

static void what_is_found_can_be_connected_to(void)
{
    mio_socket listener, ours;
    mio_address at;

    open_both(1, 1);
    listening(&listener, &at);
    EQUAL(resolved("127.0.0.1", mio_address_port(&at), 1), 1);
    EQUAL(mio_socket_open(&ours, mio_address_family(&found[0]), MIO_STREAM), 0);
    EQUAL(mio_connect(q, second, &ours, &found[0]), 0);
    EQUAL(result_of(q, second), 0);
    close_all(q, &ours, 1);
    close_all(q, &listener, 1);
    end_both();
}

static void localhost_is_found(void)
{
    open_both(1, 1);
    ask_once();
    int64_t n = resolved("localhost", 7, COUNT(found));
    CHECK(n >= 1 && n <= COUNT(found));
    for (int i = 0; i < n; i++) {
        int family = mio_address_family(&found[i]);
        CHECK(family == MIO_IPV4 || family == MIO_IPV6);
        EQUAL(mio_address_port(&found[i]), 7);
    }
    end_both();
}

static void no_more_is_found_than_there_is_room_for(void)
{
    open_both(1, 1);
    ask_once();
    memset(found, 7, sizeof found);
    EQUAL(resolved("localhost", 7, 1), 1);
    CHECK(found[1].length == 0x07070707);
    end_both();
}

static void a_name_that_does_not_exist_is_not_found(void)
{
    open_both(1, 1);
    ask_once();
    EQUAL(mio_resolve(q, first, pool, "nobody.invalid", 80, found, COUNT(found)), 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
    /* Without a name server nobody knows */
    CHECK(first->result == MIO_ENOTFOUND || first->result == MIO_EAGAIN);
    CHECK(first->native != 0);
    EQUAL((int64_t)first->done, 0);
    end_both();
}

/* More room than one operation can count: what it finds has room all the same */
static void room_for_more_addresses_than_are_counted_is_room_enough(void)
{
    static mio_address many[65537];

    open_both(1, 1);
    EQUAL(mio_resolve(q, first, pool, "127.0.0.1", 65535, many, COUNT(many)), 0);
    EQUAL(result_of(q, first), 1);
    EQUAL(mio_address_port(&many[0]), 65535);
    end_both();
}

static void a_resolve_is_looked_up_again_as_it_is(void)
{
    open_both(1, 1);
    expect("127.0.0.1", 80, MIO_IPV4, "127.0.0.1:80");
    memset(found, 0, sizeof found);
    EQUAL(mio_queue_submit(q, first), 0);
    EQUAL(result_of(q, first), 1);
    EQUAL(mio_address_port(&found[0]), 80);
    end_both();
}

static void cancelled_in_line_a_resolve_finds_nothing(void)
{
    open_both(1, 2);
    hold_all(1);
    memset(found, 0, sizeof found);
    EQUAL(mio_resolve(q, first, pool, "127.0.0.1", 80, found, 1), 0);
    EQUAL(mio_queue_cancel(q, first), 0);
    EQUAL(result_of(q, first), MIO_ECANCELED);
    release(1);
    EQUAL(found[0].length, 0);
    end_both();
}

const struct test pool_tests[] = {
    TEST(work_is_done_in_another_thread_and_comes_back_with_its_result),
    TEST(result_done_and_native_are_the_function_s),
    TEST(a_result_wakes_one_who_sleeps_for_ever),
    TEST(timers_go_on_while_a_work_runs),
    TEST(one_thread_works_in_the_order_of_submission),
    TEST(as_many_run_at_once_as_there_are_threads),
    TEST(an_operation_works_again_as_it_is),
    TEST(user_is_the_function_s_to_read),
    TEST(a_work_may_post),
    TEST(signals_are_blocked_in_the_pool_s_threads),
    TEST(work_allocates_nothing),
    TEST(nonsense_is_refused_at_once),
    TEST(what_is_inside_is_refused),
    TEST(a_full_pool_says_so_and_has_room_again),
    TEST(cancelled_in_line_a_work_comes_back_at_once_and_is_not_done),
    TEST(cancelled_while_it_runs_a_work_comes_back_when_it_is_done),
    TEST(a_result_that_is_there_survives_a_cancel),
    TEST(too_late_in_line_a_work_comes_back_at_its_deadline),
    TEST(too_late_while_it_runs_a_work_comes_back_when_it_is_done),
    TEST(in_time_a_deadline_changes_nothing),
    TEST(a_shutdown_takes_out_what_waits_and_waits_for_what_runs),
    TEST(a_shutdown_waits_for_what_runs_after_its_deadline),
    TEST(a_pool_is_not_closed_while_something_is_inside),
    TEST(pools_open_and_close),
    TEST(two_queues_share_a_pool_and_each_gets_its_own),
    TEST(the_end_of_one_queue_leaves_the_other_s_work_alone),
    TEST(threads_with_queues_of_their_own_share_a_pool),
    TEST(works_of_many_threads_come_exactly_once),
    TEST(everything_at_once_comes_exactly_once),
    TEST(a_shutdown_races_with_the_threads),
    TEST(numeric_hosts_are_found_without_a_network),
    TEST(what_is_found_can_be_connected_to),
    TEST(localhost_is_found),
    TEST(no_more_is_found_than_there_is_room_for),
    TEST(a_name_that_does_not_exist_is_not_found),
    TEST(room_for_more_addresses_than_are_counted_is_room_enough),
    TEST(a_resolve_is_looked_up_again_as_it_is),
    TEST(cancelled_in_line_a_resolve_finds_nothing),
    { NULL, NULL }
};
