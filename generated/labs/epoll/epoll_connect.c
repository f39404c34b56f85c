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
/* <<connect and say how it went>> (1 of 1), book/05-epoll.md: epoll */
static void try_connect(const char *when, int epoll,
                        const struct sockaddr_in *to)
{
    int error = 0;
    socklen_t size = sizeof error;
    int s = must("socket", socket(AF_INET,
                                  SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(s, (const struct sockaddr *)to, sizeof *to);
    must("ADD", control(epoll, EPOLL_CTL_ADD, s, EPOLLOUT));
    printf("%s: %s, ", when, next_event(epoll, 1000));
    for (int i = 0; i < 2; i++) {
        must("getsockopt", getsockopt(s, SOL_SOCKET, SO_ERROR,
                                      &error, &size));
        printf("%s%s", error == 0 ? "no error" : sys_error_text(error),
               i == 0 ? ", then " : "\n");
    }
    close(s);
}

int main(void)
{
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    int epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    int s = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("bind", bind(s, (struct sockaddr *)&at, size));
    must("getsockname", getsockname(s, (struct sockaddr *)&at, &size));
    try_connect("nobody listens", epoll, &at);
    must("listen", listen(s, 1));
    try_connect("listening", epoll, &at);
    return 0;
}
