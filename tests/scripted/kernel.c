/* The kernel that is a script, but for its selector: the list of calls that will come, sockets, and the clock.
   tests/scripted.sh gives the library's objects other names for the kernel's calls, those that begin with kernel_ here */
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum { CALLS = 1200, SPIN = 1000000 };

struct kernel kernel;
static struct call script[CALLS];
static int first, end;
static bool unordered;

static const char *const words[WHATS] = { [RECV] = "recv", [RECVMSG] = "recvmsg", [READ] = "read", [SEND] = "send",
    [SENDTO] = "sendto", [CONNECT] = "connect", [ACCEPT] = "accept", [SHUT] = "shutdown", [CLOSE] = "close",
    [SO_ERROR_] = "getsockopt(SO_ERROR)", [PEER] = "getpeername", [WATCH] = "watch", [CHANGE] = "change the watch",
    [FORGET] = "forget", [RING] = "ring", [SILENCE] = "silence the bell", [WAIT] = "wait",
    [WAIT_MS] = "wait in milliseconds" };

/* --- the script ------------------------------------------------------------------------------------------ */

struct call *will(enum what what, int fd, int64_t want, int64_t answer)
{
    if (end == CALLS) problem("the script is too long");
    script[end] = (struct call){ .what = what, .fd = fd, .want = want, .answer = answer, .passes = ANY,
        .any_order = unordered };
    return &script[end++];
}

void any_order(bool begins) { unordered = begins; }

void will_recv(const mio_socket *s, int64_t length, int64_t answer) { will(RECV, s->native, length, answer); }
void will_send(const mio_socket *s, int64_t length, int64_t answer) { will(SEND, s->native, length, answer); }
void will_say_error(const mio_socket *s, int error) { will(SO_ERROR_, s->native, ANY, error); }
void will_name_peer(const mio_socket *s, int error) { will(PEER, s->native, ANY, -error); }

void will_close(const mio_socket *s)
{
    will_forget(s);
    will(CLOSE, s->native, ANY, 0);
}

void will_wait(int64_t timeout) { will(WAIT, 0, timeout, 0); }
void will_fail_to_wait(int64_t timeout, int error) { will(WAIT, 0, timeout, -error); }

static struct call *last_wait(void)
{
    struct call *last = &script[end - 1];
    if (end == 0 || (last->what != WAIT && last->what != WAIT_MS)) problem("the script has no wait for this");
    return last;
}

void passes(int64_t time) { last_wait()->passes = time; }
void meanwhile(void (*other)(void)) { last_wait()->meanwhile = other; }

void news(struct news n)
{
    struct call *wait = last_wait();
    if (wait->count == kernel.room || wait->count > ROOM) problem("the script has more events than the wait has room for");
    wait->news[wait->count++] = n;
}

/* A call in words */
static const char *described(enum what what, int fd, int64_t argument)
{
    static char text[2][80];
    static int turn;
    char *to = text[turn++ % 2];
    bool sleeps = what == WAIT || what == WAIT_MS, socket = !sleeps && what != RING && what != SILENCE;
    int n = socket ? snprintf(to, 80, "%s of %s", words[what], name_of(fd)) : snprintf(to, 80, "%s", words[what]);
    if (sleeps && argument == FOR_EVER) snprintf(to + n, 80 - (size_t)n, " for ever");
    else if (argument != ANY) snprintf(to + n, 80 - (size_t)n, sleeps ? " of %lld" : ", %lld", (long long)argument);
    return to;
}

void script_is_used_up(const char *by)
{
    const struct call *s = &script[first];
    if (first < end) problem("%s: the library does not call the script's %s", by, described(s->what, s->fd, s->want));
    first = end = 0;
}

/* --- its calls ------------------------------------------------------------------------------------------- */

static bool is_it(const struct call *s, enum what what, int fd, int64_t argument)
{
    return s->what == what && s->fd == fd && (s->want == argument || s->want == ANY);
}

/* The call that was made, in the script; NULL if the kernel plays by itself */
struct call *called(enum what what, int fd, int64_t argument)
{
    int at = first;
    if (kernel.automatic) return NULL;
    if (kernel.world != NULL) return kernel.world(what, fd, argument);
    if (first == end) problem("the library calls %s; nothing more is in the script", described(what, fd, argument));
    while (at < end && script[at].any_order && !is_it(&script[at], what, fd, argument)) at++;
    if (at == end || !is_it(&script[at], what, fd, argument)) {
        const struct call *s = &script[first];
        problem("the library calls %s; the script has %s", described(what, fd, argument),
            described(s->what, s->fd, s->want));
    }
    struct call found = script[at];
    memmove(&script[first + 1], &script[first], (size_t)(at - first) * sizeof script[0]);
    script[first] = found;
    kernel.calls++;
    return &script[first++];
}

int64_t answered(struct call *s)
{
    if (s == NULL) return 0;
    if (s->answer >= 0) return s->answer;
    errno = (int)-s->answer;
    return -1;
}

/* Of a wait. Says how many events, or -1. Its timeout: FOR_EVER or nanoseconds */
int64_t waited(struct call *s, int64_t timeout)
{
    if (++kernel.waits > SPIN) problem("the library spins");
    if (kernel.automatic) {
        if (timeout < 0) problem("the library sleeps for ever, though nothing is to come");
        kernel.now += kernel.sleep != NULL ? kernel.sleep(timeout) : timeout;
        return 0;
    }
    if (s->meanwhile != NULL) s->meanwhile();
    if (s->passes != ANY) kernel.now += s->passes;
    else if (s->count == 0 && s->answer == 0 && timeout > 0) kernel.now += timeout;
    if (timeout < 0 && s->count == 0 && s->answer == 0) problem("the script ends a wait for ever with nothing");
    for (int i = 0; i < s->count; i++)
        if (!is_watched(&s->news[i])) problem("the script has an event that no kernel gives: %d is not watched for it",
            s->news[i].fd);
    kernel.events += s->count;
    return s->answer < 0 ? answered(s) : s->count;
}

struct descriptor *descriptor(int fd)
{
    if (fd < 0 || fd >= FDS || !kernel.fds[fd].open) problem("a call with descriptor %d, which is not open", fd);
    return &kernel.fds[fd];
}

/* The lowest that is free, as everywhere */
int open_descriptor(void)
{
    int fd = kernel.lowest;
    while (kernel.fds[fd].open) fd++;
    kernel.fds[fd] = (struct descriptor){ .open = true };
    return fd;
}

/* --- calls that are always answered well ----------------------------------------------------------------- */

int kernel_socket(int family, int type, int protocol)
{
    (void)family, (void)type, (void)protocol;
    return open_descriptor();
}

int kernel_fcntl(int fd, int what, ...)
{
    descriptor(fd);
    return what == F_GETFL ? O_RDWR | O_NONBLOCK : 0;
}

/* Only pipes are adopted here */
int kernel_fstat(int fd, struct stat *about)
{
    descriptor(fd);
    memset(about, 0, sizeof *about);
    about->st_mode = S_IFIFO;
    return 0;
}

int kernel_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)level, (void)name, (void)value, (void)size;
    descriptor(fd);
    return 0;
}

int kernel_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    (void)address, (void)size;
    descriptor(fd);
    return 0;
}

int kernel_listen(int fd, int backlog)
{
    (void)backlog;
    descriptor(fd);
    return 0;
}

int kernel_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)address, (void)size;
    descriptor(fd);
    return 0;
}

void *kernel_calloc(size_t count, size_t size)
{
    kernel.memory++;
    return calloc(count, size);
}

void kernel_free(void *memory)
{
    kernel.memory -= memory != NULL;
    free(memory);
}

int kernel_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_MONOTONIC) problem("the library asks another clock");
    kernel.clock_reads++;
    time->tv_sec = (time_t)(kernel.now / SECOND);
    time->tv_nsec = (long)(kernel.now % SECOND);
    return 0;
}

/* --- calls of the script --------------------------------------------------------------------------------- */

/* Bytes are numbered in each direction: nothing may be lost, come twice, or in another order */
static ssize_t bytes_came(struct call *s, int fd, void *buffer)
{
    unsigned char *bytes = buffer;
    struct descriptor *d = descriptor(fd);
    if (s == NULL) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t n = answered(s);
    for (ssize_t i = 0; i < n; i++) bytes[i] = d->in++;
    return n;
}

static ssize_t bytes_went(struct call *s, int fd, const void *buffer)
{
    const unsigned char *bytes = buffer;
    struct descriptor *d = descriptor(fd);
    if (s == NULL) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t n = answered(s);
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] != d->out++) problem("other bytes are sent than the next ones");
    return n;
}

ssize_t kernel_recv(int fd, void *buffer, size_t length, int flags)
{
    if (flags != 0) problem("recv has flags");
    return bytes_came(called(RECV, fd, (int64_t)length), fd, buffer);
}

/* As answer, a datagram longer than the buffer is cut */
ssize_t kernel_recvmsg(int fd, struct msghdr *m, int flags)
{
    (void)flags;
    size_t length = m->msg_iov->iov_len;
    struct call *s = called(RECVMSG, fd, (int64_t)length);
    m->msg_flags = s != NULL && s->answer > (int64_t)length ? MSG_TRUNC : 0;
    if (m->msg_flags != 0) s->answer = (int64_t)length;
    return bytes_came(s, fd, m->msg_iov->iov_base);
}

ssize_t kernel_read(int fd, void *buffer, size_t length)
{
    if (is_bell(fd)) {
        struct call *s = called(SILENCE, 0, ANY);
        if (s != NULL) return answered(s);
        errno = EAGAIN;
        return -1;
    }
    return bytes_came(called(READ, fd, (int64_t)length), fd, buffer);
}

ssize_t kernel_send(int fd, const void *buffer, size_t length, int flags)
{
    if (!(flags & MSG_NOSIGNAL)) problem("send may raise a signal");
    return bytes_went(called(SEND, fd, (int64_t)length), fd, buffer);
}

ssize_t kernel_sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
    (void)flags, (void)to, (void)size;
    return bytes_went(called(SENDTO, fd, (int64_t)length), fd, buffer);
}

/* Only bells are written to here */
ssize_t kernel_write(int fd, const void *buffer, size_t length)
{
    (void)buffer, (void)length;
    descriptor(fd);
    if (!is_bell(fd)) problem("a write to a socket");
    errno = EIO;                        /* what succeeds may change it */
    return answered(called(RING, 0, ANY));
}

int kernel_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    (void)address, (void)size;
    descriptor(fd);
    return (int)answered(called(CONNECT, fd, ANY));
}

/* Its answer 0 is a new descriptor */
int kernel_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    (void)address, (void)size;
    descriptor(fd);
    if (flags != (SOCK_NONBLOCK | SOCK_CLOEXEC)) problem("what is accepted blocks, or is inherited");
    return answered(called(ACCEPT, fd, ANY)) < 0 ? -1 : open_descriptor();
}

int kernel_shutdown(int fd, int how)
{
    descriptor(fd);
    return (int)answered(called(SHUT, fd, how));
}

int kernel_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    (void)level, (void)name, (void)size;
    descriptor(fd);
    struct call *s = called(SO_ERROR_, fd, ANY);
    int error = s != NULL ? (int)s->answer : 0;
    memcpy(value, &error, sizeof error);
    return 0;
}

int kernel_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)address, (void)size;
    descriptor(fd);
    return (int)answered(called(PEER, fd, ANY));
}

/* What is closed while it is watched goes on telling if it has a duplicate */
int kernel_close(int fd)
{
    struct descriptor *d = descriptor(fd);
    int64_t answer = is_its_own(fd) ? 0 : answered(called(CLOSE, fd, ANY));
    if (d->ways != 0 && d->whose != NULL) problem("descriptor %d is closed before the kernel was made to forget it", fd);
    d->open = false;
    return (int)answer;
}
