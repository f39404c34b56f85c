/* Cancel, close, reset, detach: early ends. The ids are those of the known bugs of the field */
#if !defined(_WIN32)
#define _DARWIN_C_SOURCE
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif
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

static int64_t receive(void *buffer, size_t length)
{
    mio_op op = { 0 };

    EQUAL(mio_receive(q, &op, &ours, buffer, length), 0);
    return result_of(q, &op);
}

static int64_t send_byte(void)
{
    mio_op op = { 0 };

    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    return result_of(q, &op);
}

static int64_t shut(int half)
{
    mio_op op = { 0 };

    EQUAL(mio_shut(q, &op, &ours, half), 0);
    return result_of(q, &op);
}

/* Until something has happened to the stream, without asking what */
static void wait_until_readable(void)
{
    mio_op op = { 0 };

    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(result_of(q, &op), MIO_READABLE);
}

/* Bytes that nobody may touch any more */
static void mark(void *memory, size_t length) { memset(memory, 0xA5, length); }

static bool is_marked(const void *memory, size_t length)
{
    const unsigned char *bytes = memory;

    for (size_t i = 0; i < length; i++) if (bytes[i] != 0xA5) return false;
    return true;
}

/* More than the kernel's buffers take, for those tests that need it */
enum { BIG = 12 << 20 };
static char *big;

static void begin_big(void)
{
    begin();
    big = calloc(1, BIG);
    CHECK(big != NULL);
}

/* --- cancel, in each state -------------------------------------------------------------------------- */

static void a_waiting_receive_can_be_cancelled(void)
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL((int64_t)op.done, 0);
    peer_send(theirs, "x", 1);
    quiet(q, 10 * MS);                                  /* nobody is told of what comes now */
    end();
}

static void cancelled_before_the_kernel_was_asked(void)
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    quiet(q, 5 * MS);
    end();
}

static void a_receive_cancelled_in_line_leaves_the_others(void)
{
    mio_op ops[3], *done[3];
    char bytes[3];

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 3; i++) EQUAL(mio_receive(q, &ops[i], &ours, &bytes[i], 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &ops[1]), 0);             /* on Windows it never was in the kernel */
    EQUAL(result_of(q, &ops[1]), MIO_ECANCELED);
    peer_send(theirs, "ab", 2);
    wait_all(q, done, 2);
    CHECK(done[0] == &ops[0] && done[1] == &ops[2]);
    CHECK(bytes[0] == 'a' && bytes[2] == 'b');
    end();
}

static void a_blocked_send_can_be_cancelled(void)
{
    mio_op op = { 0 };

    begin();
    fill(q, &ours);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL((int64_t)op.done, 0);
    end();
}

static void a_cancelled_send_all_says_how_far_it_got(void)     /* P13 */
{
    mio_op op = { 0 };

    begin_big();
    EQUAL(mio_send_all(q, &op, &ours, big, BIG), 0);
    quiet(q, 20 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    size_t sent = op.done;
    CHECK(sent > 0 && sent < BIG);
    close_all(q, &ours, 1);                             /* its own end comes behind what was sent */
    EQUAL((int64_t)peer_receive(theirs, big, BIG), (int64_t)sent);
    peer_close(theirs);
    end_queue(q);
    free(big);
}

static void a_waiting_accept_can_be_cancelled(void)
{
    mio_op op = { 0 };
    mio_socket listener, accepted;
    mio_address address;

    q = open_queue();
    listening(&listener, &address);
    EQUAL(mio_accept(q, &op, &listener, &accepted), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    close_all(q, &listener, 1);
    end_queue(q);
}

/* Sockets that connect to a listener that takes no more, until one of them has to wait: that is in `last` */
enum { CROWD = 64 };
static int crowd(mio_socket *listener, mio_socket *sockets, mio_op *last)
{
    mio_address address;
    mio_op *done;
    int count = 0;

    EQUAL(mio_address_parse(&address, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(listener, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_socket_bind(listener, &address), 0);
    EQUAL(mio_socket_listen(listener, 1), 0);
    EQUAL(mio_socket_local(listener, &address), 0);
    for (;;) {
        if (count == CROWD) suite_skip("a full listener makes nobody wait here");
        EQUAL(mio_socket_open(&sockets[count], MIO_IPV4, MIO_STREAM), 0);
        EQUAL(mio_connect(q, last, &sockets[count++], &address), 0);
        if (mio_queue_wait(q, &done, 1, 50 * MS) == 0) return count;
        CHECK(done == last);
        if (last->result != 0) suite_skip("a full listener refuses here");
    }
}

static void a_connect_waits_for_its_answer(void)       /* C1, C4 */
{
    mio_socket listener, sockets[CROWD];
    mio_op connecting = { 0 }, looking = { 0 }, closing = { 0 }, *done[3];

    q = open_queue();
    int count = crowd(&listener, sockets, &connecting);
    EQUAL(mio_ready(q, &looking, &sockets[count - 1], MIO_READABLE), 0);
    quiet(q, 20 * MS);                                  /* the kernel is asked anew, and has none */
    EQUAL(mio_socket_close(q, &closing, &sockets[count - 1]), 0);
    wait_all(q, done, 3);
    CHECK(done[2] == &closing);
    EQUAL(connecting.result, MIO_ECANCELED);
    EQUAL(looking.result, MIO_ECANCELED);
    close_all(q, sockets, count - 1);
    close_all(q, &listener, 1);
    end_queue(q);
}

static void a_connect_can_be_cancelled(void)
{
    mio_socket listener, sockets[CROWD];
    mio_op op = { 0 };

    q = open_queue();
    int count = crowd(&listener, sockets, &op);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    close_all(q, sockets, count);
    close_all(q, &listener, 1);
    end_queue(q);
}

static void a_close_ends_a_connect(void)
{
    mio_socket listener, sockets[CROWD];
    mio_op op = { 0 }, closing = { 0 }, *done[2];

    q = open_queue();
    int count = crowd(&listener, sockets, &op);
    EQUAL(mio_socket_close(q, &closing, &sockets[count - 1]), 0);
    wait_all(q, done, 2);
    CHECK(done[0] == &op && done[1] == &closing);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(closing.result, 0);
    close_all(q, sockets, count - 1);
    close_all(q, &listener, 1);
    end_queue(q);
}

static void what_is_done_can_still_be_cancelled_and_comes_back_once(void)
{
    mio_op op = { 0 };
    char byte = 0;

    begin();
    peer_send(theirs, "x", 1);
    wait_until_readable();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);     /* done at once, and not given back yet */
    EQUAL(mio_queue_cancel(q, &op), 0);
    int64_t result = result_of(q, &op);
    CHECK(result == MIO_ECANCELED || (result == 1 && byte == 'x'));
    quiet(q, 5 * MS);
    end();
}

static void what_came_back_cannot_be_cancelled_any_more(void)       /* R3 */
{
    mio_op never = { 0 }, op = { 0 };
    char byte;

    begin();
    EQUAL(mio_queue_cancel(q, &never), MIO_EINVAL);
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    EQUAL(mio_queue_cancel(q, &op), MIO_EINVAL);
    quiet(q, 5 * MS);
    end();
}

static void cancelled_twice_comes_back_once(void)      /* R3 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);                 /* it is still inside */
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    quiet(q, 5 * MS);
    end();
}

static void an_operation_is_inside_once(void)          /* R1 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    EQUAL(mio_queue_submit(q, &op), MIO_EBUSY);
    EQUAL(mio_queue_post(q, &op), MIO_EBUSY);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);                        /* and was not disturbed */
    quiet(q, 5 * MS);
    end();
}

static void cancel_after_a_reset_still_gives_one_completion(void)      /* R4 */
{
    mio_op receiving = { 0 }, sending = { 0 }, *done[2];
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    peer_reset(theirs);
    EQUAL(mio_queue_cancel(q, &receiving), 0);
    EQUAL(mio_queue_cancel(q, &sending), 0);
    wait_all(q, done, 2);
    CHECK(receiving.result == MIO_ECANCELED || receiving.result == MIO_ECONNRESET);
    CHECK(sending.result == MIO_ECANCELED || sending.result == MIO_ECONNRESET);
    quiet(q, 5 * MS);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void an_operation_used_again_is_a_new_one(void) /* P3 */
{
    mio_op op = { 0 };
    char buffer[2];

    begin();
    peer_send(theirs, "ab", 2);
    for (int i = 0; i < 2; i++) {
        EQUAL(mio_receive(q, &op, &ours, buffer + i, 1), 0);
        EQUAL(result_of(q, &op), 1);
    }
    EQUAL(mio_receive(q, &op, &ours, buffer, 1), 0);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    quiet(q, 5 * MS);
    end();
}

/* --- close ------------------------------------------------------------------------------------------ */

static void a_close_cancels_in_order_and_comes_last(void)      /* P2 */
{
    mio_op receives[3], sends[3], closing = { 0 }, *done[7];
    char bytes[3];
    int received = 0, sent = 0;

    begin();
    fill(q, &ours);
    memset(receives, 0, sizeof receives);
    memset(sends, 0, sizeof sends);
    for (int i = 0; i < 3; i++) {
        receives[i].native = sends[i].native = 5;       /* of an earlier use, which failed */
        EQUAL(mio_receive(q, &receives[i], &ours, &bytes[i], 1), 0);
        EQUAL(mio_send(q, &sends[i], &ours, "x", 1), 0);
    }
    quiet(q, 5 * MS);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    wait_all(q, done, 7);
    for (int i = 0; i < 6; i++) {
        EQUAL(done[i]->result, MIO_ECANCELED);
        EQUAL(done[i]->native, 0);
        if (received < 3 && done[i] == &receives[received]) received++;
        else CHECK(sent < 3 && done[i] == &sends[sent++]);
    }
    CHECK(done[6] == &closing);
    EQUAL(closing.result, 0);
    quiet(q, 5 * MS);
    peer_close(theirs);
    end_queue(q);
}

static void a_close_with_100_pending(void)             /* X2 */
{
    enum { MANY = 100 };
    static mio_op ops[MANY], closing, *done[MANY + 1];
    static char bytes[MANY];

    begin();
    for (int i = 0; i < MANY; i++) EQUAL(mio_receive(q, &ops[i], &ours, &bytes[i], 1), 0);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    wait_all(q, done, MANY + 1);
    for (int i = 0; i < MANY; i++) {
        CHECK(done[i] == &ops[i]);
        EQUAL(ops[i].result, MIO_ECANCELED);
    }
    CHECK(done[MANY] == &closing);
    peer_close(theirs);
    end_queue(q);
}

static void a_close_of_a_listener_cancels_its_accepts(void)
{
    mio_op accepting = { 0 }, closing = { 0 }, *done[2];
    mio_socket listener, accepted;
    mio_address address;

    q = open_queue();
    listening(&listener, &address);
    EQUAL(mio_accept(q, &accepting, &listener, &accepted), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_socket_close(q, &closing, &listener), 0);
    wait_all(q, done, 2);
    CHECK(done[0] == &accepting && done[1] == &closing);
    EQUAL(accepting.result, MIO_ECANCELED);
    end_queue(q);
}

static void a_close_cannot_be_cancelled(void)
{
    mio_op op = { 0 };

    begin();
    EQUAL(mio_socket_close(q, &op, &ours), 0);
    (void)mio_queue_cancel(q, &op);
    EQUAL(result_of(q, &op), 0);
    CHECK(peer_receive(theirs, &op, 1) == 0);           /* it is closed */
    peer_close(theirs);
    end_queue(q);
}

static void the_other_end_sees_a_close(void)
{
    char byte;

    begin();
    EQUAL(send_byte(), 1);
    close_all(q, &ours, 1);
    CHECK(peer_receive(theirs, &byte, 1) == 1);         /* what was sent, and then the end */
    CHECK(peer_receive(theirs, &byte, 1) == 0);
    peer_close(theirs);
    end_queue(q);
}

static void closed_inside_a_batch(void)                /* S1, S10 */
{
    mio_op a = { 0 }, b = { 0 }, closing = { 0 }, *done;
    mio_socket other;
    peer others;
    char bytes[2];

    begin();
    peered(q, &other, &others);
    EQUAL(mio_receive(q, &a, &ours, &bytes[0], 1), 0);
    EQUAL(mio_receive(q, &b, &other, &bytes[1], 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    peer_send(others, "x", 1);
    nap(5 * MS);                                        /* both are ready, and one is asked for */
    done = wait_one(q);
    bool first = done == &a;
    mio_op *rest = first ? &b : &a;
    EQUAL(mio_socket_close(q, &closing, first ? &other : &ours), 0);
    CHECK(wait_one(q) == rest);
    CHECK(rest->result == 1 || rest->result == MIO_ECANCELED);
    EQUAL(result_of(q, &closing), 0);
    quiet(q, 5 * MS);
    close_all(q, first ? &ours : &other, 1);
    peer_close(theirs);
    peer_close(others);
    end_queue(q);
}

static void closed_between_the_two_halves_of_an_event(void)    /* S10 */
{
    mio_op receiving = { 0 }, sending = { 0 }, closing = { 0 };
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    peer_reset(theirs);                                 /* one event, both directions */
    mio_op *first = wait_one(q), *second = first == &receiving ? &sending : &receiving;
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    CHECK(wait_one(q) == second);
    EQUAL(result_of(q, &closing), 0);
    mark(&ours, sizeof ours);
    mark(&receiving, sizeof receiving);
    mark(&sending, sizeof sending);
    quiet(q, 10 * MS);
    CHECK(is_marked(&ours, sizeof ours));
    CHECK(is_marked(&receiving, sizeof receiving) && is_marked(&sending, sizeof sending));
    end_queue(q);
}

static void what_came_back_is_never_touched_again(void)
{
    mio_op receiving = { 0 }, sending = { 0 }, closing = { 0 };
    char buffer[100];

    begin();
    EQUAL(mio_receive(q, &receiving, &ours, buffer, sizeof buffer), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &receiving), 1);
    mark(&receiving, sizeof receiving);
    mark(buffer, sizeof buffer);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    EQUAL(result_of(q, &sending), 1);
    mark(&sending, sizeof sending);
    peer_send(theirs, "for nobody", 10);
    quiet(q, 5 * MS);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    EQUAL(result_of(q, &closing), 0);
    mark(&closing, sizeof closing);
    mark(&ours, sizeof ours);
    peer_close(theirs);
    quiet(q, 5 * MS);
    end_queue(q);
    CHECK(is_marked(&receiving, sizeof receiving) && is_marked(buffer, sizeof buffer));
    CHECK(is_marked(&sending, sizeof sending) && is_marked(&closing, sizeof closing));
    CHECK(is_marked(&ours, sizeof ours));
}

static void a_cancelled_receive_leaves_its_buffer_alone(void)
{
    mio_op op = { 0 };
    char buffer[100];

    begin();
    mark(buffer, sizeof buffer);
    EQUAL(mio_receive(q, &op, &ours, buffer, sizeof buffer), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &op), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    mark(&op, sizeof op);
    peer_send(theirs, "late", 4);
    quiet(q, 5 * MS);
    end();
    CHECK(is_marked(buffer, sizeof buffer) && is_marked(&op, sizeof op));
}

/* Ours, connected to the listener; the other end is a socket of the queue too */
static void connect_anew(mio_socket *listener, const mio_address *to, mio_socket *other)
{
    mio_op connecting = { 0 }, accepting = { 0 }, *done[2];

    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_connect(q, &connecting, &ours, to), 0);
    EQUAL(mio_accept(q, &accepting, listener, other), 0);
    wait_all(q, done, 2);
    EQUAL(connecting.result, 0);
    EQUAL(accepting.result, 0);
}

/* The new socket takes the number of the one that was closed, while data goes to the old one */
static void a_number_used_again_is_another_socket(void)        /* S9 */
{
    mio_socket listener, others[2];
    mio_address address;

    q = open_queue();
    listening(&listener, &address);
    connect_anew(&listener, &address, &others[0]);
    mio_native number = ours.native;
    for (int i = 0; i < 20; i++) {
        mio_op old = { 0 }, new = { 0 }, closing = { 0 }, *done[2];
        mio_socket *other = &others[i % 2], *next = &others[(i + 1) % 2];
        char bytes[2];

        EQUAL(mio_receive(q, &old, &ours, &bytes[0], 1), 0);
        quiet(q, MS);
        peer_send(other->native, "x", 1);
        EQUAL(mio_socket_close(q, &closing, &ours), 0);
        wait_all(q, done, 2);
        CHECK(done[0] == &old && done[1] == &closing);
        connect_anew(&listener, &address, next);
        CHECK(!LOWEST_FIRST || ours.native == number);
        EQUAL(mio_receive(q, &new, &ours, &bytes[1], 1), 0);
        peer_send(other->native, "x", 1);
        close_all(q, other, 1);
        quiet(q, MS);
        peer_send(next->native, "y", 1);
        EQUAL(result_of(q, &new), 1);
        EQUAL(bytes[1], 'y');
    }
    close_all(q, &ours, 1);
    close_all(q, &others[0], 1);
    close_all(q, &listener, 1);
    end_queue(q);
}

/* --- shut ------------------------------------------------------------------------------------------- */

static void shutting_the_sending_half_ends_what_the_peer_reads(void)
{
    char byte;

    begin();
    EQUAL(shut(MIO_SHUT_SEND), 0);
    CHECK(peer_receive(theirs, &byte, 1) == 0);
    peer_send(theirs, "x", 1);                          /* the other half lives */
    EQUAL(receive(&byte, 1), 1);
    end();
}

static size_t taken;

static void take_until_the_end(void *argument)
{
    char *buffer = argument;
    taken = peer_receive(theirs, buffer, BIG + 1);
}

static void the_end_keeps_its_place_behind_sends(void)
{
    char *buffer = malloc(BIG + 1);
    mio_op sending = { 0 }, shutting = { 0 };
    thread t;

    CHECK(buffer != NULL);
    begin_big();
    EQUAL(mio_send_all(q, &sending, &ours, big, BIG), 0);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_SEND), 0);
    quiet(q, 5 * MS);
    start(&t, take_until_the_end, buffer);
    EQUAL(result_of(q, &sending), BIG);
    EQUAL(result_of(q, &shutting), 0);
    join(&t);
    EQUAL((int64_t)taken, BIG);
    end();
    free(big);
    free(buffer);
}

static void a_waiting_end_can_be_cancelled(void)
{
    mio_op sending = { 0 }, shutting = { 0 };

    begin();
    fill(q, &ours);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_SEND), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &shutting), 0);
    EQUAL(result_of(q, &shutting), MIO_ECANCELED);
    EQUAL(mio_queue_cancel(q, &sending), 0);
    EQUAL(result_of(q, &sending), MIO_ECANCELED);
    end();
}

static void shutting_the_receiving_half_ends_a_waiting_receive(void)
{
    mio_op receiving = { 0 }, shutting = { 0 }, *done[2];
    char byte;

    begin();
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_RECEIVE), 0);
    wait_all(q, done, 2);
    EQUAL(shutting.result, 0);
    EQUAL(receiving.result, 0);
    EQUAL(receive(&byte, 1), 0);
    EQUAL(send_byte(), 1);                              /* the other half lives */
    CHECK(peer_receive(theirs, &byte, 1) == 1);
    end();
}

static void shutting_both_halves(void)
{
    mio_op receiving = { 0 }, shutting = { 0 }, *done[2];
    char byte;

    begin();
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_RECEIVE | MIO_SHUT_SEND), 0);
    wait_all(q, done, 2);
    EQUAL(shutting.result, 0);
    EQUAL(receiving.result, 0);
    CHECK(peer_receive(theirs, &byte, 1) == 0);
    end();
}

static void receives_end_in_order_when_their_half_is_shut(void)
{
    mio_op first = { 0 }, second = { 0 }, shutting = { 0 }, *done[3];
    char bytes[2];
    int seen = 0;

    begin();
    EQUAL(mio_receive(q, &first, &ours, &bytes[0], 1), 0);
    EQUAL(mio_receive(q, &second, &ours, &bytes[1], 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_RECEIVE), 0);
    wait_all(q, done, 3);
    for (int i = 0; i < 3; i++) {
        EQUAL(done[i]->result, 0);
        if (done[i] == &first) EQUAL(seen++, 0);
        if (done[i] == &second) EQUAL(seen++, 1);
    }
    end();
}

static void there_is_no_third_half(void)
{
    mio_op op = { 0 };

    begin();
    EQUAL(mio_shut(q, &op, &ours, 0), MIO_EINVAL);
    EQUAL(mio_shut(q, &op, &ours, 4), MIO_EINVAL);
    EQUAL(send_byte(), 1);
    end();
}

static void a_send_after_the_end_is_a_broken_pipe_and_no_signal(void)  /* Q4: SIGPIPE would kill this process */
{
    begin();
    EQUAL(shut(MIO_SHUT_SEND), 0);
    EQUAL(send_byte(), MIO_EPIPE);
    EQUAL(send_byte(), MIO_EPIPE);
    end();
}

static void a_send_to_who_has_gone_fails_and_is_no_signal(void)        /* Q4 */
{
    int64_t result = 1;

    begin();
    peer_close(theirs);
    for (int i = 0; i < 100 && result == 1; i++) {
        result = send_byte();
        nap(MS);
    }
    CHECK(result == MIO_EPIPE || result == MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

/* --- reset ------------------------------------------------------------------------------------------ */

static void a_reset_is_no_clean_end_receive_asks_first(void)   /* C8 */
{
    char byte;

    begin();
    peer_reset(theirs);
    wait_until_readable();
    EQUAL(receive(&byte, 1), MIO_ECONNRESET);
    EQUAL(send_byte(), MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_is_no_clean_end_send_asks_first(void)      /* C8 */
{
    char byte;

    begin();
    peer_reset(theirs);
    wait_until_readable();
    EQUAL(send_byte(), MIO_ECONNRESET);
    EQUAL(receive(&byte, 1), MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_ends_both_waiting_directions(void) /* C8 */
{
    mio_op receiving = { 0 }, sending = { 0 }, *done[2];
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    peer_reset(theirs);
    wait_all(q, done, 2);
    EQUAL(receiving.result, MIO_ECONNRESET);
    EQUAL(sending.result, MIO_ECONNRESET);
    CHECK(receiving.native != 0);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_is_told_to_who_waits_first(void)   /* C8: of several in a line */
{
    mio_op ops[2], *done[2];
    char bytes[2];

    begin();
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 2; i++) EQUAL(mio_receive(q, &ops[i], &ours, &bytes[i], 1), 0);
    quiet(q, 5 * MS);
    peer_reset(theirs);
    wait_all(q, done, 2);
    CHECK(done[0] == &ops[0] && done[1] == &ops[1]);
    EQUAL(ops[0].result, MIO_ECONNRESET);
    CHECK(ops[1].result <= 0);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_that_comes_while_nobody_waits_is_kept(void)        /* C8, C10 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    peer_reset(theirs);
    quiet(q, 10 * MS);                                  /* the kernel tells, and nobody asked */
    EQUAL(receive(&byte, 1), MIO_ECONNRESET);
    EQUAL(send_byte(), MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_behind_data_is_no_clean_end(void)  /* C8: the data may be lost, the reset may not */
{
    char buffer[2];
    int64_t got;

    begin();
    peer_send(theirs, "abcdef", 6);
    wait_until_readable();
    peer_reset(theirs);
    do got = receive(buffer, sizeof buffer); while (got > 0);
    EQUAL(got, MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_peer_that_left_our_data_unread_cuts_the_stream(void)
{
    char byte;

    begin();
    EQUAL(send_byte(), 1);
    mio_op op = { 0 };
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_close(theirs);
    EQUAL(result_of(q, &op), MIO_ECONNRESET);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_blocked_send_learns_that_the_peer_has_gone(void) /* C13 */
{
    mio_op op = { 0 };

    begin();
    fill(q, &ours);
    EQUAL(mio_send(q, &op, &ours, "x", 1), 0);
    quiet(q, 5 * MS);
    peer_close(theirs);                                 /* with much unread: a reset */
    int64_t result = result_of(q, &op);
    CHECK(result == MIO_ECONNRESET || result == MIO_EPIPE);
    quiet(q, 10 * MS);
    close_all(q, &ours, 1);
    end_queue(q);
}

static void a_reset_send_all_says_how_far_it_got(void)
{
    mio_op op = { 0 };

    begin_big();
    EQUAL(mio_send_all(q, &op, &ours, big, BIG), 0);
    quiet(q, 20 * MS);
    peer_reset(theirs);
    EQUAL(result_of(q, &op), MIO_ECONNRESET);
    CHECK(op.done > 0 && op.done < BIG);
    close_all(q, &ours, 1);
    end_queue(q);
    free(big);
}

static void our_close_of_unread_data_is_a_reset_and_no_trouble(void)
{
    char byte;

    begin();
    peer_send(theirs, "unread", 6);
    wait_until_readable();
    close_all(q, &ours, 1);
    CHECK(peer_receive(theirs, &byte, 1) == 0);
    peer_close(theirs);
    end_queue(q);
}

/* --- detach, and the end of a queue ----------------------------------------------------------------- */

static void what_is_pending_cannot_be_detached(void)
{
    mio_op op = { 0 };
    mio_native number;
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    EQUAL(mio_socket_detach(&ours, &number), MIO_EBUSY);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    end();
}

static void a_detached_descriptor_is_open_and_forgotten(void)
{
    mio_op op = { 0 };
    mio_native number;
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);                                   /* the kernel watches it */
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    mio_native before = ours.native;
    EQUAL(mio_socket_detach(&ours, &number), 0);
    EQUAL((int64_t)number, (int64_t)before);
    mark(&ours, sizeof ours);
    CHECK(peer_send(number, "y", 1) == 1);
    CHECK(peer_receive(theirs, &byte, 1) == 1 && byte == 'y');
    peer_send(theirs, "z", 1);
    quiet(q, 10 * MS);
    CHECK(is_marked(&ours, sizeof ours));
    peer_close(number);
    peer_close(theirs);
    end_queue(q);
}

/* All that every system can promise of them */
static void sockets_of_a_closed_queue_can_be_closed(void)
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    end_queue(q);
    q = open_queue();
    close_all(q, &ours, 1);
    CHECK(peer_receive(theirs, &byte, 1) == 0);
    peer_close(theirs);
    end_queue(q);
}

static void a_shutdown_cancels_and_still_closes(void)  /* P1 */
{
    mio_op receiving = { 0 }, sending = { 0 }, closing = { 0 }, refused = { 0 }, *done[3];
    char byte;

    begin();
    fill(q, &ours);
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    EQUAL(mio_send(q, &sending, &ours, "x", 1), 0);
    EQUAL(mio_queue_close(q), MIO_EBUSY);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(mio_receive(q, &refused, &ours, &byte, 1), MIO_ESHUTDOWN);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    wait_all(q, done, 3);
    CHECK(done[2] == &closing);
    EQUAL(receiving.result, MIO_ECANCELED);
    EQUAL(sending.result, MIO_ECANCELED);
    EQUAL(closing.result, 0);
    EQUAL(mio_queue_wait(q, done, 3, 0), MIO_ESHUTDOWN);
    EQUAL(mio_queue_close(q), 0);
    peer_close(theirs);
}

/* --- descriptors under other hands ------------------------------------------------------------------ */

static void a_copy_of_a_closed_descriptor_wakes_nobody(void)   /* S8: a dup keeps epoll's registration alive */
{
    mio_op receiving = { 0 }, closing = { 0 }, *done[2];
    char byte;

    begin();
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer copy = peer_copy(ours.native);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    wait_all(q, done, 2);
    mark(&ours, sizeof ours);
    peer_send(theirs, "x", 1);
    quiet(q, 10 * MS);
    peer_close(theirs);
    quiet(q, 10 * MS);
    CHECK(is_marked(&ours, sizeof ours));
    peer_close(copy);
    end_queue(q);
}

static void a_descriptor_closed_behind_our_back_is_an_error(void)      /* R19 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    peer_close(ours.native);
    EQUAL(receive(&byte, 1), MIO_EBADF);
    EQUAL(send_byte(), MIO_EBADF);
    EQUAL(mio_socket_close(q, &op, &ours), 0);
    EQUAL(result_of(q, &op), MIO_EBADF);
    peer_close(theirs);
    end_queue(q);
}

static void a_watched_descriptor_closed_behind_our_back(void)  /* R19, P2: the waiting one still comes back */
{
    mio_op receiving = { 0 }, closing = { 0 }, *done[2];
    char byte;

    begin();
    EQUAL(mio_receive(q, &receiving, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_close(ours.native);
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    wait_all(q, done, 2);
    CHECK(done[0] == &receiving && done[1] == &closing);
    EQUAL(receiving.result, MIO_ECANCELED);
    EQUAL(closing.result, MIO_EBADF);
    peer_close(theirs);
    end_queue(q);
}

const struct test closing_tests[] = {
    TEST(a_waiting_receive_can_be_cancelled),
    TEST(cancelled_before_the_kernel_was_asked),
    TEST(a_receive_cancelled_in_line_leaves_the_others),
    TEST(a_blocked_send_can_be_cancelled),
    TEST(a_cancelled_send_all_says_how_far_it_got),
    TEST(a_waiting_accept_can_be_cancelled),
    TEST(a_connect_waits_for_its_answer),
    TEST(a_connect_can_be_cancelled),
    TEST(a_close_ends_a_connect),
    TEST(what_is_done_can_still_be_cancelled_and_comes_back_once),
    TEST(what_came_back_cannot_be_cancelled_any_more),
    TEST(cancelled_twice_comes_back_once),
    TEST(an_operation_is_inside_once),
    TEST(cancel_after_a_reset_still_gives_one_completion),
    TEST(an_operation_used_again_is_a_new_one),
    TEST(a_close_cancels_in_order_and_comes_last),
    TEST(a_close_with_100_pending),
    TEST(a_close_of_a_listener_cancels_its_accepts),
    TEST(a_close_cannot_be_cancelled),
    TEST(the_other_end_sees_a_close),
    TEST(closed_inside_a_batch),
    TEST(closed_between_the_two_halves_of_an_event),
    TEST(what_came_back_is_never_touched_again),
    TEST(a_cancelled_receive_leaves_its_buffer_alone),
    TEST(a_number_used_again_is_another_socket),
    TEST(shutting_the_sending_half_ends_what_the_peer_reads),
    TEST(the_end_keeps_its_place_behind_sends),
    TEST(a_waiting_end_can_be_cancelled),
    TEST(shutting_the_receiving_half_ends_a_waiting_receive),
    TEST(shutting_both_halves),
    TEST(receives_end_in_order_when_their_half_is_shut),
    TEST(there_is_no_third_half),
    TEST(a_send_after_the_end_is_a_broken_pipe_and_no_signal),
    TEST(a_send_to_who_has_gone_fails_and_is_no_signal),
    TEST(a_reset_is_no_clean_end_receive_asks_first),
    TEST(a_reset_is_no_clean_end_send_asks_first),
    TEST(a_reset_ends_both_waiting_directions),
    TEST(a_reset_is_told_to_who_waits_first),
    TEST(a_reset_that_comes_while_nobody_waits_is_kept),
    TEST(a_reset_behind_data_is_no_clean_end),
    TEST(a_peer_that_left_our_data_unread_cuts_the_stream),
    TEST(a_blocked_send_learns_that_the_peer_has_gone),
    TEST(a_reset_send_all_says_how_far_it_got),
    TEST(our_close_of_unread_data_is_a_reset_and_no_trouble),
    TEST(what_is_pending_cannot_be_detached),
    TEST(a_detached_descriptor_is_open_and_forgotten),
    TEST(sockets_of_a_closed_queue_can_be_closed),
    TEST(a_shutdown_cancels_and_still_closes),
    TEST(a_copy_of_a_closed_descriptor_wakes_nobody),
    TEST(a_descriptor_closed_behind_our_back_is_an_error),
    TEST(a_watched_descriptor_closed_behind_our_back),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: fork, and a socket that changes its queue ------------------------------------------- */

static void a_child_that_keeps_a_descriptor_wakes_nobody(void) /* S8 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    CHECK(child > 0);
    close_all(q, &ours, 1);
    mark(&ours, sizeof ours);
    peer_send(theirs, "y", 1);                          /* the child's descriptor is readable now */
    quiet(q, 10 * MS);
    CHECK(is_marked(&ours, sizeof ours));
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    peer_close(theirs);
    end_queue(q);
}

static void sockets_outlive_their_queue(void)          /* S12 */
{
    mio_op op = { 0 };
    char byte;

    begin();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "x", 1);
    EQUAL(result_of(q, &op), 1);
    end_queue(q);
    q = open_queue();
    EQUAL(mio_receive(q, &op, &ours, &byte, 1), 0);
    quiet(q, 5 * MS);
    peer_send(theirs, "y", 1);
    EQUAL(result_of(q, &op), 1);
    EQUAL(byte, 'y');
    end();
}

/* A READY waits for room on a local socket that nobody reads from; no send was given up */
static void wait_for_room(mio_op *waiting)
{
    static char bytes[65536];
    peer pair[2];

    q = open_queue();
    peer_pair(MIO_STREAM, pair);
    peer_nonblocking(pair[0]);
    EQUAL(mio_socket_adopt(&ours, pair[0]), 0);
    theirs = pair[1];
    while (peer_send(ours.native, bytes, sizeof bytes) > 0) continue;
    while (peer_send(ours.native, bytes, 1) > 0) continue;
    EQUAL(mio_ready(q, waiting, &ours, MIO_WRITABLE), 0);
    quiet(q, 5 * MS);
}

static void an_end_needs_no_room(void)
{
    mio_op waiting = { 0 };

    wait_for_room(&waiting);
    EQUAL(mio_queue_cancel(q, &waiting), 0);
    EQUAL(result_of(q, &waiting), MIO_ECANCELED);
    EQUAL(shut(MIO_SHUT_SEND), 0);
    end();
}

static void an_end_goes_on_when_what_was_before_it_is_cancelled(void)
{
    mio_op waiting = { 0 }, shutting = { 0 };

    wait_for_room(&waiting);
    EQUAL(mio_shut(q, &shutting, &ours, MIO_SHUT_SEND), 0);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_cancel(q, &waiting), 0);
    EQUAL(result_of(q, &waiting), MIO_ECANCELED);
    EQUAL(result_of(q, &shutting), 0);
    end();
}

const struct test unix_closing_tests[] = {
    TEST(an_end_needs_no_room),
    TEST(an_end_goes_on_when_what_was_before_it_is_cancelled),
    TEST(a_child_that_keeps_a_descriptor_wakes_nobody),
    TEST(sockets_outlive_their_queue),
    { NULL, NULL }
};
#endif
