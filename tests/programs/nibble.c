/* nibble - a kernel at its most stingy, for LD_PRELOAD on Linux
 *
 * send and recv take one byte at a time, and each second call on a
 * non-blocking stream says "not now". Of five polls one is cut short by
 * a signal, and one calls every socket ready.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

static int not_now(int s)
{
    static _Thread_local unsigned calls;
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &size);
    if (type != SOCK_STREAM || (fcntl(s, F_GETFL) & O_NONBLOCK) == 0 || calls++ % 2 == 0)
        return 0;
    errno = EAGAIN;
    return 1;
}

ssize_t send(int s, const void *bytes, size_t length, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    return not_now(s) ? -1 : real(s, bytes, length > 0, flags);
}

ssize_t recv(int s, void *bytes, size_t length, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "recv");
    return not_now(s) ? -1 : real(s, bytes, length > 0, flags);
}

int poll(struct pollfd *polled, nfds_t n, int timeout)
{
    static int (*real)(struct pollfd *, nfds_t, int);
    static unsigned calls;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "poll");
    unsigned call = calls++ % 5;
    if (call < 3)
        return real(polled, n, timeout);
    for (nfds_t i = 0; i < n; i++)
        polled[i].revents = call == 3 ? polled[i].events : POLLERR;
    errno = EINTR;
    return call == 3 ? (int)n : -1;
}
