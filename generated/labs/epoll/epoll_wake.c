/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
/* <<ring a bell>> (1 of 1), book/05-epoll.md: epoll */
static void ring(int bell)
{
    const uint64_t one = 1;
    must("write", write(bell, &one, sizeof one));
}

static void ring_later(void *bell)
{
    poll(NULL, 0, 100);             /* so that the other one sleeps */
    ring(*(int *)bell);
}

int main(void)
{
    uint64_t count;
    sys_thread other;
    int epoll = must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    int bell = must("eventfd", eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    must("ADD", control(epoll, EPOLL_CTL_ADD, bell, EPOLLIN | EPOLLET));
    /* <<ring three times, and read once>> (1 of 1), book/05-epoll.md: epoll */
    for (int i = 0; i < 3; i++)
        ring(bell);
    printf("rung three times: %s, ", next_event(epoll, 100));
    printf("then %s, ", next_event(epoll, 100));
    must("read", read(bell, &count, sizeof count));
    printf("and a read gives %d\n", (int)count);
    if (sys_thread_start(&other, ring_later, &bell) != 0)
        return 1;
    printf("from another thread: %s\n", next_event(epoll, 5000));
    sys_thread_join(&other);
    return 0;
}
