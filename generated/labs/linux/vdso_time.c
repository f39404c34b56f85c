/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#define _GNU_SOURCE                 /* syscall */
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct timespec t;
    int failed = 0;
    for (int i = 0; i < 3; i++)
        failed |= clock_gettime(CLOCK_MONOTONIC, &t);
    failed |= (int)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    puts(failed ? "failed" : "asked four times");
    return 0;
}
