/* The calls that can be made to fail, see calls.c */
#ifndef CALLS_H
#define CALLS_H
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum call { SOCKET, FCNTL, FSTAT, SETSOCKOPT, GETSOCKOPT, GETSOCKNAME, GETPEERNAME, BIND, LISTEN, CONNECT, ACCEPT4, RECV,
    RECVMSG, READ, SEND, SENDTO, WRITE, SHUTDOWN, CLOSE, EPOLL_CREATE1, EVENTFD, EPOLL_CTL, EPOLL_WAIT, SYSCALL, KQUEUE,
    KEVENT, KEVENT_CHANGE, PIPE, CALLOC, PTHREAD_CREATE, MUTEX_INIT, COND_INIT, GETADDRINFO, OWN_CALLOC, OWN_MALLOC, CALLS };

/* An error is a number, and how it is told: in an event and not in errno; by getaddrinfo, as its own number (they are
   below 0 in glibc), or as EAI_SYSTEM with an errno */
enum { NUMBER = 0xFFFF, RECEIPT = 1 << 16, OF_NAMES = 1 << 17, OF_SYSTEM = 1 << 18 };
#define EAI(code) (OF_NAMES | -(code))

enum { ERRORS = 20 };
struct row {
    const char *name;
    int errors[ERRORS];         /* ends with 0 */
};
extern const struct row rows[CALLS];

enum holding { MEMORY, THREADS, LOCKS, CONDITIONS, NAMES, HOLDINGS };
struct fault {
    enum call call;
    int nth, times, error;      /* nth 0: none fails; times 0: from then on for ever */
    void (*on_strike)(void);    /* called by who makes the first call that fails */
    atomic_bool struck, spins;
    atomic_int failures;
    atomic_int count[CALLS];
    atomic_int holds[HOLDINGS]; /* what the library got and did not give back */
    atomic_int closed_twice;
};
extern struct fault fault;

void seam_entered(void);         /* this thread calls the library */

/* Whose a descriptor is. The library's must be closed when its queue is; one that was closed is nobody's */
enum owner { NOBODY_S, LIBRARY_S, PROGRAM_S, CLOSED };
enum { DESCRIPTORS = 32768 };
int seam_owner(int fd, enum owner owner);
int seam_left(void);

int fault_socket(int family, int type, int protocol);
int fault_fcntl(int fd, int what, ...);
int fault_fstat(int fd, struct stat *about);
int fault_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int fault_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int fault_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int fault_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int fault_bind(int fd, const struct sockaddr *address, socklen_t size);
int fault_listen(int fd, int backlog);
int fault_connect(int fd, const struct sockaddr *address, socklen_t size);
int fault_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
ssize_t fault_recv(int fd, void *buffer, size_t length, int flags);
ssize_t fault_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t fault_read(int fd, void *buffer, size_t length);
ssize_t fault_send(int fd, const void *buffer, size_t length, int flags);
ssize_t fault_sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t size);
ssize_t fault_write(int fd, const void *buffer, size_t length);
int fault_shutdown(int fd, int how);
int fault_close(int fd);
int fault_epoll_create1(int flags);
int fault_eventfd(unsigned int initial, int flags);
int fault_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int fault_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout);
long fault_syscall(long number, int epoll, void *events, int room, void *time, void *mask, size_t size);
int fault_kqueue(void);
int fault_kevent(int kq, const struct kevent *changes, int count, struct kevent *events, int room,
    const struct timespec *time);
int fault_pipe(int ends[2]);
void *fault_calloc(size_t count, size_t size);
void fault_free(void *memory);
int fault_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument);
int fault_pthread_join(pthread_t thread, void **result);
int fault_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how);
int fault_pthread_mutex_destroy(pthread_mutex_t *mutex);
int fault_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *how);
int fault_pthread_cond_destroy(pthread_cond_t *condition);
int fault_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **found);
void fault_freeaddrinfo(struct addrinfo *found);
void *own_calloc(size_t count, size_t size);
void *own_malloc(size_t size);

#endif
