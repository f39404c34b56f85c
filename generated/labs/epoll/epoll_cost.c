/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

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
/* <<a socket that talks to itself>> (1 of 1), book/01-waiting.md: Waiting */
static sys_socket self_socket(void)
{
    struct sockaddr_in self = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&self;
    socklen_t size = sizeof self;
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s != SYS_NO_SOCKET
            && (bind(s, address, size) != 0
                || getsockname(s, address, &size) != 0
                || connect(s, address, size) != 0)) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}
/* <<say a cost>> (1 of 1), book/01-waiting.md: Waiting */
static void say(const char *what, double cost, const char *unit)
{
    printf("%-32s %8.1f %s\n", what, cost, unit);
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
/* <<the cost of asking epoll>> (1 of 1), book/05-epoll.md: epoll */
static void measure_epoll(int n)
{
    struct epoll_event event;
    int epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    int s = 0, calls = 100000;
    for (int i = 0; i < n; i++) {   /* they end with the program */
        s = must("socket", self_socket());
        must("ADD", control(epoll, EPOLL_CTL_ADD, s, EPOLLIN));
    }
    must("send", send(s, "", 1, 0));
    /* <<time that many calls of epoll_wait>> (1 of 1), book/05-epoll.md: epoll */
    int64_t start = sys_now();
    for (int i = 0; i < calls; i++)
        must("epoll_wait", epoll_wait(epoll, &event, 1, -1));
    char what[40];
    snprintf(what, sizeof what, "epoll, 1 of %4d sockets ready", n);
    say(what, (double)(sys_now() - start) / calls / 1000, "us");
    close(epoll);
}

int main(void)
{
    for (int n = 1; n <= 1000; n *= 10)
        measure_epoll(n);
    return 0;
}
