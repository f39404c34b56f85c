/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#define _GNU_SOURCE                 /* pipe2, posix_openpt */
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
#include <fcntl.h>
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
/* <<read once and look for an event>> (1 of 1), book/05-epoll.md: epoll */
static void show(const char *what, int fd)
{
    char text[16];
    int epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    must("ADD", control(epoll, EPOLL_CTL_ADD, fd,
                        EPOLLIN | EPOLLRDHUP | EPOLLET));
    printf("%s: %s, ", what, next_event(epoll, 100));
    printf("%d of 16 bytes, ", must("read", read(fd, text, 16)));
    printf("next event: %s, ", next_event(epoll, 300));
    printf("yet a read gives %d\n", must("read", read(fd, text, 16)));
    close(epoll);
}
/* <<a pipe, a stream, a terminal>> (1 of 2), book/05-epoll.md: epoll */
static int closed_pipe(void)
{
    int p[2];
    must("pipe", pipe2(p, O_NONBLOCK));
    must("write", write(p[1], "hello", 5));
    close(p[1]);
    return p[0];
}

static int urgent_stream(void)
{
    int s[2];
    pair(s);
    must("send", send(s[1], "abc", 3, 0));
    must("send", send(s[1], "!", 1, MSG_OOB));
    must("send", send(s[1], "def", 3, 0));
    return s[0];
}
/* <<a pipe, a stream, a terminal>> (2 of 2), book/05-epoll.md: epoll */

static int two_lines(void)
{
    int keyboard = must("openpt", posix_openpt(O_RDWR | O_NOCTTY));
    must("grantpt", grantpt(keyboard));
    must("unlockpt", unlockpt(keyboard));
    int terminal = must("open", open(ptsname(keyboard),
                                     O_RDWR | O_NOCTTY | O_NONBLOCK));
    must("write", write(keyboard, "one\ntwo\n", 8));
    return terminal;
}

int main(void)
{
    show("a pipe, closed", closed_pipe());
    show("urgent data", urgent_stream());
    show("a terminal", two_lines());
    return 0;
}
