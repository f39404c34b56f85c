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

int main(void)
{
    struct epoll_event events[2];
    int a[2], b[2], c[2];
    int epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    pair(a);
    pair(b);
    /* <<let both have something to receive>> (1 of 1), book/05-epoll.md: epoll */
    must("ADD", control(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN));
    must("ADD", control(epoll, EPOLL_CTL_ADD, b[0], EPOLLIN));
    must("send", send(a[1], "hello", 5, 0));
    must("send", send(b[1], "hello", 5, 0));
    printf("events: %d\n", must("epoll_wait",
                                epoll_wait(epoll, events, 2, 100)));
    must("close", close(b[0]));     /* on account of the first event */
    pair(c);                        /* a new connection arrives */
    /* <<look whom the second event is for>> (1 of 1), book/05-epoll.md: epoll */
    char text[16];
    int second = events[1].data.fd;
    printf("the second is for %s\n", second == c[0]
           ? "the new connection" : "one that is closed");
    printf("which says %s\n", recv(second, text, sizeof text, 0) < 0
           && sys_would_block() ? "not now" : "something else");
    return 0;
}
