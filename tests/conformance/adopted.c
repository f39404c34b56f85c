/*
 * Descriptors that others opened: sockets of all kinds, on Unix pipes and terminals too; what cannot be adopted;
 * and giving them back.
 */
#if !defined(_WIN32)
#define _GNU_SOURCE                     /* glibc: terminals, CMSG_SPACE; elsewhere all of it is there anyway */
#define _NETBSD_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#endif
#include "suite.h"

/* Each test has a process of its own: these are fresh in each */
static mio_queue *q;
static mio_op     op;
static mio_socket ours, second;
static peer       theirs;               /* the other end, blocking */
static char       text[65536];

static void adopt(mio_socket *s, mio_native number)
{
    peer_nonblocking(number);
    EQUAL(mio_socket_adopt(s, number), 0);
    CHECK(s->native == number);
}

static void paired_as(int type)         /* ours and theirs */
{
    peer both[2];
    q = open_queue();
    peer_pair(type, both);
    adopt(&ours, both[0]);
    theirs = both[1];
}

static void paired(void) { paired_as(MIO_STREAM); }

static void send_theirs(const char *bytes)
{
    EQUAL((int64_t)peer_send(theirs, bytes, strlen(bytes)), (int64_t)strlen(bytes));
}

static void close_theirs(void) { peer_close(theirs); }

static void end_ours(void)
{
    close_all(q, &ours, 1);
    end_queue(q);
}

static int64_t receive(mio_socket *s, size_t room)
{
    memset(text, '?', room);
    EQUAL(mio_receive(q, &op, s, text, room), 0);
    return result_of(q, &op);
}

static void receive_waits(mio_op *waiting, mio_socket *s, void *buffer, size_t room)
{
    EQUAL(mio_receive(q, waiting, s, buffer, room), 0);
    quiet(q, 5 * MS);
}

static int64_t send_all(mio_socket *s, const void *bytes, size_t length)
{
    EQUAL(mio_send_all(q, &op, s, bytes, length), 0);
    return result_of(q, &op);
}

static bool got(const char *wanted) { return memcmp(text, wanted, strlen(wanted)) == 0; }

static void end_both(void)
{
    close_all(q, &second, 1);
    end_ours();
}

/* --- adopting ------------------------------------------------------------------------------------ */

static void an_adopted_socket_sends_and_receives(void)
{
    paired();
    send_theirs("hello");
    EQUAL(receive(&ours, 100), 5);
    CHECK(got("hello"));
    EQUAL(send_all(&ours, "answer", 6), 6);
    CHECK(peer_receive(theirs, text, 6) == 6 && got("answer"));
    close_theirs();
    EQUAL(receive(&ours, 100), 0);
    end_ours();
}

static void an_adopted_datagram_socket_has_datagrams(void)
{
    paired_as(MIO_DATAGRAM);
    peer_datagram(theirs, "long one", 8);
    peer_datagram(theirs, "", 0);
    peer_datagram(theirs, "two", 3);
    EQUAL(receive(&ours, 4), MIO_EMSGSIZE);
    EQUAL((int64_t)op.done, 4);
    EQUAL(receive(&ours, 100), 0);
    EQUAL(receive(&ours, 100), 3);
    close_theirs();
    end_ours();
}

static void an_adopted_listener_accepts(void)
{
    q = open_queue();
    mio_socket listener;
    mio_address address;
    mio_native native;
    listening(&listener, &address);
    EQUAL(mio_socket_detach(&listener, &native), 0);
    adopt(&ours, native);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    quiet(q, 0);
    theirs = peer_connect(&address);
    EQUAL(result_of(q, &op), 0);
    send_theirs("hello");
    EQUAL(receive(&second, 100), 5);
    close_all(q, &second, 1);
    close_theirs();
    end_ours();
}

/* --- numbers ------------------------------------------------------------------------------------- */

static void a_number_that_is_not_open_is_MIO_EBADF(void)
{
    peer both[2];
    peer_pair(MIO_STREAM, both);
    peer_close(both[0]);
    peer_close(both[1]);
    EQUAL(mio_socket_adopt(&ours, both[0]), MIO_EBADF);
    EQUAL(mio_socket_adopt(&ours, (mio_native)-1), MIO_EBADF);
    EQUAL(mio_socket_adopt(&ours, 1 << 30), MIO_EBADF);
}

static void what_was_not_adopted_is_no_socket(void)
{
    q = open_queue();
    memset(&ours, 0xEE, sizeof ours);
    EQUAL(mio_socket_adopt(&ours, (mio_native)-1), MIO_EBADF);
    EQUAL(receive(&ours, 100), MIO_EBADF);
    end_queue(q);
}

/* R22, W11 */
static void a_thousand_adopted_sockets_are_all_told(void)
{
    enum { MANY = 1000 };
    static mio_socket sockets[MANY];
    static mio_op waiting[MANY], *done[MANY];
    static char bytes[MANY];
    static int times[MANY];
    static peer ends[MANY];
    if (!room_for(2 * MANY + 100)) suite_skip("not enough descriptors here");
    q = open_queue();
    for (int i = 0; i < MANY; i++) {
        peer both[2];
        peer_pair(MIO_STREAM, both);
        adopt(&sockets[i], both[0]);
        ends[i] = both[1];
        EQUAL(mio_receive(q, &waiting[i], &sockets[i], &bytes[i], 1), 0);
    }
    quiet(q, 0);
    for (int i = 0; i < MANY; i++) peer_send(ends[(i * 7) % MANY], "x", 1);
    EQUAL(wait_all(q, done, MANY), MANY);
    for (int i = 0; i < MANY; i++) times[done[i] - waiting]++;
    for (int i = 0; i < MANY; i++) EQUAL(times[i] * waiting[i].result, 1);
    close_all(q, sockets, MANY);
    for (int i = 0; i < MANY; i++) peer_close(ends[i]);
    end_queue(q);
}

/* --- giving back --------------------------------------------------------------------------------- */

static void a_detached_descriptor_is_open_and_the_queue_has_forgotten_it(void)
{
    paired();
    receive_waits(&op, &ours, text, 100);       /* now the kernel watches it */
    send_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    mio_native end = (mio_native)-1;
    mio_native was = ours.native;
    EQUAL(mio_socket_detach(&ours, &end), 0);
    CHECK(end == was);
    CHECK(ours.native == (mio_native)-1);
    EQUAL(mio_socket_detach(&ours, &end), MIO_EBADF);
    EQUAL(receive(&ours, 100), MIO_EBADF);
    memset(&ours, 0xEE, sizeof ours);           /* its memory is ours again */
    send_theirs("for the owner");
    quiet(q, 10 * MS);
    CHECK(peer_receive(end, text, 13) == 13 && got("for the owner"));
    close_theirs();
    peer_close(end);
    end_queue(q);
}

/* Who has much to do goes on in the next turn, unless it has left */
static void who_leaves_in_the_middle_of_a_turn_is_not_asked_again(void)
{
    enum { MANY = 200 };
    static mio_op receives[MANY], *done[MANY];
    static char bytes[MANY];
    mio_native end;
    int cancelled = 0;

    paired();
    memset(text, 'x', MANY);
    for (int i = 0; i < MANY; i++) EQUAL(mio_receive(q, &receives[i], &ours, &bytes[i], 1), 0);
    quiet(q, 5 * MS);
    CHECK(peer_send(theirs, text, MANY) == MANY);
    EQUAL(mio_queue_wait(q, done, 1, -1), 1);
    for (int i = 1; i < MANY; i++) mio_queue_cancel(q, &receives[i]);      /* or it is done already */
    int left = mio_socket_detach(&ours, &end);
    CHECK(left == 0 || left == MIO_EBUSY);                      /* one may be in the kernel, until its packet comes */
    if (left == 0) memset(&ours, 0xEE, sizeof ours);
    EQUAL(wait_all(q, done, MANY - 1), MANY - 1);
    if (left != 0) EQUAL(mio_socket_detach(&ours, &end), 0);
    for (int i = 0; i < MANY; i++) cancelled += receives[i].result == MIO_ECANCELED;
    quiet(q, 5 * MS);
    CHECK(peer_receive(end, text, (size_t)cancelled) == (size_t)cancelled);
    close_theirs();
    peer_close(end);
    end_queue(q);
}

static void detaching_is_MIO_EBUSY_while_something_is_pending(void)
{
    paired();
    mio_native end = (mio_native)-1;
    EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
    EQUAL(mio_socket_detach(&ours, &end), MIO_EBUSY);
    quiet(q, 5 * MS);
    EQUAL(mio_socket_detach(&ours, &end), MIO_EBUSY);
    send_theirs("hello");                      /* which has not been disturbed */
    EQUAL(result_of(q, &op), 5);
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(mio_socket_detach(&ours, &end), MIO_EBUSY);
    send_theirs("x");
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    close_theirs();
    peer_close(end);
    end_queue(q);
}

/* A ready ties it to no queue, on no system */
static void a_descriptor_asked_for_readiness_alone_serves_another_queue(void)
{
    paired();
    mio_queue *first = q;
    mio_native end;
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    quiet(q, 5 * MS);
    send_theirs("hello");
    EQUAL(result_of(q, &op), MIO_READABLE);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    EQUAL(mio_socket_adopt(&ours, end), 0);
    q = open_queue();
    EQUAL(receive(&ours, 100), 5);
    receive_waits(&op, &ours, text, 100);
    send_theirs("again");
    EQUAL(result_of(q, &op), 5);
    quiet(first, 5 * MS);
    end_queue(first);
    close_theirs();
    end_ours();
}

static void a_close_closes_the_adopted_descriptor(void)
{
    paired();
    mio_native number = ours.native;
    close_all(q, &ours, 1);
    CHECK(!peer_is_open(number));
    CHECK(peer_receive(theirs, text, 1) == 0);
    close_theirs();
    end_queue(q);
}

/* --- behind the queue's back --------------------------------------------------------------------- */

/* R19 */
static void a_descriptor_closed_by_its_owner_is_MIO_EBADF(void)
{
    paired();
    EQUAL(mio_ready(q, &op, &ours, MIO_WRITABLE), 0);   /* what a queue opens for it might get the number */
    EQUAL(result_of(q, &op), MIO_WRITABLE);
    receive_waits(&op, &ours, text, 100);
    send_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    peer_close(ours.native);
    EQUAL(receive(&ours, 100), MIO_EBADF);
    EQUAL(send_all(&ours, "x", 1), MIO_EBADF);
    EQUAL(mio_ready(q, &op, &ours, MIO_READABLE), 0);
    EQUAL(result_of(q, &op), MIO_EBADF);
    EQUAL(mio_socket_close(q, &op, &ours), 0);
    EQUAL(result_of(q, &op), MIO_EBADF);
    close_theirs();
    end_queue(q);
}

static void a_descriptor_closed_under_a_receive_is_no_abort(void)
{
    paired();
    mio_op *done[2];
    receive_waits(&op, &ours, text, 100);
    peer_close(ours.native);
    mio_queue_wait(q, done, 1, 5 * MS);         /* it may hear of it, or not */
    mio_op closing = { 0 };
    bool heard = op.result == MIO_EBADF;
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    EQUAL(wait_all(q, done, heard ? 1 : 2), heard ? 1 : 2);
    CHECK(heard || op.result == MIO_ECANCELED || op.result == MIO_EBADF);
    EQUAL(closing.result, MIO_EBADF);
    close_theirs();
    end_queue(q);
}

/* S8, P2: a duplicate keeps the file open, and the kernel's registration with it, unless that was removed */
static void a_closed_socket_with_a_duplicate_is_silent(void)
{
    paired();
    receive_waits(&op, &ours, text, 100);
    peer duplicate = peer_copy(ours.native);
    mio_op closing = { 0 }, *done[2];
    EQUAL(mio_socket_close(q, &closing, &ours), 0);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, MIO_ECANCELED);
    EQUAL(closing.result, 0);
    memset(&ours, 0xEE, sizeof ours);           /* its memory is ours again */
    send_theirs("for the duplicate");
    quiet(q, 10 * MS);
    CHECK(peer_receive(duplicate, text, 17) == 17);
    peer_close(duplicate);
    close_theirs();
    end_queue(q);
}

/* S9, X14: the number is given out again at once */
static void a_new_descriptor_with_an_old_number_is_a_new_one(void)
{
    q = open_queue();
    for (int i = 0; i < 100; i++) {
        peer both[2];
        peer_pair(MIO_STREAM, both);
        adopt(&ours, both[0]);
        EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
        quiet(q, 0);
        CHECK(peer_send(both[1], "hello", 5) == 5);
        EQUAL(result_of(q, &op), 5);
        CHECK(peer_send(both[1], "unread", 6) == 6);
        close_all(q, &ours, 1);
        peer_close(both[1]);
    }
    quiet(q, 5 * MS);
    end_queue(q);
}

/* --- not what it should be ----------------------------------------------------------------------- */

/* C4 */
static void a_stream_socket_without_a_peer_is_MIO_ENOTCONN(void)
{
    q = open_queue();
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(receive(&ours, 100), MIO_ENOTCONN);
    int64_t sent = send_all(&ours, "x", 1);     /* Linux says EPIPE */
    CHECK(sent == MIO_ENOTCONN || sent == MIO_EPIPE);
    EQUAL(mio_shut(q, &op, &ours, MIO_SHUT_SEND), 0);
    EQUAL(result_of(q, &op), MIO_ENOTCONN);
    end_ours();
}

static void a_listener_neither_sends_nor_receives_and_accepts_on(void)
{
    q = open_queue();
    mio_address address;
    listening(&ours, &address);
    EQUAL(receive(&ours, 100), MIO_ENOTCONN);
    int64_t sent = send_all(&ours, "x", 1);
    CHECK(sent == MIO_ENOTCONN || sent == MIO_EPIPE);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    theirs = peer_connect(&address);
    EQUAL(result_of(q, &op), 0);
    close_theirs();
    end_both();
}

/* Nobody connected it: on Windows it is told not to hear of refusals */
static void a_detached_datagram_socket_can_be_adopted_again(void)
{
    mio_address at;
    mio_native number;

    q = open_queue();
    EQUAL(mio_address_parse(&at, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(&second, MIO_IPV4, MIO_DATAGRAM), 0);
    EQUAL(mio_socket_bind(&second, &at), 0);
    EQUAL(mio_socket_local(&second, &at), 0);
    EQUAL(mio_socket_detach(&second, &number), 0);
    EQUAL(mio_socket_adopt(&ours, number), 0);
    EQUAL(mio_send_to(q, &op, &ours, "to itself", 9, &at), 0);
    EQUAL(result_of(q, &op), 9);
    EQUAL(receive(&ours, 100), 9);
    end_ours();
}

static void a_datagram_socket_accepts_nobody(void)
{
    mio_address at;

    q = open_queue();
    EQUAL(mio_address_parse(&at, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_DATAGRAM), 0);
    EQUAL(mio_socket_bind(&ours, &at), 0);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    int64_t result = result_of(q, &op);
    CHECK(result == MIO_ENOTSUP || result == MIO_EINVAL);      /* of two things that it is not, some systems say one */
    end_ours();
}

static void accept_on_what_does_not_listen_is_MIO_EINVAL(void)
{
    q = open_queue();
    EQUAL(mio_socket_open(&ours, MIO_IPV4, MIO_STREAM), 0);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    EQUAL(result_of(q, &op), MIO_EINVAL);
    close_all(q, &ours, 1);
    mio_socket third;
    connected(q, &ours, &third);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    EQUAL(result_of(q, &op), MIO_EINVAL);
    close_all(q, &third, 1);
    end_ours();
}

const struct test adopted_tests[] = {
    TEST(an_adopted_socket_sends_and_receives),
    TEST(an_adopted_datagram_socket_has_datagrams),
    TEST(an_adopted_listener_accepts),
    TEST(a_number_that_is_not_open_is_MIO_EBADF),
    TEST(what_was_not_adopted_is_no_socket),
    TEST(a_thousand_adopted_sockets_are_all_told),
    TEST(a_detached_descriptor_is_open_and_the_queue_has_forgotten_it),
    TEST(who_leaves_in_the_middle_of_a_turn_is_not_asked_again),
    TEST(detaching_is_MIO_EBUSY_while_something_is_pending),
    TEST(a_descriptor_asked_for_readiness_alone_serves_another_queue),
    TEST(a_close_closes_the_adopted_descriptor),
    TEST(a_descriptor_closed_by_its_owner_is_MIO_EBADF),
    TEST(a_descriptor_closed_under_a_receive_is_no_abort),
    TEST(a_closed_socket_with_a_duplicate_is_silent),
    TEST(a_new_descriptor_with_an_old_number_is_a_new_one),
    TEST(a_stream_socket_without_a_peer_is_MIO_ENOTCONN),
    TEST(a_listener_neither_sends_nor_receives_and_accepts_on),
    TEST(a_detached_datagram_socket_can_be_adopted_again),
    TEST(a_datagram_socket_accepts_nobody),
    TEST(accept_on_what_does_not_listen_is_MIO_EINVAL),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: pipes, terminals, numbers, flags, and a descriptor that changes its queue ------- */

static mio_op other;

enum end { READER = 0, WRITER = 1 };

static void piped(enum end end)         /* this end is ours */
{
    int both[2];
    q = open_queue();
    CHECK(pipe(both) == 0);
    adopt(&ours, both[end]);
    theirs = both[end == READER ? WRITER : READER];
}

static void write_theirs(const char *bytes)
{
    CHECK(write(theirs, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
}

static void receives_on_a_local_socket_wait_again_after_each_message(void)
{
    paired();
    for (int i = 0; i < 1000; i++) {
        EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
        if (i % 10 == 0) quiet(q, 0);
        write_theirs("message");
        EQUAL(result_of(q, &op), 7);
        EQUAL(send_all(&ours, "reply", 5), 5);
        CHECK(read(theirs, text, 100) == 5);
    }
    close_theirs();
    end_ours();
}

static void data_before_the_close_of_a_local_socket_comes_first(void)
{
    paired();
    receive_waits(&op, &ours, text, 100);
    write_theirs("last words");
    close_theirs();
    EQUAL(result_of(q, &op), 10);
    EQUAL(receive(&ours, 100), 0);
    EQUAL(receive(&ours, 100), 0);
    end_ours();
}

/* A message with a descriptor ends a read, however much follows */
static void pass_a_descriptor(const char *bytes)
{
    union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec vector = { text, strlen(bytes) };
    struct msghdr message = { 0 };
    memcpy(text, bytes, vector.iov_len);
    memset(&control, 0, sizeof control);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &theirs, sizeof(int));
    CHECK(sendmsg(theirs, &message, 0) == (ssize_t)vector.iov_len);
}

static void descriptors_passed_along_hold_up_nothing_and_leak_nothing(void)
{
    paired();
    static char first[100];
    int open = descriptors();
    for (int waits = 0; waits < 2; waits++) {
        if (waits) receive_waits(&op, &ours, first, sizeof first);
        write_theirs("one");
        pass_a_descriptor("two");
        pass_a_descriptor("three");
        write_theirs("four");
        if (!waits) EQUAL(mio_receive(q, &op, &ours, first, sizeof first), 0);
        int64_t whole = result_of(q, &op);
        while (whole < 15) {
            int64_t more = receive(&ours, 100);
            CHECK(more > 0);
            whole += more;
        }
        EQUAL(whole, 15);
        CHECK(memcmp(first, "one", 3) == 0);
    }
    EQUAL(descriptors(), open);
    close_theirs();
    end_ours();
}

/* --- pipes ------------------------------------------------------------------------------------------ */

static void a_pipe_gives_its_data_and_then_the_end(void)
{
    piped(READER);
    write_theirs("data");
    close_theirs();
    EQUAL(receive(&ours, 100), 4);
    EQUAL(receive(&ours, 100), 0);
    EQUAL(receive(&ours, 100), 0);
    end_ours();
}

/* Linux announces both at once and never again */
static void a_pipe_that_was_waited_for_gives_its_data_and_then_the_end(void)
{
    piped(READER);
    receive_waits(&op, &ours, text, 100);
    write_theirs("data");
    close_theirs();
    EQUAL(result_of(q, &op), 4);
    EQUAL(receive(&ours, 100), 0);
    end_ours();
}

static void two_receives_on_a_pipe_get_the_data_and_the_end(void)
{
    piped(READER);
    static char end[16];
    mio_op *done[2];
    EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
    receive_waits(&other, &ours, end, sizeof end);
    write_theirs("data");
    close_theirs();
    EQUAL(wait_all(q, done, 2), 2);
    CHECK(done[0] == &op);
    EQUAL(op.result, 4);
    EQUAL(other.result, 0);
    end_ours();
}

static void send_all_fills_a_pipe_and_goes_on_when_it_is_drained(void)
{
    piped(WRITER);
    static char bytes[1000000], drained[1000000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 31 / 7);
    EQUAL(mio_send_all(q, &op, &ours, bytes, sizeof bytes), 0);
    quiet(q, 5 * MS);
    adopt(&second, theirs);
    for (size_t whole = 0; whole < sizeof drained; ) {
        mio_op *done[2];
        EQUAL(mio_receive(q, &other, &second, drained + whole, sizeof drained - whole), 0);
        for (bool back = false; !back; ) {      /* the send may come back first */
            done[0] = wait_one(q);
            back = done[0] == &other;
        }
        CHECK(other.result > 0);
        whole += (size_t)other.result;
    }
    if (op.result == 0) CHECK(wait_one(q) == &op);
    EQUAL(op.result, sizeof bytes);
    CHECK(memcmp(bytes, drained, sizeof bytes) == 0);
    close_all(q, &second, 1);
    end_ours();
}

static void a_pipe_without_a_reader_is_MIO_EPIPE(void)
{
    piped(WRITER);
    close_theirs();
    EQUAL(send_all(&ours, "hello", 5), MIO_EPIPE);      /* Q4: SIGPIPE would have ended the process */
    EQUAL(send_all(&ours, "hello", 5), MIO_EPIPE);
    end_ours();
}

static void a_full_pipe_whose_reader_leaves_is_MIO_EPIPE(void)
{
    piped(WRITER);
    static char bytes[1000000];
    EQUAL(mio_send_all(q, &op, &ours, bytes, sizeof bytes), 0);
    quiet(q, 5 * MS);
    close_theirs();
    EQUAL(result_of(q, &op), MIO_EPIPE);
    CHECK(op.done > 0 && op.done < sizeof bytes);
    end_ours();
}

/* R17: the other end is gone before the queue has heard of the pipe */
static void readiness_of_a_pipe_that_nobody_reads_is_told(void)
{
    piped(WRITER);
    close_theirs();
    EQUAL(mio_ready(q, &op, &ours, MIO_WRITABLE), 0);
    EQUAL(result_of(q, &op), MIO_WRITABLE);
    EQUAL(send_all(&ours, "hello", 5), MIO_EPIPE);
    end_ours();
}

static void the_wrong_end_of_a_pipe_is_an_error(void)
{
    piped(WRITER);
    int64_t result = receive(&ours, 100);
    CHECK(result == MIO_EBADF || result == MIO_ENOTSUP);
    EQUAL(send_all(&ours, "hello", 5), 5);
    CHECK(read(theirs, text, 100) == 5);
    close_theirs();
    end_ours();
}

static void what_only_sockets_can_do_is_MIO_ENOTSUP_on_a_pipe(void)
{
    piped(READER);
    static mio_address address;
    EQUAL(mio_address_parse(&address, "127.0.0.1", 9), 0);
    EQUAL(mio_accept(q, &op, &ours, &second), 0);
    EQUAL(result_of(q, &op), MIO_ENOTSUP);
    EQUAL(mio_connect(q, &op, &ours, &address), 0);
    EQUAL(result_of(q, &op), MIO_ENOTSUP);
    EQUAL(mio_receive_from(q, &op, &ours, text, 100, NULL), 0);
    EQUAL(result_of(q, &op), MIO_ENOTSUP);
    EQUAL(mio_send_to(q, &op, &ours, text, 1, &address), 0);
    EQUAL(result_of(q, &op), MIO_ENOTSUP);
    EQUAL(mio_shut(q, &op, &ours, MIO_SHUT_RECEIVE), 0);
    EQUAL(result_of(q, &op), MIO_ENOTSUP);
    EQUAL(mio_socket_local(&ours, &address), MIO_ENOTSUP);
    write_theirs("still a pipe");
    EQUAL(receive(&ours, 100), 12);
    close_theirs();
    end_ours();
}

static void a_named_pipe_ends_and_begins_again(void)
{
    char path[100];
    snprintf(path, sizeof path, "/tmp/mio-%llx.fifo", (unsigned long long)now());
    CHECK(mkfifo(path, 0600) == 0);
    q = open_queue();
    adopt(&ours, open(path, O_RDONLY | O_NONBLOCK));
    for (int i = 0; i < 3; i++) {
        theirs = open(path, O_WRONLY);
        CHECK(theirs >= 0);
        if (i > 0) receive_waits(&op, &ours, text, 100);
        write_theirs("hello");
        EQUAL(i > 0 ? result_of(q, &op) : receive(&ours, 100), 5);
        close_theirs();
        EQUAL(receive(&ours, 100), 0);
    }
    CHECK(unlink(path) == 0);
    end_ours();
}

/* --- SIGPIPE, Q4: it is the program's, whatever the program does with it ------------------------------ */

static void nobody_reads(void)          /* neither a pipe nor a socket */
{
    piped(WRITER);
    close_theirs();
    int both[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    adopt(&second, both[0]);
    CHECK(close(both[1]) == 0);
}

static bool pending(int number)
{
    sigset_t set;
    CHECK(sigpending(&set) == 0);
    return sigismember(&set, number) == 1;
}

static bool blocked(int number)
{
    sigset_t set;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    return sigismember(&set, number) == 1;
}

static void block(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static void SIGPIPE_is_neither_sent_nor_blocked(void)
{
    nobody_reads();
    EQUAL(send_all(&ours, "x", 1), MIO_EPIPE);
    EQUAL(send_all(&second, "x", 1), MIO_EPIPE);
    CHECK(!blocked(SIGPIPE));
    CHECK(!pending(SIGPIPE));
    end_both();
}

static void SIGPIPE_blocked_by_the_program_stays_blocked_and_is_not_pending(void)
{
    nobody_reads();
    block(SIGPIPE);
    EQUAL(send_all(&ours, "x", 1), MIO_EPIPE);
    EQUAL(send_all(&second, "x", 1), MIO_EPIPE);
    CHECK(blocked(SIGPIPE));
    CHECK(!pending(SIGPIPE));
    end_both();
}

static void SIGPIPE_that_was_pending_before_is_pending_afterwards(void)
{
    nobody_reads();
    block(SIGPIPE);
    CHECK(raise(SIGPIPE) == 0);
    CHECK(pending(SIGPIPE));
    EQUAL(send_all(&ours, "x", 1), MIO_EPIPE);
    EQUAL(send_all(&second, "x", 1), MIO_EPIPE);
    CHECK(blocked(SIGPIPE));
    CHECK(pending(SIGPIPE));
    end_both();
}

static void SIGPIPE_ignored_by_the_program_stays_ignored(void)
{
    nobody_reads();
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    EQUAL(send_all(&ours, "x", 1), MIO_EPIPE);
    EQUAL(send_all(&second, "x", 1), MIO_EPIPE);
    CHECK(!blocked(SIGPIPE));
    CHECK(!pending(SIGPIPE));
    CHECK(signal(SIGPIPE, SIG_DFL) == SIG_IGN);
    end_both();
}

static void other_signals_stay_as_they_were(void)
{
    nobody_reads();
    block(SIGUSR1);
    CHECK(raise(SIGUSR1) == 0);
    EQUAL(send_all(&ours, "x", 1), MIO_EPIPE);
    CHECK(blocked(SIGUSR1) && pending(SIGUSR1) && !blocked(SIGUSR2));
    end_both();
}

/* --- terminals -------------------------------------------------------------------------------------- */

static int keyboard;                    /* the master's side; the slave's is theirs or ours */

static void open_terminal(void)         /* in lines, without echo */
{
    q = open_queue();
    keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    if (keyboard < 0) suite_skip("no terminals here");
    CHECK(grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
    theirs = open(ptsname(keyboard), O_RDWR | O_NOCTTY);
    CHECK(theirs >= 0);
    struct termios how;
    CHECK(tcgetattr(theirs, &how) == 0);
    how.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    how.c_lflag |= ICANON;
    how.c_oflag &= ~(tcflag_t)OPOST;
    CHECK(tcsetattr(theirs, TCSANOW, &how) == 0);
}

static void type(const char *keys) { CHECK(write(keyboard, keys, strlen(keys)) == (ssize_t)strlen(keys)); }

static void a_terminal_gives_a_line_at_a_time_and_forgets_none(void)
{
    open_terminal();
    adopt(&ours, theirs);
    for (int i = 0; i < 3; i++) {
        if (i > 0) receive_waits(&op, &ours, text, 100);
        type("one\ntwo\nthree\n");
        EQUAL(i > 0 ? result_of(q, &op) : receive(&ours, 100), 4);
        CHECK(got("one\n"));
        EQUAL(receive(&ours, 100), 4);
        EQUAL(receive(&ours, 100), 6);
        CHECK(got("three\n"));
    }
    CHECK(close(keyboard) == 0);
    end_ours();
}

static void a_line_of_a_terminal_that_is_not_finished_is_waited_for(void)
{
    open_terminal();
    adopt(&ours, theirs);
    type("half");
    receive_waits(&op, &ours, text, 100);
    type(" whole\n");
    EQUAL(result_of(q, &op), 11);
    CHECK(close(keyboard) == 0);
    end_ours();
}

static void what_a_terminal_shows_is_received_and_sent(void)
{
    open_terminal();
    adopt(&ours, keyboard);
    receive_waits(&op, &ours, text, 100);
    write_theirs("output");
    EQUAL(result_of(q, &op), 6);
    EQUAL(send_all(&ours, "input\n", 6), 6);
    CHECK(read(theirs, text, 100) == 6);
    close_theirs();
    end_ours();
}

static void a_terminal_whose_programs_are_gone_gives_their_output_and_then_the_end(void)
{
    open_terminal();
    adopt(&ours, keyboard);
    write_theirs("last words");
    close_theirs();
    EQUAL(receive(&ours, 100), 10);
    EQUAL(receive(&ours, 100), 0);
    EQUAL(receive(&ours, 100), 0);
    end_ours();
}

static void a_receive_that_waits_on_a_terminal_ends_with_the_last_program(void)
{
    open_terminal();
    adopt(&ours, keyboard);
    receive_waits(&op, &ours, text, 100);
    close_theirs();
    EQUAL(result_of(q, &op), 0);
    end_ours();
}

static void a_terminal_that_is_hung_up_ends(void)
{
    open_terminal();
    adopt(&ours, theirs);
    receive_waits(&op, &ours, text, 100);
    CHECK(close(keyboard) == 0);
    EQUAL(result_of(q, &op), 0);
    int64_t result = send_all(&ours, "anybody?", 8);    /* EIO has no name of its own */
    CHECK(result == MIO_EPIPE || result == MIO_ESYSTEM);
    end_ours();
}

static void refused(int fd, int why)
{
    int flags = fcntl(fd, F_GETFL);
    EQUAL(mio_socket_adopt(&ours, fd), why);
    EQUAL(fcntl(fd, F_GETFL), flags);
    CHECK(close(fd) == 0);
}

/* R10 */
static void files_and_directories_are_MIO_ENOTSUP(void)
{
    FILE *file = tmpfile();
    CHECK(file != NULL);
    refused(fcntl(fileno(file), F_DUPFD, 3), MIO_ENOTSUP);
    peer_nonblocking(fileno(file));
    refused(fcntl(fileno(file), F_DUPFD, 3), MIO_ENOTSUP);
    CHECK(fclose(file) == 0);
    refused(open("/", O_RDONLY | O_DIRECTORY), MIO_ENOTSUP);
    refused(open("/", O_RDONLY | O_DIRECTORY | O_NONBLOCK), MIO_ENOTSUP);
}

static void a_blocking_descriptor_is_MIO_EINVAL_and_stays_blocking(void)
{
    int both[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    refused(both[0], MIO_EINVAL);
    refused(both[1], MIO_EINVAL);
    CHECK(pipe(both) == 0);
    refused(both[0], MIO_EINVAL);
    refused(both[1], MIO_EINVAL);
}

/*
 * R11: a device is no pipe and no terminal. Refused, or adopted with what read and write say of it: never
 * an abort, never a wait without end
 */
static void device(const char *path, int64_t bytes)
{
    int fd = open(path, O_RDWR | O_NONBLOCK);
    CHECK(fd >= 0);
    int adopted = mio_socket_adopt(&ours, fd);
    if (adopted != 0) {
        EQUAL(adopted, MIO_ENOTSUP);
        CHECK(close(fd) == 0);
        return;
    }
    int64_t received = receive(&ours, 100);
    CHECK(received == bytes || received == MIO_ENOTSUP);
    int64_t sent = send_all(&ours, "x", 1);
    CHECK(sent == 1 || sent == MIO_ENOTSUP);
    mio_op_ready(&op, &ours, MIO_READABLE);
    op.deadline = mio_now() + 100 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    int64_t ready = result_of(q, &op);
    CHECK(ready == MIO_READABLE || ready == MIO_ENOTSUP || ready == MIO_ETIMEDOUT);
    close_all(q, &ours, 1);
}

static void devices_are_refused_or_read_and_written(void)
{
    q = open_queue();
    device("/dev/null", 0);
    device("/dev/zero", 100);
    end_queue(q);
}

/* R21: a queue's own things have numbers too, and 0 may be one of theirs */
static void descriptor_0_is_a_descriptor(void)
{
    paired();
    mio_native end;
    EQUAL(mio_socket_detach(&ours, &end), 0);
    int saved = fcntl(0, F_DUPFD, 3);           /* -1: there was none */
    CHECK(dup2(end, 0) == 0 && close(end) == 0);
    adopt(&ours, 0);
    receive_waits(&op, &ours, text, 100);
    EQUAL(mio_queue_wake(q), 0);
    mio_op *done;
    EQUAL(mio_queue_wait(q, &done, 1, 1000 * MS), MIO_WOKEN);
    quiet(q, 5 * MS);
    write_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    quiet(q, 5 * MS);
    EQUAL(mio_queue_wait(q, &done, 1, 0), 0);
    close_theirs();
    EQUAL(receive(&ours, 100), 0);
    end_ours();
    if (saved >= 0) CHECK(dup2(saved, 0) == 0 && close(saved) == 0);
}

/* R22: select would end here */
static void a_high_number_is_a_descriptor(void)
{
    if (!room_for(2100)) suite_skip("no descriptor above 1,024 here");
    paired();
    mio_native end;
    EQUAL(mio_socket_detach(&ours, &end), 0);
    int high = fcntl(end, F_DUPFD, 2000);
    CHECK(high >= 2000 && close(end) == 0);
    adopt(&ours, high);
    receive_waits(&op, &ours, text, 100);
    write_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    close_theirs();
    end_ours();
}

/* R1, X6 */
static void one_descriptor_as_two_sockets_of_a_queue_is_MIO_EBUSY(void)
{
    paired();
    receive_waits(&op, &ours, text, 100);
    EQUAL(mio_socket_adopt(&second, ours.native), 0);
    EQUAL(mio_receive(q, &other, &second, text, 100), 0);
    mio_op *done;
    if (mio_queue_wait(q, &done, 1, 5 * MS) == 0) suite_skip("kqueue takes the second for a change of the first");
    CHECK(done == &other);
    EQUAL(other.result, MIO_EBUSY);
    write_theirs("for the first");              /* which has not been disturbed */
    EQUAL(result_of(q, &op), 13);
    mio_native same;
    EQUAL(mio_socket_detach(&second, &same), 0);
    receive_waits(&op, &ours, text, 100);
    write_theirs("again");
    EQUAL(result_of(q, &op), 5);
    close_theirs();
    end_ours();
}

static void a_duplicate_is_a_socket_of_its_own(void)
{
    paired();
    adopt(&second, dup(ours.native));
    receive_waits(&op, &ours, text, 100);
    EQUAL(mio_ready(q, &other, &second, MIO_READABLE), 0);
    quiet(q, 5 * MS);
    mio_op *done[2];
    write_theirs("hello");
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(op.result, 5);
    EQUAL(other.result, MIO_READABLE);
    close_all(q, &second, 1);
    receive_waits(&op, &ours, text, 100);
    write_theirs("again");
    EQUAL(result_of(q, &op), 5);
    close_theirs();
    end_ours();
}

static void a_detached_descriptor_serves_another_queue(void)
{
    paired();
    mio_queue *first = q;
    mio_native end;
    receive_waits(&op, &ours, text, 100);
    write_theirs("one");
    EQUAL(result_of(q, &op), 3);
    EQUAL(mio_receive(q, &op, &ours, text, 100), 0);
    q = open_queue();
    EQUAL(mio_send(q, &other, &ours, "x", 1), MIO_EINVAL);      /* not yet */
    write_theirs("two");
    EQUAL(result_of(first, &op), 3);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    EQUAL(mio_socket_adopt(&ours, end), 0);
    receive_waits(&op, &ours, text, 100);
    write_theirs("three");
    EQUAL(result_of(q, &op), 5);
    quiet(first, 5 * MS);
    end_queue(first);
    close_theirs();
    end_ours();
}

/* S12 */
static void an_adopted_descriptor_survives_its_queue(void)
{
    paired();
    mio_queue *next = open_queue();             /* not in the memory of the first */
    mio_native end;
    receive_waits(&op, &ours, text, 100);
    EQUAL(mio_queue_shutdown(q), 0);
    EQUAL(result_of(q, &op), MIO_ECANCELED);
    end_queue(q);
    q = next;
    receive_waits(&op, &ours, text, 100);
    write_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    write_theirs("hello");
    EQUAL(receive(&ours, 100), 5);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    close_theirs();
    CHECK(close(end) == 0);
    end_queue(q);
}

/* A send that has to wait, until the other end has read all of it */
static void send_while_they_read(void)
{
    static char bulk[1000000], part[1000];
    static mio_op send;
    mio_op *done[1];
    int ended = 0;

    EQUAL(mio_send_all(q, &send, &ours, bulk, sizeof bulk), 0);
    for (size_t read = 0; read < sizeof bulk; read += sizeof part) {
        ended += mio_queue_wait(q, done, 1, 0);
        EQUAL((int64_t)peer_receive(theirs, part, sizeof part), (int64_t)sizeof part);
    }
    EQUAL(ended, 1);
    CHECK(done[0] == &send);
    EQUAL(send.result, (int64_t)sizeof bulk);
}

/* It is watched both ways meanwhile, and afterwards for reading alone */
static void a_local_socket_whose_send_had_to_wait_receives_as_before(void)
{
    paired();
    for (int i = 0; i < 2; i++) {
        receive_waits(&op, &ours, text, 100);
        send_while_they_read();
        quiet(q, 10 * MS);
        send_theirs("hello");
        EQUAL(result_of(q, &op), 5);
    }
    close_theirs();
    end_ours();
}

static void adopting_and_detaching_leave_the_flags_alone(void)
{
    paired();
    mio_native end;
    int flags = fcntl(ours.native, F_GETFL), inherited = fcntl(ours.native, F_GETFD);
    receive_waits(&op, &ours, text, 100);
    write_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    EQUAL(send_all(&ours, "x", 1), 1);
    EQUAL(fcntl(ours.native, F_GETFL), flags);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    EQUAL(fcntl(end, F_GETFL), flags);
    EQUAL(fcntl(end, F_GETFD), inherited);
    close_theirs();
    CHECK(close(end) == 0);
    end_queue(q);
}

/* R19: and the number means something else by now. Linux knows that it never heard of that one */
static void a_descriptor_closed_by_its_owner_and_opened_again_is_no_refused_connection(void)
{
    paired();
    receive_waits(&op, &ours, text, 100);
    write_theirs("hello");
    EQUAL(result_of(q, &op), 5);
    int both[2];
    CHECK(pipe(both) == 0 && dup2(both[0], ours.native) == ours.native);
    mio_op_ready(&op, &ours, MIO_READABLE);
    op.deadline = mio_now() + 20 * MS;
    EQUAL(mio_queue_submit(q, &op), 0);
    int64_t result = result_of(q, &op);
    CHECK(result == MIO_EBADF || result == MIO_ETIMEDOUT);
    CHECK(close(both[0]) == 0 && close(both[1]) == 0);
    close_theirs();
    end_ours();
}

static void a_local_socket_without_a_peer_is_MIO_ENOTCONN(void)
{
    q = open_queue();
    EQUAL(mio_socket_open(&ours, MIO_LOCAL, MIO_STREAM), 0);
    EQUAL(receive(&ours, 100), MIO_ENOTCONN);
    end_ours();
}

/* R5, with data that came between */
static void a_detached_descriptor_can_be_adopted_again(void)
{
    paired();
    for (int i = 0; i < 10; i++) {
        mio_native end;
        receive_waits(&op, &ours, text, 100);
        send_theirs("hello");
        EQUAL(result_of(q, &op), 5);
        EQUAL(mio_socket_detach(&ours, &end), 0);
        send_theirs("between");
        EQUAL(mio_socket_adopt(&ours, end), 0);
        EQUAL(receive(&ours, 100), 7);
    }
    close_theirs();
    end_ours();
}

static void a_socket_of_ours_can_be_detached_too(void)
{
    q = open_queue();
    mio_native end;
    connected(q, &ours, &second);
    EQUAL(mio_socket_detach(&ours, &end), 0);
    CHECK(peer_send(end, "hello", 5) == 5);
    EQUAL(receive(&second, 100), 5);
    EQUAL(mio_socket_adopt(&ours, end), 0);     /* as it was: non-blocking */
    EQUAL(send_all(&second, "x", 1), 1);
    EQUAL(receive(&ours, 100), 1);
    end_both();
}

const struct test unix_adopted_tests[] = {
    TEST(a_detached_descriptor_can_be_adopted_again),
    TEST(a_socket_of_ours_can_be_detached_too),
    TEST(receives_on_a_local_socket_wait_again_after_each_message),
    TEST(a_local_socket_whose_send_had_to_wait_receives_as_before),
    TEST(data_before_the_close_of_a_local_socket_comes_first),
    TEST(descriptors_passed_along_hold_up_nothing_and_leak_nothing),
    TEST(a_pipe_gives_its_data_and_then_the_end),
    TEST(a_pipe_that_was_waited_for_gives_its_data_and_then_the_end),
    TEST(two_receives_on_a_pipe_get_the_data_and_the_end),
    TEST(send_all_fills_a_pipe_and_goes_on_when_it_is_drained),
    TEST(a_pipe_without_a_reader_is_MIO_EPIPE),
    TEST(a_full_pipe_whose_reader_leaves_is_MIO_EPIPE),
    TEST(readiness_of_a_pipe_that_nobody_reads_is_told),
    TEST(the_wrong_end_of_a_pipe_is_an_error),
    TEST(what_only_sockets_can_do_is_MIO_ENOTSUP_on_a_pipe),
    TEST(a_named_pipe_ends_and_begins_again),
    TEST(SIGPIPE_is_neither_sent_nor_blocked),
    TEST(SIGPIPE_blocked_by_the_program_stays_blocked_and_is_not_pending),
    TEST(SIGPIPE_that_was_pending_before_is_pending_afterwards),
    TEST(SIGPIPE_ignored_by_the_program_stays_ignored),
    TEST(other_signals_stay_as_they_were),
    TEST(a_terminal_gives_a_line_at_a_time_and_forgets_none),
    TEST(a_line_of_a_terminal_that_is_not_finished_is_waited_for),
    TEST(what_a_terminal_shows_is_received_and_sent),
    TEST(a_terminal_whose_programs_are_gone_gives_their_output_and_then_the_end),
    TEST(a_receive_that_waits_on_a_terminal_ends_with_the_last_program),
    TEST(a_terminal_that_is_hung_up_ends),
    TEST(files_and_directories_are_MIO_ENOTSUP),
    TEST(a_blocking_descriptor_is_MIO_EINVAL_and_stays_blocking),
    TEST(devices_are_refused_or_read_and_written),
    TEST(descriptor_0_is_a_descriptor),
    TEST(a_high_number_is_a_descriptor),
    TEST(one_descriptor_as_two_sockets_of_a_queue_is_MIO_EBUSY),
    TEST(a_duplicate_is_a_socket_of_its_own),
    TEST(a_detached_descriptor_serves_another_queue),
    TEST(an_adopted_descriptor_survives_its_queue),
    TEST(adopting_and_detaching_leave_the_flags_alone),
    TEST(a_descriptor_closed_by_its_owner_and_opened_again_is_no_refused_connection),
    TEST(a_local_socket_without_a_peer_is_MIO_ENOTCONN),
    { NULL, NULL }
};
#endif
