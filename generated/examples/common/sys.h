/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#ifndef SYS_H
#define SYS_H

#if defined(_WIN32)
/* <<what windows calls things>> (1 of 1), book/01-waiting.md: Waiting */
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <errno.h>

typedef SOCKET    sys_socket;
typedef int       sys_size;
typedef WSAPOLLFD sys_pollfd;
typedef HANDLE    sys_thread_id;
#define SYS_NO_SOCKET INVALID_SOCKET
#define SHUT_WR       SD_SEND
#else
/* <<what posix calls things>> (1 of 1), book/01-waiting.md: Waiting */
#define _DEFAULT_SOURCE             /* glibc: not ISO C alone */
#define _NETBSD_SOURCE              /* NetBSD: the same */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

typedef int           sys_socket;
typedef size_t        sys_size;
typedef struct pollfd sys_pollfd;
typedef pthread_t     sys_thread_id;
#define SYS_NO_SOCKET (-1)
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYS_MS INT64_C(1000000)     /* nanoseconds in a millisecond */

/* <<what sys offers>> (1 of 2), book/01-waiting.md: Waiting */
int  sys_start(void);               /* once, before the first socket */
int  sys_nonblocking(sys_socket);
int  sys_rebind(sys_socket);        /* to a port used a moment ago */
int  sys_close(sys_socket);
int  sys_poll(sys_pollfd *, size_t count, int timeout_ms);
int  sys_error(void);               /* why the last call failed */
bool sys_would_block(void);         /* it failed only for now */
const char *sys_error_text(int error);          /* one thread only */
int64_t sys_now(void);              /* nanoseconds; never goes back */
int  sys_memory(int64_t *in_use, int64_t *address_space);
int  sys_plain_output(void);        /* what is printed stays as it is */
/* <<what sys offers>> (2 of 2), book/01-waiting.md: Waiting */

typedef struct sys_thread {         /* stays in place until joined */
    void        (*work)(void *);
    void         *argument;
    sys_thread_id id;
} sys_thread;

int  sys_thread_start(sys_thread *, void (*work)(void *), void *argument);
void sys_thread_join(sys_thread *);

#endif
