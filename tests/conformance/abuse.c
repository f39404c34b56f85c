/*
 * Abuse: thousands of sockets, random programs, peers that are rude, and a process that has run out of
 * descriptors. What is random has a seed, and is the same in each run. Numbers in brackets are rows of the
 * project's list of bugs that shipped elsewhere. SUITE_SCALE=10 makes a tenth of the steps.
 */
#include "suite.h"
#include <stdlib.h>

/* --- what most tests use: each runs in a process of its own, where these are fresh ------------------ */

enum { MANY = 2000 };

static mio_queue *q;
static mio_op op, *done[MANY];
static peer theirs;

static void shuffle(int *numbers, int count)
{
    for (int i = 0; i < count; i++) numbers[i] = i;
    for (int i = count; i > 1; i--) {
        int k = (int)random_below((uint32_t)i), last = numbers[i - 1];
        numbers[i - 1] = numbers[k];
        numbers[k] = last;
    }
}

/* --- random programs -------------------------------------------------------------------------------- */

enum { ENDS = 400, OPS = 6 };

/* One end of a connection, with more to do than one has; the user of each operation is its end */
static struct end {
    mio_socket socket;
    mio_op     ops[OPS];
    bool       inside[OPS], closed;
    char       in[100];
} ends[ENDS];

static int inside;                      /* in the queue, by our count */
static char out[3000];

static void open_ends(int count)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < OPS; k++) ends[i].ops[k].user = &ends[i];
    for (int i = 0; i < count; i += 2) connected(q, &ends[i].socket, &ends[i + 1].socket);
}

static void went_in(struct end *e, int which, int refused)
{
    EQUAL(refused, 0);
    e->inside[which] = true;
    inside++;
}

static bool is_result(int64_t result)
{
    static const int wanted[] = { MIO_ECANCELED, MIO_ETIMEDOUT, MIO_EPIPE, MIO_ECONNRESET, MIO_ENOTCONN };

    for (int i = 0; i < COUNT(wanted); i++) if (result == wanted[i]) return true;
    return result >= 0;
}

/* Whatever comes back is inside by our count, and afterwards it is not */
static void came_back(mio_op *came)
{
    struct end *e = came->user;
    int which = (int)(came - e->ops);

    CHECK(which >= 0 && which < OPS && e->inside[which]);
    CHECK(is_result(came->result));
    CHECK(came->result <= (int64_t)sizeof out);
    e->inside[which] = false;
    inside--;
}

static int collect(int capacity, int64_t timeout)
{
    int n = mio_queue_wait(q, done, capacity, timeout);

    CHECK(n >= 0);
    for (int i = 0; i < n; i++) came_back(done[i]);
    return n;
}

static void close_end(struct end *e, int which, bool reset)
{
    if (reset) close_will_reset(e->socket.native);
    went_in(e, which, mio_socket_close(q, &e->ops[which], &e->socket));
    e->closed = true;
}

static void receive_something(struct end *e, int which)
{
    mio_op_receive(&e->ops[which], &e->socket, e->in, 1 + random_below(sizeof e->in));
    if (random_below(4) == 0) e->ops[which].deadline = mio_now() + (int64_t)random_below(2 * MS);
    went_in(e, which, mio_queue_submit(q, &e->ops[which]));
}

static void send_something(struct end *e, int which)
{
    size_t length = 1 + random_below(sizeof out);

    if (random_below(2) == 0) mio_op_send(&e->ops[which], &e->socket, out, length);
    else mio_op_send_all(&e->ops[which], &e->socket, out, length);
    if (random_below(4) == 0) e->ops[which].deadline = mio_now() + (int64_t)random_below(2 * MS);
    went_in(e, which, random_below(8) == 0 ? mio_queue_post(q, &e->ops[which]) : mio_queue_submit(q, &e->ops[which]));
}

static void do_something(struct end *e)
{
    int which = (int)random_below(OPS), what = (int)random_below(1000);

    if (e->inside[which]) {
        if (what < 300) EQUAL(mio_queue_cancel(q, &e->ops[which]), 0);
        else EQUAL(mio_queue_submit(q, &e->ops[which]), MIO_EBUSY);
    } else if (e->closed) return;
    else if (what < 480) receive_something(e, which);
    else if (what < 960) send_something(e, which);
    else if (what < 980) went_in(e, which, mio_shut(q, &e->ops[which], &e->socket, 1 + (int)random_below(3)));
    else if (what < 995) went_in(e, which, mio_timer(q, &e->ops[which], mio_now() + (int64_t)random_below(3 * MS)));
    else close_end(e, which, random_below(2) == 0);
}

static void close_what_is_open(int count)
{
    for (int i = 0; i < count; i++) {
        struct end *e = &ends[i];
        int free_one = 0;
        while (free_one < OPS && e->inside[free_one]) free_one++;
        if (e->closed) continue;
        if (free_one == OPS) {
            EQUAL(mio_queue_cancel(q, &e->ops[0]), 0);
            while (e->inside[0]) collect(64, 1000 * MS);
            free_one = 0;
        }
        close_end(e, free_one, false);
    }
}

static void run_random_program(uint32_t with, uint32_t events, int steps)
{
    mio_options options = { .events = events };

    random_from(with);
    EQUAL(mio_queue_open(&q, &options), 0);
    open_ends(ENDS);
    for (int step = 0; step < steps; step++) {
        do_something(&ends[random_below(ENDS)]);
        if (random_below(8) == 0) collect(1 + (int)random_below(16), 0);
    }
    close_what_is_open(ENDS);
    while (inside > 0) CHECK(collect(MANY, 1000 * MS) > 0);
    quiet(q, 5 * MS);
    end_queue(q);
}

/* [T12] As many came back as were taken */
static void random_programs_get_back_what_they_submitted_1(void) { run_random_program(1, 0, scaled(60000)); }
static void random_programs_get_back_what_they_submitted_2(void) { run_random_program(20202, 1, scaled(60000)); }
static void random_programs_get_back_what_they_submitted_3(void) { run_random_program(987654321, 7, scaled(60000)); }

/* [P1, X2] The queue is shut down in the middle of it all */
static void a_random_program_that_is_shut_down_gets_everything_back(void)
{
    q = open_queue();
    open_ends(100);
    for (int step = 0; step < 5000; step++) {
        do_something(&ends[random_below(100)]);
        if (random_below(16) == 0) collect(8, 0);
    }
    EQUAL(mio_queue_shutdown(q), 0);
    while (inside > 0) CHECK(collect(7, 1000 * MS) > 0);
    EQUAL(mio_queue_wait(q, done, MANY, -1), MIO_ESHUTDOWN);
    close_what_is_open(100);
    while (inside > 0) CHECK(collect(7, 1000 * MS) > 0);
    end_queue(q);
}

/* [X2] Before each close, all that was pending on its socket */
static void closing_all_in_random_order_ends_all_that_is_pending(void)
{
    int order[ENDS];

    q = open_queue();
    open_ends(ENDS);
    shuffle(order, ENDS);
    for (int i = 0; i < ENDS; i++)
        for (int k = 1; k < 4; k++)
            went_in(&ends[i], k, mio_receive(q, &ends[i].ops[k], &ends[i].socket, ends[i].in, 1));
    for (int i = 0; i < ENDS; i++) {
        close_end(&ends[order[i]], 0, i % 3 == 0);
        if (i % 10 == 0) collect(20, 0);
    }
    while (inside > 0) {
        int n = collect(10, 1000 * MS);
        for (int i = 0; i < n; i++) {
            struct end *e = done[i]->user;
            CHECK(done[i] != &e->ops[0] || !(e->inside[1] || e->inside[2] || e->inside[3]));
        }
    }
    quiet(q, 0);
    end_queue(q);
}

/* [S1] Both are ready in one batch; the first to come closes the other's socket */
static void closing_one_of_a_batch_leaves_the_other_its_one_completion(void)
{
    q = open_queue();
    open_ends(4);
    for (int i = 0; i < 4; i += 2)
        went_in(&ends[i], 0, mio_receive(q, &ends[i].ops[0], &ends[i].socket, ends[i].in, 1));
    collect(1, 0);
    for (int i = 1; i < 4; i += 2) {
        went_in(&ends[i], 1, mio_send(q, &ends[i].ops[1], &ends[i].socket, "x", 1));
        CHECK(mio_queue_wait(q, done, 1, 0) == 1 && done[0] == &ends[i].ops[1]);
        came_back(done[0]);
    }
    nap(10 * MS);
    CHECK(mio_queue_wait(q, done, 1, -1) == 1);
    came_back(done[0]);
    struct end *rest = done[0] == &ends[0].ops[0] ? &ends[2] : &ends[0];
    close_end(rest, 1, false);
    while (inside > 0) collect(1, 1000 * MS);
    close_what_is_open(4);
    while (inside > 0) collect(4, 1000 * MS);
    end_queue(q);
}

/* --- many sockets ----------------------------------------------------------------------------------- */

static mio_socket sockets[MANY];
static mio_op receives[MANY], sends[MANY];
static char received[MANY];
static bool came[MANY];

static void all_get_a_byte(int count)
{
    int *order = malloc((size_t)count * sizeof *order);

    CHECK(order != NULL);
    memset(came, 0, sizeof came);
    shuffle(order, count);
    for (int i = 0; i < count; i++) EQUAL(mio_receive(q, &receives[i], &sockets[i], &received[i], 1), 0);
    quiet(q, 0);
    for (int i = 0; i < count; i++) EQUAL(mio_send(q, &sends[i], &sockets[order[i]], "x", 1), 0);
    for (int left = 2 * count; left > 0; left--) {
        mio_op *o = wait_one(q);
        EQUAL(o->result, 1);
        if (o < receives || o >= receives + MANY) continue;
        CHECK(!came[o - receives]);
        came[o - receives] = true;
    }
    for (int i = 0; i < count; i++) CHECK(came[i]);
    free(order);
}

/* [R22] Descriptors with numbers that no select() has heard of */
static void two_thousand_sockets_are_ready_and_all_of_them_are_told(void)
{
    if (!room_for(MANY + 100)) suite_skip("not enough descriptors");
    q = open_queue();
    for (int i = 0; i < MANY; i += 2) connected(q, &sockets[i], &sockets[i + 1]);
    CHECK(sockets[MANY - 1].native > 1024);
    for (int round = 0; round < 3; round++) all_get_a_byte(MANY);
    close_all(q, sockets, MANY);
    end_queue(q);
}

/* [R23] Where groups of sockets have a size, on its edges */
static void numbers_of_sockets_around_powers_of_two_lose_nothing(void)
{
    static const int counts[] = { 2, 30, 32, 34, 62, 64, 66, 126, 128, 130 };

    for (int c = 0; c < COUNT(counts); c++) {
        q = open_queue();
        for (int i = 0; i < counts[c]; i += 2) connected(q, &sockets[i], &sockets[i + 1]);
        all_get_a_byte(counts[c]);
        all_get_a_byte(counts[c]);
        close_all(q, sockets, counts[c]);
        end_queue(q);
    }
}

/* [M10] */
static void ten_thousand_bytes_each_awaited_anew_all_arrive(void)
{
    q = open_queue();
    connected(q, &sockets[0], &sockets[1]);
    for (int i = 0; i < scaled(10000); i++) {
        char sent = (char)i, got = (char)~i;
        EQUAL(mio_receive(q, &receives[0], &sockets[i % 2], &got, 1), 0);
        EQUAL(mio_send(q, &sends[0], &sockets[1 - i % 2], &sent, 1), 0);
        wait_all(q, done, 2);
        CHECK(got == sent);
    }
    close_all(q, sockets, 2);
    end_queue(q);
}

/* [P9] Two thousand receives of one byte on one socket, every third of them cancelled */
static void a_long_list_with_holes_keeps_its_order(void)
{
    int order[MANY], left = 0, text = 0;
    char sent[MANY];

    q = open_queue();
    connected(q, &sockets[0], &sockets[1]);
    shuffle(order, MANY);
    for (int i = 0; i < MANY; i++) EQUAL(mio_receive(q, &receives[i], &sockets[0], &received[i], 1), 0);
    for (int i = 0; i < MANY; i++) {
        sent[i] = (char)i;
        if (order[i] % 3 == 0) EQUAL(mio_queue_cancel(q, &receives[order[i]]), 0);
        else left++;
    }
    wait_all(q, done, MANY - left);
    EQUAL(mio_send_all(q, &op, &sockets[1], sent, (size_t)left), 0);
    wait_all(q, done, left + 1);
    for (int i = 0; i < MANY; i++) {
        EQUAL(receives[i].result, i % 3 == 0 ? MIO_ECANCELED : 1);
        if (i % 3 != 0) EQUAL(received[i], sent[text++]);
    }
    close_all(q, sockets, 2);
    end_queue(q);
}

/* --- rude peers ------------------------------------------------------------------------------------- */

enum { CHUNK = 10000, CHUNKS = 100 };

static char pattern[CHUNK * CHUNKS], heard[CHUNK * CHUNKS];

static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)random_below(256);
}

static void reads_in_small_pieces(void *unused)
{
    size_t got = 0, want = 1, n;

    (void)unused;
    while ((n = peer_receive(theirs, heard + got, want)) > 0) {
        got += n;
        want = 1 + got % 4096 < sizeof heard - got ? 1 + got % 4096 : sizeof heard - got;
        if (got % 8 == 0) nap(MS / 10);
        if (got == sizeof heard) return;
    }
}

/* [C26] */
static void a_slow_reader_gets_all_sends_in_order(void)
{
    thread t;

    fill_pattern();
    q = open_queue();
    peered(q, &sockets[0], &theirs);
    small_send_buffer(sockets[0].native);
    start(&t, reads_in_small_pieces, NULL);
    for (int i = 0; i < CHUNKS; i++)
        EQUAL(mio_send_all(q, &sends[i], &sockets[0], pattern + i * CHUNK, CHUNK), 0);
    for (int i = 0; i < CHUNKS; i++) EQUAL(result_of(q, &sends[i]), CHUNK);
    join(&t);
    CHECK(memcmp(heard, pattern, sizeof pattern) == 0);
    peer_close(theirs);
    close_all(q, sockets, 1);
    end_queue(q);
}

static void sends_byte_by_byte(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++) CHECK(peer_send(theirs, &pattern[i], 1) == 1);
    peer_shut(theirs);
}

static void a_client_that_sends_byte_by_byte_is_heard_to_the_end(void)
{
    int64_t got = 0, n;
    thread t;

    fill_pattern();
    q = open_queue();
    peered(q, &sockets[0], &theirs);
    start(&t, sends_byte_by_byte, NULL);
    do {
        EQUAL(mio_receive(q, &op, &sockets[0], heard + got, 64), 0);
        n = result_of(q, &op);
        CHECK(n >= 0);
        got += n;
    } while (n > 0);
    EQUAL(got, 2000);
    CHECK(memcmp(heard, pattern, 2000) == 0);
    join(&t);
    peer_close(theirs);
    close_all(q, sockets, 1);
    end_queue(q);
}

enum { RUDE = 300 };
static mio_address server;

/* The last one is polite, and says so */
static void connects_and_resets(void *unused)
{
    (void)unused;
    for (int i = 0; i < RUDE; i++) {
        peer p = peer_connect(&server);
        if (i % 3 == 0) peer_send(p, "y", 1);
        peer_reset(p);
    }
    theirs = peer_connect(&server);
    peer_send(theirs, "x", 1);
}

/* What an accepted connection says; then it is closed */
static char serve_rude(mio_socket *s)
{
    char first = '?';

    EQUAL(mio_receive(q, &op, s, &first, 1), 0);
    int64_t result = result_of(q, &op);
    CHECK(result == 1 || result == MIO_ECONNRESET);
    close_all(q, s, 1);
    return first;
}

/* [C24] */
static void peers_that_connect_and_reset_at_once_do_not_stop_an_accept(void)
{
    mio_socket listener, accepted;
    thread t;
    int served = 0;

    q = open_queue();
    listening(&listener, &server);
    start(&t, connects_and_resets, NULL);
    for (char first = '?'; first != 'x'; served++) {
        mio_op accept = { 0 };
        EQUAL(mio_accept(q, &accept, &listener, &accepted), 0);
        EQUAL(result_of(q, &accept), 0);
        first = serve_rude(&accepted);
    }
    CHECK(served <= RUDE + 1);
    join(&t);
    peer_close(theirs);
    close_all(q, &listener, 1);
    end_queue(q);
}

/* A connection's life, from accept to close on both sides */
static void one_life(mio_socket *listener)
{
    mio_socket *client = &sockets[0], *accepted = &sockets[1];
    char got[4];

    EQUAL(mio_socket_open(client, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_accept(q, &receives[0], listener, accepted), 0);
    EQUAL(mio_connect(q, &sends[0], client, &server), 0);
    wait_all(q, done, 2);
    CHECK(receives[0].result == 0 && sends[0].result == 0);
    EQUAL(mio_receive(q, &receives[0], accepted, got, sizeof got), 0);
    EQUAL(mio_send(q, &sends[0], client, "abc", 3), 0);
    wait_all(q, done, 2);
    EQUAL(receives[0].result, 3);
    EQUAL(mio_receive(q, &receives[0], accepted, got, sizeof got), 0);
    EQUAL(mio_socket_close(q, &sends[0], client), 0);
    wait_all(q, done, 2);
    EQUAL(receives[0].result, 0);
    close_all(q, accepted, 1);
}

/* [S9, R5] The same numbers again and again */
static void two_thousand_connections_come_and_go(void)
{
    mio_socket listener;

    q = open_queue();
    listening(&listener, &server);
    for (int i = 0; i < scaled(2000); i++) one_life(&listener);
    close_all(q, &listener, 1);
    end_queue(q);
}

/* --- nothing left ----------------------------------------------------------------------------------- */

static void accept_says(mio_socket *listener, int64_t wanted)
{
    EQUAL(mio_accept(q, &op, listener, &sockets[0]), 0);
    EQUAL(result_of(q, &op), wanted);
}

/* [C24] On most systems no connection is lost by it; that is theirs to decide */
static void without_descriptors_accept_fails_and_works_again_afterwards(void)
{
    mio_socket listener;
    peer clients[3];

    q = open_queue();
    listening(&listener, &server);
    for (int i = 0; i < 3; i++) clients[i] = peer_connect(&server);
    nap(5 * MS);
    take_descriptors(0);
    for (int i = 0; i < 2; i++) accept_says(&listener, MIO_EMFILE);
    give_descriptors_back();
    accept_says(&listener, 0);
    close_all(q, sockets, 1);
    close_all(q, &listener, 1);
    for (int i = 0; i < 3; i++) peer_close(clients[i]);
    end_queue(q);
}

/* [C24] The accept waits already, and what it would need is gone when the connection comes */
static void an_accept_that_waits_hears_that_descriptors_ran_out(void)
{
    mio_op accept = { 0 }, connect = { 0 };
    mio_socket listener;

    q = open_queue();
    listening(&listener, &server);
    EQUAL(mio_socket_open(&sockets[1], MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_accept(q, &accept, &listener, &sockets[0]), 0);
    quiet(q, 0);
    take_descriptors(0);
    EQUAL(mio_connect(q, &connect, &sockets[1], &server), 0);
    wait_all(q, done, 2);
    give_descriptors_back();
    EQUAL(connect.result, 0);
    EQUAL(accept.result, MIO_EMFILE);
    theirs = peer_connect(&server);
    accept_says(&listener, 0);
    close_all(q, sockets, 2);
    close_all(q, &listener, 1);
    peer_close(theirs);
    end_queue(q);
}

static void without_descriptors_a_socket_does_not_open(void)
{
    take_descriptors(0);
    int opened = mio_socket_open(&sockets[0], MIO_IPV4, MIO_STREAM);
    give_descriptors_back();
    EQUAL(opened, MIO_EMFILE);
}

/* --- several queues --------------------------------------------------------------------------------- */

static bool fine[4];

/* Each thread has its queue and its connections, and knows nothing of the others */
static void lives_alone(void *argument)
{
    bool *ended_well = argument;
    mio_queue *own = open_queue();
    mio_socket two[2];
    mio_op receive = { 0 }, send = { 0 }, *both[2];

    for (int round = 0; round < 10; round++) {
        connected(own, &two[0], &two[1]);
        for (int i = 0; i < scaled(300); i++) {
            char sent = (char)i, got = (char)~i;
            EQUAL(mio_receive(own, &receive, &two[i % 2], &got, 1), 0);
            EQUAL(mio_send(own, &send, &two[1 - i % 2], &sent, 1), 0);
            wait_all(own, both, 2);
            CHECK(got == sent);
        }
        close_all(own, two, 2);
    }
    end_queue(own);
    *ended_well = true;
}

static void four_threads_with_a_queue_each_do_not_meet(void)
{
    thread t[4];

    for (int i = 0; i < 4; i++) start(&t[i], lives_alone, &fine[i]);
    for (int i = 0; i < 4; i++) join(&t[i]);
    for (int i = 0; i < 4; i++) CHECK(fine[i]);
}

const struct test abuse_tests[] = {
    TEST(random_programs_get_back_what_they_submitted_1),
    TEST(random_programs_get_back_what_they_submitted_2),
    TEST(random_programs_get_back_what_they_submitted_3),
    TEST(a_random_program_that_is_shut_down_gets_everything_back),
    TEST(closing_all_in_random_order_ends_all_that_is_pending),
    TEST(closing_one_of_a_batch_leaves_the_other_its_one_completion),
    TEST(two_thousand_sockets_are_ready_and_all_of_them_are_told),
    TEST(numbers_of_sockets_around_powers_of_two_lose_nothing),
    TEST(ten_thousand_bytes_each_awaited_anew_all_arrive),
    TEST(a_long_list_with_holes_keeps_its_order),
    TEST(a_slow_reader_gets_all_sends_in_order),
    TEST(a_client_that_sends_byte_by_byte_is_heard_to_the_end),
    TEST(peers_that_connect_and_reset_at_once_do_not_stop_an_accept),
    TEST(two_thousand_connections_come_and_go),
    TEST(without_descriptors_accept_fails_and_works_again_afterwards),
    TEST(an_accept_that_waits_hears_that_descriptors_ran_out),
    TEST(without_descriptors_a_socket_does_not_open),
    TEST(four_threads_with_a_queue_each_do_not_meet),
    { NULL, NULL }
};
