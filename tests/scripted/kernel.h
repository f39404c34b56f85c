/*
 * A kernel that is a script. A test says first which calls the library will make, with which arguments, and what each
 * is answered; then it calls the library, which gets these answers, in this order, and may make no other call:
 *
 *     will_recv(a, 100, -EAGAIN);          nothing is there,
 *     will_watch(a, READING);              so the kernel is to tell
 *     receive(R, a, 100);                  <- the library: a receive of at most 100 bytes, called R
 *
 *     will_wait(FOR_EVER); readable(a, 5); the kernel tells: 5 bytes
 *     will_recv(a, 100, 5);
 *     back(R, 5);                          <- the library: mio_queue_wait gives R back, and nothing else
 *
 * Time is the script's, too: it passes only in a waiting call. What a kernel would refuse, or never do, ends the test:
 * an event of what is not watched, a change of what is not there, a call with a closed descriptor, a close before the
 * kernel was made to forget. After each test the kernel plays by itself, and everything has to be given back.
 */
#ifndef SCRIPTED_KERNEL_H
#define SCRIPTED_KERNEL_H
#include "minimio.h"
#include <stdbool.h>
#include <stdint.h>

enum what { RECV, RECVMSG, READ, SEND, SENDTO, CONNECT, ACCEPT, SHUT, CLOSE, SO_ERROR_, PEER, WATCH, CHANGE, FORGET, RING,
    SILENCE, WAIT, WAIT_MS, WHATS };

enum { READING = MIO_READABLE, WRITING = MIO_WRITABLE, FDS = 64, ROOM = 8 };
enum { FOR_EVER = -1, ANY = -2 };
#define US ((int64_t)1000)
#define MS ((int64_t)1000000)
#define SECOND ((int64_t)1000000000)
#define DAY (86400 * SECOND)

/* One event, in the words of either kernel */
struct news {
    int fd;                                     /* -1: the bell */
    uint32_t mask;                              /* epoll */
    int filter;                                 /* kqueue */
    unsigned flags, fflags;
    int64_t data;
};

/* One call that will come, and its answer */
struct call {
    enum what what;
    int fd;
    int64_t want;                               /* its argument: bytes, ways, nanoseconds; or ANY */
    int64_t answer;                             /* below 0: minus errno */
    int64_t passes;                             /* time; ANY: all that is asked for, or none if there are events */
    void (*meanwhile)(void);                    /* another thread's doing */
    bool any_order;                             /* among those beside it that are so, too */
    int count;
    struct news news[ROOM + 1];
};

struct descriptor {
    bool open;
    int ways;                                   /* watched */
    void *whose;                                /* as registered */
    unsigned char in, out;                      /* the bytes that went through are numbered */
};

/* What is the kernel's, and what a test may set */
struct kernel {
    int64_t now;
    bool automatic;                             /* it plays by itself */
    bool no_user, no_pwait2;                    /* no EVFILT_USER; no epoll_pwait2 */
    int lowest;                                 /* the number at which descriptors begin */
    int room;                                   /* events that a wait may give */
    int clock_reads, waits;                     /* waiting calls */
    struct call *(*world)(enum what, int fd, int64_t argument);     /* not NULL: it answers, without a script */
    int64_t (*sleep)(int64_t asked);            /* not NULL: how long a wait is, in which nothing happens */
    struct descriptor fds[FDS];
    int memory;
    int calls, events;                          /* answered from scripts */
    int timers;                                 /* and operations that random and long runs gave back */
};
extern struct kernel kernel;

void problem(const char *format, ...);

/* --- what the kernel will be asked, and will answer ------------------------------------------------------ */

struct call *will(enum what what, int fd, int64_t want, int64_t answer);
void will_recv(const mio_socket *, int64_t length, int64_t answer);
void will_send(const mio_socket *, int64_t length, int64_t answer);
void will_close(const mio_socket *);            /* it is to be forgotten first, if it is watched */
void will_say_error(const mio_socket *, int error);     /* getsockopt, SO_ERROR */
void will_name_peer(const mio_socket *, int error);     /* getpeername */
void will_wait(int64_t timeout);                /* the events are those named next */
void will_fail_to_wait(int64_t timeout, int error);
void passes(int64_t time);                      /* in the last wait */
void meanwhile(void (*other)(void));            /* in the last wait */
void any_order(bool begins);
void script_is_used_up(const char *by);
void news(struct news);                         /* in the last wait */

/* The same on both kernels: on_epoll.c, on_kqueue.c. TCP is watched by epoll both ways at once */
void will_watch(const mio_socket *, int way);
void will_watch_again(const mio_socket *, int way, int all);    /* for a READY. All: the ways that are waited for */
void will_unwatch(const mio_socket *, int way, int left);
void will_forget(const mio_socket *);
void will_ring(void);
void will_refuse_to_watch(const mio_socket *, int way, int error);
void readable(const mio_socket *, int64_t bytes);
void writable(const mio_socket *);
void ended(const mio_socket *, int64_t bytes);          /* by the peer, behind so many bytes */
void cut(const mio_socket *, int64_t bytes, int error); /* both ways */
void bell(void);
struct condition {                              /* of a descriptor, as either kernel would tell it */
    int64_t available;
    bool readable, writable, end, broken, mark, pipe;
};
int news_of(struct news *, int fd, int ways, const struct condition *);         /* one event or two: how many */
extern const char *const kernel_name;
extern const bool is_epoll;

/* --- what the kernel does: kernel.c for its other half --------------------------------------------------- */

int open_descriptor(void);
struct call *called(enum what what, int fd, int64_t argument);
int64_t answered(struct call *);                /* sets errno */
int64_t waited(struct call *, int64_t timeout);
struct descriptor *descriptor(int fd);
bool is_watched(const struct news *);           /* for which way or ways it is heard */
bool is_bell(int fd);
const char *name_of(int fd);
bool is_its_own(int fd);                        /* the bell, or the queue in the kernel */

/* --- the library's side ---------------------------------------------------------------------------------- */

enum { R, W, R2, W2, X, Y, Z, T, T2, CL, CL2, ITEMS };
extern mio_queue *queue;
extern mio_socket *a, *b, *c;                   /* TCP, open */

mio_socket *fresh(void);                        /* room for one, closed at the end if it was opened */
mio_socket *opened(int family, int type);       /* one more; closed at the end */
mio_socket *adopted_pipe(void);
void gone(mio_socket *);                        /* closed or detached, and freed */
void receive(int i, mio_socket *, size_t length);
void send_some(int i, mio_socket *, size_t length);
void send_all(int i, mio_socket *, size_t length);
void waits_to_receive(int i, mio_socket *);     /* 100 bytes: in vain, and watched */
void waits_to_send(int i, mio_socket *);
void accepts(int i, mio_socket *listener, mio_socket *);
void connects(int i, mio_socket *, const mio_address *);
void shuts(int i, mio_socket *, int half);
void ready(int i, mio_socket *, int way);
void timer(int i, int64_t deadline);
void nop(int i);
void closes(int i, mio_socket *);
void cancel(int i);
void due(int64_t deadline);                     /* of the operation that is submitted next */
mio_op *op_of(int i);
void posted(int i);                             /* prepared, and handed over by another thread */

void back(int i, int64_t result);               /* the next that comes back; waits if there is none */
void back_alone(int i, int64_t result);         /* with room for one */
void nothing_for(int64_t timeout);              /* the wait says that time is up */
void wait_says(int64_t timeout, int code);
void queue_again(uint32_t events);              /* another queue, with room for so many events */

/* --- the tests ------------------------------------------------------------------------------------------- */

struct script {
    const char *group, *name;                   /* the name says how the queue behaves, and in which scenario */
    void (*run)(void);
};
extern const struct script common_scripts[], own_scripts[], clock_scripts[], weak_scripts[];

extern uint64_t other_seeds;                    /* 0, or what is added to those of random runs */

#endif
