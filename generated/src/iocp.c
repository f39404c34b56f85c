/* Tangled from book/10-the-same-on-iocp.md: The same on IOCP. Edit the chapter, not this file. */

#include "lines.h"
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <string.h>

/* <<the record>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
/* An operation is found by the record that the kernel gives back */
static OVERLAPPED *record(mio_op *op)
{
    return (OVERLAPPED *)(void *)op->reserved;
}

static mio_op *of_record(OVERLAPPED *o)
{
    return (mio_op *)(void *)((char *)o - offsetof(mio_op, reserved));
}

_Static_assert(sizeof(OVERLAPPED) <= sizeof ((mio_op *)0)->reserved,
               "a record fits into an operation");

/* <<hand it to the kernel>> (1 of 4), book/10-the-same-on-iocp.md: The same on IOCP */
/* The status of a datagram that was cut: a warning, not an error */
#define CUT 0x80000005u                 /* STATUS_BUFFER_OVERFLOW */

/* What the call came to: 0, done at once and without a packet; an error,
   likewise; or WSA_IO_PENDING, its packet will come */
static int handed_over(mio_op *op, int failed)
{
    int error = failed ? WSAGetLastError() : 0;
    if (error == 0 && !(op->socket->flags & AT_ONCE))
        return WSA_IO_PENDING;
    if (error == WSAEMSGSIZE && (uint32_t)record(op)->Internal == CUT)
        return WSA_IO_PENDING;          /* a warning: its packet comes */
    return error;
}
/* <<hand it to the kernel>> (2 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

enum { MOST = 1048576 };        /* bytes of one request */

static WSABUF part_of(const mio_op *op)
{
    WSABUF part;
    size_t left = op->length - op->done;
    part.buf = (char *)op->buffer + op->done;
    part.len = left > MOST ? MOST : (ULONG)left;
    return part;
}

static int request_receive(mio_op *op, DWORD *n)
{
    WSABUF part = part_of(op);
    DWORD flags = 0;
    return handed_over(op, WSARecv(op->socket->native, &part, 1, n, &flags,
                                   record(op), NULL));
}
/* <<hand it to the kernel>> (3 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* The kernel writes the sender's address, and its length, when it has
   them */
static int request_receive_from(mio_op *op, DWORD *n)
{
    WSABUF part = part_of(op);
    DWORD flags = 0;
    mio_address *from = op->with.from;
    if (from != NULL)
        memset(from, 0, sizeof *from);
    if (from == NULL || op->socket->type == MIO_STREAM)
        return request_receive(op, n);
    from->length = sizeof from->storage;
    return handed_over(op, WSARecvFrom(op->socket->native, &part, 1, n,
                           &flags, (void *)from->storage.bytes,
                           (INT *)(void *)&from->length, record(op), NULL));
}
/* <<hand it to the kernel>> (4 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

static int request_send(mio_op *op, DWORD *n)
{
    WSABUF part = part_of(op);
    return handed_over(op, WSASend(op->socket->native, &part, 1, n, 0,
                                   record(op), NULL));
}

static int request_send_to(mio_op *op, DWORD *n)
{
    WSABUF part = part_of(op);
    const void *to = op->with.to->storage.bytes;
    if (mio_address_family(op->with.to) != op->socket->family)
        return WSAEAFNOSUPPORT;
    return handed_over(op, WSASendTo(op->socket->native, &part, 1, n, 0, to,
                           (int)op->with.to->length, record(op), NULL));
}

/* <<connect and accept>> (1 of 4), book/10-the-same-on-iocp.md: The same on IOCP */
static int extension(SOCKET s, GUID id, void *function, DWORD size)
{
    DWORD n = 0;
    int failed = WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
                          sizeof id, function, size, &n, NULL, NULL);
    return failed ? WSAGetLastError() : 0;
}
/* <<connect and accept>> (2 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* ConnectEx is for streams, and takes bound sockets only */
static int request_connect(mio_op *op, DWORD *n)
{
    mio_socket *s = op->socket;
    LPFN_CONNECTEX connect_ex = NULL;
    const void *to = op->with.to->storage.bytes;
    int length = (int)op->with.to->length;
    if (s->flags & CONNECTED)
        return WSAEISCONN;
    if (mio_address_family(op->with.to) != s->family)
        return WSAEAFNOSUPPORT;
    if (s->type == MIO_DATAGRAM)
        return mio__connect_datagram(s, op->with.to);
    int error = mio__bind_any(s);
    if (error == 0)
        error = extension(s->native, (GUID)WSAID_CONNECTEX, &connect_ex,
                          sizeof connect_ex);
    if (error != 0)
        return error;
    return handed_over(op, !connect_ex(s->native, to, length, NULL, 0, n,
                                       record(op)));
}
/* <<connect and accept>> (3 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* The kernel writes two addresses behind a socket that does not exist yet:
   into its part of our structure */
enum { ADDRESS = sizeof(struct sockaddr_in6) + 16 };
_Static_assert(offsetof(mio_socket, queue) + 2 * ADDRESS
                   <= sizeof(mio_socket), "two addresses fit in a socket");
/* <<connect and accept>> (4 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

static int request_accept(mio_op *op, DWORD *n)
{
    mio_socket *listener = op->socket, *s = op->with.accepted;
    LPFN_ACCEPTEX accept_ex = NULL;
    if (listener->type != MIO_STREAM)
        return WSAEOPNOTSUPP;
    int error = extension(listener->native, (GUID)WSAID_ACCEPTEX,
                          &accept_ex, sizeof accept_ex);
    if (error == 0)
        error = mio__open(s, listener->family, MIO_STREAM);
    if (error != 0)
        return error;
    return handed_over(op, !accept_ex(listener->native, s->native,
                &s->queue, 0, ADDRESS, ADDRESS, n, record(op)));
}

/* <<what a request came to>> (1 of 9), book/10-the-same-on-iocp.md: The same on IOCP */
static bool completes(mio_op *op, int64_t result)
{
    op->result = result;
    op->native = 0;
    return true;
}
/* <<what a request came to>> (2 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

/* What the words of a reset mean to who hears them. Of datagrams they are
   ICMP's; a shut has nothing left to end, a connect had no stream. The
   others tell it, once in each direction of the stream */
static int reset_means(mio_op *op, int error)
{
    mio_socket *s = op->socket;
    uint32_t told = (uint32_t)TOLD * op->way;
    if (s->type == MIO_DATAGRAM)
        return error == WSAECONNRESET ? MIO_ECONNREFUSED
                                      : MIO_EUNREACHABLE;
    if (op->kind == OP_SHUT)
        return MIO_ENOTCONN;
    if (op->kind == OP_CONNECT)
        return MIO_ECONNRESET;
    if (s->flags & told)
        return MIO_EPIPE;
    s->flags |= told;
    s->error = error;
    return MIO_ECONNRESET;
}
/* <<what a request came to>> (3 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

static bool receives(const mio_op *op)
{
    return op->kind == OP_RECEIVE || op->kind == OP_RECEIVE_FROM;
}

/* A reset that was kept is told in place of EPIPE. To who receives, EPIPE
   is the end: others shut this half, or the reset has been told */
static bool fails(mio_op *op, int error)
{
    int kept = op->socket->error;
    if (kept != 0 && mio__code(error) == MIO_EPIPE)
        error = kept;
    int code = mio__code(error);
    if (code == MIO_ECONNRESET)
        code = reset_means(op, error);
    if (code == MIO_EPIPE && receives(op))
        return completes(op, 0);
    op->native = error;
    op->result = code;
    return true;
}
/* <<what a request came to>> (4 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

/* Nor is an end told before the reset; only a stream keeps one */
static bool received(mio_op *op, DWORD n)
{
    int kept = op->socket->error;
    op->done = n;
    return n == 0 && kept != 0 ? fails(op, kept)
                               : completes(op, (int64_t)n);
}
/* <<what a request came to>> (5 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

static bool sent(mio_op *op, DWORD n)
{
    op->done += n;
    if (op->kind == OP_SEND_ALL && op->done < op->length)
        return false;
    return completes(op, (int64_t)op->done);
}
/* <<what a request came to>> (6 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

/* A peer that gave up while it waited is passed over */
static bool accepted(mio_op *op, int error)
{
    mio_socket *s = op->with.accepted;
    if (error == 0)
        error = mio__accepted(op->socket, s);
    if (error == 0)
        return completes(op, 0);
    mio__discard(s);
    return error == WSAENOTCONN || mio__code(error) == MIO_ECONNRESET
        ? false : fails(op, error);
}
/* <<what a request came to>> (7 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

static bool connected(mio_op *op, int error)
{
    mio_socket *s = op->socket;
    if (error == 0 && s->type == MIO_STREAM)
        error = mio__update(s->native, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
    if (error == WSAENOTCONN)           /* it was, and is gone */
        error = WSAECONNRESET;
    if (error != 0)
        return fails(op, error);
    if (s->type == MIO_STREAM)
        s->flags |= CONNECTED;
    return completes(op, 0);
}
/* <<what a request came to>> (8 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

/* Nothing more will come: the receive in the kernel ends, and those behind
   it find out in their turn */
static bool was_shut(mio_op *op)
{
    mio_socket *s = op->socket;
    mio_op *first = s->head[READING - 1];
    if (op->length & MIO_SHUT_RECEIVE) {
        s->flags |= NO_MORE;
        if (first != NULL && first->flags & IN_KERNEL
                && first->kind != OP_READY)
            mio__stop(s->queue, first, 0);
    }
    return completes(op, 0);
}
/* <<what a request came to>> (9 of 9), book/10-the-same-on-iocp.md: The same on IOCP */

/* Has it its result? If not, there is more to be requested */
static bool came_to(mio_op *op, int error, DWORD n)
{
    if (op->kind == OP_ACCEPT)
        return accepted(op, error);
    if (op->kind == OP_CONNECT)
        return connected(op, error);
    if (error == WSAEMSGSIZE)
        op->done = n;
    if (error != 0)
        return fails(op, error);
    if (receives(op))
        return received(op, n);
    return op->kind == OP_SHUT ? was_shut(op) : sent(op, n);
}

/* <<a half that was shut>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
/* A half that was shut has no more to give than what is there */
static bool nothing_more(const mio_op *op)
{
    const mio_socket *s = op->socket;
    u_long there = 0;
    return op->way == READING && s->flags & NO_MORE
        && (ioctlsocket(s->native, FIONREAD, &there) != 0 || there == 0);
}

/* <<which request>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
static int request(mio_op *op, DWORD *n)
{
    memset(record(op), 0, sizeof(OVERLAPPED));
    if (nothing_more(op))
        return 0;
    switch (op->kind) {
    case OP_RECEIVE:      return request_receive(op, n);
    case OP_RECEIVE_FROM: return request_receive_from(op, n);
    case OP_SEND_TO:      return request_send_to(op, n);
    case OP_CONNECT:      return request_connect(op, n);
    case OP_ACCEPT:       return request_accept(op, n);
    case OP_SHUT:         return mio__shut(op);
    default:              return request_send(op, n);
    }
}
/* <<which request>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

/* The first request on a socket ties it to the port for life. What is done
   at once has no packet, if that can be had */
static int associate(mio_queue *q, mio_socket *s)
{
    HANDLE handle = (HANDLE)s->native;
    if (s->flags & ASSOCIATED)
        return 0;
    if (CreateIoCompletionPort(handle, q->port, KEY_REQUEST, 0) == NULL)
        return GetLastError() == ERROR_INVALID_PARAMETER
            ? WSAEOPNOTSUPP : (int)GetLastError();
    s->flags |= ASSOCIATED;
    if (s->type == MIO_STREAM && mio__plain(s)
            && SetFileCompletionNotificationModes(handle,
                   FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
                   | FILE_SKIP_SET_EVENT_ON_HANDLE))
        s->flags |= AT_ONCE;
    return 0;
}

/* <<one request for each way>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
/* <<when to wait>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
enum { TURN = 16 };             /* requests in a row for a way */

/* Receives wait for a connect */
static bool must_wait(const mio_op *op)
{
    const mio_op *writer = op->socket->head[WRITING - 1];
    return op->way == READING && writer != NULL
        && writer->kind == OP_CONNECT;
}

/* <<has it its result at once?>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
static int hand_over(mio_queue *q, mio_op *op, DWORD *n)
{
    bool ready = op->kind == OP_READY;
    int error = ready ? mio__poll_begin(q, op->socket)
                      : associate(q, op->socket);
    if (error != 0)
        return error;
    return ready ? WSA_IO_PENDING : request(op, n);
}

/* Has it its result at once? */
static bool start(mio_queue *q, mio_op *op)
{
    DWORD n = 0;
    if (op->flags & GIVEN_UP)
        return true;
    if (op->kind == OP_ACCEPT)
        op->with.accepted->native = INVALID_SOCKET;     /* none yet */
    int error = hand_over(q, op, &n);
    if (error != WSA_IO_PENDING)
        return came_to(op, error, n);
    op->flags |= IN_KERNEL;
    return false;
}
/* <<has it its result at once?>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

static void leave(mio_queue *q, mio_op *op)
{
    op->flags &= (uint8_t)~(IN_KERNEL | GIVEN_UP);
    take_out(op);
    mio__finish(q, op);
}

/* <<hand over the first>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
/* The first in line goes to the kernel, and only the first */
static void proceed(mio_queue *q, mio_socket *s, enum way way)
{
    mio_op *op;
    int turns = 0;
    while ((op = s->head[way - 1]) != NULL && !(op->flags & IN_KERNEL)
            && !must_wait(op)) {
        if (turns++ == TURN) {
            list_again(q, s);
            return;
        }
        if (start(q, op))
            leave(q, op);
    }
}

static void proceed_both(mio_queue *q, mio_socket *s)
{
    proceed(q, s, WRITING);
    proceed(q, s, READING);
}

/* <<begin on a port>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
static void begin(mio_queue *q, mio_op *op)
{
    append(op->socket, op);
    if (op->socket->head[op->way - 1u] == op)
        proceed(q, op->socket, op->way);
}

/* A call into the kernel is dear enough: there is no short way here */
int mio__submit_bytes(mio_queue *q, mio_op *op)
{
    return mio__submit(q, op);
}
/* <<begin on a port>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__begin_first(mio_queue *q, mio_op *op)
{
    mio_socket *s = op->socket;
    if (!(s->flags & IS_OPEN)) {
        mio__end(q, op, MIO_EBADF, WSAEBADF);
        return;
    }
    if (s->queue == NULL)
        join(q, s);
    if (goes_ahead(op)) {               /* not behind those who send */
        came_to(op, mio__shut(op), 0);
        mio__finish(q, op);
    } else {
        begin(q, op);
    }
}

/* <<give up and let go, on a port>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
/* What is in the kernel stays inside until its packet comes */
void mio__stop(mio_queue *q, mio_op *op, int code)
{
    /* <<is it asked for the first time?>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
    bool once = op->kind != OP_CLOSE && !(op->flags & GIVEN_UP);
    /* <<is it asked for the first time?>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */
    if (op->flags & DUE)
        mio__due_remove(q, op);
    if (!once)
        return;
    op->result = code;
    op->native = 0;
    op->flags |= GIVEN_UP;
    if (!(op->flags & IN_KERNEL))
        leave(q, op);
    else if (op->kind == OP_READY)
        mio__poll_stop(q, op->socket);
    else
        CancelIoEx((HANDLE)op->socket->native, record(op));
}
/* <<give up and let go, on a port>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

static void stop_line(mio_queue *q, mio_op *op)
{
    bool wait = op != NULL && op->flags & IN_KERNEL;
    while (op != NULL) {
        mio_op *next = op->next;
        if (wait && !(op->flags & (IN_KERNEL | GIVEN_UP))) {
            op->flags |= GIVEN_UP;
            op->result = MIO_ECANCELED;
            op->native = 0;
        }
        mio__stop(q, op, MIO_ECANCELED);
        op = next;
    }
}

void mio__stop_socket(mio_queue *q, mio_socket *s)
{
    stop_line(q, s->head[READING - 1]);
    stop_line(q, s->head[WRITING - 1]);
}

/* <<close on a port>> (1 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
static mio_op *closing(const mio_socket *s)
{
    return s->reserved[0];
}
/* <<close on a port>> (2 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

/* The last packet has come: the memory is the caller's again */
static void close_if_quiet(mio_queue *q, mio_socket *s)
{
    mio_op *op = closing(s);
    if (op == NULL || s->head[0] != NULL || s->head[1] != NULL
            || mio__polling(s))
        return;
    if (s->queue != NULL)
        mio__release(q, s);
    s->flags = 0;
    s->reserved[0] = NULL;
    mio__finish(q, op);
}
/* <<close on a port>> (3 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__close(mio_queue *q, mio_op *op)
{
    mio_socket *s = op->socket;
    if (!(s->flags & IS_OPEN)) {
        mio__end(q, op, MIO_EBADF, WSAEBADF);
        return;
    }
    s->flags &= ~(uint32_t)IS_OPEN;
    s->reserved[0] = op;
    mio__stop_socket(q, s);
    op->native = mio__close_native(s->native);
    op->result = mio__code(op->native);
    s->native = INVALID_SOCKET;
    close_if_quiet(q, s);
}
/* <<close on a port>> (4 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__release(mio_queue *q, mio_socket *s)
{
    unlist(q, s);
    part(q, s);
    s->flags &= ~(uint32_t)(ASSOCIATED | AT_ONCE | CAREFUL);
}
/* <<close on a port>> (5 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

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
    s->native = INVALID_SOCKET;
    return 0;
}

/* <<who is next?>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
/* Who is next? */
static void go_on(mio_queue *q, mio_socket *s)
{
    proceed_both(q, s);
    close_if_quiet(q, s);
}
/* <<who is next?>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__try_again(mio_queue *q)
{
    mio_socket *s = q->again;
    q->again = NULL;
    while (s != NULL) {
        mio_socket *next = s->again;
        s->flags &= ~(uint32_t)LISTED;
        go_on(q, s);
        s = next;
    }
}

/* <<packets of polls>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
static void polled(mio_queue *q, mio_socket *s)
{
    for (int i = 0; i < 2; i++)
        if (s->head[i] != NULL && s->head[i]->kind == OP_READY
                && s->head[i]->flags & GIVEN_UP)
            leave(q, s->head[i]);
    mio__poll_done(q, s);
    go_on(q, s);
}

/* <<packets>> (1 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
/* Words for a stream that broke: no end */
static bool broke(int error)
{
    int code = mio__code(error);
    return code == MIO_ECONNRESET || code == MIO_ETIMEDOUT
        || code == MIO_EUNREACHABLE;
}
/* <<packets>> (2 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

/* One that was given up has the result that was there before, or the code
   of why it was. The code 0 is that of a shut (was_shut), which would make
   an end of a reset; a close has the same words as a reset */
static bool gave_up(mio_op *op, int error, DWORD n)
{
    int64_t code = op->result;
    bool no_end = code == 0 && broke(error);
    if (no_end && !(op->socket->flags & IS_OPEN))
        return completes(op, MIO_ECANCELED);
    if (no_end || error == WSAEMSGSIZE)         /* cut, and gone */
        return came_to(op, error, n);
    if (error == 0 && came_to(op, 0, n)
            && (op->result >= 0 || receives(op)))
        return true;            /* a reset told to a receive is told */
    if (op->kind == OP_ACCEPT)
        mio__discard(op->with.accepted);
    return code == 0 ? received(op, 0) : completes(op, code);
}
/* <<packets>> (3 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

static void packet(mio_queue *q, OVERLAPPED_ENTRY *e)
{
    mio_op *op = of_record(e->lpOverlapped);
    mio_socket *s = op->socket;
    int error = mio__of_status((long)record(op)->Internal);
    bool given_up = op->flags & GIVEN_UP;
    DWORD n = e->dwNumberOfBytesTransferred;
    op->flags &= (uint8_t)~(IN_KERNEL | GIVEN_UP);
    if (given_up ? gave_up(op, error, n) : came_to(op, error, n))
        leave(q, op);
    go_on(q, s);
}
/* <<packets>> (4 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

static DWORD in_milliseconds(int64_t timeout)
{
    int64_t ms = timeout / 1000000 + (timeout % 1000000 > 0);
    if (timeout < 0)
        return INFINITE;
    return ms >= INFINITE ? INFINITE - 1 : (DWORD)ms;
}
/* <<packets>> (5 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

int mio__select(mio_queue *q, int64_t timeout)
{
    OVERLAPPED_ENTRY *e = q->events;
    ULONG n = 0;
    if (!GetQueuedCompletionStatusEx(q->port, e, (ULONG)q->room, &n,
                                     in_milliseconds(timeout), FALSE)) {
        DWORD error = GetLastError();
        return error == WAIT_TIMEOUT ? 0 : (int)error;
    }
    for (ULONG i = 0; i < n; i++) {
        if (e[i].lpOverlapped == NULL)
            continue;                   /* the bell, or somebody's */
        if (e[i].lpCompletionKey == KEY_REQUEST)
            packet(q, &e[i]);
        else if (e[i].lpCompletionKey == KEY_POLL)
            polled(q, (mio_socket *)(void *)e[i].lpOverlapped);
    }
    return 0;
}

/* <<open the port>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
size_t mio__event_size(void)
{
    return sizeof(OVERLAPPED_ENTRY);
}

int mio__kernel_open(mio_queue *q)
{
    int error = mio__winsock();
    if (error != 0)
        return error;
    q->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    return q->port != NULL ? 0 : (int)GetLastError();
}
/* <<open the port>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__kernel_close(mio_queue *q)
{
    mio__poll_close(q);
    if (q->port != NULL)
        CloseHandle(q->port);
}

/* A packet of our own wakes the owner. It takes memory of the kernel, which
   may be short for a moment; to lose it would be to sleep for ever */
void mio__ring(mio_queue *q)
{
    while (!PostQueuedCompletionStatus(q->port, 0, KEY_RING, NULL))
        Sleep(1);
}
#endif
