/* What the model test needs of a system: plain calls, in the words of minimio's codes. Nothing here knows a queue */
#ifndef RANDOM_OS_H
#define RANDOM_OS_H
#include "minimio.h"
#include <stdbool.h>

typedef mio_native fd;
#if defined(_WIN32)
#define NO_FD (~(fd)0)
enum { UNIX = 0 };
#else
#define NO_FD (-1)
enum { UNIX = 1 };
#endif
enum { READS = MIO_READABLE, WRITES = MIO_WRITABLE };

void    os_begin(void);
int64_t os_now(void);                           /* the system's monotonic clock, not through minimio */
void    os_nap(int64_t ns);
int     os_descriptors(void);                   /* open here; below 0 where it cannot be told for each program */
int     os_signals(void);                       /* how many SIGPIPE have come */

/* Sockets, all of them non-blocking. `small`: little room for what is sent; else much */
enum kind_of_pair { PAIR_TCP, PAIR_LOCAL, PAIR_PIPE, PAIR_UDP, PAIR_UDP_FREE };
void    os_pair(enum kind_of_pair, fd pair[2], bool small);     /* the first is ours: of UDP_FREE it is not connected */
fd      os_stream(bool small);                  /* TCP, neither bound nor connected */
void    os_room(fd, bool small);
void    os_any(mio_address *);                  /* of loopback, and any port */
fd      os_listener(mio_address *);             /* on loopback; the model's has no small room */
fd      os_connected(const mio_address *);      /* to such a listener */
fd      os_accept(fd listener);                 /* NO_FD: none there */
void    os_refusing(mio_address *);             /* where nobody listens */
void    os_stuck(mio_address *);                /* where nobody answers */
int     os_port(fd);

/* Calls: a number of bytes, 0, or a code; MIO_EAGAIN is "not now" */
long    os_send(fd, const void *, size_t);
long    os_send_to(fd, const void *, size_t, const mio_address *);
long    os_receive(fd, void *, size_t);
int     os_connect(fd, const mio_address *);    /* MIO_EAGAIN: it is under way */
int     os_connect_result(fd);
int     os_shut(fd, int half);
int     os_close(fd);
void    os_reset(fd);                           /* closes it with a reset */
void    os_local(fd, mio_address *);

struct asked { fd fd; int ways, ready; };
void    os_poll(struct asked *, int count);     /* looks, and does not wait */

/* A second thread: runs `act` after `delay`, then, if `job_end` has not come within `patience`, `late` */
void    job_begin(void (*act)(void *), void *argument, int64_t delay, void (*late)(void *), int64_t patience);
void    job_end(void);

/* A function in a process of its own, where there are such: false if it ended badly, and why */
bool    os_apart(void (*run)(void *), void *argument, char *why, size_t room);
void    os_limit(int seconds);                          /* it ends badly after so many more */
void   *os_shared(size_t);                      /* memory that those have in common with us */
#endif
