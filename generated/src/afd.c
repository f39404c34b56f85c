/* Tangled from book/10-the-same-on-iocp.md: The same on IOCP. Edit the chapter, not this file. */

#include "lines.h"
#if defined(_WIN32)
#include <winsock2.h>
#include <mswsock.h>
#include <windows.h>
#include <winternl.h>
#include <string.h>

/* <<what AFD is asked>> (1 of 3), book/10-the-same-on-iocp.md: The same on IOCP */
/* AFD is the kernel's part of Winsock. What select asks it can be asked
   with this request, which is not documented */
enum { AFD_POLL = 0x00012024, FILE_MUST_EXIST = 1 };

/* What it can be asked for, and what it tells */
enum {
    AFD_RECEIVE = 1, AFD_SEND = 4, AFD_END = 8, AFD_RESET = 16,
    AFD_CLOSED = 32, AFD_ACCEPT = 128, AFD_REFUSED = 256,
    AFD_BROKEN = AFD_RESET | AFD_REFUSED,           /* both ways */
    AFD_READING = AFD_RECEIVE | AFD_ACCEPT | AFD_END | AFD_BROKEN,
    AFD_WRITING = AFD_SEND | AFD_BROKEN
};
/* <<what AFD is asked>> (2 of 3), book/10-the-same-on-iocp.md: The same on IOCP */

/* The request, in the socket: it is the kernel's while one is there */
struct poll {
    IO_STATUS_BLOCK done;
    struct {
        LARGE_INTEGER timeout;
        ULONG    sockets, exclusive;    /* how many follow: one */
        HANDLE   socket;
        ULONG    events;
        NTSTATUS status;
    } asked;
};

_Static_assert(sizeof(struct poll) <= sizeof ((mio_socket *)0)->kernel,
               "a poll fits into mio_socket.kernel");
/* <<what AFD is asked>> (3 of 3), book/10-the-same-on-iocp.md: The same on IOCP */

static struct poll *poll_of(mio_socket *s)
{
    return (struct poll *)(void *)s->kernel;
}

/* <<calls that are not documented>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
/* The kernel's own calls, where there are such */
static struct {
    NTSTATUS (NTAPI *create)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *,
        IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG, ULONG, ULONG,
        void *, ULONG);
    NTSTATUS (NTAPI *control)(HANDLE, HANDLE, void *, void *,
        IO_STATUS_BLOCK *, ULONG, void *, ULONG, void *, ULONG);
    NTSTATUS (NTAPI *cancel)(HANDLE, IO_STATUS_BLOCK *, IO_STATUS_BLOCK *);
} nt;

static void find_call(void *call, const char *name)
{
    FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
    memcpy(call, &found, sizeof found);
}
/* <<calls that are not documented>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

static BOOL CALLBACK find_calls(INIT_ONCE *once, void *p, void **context)
{
    (void)once, (void)p, (void)context;
    find_call(&nt.create, "NtCreateFile");
    find_call(&nt.control, "NtDeviceIoControlFile");
    find_call(&nt.cancel, "NtCancelIoFileEx");
    return nt.create && nt.control && nt.cancel;
}

/* <<open the driver>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
/* A handle to the driver that is no socket: only polls are asked through
   it, so only their packets come with its key. The name's end is free */
static int open_afd(mio_queue *q)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    static wchar_t path[] = L"\\Device\\Afd\\minimio";
    UNICODE_STRING name = { sizeof path - sizeof *path, sizeof path, path };
    OBJECT_ATTRIBUTES about = { .Length = sizeof about,
                                .ObjectName = &name };
    IO_STATUS_BLOCK unused;
    HANDLE afd;
    if (!InitOnceExecuteOnce(&once, find_calls, NULL, NULL))
        return WSAEOPNOTSUPP;
    int error = mio__of_status(nt.create(&afd, SYNCHRONIZE, &about,
        &unused, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE,
        FILE_MUST_EXIST, 0, NULL, 0));
    if (error != 0)
        return mio__code(error) == MIO_ENOMEM ? error : WSAEOPNOTSUPP;
    if (CreateIoCompletionPort(afd, q->port, KEY_POLL, 0) == NULL) {
        error = (int)GetLastError();
        CloseHandle(afd);
        return error;
    }
    q->afd = afd;
    return 0;
}
/* <<open the driver>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__poll_close(mio_queue *q)
{
    if (q->afd != NULL)
        CloseHandle(q->afd);
    q->afd = NULL;
}

/* <<the socket at the bottom>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
static bool below(SOCKET s, DWORD question, SOCKET *base)
{
    DWORD size;
    return WSAIoctl(s, question, NULL, 0, base, sizeof *base, &size, NULL,
                    NULL) == 0;
}
/* <<the socket at the bottom>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

/* AFD knows the sockets of the lowest provider. Those above shall not hide
   them from SIO_BASE_HANDLE; some do, but answer for WSAPoll, layer by
   layer */
static int find_base(SOCKET s, SOCKET *base)
{
    for (int layer = 0; layer < 8; layer++) {
        if (below(s, SIO_BASE_HANDLE, base))
            return 0;
        if (WSAGetLastError() == WSAENOTSOCK)
            return WSAENOTSOCK;
        if (!below(s, SIO_BSP_HANDLE_POLL, base) || *base == s)
            break;
        s = *base;
    }
    return WSAEOPNOTSUPP;
}

/* <<one poll for a socket>> (1 of 4), book/10-the-same-on-iocp.md: The same on IOCP */
/* Ways in which the first in line is a READY */
static unsigned wanted(const mio_socket *s)
{
    unsigned ways = 0;
    for (unsigned way = READING; way <= WRITING; way++)
        if (s->head[way - 1] != NULL && s->head[way - 1]->kind == OP_READY)
            ways |= way;
    return ways;
}
/* <<one poll for a socket>> (2 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* Only what fails at once, as an error, brings no packet */
static int ask_driver(mio_queue *q, mio_socket *s, unsigned ways)
{
    struct poll *p = poll_of(s);
    SOCKET base;
    int error = find_base(s->native, &base);
    if (error == 0 && q->afd == NULL)
        error = open_afd(q);
    if (error != 0)
        return error;
    memset(p, 0, sizeof *p);
    p->done.Status = (NTSTATUS)STATUS_PENDING;
    p->asked.timeout.QuadPart = INT64_MAX;              /* none */
    p->asked.sockets = 1;
    p->asked.socket = (HANDLE)base;
    p->asked.events = AFD_CLOSED
                    | (ways & READING ? (ULONG)AFD_READING : 0)
                    | (ways & WRITING ? (ULONG)AFD_WRITING : 0);
    NTSTATUS status = nt.control(q->afd, NULL, NULL, s, &p->done, AFD_POLL,
        &p->asked, sizeof p->asked, &p->asked, sizeof p->asked);
    if ((ULONG)status >> 30 == 3)
        return mio__of_status(status);
    s->flags |= POLLING;
    s->interest = (uint8_t)ways;
    return 0;
}
/* <<one poll for a socket>> (3 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* A poll cannot be changed, and two on one socket lose events: one that
   covers less is cancelled, and its packet leads to the next */
int mio__poll_begin(mio_queue *q, mio_socket *s)
{
    unsigned ways = wanted(s);
    if (s->flags & POLLING) {
        if (ways & ~(unsigned)s->interest)
            mio__poll_stop(q, s);
        return 0;
    }
    return ways != 0 ? ask_driver(q, s, ways) : 0;
}
/* <<one poll for a socket>> (4 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* Where it was done before, the cancel finds nothing. The packet comes in
   both cases, and what it tells is older than what may be wanted then */
void mio__poll_stop(mio_queue *q, mio_socket *s)
{
    IO_STATUS_BLOCK unused;
    if (!(s->flags & POLLING) || s->interest == 0)
        return;
    s->interest = 0;
    nt.cancel(q->afd, &poll_of(s)->done, &unused);
}

bool mio__polling(const mio_socket *s)
{
    return (s->flags & POLLING) != 0;
}

/* <<the poll's packet>> (1 of 3), book/10-the-same-on-iocp.md: The same on IOCP */
/* Every READY at the head of these ways comes back, with its way or with
   an error */
static void end_all(mio_queue *q, mio_socket *s, unsigned ways, int error)
{
    for (unsigned way = READING; way <= WRITING; way++)
        while (ways & wanted(s) & way) {
            mio_op *op = s->head[way - 1];
            op->flags &= (uint8_t)~IN_KERNEL;
            take_out(op);
            mio__end(q, op, error == 0 ? op->way : mio__code(error), error);
        }
}
/* <<the poll's packet>> (2 of 3), book/10-the-same-on-iocp.md: The same on IOCP */

/* What a poll that was not cancelled tells. Of a request that was
   cancelled by others, as at the end of the thread that made it, nothing */
static void tell(mio_queue *q, mio_socket *s, const struct poll *p)
{
    static const NTSTATUS cancelled = (NTSTATUS)0xC0000120;
    ULONG events = p->asked.sockets > 0 ? p->asked.events : 0;
    unsigned ways = (events & AFD_READING ? READING : 0u)
                  | (events & AFD_WRITING ? WRITING : 0u);
    if (p->done.Status == cancelled)
        return;
    if (p->done.Status < 0)
        end_all(q, s, NOT_NOW, mio__of_status(p->done.Status));
    else if (events & AFD_CLOSED)
        end_all(q, s, NOT_NOW, WSAENOTSOCK);
    else
        end_all(q, s, ways, 0);
}
/* <<the poll's packet>> (3 of 3), book/10-the-same-on-iocp.md: The same on IOCP */

/* Its memory is the socket's again. Those that still wait want the next */
void mio__poll_done(mio_queue *q, mio_socket *s)
{
    bool counts = s->interest != 0;
    s->flags &= ~(uint32_t)POLLING;
    if (counts)
        tell(q, s, poll_of(s));
    int error = mio__poll_begin(q, s);
    if (error != 0)
        end_all(q, s, NOT_NOW, error);
}
#endif
