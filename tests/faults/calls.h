/* The calls that can be made to fail, see calls.c */
#ifndef CALLS_H
#define CALLS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum call { SOCKET, FCNTL, FSTAT, SETSOCKOPT, GETSOCKOPT, GETSOCKNAME, GETPEERNAME, BIND, LISTEN, CONNECT, ACCEPT4, RECV,
    RECVMSG, READ, SEND, SENDTO, WRITE, SHUTDOWN, CLOSE, EPOLL_CREATE1, EVENTFD, EPOLL_CTL, EPOLL_WAIT, SYSCALL, KQUEUE,
    KEVENT, KEVENT_CHANGE, PIPE, CALLOC, CALLS };

enum { RECEIPT = 1 << 16 };     /* the error comes in the event, not in errno */

struct row {
    const char *name;
    int errors[16];             /* ends with 0 */
};
extern const struct row rows[CALLS];

struct fault {
    enum call call;
    int nth, error;             /* nth 0: none fails */
    bool struck;
    int count[CALLS];
    int memory;                 /* blocks that are not freed */
    int closed_twice;
};
extern struct fault fault;

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

#endif
