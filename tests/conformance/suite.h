/*
 * The conformance suite: what minimio.h promises, one behaviour a test. The tests know minimio.h, and for
 * the other end of a connection the peers below, which use the system's blocking calls.
 *
 * Each test runs in a process of its own with a time limit. Descriptors are counted before and after it.
 * A test that returns has passed; CHECK and EQUAL end it when something is wrong.
 */
#ifndef SUITE_H
#define SUITE_H

#include "minimio.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MS INT64_C(1000000)             /* nanoseconds in a millisecond */
#define COUNT(array) ((int)(sizeof (array) / sizeof (array)[0]))

struct test {
    const char *name;                   /* a behaviour, as a sentence with _ for spaces */
    void      (*run)(void);
};
#define TEST(name) { #name, name }

/* Each file of tests ends with its table, and suite.c has a list of the tables */
extern const struct test stream_tests[], connection_tests[], closing_tests[], queue_tests[], time_tests[],
    post_tests[], datagram_tests[], adopted_tests[], ready_tests[], socket_tests[], abuse_tests[], stress_tests[],
    pool_tests[];

/* And with one of what Unix alone has: pipes, terminals, local sockets, signals, fork, numbers that are given out
   lowest first, sockets that change their queue. Elsewhere these tests are not there, and `suite -u` has their names */
extern const struct test unix_connection_tests[], unix_closing_tests[], unix_queue_tests[], unix_time_tests[],
    unix_post_tests[], unix_datagram_tests[], unix_adopted_tests[], unix_ready_tests[], unix_socket_tests[];

/* --- saying what is wrong --------------------------------------------------------------------------- */

#define CHECK(condition) \
    ((condition) ? (void)0 : suite_failed(__FILE__, __LINE__, #condition))
#define EQUAL(got, wanted) suite_equal(__FILE__, __LINE__, #got, (got), (wanted))

void suite_failed(const char *file, int line, const char *condition);       /* does not return */
void suite_equal(const char *file, int line, const char *what, int64_t got, int64_t wanted);
void suite_skip(const char *why);       /* not here, and why: does not return */

/* --- a queue in a test ------------------------------------------------------------------------------ */

mio_queue *open_queue(void);
void    end_queue(mio_queue *);         /* shut down, collect what is inside, close; all of it must work */
mio_op *wait_one(mio_queue *);          /* the next completion; fails after 2 s without one */
int64_t result_of(mio_queue *, mio_op *);   /* waits for this one, which must be the next; its result */
int     wait_all(mio_queue *, mio_op **done, int wanted);   /* until so many came back, in order; fails after 2 s */
void    quiet(mio_queue *, int64_t ns); /* nothing comes back for so long */
void    close_all(mio_queue *, mio_socket *, int count);    /* each closes, with 0 */

/* --- connections ------------------------------------------------------------------------------------ */

/* A connection of two sockets of ours, over loopback; the queue is left as it was */
void connected(mio_queue *, mio_socket *one, mio_socket *other);
void listening(mio_socket *, mio_address *);        /* on 127.0.0.1, a free port */
void refused_address(mio_address *);                /* of a port where nobody listens */

/* A new descriptor gets the lowest number that is free: POSIX promises that */
#if defined(_WIN32)
enum { LOWEST_FIRST = 0 };
#else
enum { LOWEST_FIRST = 1 };
#endif

/* The other end of a connection, with the system's own blocking calls */
typedef mio_native peer;
void   peered(mio_queue *, mio_socket *, peer *);   /* ours was accepted, theirs connected; TCP */
peer   peer_connect(const mio_address *);
size_t peer_send(peer, const void *, size_t);       /* all of it */
size_t peer_receive(peer, void *, size_t);          /* until so many or the end */
void   peer_shut(peer);                             /* ends what it sends */
void   peer_close(peer);
void   peer_reset(peer);                            /* closes with a reset */
void   peer_urgent(peer, char);                     /* one byte of urgent data */
void   peer_pair(int type, peer pair[2]);           /* connected with each other; blocking; no queue knows them */
void   peer_datagram(peer, const void *, size_t);   /* one, which may be empty */
void   peer_nonblocking(peer);
peer   peer_copy(peer);                             /* another descriptor of the same */
bool   peer_is_open(peer);
bool   peer_is_private(peer);                       /* of a connected one that is empty: not blocking, not inherited */
void   close_will_reset(mio_native);                /* when it is closed, the other end gets a reset */
void   small_send_buffer(mio_native);
void   fill(mio_queue *, mio_socket *);             /* send until a send has to wait; that one is cancelled */

/* --- threads and time ------------------------------------------------------------------------------- */

typedef struct thread {
    void (*run)(void *);
    void  *argument;
    void  *reserved[4];
} thread;
void    start(thread *, void (*run)(void *), void *argument);
void    join(thread *);
void    nap(int64_t ns);                /* the system's sleep */
int64_t now(void);                      /* the system's monotonic clock, not through minimio */
long    times_slept(void);              /* how often this process gave up the processor by itself; 0: not counted */
int64_t processor_time(void);           /* how long it had one */

/* --- descriptors, and numbers as by chance ---------------------------------------------------------- */

void    take_descriptors(int spare);    /* all that are left in this process, but so many */
void    give_descriptors_back(void);
bool    room_for(int descriptors);      /* the limit is raised if need be; false if it cannot be */
void    random_from(uint32_t seed);     /* not 0; each thread has its own */
uint32_t random_below(uint32_t limit);  /* the same in each run */
int     scaled(int count);              /* SUITE_SCALE=10: a tenth of it */

/* --- memory, page by page --------------------------------------------------------------------------- */

size_t  page_size(void);
void   *pages(size_t count);            /* until the process ends */
void    pages_allow(void *first, size_t count, bool);   /* or not: who touches them then ends the process */

/* --- counting --------------------------------------------------------------------------------------- */

int     descriptors(void);              /* open in this process; below 0 where that cannot be told */
int     inherited(void);                /* how many of them a program that is started now would have, too */
long    allocations(void);              /* calls of malloc and its kind so far; below 0 where not counted */
long    requests_made(void);            /* that owe a packet, handed to Windows so far; below 0 where not counted */
long    packets_taken(void);            /* of such requests */

#endif
