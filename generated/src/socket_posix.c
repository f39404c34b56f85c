/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* accept4 */
#define _NETBSD_SOURCE
#define _DARWIN_C_SOURCE
#include "queue.h"
#if !defined(_WIN32)
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* <<codes of the system>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
static const struct { int native, code; } codes[] = {
    { 0, 0 },                         { EINVAL, MIO_EINVAL },
    { EBADF, MIO_EBADF },             { ENOTSOCK, MIO_ENOTSUP },
    { EOPNOTSUPP, MIO_ENOTSUP },      { EAFNOSUPPORT, MIO_EINVAL },
    { EPROTONOSUPPORT, MIO_ENOTSUP }, { ENOTSUP, MIO_ENOTSUP },
    { EPROTOTYPE, MIO_ECONNRESET },   /* macOS, while the peer goes away */
    { ENOMEM, MIO_ENOMEM },           { ENOBUFS, MIO_ENOMEM },
    { EMFILE, MIO_EMFILE },           { ENFILE, MIO_EMFILE },
    { ECONNREFUSED, MIO_ECONNREFUSED }, { ENOENT, MIO_ECONNREFUSED },
    { ECONNRESET, MIO_ECONNRESET },   { ECONNABORTED, MIO_ECONNRESET },
    { ENETRESET, MIO_ECONNRESET },    { EPIPE, MIO_EPIPE },
    { ETIMEDOUT, MIO_ETIMEDOUT },     { EHOSTUNREACH, MIO_EUNREACHABLE },
    { ENETUNREACH, MIO_EUNREACHABLE }, { ENETDOWN, MIO_EUNREACHABLE },
    { EHOSTDOWN, MIO_EUNREACHABLE },
    { EADDRINUSE, MIO_EADDRINUSE },   { EADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { EACCES, MIO_EACCES },           { EPERM, MIO_EACCES },
    { EMSGSIZE, MIO_EMSGSIZE },       { ENOTCONN, MIO_ENOTCONN },
    { EDESTADDRREQ, MIO_ENOTCONN },   { EISCONN, MIO_EISCONN },
    { EAGAIN, MIO_EAGAIN }
};
/* <<codes of the system>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

int mio__code(int native)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].native == native)
            return codes[i].code;
    return MIO_ESYSTEM;
}

/* <<the clock and the owner>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
int64_t mio_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A thread of a process: after fork it is another one */
void mio__own(mio_queue *q)
{
    q->owner = (uintptr_t)pthread_self();
    q->process = (uintptr_t)getpid();
}
/* <<the clock and the owner>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

#if defined(MIO_CHECKED)
bool mio__owned(const mio_queue *q)
{
    return q->owner == (uintptr_t)pthread_self()
        && q->process == (uintptr_t)getpid();
}
#endif

/* <<open a socket>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
#if defined(SO_NOSIGPIPE)
static int no_sigpipe(int fd)
{
    int one = 1;
    return setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
}
#else
static int no_sigpipe(int fd)
{
    return fd < 0;                      /* MSG_NOSIGNAL at each send */
}
#endif

static int non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}
/* <<open a socket>> (2 of 3), book/09-completion-over-readiness.md: Completion over readiness */

static void fill_in(mio_socket *s, int fd, int type, int family)
{
    bool tcp = type == MIO_STREAM
        && (family == MIO_IPV4 || family == MIO_IPV6);
    memset(s, 0, sizeof *s);
    s->native = fd;
    s->type = (uint8_t)type;
    s->family = (uint8_t)family;
    s->flags = IS_OPEN;
    if (tcp)
        s->flags |= BOTH | EXACT;
    if (type == TYPE_PIPE)
        s->flags |= EXACT;
}
/* <<open a socket>> (3 of 3), book/09-completion-over-readiness.md: Completion over readiness */

int mio_socket_open(mio_socket *s, int family, int type)
{
    int one = 1, error;
    memset(s, 0, sizeof *s);
    s->native = -1;
    int native = mio__native_family(family);
    if (native == 0 || (type != MIO_STREAM && type != MIO_DATAGRAM))
        return MIO_EINVAL;
    int fd = socket(native, type == MIO_STREAM ? SOCK_STREAM
                                               : SOCK_DGRAM, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? MIO_ENOTSUP : mio__code(errno);
    if (non_blocking(fd) != 0 || no_sigpipe(fd) != 0
            || (family == MIO_IPV6 && setsockopt(fd, IPPROTO_IPV6,
                    IPV6_V6ONLY, &one, sizeof one) != 0)) {
        error = errno;
        close(fd);
        return mio__code(error);
    }
    fill_in(s, fd, type, family);
    return 0;
}

/* <<adopt a descriptor>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
/* What kind of thing is it? 0: none that can be waited for */
static int type_of(int fd)
{
    struct stat about;
    int type = 0;
    socklen_t size = sizeof type;
    if (fstat(fd, &about) != 0)
        return -1;
    if (S_ISSOCK(about.st_mode)) {
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
            return -1;
        return type == SOCK_STREAM ? MIO_STREAM : MIO_DATAGRAM;
    }
    return S_ISFIFO(about.st_mode) ? TYPE_PIPE
         : S_ISCHR(about.st_mode) ? TYPE_DEVICE : 0;
}
/* <<adopt a descriptor>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

int mio_socket_adopt(mio_socket *s, mio_native fd)
{
    struct sockaddr_storage local = { 0 };
    socklen_t size = sizeof local;
    memset(s, 0, sizeof *s);
    s->native = -1;
    int flags = fcntl(fd, F_GETFL), type = type_of(fd);
    if (flags < 0 || type < 0)
        return mio__code(errno);
    if (type == 0)
        return MIO_ENOTSUP;
    if (!(flags & O_NONBLOCK))
        return MIO_EINVAL;
    bool socket = type == MIO_STREAM || type == MIO_DATAGRAM;
    if (socket && (getsockname(fd, (struct sockaddr *)&local, &size) != 0
                   || no_sigpipe(fd) != 0))
        return mio__code(errno);
    fill_in(s, fd, type, mio__family(local.ss_family));
    return 0;
}

/* <<calls of a socket>> (1 of 8), book/09-completion-over-readiness.md: Completion over readiness */
int mio_socket_bind(mio_socket *s, const mio_address *a)
{
    int one = 1;
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (s->type == MIO_STREAM && s->family != MIO_LOCAL
            && setsockopt(s->native, SOL_SOCKET, SO_REUSEADDR, &one,
                          sizeof one) != 0)
        return mio__code(errno);
    const void *address = a->storage.bytes;
    if (bind(s->native, address, (socklen_t)a->length) != 0)
        return errno == ENOENT ? MIO_EADDRNOTAVAIL      /* no directory */
                               : mio__code(errno);
    return 0;
}
/* <<calls of a socket>> (2 of 8), book/09-completion-over-readiness.md: Completion over readiness */

int mio_socket_listen(mio_socket *s, int backlog)
{
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (backlog < 0)
        return MIO_EINVAL;
    if (listen(s->native, backlog == 0 ? SOMAXCONN : backlog) != 0)
        return mio__code(errno);
    return 0;
}
/* <<calls of a socket>> (3 of 8), book/09-completion-over-readiness.md: Completion over readiness */

/* A name function's answer, as an address of ours */
static int name(const mio_socket *s, mio_address *a,
                int (*ask)(int, struct sockaddr *, socklen_t *))
{
    socklen_t length = sizeof a->storage;
    void *address = a->storage.bytes;
    memset(a, 0, sizeof *a);
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (ask(s->native, address, &length) != 0)
        return mio__code(errno);
    a->length = length;
    return 0;
}

int mio_socket_local(const mio_socket *s, mio_address *a)
{
    return name(s, a, getsockname);
}

int mio_socket_peer(const mio_socket *s, mio_address *a)
{
    return name(s, a, getpeername);
}
/* <<calls of a socket>> (4 of 8), book/11-connections.md: Connections */

int mio__connect(mio_op *op)
{
    const void *to = op->with.to->storage.bytes;
    socklen_t length = (socklen_t)op->with.to->length;
    return connect(op->socket->native, to, length) == 0 ? 0 : errno;
}
/* <<calls of a socket>> (5 of 8), book/11-connections.md: Connections */

/* What became of it: 0, an error, or EINPROGRESS. An event alone proves
   nothing, and SO_ERROR is 0 before the answer, too */
int mio__connected(mio_socket *s)
{
    struct sockaddr_storage peer;
    int error = 0;
    socklen_t size = sizeof error, length = sizeof peer;
    if (getsockopt(s->native, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    if (error != 0)
        return error;
    if (getpeername(s->native, (struct sockaddr *)&peer, &length) == 0)
        return 0;
    return errno == ENOTCONN ? EINPROGRESS : errno;
}
/* <<calls of a socket>> (6 of 8), book/11-connections.md: Connections */

#if defined(__APPLE__)
static int accept_once(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && (non_blocking(fd) != 0 || no_sigpipe(fd) != 0)) {
        close(fd);
        errno = ECONNABORTED;           /* macOS: the peer has gone */
        return -1;
    }
    return fd;
}
#else
static int accept_once(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#endif
/* <<calls of a socket>> (7 of 8), book/11-connections.md: Connections */

/* Errors that are one peer's, not the listener's: accept(2) of Linux gives
   the network's errors of a connection that waited */
static bool passed_over(int error)
{
    switch (error) {
    case ECONNABORTED: case EPROTO: case ENOPROTOOPT: case ENETDOWN:
    case EHOSTDOWN: case EHOSTUNREACH: case ENETUNREACH:
        return true;
    default:
        return false;
    }
}
/* <<calls of a socket>> (8 of 8), book/11-connections.md: Connections */

/* 0, the error, or EINTR: to be tried again */
int mio__accept(mio_op *op)
{
    mio_socket *listener = op->socket;
    int fd = accept_once(listener->native);
    if (fd < 0)
        return passed_over(errno) ? EINTR : errno;
    fill_in(op->with.accepted, fd, MIO_STREAM, listener->family);
    return 0;
}

/* <<local addresses>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
int mio_address_local(mio_address *a, const char *path)
{
    struct sockaddr_un local;
    size_t length = strlen(path);
    memset(&local, 0, sizeof local);
    memset(a, 0, sizeof *a);
    if (length == 0 || length >= sizeof local.sun_path
            || sizeof local > sizeof a->storage)
        return MIO_EINVAL;
    local.sun_family = AF_UNIX;
    memcpy(local.sun_path, path, length + 1);
    memcpy(a->storage.bytes, &local, sizeof local);
    a->length = (uint32_t)(offsetof(struct sockaddr_un, sun_path)
                           + length + 1);
    return 0;
}
/* <<local addresses>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

int mio__print_local(const mio_address *a, char *text, size_t room)
{
    size_t skip = offsetof(struct sockaddr_un, sun_path);
    const char *path = (const char *)a->storage.bytes + skip;
    size_t length = 0, most = a->length > skip ? a->length - skip : 0;
    while (length < most && path[length] != '\0')
        length++;
    if (length >= room)
        return MIO_EINVAL;
    memcpy(text, path, length);
    text[length] = '\0';
    return 0;
}
#endif
