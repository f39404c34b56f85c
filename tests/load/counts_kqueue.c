/* kevent, counted as counts.c does it: changes, and waits */
#include "counts.h"
#include <sys/event.h>

int count_kevent(int kq, const struct kevent *changes, int n, struct kevent *events, int room,
    const struct timespec *time)
{
    atomic_fetch_add(n > 0 ? &counts->changes : &counts->waits, 1);
    return kevent(kq, changes, n, events, room, time);
}
