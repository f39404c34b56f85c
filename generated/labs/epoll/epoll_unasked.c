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
/* <<the name of an error>> (1 of 1), book/05-epoll.md: epoll */
static const char *outcome(int result)
{
    switch (result < 0 ? errno : 0) {
    case 0:      return "ok";
    case EBADF:  return "EBADF";
    case EEXIST: return "EEXIST";
    case EINVAL: return "EINVAL";
    case ENOENT: return "ENOENT";
    case EPERM:  return "EPERM";
    default:     return sys_error_text(errno);
    }
}

int main(void)
{
    int s[2], epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    /* <<watch a socket that is not connected>> (1 of 1), book/05-epoll.md: epoll */
    int lone = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("ADD", control(epoll, EPOLL_CTL_ADD, lone, EPOLLIN));
    printf("not connected, asked for IN: %s\n", next_event(epoll, 100));
    must("close", close(lone));
    /* <<watch a socket for nothing at all>> (1 of 1), book/05-epoll.md: epoll */
    pair(s);
    must("ADD", control(epoll, EPOLL_CTL_ADD, s[0], 0));
    must("send", send(s[1], "hello", 5, 0));
    must("send", send(s[0], "hello", 5, 0));
    printf("asked for nothing, data arrives: %s\n", next_event(epoll, 100));
    must("close", close(s[1]));         /* with data unread: a reset */
    printf("the peer resets: %s\n", next_event(epoll, 100));
    printf("once more: %s\n", next_event(epoll, 100));
    must("close", close(s[0]));
    /* <<watch a regular file>> (1 of 1), book/05-epoll.md: epoll */
    FILE *file = tmpfile();
    if (file == NULL)
        return 1;
    printf("ADD of a regular file: %s\n",
           outcome(control(epoll, EPOLL_CTL_ADD, fileno(file), EPOLLIN)));
    fclose(file);
    /* <<ask for EPOLLEXCLUSIVE in each way>> (1 of 1), book/05-epoll.md: epoll */
    pair(s);
    int other = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    must("ADD", control(epoll, EPOLL_CTL_ADD, s[0], EPOLLIN));
    const struct { const char *what; int op, s; uint32_t more; } ways[] = {
        { "by MOD",        EPOLL_CTL_MOD, s[0],  0 },
        { "with ONESHOT",  EPOLL_CTL_ADD, s[1],  EPOLLONESHOT },
        { "with RDHUP",    EPOLL_CTL_ADD, s[1],  EPOLLRDHUP },
        { "of an epoll",   EPOLL_CTL_ADD, other, 0 },
        { "of a socket",   EPOLL_CTL_ADD, s[1],  0 },
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        printf("EXCLUSIVE %s: %s\n", ways[i].what,
               outcome(control(epoll, ways[i].op, ways[i].s,
                               EPOLLIN | EPOLLEXCLUSIVE | ways[i].more)));
    printf("and MOD of that to IN: %s\n",
           outcome(control(epoll, EPOLL_CTL_MOD, s[1], EPOLLIN)));
    return 0;
}
