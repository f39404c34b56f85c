/*
 * The queue itself: opening, waiting, what is refused, shutting down and closing, fairness, and what it costs
 * in descriptors and memory. Numbers in brackets are rows of the project's list of bugs that shipped elsewhere.
 */
#if !defined(_WIN32)
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif
#include "suite.h"
#include <limits.h>

#if defined(MIO_CHECKED)
enum { CHECKED = 1 };
#else
enum { CHECKED = 0 };
#endif

#if defined(_WIN32)
enum { SOCKET_SIZE = 144 };            /* the kernel's answer to a ready is in it */
#else
enum { SOCKET_SIZE = 96 };
#endif

/* --- what most tests use: each runs in a process of its own, where these are fresh ------------------ */

enum { MANY = 1000, BOUND = 1024 };

static mio_queue *q;
static mio_op op, ops[MANY], *done[MANY];
static mio_socket pair[3];             /* connected: the first two, where there is nothing else said */
static peer far_end;
static char byte, bytes[MANY];

static void open_pair(void)
{
    q = open_queue();
    connected(q, &pair[0], &pair[1]);
}

static void open_peered(void)
{
    q = open_queue();
    peered(q, &pair[0], &far_end);
}

static void end_pair(void)
{
    close_all(q, pair, 2);
    end_queue(q);
}

/* A timer that is not due in this test */
static void far_timer(mio_op *timer) { EQUAL(mio_timer(q, timer, mio_now() + 60000 * MS), 0); }

static void datagram_socket(mio_socket *s, mio_address *at)
{
    EQUAL(mio_address_parse(at, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(s, MIO_IPV4, MIO_DATAGRAM), 0);
    EQUAL(mio_socket_bind(s, at), 0);
    EQUAL(mio_socket_local(s, at), 0);
}

static void exchange_a_byte(mio_queue *queue)
{
    char got = 0;

    EQUAL(mio_send(queue, &ops[0], &pair[0], "x", 1), 0);
    EQUAL(mio_receive(queue, &ops[1], &pair[1], &got, 1), 0);
    wait_all(queue, done, 2);
    EQUAL(ops[0].result, 1);
    EQUAL(ops[1].result, 1);
    EQUAL(got, 'x');
}

/* --- opening ---------------------------------------------------------------------------------------- */

static void opens_with(const mio_options *options)
{
    EQUAL(mio_queue_open(&q, options), 0);
    CHECK(q != NULL);
    EQUAL(mio_nop(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    end_queue(q);
}

static void a_queue_opens_without_options(void) { opens_with(NULL); }

static void a_queue_opens_with_zeroed_options(void)
{
    mio_options zeroed = { 0 };
    opens_with(&zeroed);
}

static void a_queue_opens_with_any_number_of_events(void)
{
    static const uint32_t events[] = { 1, 2, 3, 255, 257, 4095, 65536, 100000 };

    for (int i = 0; i < COUNT(events); i++) {
        mio_options options = { .events = events[i] };
        opens_with(&options);
    }
}

static void an_absurd_number_of_events_is_bounded_or_refused(void)
{
    mio_options options = { .events = UINT32_MAX };
    int opened = mio_queue_open(&q, &options);

    if (opened == 0) end_queue(q);
    else {
        EQUAL(opened, MIO_ENOMEM);
        CHECK(q == NULL);
    }
}

static void without_descriptors_a_queue_does_not_open(void)
{
    mio_queue *opened;
    int refused = 0;

    end_queue(open_queue());                    /* what a process opens once for all queues is open */
    for (int spare = 0; spare < 4; spare++) {   /* also none for its second or third */
        opened = (mio_queue *)&op;
        take_descriptors(spare);
        int result = mio_queue_open(&opened, NULL);
        give_descriptors_back();
        if (result == 0) {
            end_queue(opened);
            continue;
        }
        EQUAL(result, MIO_EMFILE);
        CHECK(opened == NULL);
        refused++;
    }
    CHECK(refused > 0 && refused < 4);
}

static void a_queue_has_at_most_three_descriptors(void)
{
    int before = descriptors();

    if (before < 0) suite_skip("descriptors cannot be counted");
    open_pair();
    exchange_a_byte(q);
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    close_all(q, pair, 2);
    CHECK(descriptors() - before <= 3);
    end_queue(q);
    EQUAL(descriptors(), before);
}

/* [T15] */
static void the_queue_s_descriptors_are_not_inherited(void)
{
    int before = inherited();

    q = open_queue();
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    quiet(q, MS);
    EQUAL(inherited(), before);
    end_queue(q);
}

/* --- waiting ---------------------------------------------------------------------------------------- */

/* [W9] */
static void waiting_for_no_operations_is_refused_and_takes_nothing(void)
{
    static const int capacities[] = { 0, -1, INT_MIN };

    q = open_queue();
    EQUAL(mio_nop(q, &op), 0);
    for (int i = 0; i < COUNT(capacities); i++) EQUAL(mio_queue_wait(q, done, capacities[i], -1), MIO_EINVAL);
    EQUAL(result_of(q, &op), 0);
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, 0, -1), MIO_EINVAL);
    EQUAL(mio_queue_wait(q, done, 1, -1), MIO_WOKEN);
    end_queue(q);
}

/* [W1] */
static void a_wait_of_0_on_an_empty_queue_returns_0(void)
{
    q = open_queue();
    for (int i = 0; i < 100; i++) quiet(q, 0);
    end_queue(q);
}

/* [W1] */
static void a_wait_of_0_sees_what_the_kernel_has(void)
{
    open_peered();
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    quiet(q, 0);
    peer_send(far_end, "x", 1);
    nap(20 * MS);                               /* until it has arrived */
    EQUAL(mio_queue_wait(q, done, 1, 0), 1);
    CHECK(done[0] == &op);
    peer_close(far_end);
    close_all(q, pair, 1);
    end_queue(q);
}

/* [W13] */
static void a_wait_of_20_ms_on_an_empty_queue_returns_0_and_not_early(void)
{
    q = open_queue();
    int64_t began = now();
    quiet(q, 20 * MS);
    CHECK(now() - began >= 20 * MS);
    end_queue(q);
}

static void wakes_later(void *queue)
{
    nap(20 * MS);
    mio_queue_wake(queue);
}

/* [W13] */
static void a_wait_for_ever_on_an_empty_queue_ends_when_woken(void)
{
    static const int64_t for_ever[] = { -1, INT64_MIN, INT64_MIN + 1 };
    thread t;

    q = open_queue();
    for (int i = 0; i < COUNT(for_ever); i++) {
        start(&t, wakes_later, q);
        EQUAL(mio_queue_wait(q, done, 1, for_ever[i]), MIO_WOKEN);
        join(&t);
    }
    end_queue(q);
}

static void a_nop_completes_with_0(void)
{
    q = open_queue();
    EQUAL(mio_nop(q, &op), 0);
    CHECK(wait_one(q) == &op);
    EQUAL(op.result, 0);
    EQUAL((int64_t)op.done, 0);
    EQUAL(op.native, 0);
    quiet(q, 0);
    end_queue(q);
}

static void come_in_order_with(int capacity)
{
    for (int i = 0; i < MANY; i++) EQUAL(mio_nop(q, &ops[i]), 0);
    for (int i = 0; i < MANY; ) {
        int n = mio_queue_wait(q, done, capacity, -1);
        CHECK(n > 0 && n <= capacity);
        for (int k = 0; k < n; k++) CHECK(done[k] == &ops[i + k]);
        i += n;
    }
    quiet(q, 0);
}

/* [W10] */
static void what_is_finished_comes_in_order_through_any_capacity(void)
{
    static const int capacities[] = { 1, 2, 7, 256, MANY };

    q = open_queue();
    for (int i = 0; i < COUNT(capacities); i++) come_in_order_with(capacities[i]);
    end_queue(q);
}

/* --- submitting ------------------------------------------------------------------------------------- */

static void what_is_inside_is_refused_and_stays_undisturbed(void)
{
    open_pair();
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    EQUAL(mio_queue_submit(q, &op), MIO_EBUSY);
    far_timer(&ops[0]);
    EQUAL(mio_queue_submit(q, &ops[0]), MIO_EBUSY);
    EQUAL(mio_nop(q, &ops[1]), 0);              /* finished, and not given back */
    EQUAL(mio_queue_submit(q, &ops[1]), MIO_EBUSY);
    EQUAL(result_of(q, &ops[1]), 0);
    EQUAL(mio_send(q, &ops[1], &pair[1], "x", 1), 0);
    wait_all(q, done, 2);
    EQUAL(op.result, 1);
    EQUAL(byte, 'x');
    EQUAL(mio_queue_cancel(q, &ops[0]), 0);
    EQUAL(result_of(q, &ops[0]), MIO_ECANCELED);
    quiet(q, 0);
    end_pair();
}

/* Each refuses it before it prepares it anew: it goes on as what it is */
static void preparing_and_submitting_refuses_what_is_inside(void)
{
    mio_address to = { 0 };

    open_pair();
    far_timer(&op);
    EQUAL(mio_nop(q, &op), MIO_EBUSY);
    EQUAL(mio_timer(q, &op, 0), MIO_EBUSY);
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), MIO_EBUSY);
    EQUAL(mio_send(q, &op, &pair[0], "x", 1), MIO_EBUSY);
    EQUAL(mio_send_all(q, &op, &pair[0], "x", 1), MIO_EBUSY);
    EQUAL(mio_receive_from(q, &op, &pair[0], &byte, 1, NULL), MIO_EBUSY);
    EQUAL(mio_send_to(q, &op, &pair[0], "x", 1, &to), MIO_EBUSY);
    EQUAL(mio_accept(q, &op, &pair[0], &pair[1]), MIO_EBUSY);
    EQUAL(mio_connect(q, &op, &pair[0], &to), MIO_EBUSY);
    EQUAL(mio_shut(q, &op, &pair[0], MIO_SHUT_SEND), MIO_EBUSY);
    EQUAL(mio_ready(q, &op, &pair[0], MIO_READABLE), MIO_EBUSY);
    EQUAL(mio_socket_close(q, &op, &pair[0]), MIO_EBUSY);
    quiet(q, 0);
    exchange_a_byte(q);                         /* nothing of it was done */
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    end_pair();
}

static void an_operation_without_a_kind_is_refused(void)
{
    q = open_queue();
    EQUAL(mio_queue_submit(q, &op), MIO_EINVAL);
    quiet(q, 0);
    end_queue(q);
}

static void an_operation_without_a_socket_is_refused(void)
{
    mio_address to;

    q = open_queue();
    EQUAL(mio_address_parse(&to, "127.0.0.1", 1), 0);
    EQUAL(mio_receive(q, &op, NULL, &byte, 1), MIO_EINVAL);
    EQUAL(mio_receive_from(q, &op, NULL, &byte, 1, NULL), MIO_EINVAL);
    EQUAL(mio_send(q, &op, NULL, &byte, 1), MIO_EINVAL);
    EQUAL(mio_send_all(q, &op, NULL, &byte, 1), MIO_EINVAL);
    EQUAL(mio_send_to(q, &op, NULL, &byte, 1, &to), MIO_EINVAL);
    EQUAL(mio_connect(q, &op, NULL, &to), MIO_EINVAL);
    EQUAL(mio_accept(q, &op, NULL, &pair[0]), MIO_EINVAL);
    EQUAL(mio_shut(q, &op, NULL, MIO_SHUT_SEND), MIO_EINVAL);
    EQUAL(mio_ready(q, &op, NULL, MIO_READABLE), MIO_EINVAL);
    EQUAL(mio_socket_close(q, &op, NULL), MIO_EINVAL);
    quiet(q, 0);
    end_queue(q);
}

static void what_was_refused_can_be_submitted_when_it_is_right(void)
{
    open_pair();
    EQUAL(mio_receive(q, &op, NULL, &byte, 1), MIO_EINVAL);
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 0), MIO_EINVAL);
    EQUAL(mio_receive_from(q, &op, &pair[0], &byte, 0, NULL), MIO_EINVAL);
    EQUAL(mio_send_to(q, &op, &pair[0], &byte, 1, NULL), MIO_EINVAL);
    EQUAL(mio_connect(q, &op, &pair[0], NULL), MIO_EINVAL);
    EQUAL(mio_accept(q, &op, &pair[0], NULL), MIO_EINVAL);
    EQUAL(mio_shut(q, &op, &pair[0], 4), MIO_EINVAL);
    EQUAL(mio_ready(q, &op, &pair[0], 3), MIO_EINVAL);
    EQUAL(mio_nop(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    quiet(q, 0);
    end_pair();
}

static void another_queue_s_socket_is_refused(void)
{
    open_pair();
    mio_queue *other = open_queue();
    EQUAL(mio_receive(other, &op, &pair[0], &byte, 1), MIO_EINVAL);
    EQUAL(mio_send(other, &op, &pair[0], &byte, 1), MIO_EINVAL);
    EQUAL(mio_shut(other, &op, &pair[0], MIO_SHUT_SEND), MIO_EINVAL);
    EQUAL(mio_ready(other, &op, &pair[0], MIO_READABLE), MIO_EINVAL);
    EQUAL(mio_socket_close(other, &op, &pair[0]), MIO_EINVAL);
    quiet(other, 0);
    exchange_a_byte(q);
    end_queue(other);
    end_pair();
}

static void what_is_not_inside_cannot_be_cancelled(void)
{
    q = open_queue();
    EQUAL(mio_queue_cancel(q, &op), MIO_EINVAL);
    EQUAL(mio_nop(q, &op), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);         /* finished already: it keeps its result */
    EQUAL(result_of(q, &op), 0);
    EQUAL(mio_queue_cancel(q, &op), MIO_EINVAL);
    quiet(q, 0);
    end_queue(q);
}

static void the_user_pointer_is_never_touched(void)
{
    mio_op timer = { .user = &timer };

    open_pair();
    op.user = bytes;
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    CHECK(op.user == bytes);
    EQUAL(mio_timer(q, &timer, 0), 0);
    CHECK(wait_one(q) == &timer && timer.user == &timer);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    CHECK(op.user == bytes);
    EQUAL(mio_socket_close(q, &op, &pair[0]), 0);
    EQUAL(result_of(q, &op), 0);
    CHECK(op.user == bytes);
    close_all(q, &pair[1], 1);
    end_queue(q);
}

/* One operation for everything; each submission must say it was taken, and come back as what it is */
static void use_for_everything(mio_address *at, mio_socket *datagrams)
{
    EQUAL(mio_nop(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    EQUAL(mio_timer(q, &op, mio_now() + MS), 0);
    EQUAL(result_of(q, &op), 0);
    EQUAL(mio_send(q, &op, &pair[0], "xy", 2), 0);
    EQUAL(result_of(q, &op), 2);
    EQUAL(mio_ready(q, &op, &pair[1], MIO_READABLE), 0);
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(mio_receive(q, &op, &pair[1], bytes, 2), 0);
    EQUAL(result_of(q, &op), 2);
    EQUAL((int64_t)op.done, 2);
    far_timer(&op);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL((int64_t)op.done, 0);
    EQUAL(mio_send_to(q, &op, datagrams, "xyz", 3, at), 0);
    EQUAL(result_of(q, &op), 3);
    EQUAL(mio_receive_from(q, &op, datagrams, bytes, 4, at), 0);
    EQUAL(result_of(q, &op), 3);
}

static void an_operation_is_used_again_at_once_without_zeroing(void)
{
    mio_socket datagrams;
    mio_address at;

    open_pair();
    datagram_socket(&datagrams, &at);
    for (int i = 0; i < 10; i++) use_for_everything(&at, &datagrams);
    close_all(q, &datagrams, 1);
    end_pair();
}

#define PREPARED(call) (op.deadline = 77, (call), op.deadline)

static void preparing_sets_no_deadline_and_leaves_the_user_pointer(void)
{
    mio_address to = { 0 };

    op.user = &to;
    EQUAL(PREPARED(mio_op_nop(&op)), 0);
    EQUAL(PREPARED(mio_op_connect(&op, &pair[0], &to)), 0);
    EQUAL(PREPARED(mio_op_accept(&op, &pair[0], &pair[1])), 0);
    EQUAL(PREPARED(mio_op_receive(&op, &pair[0], &byte, 1)), 0);
    EQUAL(PREPARED(mio_op_send(&op, &pair[0], &byte, 1)), 0);
    EQUAL(PREPARED(mio_op_send_all(&op, &pair[0], &byte, 1)), 0);
    EQUAL(PREPARED(mio_op_receive_from(&op, &pair[0], &byte, 1, NULL)), 0);
    EQUAL(PREPARED(mio_op_send_to(&op, &pair[0], &byte, 1, &to)), 0);
    EQUAL(PREPARED(mio_op_shut(&op, &pair[0], MIO_SHUT_SEND)), 0);
    EQUAL(PREPARED(mio_op_close(&op, &pair[0])), 0);
    EQUAL(PREPARED(mio_op_ready(&op, &pair[0], MIO_READABLE)), 0);
    EQUAL(PREPARED(mio_op_timer(&op, 5)), 5);
    CHECK(op.user == &to);
}

/* What was prepared is submitted, and comes back with its result */
static int64_t submitted(void)
{
    EQUAL(mio_queue_submit(q, &op), 0);
    return result_of(q, &op);
}

static void preparing_and_submitting_does_what_the_twin_does(void)
{
    open_pair();
    mio_op_nop(&op);
    EQUAL(submitted(), 0);
    mio_op_timer(&op, mio_now() + MS);
    EQUAL(submitted(), 0);
    mio_op_send(&op, &pair[0], "x", 1);
    EQUAL(submitted(), 1);
    mio_op_ready(&op, &pair[1], MIO_READABLE);
    EQUAL(submitted(), MIO_READABLE);
    mio_op_receive(&op, &pair[1], &byte, 1);
    EQUAL(submitted(), 1);
    mio_op_send_all(&op, &pair[0], "yz", 2);
    EQUAL(submitted(), 2);
    mio_op_shut(&op, &pair[0], MIO_SHUT_SEND);
    EQUAL(submitted(), 0);
    mio_op_receive(&op, &pair[1], bytes, MANY);
    EQUAL(submitted(), 2);
    mio_op_receive(&op, &pair[1], bytes, MANY);
    EQUAL(submitted(), 0);
    for (int i = 0; i < 2; i++) {
        mio_op_close(&op, &pair[i]);
        EQUAL(submitted(), 0);
    }
    end_queue(q);
}

static void a_prepared_operation_is_submitted_again_as_it_is(void)
{
    open_pair();
    mio_op_send(&op, &pair[0], "x", 1);
    for (int i = 0; i < 10; i++) EQUAL(submitted(), 1);
    mio_op_receive(&op, &pair[1], &byte, 1);
    for (int i = 0; i < 10; i++) EQUAL(submitted(), 1);
    quiet(q, 0);
    end_pair();
}

/* --- shutting down and closing ---------------------------------------------------------------------- */

static void a_shut_down_queue_takes_nothing_but_closes(void)
{
    mio_address to;

    open_pair();
    EQUAL(mio_socket_peer(&pair[0], &to), 0);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_nop(q, &op), MIO_ESHUTDOWN);
    EQUAL(mio_timer(q, &op, 0), MIO_ESHUTDOWN);
    EQUAL(mio_send(q, &op, &pair[0], &byte, 1), MIO_ESHUTDOWN);
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), MIO_ESHUTDOWN);
    EQUAL(mio_connect(q, &op, &pair[0], &to), MIO_ESHUTDOWN);
    EQUAL(mio_shut(q, &op, &pair[0], MIO_SHUT_SEND), MIO_ESHUTDOWN);
    EQUAL(mio_ready(q, &op, &pair[0], MIO_WRITABLE), MIO_ESHUTDOWN);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    close_all(q, pair, 1);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    close_all(q, &pair[1], 1);
    end_queue(q);
}

/* [X2] */
static void shutting_down_gives_back_everything_inside_cancelled(void)
{
    mio_socket listener, accepted, datagrams;
    mio_address at;

    open_pair();
    listening(&listener, &at);
    datagram_socket(&datagrams, &at);
    fill(q, &pair[0]);
    EQUAL(mio_send_all(q, &ops[0], &pair[0], bytes, MANY), 0);
    EQUAL(mio_receive(q, &ops[1], &pair[0], &byte, 1), 0);
    EQUAL(mio_accept(q, &ops[2], &listener, &accepted), 0);
    EQUAL(mio_ready(q, &ops[3], &datagrams, MIO_READABLE), 0);
    far_timer(&ops[4]);
    EQUAL(mio_shut(q, &ops[5], &pair[0], MIO_SHUT_SEND), 0);    /* behind the send */
    quiet(q, 0);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(wait_all(q, done, 6), 6);
    for (int i = 0; i < 6; i++) EQUAL(ops[i].result, MIO_ECANCELED);
    for (int i = 0; i < 3; i++) EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    close_all(q, &listener, 1);
    close_all(q, &datagrams, 1);
    end_pair();
}

static void what_was_finished_keeps_its_result_in_a_shutdown(void)
{
    open_pair();
    EQUAL(mio_send(q, &ops[0], &pair[0], "x", 1), 0);
    EQUAL(mio_nop(q, &ops[1]), 0);
    EQUAL(mio_queue_shutdown(q), 0);
    wait_all(q, done, 2);
    EQUAL(ops[0].result, 1);
    EQUAL(ops[1].result, 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    end_pair();
}

static void shutting_down_again_changes_nothing(void)
{
    q = open_queue();
    far_timer(&op);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_queue_wait(q, done, MANY, 0), MIO_ESHUTDOWN);
    end_queue(q);
}

static void a_queue_that_was_not_shut_down_is_not_closed(void)
{
    q = open_queue();
    EQUAL(mio_queue_close(q), MIO_EBUSY);
    EQUAL(mio_nop(q, &op), 0);
    EQUAL(result_of(q, &op), 0);
    end_queue(q);
}

/* [P1] */
static void a_queue_with_something_inside_is_not_closed(void)
{
    q = open_queue();
    far_timer(&op);
    EQUAL(mio_queue_close(q), MIO_EBUSY);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_queue_close(q), MIO_EBUSY);       /* cancelled, and not given back */
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL(mio_queue_close(q), 0);
}

static void two_queues_of_one_thread_keep_apart(void)
{
    mio_socket others[2];

    open_pair();
    mio_queue *second = open_queue();
    connected(second, &others[0], &others[1]);
    EQUAL(mio_receive(q, &ops[0], &pair[0], &bytes[0], 1), 0);
    EQUAL(mio_receive(second, &ops[1], &others[0], &bytes[1], 1), 0);
    EQUAL(mio_send(second, &ops[2], &others[1], "b", 1), 0);
    EQUAL(mio_send(q, &ops[3], &pair[1], "a", 1), 0);
    wait_all(second, done, 2);
    CHECK(ops[1].result == 1 && ops[2].result == 1 && bytes[1] == 'b');
    wait_all(q, done, 2);
    CHECK(ops[0].result == 1 && ops[3].result == 1 && bytes[0] == 'a');
    mio_queue_wake(second);
    quiet(q, 0);
    EQUAL(mio_queue_wait(second, done, 1, 0), MIO_WOKEN);
    close_all(second, others, 2);
    end_queue(second);
    end_pair();
}

/* --- fairness --------------------------------------------------------------------------------------- */

/* How many others come before this one; each of them is submitted again at once */
static int come_before(const mio_op *wanted)
{
    int others = 0;

    for (bool found = false; !found; ) {
        int n = mio_queue_wait(q, done, 16, -1);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) {
            if (done[i] == wanted) found = true;
            else EQUAL(mio_queue_submit(q, done[i]), 0);
            if (!found) others++;
        }
        CHECK(others < BOUND);
    }
    return others;
}

/* A receive waits for a byte, which arrives; the queue was not asked since */
static void a_byte_arrives_unseen(void)
{
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    quiet(q, 0);
    peer_send(far_end, "x", 1);
    nap(20 * MS);
}

/* The queue is never empty: it is shut down first */
static void end_busy(mio_socket *sockets, int count)
{
    EQUAL(mio_queue_shutdown(q), 0);
    while (mio_queue_wait(q, done, MANY, -1) > 0) continue;
    close_all(q, sockets, count);
    end_queue(q);
}

static void nops_without_end_do_not_keep_a_receive_from_completing(void)
{
    open_peered();
    a_byte_arrives_unseen();
    for (int i = 0; i < 20; i++) EQUAL(mio_nop(q, &ops[i]), 0);
    come_before(&op);
    EQUAL(op.result, 1);
    peer_close(far_end);
    end_busy(pair, 1);
}

/* [P7] */
static void timers_of_0_without_end_do_not_keep_a_receive_from_completing(void)
{
    open_peered();
    a_byte_arrives_unseen();
    for (int i = 0; i < 20; i++) EQUAL(mio_timer(q, &ops[i], 0), 0);
    come_before(&op);
    EQUAL(op.result, 1);
    peer_close(far_end);
    end_busy(pair, 1);
}

static void nops_without_end_do_not_keep_a_timer_from_completing(void)
{
    q = open_queue();
    EQUAL(mio_timer(q, &op, mio_now() + MS), 0);
    for (int i = 0; i < 20; i++) EQUAL(mio_nop(q, &ops[i]), 0);
    nap(5 * MS);
    come_before(&op);
    EQUAL(op.result, 0);
    end_busy(NULL, 0);
}

static void nops_without_end_do_not_keep_a_post_from_starting(void)
{
    q = open_queue();
    for (int i = 0; i < 20; i++) EQUAL(mio_nop(q, &ops[i]), 0);
    mio_op_nop(&op);
    EQUAL(mio_queue_post(q, &op), 0);
    come_before(&op);
    end_busy(NULL, 0);
}

/* A connection whose other end has sent more than will be asked for, byte by byte */
static void data_without_end(mio_socket *fast)
{
    connected(q, &fast[0], &fast[1]);
    fill(q, &fast[0]);
}

static void a_fast_peer_does_not_keep_another_socket_waiting(void)
{
    open_peered();
    data_without_end(&pair[1]);
    a_byte_arrives_unseen();
    EQUAL(mio_receive(q, &ops[0], &pair[2], bytes, 1), 0);
    come_before(&op);
    EQUAL(op.result, 1);
    peer_close(far_end);
    end_busy(pair, 3);
}

static void a_fast_peer_does_not_keep_a_timer_waiting(void)
{
    q = open_queue();
    data_without_end(pair);
    EQUAL(mio_timer(q, &op, mio_now() + MS), 0);
    EQUAL(mio_receive(q, &ops[0], &pair[1], bytes, 1), 0);
    nap(5 * MS);
    come_before(&op);
    end_busy(pair, 2);
}

/* The sender has a queue of its own: what it sends comes back there */
static void send_one_to_each(const mio_address *to, int count)
{
    mio_queue *sending = open_queue();
    mio_socket sender;
    mio_op send = { 0 };

    EQUAL(mio_socket_open(&sender, MIO_IPV4, MIO_DATAGRAM), 0);
    for (int i = 0; i < count; i++) {
        EQUAL(mio_send_to(sending, &send, &sender, "x", 1, &to[i]), 0);
        EQUAL(result_of(sending, &send), 1);
    }
    close_all(sending, &sender, 1);
    end_queue(sending);
}

static void ready_at_once(uint32_t events)
{
    static mio_socket sockets[MANY];
    static mio_address at[MANY];
    static bool came[MANY];
    mio_options options = { .events = events };

    if (!room_for(MANY + 100)) suite_skip("not enough descriptors");
    EQUAL(mio_queue_open(&q, &options), 0);
    for (int i = 0; i < MANY; i++) {
        datagram_socket(&sockets[i], &at[i]);
        EQUAL(mio_receive(q, &ops[i], &sockets[i], &bytes[i], 1), 0);
    }
    quiet(q, 0);
    send_one_to_each(at, MANY);
    EQUAL(wait_all(q, done, MANY), MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK(!came[done[i] - ops]);
        came[done[i] - ops] = true;
        EQUAL(done[i]->result, 1);
    }
    close_all(q, sockets, MANY);
    end_queue(q);
}

/* [W11] */
static void a_thousand_ready_at_once_all_come(void) { ready_at_once(0); }
static void a_thousand_ready_at_once_all_come_one_event_at_a_time(void) { ready_at_once(1); }

/* --- threads ---------------------------------------------------------------------------------------- */

static int refusals[8];

static void call_all_that_is_the_owner_s(void *unused)
{
    mio_native unused_native;

    (void)unused;
    refusals[0] = mio_queue_wait(q, done, MANY, 0);
    refusals[1] = mio_nop(q, &ops[0]);
    refusals[2] = mio_queue_cancel(q, &op);
    refusals[3] = mio_queue_shutdown(q);
    refusals[4] = mio_queue_close(q);
    refusals[5] = mio_send(q, &ops[0], &pair[0], "x", 1);
    refusals[6] = mio_send_all(q, &ops[0], &pair[0], "x", 1);
    refusals[7] = mio_socket_detach(&pair[1], &unused_native);
}

/* [W12] */
static void a_checked_build_refuses_the_wrong_thread(void)
{
    thread t;

    if (!CHECKED) suite_skip("the library is compiled without MIO_CHECKED");
    open_pair();
    exchange_a_byte(q);                         /* both sockets are the queue's */
    EQUAL(mio_timer(q, &op, mio_now() + 20 * MS), 0);
    start(&t, call_all_that_is_the_owner_s, NULL);
    join(&t);
    for (int i = 0; i < COUNT(refusals); i++) EQUAL(refusals[i], MIO_ETHREAD);
    EQUAL(result_of(q, &op), 0);                /* nothing of it was done */
    EQUAL(mio_nop(q, &ops[0]), 0);
    EQUAL(result_of(q, &ops[0]), 0);
    end_pair();
}

/* --- what it costs, and small things ---------------------------------------------------------------- */

static void a_round_of_everything(mio_socket *silent)
{
    exchange_a_byte(q);
    EQUAL(mio_receive(q, &ops[2], silent, &byte, 1), 0);
    far_timer(&ops[3]);
    mio_op_nop(&ops[4]);
    EQUAL(mio_queue_post(q, &ops[4]), 0);
    EQUAL(result_of(q, &ops[4]), 0);
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_WOKEN);
    for (int i = 2; i < 4; i++) {
        EQUAL(mio_queue_cancel(q, &ops[i]), 0);
        EQUAL(result_of(q, &ops[i]), MIO_ECANCELED);
    }
}

/* [Q2] */
static void nothing_is_allocated_between_open_and_close(void)
{
    mio_socket silent;
    mio_address at;

    if (allocations() < 0) suite_skip("allocations are not counted in this build");
    q = open_queue();
    long before = allocations();
    CHECK(before > 0);
    connected(q, &pair[0], &pair[1]);
    datagram_socket(&silent, &at);
    for (int i = 0; i < 1000; i++) a_round_of_everything(&silent);
    for (int i = 0; i < MANY; i++) far_timer(&ops[i]);
    close_all(q, &silent, 1);
    close_all(q, pair, 2);
    EQUAL(mio_queue_shutdown(q), 0);
    wait_all(q, done, MANY);
    EQUAL(allocations() - before, 0);
    end_queue(q);
    EQUAL(allocations() - before, 0);
}

/* A program compiled with one header may run with another's library */
static void the_public_sizes_are_those_of_version_1(void)
{
    bool wide = sizeof(void *) == 8;

    EQUAL(MIO_VERSION, 1);
    CHECK(!wide || sizeof(mio_op) == 160);
    CHECK(!wide || sizeof(mio_socket) == SOCKET_SIZE);
    EQUAL((int64_t)sizeof(mio_address), 136);
    EQUAL((int64_t)sizeof(mio_options), 32);
}

static void every_code_has_words_of_its_own(void)
{
    for (int code = MIO_ESYSTEM; code <= MIO_WOKEN; code++) {
        const char *words = mio_strerror(code);
        CHECK(words != NULL && words[0] != '\0' && strcmp(words, "unknown code") != 0);
        for (int other = MIO_ESYSTEM; other < code; other++) CHECK(strcmp(words, mio_strerror(other)) != 0);
    }
    CHECK(mio_strerror(0) != NULL);
}

static void what_is_no_code_is_unknown(void)
{
    static const int codes[] = { 1, 2, 100, INT_MAX, MIO_ESYSTEM - 1, -1000, INT_MIN + 1, INT_MIN };

    for (int i = 0; i < COUNT(codes); i++) CHECK(strcmp(mio_strerror(codes[i]), "unknown code") == 0);
}

const struct test queue_tests[] = {
    TEST(a_queue_opens_without_options),
    TEST(a_queue_opens_with_zeroed_options),
    TEST(a_queue_opens_with_any_number_of_events),
    TEST(an_absurd_number_of_events_is_bounded_or_refused),
    TEST(without_descriptors_a_queue_does_not_open),
    TEST(a_queue_has_at_most_three_descriptors),
    TEST(the_queue_s_descriptors_are_not_inherited),
    TEST(waiting_for_no_operations_is_refused_and_takes_nothing),
    TEST(a_wait_of_0_on_an_empty_queue_returns_0),
    TEST(a_wait_of_0_sees_what_the_kernel_has),
    TEST(a_wait_of_20_ms_on_an_empty_queue_returns_0_and_not_early),
    TEST(a_wait_for_ever_on_an_empty_queue_ends_when_woken),
    TEST(a_nop_completes_with_0),
    TEST(what_is_finished_comes_in_order_through_any_capacity),
    TEST(what_is_inside_is_refused_and_stays_undisturbed),
    TEST(preparing_and_submitting_refuses_what_is_inside),
    TEST(an_operation_without_a_kind_is_refused),
    TEST(an_operation_without_a_socket_is_refused),
    TEST(what_was_refused_can_be_submitted_when_it_is_right),
    TEST(another_queue_s_socket_is_refused),
    TEST(what_is_not_inside_cannot_be_cancelled),
    TEST(the_user_pointer_is_never_touched),
    TEST(an_operation_is_used_again_at_once_without_zeroing),
    TEST(preparing_sets_no_deadline_and_leaves_the_user_pointer),
    TEST(preparing_and_submitting_does_what_the_twin_does),
    TEST(a_prepared_operation_is_submitted_again_as_it_is),
    TEST(a_shut_down_queue_takes_nothing_but_closes),
    TEST(shutting_down_gives_back_everything_inside_cancelled),
    TEST(what_was_finished_keeps_its_result_in_a_shutdown),
    TEST(shutting_down_again_changes_nothing),
    TEST(a_queue_that_was_not_shut_down_is_not_closed),
    TEST(a_queue_with_something_inside_is_not_closed),
    TEST(two_queues_of_one_thread_keep_apart),
    TEST(nops_without_end_do_not_keep_a_receive_from_completing),
    TEST(timers_of_0_without_end_do_not_keep_a_receive_from_completing),
    TEST(nops_without_end_do_not_keep_a_timer_from_completing),
    TEST(nops_without_end_do_not_keep_a_post_from_starting),
    TEST(a_fast_peer_does_not_keep_another_socket_waiting),
    TEST(a_fast_peer_does_not_keep_a_timer_waiting),
    TEST(a_thousand_ready_at_once_all_come),
    TEST(a_thousand_ready_at_once_all_come_one_event_at_a_time),
    TEST(a_checked_build_refuses_the_wrong_thread),
    TEST(nothing_is_allocated_between_open_and_close),
    TEST(the_public_sizes_are_those_of_version_1),
    TEST(every_code_has_words_of_its_own),
    TEST(what_is_no_code_is_unknown),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: fork, descriptor 0, and a socket that changes its queue ------------------------- */

/* A child of this process that keeps every descriptor open until it is ended */
static pid_t begin_child(void)
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child > 0) return child;
    for (;;) pause();
}

static void end_child(pid_t child)
{
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}

/* What run says in a child of this process */
static int in_child(int (*run)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) _exit(run());
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int count_refusals(void)
{
    int count = 0;

    call_all_that_is_the_owner_s(NULL);
    for (int i = 0; i < COUNT(refusals); i++) count += refusals[i] == MIO_ETHREAD;
    return count;
}

/* [S11] */
static void a_checked_build_refuses_the_child_of_a_fork(void)
{
    if (!CHECKED) suite_skip("the library is compiled without MIO_CHECKED");
    open_pair();
    exchange_a_byte(q);
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    quiet(q, 0);
    EQUAL(in_child(count_refusals), COUNT(refusals));
    EQUAL(mio_send(q, &ops[0], &pair[1], "x", 1), 0);
    wait_all(q, done, 2);
    EQUAL(op.result, 1);
    end_pair();
}

/* [S8] The system's socket lives on in the child, and what arrives there is no event of ours */
static void a_socket_closed_here_and_open_in_a_child_is_silent(void)
{
    open_peered();
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    quiet(q, 0);
    pid_t child = begin_child();
    EQUAL(mio_socket_close(q, &ops[0], &pair[0]), 0);
    wait_all(q, done, 2);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(ops[0].result, 0);
    memset(&pair[0], 0x5a, sizeof pair[0]);     /* it is ours again */
    peer_send(far_end, "x", 1);
    quiet(q, 20 * MS);
    end_child(child);
    peer_close(far_end);
    end_queue(q);
}

static int exit_at_once(void) { return 0; }

/* [S11] */
static void a_child_that_ends_does_not_disturb_the_parent_s_queue(void)
{
    open_pair();
    EQUAL(mio_receive(q, &op, &pair[0], &byte, 1), 0);
    quiet(q, 0);
    EQUAL(in_child(exit_at_once), 0);
    EQUAL(mio_send(q, &ops[0], &pair[1], "x", 1), 0);
    wait_all(q, done, 2);
    EQUAL(op.result, 1);
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, 1, -1), MIO_WOKEN);
    end_pair();
}

/* [S12] Also of what arrived before the second queue heard of the socket */
static void sockets_of_a_closed_queue_serve_another(void)
{
    open_pair();
    exchange_a_byte(q);
    EQUAL(mio_receive(q, &op, &pair[1], &byte, 1), 0);
    quiet(q, 0);
    end_queue(q);
    EQUAL(op.result, MIO_ECANCELED);
    q = open_queue();
    exchange_a_byte(q);
    EQUAL(mio_send(q, &ops[0], &pair[0], "z", 1), 0);
    EQUAL(result_of(q, &ops[0]), 1);
    end_queue(q);
    q = open_queue();
    EQUAL(mio_receive(q, &op, &pair[1], &byte, 1), 0);
    EQUAL(result_of(q, &op), 1);
    EQUAL(byte, 'z');
    end_pair();
}

/* [R21] On kqueue a wake-up has a number, too */
static void a_socket_with_the_number_0_is_not_taken_for_a_wake_up(void)
{
    mio_socket zero;
    mio_address at;
    int kept = dup(0);

    CHECK(kept > 0);
    close(0);
    datagram_socket(&zero, &at);
    EQUAL(zero.native, 0);
    q = open_queue();
    EQUAL(mio_receive(q, &op, &zero, &byte, 1), 0);
    mio_queue_wake(q);
    EQUAL(mio_queue_wait(q, done, 1, -1), MIO_WOKEN);
    quiet(q, 0);
    send_one_to_each(&at, 1);
    EQUAL(result_of(q, &op), 1);
    quiet(q, 0);
    close_all(q, &zero, 1);
    end_queue(q);
    CHECK(dup2(kept, 0) == 0);
    close(kept);
}

const struct test unix_queue_tests[] = {
    TEST(a_checked_build_refuses_the_child_of_a_fork),
    TEST(a_socket_closed_here_and_open_in_a_child_is_silent),
    TEST(a_child_that_ends_does_not_disturb_the_parent_s_queue),
    TEST(sockets_of_a_closed_queue_serve_another),
    TEST(a_socket_with_the_number_0_is_not_taken_for_a_wake_up),
    { NULL, NULL }
};
#endif
