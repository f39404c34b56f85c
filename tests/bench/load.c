/*
 * The load of the benchmarks: an epoll loop by hand, in a process of its own
 *
 *   load PORT echo CONNECTIONS MESSAGES     nanoseconds per message; each connection has one on its way
 *   load PORT idle CONNECTIONS MESSAGES     the same of one connection, beside CONNECTIONS silent ones
 *   load PORT churn AT_ONCE CONNECTIONS     nanoseconds per connection: connect, one message, close
 *   load PORT memory CONNECTIONS PID        resident bytes that a connection costs the process PID
 *
 * A message is 64 bytes, and what comes back is compared. Messages and connections that are not counted warm it
 * up. Where connections do not count, their end is a reset, which leaves nothing behind in the kernel.
 */
#define _GNU_SOURCE
#include "common.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH = 64, BATCH = 256, MOST = 19000, WARM = 64 };

typedef struct connection {
    int    socket, sent;                /* messages */
    size_t got;
    bool   ending;
} connection;

static int        epoll, port;
static bool       churning;
static connection connections[MOST];

static void compose(unsigned char *text, const connection *c)
{
    for (int i = 0; i < LENGTH; i++)
        text[i] = (unsigned char)((c - connections) * 31 + c->sent * 7 + i);
}

static void say(connection *c)
{
    unsigned char text[LENGTH];
    c->sent++;
    c->got = 0;
    compose(text, c);
    if (send(c->socket, text, LENGTH, MSG_NOSIGNAL) != LENGTH)
        fail("load: send");
}

/* Whether the whole message is back */
static bool hear(connection *c)
{
    unsigned char text[LENGTH], wanted[LENGTH];
    ssize_t n = recv(c->socket, text, LENGTH - c->got, 0);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0)
        fail("load: receive");
    compose(wanted, c);
    errno = 0;
    if (memcmp(text, wanted + c->got, (size_t)n) != 0)
        fail("load: not what was sent");
    c->got += (size_t)n;
    return c->got == LENGTH;
}

static void dial(connection *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = c } };
    struct sockaddr_in to;
    struct linger reset = { 1, 0 };
    int one = 1;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&to, sizeof to) != 0)
        fail("load: connect");
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!churning)
        setsockopt(c->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->socket, &event) != 0)
        fail("load: epoll_ctl");
    c->ending = false;
}

/* Sends MESSAGES on the first `active` connections, each one as soon as the last is back */
static void talk(int active, long messages)
{
    struct epoll_event events[BATCH];
    long begun = 0, back = 0;
    for (int i = 0; i < active && begun < messages; i++, begun++)
        say(&connections[i]);
    while (back < messages) {
        int n = epoll_wait(epoll, events, BATCH, 30000);
        if (n == 0)
            fail("load: no answer in 30 s");
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            if (!hear(c))
                continue;
            back++;
            if (begun++ < messages)
                say(c);
        }
    }
}

static void measure(int count, int active, long messages)
{
    for (int i = 0; i < count; i++)
        dial(&connections[i]);
    talk(active, active + messages / 10);
    int64_t began = now();
    talk(active, messages);
    printf("%.1f\n", (double)(now() - began) / (double)messages);
}

/* The server's end comes after ours, so that TIME_WAIT is ours, too */
static void half_close(connection *c)
{
    c->ending = true;
    shutdown(c->socket, SHUT_WR);
}

static void begin(connection *c)
{
    dial(c);
    say(c);
}

static void come_and_go(int at_once, long count)
{
    struct epoll_event events[BATCH];
    long begun = 0, ended = 0;
    for (int i = 0; i < at_once && begun < count; i++, begun++)
        begin(&connections[i]);
    while (ended < count) {
        int n = epoll_wait(epoll, events, BATCH, 30000);
        if (n == 0)
            fail("load: no answer in 30 s");
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            if (!c->ending) {
                if (hear(c))
                    half_close(c);
                continue;
            }
            close(c->socket);
            ended++;
            if (begun++ < count)
                begin(c);
        }
    }
}

/* What is resident, exactly: the kernel walks the pages */
static long resident(const char *pid)
{
    char path[64], line[128];
    long kilobytes = -1;
    snprintf(path, sizeof path, "/proc/%s/smaps_rollup", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail(path);
    while (kilobytes < 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "Rss: %ld", &kilobytes);
    fclose(f);
    return kilobytes * 1024;
}

/* Each connection says something once, as real ones do */
static void weigh(int count, const char *pid)
{
    for (int i = 0; i < WARM; i++)
        dial(&connections[i]);
    talk(WARM, WARM);
    long before = resident(pid);
    for (int i = WARM; i < WARM + count; i++)
        dial(&connections[i]);
    talk(WARM + count, WARM + count);
    printf("%.1f\n", (double)(resident(pid) - before) / count);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: load PORT echo|idle|churn|memory COUNT NUMBER\n", stderr);
        return 2;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    port = (int)number(argv[1], 65535);
    int count = (int)number(argv[3], MOST - 100);
    if (strcmp(argv[2], "memory") == 0) {
        weigh(count, argv[4]);
    } else if (strcmp(argv[2], "churn") == 0) {
        long n = number(argv[4], 1000000);
        churning = true;
        come_and_go(count, WARM);
        int64_t began = now();
        come_and_go(count, n);
        printf("%.1f\n", (double)(now() - began) / (double)n);
    } else {
        bool idle = strcmp(argv[2], "idle") == 0;
        measure(count + idle, idle ? 1 : count, number(argv[4], 100000000));
    }
    return 0;
}
