/* Tangled from book/04-an-api-from-its-test.md: An API from its test. Edit the chapter, not this file. */

/* <<what minimio is>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */
/*
 * minimio.h: one completion queue over epoll, kqueue and IOCP
 *
 * You own sockets and operations; both live in your own structures. You
 * submit an operation, the queue carries it out, and it comes back from
 * mio_queue_wait exactly once, with a result. Until then the operation,
 * its buffer, its address and its socket's memory belong to the queue.
 *
 * Each comment below says, where there is something to say:
 *   result  what a success means, if not 0
 *   errors  what is returned; for an operation, what it completes with
 *   thread  owner (of the queue: who opened it), or any
 *   cost    system calls and memory
 *   from    the manuals of the systems that this rests on
 */
/* <<what minimio is>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */
/*
 * Functions return 0 or a negative code. What is refused at once is
 * misuse: the operation was not taken, and nothing else is disturbed. What
 * a system says of an operation is the operation's result. Times are in
 * nanoseconds on the clock of mio_now. SIGPIPE never reaches the program.
 * After fork only the parent may use the queue. A library built with
 * MIO_CHECKED refuses the wrong thread with MIO_ETHREAD. Reserved fields
 * are 0.
 */
#ifndef MINIMIO_H
#define MINIMIO_H
#include <stddef.h>
#include <stdint.h>

#define MIO_VERSION 1               /* grows when a structure changes */
#ifdef __cplusplus
extern "C" {
#endif

/* <<results>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */
enum {                              /* from the queue */
    MIO_WOKEN         = -1,         /* mio_queue_wake was called */
    MIO_EINVAL        = -2,         /* an argument makes no sense */
    MIO_EBUSY         = -3,         /* inside already; direction taken */
    MIO_ESHUTDOWN     = -4,         /* the queue takes no more */
    MIO_ETHREAD       = -5,         /* not the owner (checked builds) */
    MIO_ECANCELED     = -6,         /* by cancel, close or shutdown */
    MIO_ETIMEDOUT     = -7,         /* its deadline, or the network's */
    MIO_EBADF         = -8,         /* not an open descriptor */
    MIO_ENOTSUP       = -9,         /* this descriptor cannot do that */
    MIO_ENOMEM        = -10,        /* memory or a table is full */
    MIO_EMFILE        = -11,        /* no descriptor is left */
/* <<results of the network>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    MIO_ECONNREFUSED  = -12,        /* nobody listens there */
    MIO_ECONNRESET    = -13,        /* the stream was cut */
    MIO_EPIPE         = -14,        /* nobody will read what is sent */
    MIO_EUNREACHABLE  = -15,        /* host or network */
    MIO_EADDRINUSE    = -16,
    MIO_EADDRNOTAVAIL = -17,
    MIO_EACCES        = -18,
    MIO_EMSGSIZE      = -19,        /* datagram and buffer do not fit */
    MIO_ENOTCONN      = -20,
    MIO_EISCONN       = -21,
    MIO_EAGAIN        = -22,        /* full, or silent: later perhaps */
    MIO_ENOTFOUND     = -23,        /* no host has that name */
    MIO_ESYSTEM       = -24         /* anything else: see native */
};
/* <<results>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

/*
 * The words for a code.
 *   result  static text; for no code at all, "unknown code"
 *   errors  none        thread  any
 */
const char *mio_strerror(int code);
/* <<sockets, addresses and operations are yours>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */
/* Structures. Nothing in them needs to be freed. They may not be moved or
   copied while an operation on them is inside a queue. */
typedef struct mio_queue   mio_queue;
typedef struct mio_socket  mio_socket;
typedef struct mio_op      mio_op;
typedef struct mio_address mio_address;

#if defined(_WIN32)
typedef uintptr_t mio_native;       /* a SOCKET */
#else
typedef int       mio_native;       /* a descriptor */
#endif
/* <<sockets, addresses and operations are yours>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

/* A socket. Yours to place, and to free when its close has come back. It
   serves the first queue that uses it. The fields are the queue's; read
   `native`, for setsockopt. */
struct mio_socket {
    mio_native  native;             /* the system's handle */
    uint32_t    flags;
    uint8_t     interest;           /* what the kernel watches for us */
    uint8_t     type, family, reserved_byte;
    mio_queue  *queue;              /* the first that used it */
    mio_op     *head[2], *tail[2];  /* pending: reading, writing */
    mio_socket *next, *previous;    /* with others of the queue */
    int         error;              /* the connection's, until told */
    int         available;          /* bytes that kqueue announced */
    mio_socket *again;              /* to be tried without an event */
    void       *reserved[1];
#if defined(_WIN32)
    uint64_t    kernel[6];          /* the kernel writes here */
#endif
};
/* <<sockets, addresses and operations are yours>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

/* An operation. Zero it before its first use. */
struct mio_op {
    void       *user;               /* yours; never read by the queue */
    int64_t     result;             /* bytes, 0, or a negative code */
    int64_t     deadline;           /* see mio_now; 0: none */
    size_t      done;               /* bytes so far, also if it failed */
    int         native;             /* the system's error, 0: none */
    /* The rest is the queue's. */
    uint8_t     kind, state, way, flags;
    mio_socket *socket;
    void       *buffer;
    size_t      length;
    union { mio_socket *accepted; const mio_address *to;
            mio_address *from; void (*run)(mio_op *); } with;
    mio_op     *next, *previous;    /* in one list of the queue */
    mio_op     *child, *sibling, *parent;           /* of deadlines */
    uint64_t    sequence;
    void       *reserved[5];        /* Windows: the kernel writes here;
                                       in a pool: its place there */
};
/* <<sockets, addresses and operations are yours>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

/* A socket address of any family, as the system writes it. */
struct mio_address {
    uint32_t length;                /* bytes in use */
    uint32_t reserved;
    union { unsigned char bytes[128]; uint64_t align; } storage;
};
/* <<a queue>> (1 of 5), book/04-an-api-from-its-test.md: An API from its test */

typedef struct mio_options {
    uint32_t events;                /* kernel events at once; 0: 256 */
    uint32_t reserved[7];
} mio_options;

/*
 * Opens a queue; options may be NULL. The calling thread is its owner.
 *   errors  MIO_ENOMEM, MIO_EMFILE, MIO_ESYSTEM; *opened is then NULL
 *   thread  any
 *   cost    the only allocation; at most three descriptors
 *   from    epoll_create1(2), kqueue(2), CreateIoCompletionPort
 */
int mio_queue_open(mio_queue **opened, const mio_options *options);
/* <<a queue>> (2 of 5), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Waits for finished operations, at most `capacity`, and gives them back,
 * as each finished. Process the array before you free what is in it.
 * timeout: 0 only looks; below 0 is for ever; a signal does not end it.
 *   result  how many; 0 only when the time is up
 *   errors  MIO_WOKEN by mio_queue_wake: nothing is given back with it;
 *           MIO_ESHUTDOWN shut down and empty; MIO_EINVAL capacity below
 *           1; MIO_ETHREAD; MIO_ENOMEM, MIO_ESYSTEM: nothing is lost
 *   thread  owner
 *   cost    none to one system call; those finished are given first, but
 *           after 256 of them the kernel is asked
 *   from    epoll_wait(2), kevent(2), GetQueuedCompletionStatusEx
 */
int mio_queue_wait(mio_queue *, mio_op **done, int capacity,
                   int64_t timeout);
/* <<a queue>> (3 of 5), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Hands over a prepared operation.
 *   errors  MIO_EBUSY it is inside, or a ready and something else would
 *           share a direction; MIO_ESHUTDOWN shut down, and no close;
 *           MIO_EINVAL no socket, another queue's socket, a receive into
 *           no room, no such half or direction; MIO_ETHREAD
 *   thread  owner
 *   cost    tried at once: one system call if it can be done
 */
int mio_queue_submit(mio_queue *, mio_op *);
/* <<a queue>> (4 of 5), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Asks for an early end. It still comes back, once: with MIO_ECANCELED, or
 * with its result if that was there before. `done` says how far it got.
 * After a cancelled connect, send or receive only a close of the socket is
 * guaranteed to work.
 *   errors  MIO_EINVAL it is not inside; MIO_ETHREAD
 *   thread  owner
 *   cost    none where the kernel knows nothing of it; one call on Windows
 *   from    CancelIoEx; Overlapped I/O and Event Objects (Microsoft)
 */
int mio_queue_cancel(mio_queue *, mio_op *);
/* <<a queue>> (5 of 5), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Refuses submissions and posts from now on, except closes, and cancels
 * what is inside. Go on waiting until mio_queue_wait says MIO_ESHUTDOWN.
 *   errors  MIO_ETHREAD
 *   thread  owner
 */
int mio_queue_shutdown(mio_queue *);

/*
 * Frees a queue that is shut down and empty; nobody may post or wake any
 * more. Its sockets stay open, and may be used with another queue; on
 * Windows they can only be closed.
 *   errors  MIO_EBUSY something is inside, somebody is posting, or it was
 *           not shut down; MIO_ETHREAD
 *   thread  owner
 */
int mio_queue_close(mio_queue *);
/* <<time and threads>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

/*
 * The monotonic clock. Nothing is early; a deadline far away is none.
 *   result  nanoseconds     errors  none        thread  any
 *   from    clock_gettime(2), QueryPerformanceCounter
 */
int64_t mio_now(void);

/*
 * Like submit, from any thread: the owner starts it in its next wait, in
 * the order of each thread's posts. What makes no sense comes back with
 * its error; what a shutdown meets comes back with MIO_ECANCELED.
 *   errors  MIO_EBUSY it is inside; MIO_ESHUTDOWN
 *   thread  any
 *   cost    one system call if the owner sleeps, else none
 */
int mio_queue_post(mio_queue *, mio_op *);
/* <<time and threads>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Makes one mio_queue_wait, this or the next, return MIO_WOKEN. Calls
 * before it returns count as one. Safe in a signal handler.
 *   errors  none
 *   thread  any
 *   cost    one system call if the owner sleeps, else none
 *   from    eventfd(2), EVFILT_USER, PostQueuedCompletionStatus
 */
int mio_queue_wake(mio_queue *);
/* <<what can be asked of a queue>> (1 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Operations. mio_op_X prepares: it sets every field but `user`, and the
 * deadline to 0; set a deadline afterwards, then submit or post. Never
 * prepare one that is inside. mio_X prepares and submits.
 *   errors  mio_X returns what mio_queue_submit does. Every operation may
 *           complete with MIO_ECANCELED, MIO_ETIMEDOUT (its deadline),
 *           MIO_EBADF, MIO_ENOTSUP, MIO_ENOMEM, MIO_ESYSTEM; with epoll
 *           also MIO_EBUSY (its descriptor is in the queue already, as
 *           that of another socket)
 *   thread  mio_op_X any, mio_X owner
 *   cost    preparing costs no system call
 */
/* <<what can be asked of a queue>> (2 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Connects a socket; `to` is the queue's until then.
 *   errors  MIO_ECONNREFUSED, MIO_EUNREACHABLE, MIO_ETIMEDOUT (also the
 *           network's), MIO_ECONNRESET, MIO_EADDRNOTAVAIL, MIO_EACCES,
 *           MIO_EADDRINUSE, MIO_EISCONN, MIO_EAGAIN, MIO_EINVAL (family)
 *   thread  any; twin: owner
 *   from    connect(2), ConnectEx
 */
void mio_op_connect(mio_op *, mio_socket *, const mio_address *to);
int  mio_connect(mio_queue *, mio_op *, mio_socket *,
                 const mio_address *to);
/* <<what can be asked of a queue>> (3 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Waits for a connection and makes it `accepted`, which is the queue's
 * until then, and afterwards open, non-blocking, not inherited, and free
 * to be used with any queue. Peers that gave up are passed over.
 *   errors  MIO_EMFILE (accept works again afterwards), MIO_EINVAL (not
 *           listening), MIO_EACCES
 *   thread  any; twin: owner
 *   from    accept(2), AcceptEx
 */
void mio_op_accept(mio_op *, mio_socket *listener, mio_socket *accepted);
int  mio_accept(mio_queue *, mio_op *, mio_socket *listener,
                mio_socket *accepted);
/* <<what can be asked of a queue>> (4 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Receives what is there, at least one byte, at most `length` (and on
 * Windows 1 MiB); waits for it. Urgent data is passed over.
 *   result  bytes; 0 is the end of the stream, after all that came before
 *   errors  MIO_ECONNRESET (never a clean end; told once in each
 *           direction), MIO_ETIMEDOUT, MIO_ENOTCONN, MIO_EMSGSIZE (a
 *           datagram too long; its start is in the buffer),
 *           MIO_ECONNREFUSED (of a connected datagram socket),
 *           MIO_EUNREACHABLE
 *   thread  any; twin: owner
 *   from    recv(2), read(2), WSARecv
 */
void mio_op_receive(mio_op *, mio_socket *, void *buffer, size_t length);
int  mio_receive(mio_queue *, mio_op *, mio_socket *, void *buffer,
                 size_t length);
/* <<what can be asked of a queue>> (5 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Sends what the kernel takes (on Windows at most 1 MiB), or all of it;
 * waits for room.
 *   result  bytes; of send_all, `length`
 *   errors  MIO_EPIPE, MIO_ECONNRESET, MIO_ETIMEDOUT, MIO_ENOTCONN,
 *           MIO_EMSGSIZE, MIO_EUNREACHABLE, MIO_ECONNREFUSED,
 *           MIO_EACCES; `done` says how far a send_all got
 *   thread  any; twins: owner
 *   from    send(2), write(2), WSASend
 */
void mio_op_send(mio_op *, mio_socket *, const void *buffer,
                 size_t length);
void mio_op_send_all(mio_op *, mio_socket *, const void *buffer,
                     size_t length);
int  mio_send(mio_queue *, mio_op *, mio_socket *, const void *buffer,
              size_t length);
int  mio_send_all(mio_queue *, mio_op *, mio_socket *,
                  const void *buffer, size_t length);
/* <<what can be asked of a queue>> (6 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * A datagram and where it came from; `from` is the queue's until then,
 * and may be NULL. What the network says of earlier datagrams is told to
 * connected sockets only.
 *   result  bytes; 0 is an empty datagram
 *   errors  MIO_EMSGSIZE longer than the buffer, which holds its start;
 *           of connected sockets MIO_ECONNREFUSED, MIO_EUNREACHABLE
 *   thread  any; twin: owner
 *   from    recvmsg(2), WSARecvFrom
 */
void mio_op_receive_from(mio_op *, mio_socket *, void *buffer,
                         size_t length, mio_address *from);
int  mio_receive_from(mio_queue *, mio_op *, mio_socket *, void *buffer,
                      size_t length, mio_address *from);
/* <<what can be asked of a queue>> (7 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * A datagram and where it goes; `to` is the queue's until then.
 *   result  bytes, all of them
 *   errors  MIO_EMSGSIZE longer than can be sent, MIO_EUNREACHABLE,
 *           MIO_EACCES, MIO_EADDRNOTAVAIL, MIO_EINVAL (family); of local
 *           and connected sockets also MIO_ECONNREFUSED, of local ones
 *           MIO_EAGAIN (no room there)
 *   thread  any; twin: owner
 *   from    sendto(2), WSASendTo
 */
void mio_op_send_to(mio_op *, mio_socket *, const void *buffer,
                    size_t length, const mio_address *to);
int  mio_send_to(mio_queue *, mio_op *, mio_socket *, const void *buffer,
                 size_t length, const mio_address *to);
/* <<what can be asked of a queue>> (8 of 14), book/04-an-api-from-its-test.md: An API from its test */

enum { MIO_SHUT_RECEIVE = 1, MIO_SHUT_SEND = 2 };       /* 3: both */
/*
 * Ends a half of a connection: the peer sees the end after what was sent;
 * a pending receive here ends with 0.
 *   errors  MIO_ENOTCONN; MIO_EINVAL at once (no such half)
 *   thread  any; twin: owner
 *   from    shutdown(2)
 */
void mio_op_shut(mio_op *, mio_socket *, int half);
int  mio_shut(mio_queue *, mio_op *, mio_socket *, int half);
/* <<what can be asked of a queue>> (9 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Closes a socket. What is pending on it comes back first, cancelled. The
 * close cannot be cancelled, has no deadline, and is taken by a queue that
 * is shut down. When it is back, the socket's memory is yours.
 *   errors  MIO_EBADF, MIO_ESYSTEM; the descriptor is gone all the same
 *   thread  any; twin: owner
 *   cost    one system call, and one if the kernel watches the socket
 *   from    close(2), closesocket, CancelIoEx
 */
void mio_op_close(mio_op *, mio_socket *);
int  mio_socket_close(mio_queue *, mio_op *, mio_socket *);
/* <<what can be asked of a queue>> (10 of 14), book/04-an-api-from-its-test.md: An API from its test */

enum { MIO_READABLE = 1, MIO_WRITABLE = 2 };
/*
 * Waits until one direction may be tried, for code that makes the call
 * itself. Told again each time, also of what was left unread.
 *   result  the direction
 *   errors  at once, MIO_EBUSY beside any other operation in its direction
 *           and MIO_EINVAL; the end and an error are readiness, no errors
 *   thread  any; twin: owner
 *   cost    one system call more than a receive
 *   from    epoll_ctl(2), kqueue(2), IOCTL_AFD_POLL (undocumented)
 */
void mio_op_ready(mio_op *, mio_socket *, int direction);
int  mio_ready(mio_queue *, mio_op *, mio_socket *, int direction);
/* <<what can be asked of a queue>> (11 of 14), book/04-an-api-from-its-test.md: An API from its test */

/*
 * A timer completes when its deadline has come, which is what it is for;
 * equal ones in the order of submission. A nop completes at once.
 *   errors  of the common ones, MIO_ECANCELED only
 *   thread  any; twins: owner
 *   cost    no system call of its own
 */
void mio_op_timer(mio_op *, int64_t deadline);
void mio_op_nop(mio_op *);
int  mio_timer(mio_queue *, mio_op *, int64_t deadline);
int  mio_nop(mio_queue *, mio_op *);
/* <<what can be asked of a queue>> (12 of 14), book/13-what-still-blocks.md: What still blocks */

typedef struct mio_pool mio_pool;
/*
 * A pool: threads for what blocks, for any number of queues. At most
 * `room` operations are inside at once; they begin in the order in which
 * their queues took them. Signals are blocked in its threads. To close it,
 * nobody may submit to it any more.
 *   errors  open: MIO_EINVAL threads not 1 to 256, room below 1;
 *           MIO_ENOMEM, also for want of a thread; *opened is then NULL.
 *           close: MIO_EBUSY an operation is inside
 *   thread  any
 *   cost    open: one allocation and the threads; close joins them
 *   from    pthread_create(3), CreateThread
 */
int mio_pool_open(mio_pool **opened, int threads, int room);
int mio_pool_close(mio_pool *);
/* <<what can be asked of a queue>> (13 of 14), book/13-what-still-blocks.md: What still blocks */

/*
 * Calls a function in a thread of a pool. It may do what any thread may;
 * of the operation it may read `user` and set `result`, `native` and
 * `done`, which are 0. Cancelled or too late before it is called, the
 * operation comes back at once. After that nothing stops it: the operation
 * stays inside until the function returns, and comes back with the code in
 * the place of the result; `done` and what is in your memory stay as they
 * were left.
 *   result  what the function set
 *   errors  MIO_EAGAIN the pool has no room; at once, MIO_EINVAL no pool
 *           or function
 *   thread  any; twin: owner; the function: one of the pool's
 *   cost    to a thread that sleeps, one system call; back, as a post
 */
void mio_op_work(mio_op *, mio_pool *, void (*run)(mio_op *));
int  mio_work(mio_queue *, mio_op *, mio_pool *, void (*run)(mio_op *));
/* <<what can be asked of a queue>> (14 of 14), book/13-what-still-blocks.md: What still blocks */

/*
 * Looks up a host, in a thread of a pool: its addresses for streams, in
 * the system's order. A numeric one needs no network. `host` and `found`
 * are the queue's until then.
 *   result  how many are in `found`, at least 1; the rest is left out
 *   errors  MIO_ENOTFOUND no such name, or no address of it; MIO_EAGAIN no
 *           answer at present, or no room in the pool; MIO_EMFILE; at
 *           once, MIO_EINVAL no pool, host, room or such port. native is
 *           getaddrinfo's, or errno where that says EAI_SYSTEM
 *   thread  any; twin: owner
 *   from    getaddrinfo(3), getaddrinfo (Microsoft)
 */
void mio_op_resolve(mio_op *, mio_pool *, const char *host, int port,
                    mio_address *found, size_t room);
int  mio_resolve(mio_queue *, mio_op *, mio_pool *, const char *host,
                 int port, mio_address *found, size_t room);
/* <<opening, adopting, closing>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

enum { MIO_STREAM = 1, MIO_DATAGRAM = 2 };
enum { MIO_LOCAL = 1, MIO_IPV4 = 4, MIO_IPV6 = 6 };
/*
 * Sockets are opened non-blocking and not inherited by other programs; a
 * close in a queue closes them. bind: also to a port used a moment ago.
 * listen: backlog 0 is the system's most. local and peer: the socket's own
 * address, and that of the other end.
 *   errors  MIO_EINVAL, MIO_ENOTSUP, MIO_EMFILE, MIO_ENOMEM, MIO_EACCES,
 *           MIO_EADDRINUSE, MIO_EADDRNOTAVAIL, MIO_EBADF, MIO_ENOTCONN,
 *           MIO_ESYSTEM
 *   thread  any     cost  one to three system calls
 */
int mio_socket_open(mio_socket *, int family, int type);
int mio_socket_bind(mio_socket *, const mio_address *);
int mio_socket_listen(mio_socket *, int backlog);
int mio_socket_local(const mio_socket *, mio_address *);
int mio_socket_peer(const mio_socket *, mio_address *);
/* <<opening, adopting, closing>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

/*
 * Makes a socket of a descriptor that others opened: a socket; on Unix
 * also a pipe or a terminal. O_NONBLOCK is not changed: set it before.
 *   errors  MIO_EBADF; MIO_ENOTSUP file, directory; MIO_EINVAL blocking
 *   thread  any     cost  two to four system calls
 */
int mio_socket_adopt(mio_socket *, mio_native);

/*
 * Gives the descriptor back, open, and forgets it. On Windows it is tied
 * to its queue's port for life: adopted again, it can be closed, or be
 * waited for with a ready.
 *   errors  MIO_EBUSY something is pending; MIO_EBADF
 *   thread  owner of the queue that used it
 *   cost    one system call if the kernel watches it
 */
int mio_socket_detach(mio_socket *, mio_native *);
/* <<addresses in words>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */

/*
 * parse: from a numeric IPv4 or IPv6 address; local: from a path; print:
 * to "127.0.0.1:80", "[::1]:80" or a path. Names are not looked up.
 *   result  family: MIO_IPV4, ...; port: the port, -1 if it has none
 *   errors  MIO_EINVAL not an address, too long, too little room;
 *           MIO_ENOTSUP no local sockets here
 *   thread  any     cost  no system call
 */
int mio_address_parse(mio_address *, const char *text, int port);
int mio_address_local(mio_address *, const char *path);
int mio_address_print(const mio_address *, char *text, size_t room);
int mio_address_family(const mio_address *);
int mio_address_port(const mio_address *);

#ifdef __cplusplus
}
#endif
#endif
