/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

/* What the parts of the library know of each other. Not for programs. */
#ifndef MINIMIO_QUEUE_H
#define MINIMIO_QUEUE_H
#include "atomics.h"

/* <<states and kinds>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
/* Where an operation is: the table of states, in chapter 4 */
enum state { YOURS, POSTED, PENDING, FINISHED };

/* What an operation does */
enum kind {
    OP_NONE, OP_NOP, OP_WORK, OP_TIMER, OP_CLOSE, OP_SHUT, OP_CONNECT,
    OP_READY, OP_ACCEPT, OP_RECEIVE_FROM, OP_SEND_TO,
    OP_RECEIVE, OP_SEND, OP_SEND_ALL    /* the last two are tried alike */
};

/* The owner, as other threads see it. Who posts or wakes makes it CALLED,
   and rings if it was ASLEEP */
enum { AWAKE, ASLEEP, CALLED };

/* Which list of its socket it waits in. One less is the list's index, and
   each is the NOT_NOW of its way */
enum way { READING = MIO_READABLE, WRITING = MIO_WRITABLE };

enum { DUE = 1, STARTED = 2 };          /* op->flags: deadline; connect */

/* <<flags>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
/* socket->flags */
enum {
    NOT_NOW = READING | WRITING,    /* a way is set while the last attempt
                                       heard so, and the kernel is silent */
    TOLD    = 4,            /* 4 * way: socket->error has been told there */
    IS_OPEN = 16,
    EXACT   = 32,           /* what is read short is read to the end */
    COUNTED = 64,           /* socket->available is the kernel's word */
    BOTH    = 128,          /* can be watched both ways for life */
    LISTED  = 256,          /* it is in the queue's list `again` */
    CONNECTED = 512,        /* by an operation */
    CAREFUL = 1024          /* submissions on it go the long way */
};

/* socket->type, beside MIO_STREAM and MIO_DATAGRAM */
enum { TYPE_PIPE = 3, TYPE_DEVICE = 4 };
/* <<flags>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

/* Windows; socket->flags */
enum {
    POLLING    = 2048,      /* the kernel has its poll */
    ASSOCIATED = 4096,      /* with the port */
    AT_ONCE    = 8192,      /* what is done at once has no packet */
    NO_MORE    = 16384      /* its receiving half was shut */
};

/* Windows; op->flags: its request is in the kernel; it shall end */
enum { IN_KERNEL = 4, GIVEN_UP = 8 };

/* <<the queue itself>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
struct mio_queue {
    mio_op     *first, **last;          /* finished, to be given back */
    size_t      inside;                 /* taken and not given back */
    int         unasked;                /* given since the last asking */
    mio_socket *sockets;                /* those that were used here */
    mio_socket *again;                  /* to be tried without an event */
    mio_op     *due;                    /* the heap of deadlines */
    mio_op     *away;                   /* those in pools */
    uint64_t    sequence;
    mio__list   posted;                 /* by any thread; last in first */
    mio__word   call;                   /* AWAKE, ASLEEP or CALLED */
    mio__word   posting, woken, shut;
    uintptr_t   owner, process;
    /* <<the kernel's handles>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    int         kernel, waker[2];           /* descriptors; -1: none */
    /* <<the kernel's handles>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
    void       *port, *afd;                 /* Windows; NULL: none */
    int         room;                   /* events at once */
    bool        coarse;                 /* waits are in milliseconds only */
    bool        woke;                   /* the last call was answered so */
    void       *events;
};

/* <<verbs>> (1 of 7), book/09-completion-over-readiness.md: Completion over readiness */
/* queue.c: what no kernel does for us */
void mio__end(mio_queue *, mio_op *, int64_t result, int native);
int  mio__submit(mio_queue *, mio_op *);
void mio__take(mio_queue *, mio_op *);
int  mio__refusal(const mio_queue *, const mio_op *);
void mio__give_up(mio_queue *, mio_op *, int code);

/* time.c, posts.c */
void mio__due_insert(mio_queue *, mio_op *);
void mio__due_remove(mio_queue *, mio_op *);
bool mio__expire(mio_queue *, bool asked);
void mio__take_posts(mio_queue *);

/* An operation has its result: it joins those that are to be given back */
static inline void mio__finish(mio_queue *q, mio_op *op)
{
    /* <<it joins those finished>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    op->state = FINISHED;
    op->next = NULL;
    *q->last = op;
    q->last = &op->next;
    /* <<it joins those finished>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (op->flags & DUE)
        mio__due_remove(q, op);
}
/* <<verbs>> (2 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* The backend: readiness.c over a selector. Bytes take a short way in it,
   or else mio__submit */
int  mio__submit_bytes(mio_queue *, mio_op *);
void mio__begin_first(mio_queue *, mio_op *);
void mio__stop(mio_queue *, mio_op *, int code);
void mio__stop_socket(mio_queue *, mio_socket *);
void mio__close(mio_queue *, mio_op *);
void mio__release(mio_queue *, mio_socket *);
void mio__try_again(mio_queue *);
/* <<verbs>> (3 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* The selector: epoll.c or kqueue.c. What fails gives the system's code */
int  mio__kernel_open(mio_queue *);
void mio__kernel_close(mio_queue *);
size_t mio__event_size(void);
int  mio__watch(mio_queue *, mio_socket *, enum way);
int  mio__watch_again(mio_queue *, mio_socket *, enum way);
void mio__unwatch(mio_queue *, mio_socket *, enum way);
void mio__forget(mio_queue *, mio_socket *);
int  mio__select(mio_queue *, int64_t timeout);
void mio__ring(mio_queue *);

/* What it tells readiness.c: ways that may be tried, and, where there was a
   sign that a short read is not the last word, EXACT: flags to be
   cleared */
void mio__heard(mio_socket *, uint32_t news);
/* <<verbs>> (4 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* socket_posix.c: the system's calls and codes */
int  mio__code(int native);
void mio__own(mio_queue *);
int  mio__print_local(const mio_address *, char *text, size_t room);
int  mio__accept(mio_op *);     /* 0 or the error; EINTR: try again */
int  mio__connect(mio_op *);
int  mio__connected(mio_socket *);

/* address.c: families as minimio.h and as the system calls them; 0: none */
int  mio__family(int native);
int  mio__native_family(int family);

#if defined(MIO_CHECKED)
bool mio__owned(const mio_queue *);
#else
static inline bool mio__owned(const mio_queue *q)
{
    (void)q;
    return true;
}
#endif
/* <<verbs>> (5 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

/* Windows: what a packet of the port is for, its completion key */
enum { KEY_REQUEST, KEY_RING, KEY_POLL };

/* socket_windows.c. An int is 0 or the system's error */
int  mio__winsock(void);
int  mio__of_status(long status);
int  mio__open(mio_socket *, int family, int type);
void mio__discard(mio_socket *);
bool mio__plain(const mio_socket *);
int  mio__bind_any(mio_socket *);
int  mio__update(mio_native, int option, const void *value, int size);
int  mio__accepted(const mio_socket *listener, mio_socket *);
int  mio__connect_datagram(mio_socket *, const mio_address *to);
int  mio__shut(mio_op *);
int  mio__close_native(mio_native);
/* <<verbs>> (6 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

/* afd.c: READY on Windows */
int  mio__poll_begin(mio_queue *, mio_socket *);
void mio__poll_done(mio_queue *, mio_socket *);
void mio__poll_stop(mio_queue *, mio_socket *);
bool mio__polling(const mio_socket *);
void mio__poll_close(mio_queue *);
/* <<verbs>> (7 of 7), book/13-what-still-blocks.md: What still blocks */

/* What goes elsewhere, and who does it there, known by three verbs only: a
   program that has no pool is linked without one. Owner */
struct place {
    void (*enter)(mio_queue *, mio_op *);
    void (*stop)(mio_queue *, mio_op *, int code);
    void (*back)(mio_queue *, mio_op *);
};
/* op->reserved meanwhile: where it is, whose it is, others of its queue */
enum { PLACE, HOME, EARLIER, LATER, HOST };

static inline const struct place *place_of(const mio_op *op)
{
    return op->reserved[PLACE];
}

/* posts.c: any thread. It comes back to its queue's owner */
void mio__send_back(mio_queue *, mio_op *);

#endif
