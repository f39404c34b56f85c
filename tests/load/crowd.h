/* Peers of a server, thousands in one process and one thread, on raw sockets and epoll; and the server's process */
#ifndef CROWD_H
#define CROWD_H
#include "counts.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a peer does. It sends `goal` bytes, in messages: the next one when the last is answered; `chunk` bytes a call */
struct manner {
    size_t goal, message, chunk;
    bool   deaf;                        /* it does not read, until crowd_listen */
    bool   shuts;                       /* with all said it ends its half, and expects the end after all answers */
    int    room;                        /* of its buffers in the kernel; 0: the system's */
};

enum state { OPENING, OPEN, SERVED, ENDED, CUT, GONE };

struct peer {
    struct manner manner;
    enum state    state;
    int           fd, error;
    bool          stuck, finished, wrong;
    size_t        target, sent, got;
    long          answered;             /* messages */
};

extern struct peer *peers;
extern int          npeers, port;
extern const char  *hang;               /* what did not happen in time; NULL: everything did */

/* A crowd is a range of peers. They come in small parties, so that no queue of the kernel overflows */
struct crowd {
    int from, to;
};
struct crowd crowd_open(int n, struct manner manner);
void crowd_start(struct crowd, size_t goal, bool shuts);        /* a new exchange on the same connections */
void crowd_listen(struct crowd);
void crowd_close(struct crowd, bool reset);
int  crowd_count(struct crowd, enum state);
int  crowd_stuck(struct crowd);
int  crowd_wrong(struct crowd);         /* with a byte that is not the one that was sent */
long crowd_answered(struct crowd);

void turn(int timeout_ms);              /* what happened, happens */
bool until(bool (*enough)(void), const char *what);
void settle(int ms);                    /* turns, for so long */

int  dial(bool blocking, int room);     /* a socket that connects, or -1 */
void close_socket(int fd, bool reset);

/* The server's process */
struct process {
    pid_t pid;
    int   descriptors;                  /* open at the beginning */
    long  memory;                       /* resident at the beginning, KiB */
};
extern struct process server;
bool server_begin(const char *said, char **command, int descriptors);   /* its output; most descriptors, 0: no limit */
int  server_end(void);                  /* its status */
int  server_descriptors(void);
long server_memory(const char *field);  /* VmRSS or VmHWM, KiB */

#endif
