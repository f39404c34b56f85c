/*
 * Many queues, and no port left: what a process does to itself. The library's calls are counted by counts.c
 *
 *   many queues N      N queues at once, each with a connection of its own; N one after the other
 *   many all N         and then as many as there are descriptors for
 *   many ports N       connections to one address, with N ports to come from
 *
 * A line `ok FACTS` or `bad WHY`, and 0 or 1
 */
#define _GNU_SOURCE
#include "counts.h"
#include "minimio.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_RANGE = 51 };               /* IP_LOCAL_PORT_RANGE, ip(7): Linux 6.3 */

static void fail(const char *what, long got, long expected)
{
    printf("bad %s: %ld instead of %ld\n", what, got, expected);
    exit(1);
}

static void is(const char *what, long got, long expected)
{
    if (got != expected) fail(what, got, expected);
}

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL) return -1;
    while (readdir(d) != NULL) n++;
    closedir(d);
    return n - 3;                       /* . and .., and its own */
}

static long memory(const char *field)
{
    char line[256];
    long n = -1;
    FILE *f = fopen("/proc/self/status", "r");
    if (f == NULL) return -1;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0) n = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    return n;
}

/* ---------------------------------------------------------------- queues */

struct unit {
    mio_queue *queue;
    mio_socket ends[2];
    mio_op     in, out, timer, close[2];
    char       byte;
};

static int64_t next(struct unit *u, mio_op *expected)
{
    mio_op *op = NULL;
    is("a wait gives one back", mio_queue_wait(u->queue, &op, 1, -1), 1);
    if (op != expected) fail("another operation came back", op == NULL, 0);
    return op->result;
}

static void begin(struct unit *u)
{
    int fds[2];
    is("a queue opens", mio_queue_open(&u->queue, NULL), 0);
    is("a pair opens", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; i < 2; i++) is("it is adopted", mio_socket_adopt(&u->ends[i], fds[i]), 0);
    is("a receive waits", mio_receive(u->queue, &u->in, &u->ends[0], &u->byte, 1), 0);
    is("a timer waits", mio_timer(u->queue, &u->timer, mio_now() + INT64_C(3600000000000)), 0);
}

static void speak(struct unit *u, char byte)
{
    is("a send begins", mio_send_all(u->queue, &u->out, &u->ends[1], &byte, 1), 0);
    is("it is sent", next(u, &u->out), 1);
    is("it is received", next(u, &u->in), 1);
    is("the byte", u->byte, byte);
}

static void end(struct unit *u)
{
    is("shutdown", mio_queue_shutdown(u->queue), 0);
    is("the timer", next(u, &u->timer), MIO_ECANCELED);
    for (int i = 0; i < 2; i++) {
        is("a close begins", mio_socket_close(u->queue, &u->close[i], &u->ends[i]), 0);
        is("closed", next(u, &u->close[i]), 0);
    }
    is("nothing is inside", mio_queue_wait(u->queue, &(mio_op *){ NULL }, 1, -1), MIO_ESHUTDOWN);
    is("the queue closes", mio_queue_close(u->queue), 0);
}

/* Until there is no descriptor: then all go, and there is one again */
static long exhaust(void)
{
    static mio_queue *queues[50000];
    long n = 0;
    int refused = 0;
    while (n < 50000 && (refused = mio_queue_open(&queues[n], NULL)) == 0) n++;
    is("the last one", refused, MIO_EMFILE);
    is("there is no queue", queues[n] != NULL, 0);
    for (long i = 0; i < n; i++) {
        is("shutdown", mio_queue_shutdown(queues[i]), 0);
        is("close", mio_queue_close(queues[i]), 0);
    }
    return n;
}

static void test_queues(long n, bool all)
{
    struct unit *units = calloc((size_t)n, sizeof *units);
    int before = descriptors();
    if (units == NULL) fail("memory", 0, n);
    for (long i = 0; i < n; i++) begin(&units[i]);
    int open = descriptors() - before;
    for (long i = n; i-- > 0; ) speak(&units[i], (char)i);
    for (long i = 0; i < n; i++) end(&units[(i * 7919) % n]);
    is("descriptors", descriptors(), before);
    long most = memory("VmHWM");
    memset(units, 0, (size_t)n * sizeof *units);
    for (long i = 0; i < n; i++) {
        begin(&units[0]);
        speak(&units[0], (char)i);
        end(&units[0]);
    }
    is("descriptors later", descriptors(), before);
    if (memory("VmHWM") > most + 64) fail("memory of queues that came and went", memory("VmHWM"), most);
    is("allocations", counts->allocations, 2 * n);
    printf("ok %ld queues at once with a connection each, %d descriptors, %ld one after the other", n, open, n);
    if (all) printf(", %ld until MIO_EMFILE", exhaust());
    is("descriptors at last", descriptors(), before);
    printf(", descriptors %d before and after\n", before);
    free(units);
}

/* ---------------------------------------------------------------- ports */

struct call {
    mio_socket socket;
    mio_op     op;
};

static mio_queue  *queue;
static mio_address server;

/* The result of one connect; a socket that failed is closed */
static int64_t call(struct call *c, uint32_t range)
{
    mio_op *op;
    is("a socket opens", mio_socket_open(&c->socket, MIO_IPV4, MIO_STREAM), 0);
    is("its ports", setsockopt(c->socket.native, IPPROTO_IP, PORT_RANGE, &range, sizeof range), 0);
    is("a connect begins", mio_connect(queue, &c->op, &c->socket, &server), 0);
    is("it comes back", mio_queue_wait(queue, &op, 1, -1), 1);
    return c->op.result;
}

static void hang_up(struct call *c)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    mio_op *op;
    setsockopt(c->socket.native, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    is("a close begins", mio_socket_close(queue, &c->op, &c->socket), 0);
    is("it comes back", mio_queue_wait(queue, &op, 1, -1), 1);
}

static void listen_somewhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is("a listener", bind(s, (struct sockaddr *)&at, sizeof at) | listen(s, 4096), 0);
    is("its port", getsockname(s, (struct sockaddr *)&at, &size), 0);
    is("its address", mio_address_parse(&server, "127.0.0.1", ntohs(at.sin_port)), 0);
}

/* In the middle of the system's range; 0: the kernel cannot */
static uint32_t range_of(long n)
{
    unsigned first = 0, last = 0;
    uint32_t unused = 0;
    socklen_t size = sizeof unused;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    bool good = f != NULL && fscanf(f, "%u %u", &first, &last) == 2 && last - first > 4 * (unsigned)n
        && getsockopt(s, IPPROTO_IP, PORT_RANGE, &unused, &size) == 0;
    if (f != NULL) fclose(f);
    close(s);
    uint32_t low = first + (last - first) / 2;
    return good ? (low + (uint32_t)n - 1) << 16 | low : 0;
}

/* Others on this machine may have taken some of the ports */
static void test_ports(long n)
{
    uint32_t range = range_of(n);
    struct call *calls = calloc((size_t)n + 20, sizeof *calls);
    int before = 0, there = 0, none = 0;
    if (range == 0) {
        puts("skip the kernel has no range of ports for one socket (Linux 6.3 has)");
        exit(0);
    }
    listen_somewhere();
    before = descriptors();
    is("a queue opens", mio_queue_open(&queue, NULL), 0);
    for (long i = 0; i < n + 20; i++) {
        int64_t result = call(&calls[i], range);
        there += result == 0;
        none += result == MIO_EADDRNOTAVAIL && calls[i].op.native == EADDRNOTAVAIL;
    }
    is("connections, and those without a port", there + none, n + 20);
    if (none < 20 || there < 20) fail("without a port", none, 20);
    for (long i = 0; i < 10; i++) hang_up(&calls[i]);
    for (long i = 0; i < 10; i++) is("with a port again", call(&calls[i], range), 0);
    for (long i = 0; i < n + 20; i++) hang_up(&calls[i]);
    is("shutdown", mio_queue_shutdown(queue), 0);
    is("close", mio_queue_close(queue), 0);
    is("descriptors", descriptors(), before);
    is("allocations", counts->allocations, 1);
    printf("ok %d connections from %ld ports, then %d times MIO_EADDRNOTAVAIL, 10 given back and taken again, "
        "descriptors %d before and after\n", there, n, none, before);
    free(calls);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (argc != 3) return 2;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (strcmp(argv[1], "ports") == 0) test_ports(atol(argv[2]));
    else test_queues(atol(argv[2]), strcmp(argv[1], "all") == 0);
    return 0;
}
