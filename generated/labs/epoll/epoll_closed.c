/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* <<the result or the end>> (1 of 1), book/05-epoll.md: epoll */
static int must(const char *call, long result)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return (int)result;
}
/* <<wait in a thread of its own>> (1 of 1), book/05-epoll.md: epoll */
typedef struct waiter {
    int epoll;
    int woken;
} waiter;

static void wait_once(void *argument)
{
    waiter *w = argument;
    struct epoll_event e;
    w->woken = must("epoll_wait", epoll_wait(w->epoll, &e, 1, 600));
}

int main(void)
{
    sys_thread thread;
    waiter w = { .epoll = epoll_create1(EPOLL_CLOEXEC), .woken = -1 };
    must("epoll_create1", w.epoll);
    if (sys_thread_start(&thread, wait_once, &w) != 0)
        return 1;
    poll(NULL, 0, 100);
    must("close", close(w.epoll));
    int64_t closed = sys_now();
    sys_thread_join(&thread);
    printf("the waiter returned %d, %s\n", w.woken,
           sys_now() - closed > 300 * SYS_MS ? "at its time-out"
                                             : "at the close");
    return 0;
}
