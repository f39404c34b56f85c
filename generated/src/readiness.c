/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* glibc: more than ISO C */
#include "lines.h"
#if !defined(_WIN32)
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <string.h>
#include <unistd.h>

enum { TURN = 16 };     /* calls in a row for one operation */

/* <<calls that move bytes>> (1 of 7), book/09-completion-over-readiness.md: Completion over readiness */
#if defined(MSG_NOSIGNAL)
enum { QUIETLY = MSG_NOSIGNAL };
#else
enum { QUIETLY = 0 };                   /* SO_NOSIGPIPE says it */
#endif

static bool is_socket(const mio_socket *s)
{
    return s->type <= MIO_DATAGRAM;     /* and MIO_STREAM is 1 */
}
/* <<calls that move bytes>> (2 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* recvmsg tells of a datagram that was cut */
static long receive_datagram(mio_op *op)
{
    struct iovec part = { op->buffer, op->length };
    struct msghdr m = { 0 };
    mio_address *from = op->kind == OP_RECEIVE_FROM ? op->with.from : NULL;
    m.msg_iov = &part;
    m.msg_iovlen = 1;
    if (from != NULL) {
        memset(from, 0, sizeof *from);
        m.msg_name = from->storage.bytes;
        m.msg_namelen = sizeof from->storage;
    }
    long n = recvmsg(op->socket->native, &m, 0);
    if (n >= 0 && from != NULL)
        from->length = m.msg_namelen;
    if (n < 0 || !(m.msg_flags & MSG_TRUNC))
        return n;
    op->done = (size_t)n;
    errno = EMSGSIZE;
    return -1;
}
/* <<calls that move bytes>> (3 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* The end of a terminal is an error on some systems */
static long read_other(mio_op *op)
{
    mio_socket *s = op->socket;
    long n = read(s->native, op->buffer, op->length);
    return n < 0 && errno == EIO && s->type == TYPE_DEVICE ? 0 : n;
}

static long not_a_socket(void)
{
    errno = ENOTSOCK;
    return -1;
}
/* <<calls that move bytes>> (4 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* Not from a stream, or with the address that it came from */
static long receive_other(mio_op *op)
{
    if (is_socket(op->socket))
        return receive_datagram(op);
    return op->kind == OP_RECEIVE ? read_other(op) : not_a_socket();
}
/* <<calls that move bytes>> (5 of 7), book/09-completion-over-readiness.md: Completion over readiness */

/* A write to a pipe without a reader raises SIGPIPE in the thread. It is
   kept out, and taken away if it was not there before */
static long write_quietly(int fd, const void *bytes, size_t length)
{
    sigset_t pipe, before, pending;
    int signal;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    bool was = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    long n = write(fd, bytes, length);
    int error = errno;
    if (n < 0 && error == EPIPE && !was) {
        sigpending(&pending);
        if (sigismember(&pending, SIGPIPE) == 1)
            sigwait(&pipe, &signal);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}
/* <<calls that move bytes>> (6 of 7), book/09-completion-over-readiness.md: Completion over readiness */

static inline long send_from(mio_op *op, size_t from)
{
    mio_socket *s = op->socket;
    const char *bytes = (const char *)op->buffer + from;
    size_t length = op->length - from;
    return is_socket(s) ? send(s->native, bytes, length, QUIETLY)
                        : write_quietly(s->native, bytes, length);
}

static long send_datagram(mio_op *op)
{
    const void *to = op->with.to->storage.bytes;
    if (!is_socket(op->socket))
        return not_a_socket();
    return sendto(op->socket->native, op->buffer, op->length, QUIETLY, to,
                  (socklen_t)op->with.to->length);
}
/* <<calls that move bytes>> (7 of 7), book/11-connections.md: Connections */

/* Errors that a connection does not survive */
static bool lasting(int error)
{
    switch (error) {
    case ECONNRESET: case ETIMEDOUT: case ECONNABORTED: case ENETRESET:
    case EHOSTUNREACH: case ENETUNREACH: case ENETDOWN:
        return true;
    default:
        return false;
    }
}

/* <<what an attempt came to>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
static bool completes(mio_op *op, int64_t result)
{
    op->result = result;
    op->native = 0;
    return true;
}

static bool not_now(mio_op *op)
{
    op->socket->flags |= op->way;
    return false;
}
/* <<what an attempt came to>> (2 of 3), book/09-completion-over-readiness.md: Completion over readiness */

/* The kernel gives a connection's error to whoever asks first. Here it is
   kept, and told once in each direction, in place of an end or of EPIPE */
static int own_or_kept(mio_op *op, int error)
{
    mio_socket *s = op->socket;
    /* <<is there something else to tell?>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
    if (s->type != MIO_STREAM)
        return error;
    /* <<is there something else to tell?>> (2 of 2), book/11-connections.md: Connections */
    uint32_t told = (uint32_t)TOLD * op->way;
    bool lasts = lasting(error);
    if (lasts && s->error == 0)
        s->error = error;
    bool hides = error == 0 || error == EPIPE || lasts;
    if (s->error != 0 && !(s->flags & told) && hides) {
        s->flags |= told;
        return s->error;
    }
    return error;
}

static bool fails(mio_op *op, int error)
{
    op->native = own_or_kept(op, error);
    op->result = mio__code(op->native);
    return true;
}
/* <<what an attempt came to>> (3 of 3), book/09-completion-over-readiness.md: Completion over readiness */

/* After a signal it has another turn */
static bool failed(mio_op *op)
{
    int error = errno;
    if (error == EINTR)
        return false;
    if (error == EAGAIN || error == EWOULDBLOCK)
        return not_now(op);
    return fails(op, error);
}

/* <<one attempt of each kind>> (1 of 10), book/09-completion-over-readiness.md: Completion over readiness */
/* Where the kernel announced a count, as kqueue does, what was announced
   has been read, or not */
static void after_counted(mio_socket *s, long n)
{
    if (n < s->available) {
        s->available -= (int)n;
        return;
    }
    s->flags &= ~(uint32_t)COUNTED;
    s->flags |= READING;
}
/* <<one attempt of each kind>> (2 of 10), book/09-completion-over-readiness.md: Completion over readiness */

/* Less than was asked for means that nothing is left, on a stream whose
   end, error or urgent mark has not been heard of */
static inline void after_read(mio_op *op, long n)
{
    mio_socket *s = op->socket;
    if (s->flags & COUNTED)
        after_counted(s, n);
    else if (s->flags & EXACT && (size_t)n < op->length)
        s->flags |= READING;
}
/* <<one attempt of each kind>> (3 of 10), book/09-completion-over-readiness.md: Completion over readiness */

/* An end, an empty datagram, or an error. Without a peer, local streams of
   Linux call a receive an invalid argument */
static bool nothing_came(mio_op *op, long n)
{
    const mio_socket *s = op->socket;
    bool local = s->family == MIO_LOCAL && s->type == MIO_STREAM;
    if (n < 0 && errno == EINVAL && local)
        errno = ENOTCONN;
    if (n < 0)
        return failed(op);
    if (s->type == MIO_DATAGRAM)
        return completes(op, 0);
    int error = own_or_kept(op, 0);
    return error != 0 ? fails(op, error) : completes(op, 0);
}
/* <<one attempt of each kind>> (4 of 10), book/09-completion-over-readiness.md: Completion over readiness */

static inline bool received(mio_op *op, long n)
{
    if (n <= 0)
        return nothing_came(op, n);
    op->done = (size_t)n;
    after_read(op, n);
    return completes(op, n);
}

static inline bool try_receive(mio_op *op)
{
    mio_socket *s = op->socket;
    if (s->type != MIO_STREAM)
        return received(op, receive_other(op));
    return received(op, recv(s->native, op->buffer, op->length, 0));
}
/* <<one attempt of each kind>> (5 of 10), book/09-completion-over-readiness.md: Completion over readiness */

/* A fast reader could keep one send_all going for ever: after some calls
   the others have their turn */
static bool try_send(mio_op *op)
{
    for (int turn = 0; turn < TURN; turn++) {
        long n = send_from(op, op->done);
        if (n < 0)
            return failed(op);
        op->done += (size_t)n;
        if (op->done == op->length || op->kind == OP_SEND)
            return completes(op, (int64_t)op->done);
    }
    return false;
}
/* <<one attempt of each kind>> (6 of 10), book/09-completion-over-readiness.md: Completion over readiness */

/* The first attempt of a send; most need no other call */
static inline bool send_first(mio_op *op)
{
    long n = send_from(op, 0);
    if (n < 0)
        return failed(op);
    op->done = (size_t)n;
    if (op->done == op->length || op->kind == OP_SEND)
        return completes(op, n);
    return try_send(op);
}
/* <<one attempt of each kind>> (7 of 10), book/09-completion-over-readiness.md: Completion over readiness */

static bool try_send_to(mio_op *op)
{
    long n = send_datagram(op);
    if (n >= 0) {
        op->done = (size_t)n;
        return completes(op, n);
    }
    bool silent = op->socket->family == MIO_LOCAL;  /* no event comes */
    return silent && errno != EINTR ? fails(op, errno) : failed(op);
}
/* <<one attempt of each kind>> (8 of 10), book/11-connections.md: Connections */

/* The first attempt connects; the next ask what became of it. Receives wait
   for it, too */
static bool try_connect(mio_op *op)
{
    mio_socket *s = op->socket;
    if (s->flags & CONNECTED)           /* Linux would say 0, once */
        return fails(op, EISCONN);
    int error = op->flags & STARTED ? mio__connected(s) : mio__connect(op);
    op->flags |= STARTED;
    if (error == EINPROGRESS || error == EINTR) {
        s->flags |= READING;
        return not_now(op);
    }
    if (s->head[READING - 1] == NULL
            || s->head[READING - 1]->kind != OP_READY)
        s->flags &= ~(uint32_t)READING;
    if (error == 0 && s->type == MIO_STREAM)
        s->flags |= CONNECTED;
    return error != 0 ? fails(op, error) : completes(op, 0);
}
/* <<one attempt of each kind>> (9 of 10), book/11-connections.md: Connections */

/* Peers that gave up are passed over, so many in a turn */
static bool try_accept(mio_op *op)
{
    for (int turn = 0; turn < TURN; turn++) {
        int error = mio__accept(op);
        if (error == 0)
            return completes(op, 0);
        if (error == EAGAIN || error == EWOULDBLOCK)
            return not_now(op);
        if (error != EINTR)
            return fails(op, error);
    }
    return false;
}
/* <<one attempt of each kind>> (10 of 10), book/11-connections.md: Connections */

static bool try_shut(mio_op *op)
{
    static const int how[] = { 0, SHUT_RD, SHUT_WR, SHUT_RDWR };
    if (shutdown(op->socket->native, how[op->length]) != 0)
        return fails(op, errno);
    if (op->length & MIO_SHUT_RECEIVE)
        op->socket->flags &= ~(uint32_t)READING;
    return completes(op, 0);
}

/* <<attempts>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
static bool attempt_other(mio_op *op)
{
    switch (op->kind) {
    /* <<the other kinds>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
    case OP_RECEIVE_FROM: return received(op, receive_other(op));
    case OP_SEND_TO:      return try_send_to(op);
    /* <<the other kinds>> (2 of 4), book/11-connections.md: Connections */
    case OP_CONNECT:      return try_connect(op);
    /* <<the other kinds>> (3 of 4), book/11-connections.md: Connections */
    case OP_ACCEPT:       return try_accept(op);
    /* <<the other kinds>> (4 of 4), book/11-connections.md: Connections */
    case OP_SHUT:         return try_shut(op);
    default:              return completes(op, (int64_t)op->length);
    }
}
/* <<attempts>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

/* Does it have its result? If not, NOT_NOW says whether to wait */
static inline bool attempt(mio_op *op)
{
    if (op->kind > OP_RECEIVE)
        return try_send(op);
    if (op->kind == OP_RECEIVE)
        return try_receive(op);
    return attempt_other(op);
}

/* <<try, wait, try again>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
/* Why a selector refuses a descriptor */
static int refusal_code(int error)
{
    switch (error) {
    case EPERM: case EINVAL: case ENODEV: return MIO_ENOTSUP;
    case EEXIST:                          return MIO_EBUSY;
    case ENOENT:                          return MIO_EBADF;
    case ENOSPC:                          return MIO_ENOMEM;
    default:                              return mio__code(error);
    }
}
/* <<try, wait, try again>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* What a selector said: 0, it watches. EPIPE, nobody is at the other end of
   the pipe: an attempt will tell. Else that it cannot be watched */
static void answered(mio_queue *q, mio_op *op, int error)
{
    mio_socket *s = op->socket;
    if (error == EPIPE) {
        s->flags &= ~(uint32_t)op->way;
        list_again(q, s);
    } else if (error != 0) {
        take_out(op);
        mio__end(q, op, refusal_code(error), error);
    }
}
/* <<try, wait, try again>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* An end needs no room: it is tried whatever was heard */
static bool must_wait(const mio_op *op)
{
    return op->socket->flags & op->way && op->kind != OP_SHUT;
}

/* Somebody waits: see to it that the kernel tells, or that the queue tries
   again by itself */
static void wait_for(mio_queue *q, mio_socket *s, enum way way)
{
    mio_op *op;
    while ((op = s->head[way - 1]) != NULL && must_wait(op)
            && !(s->interest & way))
        answered(q, op, mio__watch(q, s, way));
    if (op != NULL && !must_wait(op))
        list_again(q, s);
}
/* <<try, wait, try again>> (4 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* The first in line has its result. Gives the next */
static inline mio_op *leave(mio_socket *s, mio_op *op, enum way way)
{
    mio_op *next = op->next;
    s->head[way - 1] = next;
    if (next != NULL)
        next->previous = NULL;
    mio__finish(s->queue, op);
    return next;
}

/* Those that wait are tried, in line from the first */
static void proceed(mio_op *op)
{
    while (op != NULL) {
        if (must_wait(op) || !attempt(op)) {
            wait_for(op->socket->queue, op->socket, op->way);
            return;
        }
        op = leave(op->socket, op, op->way);
    }
}

/* <<begin>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
/* Behind the others of its way. The kernel tells when to try, if it was
   asked to and if the last attempt heard "not now". Says 0 */
static inline int line_up(mio_op *op)
{
    mio_socket *s = op->socket;
    append(s, op);
    if (!(s->interest & s->flags & op->way))
        wait_for(s->queue, s, op->way);
    return 0;
}
/* <<begin>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* Nobody is before it: it is tried at once. Says 0 */
static inline int try_now(mio_op *op)
{
    if (!(op->kind > OP_RECEIVE ? send_first(op) : attempt(op)))
        return line_up(op);
    mio__finish(op->socket->queue, op);
    return 0;
}

/* Bytes. On a socket that is one of the queue's they begin here */
int mio__submit_bytes(mio_queue *q, mio_op *op)
{
    const mio_socket *s = op->socket;
    if (s == NULL || s->queue != q || s->flags & CAREFUL)
        return mio__submit(q, op);
    op->state = PENDING;
    op->done = 0;
    q->inside++;
    if (s->flags & op->way || s->head[op->way - 1u] != NULL)
        return line_up(op);
    return try_now(op);
}
/* <<begin>> (3 of 4), book/09-completion-over-readiness.md: Completion over readiness */

static void begin_ready(mio_queue *q, mio_op *op)
{
    mio_socket *s = op->socket;
    append(s, op);
    s->flags |= op->way | CAREFUL;      /* only the kernel's word counts */
    int error = mio__watch_again(q, s, op->way);
    if (error != 0)                     /* it did not look: others try */
        s->flags &= ~(uint32_t)op->way;
    answered(q, op, error);
}
/* <<begin>> (4 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* The first on a socket, and kinds that are not tried, or not in line. A
   connect or an end that is done concerns those who read */
void mio__begin_first(mio_queue *q, mio_op *op)
{
    mio_socket *s = op->socket;
    if (!(s->flags & IS_OPEN)) {
        mio__end(q, op, MIO_EBADF, EBADF);
        return;
    }
    if (s->queue == NULL)
        join(q, s);
    if (op->kind == OP_READY) {
        begin_ready(q, op);
    } else if (goes_ahead(op)) {
        try_now(op);
        mio__heard(s, 0);
    } else {
        append(s, op);
        mio__heard(s, 0);
    }
}

/* <<the kernel's word>> (1 of 3), book/09-completion-over-readiness.md: Completion over readiness */
/* Writers go before readers. Where nobody writes, a socket need not be
   watched for it, unless it is both ways for life */
static void heard_writing(mio_socket *s, uint32_t news)
{
    if (s->head[WRITING - 1] != NULL)
        proceed(s->head[WRITING - 1]);
    else if (news & WRITING && !(s->flags & BOTH))
        mio__unwatch(s->queue, s, WRITING);
}
/* <<the kernel's word>> (2 of 3), book/09-completion-over-readiness.md: Completion over readiness */

/* TCP, of which no end, error or mark was heard, and no count: the short
   read decides */
static inline bool receive_tcp(mio_socket *s, mio_op *op)
{
    long n = recv(s->native, op->buffer, op->length, 0);
    if (n <= 0)
        return nothing_came(op, n);
    op->done = (size_t)n;
    if (op->done < op->length)
        s->flags |= READING;
    return completes(op, n);
}

/* The kernel's word: some ways may be tried again. Mostly bytes came by TCP
   for a receive, and nobody writes: for that the short way */
void mio__heard(mio_socket *s, uint32_t news)
{
    mio_op *op = s->head[READING - 1];
    s->flags &= ~news;
    if ((s->flags & (BOTH | EXACT | COUNTED | READING)) != (BOTH | EXACT)
            || s->head[WRITING - 1] != NULL || op == NULL
            || op->kind != OP_RECEIVE)
        heard_writing(s, news);
    else if (receive_tcp(s, op))
        op = leave(s, op, READING);
    if (op != NULL)
        proceed(op);
}
/* <<the kernel's word>> (3 of 3), book/09-completion-over-readiness.md: Completion over readiness */

void mio__try_again(mio_queue *q)
{
    mio_socket *s = q->again;
    q->again = NULL;
    while (s != NULL) {
        mio_socket *next = s->again;
        mio__heard(s, LISTED);          /* it is no longer */
        s = next;
    }
}

/* <<give up and let go>> (1 of 4), book/09-completion-over-readiness.md: Completion over readiness */
void mio__stop(mio_queue *q, mio_op *op, int code)
{
    mio_socket *s = op->socket;
    take_out(op);
    mio__end(q, op, code, 0);
    const mio_op *first = s->head[WRITING - 1];
    if (first != NULL && first->kind == OP_SHUT)
        list_again(q, s);               /* it needs no room: it is tried */
}

void mio__stop_socket(mio_queue *q, mio_socket *s)
{
    for (int i = 0; i < 2; i++)
        while (s->head[i] != NULL)
            mio__stop(q, s->head[i], MIO_ECANCELED);
}
/* <<give up and let go>> (2 of 4), book/09-completion-over-readiness.md: Completion over readiness */

/* It is no longer one of the queue's, nor of the kernel's part of it */
void mio__release(mio_queue *q, mio_socket *s)
{
    if (s->interest != 0)
        mio__forget(q, s);
    unlist(q, s);
    part(q, s);
    s->interest = 0;
    s->flags &= ~(uint32_t)(NOT_NOW | CAREFUL);
}
/* <<give up and let go>> (3 of 4), book/11-connections.md: Connections */

void mio__close(mio_queue *q, mio_op *op)
{
    mio_socket *s = op->socket;
    if (!(s->flags & IS_OPEN)) {
        mio__end(q, op, MIO_EBADF, EBADF);
        return;
    }
    if (s->queue != NULL) {
        mio__stop_socket(q, s);
        mio__release(q, s);
    }
    int error = close(s->native) != 0 ? errno : 0;
    if (error == EINTR || error == EINPROGRESS || error == ECONNRESET)
        error = 0;                      /* it is closed all the same */
    s->flags = 0;
    s->native = -1;
    mio__end(q, op, mio__code(error), error);
}
/* <<give up and let go>> (4 of 4), book/11-connections.md: Connections */

int mio_socket_detach(mio_socket *s, mio_native *native)
{
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (s->head[0] != NULL || s->head[1] != NULL)
        return MIO_EBUSY;
    if (s->queue != NULL && !mio__owned(s->queue))
        return MIO_ETHREAD;
    if (s->queue != NULL)
        mio__release(s->queue, s);
    *native = s->native;
    s->flags = 0;
    s->native = -1;
    return 0;
}
#endif
