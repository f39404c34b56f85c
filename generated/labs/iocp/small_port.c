/* Tangled from book/10-the-same-on-iocp.md: The same on IOCP. Edit the chapter, not this file. */

/* <<what a lab of this chapter begins with, on Windows>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <<a loopback address>> (1 of 1), book/01-waiting.md: Waiting */
static struct sockaddr_in loopback(int port_number)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port_number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* <<a lab ends when a call fails>> (1 of 1), book/07-iocp.md: IOCP */
/* <<a windows error as a word>> (1 of 1), book/07-iocp.md: IOCP */
static const char *word(int error)
{
    switch (error) {
    case 0:                       return "ok";
    case WSA_IO_PENDING:          return "pending";
    case WSA_OPERATION_ABORTED:   return "ERROR_OPERATION_ABORTED";
    case WAIT_TIMEOUT:            return "the time is up";
    case ERROR_NOT_FOUND:         return "ERROR_NOT_FOUND";
    case ERROR_NETNAME_DELETED:   return "ERROR_NETNAME_DELETED";
    case ERROR_INVALID_PARAMETER: return "ERROR_INVALID_PARAMETER";
    case ERROR_ABANDONED_WAIT_0:  return "ERROR_ABANDONED_WAIT_0";
    case WSAEINVAL:               return "WSAEINVAL";
    case WSAECONNRESET:           return "WSAECONNRESET";
    case WSAECONNREFUSED:         return "WSAECONNREFUSED";
    default:                      return sys_error_text(error);
    }
}

static void need(bool good, const char *call)
{
    if (good)
        return;
    printf("%s: %s\n", call, word(sys_error()));
    exit(1);
}

static SOCKET here, there;

/* <<make a connection>> (1 of 1), book/07-iocp.md: IOCP */
static void connect_ends(void)
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    int size = sizeof at;
    need(sys_start() == 0, "WSAStartup");
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, address, size) == 0
         && listen(listener, 1) == 0
         && getsockname(listener, address, &size) == 0, "listen");
    there = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(there, address, size) == 0, "connect");
    here = accept(listener, NULL, NULL);
    need(here != INVALID_SOCKET, "accept");
    closesocket(listener);
}

/* <<the smallest queue on a port>> (1 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
static HANDLE port;

struct mio_queue {
    mio_op *first, **last;          /* finished */
};

enum { SMALL_RECEIVE = 1, SMALL_SEND };

static void finish(mio_queue *q, mio_op *op, long result)
{
    op->result = result;
    op->next = NULL;
    *q->last = op;
    q->last = &op->next;
}
/* <<the smallest queue on a port>> (2 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_queue_submit(mio_queue *q, mio_op *op)
{
    WSABUF part = { (ULONG)op->length, op->buffer };
    OVERLAPPED *o = (OVERLAPPED *)(void *)op->reserved;
    DWORD n = 0, flags = 0;
    SOCKET s = op->socket->native;
    memset(o, 0, sizeof *o);
    int bad = op->kind == SMALL_RECEIVE
        ? WSARecv(s, &part, 1, &n, &flags, o, NULL)
        : WSASend(s, &part, 1, &n, 0, o, NULL);
    if (bad == 0 || WSAGetLastError() != WSA_IO_PENDING)
        finish(q, op, bad ? MIO_ESYSTEM : (long)n);
    return 0;
}
/* <<the smallest queue on a port>> (3 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity,
                   int64_t timeout)
{
    DWORD n, ms = timeout < 0 ? INFINITE : (DWORD)(timeout / SYS_MS);
    ULONG_PTR key;
    OVERLAPPED *o = NULL;
    if (q->first == NULL) {
        BOOL good = GetQueuedCompletionStatus(port, &n, &key, &o, ms);
        if (o != NULL)
            finish(q, CONTAINING_RECORD(o, mio_op, reserved),
                   good ? (long)n : MIO_ESYSTEM);
    }
    int given = 0;
    while (given < capacity && q->first != NULL) {
        done[given++] = q->first;
        q->first = q->first->next;
    }
    if (q->first == NULL)
        q->last = &q->first;
    return given;
}
/* <<the smallest queue on a port>> (4 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_queue_open(mio_queue **q, const mio_options *options)
{
    static mio_queue only;
    (void)options;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    need(port != NULL, "CreateIoCompletionPort");
    only.last = &only.first;
    *q = &only;
    return 0;
}

int mio_socket_adopt(mio_socket *s, mio_native native)
{
    s->native = native;
    need(CreateIoCompletionPort((HANDLE)native, port, 0, 0) == port
         && SetFileCompletionNotificationModes((HANDLE)native,
                FILE_SKIP_COMPLETION_PORT_ON_SUCCESS), "adopt");
    return 0;
}
/* <<the smallest queue on a port>> (5 of 5), book/10-the-same-on-iocp.md: The same on IOCP */

void mio_op_receive(mio_op *op, mio_socket *s, void *to, size_t length)
{
    op->kind = SMALL_RECEIVE;
    op->socket = s;
    op->buffer = to;
    op->length = length;
}

/* <<receive twice>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
int main(void)
{
    static mio_op first, second, *done[2];
    static mio_socket ours;
    static char text[8];
    const volatile char *seen = text;
    mio_queue *q;
    connect_ends();
    need(mio_queue_open(&q, NULL) == 0, "open");
    mio_socket_adopt(&ours, here);
    /* <<two receives, and data between them>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
    mio_op_receive(&first, &ours, text, 3);
    mio_op_receive(&second, &ours, text + 4, 3);
    mio_queue_submit(q, &first);
    send(there, "onetwo", 6, 0);
    for (int i = 0; i < 100 && seen[2] != 'e'; i++)
        SleepEx(10, TRUE);              /* TRUE: let Wine deliver meanwhile */
    mio_queue_submit(q, &second);
    for (int n, left = 2; left > 0; left -= n) {
        n = mio_queue_wait(q, done, 2, -1);
        for (int i = 0; i < n; i++)
            printf("%s: %.3s\n", done[i] == &first ? "first" : "second",
                   done[i] == &first ? text : text + 4);
    }
    return 0;
}
