/* Sending and receiving on streams, and how a stream ends. The ids are those of the known bugs of the field */
#include "suite.h"
#include <stdlib.h>

/* Each test is a process of its own: a connection in the queue `q`, ours and theirs */
static mio_queue *q;
static mio_socket ours;
static peer       theirs;

static void begin(void)
{
    q = open_queue();
    peered(q, &ours, &theirs);
}

static void end(void)
{
    close_all(q, &ours, 1);
    peer_close(theirs);
    end_queue(q);
}

static int64_t receive(mio_socket *s, void *buffer, size_t length)
{
    mio_op op = { 0 };

    EQUAL(mio_receive(q, &op, s, buffer, length), 0);
    return result_of(q, &op);
}

static int64_t send_all(mio_socket *s, const void *buffer, size_t length)
{
    mio_op op = { 0 };

    EQUAL(mio_send_all(q, &op, s, buffer, length), 0);
    return result_of(q, &op);
}

/* Until so many bytes are there, or the end */
static size_t receive_all(mio_socket *s, char *buffer, size_t length)
{
    size_t got = 0;
    int64_t n = 1;

    while (got < length && n > 0) {
        n = receive(s, buffer + got, length - got);
        CHECK(n >= 0);
        got += (size_t)n;
    }
    return got;
}

static char pattern(size_t i) { return (char)(unsigned char)(i * 7 + i / 251); }

static void fill_pattern(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) bytes[i] = pattern(i);
}

static bool is_pattern(const char *bytes, size_t from, size_t length)
{
    for (size_t i = 0; i < length; i++) if (bytes[i] != pattern(from + i)) return false;
    return true;
}

/* More than the kernel's buffers take, for those tests that need it: the rest shall not carry it along */
enum { BIG = 12 << 20 };
static char *out, *in;

static void begin_big(void)
{
    begin();
    out = malloc(BIG);
    in = malloc(BIG);
    CHECK(out != NULL && in != NULL);
    fill_pattern(out, BIG);
}

static void end_big(void)
{
    end();
    free(out);
    free(in);
}

/* Theirs in a thread of its own: receives and sends while the queue's owner waits */
static void take(void *argument)
{
    (void)argument;
    CHECK(peer_receive(theirs, in, BIG) == BIG);
}

static void give(void *argument)
{
    (void)argument;
    CHECK(peer_send(theirs, out, BIG) == BIG);
}

/* --- receiving -------------------------------------------------------------------------------------- */

static void a_receive_gives_what_is_there(void)        /* C10: the data is older than the receive */
{
    char buffer[100];

    begin();
    peer_send(theirs, "hello", 5);
    EQUAL(receive(&ours, buffer, sizeof buffer), 5);
    CHECK(memcmp(buffer, "hello", 5) == 0);
    end();
}

static void a_receive_waits_for_data(void)
{
    char buffer[100];
    mio_op op = { 0 };

    begin();
    EQUAL(mio_receive(q, &op, &ours, buffer, sizeof buffer), 0);
    quiet(q, 20 * MS);
    peer_send(theirs, "late", 4);
    EQUAL(result_of(q, &op), 4);
    EQUAL((int64_t)op.done, 4);
    EQUAL(op.native, 0);
    end();
}

static void a_receive_takes_no_more_than_its_buffer(void)
{
    char buffer[9] = "--------";

    begin();
    peer_send(theirs, "abcdefgh", 8);
    EQUAL(receive(&ours, buffer, 3), 3);
    CHECK(memcmp(buffer, "abc-----", 8) == 0);
    end();
}

static void what_a_receive_left_is_given_to_the_next(void)  /* M2, M3, M4: no new event will tell of it */
{
    char buffer[100];
    mio_op op = { 0 };

    begin();
    EQUAL(mio_receive(q, &op, &ours, buffer, 3), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "abcdefgh", 8);
    EQUAL(result_of(q, &op), 3);
    quiet(q, 5 * MS);                                   /* what is left is not asked for */
    peer_send(theirs, "ij", 2);
    EQUAL((int64_t)receive_all(&ours, buffer, 7), 7);
    CHECK(memcmp(buffer, "defghij", 7) == 0);
    end();
}

static void receives_come_back_in_their_order(void)    /* P9 */
{
    mio_op ops[5], *done[5];
    char buffers[5];

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 5; i++) EQUAL(mio_receive(q, &ops[i], &ours, &buffers[i], 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "abcde", 5);
    wait_all(q, done, 5);
    for (int i = 0; i < 5; i++) {
        CHECK(done[i] == &ops[i]);
        EQUAL(ops[i].result, 1);
        EQUAL(buffers[i], "abcde"[i]);
    }
    end();
}

static void one_event_serves_no_more_receives_than_there_is_data(void)  /* P9 */
{
    mio_op one = { 0 }, other = { 0 };
    char buffers[2][10];

    begin();
    EQUAL(mio_receive(q, &one, &ours, buffers[0], 10), 0);
    EQUAL(mio_receive(q, &other, &ours, buffers[1], 10), 0);
    peer_send(theirs, "abc", 3);
    EQUAL(result_of(q, &one), 3);
    quiet(q, 5 * MS);
    peer_send(theirs, "de", 2);
    EQUAL(result_of(q, &other), 2);
    CHECK(memcmp(buffers[1], "de", 2) == 0);
    end();
}

static void send_byte_after_byte(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < 1000; i++) {
        char byte = pattern(i);
        CHECK(peer_send(theirs, &byte, 1) == 1);
    }
    peer_shut(theirs);
}

static void bytes_that_come_one_by_one_all_arrive(void)
{
    char buffer[1001];
    thread t;

    begin();
    start(&t, send_byte_after_byte, NULL);
    EQUAL((int64_t)receive_all(&ours, buffer, sizeof buffer), 1000);
    CHECK(is_pattern(buffer, 0, 1000));
    join(&t);
    end();
}

static void a_message_read_byte_by_byte_is_whole(void)
{
    char whole[500], buffer[500];

    begin();
    fill_pattern(whole, sizeof whole);
    peer_send(theirs, whole, sizeof whole);
    for (size_t i = 0; i < sizeof whole; i++) EQUAL(receive(&ours, buffer + i, 1), 1);
    CHECK(is_pattern(buffer, 0, sizeof buffer));
    end();
}

static void a_receive_into_no_room_is_refused(void)
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 0), MIO_EINVAL);
    peer_send(theirs, "x", 1);
    quiet(q, 5 * MS);
    EQUAL(receive(&ours, &byte, 1), 1);
    end();
}

/* One byte from one to the other, with the receive waiting for it */
static void pass(mio_socket *from, mio_socket *to, char byte)
{
    mio_op receiving = { 0 }, sending = { 0 }, *done[2];
    char got = 0;

    EQUAL(mio_receive(q, &receiving, to, &got, 1), 0);
    EQUAL(mio_send(q, &sending, from, &byte, 1), 0);
    wait_all(q, done, 2);
    EQUAL(receiving.result, 1);
    EQUAL(sending.result, 1);
    EQUAL(got, byte);
}

static void round_trips_lose_nothing(void)             /* M10 */
{
    mio_socket one, other;

    q = open_queue();
    connected(q, &one, &other);
    for (int i = 0; i < 2000; i++) {
        pass(&one, &other, (char)(i % 100));
        pass(&other, &one, (char)(i % 50));
    }
    close_all(q, &one, 1);
    close_all(q, &other, 1);
    end_queue(q);
}

/* --- sending ---------------------------------------------------------------------------------------- */

static void a_send_arrives(void)
{
    char buffer[5];
    mio_op op = { 0 };

    begin();
    EQUAL(mio_send(q, &op, &ours, "hello", 5), 0);
    EQUAL(result_of(q, &op), 5);
    EQUAL((int64_t)op.done, 5);
    CHECK(peer_receive(theirs, buffer, 5) == 5 && memcmp(buffer, "hello", 5) == 0);
    end();
}

static void a_send_may_take_a_part_and_says_how_much(void)      /* P13 */
{
    mio_op op = { 0 };

    begin_big();
    EQUAL(mio_send(q, &op, &ours, out, BIG), 0);
    int64_t sent = result_of(q, &op);
    CHECK(sent > 0 && sent < BIG);
    EQUAL((int64_t)op.done, sent);
    EQUAL((int64_t)peer_receive(theirs, in, (size_t)sent), sent);
    CHECK(is_pattern(in, 0, (size_t)sent));
    end_big();
}

static void an_empty_send_is_no_end(void)
{
    char buffer[4];
    mio_op op = { 0 };

    begin();
    EQUAL(mio_send(q, &op, &ours, "", 0), 0);
    EQUAL(result_of(q, &op), 0);
    EQUAL(mio_send_all(q, &op, &ours, "", 0), 0);
    EQUAL(result_of(q, &op), 0);
    EQUAL(send_all(&ours, "next", 4), 4);
    EQUAL((int64_t)peer_receive(theirs, buffer, 4), 4);
    end();
}

static void sends_keep_their_order(void)               /* P9 */
{
    mio_op ops[26], *done[26];
    char got[27] = "", letters[] = "abcdefghijklmnopqrstuvwxyz";

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 26; i++) EQUAL(mio_send_all(q, &ops[i], &ours, &letters[i], 1), 0);
    wait_all(q, done, 26);
    for (int i = 0; i < 26; i++) CHECK(done[i] == &ops[i]);
    EQUAL((int64_t)peer_receive(theirs, got, 26), 26);
    CHECK(strcmp(got, letters) == 0);
    end();
}

static void blocked_sends_keep_their_order(void)       /* P9: those that wait behind a big one */
{
    enum { FIRST = BIG - 3 };
    mio_op ops[4], *done[4];
    thread t;

    begin_big();
    memset(ops, 0, sizeof ops);
    EQUAL(mio_send_all(q, &ops[0], &ours, out, FIRST), 0);
    EQUAL(mio_send(q, &ops[1], &ours, "a", 1), 0);
    EQUAL(mio_send_all(q, &ops[2], &ours, "b", 1), 0);
    EQUAL(mio_send(q, &ops[3], &ours, "c", 1), 0);
    quiet(q, 5 * MS);
    start(&t, take, NULL);
    wait_all(q, done, 4);
    for (int i = 0; i < 4; i++) CHECK(done[i] == &ops[i]);
    EQUAL(ops[0].result, FIRST);
    EQUAL((int64_t)ops[0].done, FIRST);
    join(&t);
    CHECK(is_pattern(in, 0, FIRST));
    CHECK(memcmp(in + FIRST, "abc", 3) == 0);
    end_big();
}

/* Theirs reads until something of the queue comes back */
static mio_op *make_room(void)
{
    static char chunk[65536];
    mio_op *done = NULL;

    while (done == NULL) {
        CHECK(peer_receive(theirs, chunk, sizeof chunk) == sizeof chunk);
        CHECK(mio_queue_wait(q, &done, 1, MS) >= 0);
    }
    return done;
}

static void a_blocked_send_goes_on_when_there_is_room(void)     /* C26: and comes back once */
{
    mio_op op = { 0 };

    begin();
    fill(q, &ours);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    CHECK(make_room() == &op);
    EQUAL(op.result, 1);
    quiet(q, 5 * MS);
    end();
}

static void a_send_is_not_told_of_room_it_does_not_wait_for(void)      /* C26, R7 */
{
    static char chunk[65536];
    mio_op op = { 0 };
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    CHECK(peer_receive(theirs, chunk, sizeof chunk) == sizeof chunk);
    quiet(q, 10 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    end();
}

static void send_all_sends_all(void)
{
    thread t;

    begin_big();
    start(&t, take, NULL);
    EQUAL(send_all(&ours, out, BIG), BIG);
    join(&t);
    CHECK(is_pattern(in, 0, BIG));
    end_big();
}

static void a_large_message_is_received_whole(void)
{
    thread t;

    begin_big();
    start(&t, give, NULL);
    EQUAL((int64_t)receive_all(&ours, in, BIG), BIG);
    CHECK(is_pattern(in, 0, BIG));
    join(&t);
    end_big();
}

/* --- both directions -------------------------------------------------------------------------------- */

static void both_directions_wait_at_once(void)
{
    mio_op receiving = { 0 }, sending = { 0 };
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "y", 1);
    EQUAL(result_of(q, &receiving), 1);                 /* the send still has no room */
    CHECK(make_room() == &sending);
    EQUAL(sending.result, 1);
    end();
}

/* One end of a transfer: sends all of `out` in one piece and receives as much, piece by piece */
enum { SENT = 1 << 20 };
struct end {
    mio_socket socket;
    mio_op     sending, receiving;
    char       in[SENT];
    size_t     got;
};

static void begin_transfer(struct end *e, size_t piece)
{
    e->sending.user = e->receiving.user = e;
    EQUAL(mio_receive(q, &e->receiving, &e->socket, e->in, piece), 0);
    EQUAL(mio_send_all(q, &e->sending, &e->socket, out, SENT), 0);
}

/* true: this operation was the last of its kind */
static bool go_on(mio_op *op, size_t piece)
{
    struct end *e = op->user;

    CHECK(op->result > 0);
    if (op == &e->sending) {
        EQUAL(op->result, SENT);
        return true;
    }
    e->got += (size_t)op->result;
    if (e->got == SENT) return true;
    size_t left = SENT - e->got;
    EQUAL(mio_receive(q, op, &e->socket, e->in + e->got, left < piece ? left : piece), 0);
    return false;
}

static void transfer(size_t piece)
{
    static struct end ends[2];
    mio_op *done[4];
    int left = 4;

    out = malloc(SENT);
    CHECK(out != NULL);
    fill_pattern(out, SENT);
    q = open_queue();
    connected(q, &ends[0].socket, &ends[1].socket);
    for (int i = 0; i < 2; i++) begin_transfer(&ends[i], piece);
    while (left > 0) {
        int n = mio_queue_wait(q, done, COUNT(done), 5000 * MS);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) if (go_on(done[i], piece)) left--;
    }
    for (int i = 0; i < 2; i++) {
        CHECK(is_pattern(ends[i].in, 0, SENT));
        close_all(q, &ends[i].socket, 1);
    }
    end_queue(q);
    free(out);
}

static void large_transfers_both_ways_at_once(void) { transfer(65536); }
static void large_transfers_into_small_buffers(void) { transfer(997); }

/* --- the end of a stream ---------------------------------------------------------------------------- */

static void the_end_of_a_stream_is_0(void)             /* C5 */
{
    char byte;

    begin();
    peer_shut(theirs);
    EQUAL(receive(&ours, &byte, 1), 0);
    EQUAL(receive(&ours, &byte, 1), 0);                 /* and stays it */
    end();
}

static void a_waiting_receive_sees_the_end(void)       /* C5 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_shut(theirs);
    EQUAL(result_of(q, &op), 0);
    EQUAL(op.native, 0);
    end();
}

static void all_waiting_receives_see_the_end(void)
{
    mio_op ops[3], *done[3];
    char bytes[3];

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 3; i++) EQUAL(mio_receive(q, &ops[i], &ours, &bytes[i], 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    peer_shut(theirs);
    wait_all(q, done, 3);
    for (int i = 0; i < 3; i++) CHECK(done[i] == &ops[i]);
    EQUAL(ops[0].result, 1);
    EQUAL(ops[1].result, 0);
    EQUAL(ops[2].result, 0);
    end();
}

static void data_comes_before_the_end_that_came_with_it(void)   /* C10, C19 */
{
    char buffer[100];

    begin();
    peer_send(theirs, "last", 4);
    peer_shut(theirs);
    EQUAL((int64_t)receive_all(&ours, buffer, sizeof buffer), 4);
    CHECK(memcmp(buffer, "last", 4) == 0);
    end();
}

static void an_end_in_the_same_event_as_data_is_not_lost(void)  /* C19: a short read, then silence */
{
    char buffer[100];
    mio_op op = { 0 };

    begin();
    for (int i = 0; i < 2; i++) {                       /* the kernel watches it */
        EQUAL(mio_receive(q, &op, &ours, buffer, sizeof buffer), 0);
        quiet(q, 5 * MS);
        peer_send(theirs, "last", 4);
        if (i == 1) peer_shut(theirs);
        nap(10 * MS);                                   /* both are there before the queue looks */
        EQUAL(result_of(q, &op), 4);
    }
    EQUAL(receive(&ours, buffer, sizeof buffer), 0);
    end();
}

static void the_end_is_seen_between_data_and_the_next_receive(void)     /* M2 */
{
    char buffer[100];
    mio_op op = { 0 };

    begin();
    EQUAL(mio_receive(q, &op, &ours, buffer, sizeof buffer), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "last", 4);
    EQUAL(result_of(q, &op), 4);
    peer_shut(theirs);
    quiet(q, 10 * MS);                                  /* the event comes while nobody asks */
    EQUAL(receive(&ours, buffer, sizeof buffer), 0);
    end();
}

static void a_half_closed_connection_still_sends(void) /* C5 */
{
    char buffer[5];

    begin();
    peer_shut(theirs);
    EQUAL(receive(&ours, buffer, 5), 0);
    EQUAL(send_all(&ours, "after", 5), 5);
    EQUAL((int64_t)peer_receive(theirs, buffer, 5), 5);
    end();
}

static void both_halves_can_end(void)                  /* C7 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    peer_shut(theirs);
    EQUAL(receive(&ours, &byte, 1), 0);
    EQUAL(mio_shut(q, &op, &ours, MIO_SHUT_SEND), 0);
    EQUAL(result_of(q, &op), 0);
    EQUAL((int64_t)peer_receive(theirs, &byte, 1), 0);
    end();
}

/* --- urgent data ------------------------------------------------------------------------------------ */

static void urgent_data_is_passed_over(void)           /* C17: the mark cuts a receive short */
{
    char buffer[7] = "";
    mio_op op = { 0 };

    begin();
    EQUAL(mio_receive(q, &op, &ours, buffer, 6), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "abc", 3);
    peer_urgent(theirs, '!');
    peer_send(theirs, "def", 3);
    nap(10 * MS);
    int64_t got = result_of(q, &op);
    CHECK(got > 0);
    if (got < 6) EQUAL((int64_t)receive_all(&ours, buffer + got, (size_t)(6 - got)), 6 - got);
    CHECK(memcmp(buffer, "abcdef", 6) == 0);
    end();
}

static void urgent_data_alone_completes_nothing(void)  /* C17 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_urgent(theirs, '!');
    quiet(q, 20 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    EQUAL(byte, 'x');
    end();
}

/* --- what is not a connection ----------------------------------------------------------------------- */

static void a_socket_that_was_never_connected_has_no_stream(void)       /* C4 */
{
    mio_op op = { 0 };
    char byte;

    q = open_queue();
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(receive(&ours, &byte, 1), MIO_ENOTCONN);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    int64_t sent = result_of(q, &op);
    CHECK(sent == MIO_ENOTCONN || sent == MIO_EPIPE);   /* Linux says EPIPE */
    EQUAL(mio_shut(q, &op, &ours, MIO_SHUT_SEND), 0);
    EQUAL(result_of(q, &op), MIO_ENOTCONN);
    close_all(q, &ours, 1);
    end_queue(q);
}

const struct test stream_tests[] = {
    TEST(a_receive_gives_what_is_there),
    TEST(a_receive_waits_for_data),
    TEST(a_receive_takes_no_more_than_its_buffer),
    TEST(what_a_receive_left_is_given_to_the_next),
    TEST(receives_come_back_in_their_order),
    TEST(one_event_serves_no_more_receives_than_there_is_data),
    TEST(bytes_that_come_one_by_one_all_arrive),
    TEST(a_message_read_byte_by_byte_is_whole),
    TEST(a_receive_into_no_room_is_refused),
    TEST(round_trips_lose_nothing),
    TEST(a_send_arrives),
    TEST(a_send_may_take_a_part_and_says_how_much),
    TEST(an_empty_send_is_no_end),
    TEST(sends_keep_their_order),
    TEST(blocked_sends_keep_their_order),
    TEST(a_blocked_send_goes_on_when_there_is_room),
    TEST(a_send_is_not_told_of_room_it_does_not_wait_for),
    TEST(send_all_sends_all),
    TEST(a_large_message_is_received_whole),
    TEST(both_directions_wait_at_once),
    TEST(large_transfers_both_ways_at_once),
    TEST(large_transfers_into_small_buffers),
    TEST(the_end_of_a_stream_is_0),
    TEST(a_waiting_receive_sees_the_end),
    TEST(all_waiting_receives_see_the_end),
    TEST(data_comes_before_the_end_that_came_with_it),
    TEST(an_end_in_the_same_event_as_data_is_not_lost),
    TEST(the_end_is_seen_between_data_and_the_next_receive),
    TEST(a_half_closed_connection_still_sends),
    TEST(both_halves_can_end),
    TEST(urgent_data_is_passed_over),
    TEST(urgent_data_alone_completes_nothing),
    TEST(a_socket_that_was_never_connected_has_no_stream),
    { NULL, NULL }
};
