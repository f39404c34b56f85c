/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/* <<declare epoll's event by hand>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#if defined(__x86_64__)
#pragma pack(push, 1)
#endif

typedef struct hand_event {
    uint32_t events;
    uint64_t data;
} hand_event;

#if defined(__x86_64__)
#pragma pack(pop)
#endif
/* <<prove that two declarations agree>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#define SAME_SIZE(mine, theirs) \
    _Static_assert(sizeof(mine) == sizeof(theirs), #theirs)

#define SAME_FIELD(mine, my_field, theirs, field) \
    _Static_assert(offsetof(mine, my_field) == offsetof(theirs, field) \
        && sizeof(((mine *)0)->my_field) \
            == sizeof(((theirs *)0)->field), #theirs ", " #field)
/* <<the number of epoll_wait, if it has one>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#if defined(__x86_64__)
_Static_assert(SYS_epoll_wait == 232, "as in the text");
static const char wait_number[] = "call 232";
#elif defined(SYS_epoll_wait)
static const char wait_number[] = "another number";
#else
static const char wait_number[] = "no such call";
#endif

SAME_SIZE(hand_event, struct epoll_event);
SAME_FIELD(hand_event, events, struct epoll_event, events);
SAME_FIELD(hand_event, data, struct epoll_event, data);

int main(void)
{
    printf("events at %zu, data at %zu, %zu bytes\n",
           offsetof(hand_event, events), offsetof(hand_event, data),
           sizeof(hand_event));
    printf("epoll_wait: %s\n", wait_number);
    return 0;
}
