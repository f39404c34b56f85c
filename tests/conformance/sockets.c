/*
 * Sockets outside any queue: opening, binding, addresses, and what is no socket. That a C++ program can use the
 * header is tests/header.sh's to show.
 */
#if !defined(_WIN32)
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>

/* Each test has a process of its own: these are fresh in each */
static mio_queue  *q;
static mio_op      op;
static mio_socket  a, b, c;
static mio_address at, elsewhere;
static char        text[400];

static void open_or_skip(mio_socket *s, int family, int type)
{
    int opened = mio_socket_open(s, family, type);
    if (opened == MIO_ENOTSUP && family == MIO_IPV6) suite_skip("no IPv6 here");
    if (opened == MIO_ENOTSUP && family == MIO_LOCAL) suite_skip("no local sockets here");
    EQUAL(opened, 0);
}

static void close_one(mio_socket *s) { close_all(q, s, 1); }

static bool prints(const mio_address *address, const char *wanted)
{
    char printed[400];
    return mio_address_print(address, printed, sizeof printed) == 0 && strcmp(printed, wanted) == 0;
}

static bool same(const mio_address *one, const mio_address *another)
{
    char printed[400];
    return mio_address_print(one, printed, sizeof printed) == 0 && prints(another, printed);
}

/* --- opening ---------------------------------------------------------------------------------------- */

static void streams_and_datagrams_of_ipv4_open(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_IPV4, MIO_STREAM);
    open_or_skip(&b, MIO_IPV4, MIO_DATAGRAM);
    CHECK(a.native != b.native);
    close_one(&a);
    close_one(&b);
    end_queue(q);
}

static void streams_and_datagrams_of_ipv6_open(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_IPV6, MIO_STREAM);
    open_or_skip(&b, MIO_IPV6, MIO_DATAGRAM);
    close_one(&a);
    close_one(&b);
    end_queue(q);
}

static void local_sockets_are_there_or_MIO_ENOTSUP(void)
{
    int made = mio_address_local(&at, "/tmp/x");
    q = open_queue();
    CHECK(made == 0 || made == MIO_ENOTSUP);
    for (int type = MIO_STREAM; type <= MIO_DATAGRAM; type++) {
        int opened = mio_socket_open(&a, MIO_LOCAL, type);
        EQUAL(opened, made);
        if (opened == 0) close_one(&a);
    }
    end_queue(q);
}

static void no_such_family_or_type(void)
{
    static const int wrong[][2] = {
        { 0, MIO_STREAM }, { 2, MIO_STREAM }, { 5, MIO_DATAGRAM }, { 10, MIO_STREAM }, { -1, MIO_STREAM },
        { MIO_IPV4, 0 }, { MIO_IPV4, 3 }, { MIO_IPV4, -1 }, { MIO_IPV6, 4 }, { MIO_LOCAL, 0 }, { 0, 0 },
    };
    for (int i = 0; i < COUNT(wrong); i++) {
        mio_native unused;
        memset(&a, 0xFF, sizeof a);
        int opened = mio_socket_open(&a, wrong[i][0], wrong[i][1]);
        CHECK(opened == MIO_EINVAL || opened == MIO_ENOTSUP);
        EQUAL(mio_socket_listen(&a, 0), MIO_EBADF);     /* what was not opened is no socket */
        EQUAL(mio_socket_detach(&a, &unused), MIO_EBADF);
    }
}

/* C25 */
static void both_ends_of_a_connection_are_nonblocking_and_not_inherited(void)
{
    q = open_queue();
    connected(q, &a, &b);
    CHECK(peer_is_private(a.native));
    CHECK(peer_is_private(b.native));
    close_one(&a);
    close_one(&b);
    end_queue(q);
}

static void without_descriptors_opening_is_MIO_EMFILE(void)
{
    take_descriptors(0);
    EQUAL(mio_socket_open(&a, MIO_IPV4, MIO_STREAM), MIO_EMFILE);
    EQUAL(mio_socket_open(&a, MIO_IPV4, MIO_DATAGRAM), MIO_EMFILE);
    q = (mio_queue *)text;
    EQUAL(mio_queue_open(&q, NULL), MIO_EMFILE);
    CHECK(q == NULL);
    give_descriptors_back();
    q = open_queue();
    open_or_skip(&a, MIO_IPV4, MIO_STREAM);
    close_one(&a);
    end_queue(q);
}

/* --- binding ---------------------------------------------------------------------------------------- */

static void bound(mio_socket *s, int family, int type, const char *where)
{
    open_or_skip(s, family, type);
    EQUAL(mio_address_parse(&at, where, 0), 0);
    EQUAL(mio_socket_bind(s, &at), 0);
    EQUAL(mio_socket_local(s, &at), 0);
}

static void local_tells_the_port_that_was_given(void)
{
    q = open_queue();
    bound(&a, MIO_IPV4, MIO_STREAM, "127.0.0.1");
    EQUAL(mio_address_family(&at), MIO_IPV4);
    CHECK(mio_address_port(&at) > 0);
    snprintf(text, sizeof text, "127.0.0.1:%d", mio_address_port(&at));
    CHECK(prints(&at, text));
    close_one(&a);
    end_queue(q);
}

static void both_ends_of_a_connection_know_both_addresses(void)
{
    q = open_queue();
    connected(q, &a, &b);
    mio_address mine, peers;
    for (int i = 0; i < 2; i++) {
        EQUAL(mio_socket_local(i == 0 ? &a : &b, &mine), 0);
        EQUAL(mio_socket_peer(i == 0 ? &b : &a, &peers), 0);
        CHECK(same(&mine, &peers));
        CHECK(mio_address_port(&mine) > 0);
    }
    close_one(&a);
    close_one(&b);
    end_queue(q);
}

static void an_ipv6_connection_has_ipv6_addresses(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_IPV6, MIO_STREAM);
    EQUAL(mio_address_parse(&at, "::1", 0), 0);
    if (mio_socket_bind(&a, &at) == MIO_EADDRNOTAVAIL) suite_skip("no address ::1 here");
    EQUAL(mio_socket_listen(&a, 0), 0);
    EQUAL(mio_socket_local(&a, &at), 0);
    EQUAL(mio_socket_open(&b, MIO_IPV6, MIO_STREAM), 0);
    mio_op accepting = { 0 }, *done[2];
    EQUAL(mio_accept(q, &accepting, &a, &c), 0);
    EQUAL(mio_connect(q, &op, &b, &at), 0);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(accepting.result + op.result, 0);
    EQUAL(mio_socket_peer(&b, &elsewhere), 0);
    CHECK(same(&elsewhere, &at));
    EQUAL(mio_socket_local(&c, &elsewhere), 0);
    CHECK(same(&elsewhere, &at));
    snprintf(text, sizeof text, "[::1]:%d", mio_address_port(&at));
    CHECK(prints(&at, text));
    close_one(&a);
    close_one(&b);
    close_one(&c);
    end_queue(q);
}

static void a_socket_without_a_peer_is_MIO_ENOTCONN(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_IPV4, MIO_STREAM);
    EQUAL(mio_socket_peer(&a, &at), MIO_ENOTCONN);
    close_one(&a);
    open_or_skip(&a, MIO_IPV4, MIO_DATAGRAM);
    EQUAL(mio_socket_peer(&a, &at), MIO_ENOTCONN);
    close_one(&a);
    listening(&a, &at);
    EQUAL(mio_socket_peer(&a, &elsewhere), MIO_ENOTCONN);
    close_one(&a);
    end_queue(q);
}

static void a_port_that_is_in_use_is_MIO_EADDRINUSE(void)
{
    q = open_queue();
    listening(&a, &at);
    open_or_skip(&b, MIO_IPV4, MIO_STREAM);
    EQUAL(mio_socket_bind(&b, &at), MIO_EADDRINUSE);
    close_one(&b);
    close_one(&a);
    end_queue(q);
}

/* X12: two who share a port would each get a part of what is sent to it */
static void a_datagram_port_that_is_in_use_is_MIO_EADDRINUSE(void)
{
    q = open_queue();
    bound(&a, MIO_IPV4, MIO_DATAGRAM, "127.0.0.1");
    open_or_skip(&b, MIO_IPV4, MIO_DATAGRAM);
    EQUAL(mio_socket_bind(&b, &at), MIO_EADDRINUSE);
    close_one(&a);
    EQUAL(mio_socket_bind(&b, &at), 0);         /* now it is free */
    close_one(&b);
    end_queue(q);
}

/* A server that is started again: its last connections are in TIME_WAIT, because it closed them first */
static void a_port_used_a_moment_ago_can_be_bound(void)
{
    q = open_queue();
    for (int i = 0; i < 3; i++) {
        if (i == 0) listening(&a, &at);
        else {
            open_or_skip(&a, MIO_IPV4, MIO_STREAM);
            EQUAL(mio_socket_bind(&a, &at), 0);
            EQUAL(mio_socket_listen(&a, 0), 0);
        }
        peer client = peer_connect(&at);
        EQUAL(mio_accept(q, &op, &a, &b), 0);
        EQUAL(result_of(q, &op), 0);
        close_one(&b);
        EQUAL((int64_t)peer_receive(client, text, 1), 0);
        peer_close(client);
        close_one(&a);
    }
    end_queue(q);
}

static void what_cannot_be_bound(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_IPV4, MIO_STREAM);
    EQUAL(mio_address_parse(&at, "192.0.2.1", 0), 0);           /* for documentation: nobody's */
    EQUAL(mio_socket_bind(&a, &at), MIO_EADDRNOTAVAIL);
    EQUAL(mio_address_parse(&at, "::1", 0), 0);
    EQUAL(mio_socket_bind(&a, &at), MIO_EINVAL);
    memset(&at, 0, sizeof at);
    EQUAL(mio_socket_bind(&a, &at), MIO_EINVAL);
    EQUAL(mio_address_parse(&at, "127.0.0.1", 0), 0);
    EQUAL(mio_socket_bind(&a, &at), 0);
    EQUAL(mio_socket_bind(&a, &at), MIO_EINVAL);                /* it has an address */
    close_one(&a);
    end_queue(q);
}

static void a_datagram_socket_cannot_listen(void)
{
    q = open_queue();
    bound(&a, MIO_IPV4, MIO_DATAGRAM, "127.0.0.1");
    EQUAL(mio_socket_listen(&a, 0), MIO_ENOTSUP);
    close_one(&a);
    end_queue(q);
}

/* Not at any address: who was not bound at all listens, too, and is connected to */
static void a_stream_socket_is_where_it_was_bound(void)
{
    bound(&a, MIO_IPV4, MIO_STREAM, "127.0.0.1");
    EQUAL(mio_socket_local(&a, &at), 0);
    CHECK(mio_address_port(&at) > 0);
    CHECK(mio_address_print(&at, text, sizeof text) >= 0);
    CHECK(strncmp(text, "127.0.0.1:", 10) == 0);
    q = open_queue();
    close_one(&a);
    end_queue(q);
}

static void a_backlog_below_0_is_refused(void)
{
    q = open_queue();
    bound(&a, MIO_IPV4, MIO_STREAM, "127.0.0.1");
    EQUAL(mio_socket_listen(&a, -1), MIO_EINVAL);
    EQUAL(mio_socket_listen(&a, 0), 0);
    close_one(&a);
    end_queue(q);
}

static void a_backlog_of_0_is_more_than_one(void)
{
    enum { CLIENTS = 100 };
    static mio_op connects[CLIENTS], *done[CLIENTS];
    static mio_socket clients[CLIENTS];

    if (!room_for(CLIENTS + 50)) suite_skip("too few descriptors are allowed");
    q = open_queue();
    listening(&a, &at);
    for (int i = 0; i < CLIENTS; i++) {
        open_or_skip(&clients[i], MIO_IPV4, MIO_STREAM);
        EQUAL(mio_connect(q, &connects[i], &clients[i], &at), 0);
    }
    EQUAL(wait_all(q, done, CLIENTS), CLIENTS);                 /* nobody accepts */
    for (int i = 0; i < CLIENTS; i++) EQUAL(connects[i].result, 0);
    close_all(q, clients, CLIENTS);
    close_one(&a);
    end_queue(q);
}

/* --- addresses in words ----------------------------------------------------------------------------- */

static void good_addresses(void)
{
    static const struct { const char *text; int port, family; const char *printed; } good[] = {
        { "127.0.0.1", 80, MIO_IPV4, "127.0.0.1:80" },
        { "0.0.0.0", 0, MIO_IPV4, "0.0.0.0:0" },
        { "255.255.255.255", 65535, MIO_IPV4, "255.255.255.255:65535" },
        { "1.2.3.4", 1, MIO_IPV4, "1.2.3.4:1" },
        { "::1", 80, MIO_IPV6, "[::1]:80" },
        { "::", 0, MIO_IPV6, "[::]:0" },
        { "1::", 65535, MIO_IPV6, "[1::]:65535" },
        { "2001:db8::A", 443, MIO_IPV6, "[2001:db8::a]:443" },
        { "2001:0db8:0:0:1:0:0:1", 443, MIO_IPV6, "[2001:db8::1:0:0:1]:443" },
        { "1:2:3:4:5:6:7:8", 9, MIO_IPV6, "[1:2:3:4:5:6:7:8]:9" },
        { "::ffff:1.2.3.4", 9, MIO_IPV6, "[::ffff:1.2.3.4]:9" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 9, MIO_IPV6, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:9" },
    };
    for (int i = 0; i < COUNT(good); i++) {
        memset(&at, 0x55, sizeof at);
        EQUAL(mio_address_parse(&at, good[i].text, good[i].port), 0);
        EQUAL(mio_address_family(&at), good[i].family);
        EQUAL(mio_address_port(&at), good[i].port);
        EQUAL(mio_address_print(&at, text, sizeof text), 0);
        if (strcmp(text, good[i].printed) != 0) suite_failed(__FILE__, __LINE__, text);
    }
}

static void bad_addresses(void)
{
    static const char *const bad[] = {
        "", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "1..2.3", "256.1.1.1", "1.2.3.256",
        "-1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "1.2.3.4/8", "0x7f.0.0.1", "a.b.c.d", "localhost",
        "example.org", "[::1]", "[::1]:80", "::1 ", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::g", "::1.2.3",
        "::1.2.3.256", "1:2:3:4:5:6:7:1.2.3.4", "/tmp/x",
    };
    for (int i = 0; i < COUNT(bad); i++)
        if (mio_address_parse(&at, bad[i], 80) != MIO_EINVAL) suite_failed(__FILE__, __LINE__, bad[i]);
    memset(text, '1', 300);
    text[300] = '\0';
    EQUAL(mio_address_parse(&at, text, 80), MIO_EINVAL);
    memset(text, ':', 300);
    EQUAL(mio_address_parse(&at, text, 80), MIO_EINVAL);
}

static void ports_are_0_to_65535(void)
{
    static const int bad[] = { -1, 65536, 65536 + 80, INT32_MAX, INT32_MIN };
    for (int i = 0; i < COUNT(bad); i++) {
        EQUAL(mio_address_parse(&at, "127.0.0.1", bad[i]), MIO_EINVAL);
        EQUAL(mio_address_parse(&at, "::1", bad[i]), MIO_EINVAL);
    }
}

static void fits_exactly(const char *wanted)
{
    size_t length = strlen(wanted);
    for (size_t room = 0; room <= length; room++) {             /* no room for the zero, and less */
        memset(text, '#', sizeof text);
        EQUAL(mio_address_print(&at, text, room), MIO_EINVAL);
        for (size_t i = room; i < sizeof text; i++) EQUAL(text[i], '#');
    }
    memset(text, '#', sizeof text);
    EQUAL(mio_address_print(&at, text, length + 1), 0);
    CHECK(strcmp(text, wanted) == 0);
    EQUAL(text[length + 1], '#');
}

static void printing_stays_within_its_room(void)
{
    EQUAL(mio_address_parse(&at, "127.0.0.1", 12345), 0);
    fits_exactly("127.0.0.1:12345");
    EQUAL(mio_address_parse(&at, "1:2:3:4:5:6:7:8", 80), 0);
    fits_exactly("[1:2:3:4:5:6:7:8]:80");
    for (int i = 0; i < 4; i++)                 /* no flow, no scope */
        CHECK(at.storage.bytes[4 + i] == 0 && at.storage.bytes[24 + i] == 0);
    if (mio_address_local(&at, "/tmp/socket") == 0) fits_exactly("/tmp/socket");
}

static void what_is_no_address(void)
{
    memset(&at, 0, sizeof at);
    CHECK(mio_address_family(&at) <= 0);
    EQUAL(mio_address_port(&at), -1);
    EQUAL(mio_address_print(&at, text, sizeof text), MIO_EINVAL);
    EQUAL(mio_address_parse(&at, "127.0.0.1", 80), 0);
    at.length = 1;                              /* cut off */
    CHECK(mio_address_family(&at) <= 0);
    EQUAL(mio_address_port(&at), -1);
    EQUAL(mio_address_print(&at, text, sizeof text), MIO_EINVAL);
}

/* --- no socket -------------------------------------------------------------------------------------- */

/* Zeroed, the number in it is 0, which is a descriptor of the program */
static void nothing_works_on(mio_socket *s)
{
    EQUAL(mio_socket_bind(s, &at), MIO_EBADF);
    EQUAL(mio_socket_listen(s, 0), MIO_EBADF);
    EQUAL(mio_socket_local(s, &elsewhere), MIO_EBADF);
    EQUAL(mio_socket_peer(s, &elsewhere), MIO_EBADF);
    mio_native native;
    EQUAL(mio_socket_detach(s, &native), MIO_EBADF);
    for (int kind = 0; kind < 10; kind++) {
        switch (kind) {
        case 0: mio_op_connect(&op, s, &at); break;
        case 1: mio_op_accept(&op, s, &c); break;
        case 2: mio_op_receive(&op, s, text, 100); break;
        case 3: mio_op_send(&op, s, text, 100); break;
        case 4: mio_op_send_all(&op, s, text, 100); break;
        case 5: mio_op_receive_from(&op, s, text, 100, NULL); break;
        case 6: mio_op_send_to(&op, s, text, 100, &at); break;
        case 7: mio_op_shut(&op, s, MIO_SHUT_SEND); break;
        case 8: mio_op_ready(&op, s, MIO_WRITABLE); break;
        case 9: mio_op_close(&op, s); break;
        }
        EQUAL(mio_queue_submit(q, &op), 0);
        EQUAL(result_of(q, &op), MIO_EBADF);
    }
}

static void a_zeroed_socket_is_MIO_EBADF(void)
{
    q = open_queue();
    EQUAL(mio_address_parse(&at, "127.0.0.1", 9), 0);
    nothing_works_on(&a);
    end_queue(q);
}

static void a_closed_socket_is_MIO_EBADF(void)
{
    q = open_queue();
    connected(q, &a, &b);
    EQUAL(mio_address_parse(&at, "127.0.0.1", 9), 0);
    close_one(&a);
    nothing_works_on(&a);
    close_one(&b);
    end_queue(q);
}

static void the_memory_of_a_closed_socket_can_be_opened_again(void)
{
    q = open_queue();
    for (int i = 0; i < 50; i++) {
        connected(q, &a, &b);
        EQUAL(mio_send(q, &op, &a, "x", 1), 0);
        EQUAL(result_of(q, &op), 1);
        EQUAL(mio_receive(q, &op, &b, text, 100), 0);
        EQUAL(result_of(q, &op), 1);
        close_one(&a);
        close_one(&b);
    }
    end_queue(q);
}

const struct test socket_tests[] = {
    TEST(streams_and_datagrams_of_ipv4_open),
    TEST(streams_and_datagrams_of_ipv6_open),
    TEST(no_such_family_or_type),
    TEST(local_sockets_are_there_or_MIO_ENOTSUP),
    TEST(both_ends_of_a_connection_are_nonblocking_and_not_inherited),
    TEST(without_descriptors_opening_is_MIO_EMFILE),
    TEST(local_tells_the_port_that_was_given),
    TEST(both_ends_of_a_connection_know_both_addresses),
    TEST(an_ipv6_connection_has_ipv6_addresses),
    TEST(a_socket_without_a_peer_is_MIO_ENOTCONN),
    TEST(a_port_that_is_in_use_is_MIO_EADDRINUSE),
    TEST(a_datagram_port_that_is_in_use_is_MIO_EADDRINUSE),
    TEST(a_port_used_a_moment_ago_can_be_bound),
    TEST(what_cannot_be_bound),
    TEST(a_datagram_socket_cannot_listen),
    TEST(a_stream_socket_is_where_it_was_bound),
    TEST(a_backlog_below_0_is_refused),
    TEST(a_backlog_of_0_is_more_than_one),
    TEST(good_addresses),
    TEST(bad_addresses),
    TEST(ports_are_0_to_65535),
    TEST(printing_stays_within_its_room),
    TEST(what_is_no_address),
    TEST(a_zeroed_socket_is_MIO_EBADF),
    TEST(a_closed_socket_is_MIO_EBADF),
    TEST(the_memory_of_a_closed_socket_can_be_opened_again),
    { NULL, NULL }
};

#if !defined(_WIN32)

/* --- Unix alone: local sockets, flags of descriptors, sizes ----------------------------------------- */

enum { LONGEST = sizeof ((struct sockaddr_un *)0)->sun_path - 1 };      /* the last one is the zero */

static void is_ours_alone(int fd)       /* does not block, and no other program inherits it */
{
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

/* C25 */
static void sockets_are_nonblocking_and_not_inherited(void)
{
    static const int families[] = { MIO_IPV4, MIO_IPV6, MIO_LOCAL };
    q = open_queue();
    for (int i = 0; i < COUNT(families); i++)
        for (int type = MIO_STREAM; type <= MIO_DATAGRAM; type++)
            if (mio_socket_open(&a, families[i], type) == 0) {
                is_ours_alone(a.native);
                close_one(&a);
            }
    end_queue(q);
}

/* T15 */
static void descriptors_of_a_queue_are_not_inherited(void)
{
    bool before[64];
    for (int fd = 0; fd < COUNT(before); fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
    q = open_queue();
    int queues = 0;
    for (int fd = 0; fd < COUNT(before); fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (before[fd] || flags < 0) continue;
        CHECK((flags & FD_CLOEXEC) != 0);
        queues++;
    }
    CHECK(queues >= 1 && queues <= 3);
    end_queue(q);
}

static void local_streams_and_datagrams_open(void)
{
    q = open_queue();
    open_or_skip(&a, MIO_LOCAL, MIO_STREAM);
    open_or_skip(&b, MIO_LOCAL, MIO_DATAGRAM);
    close_one(&a);
    close_one(&b);
    end_queue(q);
}

/* A path of so many bytes that is no file yet */
static void path_of(size_t length, char *path)
{
    int begun = snprintf(path, 60, "/tmp/mio-%llx-", (unsigned long long)now());
    CHECK(begun > 0 && (size_t)begun < length);
    memset(path + begun, 'p', length - (size_t)begun);
    path[length] = '\0';
}

static size_t longest_path(void)
{
    size_t length = 0;
    memset(text, 'p', sizeof text);
    for (size_t i = 1; i < 300; i++) {
        text[i] = '\0';
        int made = mio_address_local(&at, text);
        text[i] = 'p';
        if (made == MIO_ENOTSUP) suite_skip("no local sockets here");
        CHECK(made == 0 || made == MIO_EINVAL);
        if (made == 0) CHECK(length == i - 1);                  /* no gaps */
        if (made == 0) length = i;
    }
    return length;
}

static void local_paths_up_to_the_longest_and_no_longer(void)
{
    EQUAL((int64_t)longest_path(), LONGEST);
    EQUAL(mio_address_local(&at, ""), MIO_EINVAL);
    EQUAL(mio_address_local(&at, "/tmp/x"), 0);
    EQUAL(mio_address_family(&at), MIO_LOCAL);
    EQUAL(mio_address_port(&at), -1);
    CHECK(prints(&at, "/tmp/x"));
}

static void a_socket_with_the_longest_path_can_be_reached(void)
{
    char path[200];
    path_of(longest_path(), path);
    q = open_queue();
    EQUAL(mio_address_local(&at, path), 0);
    CHECK(prints(&at, path));
    open_or_skip(&a, MIO_LOCAL, MIO_STREAM);
    EQUAL(mio_socket_bind(&a, &at), 0);
    EQUAL(mio_socket_listen(&a, 0), 0);
    EQUAL(mio_socket_local(&a, &elsewhere), 0);
    CHECK(prints(&elsewhere, path));
    open_or_skip(&b, MIO_LOCAL, MIO_STREAM);
    mio_op accepting = { 0 }, *done[2];
    EQUAL(mio_accept(q, &accepting, &a, &c), 0);
    EQUAL(mio_connect(q, &op, &b, &at), 0);
    EQUAL(wait_all(q, done, 2), 2);
    EQUAL(accepting.result, 0);
    EQUAL(op.result, 0);
    EQUAL(mio_socket_peer(&b, &elsewhere), 0);
    CHECK(prints(&elsewhere, path));
    close_one(&a);
    close_one(&b);
    close_one(&c);
    CHECK(remove(path) == 0);
    end_queue(q);
}

static void a_path_that_exists_is_MIO_EADDRINUSE(void)
{
    char path[200];
    path_of(60, path);
    q = open_queue();
    open_or_skip(&a, MIO_LOCAL, MIO_STREAM);
    EQUAL(mio_address_local(&at, path), 0);
    EQUAL(mio_socket_bind(&a, &at), 0);
    open_or_skip(&b, MIO_LOCAL, MIO_STREAM);
    EQUAL(mio_socket_bind(&b, &at), MIO_EADDRINUSE);
    close_one(&a);
    EQUAL(mio_socket_bind(&b, &at), MIO_EADDRINUSE);            /* a file, with or without a socket */
    CHECK(remove(path) == 0);
    EQUAL(mio_socket_bind(&b, &at), 0);
    CHECK(remove(path) == 0);
    close_one(&b);
    end_queue(q);
}

/* Promised to those who count the bytes of an idle connection */
static void a_socket_and_an_operation_are_at_most_256_bytes(void)
{
    CHECK(sizeof(mio_socket) + sizeof(mio_op) <= 256);
}

const struct test unix_socket_tests[] = {
    TEST(a_socket_and_an_operation_are_at_most_256_bytes),
    TEST(local_streams_and_datagrams_open),
    TEST(sockets_are_nonblocking_and_not_inherited),
    TEST(descriptors_of_a_queue_are_not_inherited),
    TEST(local_paths_up_to_the_longest_and_no_longer),
    TEST(a_socket_with_the_longest_path_can_be_reached),
    TEST(a_path_that_exists_is_MIO_EADDRINUSE),
    { NULL, NULL }
};
#endif
