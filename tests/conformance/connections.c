/* Connecting and accepting. The ids are those of the known bugs of the field */
#if !defined(_WIN32)
#define _DARWIN_C_SOURCE
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>
#endif
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>

/* Each test is a process of its own: a queue `q`, and a listener */
static mio_queue  *q;
static mio_socket  listener;
static mio_address address;

static void begin(void)
{
    q = open_queue();
    listening(&listener, &address);
}

static void end(void)
{
    close_all(q, &listener, 1);
    end_queue(q);
}

static void open_stream(mio_socket *s) { EQUAL(mio_socket_open(s, MIO_IPV4, MIO_STREAM), 0); }

static int64_t connect_to(mio_socket *s, const mio_address *to)
{
    mio_op op = { 0 };

    EQUAL(mio_connect(q, &op, s, to), 0);
    return result_of(q, &op);
}

static int64_t accept_from(mio_socket *from, mio_socket *accepted)
{
    mio_op op = { 0 };

    EQUAL(mio_accept(q, &op, from, accepted), 0);
    return result_of(q, &op);
}

/* A byte goes from one to the other */
static void pass(mio_socket *from, mio_socket *to)
{
    mio_op sending = { 0 }, receiving = { 0 }, *done[2];
    char got = 0;

    EQUAL(mio_receive(q, &receiving, to, &got, 1), 0);
    EQUAL(mio_send(q, &sending, from, "x", 1), 0);
    wait_all(q, done, 2);
    EQUAL(sending.result, 1);
    EQUAL(receiving.result, 1);
    EQUAL(got, 'x');
}

/* --- connecting ------------------------------------------------------------------------------------- */

static void a_connect_completes_once_and_the_stream_works(void)        /* C1 */
{
    mio_socket ours, theirs;

    begin();
    open_stream(&ours);
    EQUAL(connect_to(&ours, &address), 0);
    quiet(q, 10 * MS);
    EQUAL(accept_from(&listener, &theirs), 0);
    pass(&ours, &theirs);
    pass(&theirs, &ours);
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    end();
}

static void a_connect_to_nobody_is_refused_once(void)  /* C3 */
{
    mio_op op = { 0 };
    mio_socket ours;

    begin();
    refused_address(&address);
    open_stream(&ours);
    EQUAL(mio_connect(q, &op, &ours, &address), 0);
    EQUAL(result_of(q, &op), MIO_ECONNREFUSED);
    CHECK(op.native != 0);
    quiet(q, 10 * MS);
    close_all(q, &ours, 1);
    end();
}

static void a_connected_socket_is_connected_already(void)
{
    mio_socket ours, theirs;

    begin();
    connected(q, &ours, &theirs);
    EQUAL(connect_to(&ours, &address), MIO_EISCONN);
    pass(&ours, &theirs);
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    end();
}

static void a_stream_cannot_be_broadcast(void)
{
    mio_address everywhere;
    mio_socket ours;

    begin();
    EQUAL(mio_address_parse(&everywhere, "255.255.255.255", 9), 0);
    open_stream(&ours);
    int64_t result = connect_to(&ours, &everywhere);    /* each system finds its own word */
    CHECK(result == MIO_EUNREACHABLE || result == MIO_EACCES || result == MIO_EADDRNOTAVAIL);
    close_all(q, &ours, 1);
    end();
}

static void an_address_of_another_family_is_an_error(void)
{
    mio_address six;
    mio_socket ours;

    begin();
    EQUAL(mio_address_parse(&six, "::1", 9), 0);
    open_stream(&ours);
    EQUAL(connect_to(&ours, &six), MIO_EINVAL);
    close_all(q, &ours, 1);
    end();
}

static void after_a_connect_its_address_is_the_callers(void)
{
    mio_op connecting = { 0 }, accepting = { 0 }, *done[2];
    mio_address *to = malloc(sizeof *to);
    mio_socket ours, theirs;

    begin();
    CHECK(to != NULL);
    *to = address;
    open_stream(&ours);
    EQUAL(mio_accept(q, &accepting, &listener, &theirs), 0);
    EQUAL(mio_connect(q, &connecting, &ours, to), 0);
    wait_all(q, done, 2);
    free(to);
    pass(&ours, &theirs);
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    end();
}

static void both_ends_know_their_addresses(void)
{
    mio_address ours_local, ours_peer, theirs_local, theirs_peer;
    mio_socket ours, theirs;

    begin();
    open_stream(&ours);
    EQUAL(connect_to(&ours, &address), 0);
    EQUAL(accept_from(&listener, &theirs), 0);
    EQUAL(mio_socket_local(&ours, &ours_local), 0);
    EQUAL(mio_socket_peer(&ours, &ours_peer), 0);
    EQUAL(mio_socket_local(&theirs, &theirs_local), 0);
    EQUAL(mio_socket_peer(&theirs, &theirs_peer), 0);
    EQUAL(mio_address_port(&ours_peer), mio_address_port(&address));
    EQUAL(mio_address_port(&theirs_local), mio_address_port(&address));
    EQUAL(mio_address_port(&theirs_peer), mio_address_port(&ours_local));
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    end();
}

static void an_open_socket_has_no_peer(void)           /* C4 */
{
    mio_address peer_address;
    mio_socket ours;

    begin();
    open_stream(&ours);
    EQUAL(mio_socket_peer(&ours, &peer_address), MIO_ENOTCONN);
    close_all(q, &ours, 1);
    end();
}

/* --- accepting -------------------------------------------------------------------------------------- */

static void an_accept_waits_for_a_connection(void)
{
    mio_op op = { 0 };
    mio_socket ours;

    begin();
    EQUAL(mio_accept(q, &op, &listener, &ours), 0);
    quiet(q, 20 * MS);
    peer theirs = peer_connect(&address);
    EQUAL(result_of(q, &op), 0);
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

static void a_connection_older_than_the_accept_is_accepted(void)       /* C10 */
{
    mio_socket ours;

    begin();
    peer theirs = peer_connect(&address);
    EQUAL(accept_from(&listener, &ours), 0);
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

static void two_connections_in_one_event_are_two_accepts(void)         /* C23 */
{
    mio_op op = { 0 };
    mio_socket ours[2];
    peer theirs[2];

    begin();
    EQUAL(mio_accept(q, &op, &listener, &ours[0]), 0);
    quiet(q, 5 * MS);
    for (int i = 0; i < 2; i++) theirs[i] = peer_connect(&address);
    nap(5 * MS);
    EQUAL(result_of(q, &op), 0);
    quiet(q, 5 * MS);                                   /* nobody asked for the second */
    EQUAL(accept_from(&listener, &ours[1]), 0);
    for (int i = 0; i < 2; i++) peer_close(theirs[i]);
    close_all(q, ours, 2);
    end();
}

static void accepts_come_back_in_their_order(void)     /* P9 */
{
    mio_op ops[4], *done[4];
    mio_socket ours[4];
    peer theirs[4];

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 4; i++) EQUAL(mio_accept(q, &ops[i], &listener, &ours[i]), 0);
    quiet(q, 5 * MS);
    for (int i = 0; i < 4; i++) theirs[i] = peer_connect(&address);
    wait_all(q, done, 4);
    for (int i = 0; i < 4; i++) {
        CHECK(done[i] == &ops[i]);
        EQUAL(ops[i].result, 0);
        peer_close(theirs[i]);
    }
    close_all(q, ours, 4);
    end();
}

static void a_listener_that_was_quiet_for_long_still_accepts(void)     /* C23, M2 */
{
    begin();
    for (int i = 0; i < 50; i++) {                      /* in turn: waiting for it, and after it came */
        mio_op op = { 0 };
        mio_socket ours;
        peer theirs = 0;

        if (i % 2 == 0) theirs = peer_connect(&address);
        EQUAL(mio_accept(q, &op, &listener, &ours), 0);
        if (i % 2 != 0) theirs = peer_connect(&address);
        EQUAL(result_of(q, &op), 0);
        peer_close(theirs);
        close_all(q, &ours, 1);
    }
    end();
}

/* Some systems pass over who came and went, others give a connection that is cut */
static void an_accept_survives_a_peer_that_gave_up(void)       /* C24 */
{
    mio_op receiving = { 0 };
    mio_socket ours;
    char byte;
    int64_t got = 0;

    begin();
    peer_reset(peer_connect(&address));
    peer theirs = peer_connect(&address);
    peer_send(theirs, "x", 1);
    while (got != 1) {
        EQUAL(accept_from(&listener, &ours), 0);
        EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
        got = result_of(q, &receiving);
        CHECK(got == 1 || got == MIO_ECONNRESET);
        close_all(q, &ours, 1);
    }
    peer_close(theirs);
    end();
}

static void who_does_not_listen_cannot_accept(void)
{
    mio_socket ours, accepted;

    begin();
    open_stream(&ours);
    EQUAL(accept_from(&ours, &accepted), MIO_EINVAL);
    close_all(q, &ours, 1);
    end();
}

static void a_cancelled_accept_leaves_the_connection_to_the_next(void) /* R5, R6 */
{
    mio_op first = { 0 };
    mio_socket unused, ours;

    begin();
    EQUAL(mio_accept(q, &first, &listener, &unused), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &first), 0);
    EQUAL(result_of(q, &first), MIO_ECANCELED);
    peer theirs = peer_connect(&address);
    quiet(q, 5 * MS);                                   /* the kernel tells of it, and nobody asked */
    EQUAL(accept_from(&listener, &ours), 0);
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

/* Or the first comes back with it after all, where the kernel had accepted it already */
static void a_new_accept_takes_what_came_for_a_cancelled_one(void)     /* R6 */
{
    mio_op first = { 0 }, second = { 0 };
    mio_socket one, other;

    begin();
    EQUAL(mio_accept(q, &first, &listener, &one), 0);
    quiet(q, 5 * MS);
    peer theirs = peer_connect(&address);
    nap(5 * MS);                                        /* the event is in the kernel */
    EQUAL(mio_queue_cancel(q, &first), 0);
    EQUAL(mio_accept(q, &second, &listener, &other), 0);
    int64_t result = result_of(q, &first);
    if (result == 0) {
        close_all(q, &one, 1);
        peer_close(theirs);
        theirs = peer_connect(&address);
    } else EQUAL(result, MIO_ECANCELED);
    EQUAL(result_of(q, &second), 0);
    peer_close(theirs);
    close_all(q, &other, 1);
    end();
}

static void an_accepted_socket_can_serve_another_queue(void)
{
    mio_op op = { 0 };
    mio_socket ours;
    char byte;

    begin();
    mio_queue *second = open_queue();
    peer theirs = peer_connect(&address);
    EQUAL(accept_from(&listener, &ours), 0);
    EQUAL(mio_receive(second, &op, &ours, &byte, 1), 0);
    quiet(second, 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(second, &op), 1);
    quiet(q, 5 * MS);
    peer_close(theirs);
    close_all(second, &ours, 1);
    end_queue(second);
    end();
}

static void many_connections_at_once(void)
{
    enum { MANY = 100 };
    static mio_op connecting[MANY], accepting[MANY], *done[2 * MANY];
    static mio_socket ours[MANY], theirs[MANY];
    int accepted = 0;

    if (!room_for(2 * MANY + 50)) suite_skip("too few descriptors are allowed");
    begin();
    for (int i = 0; i < MANY; i++) {
        open_stream(&ours[i]);
        EQUAL(mio_accept(q, &accepting[i], &listener, &theirs[i]), 0);
        EQUAL(mio_connect(q, &connecting[i], &ours[i], &address), 0);
    }
    wait_all(q, done, 2 * MANY);
    for (int i = 0; i < 2 * MANY; i++) {
        EQUAL(done[i]->result, 0);
        if (done[i] >= &accepting[0] && done[i] < &accepting[MANY]) CHECK(done[i] == &accepting[accepted++]);
    }
    EQUAL(accepted, MANY);
    close_all(q, ours, MANY);
    close_all(q, theirs, MANY);
    end();
}

/* --- other families --------------------------------------------------------------------------------- */

static void connections_over_ipv6(void)
{
    mio_socket six, ours, theirs;

    begin();
    int opened = mio_socket_open(&six, MIO_IPV6, MIO_STREAM);
    if (opened != 0) suite_skip("no IPv6 here");
    EQUAL(mio_address_parse(&address, "::1", 0), 0);
    if (mio_socket_bind(&six, &address) != 0) suite_skip("no IPv6 loopback here");
    EQUAL(mio_socket_listen(&six, 0), 0);
    EQUAL(mio_socket_local(&six, &address), 0);
    EQUAL(mio_address_family(&address), MIO_IPV6);
    EQUAL(mio_socket_open(&ours, MIO_IPV6, MIO_STREAM), 0);
    EQUAL(connect_to(&ours, &address), 0);
    EQUAL(accept_from(&six, &theirs), 0);
    pass(&ours, &theirs);
    pass(&theirs, &ours);
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    close_all(q, &six, 1);
    end();
}

/* --- descriptors ------------------------------------------------------------------------------------ */

static void an_accepted_socket_is_non_blocking_and_not_inherited(void) /* C25 */
{
    mio_socket ours;

    begin();
    peer theirs = peer_connect(&address);
    EQUAL(accept_from(&listener, &ours), 0);
    CHECK(peer_is_private(ours.native));
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

static void an_accept_without_descriptors_says_so_and_works_again(void)        /* C24 */
{
    mio_socket ours;

    begin();
    peer theirs = peer_connect(&address);
    take_descriptors(0);
    EQUAL(accept_from(&listener, &ours), MIO_EMFILE);
    EQUAL(accept_from(&listener, &ours), MIO_EMFILE);
    give_descriptors_back();
    EQUAL(accept_from(&listener, &ours), 0);            /* the connection was not lost */
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

static void a_waiting_accept_without_descriptors_says_so_once(void)    /* C24 */
{
    mio_op op = { 0 };
    mio_socket ours;

    begin();
    EQUAL(mio_accept(q, &op, &listener, &ours), 0);
    quiet(q, 5 * MS);
    peer theirs = peer_connect(&address);
    take_descriptors(0);
    EQUAL(result_of(q, &op), MIO_EMFILE);
    quiet(q, 10 * MS);                                  /* no spinning: it has come back */
    give_descriptors_back();
    EQUAL(accept_from(&listener, &ours), 0);
    peer_close(theirs);
    close_all(q, &ours, 1);
    end();
}

static void a_thousand_sockets_beyond_descriptor_1024(void)    /* R22 */
{
    enum { MANY = 1000 };
    static mio_op ops[MANY], *done[MANY];
    static mio_socket ours[MANY];
    static peer theirs[MANY];
    static char bytes[MANY];

    if (!room_for(2 * MANY + 50)) suite_skip("too few descriptors are allowed");
    begin();
    for (int i = 0; i < MANY; i++) {
        theirs[i] = peer_connect(&address);
        EQUAL(accept_from(&listener, &ours[i]), 0);
        EQUAL(mio_receive(q, &ops[i], &ours[i], &bytes[i], 1), 0);
    }
    CHECK(ours[MANY - 1].native > 1024);
    quiet(q, 5 * MS);
    for (int i = 0; i < MANY; i++) peer_send(theirs[i], "x", 1);
    wait_all(q, done, MANY);
    for (int i = 0; i < MANY; i++) {
        EQUAL(ops[i].result, 1);
        peer_close(theirs[i]);
    }
    close_all(q, ours, MANY);
    end();
}

const struct test connection_tests[] = {
    TEST(a_connect_completes_once_and_the_stream_works),
    TEST(a_connect_to_nobody_is_refused_once),
    TEST(a_connected_socket_is_connected_already),
    TEST(a_stream_cannot_be_broadcast),
    TEST(an_address_of_another_family_is_an_error),
    TEST(after_a_connect_its_address_is_the_callers),
    TEST(both_ends_know_their_addresses),
    TEST(an_open_socket_has_no_peer),
    TEST(an_accept_waits_for_a_connection),
    TEST(a_connection_older_than_the_accept_is_accepted),
    TEST(two_connections_in_one_event_are_two_accepts),
    TEST(accepts_come_back_in_their_order),
    TEST(a_listener_that_was_quiet_for_long_still_accepts),
    TEST(an_accept_survives_a_peer_that_gave_up),
    TEST(who_does_not_listen_cannot_accept),
    TEST(a_cancelled_accept_leaves_the_connection_to_the_next),
    TEST(a_new_accept_takes_what_came_for_a_cancelled_one),
    TEST(an_accepted_socket_can_serve_another_queue),
    TEST(many_connections_at_once),
    TEST(connections_over_ipv6),
    TEST(an_accepted_socket_is_non_blocking_and_not_inherited),
    TEST(an_accept_without_descriptors_says_so_and_works_again),
    TEST(a_waiting_accept_without_descriptors_says_so_once),
    TEST(a_thousand_sockets_beyond_descriptor_1024),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: local sockets, descriptor 0 --------------------------------------------------------- */

/* A local listener at a path of this process's own */
static char path[64];

static void listening_locally(mio_socket *s, int backlog)
{
    snprintf(path, sizeof path, "/tmp/minimio-suite.%ld", (long)getpid());
    unlink(path);
    EQUAL(mio_address_local(&address, path), 0);
    EQUAL(mio_socket_open(s, MIO_LOCAL, MIO_STREAM), 0);
    EQUAL(mio_socket_bind(s, &address), 0);
    EQUAL(mio_socket_listen(s, backlog), 0);
}

static void local_connections(void)
{
    mio_socket local, ours, theirs;
    mio_op op = { 0 };
    char byte;

    begin();
    listening_locally(&local, 0);
    EQUAL(mio_socket_open(&ours, MIO_LOCAL, MIO_STREAM), 0);
    EQUAL(connect_to(&ours, &address), 0);
    EQUAL(accept_from(&local, &theirs), 0);
    pass(&ours, &theirs);
    pass(&theirs, &ours);
    EQUAL(mio_receive(q, &op, &theirs, &byte, 1), 0);
    quiet(q, 5 * MS);
    close_all(q, &ours, 1);
    EQUAL(result_of(q, &op), 0);
    close_all(q, &theirs, 1);
    close_all(q, &local, 1);
    unlink(path);
    end();
}

static void a_path_where_nobody_listens_refuses(void)
{
    mio_socket local, ours;

    begin();
    listening_locally(&local, 0);
    close_all(q, &local, 1);                            /* the path stays */
    EQUAL(mio_socket_open(&ours, MIO_LOCAL, MIO_STREAM), 0);
    EQUAL(connect_to(&ours, &address), MIO_ECONNREFUSED);
    close_all(q, &ours, 1);
    unlink(path);
    end();
}

/* Linux alone says EAGAIN; elsewhere it is refused. A wait would be for ever: no event tells of room */
static void a_full_local_listener_says_so(void)        /* Q5 */
{
    enum { MANY = 20 };
    mio_socket local, ours[MANY];
    int connections = 0;
    int64_t result = 0;

    begin();
    listening_locally(&local, 1);
    while (result == 0) {
        CHECK(connections < MANY);
        EQUAL(mio_socket_open(&ours[connections], MIO_LOCAL, MIO_STREAM), 0);
        result = connect_to(&ours[connections], &address);
        connections++;
    }
    CHECK(result == MIO_EAGAIN || result == MIO_ECONNREFUSED);
    close_all(q, ours, connections);
    close_all(q, &local, 1);
    unlink(path);
    end();
}

/* What opens next gets descriptor 0; `kept` is what it was, or below 0 */
static void free_0(int *kept)
{
    *kept = dup(0);
    close(0);
}

static void restore_0(int kept)
{
    if (kept < 0) return;
    CHECK(dup2(kept, 0) == 0);
    close(kept);
}

static void a_socket_may_be_descriptor_0(void)         /* R21: told apart from a wake-up */
{
    mio_op op = { 0 }, sending = { 0 }, *done;
    mio_socket ours, theirs;
    char byte;
    int kept;

    begin();
    free_0(&kept);
    open_stream(&ours);
    EQUAL(ours.native, 0);
    EQUAL(connect_to(&ours, &address), 0);
    EQUAL(accept_from(&listener, &theirs), 0);
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, &done, 1, 1000 * MS), MIO_WOKEN);
    quiet(q, 5 * MS);
    EQUAL(mio_send(q, &sending, &theirs, "x", 1), 0);
    EQUAL(result_of(q, &sending), 1);
    EQUAL(result_of(q, &op), 1);
    close_all(q, &theirs, 1);
    close_all(q, &ours, 1);
    restore_0(kept);
    end();
}

static void a_queue_may_get_descriptor_0(void)         /* R21 */
{
    mio_socket ours, theirs;
    mio_op *done;
    int kept;

    free_0(&kept);
    begin();
    connected(q, &ours, &theirs);
    pass(&ours, &theirs);
    EQUAL(mio_queue_wake(q), 0);
    EQUAL(mio_queue_wait(q, &done, 1, 1000 * MS), MIO_WOKEN);
    close_all(q, &ours, 1);
    close_all(q, &theirs, 1);
    end();
    restore_0(kept);
}

static mio_socket full;

/* Connects until one gets no answer, because the backlog is full. Gives which */
static int connect_without_answer(mio_socket *s, mio_op *ops, int count)
{
    mio_op *done;

    EQUAL(mio_address_parse(&address, "127.0.0.1", 0), 0);
    open_stream(&full);
    EQUAL(mio_socket_bind(&full, &address), 0);
    EQUAL(mio_socket_listen(&full, 1), 0);
    EQUAL(mio_socket_local(&full, &address), 0);
    for (int i = 0; i < count; i++) {
        open_stream(&s[i]);
        EQUAL(mio_connect(q, &ops[i], &s[i], &address), 0);
        if (mio_queue_wait(q, &done, 1, 50 * MS) == 0) return i;
        EQUAL(ops[i].result, 0);
    }
    suite_skip("a backlog of 1 takes everything");
    return 0;
}

static void a_shut_waits_for_a_connect(void)
{
    mio_socket s[16];
    mio_op ops[16] = { 0 }, shutting = { 0 }, closing = { 0 }, *done[3];

    begin();
    int last = connect_without_answer(s, ops, COUNT(s));
    EQUAL(mio_shut(q, &shutting, &s[last], MIO_SHUT_RECEIVE), 0);
    quiet(q, 5 * MS);                                   /* done at once, it would end the connect on Linux */
    EQUAL(mio_socket_close(q, &closing, &s[last]), 0);
    wait_all(q, done, 3);
    EQUAL(ops[last].result, MIO_ECANCELED);
    EQUAL(shutting.result, MIO_ECANCELED);
    EQUAL(closing.result, 0);
    close_all(q, s, last);
    close_all(q, &full, 1);
    end();
}

const struct test unix_connection_tests[] = {
    TEST(a_shut_waits_for_a_connect),
    TEST(local_connections),
    TEST(a_path_where_nobody_listens_refuses),
    TEST(a_full_local_listener_says_so),
    TEST(a_socket_may_be_descriptor_0),
    TEST(a_queue_may_get_descriptor_0),
    { NULL, NULL }
};
#endif
