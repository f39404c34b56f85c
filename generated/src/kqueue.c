/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* glibc: more than ISO C */
#include "queue.h"
#if defined(MIO_KQUEUE) || defined(__APPLE__) || defined(__FreeBSD__) \
    || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* How kevent counts */
#if defined(__NetBSD__)
typedef size_t count;
#else
typedef int count;
#endif

/* <<change one filter>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
size_t mio__event_size(void)
{
    return sizeof(struct kevent);
}

/* One change, and its receipt: the system's code */
static int change(mio_queue *q, uintptr_t ident, int filter, unsigned flags,
                  mio_socket *s)
{
    struct kevent e;
    memset(&e, 0, sizeof e);
    EV_SET(&e, ident, filter, flags | EV_RECEIPT, 0, 0, 0);
    e.udata = s;
    int n;
    do
        n = kevent(q->kernel, &e, 1, &e, 1, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    return e.flags & EV_ERROR ? (int)e.data : 0;
}

/* <<what kqueue watches>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
static int filter_of(enum way way)
{
    return way == READING ? EVFILT_READ : EVFILT_WRITE;
}

static int add(mio_queue *q, mio_socket *s, enum way way)
{
    int error = change(q, (uintptr_t)s->native, filter_of(way),
                       EV_ADD | EV_CLEAR, s);
    if (error == 0 || error == EPIPE)   /* macOS may watch all the same */
        s->interest |= (uint8_t)way;
    return error;
}

int mio__watch(mio_queue *q, mio_socket *s, enum way way)
{
    return add(q, s, way);
}
/* <<what kqueue watches>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

/* Adding again looks at the descriptor anew */
int mio__watch_again(mio_queue *q, mio_socket *s, enum way way)
{
    return add(q, s, way);
}

void mio__unwatch(mio_queue *q, mio_socket *s, enum way way)
{
    if (!(s->interest & way))
        return;
    change(q, (uintptr_t)s->native, filter_of(way), EV_DELETE, s);
    s->interest &= (uint8_t)~way;
}

void mio__forget(mio_queue *q, mio_socket *s)
{
    mio__unwatch(q, s, READING);
    mio__unwatch(q, s, WRITING);
}

/* <<a bell for kqueue>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
#if defined(EVFILT_USER)
enum { BELL = EVFILT_USER };
static const unsigned trigger = NOTE_TRIGGER;
#else
enum { BELL = 0 };                      /* no filter: EINVAL */
static const unsigned trigger = 0;
#endif
/* <<a bell for kqueue>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static int pipe_bell(mio_queue *q)
{
    if (pipe(q->waker) != 0)
        return errno;
    for (int i = 0; i < 2; i++)
        if (fcntl(q->waker[i], F_SETFD, FD_CLOEXEC) != 0
                || fcntl(q->waker[i], F_SETFL, O_NONBLOCK) != 0)
            return errno;
    return change(q, (uintptr_t)q->waker[0], EVFILT_READ, EV_ADD | EV_CLEAR,
                  NULL);
}
/* <<a bell for kqueue>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

int mio__kernel_open(mio_queue *q)
{
    q->waker[0] = q->waker[1] = -1;
    q->kernel = kqueue();
    if (q->kernel < 0 || fcntl(q->kernel, F_SETFD, FD_CLOEXEC) != 0)
        return errno;
    if (change(q, 0, BELL, EV_ADD | EV_CLEAR, NULL) == 0)
        return 0;
    return pipe_bell(q);
}

void mio__kernel_close(mio_queue *q)
{
    for (int i = 0; i < 2; i++)
        if (q->waker[i] >= 0)
            close(q->waker[i]);
    if (q->kernel >= 0)
        close(q->kernel);
}
/* <<a bell for kqueue>> (4 of 4), book/09-completion-over-readiness.md: Completion over readiness */

void mio__ring(mio_queue *q)
{
    struct kevent e;
    if (q->waker[1] >= 0) {
        if (write(q->waker[1], "", 1) < 0)
            return;                     /* it is full, so it has rung */
    } else {
        memset(&e, 0, sizeof e);
        EV_SET(&e, 0, BELL, 0, trigger, 0, 0);
        kevent(q->kernel, &e, 1, NULL, 0, NULL);
    }
}

static void silence(mio_queue *q)
{
    char rings[64];
    while (q->waker[0] >= 0 && read(q->waker[0], rings, sizeof rings) > 0)
        ;
}

/* <<sleep in kqueue>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
/* The count is a hint: more may have come since. At the end there is none,
   and beyond an int a short read decides */
static uint32_t count_of(mio_socket *s, const struct kevent *e)
{
    bool counts = !(e->flags & EV_EOF) && s->flags & EXACT
               && e->data <= INT_MAX;
    s->available = counts ? (int)e->data : 0;
    s->flags &= ~(uint32_t)COUNTED;
    s->flags |= counts ? COUNTED : 0u;
    return READING;
}
/* <<sleep in kqueue>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static void hear(mio_queue *q, const struct kevent *e)
{
    mio_socket *s = e->udata;
    if (s == NULL) {
        silence(q);
        return;
    }
    uint32_t news = e->filter == EVFILT_READ ? count_of(s, e) : WRITING;
    if (e->flags & EV_EOF)
        news |= EXACT | COUNTED;
    mio__heard(s, news);
}
/* <<sleep in kqueue>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* A day is the longest that every kevent takes; the queue asks again */
static struct timespec at_most_a_day(int64_t timeout)
{
    const int64_t second = 1000000000, day = 86400 * second;
    struct timespec time;
    timeout = timeout > day ? day : timeout;
    time.tv_sec = (time_t)(timeout / second);
    time.tv_nsec = (long)(timeout % second);
    return time;
}
/* <<sleep in kqueue>> (4 of 4), book/09-completion-over-readiness.md: Completion over readiness */

int mio__select(mio_queue *q, int64_t timeout)
{
    const struct kevent *events = q->events;
    struct timespec time = at_most_a_day(timeout);
    int n = kevent(q->kernel, NULL, 0, q->events, (count)q->room,
                   timeout < 0 ? NULL : &time);
    if (n < 0)
        return errno == EINTR ? 0 : errno;
    for (int i = 0; i < n; i++)
        hear(q, &events[i]);
    return 0;
}
#endif
