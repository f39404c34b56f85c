/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* glibc: more than ISO C */
#include "queue.h"
#if defined(__linux__) && !defined(MIO_KQUEUE)
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the headers are older than the call, no kernel has it: ENOSYS */
#if defined(SYS_epoll_pwait2)
enum { PWAIT2 = SYS_epoll_pwait2 };
#else
enum { PWAIT2 = -1 };
#endif

/* <<the size of an event>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
size_t mio__event_size(void)
{
    return sizeof(struct epoll_event);
}

/* <<open and ring>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
int mio__kernel_open(mio_queue *q)
{
    struct epoll_event bell = { .events = EPOLLIN | EPOLLET };
    q->waker[0] = q->waker[1] = -1;
    q->kernel = epoll_create1(EPOLL_CLOEXEC);
    if (q->kernel < 0)
        return errno;
    q->waker[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->waker[0] < 0
            || epoll_ctl(q->kernel, EPOLL_CTL_ADD, q->waker[0], &bell) != 0)
        return errno;
    return 0;
}
/* <<open and ring>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

void mio__kernel_close(mio_queue *q)
{
    if (q->waker[0] >= 0)
        close(q->waker[0]);
    if (q->kernel >= 0)
        close(q->kernel);
}

/* The counter is never read: at the edge each write is an event */
void mio__ring(mio_queue *q)
{
    uint64_t one = 1;
    if (write(q->waker[0], &one, sizeof one) < 0)
        return;                         /* it is full, so it has rung */
}

/* <<what epoll watches>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
static int control(mio_queue *q, mio_socket *s, unsigned ways)
{
    struct epoll_event e = { .events = EPOLLET, .data = { .ptr = s } };
    int what = s->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (ways & READING)
        e.events |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    if (ways & WRITING)
        e.events |= EPOLLOUT;
    if (epoll_ctl(q->kernel, what, s->native, &e) != 0)
        return errno;
    s->interest = (uint8_t)ways;
    return 0;
}
/* <<what epoll watches>> (2 of 3), book/09-completion-over-readiness.md: Completion over readiness */

static unsigned waited_for(const mio_socket *s)
{
    return (s->head[READING - 1] != NULL ? READING : 0u)
         | (s->head[WRITING - 1] != NULL ? WRITING : 0u);
}

/* A TCP socket is watched both ways, once for its life. On others each
   message would be an event for the writer, too */
int mio__watch(mio_queue *q, mio_socket *s, enum way way)
{
    (void)way;                          /* it is among those waited for */
    return control(q, s, s->flags & BOTH ? READING | WRITING
                                         : waited_for(s));
}

/* ADD and MOD look at the descriptor anew */
int mio__watch_again(mio_queue *q, mio_socket *s, enum way way)
{
    (void)way;
    return control(q, s, waited_for(s));
}
/* <<what epoll watches>> (3 of 3), book/09-completion-over-readiness.md: Completion over readiness */

void mio__unwatch(mio_queue *q, mio_socket *s, enum way way)
{
    unsigned left = s->interest & ~(unsigned)way;
    if (left == s->interest)
        return;
    if (left == 0)
        mio__forget(q, s);
    else
        control(q, s, left);
}

/* Before the descriptor is closed: a duplicate of it would go on telling */
void mio__forget(mio_queue *q, mio_socket *s)
{
    struct epoll_event unused = { 0 };
    epoll_ctl(q->kernel, EPOLL_CTL_DEL, s->native, &unused);
    s->interest = 0;
}

/* <<sleep in epoll>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
/* The mask of an event, as flags to be cleared. An urgent mark is no reason
   to try, but one to read on after a short read */
static uint32_t news_of(uint32_t events)
{
    uint32_t news = 0;
    if (events == (EPOLLIN | EPOLLOUT))         /* the usual */
        return READING | WRITING;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        news |= READING;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        news |= WRITING;
    if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        news |= EXACT;
    return news;
}
/* <<sleep in epoll>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static int in_milliseconds(int64_t timeout)
{
    int64_t ms = timeout / 1000000 + (timeout % 1000000 > 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* epoll_pwait2 by its number: C libraries got it years after the kernel.
   Its structure has 64 bits twice on every machine */
static int sleep_exactly(mio_queue *q, int64_t timeout)
{
    int64_t time[2] = { timeout / 1000000000, timeout % 1000000000 };
    return (int)syscall(PWAIT2, q->kernel, q->events, q->room, time, NULL,
                        (size_t)0);
}
/* <<sleep in epoll>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static int sleep_for(mio_queue *q, int64_t timeout)
{
    if (timeout <= 0)                   /* -1 or 0 */
        return epoll_wait(q->kernel, q->events, q->room, (int)timeout);
    if (!q->coarse) {
        int n = sleep_exactly(q, timeout);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        q->coarse = true;               /* asked once */
    }
    return epoll_wait(q->kernel, q->events, q->room,
                      in_milliseconds(timeout));
}
/* <<sleep in epoll>> (4 of 4), book/09-completion-over-readiness.md: Completion over readiness */

int mio__select(mio_queue *q, int64_t timeout)
{
    struct epoll_event *events = q->events;
    int n = sleep_for(q, timeout);
    if (n < 0)
        return errno == EINTR ? 0 : errno;
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr != NULL)
            mio__heard(events[i].data.ptr, news_of(events[i].events));
    return 0;
}
#endif
