/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#include "common/sys.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* <<sockets on posix>> (1 of 2), book/01-waiting.md: Waiting */
int sys_start(void)
{
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int sys_nonblocking(sys_socket s)
{
    int flags = fcntl(s, F_GETFL);
    return flags == -1 ? -1 : fcntl(s, F_SETFL, flags | O_NONBLOCK);
}

int sys_close(sys_socket s)
{
    return close(s);
}
/* <<sockets on posix>> (2 of 2), book/01-waiting.md: Waiting */

int sys_rebind(sys_socket s)
{
    int on = 1;
    return setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

int sys_poll(sys_pollfd *polled, size_t count, int timeout_ms)
{
    int n = poll(polled, (nfds_t)count, timeout_ms);
    if (n < 0 && errno == EINTR) {  /* nothing is known of any socket */
        for (size_t i = 0; i < count; i++)
            polled[i].revents = 0;
        n = 0;
    }
    return n;
}
/* <<errors on posix>> (1 of 1), book/01-waiting.md: Waiting */

int sys_error(void)
{
    return errno;
}

bool sys_would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK
        || errno == EINPROGRESS;
}

const char *sys_error_text(int error)
{
    return strerror(error);
}
/* <<clock and threads on posix>> (1 of 2), book/01-waiting.md: Waiting */

int64_t sys_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 * SYS_MS + t.tv_nsec;
}

static void *run(void *thread)
{
    sys_thread *t = thread;
    t->work(t->argument);
    return NULL;
}
/* <<clock and threads on posix>> (2 of 2), book/01-waiting.md: Waiting */

int sys_thread_start(sys_thread *t, void (*work)(void *), void *argument)
{
    t->work = work;
    t->argument = argument;
    return pthread_create(&t->id, NULL, run, t);
}

void sys_thread_join(sys_thread *t)
{
    pthread_join(t->id, NULL);
}
/* <<memory on posix>> (1 of 2), book/01-waiting.md: Waiting */

static int two_numbers(FILE *from, int64_t unit, int64_t *a, int64_t *b)
{
    long first, second;
    if (from == NULL || fscanf(from, "%ld %ld", &first, &second) != 2)
        return -1;
    *a = first * unit;
    *b = second * unit;
    return 0;
}
/* <<memory on posix>> (2 of 2), book/01-waiting.md: Waiting */

int sys_memory(int64_t *in_use, int64_t *address_space)
{
    char command[64];
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        int result = two_numbers(file, sysconf(_SC_PAGESIZE),
                                 address_space, in_use);
        fclose(file);
        return result;
    }
    /* <<ask ps>> (1 of 1), book/01-waiting.md: Waiting */
    snprintf(command, sizeof command, "ps -o vsz= -o rss= -p %ld",
             (long)getpid());
    file = popen(command, "r");
    int result = two_numbers(file, 1024, address_space, in_use);
    if (file != NULL)
        pclose(file);
    return result;
}
/* <<output on posix>> (1 of 1), book/01-waiting.md: Waiting */

int sys_plain_output(void)
{
    return 0;                       /* it always does */
}
#endif
