/* The scripted kernel's selector as epoll, and the scripts that only an epoll can play */
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

const char *const kernel_name = "epoll";
const bool is_epoll = true;

/* What each descriptor is watched for once the script has been played */
static int promised[FDS];
static uint32_t asked_for[FDS];                 /* what each is watched for now */
static int the_bell, the_epoll;

enum { IN = EPOLLIN | EPOLLPRI | EPOLLRDHUP, OUT = EPOLLOUT };

static int mask_of(int ways) { return (ways & READING ? IN : 0) | (ways & WRITING ? OUT : 0); }

static bool is_tcp(const mio_socket *s) { return s->type == MIO_STREAM && s->family != MIO_LOCAL; }

/* --- what will be asked ---------------------------------------------------------------------------------- */

static void will_control(int fd, int ways, int error)
{
    will(promised[fd] == 0 ? WATCH : CHANGE, fd, mask_of(ways), -error);
    if (error == 0) promised[fd] = ways;
}

void will_watch(const mio_socket *s, int way)
{
    int fd = s->native, ways = is_tcp(s) ? READING | WRITING : promised[fd] | way;
    if (promised[fd] != ways) will_control(fd, ways, 0);
}

void will_watch_again(const mio_socket *s, int way, int all)
{
    (void)way;
    will_control(s->native, all, 0);
}

void will_refuse_to_watch(const mio_socket *s, int way, int error)
{
    will_control(s->native, is_tcp(s) ? READING | WRITING : promised[s->native] | way, error);
}

void will_unwatch(const mio_socket *s, int way, int left)
{
    (void)way;
    if (left == 0) will_forget(s);
    else will_control(s->native, left, 0);
}

void will_forget(const mio_socket *s)
{
    if (promised[s->native] != 0) will(FORGET, s->native, ANY, 0);
    promised[s->native] = 0;
}

void will_ring(void) { will(RING, 0, ANY, sizeof(uint64_t)); }

/* --- what is told ---------------------------------------------------------------------------------------- */

static void event(const mio_socket *s, uint32_t mask) { news((struct news){ .fd = s->native, .mask = mask }); }

void readable(const mio_socket *s, int64_t bytes)
{
    (void)bytes;                                /* epoll does not count */
    event(s, EPOLLIN);
}

void writable(const mio_socket *s) { event(s, EPOLLOUT); }

void ended(const mio_socket *s, int64_t bytes)
{
    (void)bytes;
    event(s, EPOLLIN | EPOLLRDHUP);
}

void cut(const mio_socket *s, int64_t bytes, int error)
{
    (void)bytes, (void)error;
    event(s, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
}

/* One event, in which there is all that is watched and true: mostly also of the other way */
int news_of(struct news *to, int fd, int ways, const struct condition *now)
{
    uint32_t mask = 0;
    if (ways & READING) mask |= EPOLLIN;
    if (now->readable && kernel.fds[fd].ways & READING) mask |= EPOLLIN;
    if (ways & WRITING || (now->writable && kernel.fds[fd].ways & WRITING)) mask |= EPOLLOUT;
    if (now->mark) mask |= EPOLLPRI;
    if (now->end) mask |= now->pipe ? EPOLLHUP : EPOLLRDHUP;
    if (now->broken) mask |= EPOLLRDHUP | EPOLLERR | EPOLLHUP;
    *to = (struct news){ .fd = fd, .mask = mask & (asked_for[fd] | EPOLLERR | EPOLLHUP) };
    return 1;
}

void bell(void) { news((struct news){ .fd = -1, .mask = EPOLLIN }); }

bool is_bell(int fd) { return fd == the_bell; }
bool is_its_own(int fd) { return fd == the_bell || fd == the_epoll; }

/* An error and the end of both halves are told whatever is asked for */
bool is_watched(const struct news *n) { return n->fd < 0 || (kernel.fds[n->fd].open && kernel.fds[n->fd].ways != 0); }

/* --- its calls ------------------------------------------------------------------------------------------- */

int kernel_epoll_create1(int flags)
{
    if (flags != EPOLL_CLOEXEC) problem("the epoll is inherited");
    return the_epoll = open_descriptor();
}

int kernel_eventfd(unsigned int initial, int flags)
{
    if (initial != 0 || flags != (EFD_CLOEXEC | EFD_NONBLOCK)) problem("the bell is no good");
    return the_bell = open_descriptor();
}

static int add_bell(struct epoll_event *e)
{
    if (e->events != (EPOLLIN | EPOLLET) || e->data.ptr != NULL) problem("the bell is watched in another way");
    return 0;
}

/* Would a kernel take it? */
static void must_be_right(const struct descriptor *d, int what, const struct epoll_event *e)
{
    if (what == EPOLL_CTL_ADD && d->ways != 0) problem("EPOLL_CTL_ADD of what is watched already: EEXIST");
    if (what != EPOLL_CTL_ADD && d->ways == 0) problem("no EPOLL_CTL_ADD came before it: ENOENT");
    if (what == EPOLL_CTL_DEL) return;
    if (!(e->events & EPOLLET)) problem("not edge-triggered");
    if (what == EPOLL_CTL_MOD && e->data.ptr != d->whose) problem("events are sent to another socket from now on");
}

int kernel_epoll_ctl(int epoll, int what, int fd, struct epoll_event *e)
{
    struct descriptor *d = descriptor(fd);
    if (epoll != the_epoll) problem("epoll_ctl of something else");
    if (fd == the_bell) return add_bell(e);
    must_be_right(d, what, e);
    int mask = what == EPOLL_CTL_DEL ? 0 : (int)(e->events & ~(uint32_t)EPOLLET);
    struct call *s = called(what == EPOLL_CTL_ADD ? WATCH : what == EPOLL_CTL_MOD ? CHANGE : FORGET, fd, mask);
    int64_t answer = answered(s);
    if (answer < 0) return -1;
    asked_for[fd] = (uint32_t)mask;
    d->ways = (mask & IN ? READING : 0) | (mask & OUT ? WRITING : 0);
    d->whose = what == EPOLL_CTL_DEL ? NULL : e->data.ptr;
    if (kernel.automatic) promised[fd] = d->ways;
    return 0;
}

static int gives(struct call *s, struct epoll_event *events, int room, int64_t timeout)
{
    if (room != kernel.room) problem("a wait has room for %d events", room);
    int64_t n = waited(s, timeout);
    for (int64_t i = 0; i < n; i++) {
        const struct news *one = &s->news[i];
        events[i] = (struct epoll_event){ .events = one->mask };
        events[i].data.ptr = one->fd < 0 ? NULL : kernel.fds[one->fd].whose;
    }
    return (int)n;
}

int kernel_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
    if (epoll != the_epoll || timeout < -1) problem("epoll_wait with a timeout of %d", timeout);
    enum what what = timeout > 0 ? WAIT_MS : WAIT;
    return gives(called(what, 0, timeout), events, room, timeout < 0 ? FOR_EVER : timeout * MS);
}

/* The kernel's own check of a time: EINVAL */
long kernel_syscall(long number, int epoll, struct epoll_event *events, int room, const int64_t *time, void *mask,
    size_t size)
{
    if (number != SYS_epoll_pwait2 || epoll != the_epoll || mask != NULL || size != 0) problem("a call of another kind");
    if (time[0] < 0 || time[1] < 0 || time[1] >= SECOND) problem("epoll_pwait2 with a time that is none");
    int64_t timeout = time[0] * SECOND + time[1];
    if (kernel.no_pwait2) {
        errno = ENOSYS;
        return -1;
    }
    return gives(called(WAIT, 0, timeout), events, room, timeout);
}

/* --- scripts ------------------------------------------------------------------------------------------------ */

static void will_wait_ms(int64_t ms) { will(WAIT_MS, 0, ms, 0); }

static void all_bits(void)
{
    waits_to_receive(R, a);
    waits_to_send(W, a);
    will_wait(FOR_EVER); event(a, 0x7fff);      /* IN, PRI, OUT, ERR, HUP, RDHUP, and those without a meaning */
    will_send(a, 100, 100);
    will_recv(a, 100, 5);
    back(W, 100);
    back(R, 5);
    will_recv(a, 100, 0);
    receive(R, a, 100);
    back(R, 0);
}

static void no_bits_and_unknown_bits(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, 0);
    will_wait(FOR_EVER); event(a, EPOLLMSG | 1u << 22);
    will_wait(FOR_EVER); event(a, EPOLLOUT);    /* nobody writes */
    will_wait(FOR_EVER); event(a, EPOLLIN | 1u << 22);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void hang_up_alone(void)
{
    waits_to_send(W, a);
    will_wait(FOR_EVER); event(a, EPOLLHUP);
    will_send(a, 100, -EPIPE);
    back(W, MIO_EPIPE);
}

static void error_alone(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EPOLLERR);
    will_recv(a, 100, -ETIMEDOUT);
    back(R, MIO_ETIMEDOUT);
}

static void end_without_in(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EPOLLRDHUP);
    will_recv(a, 100, 0);
    back(R, 0);
}

static void short_read_at_the_urgent_mark(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EPOLLIN | EPOLLPRI);
    will_recv(a, 100, 3);
    back(R, 3);
    will_recv(a, 100, 3);               /* what is behind the mark: no event tells of it */
    receive(R, a, 100);
    back(R, 3);
}

static void urgent_mark_alone(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EPOLLPRI);    /* no reason to try */
    will_wait(FOR_EVER); event(a, EPOLLIN);
    will_recv(a, 100, 3);
    back(R, 3);
    will_recv(a, 100, -EAGAIN);         /* but one to distrust a short read from now on */
    receive(R, a, 100);
}

static void pipe_with_bytes_and_hang_up(void)
{
    mio_socket *s = adopted_pipe();
    will(READ, s->native, 100, -EAGAIN);
    will_watch(s, READING);
    receive(R, s, 100);
    will_wait(FOR_EVER); event(s, EPOLLIN | EPOLLHUP);
    will(READ, s->native, 100, 5);
    back(R, 5);
    will(READ, s->native, 100, 0);
    receive(R, s, 100);
    back(R, 0);
}

/* EPOLL_CTL_MOD names all that is watched: what the other way waits for must be in it */
static void ready_beside_a_send(void)
{
    waits_to_send(W, a);
    will_watch_again(a, READING, READING | WRITING);
    ready(X, a, READING);
    will_wait(FOR_EVER); event(a, EPOLLOUT);
    will_send(a, 100, 100);
    back(W, 100);
    will_wait(FOR_EVER); event(a, EPOLLIN | EPOLLOUT);
    back(X, READING);
    will_watch_again(a, READING, READING);
    ready(X, a, READING);
    will_send(a, 100, -EAGAIN);
    will_watch(a, WRITING);             /* it is no longer watched for this */
    send_all(W, a, 100);
    will_wait(FOR_EVER); event(a, EPOLLOUT);
    will_send(a, 100, 100);
    back(W, 100);
}

/* A local socket is watched for what is waited for, so that a message is no event for who does not write */
static void a_local_socket_one_way_at_a_time(void)
{
    mio_socket *s = opened(MIO_LOCAL, MIO_STREAM);
    waits_to_receive(R, s);
    will_wait(FOR_EVER); event(s, EPOLLIN);
    will_recv(s, 100, 5);
    back(R, 5);
    will_send(s, 100, -EAGAIN);
    will(CHANGE, s->native, OUT, 0);
    send_all(W, s, 100);
    will_recv(s, 100, -EAGAIN);
    will(CHANGE, s->native, IN | OUT, 0);       /* IN is no longer there: bytes might have come unheard */
    receive(R, s, 100);
    will_wait(FOR_EVER); event(s, EPOLLIN | EPOLLOUT);
    will_send(s, 100, 100);
    will_recv(s, 100, 5);
    back(W, 100);
    back(R, 5);
}

/* From the first refusal on. A kernel is not asked twice for what it does not have (W14) */
static void pwait2_is_refused(int error)
{
    will_wait(1500 * US);
    nothing_for(1500 * US);
    will_fail_to_wait(1500 * US, error);
    will_wait_ms(2);
    nothing_for(1500 * US);
    will_wait_ms(1);
    nothing_for(1);
    will_wait(0);
    nothing_for(0);
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EPOLLIN);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void pwait2_is_absent(void) { pwait2_is_refused(ENOSYS); }
static void pwait2_is_forbidden(void) { pwait2_is_refused(EPERM); }

static void pwait2_is_interrupted(void)
{
    will_fail_to_wait(1500 * US, EINTR); passes(US);
    will_wait(1499 * US);               /* a signal is no refusal */
    nothing_for(1500 * US);
}

static void rounded_up_to_milliseconds(void)
{
    static const struct { int64_t timeout, ms; } rows[] = { { 1, 1 }, { MS - 1, 1 }, { MS, 1 }, { MS + 1, 2 },
        { 2 * MS, 2 }, { SECOND - 1, 1000 }, { SECOND, 1000 }, { SECOND + 1, 1001 }, { 24 * DAY, 24LL * 86400000 },
        { 2147483647 * MS, 2147483647 }, { 2147483647 * MS - 1, 2147483647 } };
    kernel.no_pwait2 = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        will_wait_ms(rows[i].ms); passes(rows[i].timeout);
        nothing_for(rows[i].timeout);
    }
    will_wait_ms(2147483647);           /* as long as an int says */
    will_wait_ms(5);
    nothing_for(2147483647 * MS + 5 * MS - 1);
}

/* A kernel's millisecond may end before ours does */
static void milliseconds_that_are_short(void)
{
    kernel.no_pwait2 = true;
    will_wait_ms(10); passes(9 * MS + 1);
    will_wait_ms(1); passes(MS - 2);
    will_wait_ms(1); passes(1);
    nothing_for(10 * MS);
}

const struct script own_scripts[] = {
    { "batches", "every bit of an event at once", all_bits },
    { "batches", "no bits, and unknown ones (C18)", no_bits_and_unknown_bits },
    { "batches", "a hang-up alone (C13)", hang_up_alone },
    { "batches", "an error alone", error_alone },
    { "batches", "the end without IN (C5)", end_without_in },
    { "hints", "a short read at the urgent mark (C17)", short_read_at_the_urgent_mark },
    { "hints", "the urgent mark alone (C17)", urgent_mark_alone },
    { "hints", "a pipe with bytes and a hang-up", pipe_with_bytes_and_hang_up },
    { "watching", "ready beside a send", ready_beside_a_send },
    { "watching", "a local socket, one way at a time", a_local_socket_one_way_at_a_time },
    { "waiting", "epoll_pwait2 is absent in the middle (W14)", pwait2_is_absent },
    { "waiting", "epoll_pwait2 is forbidden in the middle (W14)", pwait2_is_forbidden },
    { "waiting", "epoll_pwait2 is interrupted", pwait2_is_interrupted },
    { "clock", "rounded up to milliseconds", rounded_up_to_milliseconds },
    { "clock", "milliseconds that are short", milliseconds_that_are_short },
    { 0 }
};
