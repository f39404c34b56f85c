/* Wake-ups by an eventfd that is watched at the edge, so that nobody reads it */
#include "common.h"
#include "wake.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
    int    epoll, bell, stopped;
    void (*called)(void *);
    void  *user;
};

loop *loop_open(void (*called)(void *), void *user)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    loop *l = calloc(1, sizeof *l);
    if (l == NULL || (l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0
            || (l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0
            || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->bell, &event) != 0)
        fail("epoll");
    l->called = called;
    l->user = user;
    return l;
}

void loop_call(loop *l)
{
    uint64_t one = 1;
    if (write(l->bell, &one, sizeof one) < 0 && errno != EAGAIN)
        fail("write");
}

void loop_run(loop *l)
{
    struct epoll_event event;
    while (!l->stopped)
        if (epoll_wait(l->epoll, &event, 1, -1) > 0)
            l->called(l->user);
}

void loop_stop(loop *l)
{
    l->stopped = 1;
}
