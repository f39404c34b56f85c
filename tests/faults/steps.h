/*
 * What the two workloads have in common, workload.c for Unix and faults_windows.c: operations that are known one by one,
 * and streams of known bytes. Whatever fails, it expects
 *
 *   - a result that minimio.h has for it, and each accepted operation back exactly once
 *   - what failed succeeds when it is tried again, unless a call failed again
 *   - the right bytes
 */
#ifndef STEPS_H
#define STEPS_H
#include "documented.h"
#include <stddef.h>

enum { MS = 1000000, PART = 65536 };

struct item {
    mio_op op;                  /* the first: what comes back is an item */
    const char *what;
    unsigned may;               /* what it may fail with */
    bool inside;
    int failed;                 /* how often in a row */
};

struct stream {
    mio_socket *from, *to;
    size_t sent, received;
    struct item send, receive;
    unsigned char out[PART], in[PART];
};

extern mio_queue *queue;
extern int inside, woken;

/* --- of the system: in each workload ------------------------------------------------------------------- */

extern const int quiet, patience;           /* nanoseconds in which something comes, ought to have come */
void problem(const char *format, ...);      /* does not return */
void step(const char *name);
void documented(const char *what, int64_t code, int native, unsigned may);
void failed_again(const char *what, int64_t code, int before);     /* it failed so often before; may it? */
void stuck(const char *what, const char *why);
int  wait_once(int64_t timeout);            /* how many came back; or what the wait says */
void is_awake(struct item *i);              /* nothing came for a while: ought it to have come? */
void end_amid(struct stream *t);            /* a receive of it says that it is at its end: a problem, or told to */

/* --- of both ------------------------------------------------------------------------------------------- */

bool again_for(const char *what, int code, unsigned may);       /* while (again_for("adopt", mio_socket_adopt(...), ADOPT)) */
bool again(const char *what, int code);
void taken(struct item *i, const char *what, unsigned may, int refused);
void back(struct item *i);
void until(struct item *a, struct item *b);
bool succeeded(struct item *i);

void begin_stream(struct stream *t, mio_socket *from, mio_socket *to);
void send_some(struct stream *t, size_t length);
void receive_some(struct stream *t, size_t length);
void awaited(struct stream *t, size_t length);
void bulk(struct stream *t, size_t length);
void end_of_stream(struct stream *t);

void close_socket(mio_socket *s);
void address_of(const mio_socket *s, mio_address *a, bool peer);
void time_and_posts(void);

#endif
