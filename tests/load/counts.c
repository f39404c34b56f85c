/*
 * Counts the kernel's calls that the library makes, in any program. tests/load.sh gives the library's objects other
 * names for the calls (objcopy --redefine-syms): the library is built as it is, and its calls come here. Every count_
 * here and in counts_kqueue.c is in the list of names that the script reads. The numbers are in the file that LOAD_COUNTS names.
 */
#define _GNU_SOURCE
#include "counts.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct counts own;
struct counts *counts = &own;

static void more(atomic_long *n, long by)
{
    atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

__attribute__((constructor)) static void map_counts(void)
{
    const char *name = getenv("LOAD_COUNTS");
    int fd = name != NULL ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED) counts = at;
}

int count_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
    more(&counts->waits, 1);
    return epoll_wait(epoll, events, room, timeout);
}

/* epoll_pwait2 */
long count_syscall(long number, int epoll, void *events, int room, void *time, void *mask, size_t size)
{
    more(&counts->waits, 1);
    return syscall(number, epoll, events, room, time, mask, size);
}

int count_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    long room = counts->room;
    more(&counts->changes, 1);
    if (what == EPOLL_CTL_ADD && room != 0 && counts->watched >= room) {
        more(&counts->refused, 1);
        errno = ENOSPC;
        return -1;
    }
    int result = epoll_ctl(epoll, what, fd, event);
    if (result == 0 && what != EPOLL_CTL_MOD) more(&counts->watched, what == EPOLL_CTL_ADD ? 1 : -1);
    return result;
}

int count_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    int error = (int)counts->accept_error;
    more(&counts->accepts, 1);
    int result = error != 0 ? -1 : accept4(fd, address, size, flags);
    if (error != 0) errno = error;
    if (result >= 0) more(&counts->accepted, 1);
    return result;
}

static ssize_t came_to(ssize_t n, atomic_long *bytes)
{
    if (n < 0 && errno == EAGAIN) more(&counts->again, 1);
    else more(&counts->moved, 1);
    if (n > 0) more(bytes, n);
    return n;
}

ssize_t count_recv(int fd, void *buffer, size_t length, int flags)
{
    more(&counts->receives, 1);
    return came_to(recv(fd, buffer, length, flags), &counts->received);
}

ssize_t count_send(int fd, const void *buffer, size_t length, int flags)
{
    more(&counts->sends, 1);
    return came_to(send(fd, buffer, length, flags), &counts->sent);
}

int count_close(int fd)
{
    more(&counts->closes, 1);
    return close(fd);
}

void *count_calloc(size_t count, size_t size)
{
    more(&counts->allocations, 1);
    return calloc(count, size);
}
