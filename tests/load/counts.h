/* What a program on the library counts, and may be told, while it runs: in a file that the driver maps, too */
#ifndef COUNTS_H
#define COUNTS_H
#include <stdatomic.h>

struct counts {
    /* calls that the library makes, by counts.c; moved: with bytes, or the end, or an error; again: with EAGAIN */
    atomic_long waits, changes, accepts, accepted, receives, sends, moved, again, closes, allocations, received, sent;
    /* what it shall hear: of accept an errno, of epoll_ctl ENOSPC from so many watched descriptors on; 0: nothing */
    atomic_long accept_error, room, watched, refused;
    /* by server.c: operations; connections, of which so many most at a time; why they were left */
    atomic_long submitted, returned, clients, most, idle, slow, shed, lost, rests;
    atomic_long timers, early, posted, posts, signals, woken, shutdown_at;
};
extern struct counts *counts;

#endif
