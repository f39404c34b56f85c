/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#define _GNU_SOURCE                 /* epoll_pwait2 */
#include "common/sys.h"
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>

/* <<wait for 900 microseconds>> (1 of 2), book/05-epoll.md: epoll */
static int round_down(int epoll, int64_t left)
{
    struct epoll_event e;
    return epoll_wait(epoll, &e, 1, (int)(left / SYS_MS));
}

static int round_up(int epoll, int64_t left)
{
    struct epoll_event e;
    return epoll_wait(epoll, &e, 1, (int)((left + SYS_MS - 1) / SYS_MS));
}

static int nanoseconds(int epoll, int64_t left)
{
    struct epoll_event e;
    struct timespec t = { .tv_nsec = (long)left };
    return epoll_pwait2(epoll, &e, 1, &t, NULL);
}
/* <<wait for 900 microseconds>> (2 of 2), book/05-epoll.md: epoll */

static void say_calls(const char *how, int epoll,
                      int (*wait)(int epoll, int64_t left))
{
    int64_t left, end = sys_now() + 9 * SYS_MS / 10;
    int calls = 0, result = 0;
    while (result == 0 && (left = end - sys_now()) > 0) {
        result = wait(epoll, left);
        calls++;
    }
    if (result < 0)
        printf("%s: %s\n", how, sys_error_text(errno));
    else
        printf("%s: %s\n", how, calls == 1 ? "one call"
               : calls > 10 ? "more than ten calls" : "a few calls");
}

int main(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        perror("epoll_create1");
        return 1;
    }
    say_calls("rounded down", epoll, round_down);
    say_calls("rounded up", epoll, round_up);
    say_calls("epoll_pwait2", epoll, nanoseconds);
    return 0;
}
