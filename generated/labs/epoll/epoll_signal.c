/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/time.h>

/* <<a signal every 50 milliseconds>> (1 of 1), book/05-epoll.md: epoll */
static void on_alarm(int number)
{
    (void)number;
}

static bool start_signals(void)
{
    struct sigaction act = { .sa_flags = SA_RESTART };
    struct itimerval every = { { 0, 50000 }, { 0, 50000 } };
    act.sa_handler = on_alarm;
    return sigaction(SIGALRM, &act, NULL) == 0
        && setitimer(ITIMER_REAL, &every, NULL) == 0;
}
/* <<wait and count the interruptions>> (1 of 1), book/05-epoll.md: epoll */
static void say_wait(const char *how, int epoll, bool keep_deadline)
{
    struct epoll_event e;
    int64_t end = sys_now() + 200 * SYS_MS;
    int interrupted = 0, ms = 200;
    while (interrupted < 40 && epoll_wait(epoll, &e, 1, ms) < 0
            && errno == EINTR) {
        int64_t left = end - sys_now();
        interrupted++;
        if (keep_deadline)
            ms = left <= 0 ? 0 : (int)((left + SYS_MS - 1) / SYS_MS);
    }
    printf("%s: %s\n", how, interrupted == 40
           ? "still waiting after 40 signals"
           : interrupted > 0 ? "interrupted, and ended" : "ended");
}

int main(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || !start_signals()) {
        perror("epoll_signal");
        return 1;
    }
    say_wait("200 ms each time", epoll, false);
    say_wait("what is left of 200 ms", epoll, true);
    return 0;
}
