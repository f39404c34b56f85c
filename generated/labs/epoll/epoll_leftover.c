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
/* <<the next event as words>> (1 of 1), book/05-epoll.md: epoll */
/* <<the names of events>> (1 of 1), book/05-epoll.md: epoll */
static const char *names(uint32_t events)
{
    static const struct { uint32_t bit; const char *name; } bits[] = {
        { EPOLLIN,  "IN"  }, { EPOLLPRI,   "PRI"   }, { EPOLLOUT, "OUT" },
        { EPOLLERR, "ERR" }, { EPOLLHUP,   "HUP"   },
        { EPOLLRDHUP, "RDHUP" }, { EPOLLET, "ET" },
    };
    static char text[40];           /* good until the next call */
    text[0] = '\0';
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (events & bits[i].bit) {
            strcat(text, text[0] == '\0' ? "" : "|");
            strcat(text, bits[i].name);
        }
    return text;
}

static const char *next_event(int epoll, int ms)
{
    struct epoll_event e;
    int n = must("epoll_wait", epoll_wait(epoll, &e, 1, ms));
    return n == 0 ? "nothing" : names(e.events);
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

static void look(const char *what, int level, int edge)
{
    printf("%-20s %-8s ", what, next_event(level, 100));
    printf("%s\n", next_event(edge, 100));
}

int main(void)
{
    char text[16];
    int s[2], level = must("epoll", epoll_create1(EPOLL_CLOEXEC));
    int edge = must("epoll", epoll_create1(EPOLL_CLOEXEC));
    pair(s);
    must("ADD", control(level, EPOLL_CTL_ADD, s[0], EPOLLIN));
    must("ADD", control(edge, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLET));
    printf("%-20s %-8s %s\n", "", "level", "edge");
    /* <<let some arrive, read some, and look each time>> (1 of 1), book/05-epoll.md: epoll */
    must("send", send(s[1], "0123456789", 10, 0));
    look("10 bytes arrive", level, edge);
    must("recv", recv(s[0], text, 5, 0));
    look("5 are read", level, edge);
    must("send", send(s[1], "+", 1, 0));
    look("1 more arrives", level, edge);
    look("nothing happens", level, edge);
    must("MOD", control(level, EPOLL_CTL_MOD, s[0], EPOLLIN));
    must("MOD", control(edge, EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLET));
    look("MOD, the same mask", level, edge);
    must("recv", recv(s[0], text, sizeof text, 0));
    look("all is read", level, edge);
    must("send", send(s[1], "+", 1, 0));
    struct pollfd there = { .fd = s[0], .events = POLLIN };
    must("poll", poll(&there, 1, 1000));
    must("recv", recv(s[0], text, sizeof text, 0));
    look("1 arrives, is read", level, edge);
    return 0;
}
