/*
 * Readiness as an operation, for code that makes the call itself. Here that code is peer_receive and
 * peer_send, the system's own calls, on the descriptor of our socket: minimio does not see them.
 */
#if !defined(_WIN32)
#define _GNU_SOURCE                     /* glibc: terminals; elsewhere all of it is there anyway */
#define _NETBSD_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#endif
#include "suite.h"

/* Each test has a process of its own: these are fresh in each */
static mio_queue *q;
static mio_op     op, other;
static mio_socket ours;
static peer       theirs;
static char       text[65536];

static void begin(void)
{
    q = open_queue();
    peered(q, &ours, &theirs);
}

static void end(void)
{
    peer_close(theirs);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void end_without_peer(void)
{
    close_all(q, &ours, 1);
    end_queue(q);
}

static int64_t ready(int direction)
{
    EQUAL(mio_ready(q, &op, &ours, direction), 0);
    return result_of(q, &op);
}

static void ready_waits(int direction)
{
    EQUAL(mio_ready(q, &op, &ours, direction), 0);
    quiet(q, 5 * MS);
}

static void never_mind(void)            /* the one that waits */
{
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
}

static int64_t receive(size_t room)
{
    EQUAL(mio_receive(q, &op, &ours, text, room), 0);
    return result_of(q, &op);
}

static void read_as_others_do(size_t length)    /* so much is there */
{
    EQUAL((int64_t)peer_receive(ours.native, text, length), (int64_t)length);
}

static void send_theirs(const char *bytes)
{
    EQUAL((int64_t)peer_send(theirs, bytes, strlen(bytes)), (int64_t)strlen(bytes));
}

/* --- one direction ---------------------------------------------------------------------------------- */

static void readable_completes_with_the_direction(void)
{
    begin();
    ready_waits(MIO_READABLE);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    read_as_others_do(5);
    end();
}

static void writable_completes_with_the_direction(void)
{
    begin();
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    end();
}

/* C10 */
static void what_came_before_the_operation_is_told(void)
{
    begin();
    send_theirs("hello");
    nap(5 * MS);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    end();
}

static void no_other_direction_exists(void)
{
    begin();
    static const int wrong[] = { 0, 3, 4, -1, 256 | MIO_READABLE };
    for (int i = 0; i < COUNT(wrong); i++) EQUAL(mio_ready(q, &op, &ours, wrong[i]), MIO_EINVAL);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    end();
}

/* M2, M7: asked once, told once, whatever comes later */
static void readiness_is_told_once(void)
{
    begin();
    ready_waits(MIO_READABLE);
    send_theirs("one");
    EQUAL(result_of(q, &op), MIO_READABLE);
    send_theirs("two");
    quiet(q, 10 * MS);
    end();
}

/* M1, M4 */
static void what_was_left_unread_is_told_again(void)
{
    begin();
    send_theirs("12345");
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);   /* nothing was read */
    read_as_others_do(4);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);   /* one byte is left */
    read_as_others_do(1);
    ready_waits(MIO_READABLE);
    never_mind();
    end();
}

/* M3 */
static void what_comes_to_what_was_left_is_told(void)
{
    begin();
    send_theirs("12");
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    read_as_others_do(1);
    send_theirs("3");
    for (int i = 0; i < 2; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        read_as_others_do(1);
    }
    ready_waits(MIO_READABLE);
    never_mind();
    end();
}

/* M4, M10 */
static void ten_thousand_rounds_of_ready_and_a_partial_read_lose_nothing(void)
{
    begin();
    enum { ROUNDS = 10000, CHUNK = 1000 };
    static char chunk[CHUNK + 1];
    memset(chunk, 'x', CHUNK);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % CHUNK == 0) send_theirs(chunk);
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        read_as_others_do(1);
    }
    ready_waits(MIO_READABLE);
    never_mind();
    end();
}

static void send_slowly(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10000; i++) EQUAL((int64_t)peer_send(theirs, "x", 1), 1);
}

/* M10, with traffic: each byte races with the question that it answers */
static void rounds_beside_a_sender_lose_nothing(void)
{
    begin();
    thread sender;
    start(&sender, send_slowly, NULL);
    for (int i = 0; i < 10000; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        read_as_others_do(1);
    }
    join(&sender);
    ready_waits(MIO_READABLE);
    never_mind();
    end();
}

/* A drained socket is not ready because it was once */
static void what_others_have_read_is_not_told(void)
{
    begin();
    for (int i = 0; i < 10; i++) {
        ready_waits(MIO_READABLE);
        send_theirs("hello");
        EQUAL(result_of(q, &op), MIO_READABLE);
        read_as_others_do(5);
    }
    ready_waits(MIO_READABLE);
    never_mind();
    end();
}

static void a_full_socket_is_writable_when_it_is_drained(void)
{
    begin();
    static char drained[65536];
    fill(q, &ours);
    ready_waits(MIO_WRITABLE);
    mio_op *done[1];
    while (mio_queue_wait(q, done, 1, 0) == 0) CHECK(peer_receive(theirs, drained, sizeof drained) > 0);
    EQUAL(op.result, MIO_WRITABLE);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    EQUAL(result_of(q, &op), 1);
    end();
}

/* --- beside other operations ------------------------------------------------------------------------ */

static void ready_beside_a_receive_is_MIO_EBUSY(void)
{
    begin();
    EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), MIO_EBUSY);
    quiet(q, 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), MIO_EBUSY);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
    EQUAL(result_of(q, &other), MIO_WRITABLE);
    send_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    end();
}

static void a_receive_beside_ready_is_MIO_EBUSY(void)
{
    begin();
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_receive(q, &other, &ours, text, 100), MIO_EBUSY);
    EQUAL(mio_send(q, &other, &ours, "x", 1), 0);
    EQUAL(result_of(q, &other), 1);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(receive(100), 5);
    end();
}

static void ready_beside_a_send_that_waits_is_MIO_EBUSY(void)
{
    begin();
    fill(q, &ours);
    EQUAL(mio_send(q, &op, &ours, text, sizeof text), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), MIO_EBUSY);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), 0);
    send_theirs("hello");
    EQUAL(result_of(q, &other), MIO_READABLE);
    never_mind();
    end();
}

static void a_send_beside_ready_is_MIO_EBUSY(void)
{
    begin();
    fill(q, &ours);
    EQUAL(mio_ready(q, &op, &ours, MIO_WRITABLE), 0);
    EQUAL(mio_send(q, &other, &ours, text, 100), MIO_EBUSY);
    EQUAL(mio_send_all(q, &other, &ours, text, 100), MIO_EBUSY);
    never_mind();
    end();
}

static void two_readies_in_one_direction_are_MIO_EBUSY(void)
{
    begin();
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), MIO_EBUSY);
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), MIO_EBUSY);   /* it is inside */
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), 0);
    EQUAL(result_of(q, &other), MIO_READABLE);
    end();
}

/* M12 */
static void both_directions_are_told_at_once(void)
{
    begin();
    mio_op *done[2];
    send_theirs("hello");
    nap(5 * MS);
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, MIO_READABLE);
    EQUAL(other.result, MIO_WRITABLE);
    quiet(q, 5 * MS);
    end();
}

static void fill_and_drain(void)         /* with bytes to read meanwhile */
{
    static char drained[65536];
    mio_op *done[1];

    fill(q, &ours);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    quiet(q, 5 * MS);
    while (mio_queue_wait(q, done, 1, 0) == 0) CHECK(peer_receive(theirs, drained, sizeof drained) > 0);
    CHECK(done[0] == &other);
    EQUAL(other.result, MIO_WRITABLE);
}

/* M7, R7: room to send is no news for one who waits to receive, nor bytes for one who waits to send */
static void one_direction_does_not_tell_the_other(void)
{
    begin();
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
        EQUAL(result_of(q, &other), MIO_WRITABLE);
        quiet(q, 5 * MS);
    }
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    quiet(q, 5 * MS);
    fill_and_drain();
    end();
}

/* M11: between a receive and a ready, each finds what the other left */
static void receives_and_readies_take_turns(void)
{
    begin();
    for (int i = 0; i < 100; i++) {
        ready_waits(MIO_READABLE);
        send_theirs("123456");
        EQUAL(result_of(q, &op), MIO_READABLE);
        EQUAL(receive(2), 2);
        read_as_others_do(2);
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        EQUAL(receive(100), 2);
        EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
        quiet(q, 0);
        send_theirs("78");
        EQUAL(result_of(q, &op), 2);
    }
    end();
}

/* What others read behind its back must not make the queue's own receive wait for ever, or fail */
static void a_receive_after_others_have_read_waits_for_more(void)
{
    begin();
    ready_waits(MIO_READABLE);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    read_as_others_do(5);
    EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
    quiet(q, 5 * MS);
    send_theirs("more");
    EQUAL(result_of(q, &op), 4);
    send_theirs("12345");
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    read_as_others_do(3);
    EQUAL(receive(100), 2);
    end();
}

/* --- the end, and errors ---------------------------------------------------------------------------- */

/* C5 */
static void the_end_is_readable_and_room_is_still_writable(void)
{
    begin();
    ready_waits(MIO_READABLE);
    peer_shut(theirs);
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(receive(100), 0);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    EQUAL(mio_send(q, &op, &ours, "still", 5), 0);
    EQUAL(result_of(q, &op), 5);
    EQUAL((int64_t)peer_receive(theirs, text, 5), 5);
    end();
}

/* C5: the end behind data that is left */
static void data_and_the_end_together_are_told_until_both_are_read(void)
{
    begin();
    ready_waits(MIO_READABLE);
    send_theirs("data");
    peer_shut(theirs);
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    read_as_others_do(4);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(receive(100), 0);
    end();
}

/* C7, C8 */
static void a_reset_is_readiness_in_both_directions(void)
{
    begin();
    fill(q, &ours);
    mio_op *done[2];
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
    quiet(q, 5 * MS);
    peer_reset(theirs);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, MIO_READABLE);
    EQUAL(other.result, MIO_WRITABLE);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    EQUAL(receive(100), MIO_ECONNRESET);        /* ready has not used it up */
    end_without_peer();
}

/* C13 */
static void a_hang_up_is_told_to_one_who_asks_for_room_only(void)
{
    begin();
    fill(q, &ours);
    ready_waits(MIO_WRITABLE);
    peer_reset(theirs);
    EQUAL(result_of(q, &op), MIO_WRITABLE);
    quiet(q, 5 * MS);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    EQUAL(result_of(q, &op), MIO_ECONNRESET);
    end_without_peer();
}

/* C17 */
static void urgent_data_alone_is_not_readable(void)
{
    begin();
    ready_waits(MIO_READABLE);
    peer_urgent(theirs, '!');
    quiet(q, 20 * MS);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(receive(100), 5);
    end();
}

/* C4 */
static void a_socket_that_was_never_connected_does_not_look_connected(void)
{
    q = open_queue();
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    mio_op_ready(&op, &ours, MIO_WRITABLE);     /* Linux says ready; others wait */
    op.deadline = mio_now() + 20 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    int64_t result = result_of(q, &op);
    CHECK(result == MIO_WRITABLE || result == MIO_ETIMEDOUT);
    EQUAL(receive(100), MIO_ENOTCONN);
    end_without_peer();
}

static void ready_beside_a_connect_is_MIO_EBUSY_where_it_would_hide_the_answer(void)
{
    q = open_queue();
    mio_address address;
    mio_socket listener, accepted;
    mio_op accepting = { 0 }, *done[3];
    listening(&listener, &address);
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_connect(q, &op, &ours, &address), 0);
    int beside = mio_ready(q, &other, &ours, MIO_WRITABLE);
    CHECK(beside == MIO_EBUSY || beside == 0);  /* 0: it is connected already */
    EQUAL(mio_accept(q, &accepting, &listener, &accepted), 0);
    int back = beside == 0 ? 3 : 2;
    EQUAL(wait_all(q, done, back), back);
    EQUAL(op.result, 0);
    CHECK(beside != 0 || other.result == MIO_WRITABLE);
    close_all(q, &listener, 1);
    close_all(q, &accepted, 1);
    end_without_peer();
}

static void ready_of_no_socket_is_MIO_EBADF(void)
{
    q = open_queue();
    EQUAL(ready(MIO_READABLE), MIO_EBADF);
    end_queue(q);
}

/* --- cancelled, too late, closed -------------------------------------------------------------------- */

static void a_cancelled_ready_leaves_a_socket_that_works(void)
{
    begin();
    for (int i = 0; i < 3; i++) {
        ready_waits(MIO_READABLE);
        never_mind();
    }
    send_theirs("hello");
    quiet(q, 5 * MS);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(receive(100), 5);
    end();
}

static void a_ready_that_is_too_late_leaves_a_socket_that_works(void)
{
    begin();
    mio_op_ready(&op, &ours, MIO_READABLE);
    op.deadline = mio_now() + 5 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ETIMEDOUT);
    CHECK(mio_now() >= op.deadline);
    send_theirs("hello");
    quiet(q, 5 * MS);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(receive(100), 5);
    end();
}

static void a_close_cancels_both_readies(void)
{
    begin();
    fill(q, &ours);
    mio_op closing = { 0 }, *done[3];
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_WRITABLE), 0);
    quiet(q, 0);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    EQUAL(wait_all(q, done, 3), 3);
    CHECK(done[2] == &closing);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(other.result, MIO_ECANCELED);
    EQUAL(closing.result, 0);
    peer_close(theirs);
    end_queue(q);
}

/* After the answer the kernel may be asked no more: a flood of arrivals is no flood of wake-ups */
static void arrivals_that_nobody_asked_about_wake_nobody(void)
{
    begin();
    ready_waits(MIO_READABLE);
    send_theirs("x");
    EQUAL(result_of(q, &op), MIO_READABLE);
    for (int i = 0; i < 20; i++) {
        send_theirs("x");
        quiet(q, MS);
    }
    for (int i = 0; i < 21; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        read_as_others_do(1);
    }
    end();
}

/* --- listeners and datagrams ------------------------------------------------------------------------ */

/* C23 */
static void a_listener_is_readable_until_every_connection_is_accepted(void)
{
    q = open_queue();
    mio_address address;
    mio_socket accepted[2];
    peer peers[2];
    listening(&ours, &address);
    ready_waits(MIO_READABLE);
    for (int i = 0; i < 2; i++) peers[i] = peer_connect(&address);
    EQUAL(result_of(q, &op), MIO_READABLE);
    for (int i = 0; i < 2; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        EQUAL(mio_accept(q, &op, &ours, &accepted[i]), 0);
        EQUAL(result_of(q, &op), 0);
    }
    ready_waits(MIO_READABLE);
    never_mind();
    for (int i = 0; i < 2; i++) peer_close(peers[i]);
    close_all(q, accepted, 2);
    end_without_peer();
}

static void ready_beside_an_accept_is_MIO_EBUSY(void)
{
    q = open_queue();
    mio_address address;
    mio_socket accepted;
    listening(&ours, &address);
    EQUAL(mio_accept(q, &op, &ours, &accepted), 0);
    EQUAL(mio_ready(q, &other, &ours, MIO_READABLE), MIO_EBUSY);
    never_mind();
    end_without_peer();
}

static void a_datagram_socket_is_readable_until_every_datagram_is_read(void)
{
    q = open_queue();
    mio_address address;
    EQUAL(mio_address_parse(&address, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_DATAGRAM), 0);
    EQUAL(mio_socket_bind(&ours, &address), 0);
    EQUAL(mio_socket_local(&ours, &address), 0);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    ready_waits(MIO_READABLE);
    mio_op *done[2];
    EQUAL(mio_send_to(q, &other, &ours, "", 0, &address), 0);   /* C16: an empty one counts */
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, MIO_READABLE);
    EQUAL(mio_send_to(q, &other, &ours, "to myself", 9, &address), 0);
    EQUAL(result_of(q, &other), 9);
    for (int i = 0; i < 2; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        EQUAL(receive(100), i * 9);
    }
    ready_waits(MIO_READABLE);
    EQUAL(mio_connect(q, &other, &ours, &address), 0);          /* which disturbs nobody */
    EQUAL(result_of(q, &other), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_send(q, &other, &ours, "again", 5), 0);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, MIO_READABLE);
    end_without_peer();
}

const struct test ready_tests[] = {
    TEST(readable_completes_with_the_direction),
    TEST(writable_completes_with_the_direction),
    TEST(what_came_before_the_operation_is_told),
    TEST(no_other_direction_exists),
    TEST(readiness_is_told_once),
    TEST(what_was_left_unread_is_told_again),
    TEST(what_comes_to_what_was_left_is_told),
    TEST(ten_thousand_rounds_of_ready_and_a_partial_read_lose_nothing),
    TEST(rounds_beside_a_sender_lose_nothing),
    TEST(what_others_have_read_is_not_told),
    TEST(a_full_socket_is_writable_when_it_is_drained),
    TEST(ready_beside_a_receive_is_MIO_EBUSY),
    TEST(a_receive_beside_ready_is_MIO_EBUSY),
    TEST(ready_beside_a_send_that_waits_is_MIO_EBUSY),
    TEST(a_send_beside_ready_is_MIO_EBUSY),
    TEST(two_readies_in_one_direction_are_MIO_EBUSY),
    TEST(both_directions_are_told_at_once),
    TEST(one_direction_does_not_tell_the_other),
    TEST(receives_and_readies_take_turns),
    TEST(a_receive_after_others_have_read_waits_for_more),
    TEST(the_end_is_readable_and_room_is_still_writable),
    TEST(data_and_the_end_together_are_told_until_both_are_read),
    TEST(a_reset_is_readiness_in_both_directions),
    TEST(a_hang_up_is_told_to_one_who_asks_for_room_only),
    TEST(urgent_data_alone_is_not_readable),
    TEST(a_socket_that_was_never_connected_does_not_look_connected),
    TEST(ready_beside_a_connect_is_MIO_EBUSY_where_it_would_hide_the_answer),
    TEST(ready_of_no_socket_is_MIO_EBADF),
    TEST(a_cancelled_ready_leaves_a_socket_that_works),
    TEST(a_ready_that_is_too_late_leaves_a_socket_that_works),
    TEST(a_close_cancels_both_readies),
    TEST(arrivals_that_nobody_asked_about_wake_nobody),
    TEST(a_listener_is_readable_until_every_connection_is_accepted),
    TEST(ready_beside_an_accept_is_MIO_EBUSY),
    TEST(a_datagram_socket_is_readable_until_every_datagram_is_read),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: pipes, terminals, local sockets, and two queues on one descriptor --------------- */

static void adopt(int fd)
{
    CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
    EQUAL(mio_socket_adopt(&ours, fd), 0);
}

static void piped(int end)              /* 0, the reader, or 1, the writer, is ours */
{
    int both[2];
    q = open_queue();
    CHECK(pipe(both) == 0);
    adopt(both[end]);
    theirs = both[1 - end];
}

static void put(const char *bytes) { CHECK(write(theirs, bytes, strlen(bytes)) == (ssize_t)strlen(bytes)); }
static void take(size_t length) { CHECK(read(ours.native, text, length) == (ssize_t)length); }

static void a_pipe_is_readable_until_it_is_read_and_at_its_end(void)
{
    piped(0);
    ready_waits(MIO_READABLE);
    put("12345");
    EQUAL(result_of(q, &op), MIO_READABLE);
    for (int i = 0; i < 5; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        take(1);
    }
    ready_waits(MIO_READABLE);
    put("x");
    EQUAL(result_of(q, &op), MIO_READABLE);
    CHECK(close(theirs) == 0);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    take(1);
    EQUAL(ready(MIO_READABLE), MIO_READABLE);
    EQUAL(receive(100), 0);
    end_without_peer();
}

static void fill_pipe(void)
{
    while (write(ours.native, text, sizeof text) > 0) continue;
}

static void a_full_pipe_is_writable_when_it_is_drained(void)
{
    piped(1);
    EQUAL(ready(MIO_WRITABLE), MIO_WRITABLE);
    fill_pipe();
    ready_waits(MIO_WRITABLE);
    CHECK(read(theirs, text, sizeof text) == sizeof text);
    EQUAL(result_of(q, &op), MIO_WRITABLE);
    CHECK(close(theirs) == 0);
    end_without_peer();
}

/* C13 */
static void a_full_pipe_whose_reader_leaves_is_writable(void)
{
    piped(1);
    fill_pipe();
    ready_waits(MIO_WRITABLE);
    CHECK(close(theirs) == 0);
    EQUAL(result_of(q, &op), MIO_WRITABLE);
    quiet(q, 5 * MS);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    EQUAL(result_of(q, &op), MIO_EPIPE);
    end_without_peer();
}

static void a_terminal_is_readable_line_by_line(void)
{
    q = open_queue();
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) suite_skip("no terminals here");
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    adopt(slave);
    theirs = master;
    ready_waits(MIO_READABLE);
    put("one\ntwo\n");
    EQUAL(result_of(q, &op), MIO_READABLE);
    for (int i = 0; i < 2; i++) {
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        CHECK(read(ours.native, text, sizeof text) == 4);
    }
    ready_waits(MIO_READABLE);
    CHECK(close(master) == 0);                  /* hung up */
    EQUAL(result_of(q, &op), MIO_READABLE);
    end_without_peer();
}

static void a_local_socket_is_told_again_about_what_was_left(void)
{
    int both[2];
    q = open_queue();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    adopt(both[0]);
    theirs = both[1];
    for (int i = 0; i < 100; i++) {
        if (i % 10 == 0) ready_waits(MIO_READABLE);
        else EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
        put("123");
        EQUAL(result_of(q, &op), MIO_READABLE);
        take(1);
        EQUAL(ready(MIO_READABLE), MIO_READABLE);
        take(2);
    }
    ready_waits(MIO_READABLE);
    CHECK(close(theirs) == 0);
    EQUAL(result_of(q, &op), MIO_READABLE);
    end_without_peer();
}

/* R12, X6: each queue has the descriptor as a socket of its own, and each is told */
static void two_queues_may_watch_one_descriptor(void)
{
    begin();
    mio_queue *second = open_queue();
    mio_socket same = { 0 };
    mio_native back;
    EQUAL(mio_socket_adopt(&same, ours.native), 0);
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_ready(second, &other, &same, MIO_READABLE), 0);
        quiet(second, 0);
        ready_waits(MIO_READABLE);
        send_theirs("x");
        EQUAL(result_of(q, &op), MIO_READABLE);
        EQUAL(result_of(second, &other), MIO_READABLE);
        read_as_others_do(1);
    }
    EQUAL(mio_socket_detach(&same, &back), 0);
    end_queue(second);
    end();
}

const struct test unix_ready_tests[] = {
    TEST(a_pipe_is_readable_until_it_is_read_and_at_its_end),
    TEST(a_full_pipe_is_writable_when_it_is_drained),
    TEST(a_full_pipe_whose_reader_leaves_is_writable),
    TEST(a_terminal_is_readable_line_by_line),
    TEST(a_local_socket_is_told_again_about_what_was_left),
    TEST(two_queues_may_watch_one_descriptor),
    { NULL, NULL }
};
#endif
