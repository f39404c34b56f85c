/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <<a call into the kernel>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#if defined(__x86_64__)
/* <<a system call on x86-64>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
enum { CALL_WRITE = 1, CALL_GETPID = 39 };

static long kernel_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile ("syscall"
                      : "=a" (result)
                      : "a" (number), "D" (a), "S" (b), "d" (c)
                      : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
/* <<a system call on arm64>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
enum { CALL_WRITE = 64, CALL_GETPID = 172 };

static long kernel_call(long number, long a, long b, long c)
{
    register long x8 __asm__ ("x8") = number;
    register long x0 __asm__ ("x0") = a;
    register long x1 __asm__ ("x1") = b;
    register long x2 __asm__ ("x2") = c;
    __asm__ volatile ("svc #0"
                      : "+r" (x0)
                      : "r" (x8), "r" (x1), "r" (x2)
                      : "memory");
    return x0;
}
#elif defined(__i386__)
/* <<a system call on i386>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
enum { CALL_WRITE = 4, CALL_GETPID = 20 };

static long kernel_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile ("int $0x80"
                      : "=a" (result)
                      : "a" (number), "b" (a), "c" (b), "d" (c)
                      : "memory");
    return result;
}
#elif defined(__s390x__)
/* <<a system call on s390x>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
enum { CALL_WRITE = 4, CALL_GETPID = 20 };

static long kernel_call(long number, long a, long b, long c)
{
    register long r1 __asm__ ("r1") = number;
    register long r2 __asm__ ("r2") = a;
    register long r3 __asm__ ("r3") = b;
    register long r4 __asm__ ("r4") = c;
    __asm__ volatile ("svc 0"
                      : "+d" (r2)
                      : "d" (r1), "d" (r3), "d" (r4)
                      : "memory");
    return r2;
}
#else
#error "nobody has written kernel_call for this architecture"
#endif

_Static_assert(CALL_WRITE == SYS_write, "the number of write");
_Static_assert(CALL_GETPID == SYS_getpid, "the number of getpid");
/* <<write without a library>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static long raw_write(int fd, const char *bytes, size_t length)
{
    return kernel_call(CALL_WRITE, fd, (long)(intptr_t)bytes,
                       (long)length);
}
/* <<write with the library>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static long libc_write(int fd, const char *bytes, size_t length)
{
    ssize_t n = write(fd, bytes, length);
    return n < 0 ? -errno : n;
}
/* <<write all of it, on either level>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef long write_once(int fd, const char *bytes, size_t length);

static long write_all(write_once *once, int fd, const char *bytes,
                      size_t length)
{
    for (size_t done = 0; done < length; ) {
        long n = once(fd, bytes + done, length - done);
        if (n < 0 && n != -EINTR)
            return n;
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}
/* <<say a line on one level>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static int say(write_once *once, const char *line)
{
    long error = write_all(once, STDOUT_FILENO, line, strlen(line));
    if (error < 0)
        fprintf(stderr, "write_linux: %s\n", strerror((int)-error));
    return error < 0;
}

int main(void)
{
    int failed = say(raw_write, "directly\n")
              || say(libc_write, "through the C library\n");
    return failed;
}
