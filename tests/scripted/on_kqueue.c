/* The scripted kernel's selector as kqueue, and the scripts that only a kqueue can play */
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <stddef.h>
#include <sys/event.h>
#include <time.h>

const char *const kernel_name = "kqueue";
const bool is_epoll = false;

static int promised[FDS];                       /* what is watched once the script has been played */
static int the_kqueue, pipe_ends[2] = { -1, -1 };
static bool replaces;                           /* a receipt's flags are EV_ERROR alone, as FreeBSD's */

static int way_of(int filter) { return filter == EVFILT_READ ? READING : WRITING; }

/* --- what will be asked ---------------------------------------------------------------------------------- */

void will_watch_again(const mio_socket *s, int way, int all)
{
    (void)all;
    will(WATCH, s->native, way, 0);
    promised[s->native] |= way;
}

void will_watch(const mio_socket *s, int way)
{
    if (!(promised[s->native] & way)) will_watch_again(s, way, way);
}

void will_refuse_to_watch(const mio_socket *s, int way, int error) { will(WATCH, s->native, way, -error); }

void will_unwatch(const mio_socket *s, int way, int left)
{
    will(FORGET, s->native, way, 0);
    promised[s->native] = left;
}

void will_forget(const mio_socket *s)
{
    for (int way = READING; way <= WRITING; way++)
        if (promised[s->native] & way) will(FORGET, s->native, way, 0);
    promised[s->native] = 0;
}

void will_ring(void) { will(RING, 0, ANY, 1); }

/* --- what is told ---------------------------------------------------------------------------------------- */

static void event(const mio_socket *s, int filter, unsigned flags, unsigned fflags, int64_t data)
{
    news((struct news){ .fd = s->native, .filter = filter, .flags = flags, .fflags = fflags, .data = data });
}

void readable(const mio_socket *s, int64_t bytes) { event(s, EVFILT_READ, EV_CLEAR, 0, bytes); }
void writable(const mio_socket *s) { event(s, EVFILT_WRITE, EV_CLEAR, 0, 65536); }
void ended(const mio_socket *s, int64_t bytes) { event(s, EVFILT_READ, EV_CLEAR | EV_EOF, 0, bytes); }

void cut(const mio_socket *s, int64_t bytes, int error)
{
    if (promised[s->native] & READING) event(s, EVFILT_READ, EV_CLEAR | EV_EOF, (unsigned)error, bytes);
    if (promised[s->native] & WRITING) event(s, EVFILT_WRITE, EV_CLEAR | EV_EOF, (unsigned)error, 0);
}

/* An event for each filter */
int news_of(struct news *to, int fd, int ways, const struct condition *now)
{
    unsigned flags = EV_CLEAR | (now->end || now->broken ? EV_EOF : 0), fflags = now->broken ? ECONNRESET : 0;
    int n = 0;
    if (ways & READING)
        to[n++] = (struct news){ .fd = fd, .filter = EVFILT_READ, .flags = flags, .fflags = fflags, .data = now->available };
    if (now->end && !now->broken) flags = EV_CLEAR;
    if (ways & WRITING)
        to[n++] = (struct news){ .fd = fd, .filter = EVFILT_WRITE, .flags = flags, .fflags = fflags, .data = 1 };
    return n;
}

void bell(void) { news((struct news){ .fd = -1, .filter = EVFILT_USER, .flags = EV_CLEAR }); }

bool is_bell(int fd) { return fd >= 0 && (fd == pipe_ends[0] || fd == pipe_ends[1]); }
bool is_its_own(int fd) { return fd == the_kqueue || is_bell(fd); }

bool is_watched(const struct news *n)
{
    if (n->fd < 0) return true;
    return kernel.fds[n->fd].open && kernel.fds[n->fd].ways & way_of(n->filter);
}

/* --- its calls ------------------------------------------------------------------------------------------- */

int kernel_kqueue(void) { return the_kqueue = open_descriptor(); }

int kernel_pipe(int ends[2])
{
    for (int i = 0; i < 2; i++) ends[i] = pipe_ends[i] = open_descriptor();
    return 0;
}

/* The receipt: EV_ERROR and the code; xnu adds the flag to those that came */
static int receipt(const struct kevent *change, struct kevent *events, int64_t error)
{
    events[0] = *change;
    events[0].flags = (unsigned short)(replaces ? EV_ERROR : change->flags | EV_ERROR);
    events[0].data = error;
    return 1;
}

static int bell_change(const struct kevent *change, struct kevent *events)
{
    if (change->flags & EV_ADD) {
        bool absent = kernel.no_user && change->filter == EVFILT_USER;
        if (change->udata != NULL || !(change->flags & EV_CLEAR)) problem("the bell is watched in another way");
        return receipt(change, events, absent ? EINVAL : 0);
    }
    if (change->filter != EVFILT_USER || change->fflags != NOTE_TRIGGER) problem("the bell is rung in another way");
    answered(called(RING, 0, ANY));
    return 0;
}

static void apply(struct descriptor *d, const struct kevent *change, int way)
{
    if (change->flags & EV_DELETE) {
        d->ways &= ~way;
    } else {
        if (d->ways != 0 && d->whose != change->udata) problem("events are sent to another socket from now on");
        d->ways |= way;
        d->whose = change->udata;
    }
    if (d->ways == 0) d->whose = NULL;
}

/* An answer below -1000 is an error of the call and not of the receipt: EINTR, when the change is made already */
static int made(const struct kevent *change, struct kevent *events)
{
    if (change->filter == EVFILT_USER || is_bell((int)change->ident)) return bell_change(change, events);
    struct descriptor *d = descriptor((int)change->ident);
    int way = way_of(change->filter), deletes = change->flags & EV_DELETE;
    if (!(change->flags & EV_RECEIPT)) problem("a change without a receipt may take an event");
    if (!deletes && !(change->flags & EV_CLEAR)) problem("not edge-triggered");
    struct call *s = called(deletes ? FORGET : WATCH, (int)change->ident, way);
    int64_t answer = s != NULL ? s->answer : 0;
    if (deletes && !(d->ways & way)) answer = -ENOENT;
    if (answer == 0 || answer < -1000) apply(d, change, way);
    if (kernel.automatic) promised[change->ident] = d->ways;
    if (answer >= -1000) return receipt(change, events, -answer);
    errno = (int)(-1000 - answer);
    return -1;
}

static int gives(struct kevent *events, int room, const struct timespec *time)
{
    int64_t timeout = time == NULL ? FOR_EVER : time->tv_sec * SECOND + time->tv_nsec;
    if (room != kernel.room) problem("a wait has room for %d events", room);
    if (time != NULL && (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= SECOND || timeout > DAY))
        problem("kevent with a time that not every system takes");
    struct call *s = called(WAIT, 0, timeout);
    int64_t n = waited(s, timeout);
    for (int64_t i = 0; i < n; i++) {
        const struct news *one = &s->news[i];
        events[i] = (struct kevent){ .ident = (uintptr_t)one->fd, .filter = (short)one->filter,
            .flags = (unsigned short)one->flags, .fflags = one->fflags, .data = one->data };
        events[i].udata = one->fd < 0 ? NULL : kernel.fds[one->fd].whose;
    }
    return (int)n;
}

int kernel_kevent(int kq, const struct kevent *changes, int count, struct kevent *events, int room,
    const struct timespec *time)
{
    if (kq != the_kqueue || count > 1) problem("a kevent of another kind");
    return count == 1 ? made(changes, events) : gives(events, room, time);
}

/* --- scripts ------------------------------------------------------------------------------------------------ */

/* An error's data is no count of bytes */
static void an_error_among_the_events(void)
{
    waits_to_receive(R, a);
    waits_to_receive(R2, b);
    will_wait(FOR_EVER); event(a, EVFILT_READ, EV_ERROR, 0, ENOENT); readable(b, 5);
    will_recv(a, 100, -EAGAIN);         /* what it means the attempt tells */
    will_recv(b, 100, 5);
    back(R2, 5);
    will_wait(FOR_EVER); event(a, EVFILT_READ, EV_ERROR, 0, EBADF);
    will_recv(a, 100, -EBADF);
    back(R, MIO_EBADF);
}

static void an_event_of_another_filter(void)
{
    waits_to_send(W, a);
    will_wait(FOR_EVER); event(a, EVFILT_VNODE, EV_CLEAR, 0, 1);
    will_send(a, 100, -EAGAIN);         /* one attempt for nothing */
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, 100);
    back(W, 100);
}

/* The flags that come back are the change's, or not; and others (R16) */
static void flags_of_all_kinds(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); event(a, EVFILT_READ, EV_ADD | EV_ENABLE | EV_CLEAR | EV_RECEIPT | 0x2000, 0, 5);
    will_recv(a, 100, 5);
    back(R, 5);
    receive(R, a, 100);                 /* 5 of 5: not tried */
    will_wait(FOR_EVER); event(a, EVFILT_READ, 0, 0, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void end_of_the_writer(void)
{
    waits_to_send(W, a);
    will_wait(FOR_EVER); event(a, EVFILT_WRITE, EV_EOF, EPIPE, 0);
    will_send(a, 100, -EPIPE);
    back(W, MIO_EPIPE);
}

/* Read in pieces: the count says when nothing is left, without a call */
static void counted(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 10);
    will_recv(a, 100, 4);
    back(R, 4);
    will_recv(a, 4, 4);
    receive(R, a, 4);
    back(R, 4);
    will_recv(a, 2, 2);
    receive(R, a, 2);
    back(R, 2);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 1);
    will_recv(a, 100, 1);
    back(R, 1);
}

static void counted_too_few(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 9);               /* more came since: the kernel tells of it again */
    back(R, 9);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 0);
    will_recv(a, 100, -EAGAIN);
    will_wait(FOR_EVER); readable(a, 3);
    will_recv(a, 100, 3);
    back(R, 3);
}

static void counted_too_many(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 10);
    will_recv(a, 100, 5);
    back(R, 5);
    will_recv(a, 100, -EAGAIN);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 3);
    will_recv(a, 100, 3);
    back(R, 3);
    receive(R, a, 100);
}

/* More than an int counts: a short read decides */
static void counted_without_end(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, (int64_t)1 << 40);
    will_recv(a, 100, 100);
    back(R, 100);
    will_recv(a, 100, 100);             /* not waited for: no event would come */
    receive(R, a, 100);
    back(R, 100);
    will_recv(a, 100, 99);
    receive(R, a, 100);
    back(R, 99);
    receive(R, a, 100);                 /* nothing is left */
    will_wait(FOR_EVER); readable(a, 1);
    will_recv(a, 100, 1);
    back(R, 1);
}

/* What was counted before does not count then */
static void counted_and_then_without_end(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 10);
    will_recv(a, 100, 4);
    back(R, 4);
    will_wait(MS); readable(a, (int64_t)1 << 40); passes(MS);
    nothing_for(MS);
    will_recv(a, 100, 100);
    receive(R, a, 100);
    back(R, 100);
    will_recv(a, 100, 100);
    receive(R, a, 100);
    back(R, 100);
}

static void end_behind_a_count(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 10); ended(a, 10);
    will_recv(a, 100, 10);
    back(R, 10);
    will_recv(a, 100, 0);
    receive(R, a, 100);
    back(R, 0);
}

static void receipts_of_both_kinds(void)
{
    waits_to_receive(R, a);
    replaces = true;
    waits_to_receive(R2, b);
    will_recv(c, 100, -EAGAIN);
    will_refuse_to_watch(c, READING, ENOMEM);
    receive(X, c, 100);
    back(X, MIO_ENOMEM);
    will_wait(FOR_EVER); readable(a, 5); readable(b, 5);
    will_recv(a, 100, 5);
    will_recv(b, 100, 5);
    back(R, 5);
    back(R2, 5);
}

/* A filter of two (R14) */
static void one_filter_is_refused(void)
{
    waits_to_send(W, a);
    will_recv(a, 100, -EAGAIN);
    will_refuse_to_watch(a, READING, ENOMEM);
    receive(R, a, 100);
    back(R, MIO_ENOMEM);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, 100);
    back(W, 100);
    will_close(a);                      /* one filter is deleted */
    closes(CL, a);
    back(CL, 0);
}

/* (R17) */
static void nobody_at_the_other_end(void)
{
    will_send(a, 100, -EAGAIN);
    will_refuse_to_watch(a, WRITING, EPIPE);
    send_all(W, a, 100);
    will_wait(0);
    will_send(a, 100, -EPIPE);
    back(W, MIO_EPIPE);
}

/* (R18) */
static void interrupted_change(void)
{
    will_recv(a, 100, -EAGAIN);
    will(WATCH, a->native, READING, -1000 - EINTR);
    will(WATCH, a->native, READING, -1000 - EINTR);
    will_watch(a, READING);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

/* (R4) */
static void filters_that_are_gone(void)
{
    waits_to_receive(R, a);
    waits_to_send(W, a);
    will_wait(FOR_EVER); cut(a, 0, ECONNRESET);
    will_recv(a, 100, -ECONNRESET);
    will_send(a, 100, -EPIPE);
    back(R, MIO_ECONNRESET);
    back(W, MIO_ECONNRESET);
    kernel.fds[a->native].ways = 0;     /* FreeBSD's pipes do that: EV_ONESHOT; to delete them is ENOENT */
    will_close(a);
    closes(CL, a);
    back(CL, 0);
}

/* The bell's ident is 0, too (R21) */
static void descriptor_0(void)
{
    mio_socket *s = fresh();
    kernel.fds[0].open = true;
    if (mio_socket_adopt(s, 0) != 0) problem("a pipe is not adopted");
    will(READ, 0, 100, -EAGAIN);
    will_watch(s, READING);
    receive(R, s, 100);
    will_wait(FOR_EVER); bell();
    will_wait(FOR_EVER); readable(s, 5);
    will(READ, 0, 100, 5);
    back(R, 5);
}

static void post_a_nop(void)
{
    mio_op_nop(op_of(X));
    posted(X);
}

/* A pipe instead (T6) */
static void no_evfilt_user(void)
{
    kernel.no_user = true;
    queue_again(ROOM);
    for (int i = 0; i < 2; i++) {
        will_wait(FOR_EVER); bell(); meanwhile(post_a_nop);
        will_ring();
        will(SILENCE, 0, ANY, 64);
        will(SILENCE, 0, ANY, 1);
        will(SILENCE, 0, ANY, -EAGAIN); /* so that the next byte is news */
        back(X, 0);
    }
    will_wait(5 * MS); bell();
    will(SILENCE, 0, ANY, -EAGAIN);
    will_wait(5 * MS);
    nothing_for(5 * MS);
}

static void at_most_a_day(void)
{
    for (int day = 0; day < 30; day++) will_wait(DAY);
    will_wait(1);
    nothing_for(30 * DAY + 1);
}

const struct script own_scripts[] = {
    { "batches", "an error among the events", an_error_among_the_events },
    { "batches", "an event of another filter", an_event_of_another_filter },
    { "batches", "flags of all kinds (R16, C18)", flags_of_all_kinds },
    { "batches", "the end for a writer (C13)", end_of_the_writer },
    { "hints", "counted, and read in pieces", counted },
    { "hints", "counted too few", counted_too_few },
    { "hints", "counted too many", counted_too_many },
    { "hints", "more than an int counts", counted_without_end },
    { "hints", "counted, and then more than an int counts", counted_and_then_without_end },
    { "hints", "the end behind a count (C19)", end_behind_a_count },
    { "watching", "receipts of both kinds (R16)", receipts_of_both_kinds },
    { "watching", "one filter of two is refused (R14)", one_filter_is_refused },
    { "watching", "nobody is at the other end (R17)", nobody_at_the_other_end },
    { "watching", "an interrupted change (R18)", interrupted_change },
    { "watching", "filters that are gone (R4)", filters_that_are_gone },
    { "watching", "descriptor 0 (R21)", descriptor_0 },
    { "bell", "a pipe where EVFILT_USER is absent (T6)", no_evfilt_user },
    { "clock", "at most a day", at_most_a_day },
    { 0 }
};
