/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

/* <<what a lab begins with>> (1 of 1), book/05-epoll.md: epoll */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* <<a loopback address>> (1 of 1), book/01-waiting.md: Waiting */
static struct sockaddr_in loopback(int port_number)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port_number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/* <<the result or the end>> (1 of 1), book/05-epoll.md: epoll */
static int must(const char *call, long result)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return (int)result;
}
/* <<register a descriptor>> (1 of 1), book/05-epoll.md: epoll */
static int control(int epoll, int op, int s, uint32_t events)
{
    struct epoll_event e = { .events = events, .data = { .fd = s } };
    return epoll_ctl(epoll, op, s, &e);
}
/* <<a connected pair>> (1 of 1), book/05-epoll.md: epoll */
static void pair(int s[2])
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    socklen_t size = sizeof at;
    s[0] = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    int listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("bind", bind(listener, address, size));
    must("listen", listen(listener, 1));
    must("getsockname", getsockname(listener, address, &size));
    must("connect", connect(s[0], address, size));
    s[1] = must("accept", accept(listener, NULL, NULL));
    must("fcntl", sys_nonblocking(s[0]));
    must("fcntl", sys_nonblocking(s[1]));
    close(listener);
}
/* <<wait in a thread of its own>> (1 of 1), book/05-epoll.md: epoll */
typedef struct waiter {
    int epoll;
    int woken;
} waiter;

static void wait_once(void *argument)
{
    waiter *w = argument;
    struct epoll_event e;
    w->woken = must("epoll_wait", epoll_wait(w->epoll, &e, 1, 600));
}
/* <<count who wakes>> (1 of 1), book/05-epoll.md: epoll */
enum { THREADS = 4 };

static int count_woken(int epolls, uint32_t flags, int events)
{
    waiter waiters[THREADS];
    sys_thread threads[THREADS];
    int s[2], all = 0;
    pair(s);
    /* <<let four threads wait>> (1 of 1), book/05-epoll.md: epoll */
    for (int i = 0; i < THREADS; i++) {
        if (i < epolls) {
            waiters[i].epoll = epoll_create1(EPOLL_CLOEXEC);
            must("epoll_create1", waiters[i].epoll);
            must("ADD", control(waiters[i].epoll, EPOLL_CTL_ADD, s[0],
                                EPOLLIN | flags));
        } else {
            waiters[i].epoll = waiters[0].epoll;
        }
        if (sys_thread_start(&threads[i], wait_once, &waiters[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < events; i++) {
        poll(NULL, 0, 150);         /* until all wait, or are awake */
        must("send", send(s[1], "hello", 5, 0));
    }
    for (int i = 0; i < THREADS; i++) {
        sys_thread_join(&threads[i]);
        all += waiters[i].woken;
    }
    /* <<close what was opened>> (1 of 1), book/05-epoll.md: epoll */
    for (int i = 0; i < epolls; i++)
        close(waiters[i].epoll);
    close(s[0]);
    close(s[1]);
    return all;
}

static void count(const char *what, int epolls, uint32_t flags)
{
    printf("%-34s %5d %8d\n", what, count_woken(epolls, flags, 1),
           count_woken(epolls, flags, 2));
}

int main(void)
{
    puts("threads woken of 4, after          one event  two");
    count("one epoll, level", 1, 0);
    count("one epoll, edge", 1, EPOLLET);
    count("one epoll, one-shot", 1, EPOLLONESHOT);
    count("an epoll each, level", THREADS, 0);
    count("an epoll each, EPOLLEXCLUSIVE", THREADS, EPOLLEXCLUSIVE);
    return 0;
}
