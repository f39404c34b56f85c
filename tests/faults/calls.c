/* The fault seam. tests/faults.sh gives the library's objects other names for the kernel's calls (objcopy
   --redefine-sym send=fault_send), so the library is built as it is, and they come here: each is counted, and the n-th
   of one kind fails, and more after it where a failure lasts. What the library holds (descriptors, memory, threads) is
   counted, too. Every fault_ here is in the list of names that the script reads */
#define _GNU_SOURCE
#include "calls.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the manuals of Linux, FreeBSD, NetBSD and POSIX say that may become of them. EAGAIN is left out where it is a
   promise that an event follows, ENOTCONN of getpeername for the same reason, and what only misuse can cause */
const struct row rows[CALLS] = {
    [SOCKET] = { "socket", { EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT } },
    [FCNTL] = { "fcntl", { EBADF, EINVAL } },
    [FSTAT] = { "fstat", { ENOMEM, EOVERFLOW } },
    [SETSOCKOPT] = { "setsockopt", { EINVAL, ENOBUFS, ENOMEM, ENOPROTOOPT } },
    [GETSOCKOPT] = { "getsockopt", { EINVAL, ENOBUFS, ENOMEM } },
    [GETSOCKNAME] = { "getsockname", { ENOBUFS, EINVAL } },
    [GETPEERNAME] = { "getpeername", { ENOBUFS } },
    [BIND] = { "bind", { EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, ENOMEM, ENOENT, ENOTDIR, EROFS } },
    [LISTEN] = { "listen", { EADDRINUSE, EINVAL, ENOBUFS } },
    [CONNECT] = { "connect", { EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, ECONNREFUSED, ECONNRESET,
        EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH, ENOBUFS, ENOENT, ETIMEDOUT } },
    [ACCEPT4] = { "accept4", { ECONNABORTED, EHOSTUNREACH, EINTR, EMFILE, ENETDOWN, ENFILE, ENOBUFS, ENOMEM, EPERM,
        EPROTO, ETIMEDOUT } },
    [RECV] = { "recv", { ECONNRESET, EHOSTUNREACH, EINTR, ENOBUFS, ENOMEM, ETIMEDOUT } },
    [RECVMSG] = { "recvmsg", { ECONNREFUSED, EINTR, ENOBUFS, ENOMEM } },
    [READ] = { "read", { EINTR, EIO } },
    [SEND] = { "send", { EACCES, ECONNRESET, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH, ENOBUFS, ENOMEM, EPIPE,
        ETIMEDOUT } },
    [SENDTO] = { "sendto", { EACCES, EADDRNOTAVAIL, ECONNREFUSED, EHOSTUNREACH, EINTR, EMSGSIZE, ENETDOWN, ENETUNREACH,
        ENOBUFS, ENOENT, ENOMEM, EPERM } },
    [WRITE] = { "write", { EINTR, EIO, EPIPE } },
    [SHUTDOWN] = { "shutdown", { ENOBUFS, ENOTCONN } },
    [CLOSE] = { "close", { ECONNRESET, EDQUOT, EINTR, EIO, ENOSPC } },
    [EPOLL_CREATE1] = { "epoll_create1", { EMFILE, ENFILE, ENOMEM } },
    [EVENTFD] = { "eventfd", { EMFILE, ENFILE, ENODEV, ENOMEM } },
    [EPOLL_CTL] = { "epoll_ctl", { ENOMEM, ENOSPC } },
    [EPOLL_WAIT] = { "epoll_wait", { EINTR } },
    [SYSCALL] = { "syscall", { EINTR, ENOSYS, EPERM } },
    [KQUEUE] = { "kqueue", { EMFILE, ENFILE, ENOMEM } },
    [KEVENT] = { "kevent", { EINTR } },
    [KEVENT_CHANGE] = { "kevent", { EINTR, ENOMEM, ENOMEM | RECEIPT } },
    [PIPE] = { "pipe", { EMFILE, ENFILE, ENOMEM } },
    [CALLOC] = { "calloc", { ENOMEM } },
    [PTHREAD_CREATE] = { "pthread_create", { EAGAIN, EPERM } },
    [MUTEX_INIT] = { "pthread_mutex_init", { EAGAIN, ENOMEM, EPERM } },
    [COND_INIT] = { "pthread_cond_init", { EAGAIN, ENOMEM } },
    [GETADDRINFO] = { "getaddrinfo", { EAI(EAI_ADDRFAMILY), EAI(EAI_AGAIN), EAI(EAI_FAIL), EAI(EAI_FAMILY),
        EAI(EAI_MEMORY), EAI(EAI_NODATA), EAI(EAI_NONAME), EAI(EAI_SERVICE), EAI(EAI_SOCKTYPE), OF_SYSTEM | EMFILE,
        OF_SYSTEM | ENOMEM, OF_SYSTEM | EACCES, OF_SYSTEM | ECONNREFUSED } },
    [OWN_CALLOC] = { "calloc", { ENOMEM } },
    [OWN_MALLOC] = { "malloc", { ENOMEM } },
};

struct fault fault;

static _Thread_local int in_a_row;      /* failures since the library was entered */

void seam_entered(void) { in_a_row = 0; }

/* Whoever is in the library so long does not sleep, nor give the failure back. An accept may go on for ever; but it asks
   for events in between, which is when others are served */
enum { TOO_OFTEN = 5000 };

static void asked_for_events(void)
{
    if (fault.call == ACCEPT4) in_a_row = 0;
}

static bool lasts(int nth)
{
    return fault.nth > 0 && nth >= fault.nth && (fault.times == 0 || nth < fault.nth + fault.times);
}

/* Is it the n-th, or one of those after it? */
static bool fails(enum call call)
{
    int nth = ++fault.count[call];
    if (call != fault.call || !lasts(nth)) return false;
    fault.failures++;
    if (!atomic_exchange(&fault.struck, true) && fault.on_strike != NULL) fault.on_strike();
    if (++in_a_row == TOO_OFTEN) fault.spins = true;
    errno = fault.error & NUMBER;
    return true;
}

/* --- what the library holds ------------------------------------------------------------------------------ */

static _Atomic unsigned char owners[DESCRIPTORS];

/* It belongs to somebody now; the number is given back as it is */
int seam_owner(int fd, enum owner owner)
{
    if (fd >= 0 && fd < DESCRIPTORS) owners[fd] = (unsigned char)owner;
    return fd;
}

/* The first descriptor that the library opened and neither closed nor handed over; -1: there is none */
int seam_left(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (owners[fd] == LIBRARY_S) return fd;
    return -1;
}

static bool held(enum holding what, bool got)
{
    if (got) fault.holds[what]++;
    return got;
}

/* --- the calls ------------------------------------------------------------------------------------------- */

int fault_socket(int family, int type, int protocol)
{
    return seam_owner(fails(SOCKET) ? -1 : socket(family, type, protocol), LIBRARY_S);
}

int fault_fcntl(int fd, int what, ...)
{
    va_list rest;
    va_start(rest, what);
    int value = what == F_SETFL || what == F_SETFD ? va_arg(rest, int) : 0;
    va_end(rest);
    return fails(FCNTL) ? -1 : fcntl(fd, what, value);
}

int fault_fstat(int fd, struct stat *about)
{
    return fails(FSTAT) ? -1 : fstat(fd, about);
}

int fault_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return fails(SETSOCKOPT) ? -1 : setsockopt(fd, level, name, value, size);
}

int fault_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    return fails(GETSOCKOPT) ? -1 : getsockopt(fd, level, name, value, size);
}

int fault_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    return fails(GETSOCKNAME) ? -1 : getsockname(fd, address, size);
}

int fault_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
    return fails(GETPEERNAME) ? -1 : getpeername(fd, address, size);
}

int fault_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return fails(BIND) ? -1 : bind(fd, address, size);
}

int fault_listen(int fd, int backlog)
{
    return fails(LISTEN) ? -1 : listen(fd, backlog);
}

/* After a signal a connection goes on to be made */
int fault_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    if (!fails(CONNECT)) return connect(fd, address, size);
    if ((fault.error & NUMBER) == EINTR) {
        connect(fd, address, size);
        errno = EINTR;
    }
    return -1;
}

/* Who was reset, or gave up, is taken from those that wait */
int fault_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return seam_owner(fails(ACCEPT4) ? -1 : accept4(fd, address, size, flags), LIBRARY_S);
}

ssize_t fault_recv(int fd, void *buffer, size_t length, int flags)
{
    return fails(RECV) ? -1 : recv(fd, buffer, length, flags);
}

ssize_t fault_recvmsg(int fd, struct msghdr *message, int flags)
{
    return fails(RECVMSG) ? -1 : recvmsg(fd, message, flags);
}

ssize_t fault_read(int fd, void *buffer, size_t length)
{
    return fails(READ) ? -1 : read(fd, buffer, length);
}

ssize_t fault_send(int fd, const void *buffer, size_t length, int flags)
{
    return fails(SEND) ? -1 : send(fd, buffer, length, flags);
}

ssize_t fault_sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
    return fails(SENDTO) ? -1 : sendto(fd, buffer, length, flags, to, size);
}

/* A bell, of 1 or 8 bytes, is written by any thread, and not counted: it does not block, so that no signal ends it, and
   a full one has rung */
ssize_t fault_write(int fd, const void *buffer, size_t length)
{
    return length > 8 && fails(WRITE) ? -1 : write(fd, buffer, length);
}

int fault_shutdown(int fd, int how)
{
    return fails(SHUTDOWN) ? -1 : shutdown(fd, how);
}

/* Whatever it says, the descriptor is closed. Nobody may close it again: it may be another's by then */
int fault_close(int fd)
{
    bool failing = fails(CLOSE);
    bool again = fd >= 0 && fd < DESCRIPTORS && owners[fd] == CLOSED;
    seam_owner(fd, CLOSED);            /* before another thread gets the number */
    int error = errno, result = close(fd);
    if (result != 0 || again) fault.closed_twice++;
    if (!failing || result != 0) return result;
    errno = error;
    return -1;
}

int fault_epoll_create1(int flags)
{
    return seam_owner(fails(EPOLL_CREATE1) ? -1 : epoll_create1(flags), LIBRARY_S);
}

int fault_eventfd(unsigned int initial, int flags)
{
    return seam_owner(fails(EVENTFD) ? -1 : eventfd(initial, flags), LIBRARY_S);
}

/* To take something out needs no memory, and does not fail */
int fault_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return what != EPOLL_CTL_DEL && fails(EPOLL_CTL) ? -1 : epoll_ctl(epoll, what, fd, event);
}

int fault_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
    asked_for_events();
    return fails(EPOLL_WAIT) ? -1 : epoll_wait(epoll, events, room, timeout);
}

/* epoll_pwait2 is all that the library calls so */
long fault_syscall(long number, int epoll, void *events, int room, void *time, void *mask, size_t size)
{
    asked_for_events();
    return fails(SYSCALL) ? -1 : syscall(number, epoll, events, room, time, mask, size);
}

int fault_kqueue(void)
{
    return seam_owner(fails(KQUEUE) ? -1 : kqueue(), LIBRARY_S);
}

/* One change at a time. A signal comes when it is made already; want of memory is told in either of two ways. To
   delete needs none */
static int change(int kq, const struct kevent *changes, struct kevent *events, int room, const struct timespec *time)
{
    struct kevent e = changes[0];
    bool adds = (e.flags & EV_ADD) != 0;
    if (!adds || !fails(KEVENT_CHANGE)) return kevent(kq, changes, 1, events, room, time);
    if ((fault.error & NUMBER) == EINTR) {
        kevent(kq, changes, 1, &e, 1, time);
        errno = EINTR;
    }
    if (!(fault.error & RECEIPT)) return -1;
    e.flags = EV_ERROR;
    e.data = fault.error & NUMBER;
    events[0] = e;
    return 1;
}

int fault_kevent(int kq, const struct kevent *changes, int count, struct kevent *events, int room,
    const struct timespec *time)
{
    if (count > 0) return change(kq, changes, events, room, time);
    asked_for_events();
    return fails(KEVENT) ? -1 : kevent(kq, changes, count, events, room, time);
}

int fault_pipe(int ends[2])
{
    int result = fails(PIPE) ? -1 : pipe(ends);
    for (int i = 0; result == 0 && i < 2; i++) seam_owner(ends[i], LIBRARY_S);
    return result;
}

void *fault_calloc(size_t count, size_t size)
{
    void *memory = fails(CALLOC) ? NULL : calloc(count, size);
    held(MEMORY, memory != NULL);
    return memory;
}

void fault_free(void *memory)
{
    if (memory != NULL) fault.holds[MEMORY]--;
    free(memory);
}

/* --- a pool and its names; these say what is wrong, and leave errno alone ------------------------------------ */

int fault_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument)
{
    int error = fails(PTHREAD_CREATE) ? fault.error & NUMBER : pthread_create(thread, how, run, argument);
    held(THREADS, error == 0);
    return error;
}

int fault_pthread_join(pthread_t thread, void **result)
{
    fault.holds[THREADS]--;
    return pthread_join(thread, result);
}

int fault_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how)
{
    int error = fails(MUTEX_INIT) ? fault.error & NUMBER : pthread_mutex_init(mutex, how);
    held(LOCKS, error == 0);
    return error;
}

int fault_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    fault.holds[LOCKS]--;
    return pthread_mutex_destroy(mutex);
}

int fault_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *how)
{
    int error = fails(COND_INIT) ? fault.error & NUMBER : pthread_cond_init(condition, how);
    held(CONDITIONS, error == 0);
    return error;
}

int fault_pthread_cond_destroy(pthread_cond_t *condition)
{
    fault.holds[CONDITIONS]--;
    return pthread_cond_destroy(condition);
}

int fault_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **found)
{
    int error = fails(GETADDRINFO) ? fault.error : 0;
    *found = NULL;
    if (error & OF_SYSTEM) return EAI_SYSTEM;
    if (error != 0) return -(error & NUMBER);
    error = getaddrinfo(host, port, wanted, found);
    held(NAMES, error == 0);
    return error;
}

void fault_freeaddrinfo(struct addrinfo *found)
{
    fault.holds[NAMES]--;
    freeaddrinfo(found);
}

/* --- an example's own memory; what it leaves is its own affair ------------------------------------------------- */

void *own_calloc(size_t count, size_t size)
{
    return fails(OWN_CALLOC) ? NULL : calloc(count, size);
}

void *own_malloc(size_t size)
{
    return fails(OWN_MALLOC) ? NULL : malloc(size);
}
