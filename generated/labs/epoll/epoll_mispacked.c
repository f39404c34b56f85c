/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* <<declare epoll by hand, always packed>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
int epoll_create1(int flags);
int epoll_ctl(int epoll, int operation, int fd, void *event);
int epoll_wait(int epoll, void *events, int room, int timeout_ms);
enum { ADD = 1, READABLE = 1 };

#pragma pack(push, 1)
typedef struct packed_event {
    uint32_t events;
    uint64_t data;
} packed_event;
#pragma pack(pop)
/* <<register a readable pipe under a token>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static int watch_pipe(int epoll, uint64_t token)
{
    _Alignas(8) unsigned char room[16] = { 0 };
    packed_event event = { .events = READABLE, .data = token };
    int ends[2];
    memcpy(room, &event, sizeof event);
    return pipe(ends) == 0 && write(ends[1], "!", 1) == 1
        && epoll_ctl(epoll, ADD, ends[0], room) == 0;
}

int main(void)
{
    _Alignas(8) unsigned char room[64] = { 0 };
    packed_event events[2];
    int epoll = epoll_create1(0);
    if (!watch_pipe(epoll, 1) || !watch_pipe(epoll, 2)
            || epoll_wait(epoll, room, 2, 1000) != 2)
        return 1;
    memcpy(events, room, sizeof events);
    for (int i = 0; i < 2; i++)
        printf("events %u, token %llu\n", (unsigned)events[i].events,
               (unsigned long long)events[i].data);
    return 0;
}
