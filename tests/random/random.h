/*
 * The model test: a program, made from a seed or of any bytes, is carried out step by step twice: by minimio, on
 * connections of its own, and by a reference, on others. See README.md
 */
#ifndef RANDOM_H
#define RANDOM_H
#include "os.h"
#include <setjmp.h>
#include <stdint.h>

#define US INT64_C(1000)
#define MS INT64_C(1000000)

/* --- a program: 4 bytes of header, then 4 for each step (program.c) ----------------------------------- */

enum { SLOTS = 4, ITEMS = 24, STEPS = 64, BYTES = 4 + 4 * STEPS };

enum type { NOTHING, TCP, LOCAL, PIPE_IN, PIPE_OUT, UDP, UDP_FREE, FRESH, LISTENER, TYPES };

enum step_kind {
    S_OPEN, S_RECEIVE, S_SEND, S_SEND_ALL, S_CONNECT, S_ACCEPT, S_SHUT, S_CLOSE, S_READY, S_TIMER, S_NOP, S_CANCEL,
    S_AGAIN, S_WAKE, S_WAIT, S_TIME, S_DETACH, S_SHUTDOWN, S_PEER_SEND, S_PEER_READ, S_PEER_SHUT, S_PEER_CLOSE,
    S_PEER_RESET, S_PEER_CONNECT, S_WHILE_SEND, S_WHILE_WAKE, S_WHILE_POST, S_KINDS
};

/* How an operation gets in, and until when */
enum way { BY_TWIN, BY_SUBMIT, BY_POST, BY_THREAD };
enum deadline { NEVER, NOT_NEVER, SOON, PAST };     /* NOT_NEVER: in an hour */

struct step {
    enum step_kind kind;
    bool hold;                  /* nothing is compared after it: the next step comes at once */
    int slot, other;
    enum way way;
    enum deadline deadline;
    int size, extra;            /* what they mean depends on the kind */
};

struct program {
    enum type types[SLOTS];     /* what is open at its beginning */
    int capacity;               /* of a wait that compares */
    bool shut_first;            /* at its end the queue is shut down before its sockets are closed, or after */
    int count;
    struct step steps[STEPS];
};

struct program program_of(const uint8_t *bytes, size_t size);
size_t program_from_seed(uint64_t seed, uint8_t bytes[BYTES]);
void   program_print(const struct program *, int upto);     /* in words like C, with an arrow after that step; below 0: none */

/* --- what both worlds have ---------------------------------------------------------------------------- */

/* An operation: minimio's, and what the reference knows of it */
struct item {
    mio_op op;                  /* the first: what comes back is an item */
    enum step_kind kind;
    int number, slot, other;    /* other: where an accept puts its connection */
    bool inside, posted;        /* posted: not yet taken */
    bool alone;                 /* the shut of a receiving half, which is in no line */
    bool unwanted;              /* cancelled, or its queue was shut down */
    bool seen;                  /* pending when all was compared */
    bool busy_too;              /* it was posted, and may be refused beside another */
    bool hopeless;              /* when it was cancelled there was nothing to come: no other result is right */
    int model_code;             /* a connect of the model's */
    int expected;               /* a code that it must come back with; 1: none such */
    int64_t deadline, taken;    /* 0: none; when it was taken */
    uint64_t sequence;
    size_t length, moved;       /* moved: by the model, of what is sent */
    const unsigned char *bytes; /* what is sent */
    mio_address address, model_address;     /* where to, or from */
    struct item *next;
    unsigned char *room;        /* where a receive puts it; the bytes behind are watched */
};

/* A socket, its peer, and the same again for the reference */
struct slot {
    enum type type;
    bool reserved;              /* an accept is to fill it */
    bool open, closing, connected;
    bool no_more, no_send;      /* its halves were shut */
    bool spoiled;               /* only a close makes sense: its connect failed */
    bool lost;                  /* and nothing is promised of what is in line: it was cancelled */
    bool vague;                 /* Windows: whether its end is a cut is not told alike */
    mio_socket socket;
    fd peer, model, model_peer, target, model_target;   /* targets: what a FRESH one may connect to */
    mio_address to, model_to, peer_address, model_peer_address, target_address, model_target_address;     /* of peers: theirs */
    int error;                  /* the connection's */
    bool told[2];               /* in each direction */
    fd waiting[2][8];           /* a listener's: who has connected; here and in the model */
    int nwaiting;
    struct item *line[2];       /* pending, in order: reading, writing */
};

extern struct run {
    struct program program;
    mio_queue *queue;
    struct item items[ITEMS];
    struct slot slots[SLOTS];
    struct item *posts;         /* in order */
    uint64_t sequence;
    int at;                     /* the step */
    int wakes;                  /* mio_queue_wake was called, and no wait has said so: waits since, and 1; 0: no */
    bool ending;                /* shut down */
    int64_t patience;
    jmp_buf out;
    char finding[240];
} run;

void finding(const char *format, ...);          /* something is wrong; does not return */

/* --- the reference: an event queue of the simplest kind (reference.c) ----------------------------------- */

int  reference_refusal(const struct item *);    /* what a submission is to say */
void reference_take(struct item *);             /* it is inside */
void reference_take_posts(void);
void reference_cancel(struct item *);
void reference_feed(struct slot *, size_t need);        /* what the first in line has sent so far, and as much more */
struct item *reference_owes(void);              /* one that ought to have come back by now, or NULL */
void reference_follow(struct item *);           /* minimio gave it back: is that right? */
long reference_receive(fd, void *, size_t, size_t most);        /* patiently, unless nothing comes */
bool is_stream(const struct slot *);
bool is_datagram(const struct slot *);

/* --- the test ------------------------------------------------------------------------------------------- */

/* Runs it; false: run.finding says what is wrong, at run.at. May leave things open then */
bool run_program(const uint8_t *bytes, size_t size, int64_t patience);
extern long steps_done, times_helped;           /* in all programs so far; the latter: see `help` in run.c */
const char *item_name(const struct item *);
#endif
