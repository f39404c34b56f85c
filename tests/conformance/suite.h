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
    post_tests[], datagram_tests[], adopted_tests[], ready_tests[], socket_tests[], abuse_tests[], pool_tests[];

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

/* --- descriptors, and numbers as by chance ---------------------------------------------------------- */

void    take_descriptors(int spare);    /* all that are left in this process, but so many */
void    give_descriptors_back(void);
bool    room_for(int descriptors);      /* the limit is raised if need be; false if it cannot be */
void    random_from(uint32_t seed);     /* not 0 */
uint32_t random_below(uint32_t limit);  /* the same in each run */

/* --- counting --------------------------------------------------------------------------------------- */

int     descriptors(void);              /* open in this process; below 0 where that cannot be told */
long    allocations(void);              /* calls of malloc and its kind so far; below 0 where not counted */

#endif
