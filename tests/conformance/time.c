/*
 * Time: waits and timers, deadlines of all operations. Numbers in brackets are rows of the project's list of
 * bugs that shipped elsewhere. That something is early can be told; how late it is depends on the machine.
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

/* --- what most tests use: each runs in a process of its own, where these are fresh ------------------ */

enum { MANY = 1000, BOUND = 1024, LARGE = 16 * 1024 * 1024 };

static mio_queue *q;
static mio_op op, other, ops[MANY], *done[MANY];
static mio_socket ours;
static peer theirs;
static char bytes[MANY], large[LARGE];

static void open_peered(void)
{
    q = open_queue();
    peered(q, &ours, &theirs);
}

static void end_peered(void)
{
    peer_close(theirs);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void receive_until(mio_op *receive, int64_t deadline)
{
    mio_op_receive(receive, &ours, bytes, sizeof bytes);
    receive->deadline = deadline;
    EQUAL(mio_queue_submit(q, receive), 0);
}

/* --- never early ------------------------------------------------------------------------------------ */

static const struct { int64_t ns; int times; } durations[] = {
    { 1000, 200 }, { 300000, 50 }, { MS, 20 }, { 3100000, 10 }, { 10 * MS, 4 }, { 50 * MS, 1 }
};

/* [W3] */
static void a_wait_is_never_early(void)
{
    q = open_queue();
    for (int i = 0; i < COUNT(durations); i++)
        for (int k = 0; k < durations[i].times; k++) {
            int64_t began = now();
            quiet(q, durations[i].ns);
            CHECK(now() - began >= durations[i].ns);
        }
    end_queue(q);
}

/* [W3] */
static void a_timer_is_never_early(void)
{
    q = open_queue();
    for (int i = 0; i < COUNT(durations); i++)
        for (int k = 0; k < durations[i].times; k++) {
            int64_t began = now(), deadline = mio_now() + durations[i].ns;
            EQUAL(mio_timer(q, &op, deadline), 0);
            EQUAL(result_of(q, &op), 0);
            CHECK(mio_now() >= deadline);
            CHECK(now() - began >= durations[i].ns);
        }
    end_queue(q);
}

static void a_deadline_of_a_receive_is_never_early(void)
{
    open_peered();
    for (int k = 0; k < 20; k++) {
        int64_t began = now();
        receive_until(&op, mio_now() + 1300000);
        EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
        CHECK(now() - began >= 1300000);
    }
    end_peered();
}

static void the_clock_never_goes_back_and_goes_on(void)
{
    int64_t last = mio_now(), began = last;

    CHECK(last > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t next = mio_now();
        CHECK(next >= last);
        last = next;
    }
    nap(2 * MS);
    CHECK(mio_now() - began >= 2 * MS);
}

/* --- near and far ----------------------------------------------------------------------------------- */

static void wakes_later(void *queue)
{
    nap(10 * MS);
    mio_queue_wake(queue);
}

static void ends_only_when_woken(int64_t timeout)
{
    thread t;

    start(&t, wakes_later, q);
    EQUAL(mio_queue_wait(q, done, MANY, timeout), MIO_WOKEN);
    join(&t);
}

static void a_huge_wait_does_not_end_before_its_time(void)
{
    q = open_queue();
    ends_only_when_woken(INT64_MAX);
    ends_only_when_woken(INT64_MAX - 1);
    ends_only_when_woken(INT64_MAX - mio_now());
    ends_only_when_woken(INT64_MAX / 2);
    ends_only_when_woken(INT64_C(5000000000) * MS);         /* more milliseconds than an int has */
    ends_only_when_woken(INT64_C(2147483648) * MS);
    ends_only_when_woken(INT64_C(4294967296) * MS);
    end_queue(q);
}

static void huge_deadlines_do_not_fire(void)
{
    static const int64_t huge[] = { INT64_MAX, INT64_MAX - 1, INT64_MAX / 2 };

    open_peered();
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_timer(q, &ops[i], huge[i]), 0);
        receive_until(&ops[3 + i], huge[i]);
    }
    quiet(q, 5 * MS);
    quiet(q, 0);
    ends_only_when_woken(-1);
    ends_only_when_woken(INT64_MIN);
    ends_only_when_woken(INT64_MAX);
    for (int i = 0; i < 6; i++) {
        EQUAL(mio_queue_cancel(q, &ops[i]), 0);
        EQUAL(result_of(q, &ops[i]), MIO_ECANCELED);
    }
    end_peered();
}

static void deadlines_in_the_past_fire_at_once(void)
{
    const int64_t past[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, mio_now() - 1, mio_now() };

    q = open_queue();
    for (int i = 0; i < COUNT(past); i++) {
        EQUAL(mio_timer(q, &op, past[i]), 0);
        EQUAL(mio_queue_wait(q, done, MANY, 0), 1);
        CHECK(done[0] == &op);
        EQUAL(op.result, 0);
    }
    quiet(q, 0);
    end_queue(q);
}

static void a_deadline_before_the_wait_s_end_ends_it(void)
{
    q = open_queue();
    EQUAL(mio_timer(q, &op, mio_now() + 5 * MS), 0);
    EQUAL(mio_queue_wait(q, done, MANY, 60000 * MS), 1);
    CHECK(done[0] == &op);
    EQUAL(mio_timer(q, &op, mio_now() + 60000 * MS), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    end_queue(q);
}

/* --- order ------------------------------------------------------------------------------------------ */

static void come_in_order_of_submission(int64_t deadline)
{
    for (int i = 0; i < MANY; i++) EQUAL(mio_timer(q, &ops[i], deadline), 0);
    int64_t left = deadline - mio_now();
    if (left > 0) nap(left);
    for (int i = 0; i < MANY; ) {
        int n = mio_queue_wait(q, done, 7, -1);
        CHECK(n > 0);
        for (int k = 0; k < n; k++) CHECK(done[k] == &ops[i + k]);
        i += n;
    }
    quiet(q, 0);
}

/* One after the other is submitted at the same deadline, which is ahead, or has been */
static void equal_deadlines_come_in_the_order_of_submission(void)
{
    q = open_queue();
    come_in_order_of_submission(mio_now() + 20 * MS);
    come_in_order_of_submission(1);
    end_queue(q);
}

static void timers_come_in_the_order_of_their_deadlines(void)
{
    q = open_queue();
    int64_t first = mio_now() + 100 * MS;
    for (int i = 0; i < MANY; i++) EQUAL(mio_timer(q, &ops[i], first + random_below(50) * MS / 10), 0);
    quiet(q, 0);
    nap(first + 10 * MS - mio_now());
    wait_all(q, done, MANY);
    for (int i = 1; i < MANY; i++) {
        CHECK(done[i - 1]->deadline <= done[i]->deadline);
        CHECK(done[i - 1]->deadline < done[i]->deadline || done[i - 1] < done[i]);
    }
    end_queue(q);
}

enum { TIMERS = 10000 };

static struct random_timer { mio_op op; bool inside, cancelled; } timers[TIMERS];

static int collect_timers(int64_t timeout)
{
    int n = mio_queue_wait(q, done, 64, timeout);

    for (int i = 0; i < n; i++) {
        struct random_timer *t = done[i]->user;
        CHECK(t->inside && &t->op == done[i]);
        CHECK(done[i]->result == (t->cancelled ? MIO_ECANCELED : 0)
            || (t->cancelled && done[i]->result == 0));         /* it was finished before */
        CHECK(done[i]->result != 0 || mio_now() >= t->op.deadline);
        t->inside = t->cancelled = false;
    }
    return n;
}

static int insert_or_cancel(struct random_timer *t)
{
    if (t->inside) {
        EQUAL(mio_queue_cancel(q, &t->op), 0);
        t->cancelled = true;
        return 0;
    }
    t->op.user = t;
    EQUAL(mio_timer(q, &t->op, mio_now() + (int64_t)random_below(30 * MS) - MS), 0);
    t->inside = true;
    return 1;
}

static void timers_inserted_and_cancelled_at_random_come_exactly_once(void)
{
    int inside = 0;

    q = open_queue();
    for (int step = 0; step < 5 * TIMERS; step++) {
        inside += insert_or_cancel(&timers[random_below(TIMERS)]);
        if (random_below(50) == 0) inside -= collect_timers(0);
    }
    while (inside > 0) {
        int n = collect_timers(1000 * MS);
        CHECK(n > 0);
        inside -= n;
    }
    for (int i = 0; i < TIMERS; i++) CHECK(!timers[i].inside);
    quiet(q, 30 * MS);
    end_queue(q);
}

/* --- deadlines of operations ------------------------------------------------------------------------ */

static void a_receive_that_is_late_says_so_once_and_loses_nothing(void)
{
    open_peered();
    receive_until(&op, mio_now() + 5 * MS);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    EQUAL((int64_t)op.done, 0);
    quiet(q, 10 * MS);
    peer_send(theirs, "abc", 3);
    receive_until(&op, 0);                      /* not guaranteed on Windows */
    EQUAL(result_of(q, &op), 3);
    CHECK(memcmp(bytes, "abc", 3) == 0);
    end_peered();
}

static void sends_byte_by_byte(void *unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++) {
        char next = (char)i;
        peer_send(theirs, &next, 1);
        nap(MS);
    }
}

/* Bytes arrive about when the deadlines are: each receive is late or has them */
static void bytes_that_race_with_deadlines_are_not_lost(void)
{
    int received = 0;
    thread t;

    open_peered();
    start(&t, sends_byte_by_byte, NULL);
    while (received < 50) {
        receive_until(&op, mio_now() + MS + random_below(200000));
        int64_t result = result_of(q, &op);
        CHECK(result == MIO_ETIMEDOUT || result > 0);
        for (int i = 0; i < result; i++) EQUAL(bytes[i], received++);
    }
    join(&t);
    end_peered();
}

static void an_accept_that_is_late_says_so_once(void)
{
    mio_socket listener;
    mio_address at;

    q = open_queue();
    listening(&listener, &at);
    mio_op_accept(&op, &listener, &ours);
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    quiet(q, 10 * MS);
    theirs = peer_connect(&at);
    EQUAL(mio_accept(q, &op, &listener, &ours), 0);
    EQUAL(result_of(q, &op), 0);
    close_all(q, &listener, 1);
    end_peered();
}

static void a_send_that_is_late_says_so_once(void)
{
    open_peered();
    fill(q, &ours);
    mio_op_send(&op, &ours, bytes, sizeof bytes);
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    quiet(q, 10 * MS);
    end_peered();
}

/* [P13] */
static void a_send_all_that_is_late_says_how_far_it_got(void)
{
    open_peered();
    mio_op_send_all(&op, &ours, large, LARGE);
    op.deadline = mio_now() + 50 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    CHECK(op.done > 0 && op.done < LARGE);
    close_all(q, &ours, 1);
    EQUAL((int64_t)peer_receive(theirs, large, LARGE), (int64_t)op.done);
    peer_close(theirs);
    end_queue(q);
}

/* The listener's list is short: it has no answer for all of them */
static void a_connect_that_is_late_says_so_once(void)
{
    enum { CLIENTS = 12 };
    static mio_socket listener, clients[CLIENTS];
    mio_address at;
    int late = 0;

    q = open_queue();
    EQUAL(mio_address_parse(&at, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(&listener, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_socket_bind(&listener, &at), 0);
    EQUAL(mio_socket_listen(&listener, 1), 0);
    EQUAL(mio_socket_local(&listener, &at), 0);
    for (int i = 0; i < CLIENTS; i++) {
        EQUAL(mio_socket_open(&clients[i], MIO_IPV4, MIO_STREAM), 0);
        mio_op_connect(&ops[i], &clients[i], &at);
        ops[i].deadline = mio_now() + 30 * MS;
        EQUAL(mio_queue_submit(q, &ops[i]), 0);
    }
    wait_all(q, done, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(ops[i].result == 0 || ops[i].result == MIO_ETIMEDOUT);
        late += ops[i].result != 0;
    }
    CHECK(late > 0 && late < CLIENTS);
    quiet(q, 10 * MS);
    close_all(q, clients, CLIENTS);
    close_all(q, &listener, 1);
    end_queue(q);
}

static void a_ready_and_a_shut_that_are_late_say_so(void)
{
    open_peered();
    fill(q, &ours);
    mio_op_ready(&op, &ours, MIO_READABLE);
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    EQUAL(mio_send(q, &ops[0], &ours, bytes, 1), 0);
    mio_op_shut(&op, &ours, MIO_SHUT_SEND);     /* waits behind the send */
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    EQUAL(mio_queue_cancel(q, &ops[0]), 0);
    EQUAL(result_of(q, &ops[0]), MIO_ECANCELED);
    end_peered();
}

static void a_late_receive_leaves_its_place_to_those_behind_it(void)
{
    char first, late, last;

    open_peered();
    EQUAL(mio_receive(q, &ops[0], &ours, &first, 1), 0);
    mio_op_receive(&ops[1], &ours, &late, 1);
    ops[1].deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &ops[1]), 0);
    EQUAL(mio_receive(q, &ops[2], &ours, &last, 1), 0);
    EQUAL(result_of(q, &ops[1]), MIO_ETIMEDOUT);
    peer_send(theirs, "ab", 2);
    EQUAL(result_of(q, &ops[0]), 1);
    EQUAL(result_of(q, &ops[2]), 1);
    CHECK(first == 'a' && last == 'b');
    end_peered();
}

static void data_that_is_there_is_delivered_whatever_the_deadline(void)
{
    static const int64_t past[] = { 1, -1, INT64_MIN };

    open_peered();
    for (int i = 0; i < COUNT(past); i++) {
        peer_send(theirs, "x", 1);
        nap(5 * MS);
        receive_until(&op, past[i]);
        EQUAL(result_of(q, &op), 1);
        receive_until(&op, past[i]);
        EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    }
    end_peered();
}

/* The deadline passes while the program is busy elsewhere; what it waited for came before */
static void what_came_in_time_is_not_late_because_nobody_looked(void)
{
    open_peered();
    receive_until(&op, mio_now() + 5 * MS);
    peer_send(theirs, "x", 1);
    nap(20 * MS);
    EQUAL(result_of(q, &op), 1);
    quiet(q, 0);
    end_peered();
}

static void what_needs_no_waiting_is_never_late(void)
{
    open_peered();
    mio_op_nop(&op);
    op.deadline = 1;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    mio_op_send(&op, &ours, "x", 1);
    op.deadline = 1;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), 1);
    mio_op_close(&op, &ours);                   /* has no deadline at all */
    op.deadline = 1;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    peer_close(theirs);
    end_queue(q);
}

/* [S10] The memory is ours from the completion on */
static void a_deadline_is_forgotten_when_its_operation_is_back(void)
{
    static mio_op overwritten;

    open_peered();
    int64_t soon = mio_now() + 200 * MS;
    receive_until(&op, soon);
    receive_until(&ops[0], soon);
    EQUAL(mio_timer(q, &ops[1], soon), 0);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    EQUAL(mio_queue_cancel(q, &ops[0]), 0);
    EQUAL(mio_queue_cancel(q, &ops[1]), 0);
    wait_all(q, done, 2);
    memset(&overwritten, 0xa5, sizeof overwritten);
    op = ops[0] = ops[1] = overwritten;
    quiet(q, soon - mio_now() + 20 * MS);
    CHECK(memcmp(&op, &overwritten, sizeof op) == 0);
    CHECK(memcmp(&ops[0], &overwritten, sizeof op) == 0 && memcmp(&ops[1], &overwritten, sizeof op) == 0);
    end_peered();
}

static void an_operation_used_again_has_its_new_deadline_only(void)
{
    open_peered();
    receive_until(&op, mio_now() + 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    receive_until(&op, mio_now() + 60000 * MS);
    quiet(q, 10 * MS);
    peer_send(theirs, "y", 1);
    EQUAL(result_of(q, &op), 1);
    receive_until(&op, 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    receive_until(&op, mio_now() + 5 * MS);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    end_peered();
}

static void a_cancelled_timer_comes_back_once_and_at_once(void)
{
    q = open_queue();
    int64_t soon = mio_now() + 200 * MS;        /* a busy machine takes 10 until the first wait */
    EQUAL(mio_timer(q, &op, soon), 0);
    EQUAL(mio_timer(q, &other, soon), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(mio_queue_wait(q, done, MANY, 0), 1);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(result_of(q, &other), 0);
    quiet(q, 10 * MS);
    end_queue(q);
}

/* [S10] */
static void closing_a_socket_ends_its_deadlines(void)
{
    open_peered();
    for (int i = 0; i < 10; i++) receive_until(&ops[i], mio_now() + 5 * MS);
    EQUAL(mio_socket_close(q, &op, &ours), 0);
    wait_all(q, done, 11);
    CHECK(done[10] == &op);
    for (int i = 0; i < 10; i++) EQUAL(ops[i].result, MIO_ECANCELED);
    memset(ops, 0x5a, sizeof ops);
    quiet(q, 10 * MS);
    peer_close(theirs);
    end_queue(q);
}

static void shutting_down_ends_timers_and_deadlines(void)
{
    open_peered();
    for (int i = 0; i < MANY; i += 2) {
        EQUAL(mio_timer(q, &ops[i], mio_now() + 60000 * MS + i % 7), 0);
        receive_until(&ops[i + 1], mio_now() + 60000 * MS + i % 5);
    }
    EQUAL(mio_queue_shutdown(q), 0);
    wait_all(q, done, MANY);
    for (int i = 0; i < MANY; i++) EQUAL(ops[i].result, MIO_ECANCELED);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    end_peered();
}

/* --- noise ------------------------------------------------------------------------------------------ */

/* Byte after byte, without end; how many completions came between the deadline and the timer */
static int echo_until(const mio_op *timer, mio_socket *pair)
{
    int after = 0;

    EQUAL(mio_send(q, &ops[0], &pair[0], "x", 1), 0);
    EQUAL(mio_receive(q, &ops[1], &pair[1], &bytes[0], 1), 0);
    for (;;) {
        int n = mio_queue_wait(q, done, 1, -1);
        EQUAL(n, 1);
        if (done[0] == timer) return after;
        after += mio_now() >= timer->deadline;
        EQUAL(done[0]->result, 1);
        EQUAL(mio_queue_submit(q, done[0]), 0);
    }
}

/* [P8] */
static void timers_expire_however_busy_the_sockets_are(void)
{
    mio_socket pair[2];

    q = open_queue();
    connected(q, &pair[0], &pair[1]);
    for (int i = 0; i < 5; i++) {
        EQUAL(mio_timer(q, &op, mio_now() + 2 * MS), 0);
        CHECK(echo_until(&op, pair) < BOUND);
        for (int k = 0; k < 2; k++) mio_queue_cancel(q, &ops[k]);
        wait_all(q, done, 2);
    }
    close_all(q, pair, 2);
    end_queue(q);
}

static atomic_bool read_enough;

static void reads_slowly(void *unused)
{
    (void)unused;
    while (!read_enough) {
        peer_receive(theirs, large, 65536);
        nap(MS);
    }
}

/* [W8] Each millisecond the kernel tells of room, and a part of the send is made: nothing to give back */
static void what_happens_inside_neither_shortens_nor_lengthens_a_wait(void)
{
    static char sent[LARGE];
    thread t;

    open_peered();
    EQUAL(mio_send_all(q, &op, &ours, sent, sizeof sent), 0);
    start(&t, reads_slowly, NULL);
    for (int i = 0; i < 3; i++) {
        int64_t began = now();
        quiet(q, 20 * MS);
        CHECK(now() - began >= 20 * MS);
    }
    read_enough = true;
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    CHECK(op.done > 0);
    close_all(q, &ours, 1);
    join(&t);
    peer_close(theirs);
    end_queue(q);
}

/* [P11] Who rounds 0.3 ms down to 0 asks again and again. On a busy machine that may use little time of a processor,
   and not every system counts sleeps: one of the two must show that there is none of it */
static void short_waits_sleep(void)
{
    q = open_queue();
    ends_only_when_woken(-1);                   /* after a wake-up, too */
    int64_t began = now(), used = processor_time();
    long slept = times_slept();
    for (int i = 0; i < 200; i++) quiet(q, 300000);
    for (int i = 0; i < 20; i++) {
        EQUAL(mio_timer(q, &op, mio_now() + 300000), 0);
        EQUAL(result_of(q, &op), 0);
    }
    CHECK(times_slept() - slept >= 110 || 10 * (processor_time() - used) < now() - began);
    end_queue(q);
}

/* --- posted ----------------------------------------------------------------------------------------- */

static void posts_an_early_timer(void *unused)
{
    (void)unused;
    nap(5 * MS);
    mio_op_timer(&op, mio_now() + 5 * MS);
    EQUAL(mio_queue_post(q, &op), 0);
}

static void a_posted_timer_is_heeded_by_one_who_sleeps_longer(void)
{
    thread t;

    q = open_queue();
    EQUAL(mio_timer(q, &other, mio_now() + 60000 * MS), 0);
    start(&t, posts_an_early_timer, NULL);
    EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
    CHECK(done[0] == &op && op.result == 0 && mio_now() >= op.deadline);
    join(&t);
    EQUAL(mio_queue_cancel(q, &other), 0);
    EQUAL(result_of(q, &other), MIO_ECANCELED);
    end_queue(q);
}

static void a_posted_receive_keeps_its_deadline(void)
{
    open_peered();
    mio_op_receive(&op, &ours, bytes, 1);
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_post(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    mio_op_timer(&op, mio_now() - 1);
    EQUAL(mio_queue_post(q, &op), 0);
    EQUAL(mio_queue_wait(q, done, MANY, 0), 1);
    EQUAL(op.result, 0);
    end_peered();
}

const struct test time_tests[] = {
    TEST(a_wait_is_never_early),
    TEST(a_timer_is_never_early),
    TEST(a_deadline_of_a_receive_is_never_early),
    TEST(the_clock_never_goes_back_and_goes_on),
    TEST(a_huge_wait_does_not_end_before_its_time),
    TEST(huge_deadlines_do_not_fire),
    TEST(deadlines_in_the_past_fire_at_once),
    TEST(a_deadline_before_the_wait_s_end_ends_it),
    TEST(equal_deadlines_come_in_the_order_of_submission),
    TEST(timers_come_in_the_order_of_their_deadlines),
    TEST(timers_inserted_and_cancelled_at_random_come_exactly_once),
    TEST(a_receive_that_is_late_says_so_once_and_loses_nothing),
    TEST(bytes_that_race_with_deadlines_are_not_lost),
    TEST(an_accept_that_is_late_says_so_once),
    TEST(a_send_that_is_late_says_so_once),
    TEST(a_send_all_that_is_late_says_how_far_it_got),
    TEST(a_connect_that_is_late_says_so_once),
    TEST(a_ready_and_a_shut_that_are_late_say_so),
    TEST(a_late_receive_leaves_its_place_to_those_behind_it),
    TEST(data_that_is_there_is_delivered_whatever_the_deadline),
    TEST(what_came_in_time_is_not_late_because_nobody_looked),
    TEST(what_needs_no_waiting_is_never_late),
    TEST(a_deadline_is_forgotten_when_its_operation_is_back),
    TEST(an_operation_used_again_has_its_new_deadline_only),
    TEST(a_cancelled_timer_comes_back_once_and_at_once),
    TEST(closing_a_socket_ends_its_deadlines),
    TEST(shutting_down_ends_timers_and_deadlines),
    TEST(timers_expire_however_busy_the_sockets_are),
    TEST(what_happens_inside_neither_shortens_nor_lengthens_a_wait),
    TEST(short_waits_sleep),
    TEST(a_posted_timer_is_heeded_by_one_who_sleeps_longer),
    TEST(a_posted_receive_keeps_its_deadline),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: signals ------------------------------------------------------------------------- */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* From here on this process gets a signal each millisecond, and calls are not restarted. The signals come from a
   child, not a thread: qemu-i386 gives a thread that was interrupted the identity of the one begun last */
static pid_t begin_storm(void)
{
    struct sigaction action;
    pid_t target = getpid();

    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) return child;
    while (kill(target, SIGUSR1) == 0) nap(MS);
    _exit(0);
}

static void end_storm(pid_t child)
{
    CHECK(kill(child, SIGKILL) == 0);
    while (waitpid(child, NULL, 0) != child) CHECK(errno == EINTR);
}

/* [W6] A wait that began anew after each signal would never end */
static void signals_neither_shorten_nor_end_a_wait(void)
{
    q = open_queue();
    pid_t storm = begin_storm();
    for (int i = 0; i < 3; i++) {
        int64_t began = now();
        quiet(q, 20 * MS);
        CHECK(now() - began >= 20 * MS);
    }
    end_storm(storm);
    CHECK(signals > 0);
    end_queue(q);
}

static void signals_do_not_end_a_wait_for_ever(void)
{
    q = open_queue();
    pid_t storm = begin_storm();
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_timer(q, &op, mio_now() + 10 * MS), 0);
        EQUAL(mio_queue_wait(q, done, MANY, -1), 1);
        EQUAL(op.result, 0);
    }
    end_storm(storm);
    CHECK(signals > 0);
    end_queue(q);
}

const struct test unix_time_tests[] = {
    TEST(signals_neither_shorten_nor_end_a_wait),
    TEST(signals_do_not_end_a_wait_for_ever),
    { NULL, NULL }
};
#endif
