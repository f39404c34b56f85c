/*
 * Do the packets that come from the port equal the requests that owe one? The library calls Windows through pointers
 * that the linker makes, __imp_NAME; conformance.sh compiles it by itself and renames these to __imp_counted_NAME,
 * which are at the end of this file. The suite's own calls stay as they are.
 *
 * A request owes a packet when the kernel took it: it is pending, or was done at once on a handle that has not been told
 * to leave out the packet then; a datagram that was cut is such, too. Each has a record in its operation or socket, which
 * is known here from the call to the packet. What ends a test: a packet for any other record, a second request with one
 * that is out, and an operation or a socket that is given back with one. suite.c compares the numbers.
 */
#include "suite.h"
#include <stdlib.h>

#if defined(_WIN32) && defined(COUNT_PACKETS)
#define INCL_WINSOCK_API_TYPEDEFS 1
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <winternl.h>

/* Queues of several threads come here */
static SRWLOCK lock = SRWLOCK_INIT;
static void enter(void) { AcquireSRWLockExclusive(&lock); }
static void leave(void) { ReleaseSRWLockExclusive(&lock); }

/* --- requests and packets --------------------------------------------------------------------------- */

enum { MOST_OUT = 16384 };

static const void *out[MOST_OUT];       /* records; in no order */
static int         count_out;
static long        requests, packets;

static int place_of(const void *record)
{
    int i = count_out - 1;

    while (i >= 0 && out[i] != record) i--;
    return i;
}

static void first_asked_with(const void *record)
{
    enter();
    bool a_request_with_this_record_is_out = place_of(record) >= 0;
    leave();
    CHECK(!a_request_with_this_record_is_out);
}

static void owes(const void *record)
{
    enter();
    bool room = count_out < MOST_OUT;
    if (room) out[count_out++] = record;
    requests++;
    leave();
    CHECK(room);
}

static void came(const void *record)
{
    enter();
    int place = place_of(record);
    bool this_record_owes_a_packet = place >= 0;
    if (this_record_owes_a_packet) out[place] = out[--count_out];
    packets++;
    leave();
    CHECK(this_record_owes_a_packet);
}

/* Whose memory is the caller's again has no record there that is out */
static void given_back(const void *memory, size_t size)
{
    uintptr_t from = (uintptr_t)memory;
    bool the_kernel_has_nothing_of_it = true;

    enter();
    for (int i = 0; i < count_out; i++)
        if ((uintptr_t)out[i] - from < size) the_kernel_has_nothing_of_it = false;
    leave();
    CHECK(the_kernel_has_nothing_of_it);
}

long requests_made(void)
{
    enter();
    long made = requests;
    leave();
    return made;
}

long packets_taken(void)
{
    enter();
    long taken = packets;
    leave();
    return taken;
}

/* --- ports: which handles are with one, and what is done at once there -------------------------------- */

enum { HANDLES = 1 << 18 };             /* a handle is a multiple of 4 */
enum { NO_PORT, PACKET_ALWAYS, PACKET_IF_PENDING };

static unsigned char handles[HANDLES];  /* a number that is given out again begins anew when it is tied to a port */

static unsigned char *about(HANDLE handle)
{
    uintptr_t i = (uintptr_t)handle / 4;

    CHECK(i < HANDLES);
    return &handles[i];
}

static HANDLE WINAPI counted_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key, DWORD threads)
{
    HANDLE result = CreateIoCompletionPort(handle, port, key, threads);

    if (result != NULL && handle != INVALID_HANDLE_VALUE) *about(handle) = PACKET_ALWAYS;
    return result;
}

static BOOL WINAPI counted_SetFileCompletionNotificationModes(HANDLE handle, UCHAR flags)
{
    if (getenv("SUITE_NO_SKIP") != NULL) return FALSE;  /* as where a layer does not allow it */
    BOOL done = SetFileCompletionNotificationModes(handle, flags);

    if (done && flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) *about(handle) = PACKET_IF_PENDING;
    return done;
}

/* A packet with a record is a request's, whatever its key is. Those that were posted have none */
static BOOL WINAPI counted_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room, ULONG *taken,
                                                       DWORD ms, BOOL alertable)
{
    BOOL done = GetQueuedCompletionStatusEx(port, entries, room, taken, ms, alertable);

    if (!done) return FALSE;
    for (ULONG i = 0; i < *taken; i++)
        if (entries[i].lpOverlapped != NULL) came(entries[i].lpOverlapped);
    return TRUE;
}

/* --- requests on sockets ---------------------------------------------------------------------------- */

static void about_to_ask(SOCKET s, const OVERLAPPED *record)
{
    bool its_packet_has_a_port = *about((HANDLE)s) != NO_PORT;

    CHECK(its_packet_has_a_port);
    first_asked_with(record);
}

/* Without harm to the thread's last error */
static void asked(SOCKET s, const OVERLAPPED *record, bool failed)
{
    static const ULONG cut = 0x80000005;
    int error = WSAGetLastError();
    bool owing = !failed ? *about((HANDLE)s) == PACKET_ALWAYS
        : error == WSA_IO_PENDING || (error == WSAEMSGSIZE && (ULONG)record->Internal == cut);

    if (owing) owes(record);
    WSASetLastError(error);
}

static int WSAAPI counted_WSARecv(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, OVERLAPPED *record,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    about_to_ask(s, record);
    int failed = WSARecv(s, parts, count, n, flags, record, routine);
    asked(s, record, failed != 0);
    return failed;
}

static int WSAAPI counted_WSARecvFrom(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, struct sockaddr *from,
                                      int *length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    about_to_ask(s, record);
    int failed = WSARecvFrom(s, parts, count, n, flags, from, length, record, routine);
    asked(s, record, failed != 0);
    return failed;
}

static int WSAAPI counted_WSASend(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, OVERLAPPED *record,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    about_to_ask(s, record);
    int failed = WSASend(s, parts, count, n, flags, record, routine);
    asked(s, record, failed != 0);
    return failed;
}

static int WSAAPI counted_WSASendTo(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, const struct sockaddr *to,
                                    int length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    about_to_ask(s, record);
    int failed = WSASendTo(s, parts, count, n, flags, to, length, record, routine);
    asked(s, record, failed != 0);
    return failed;
}

/* --- functions that are asked for ------------------------------------------------------------------- */

static LPFN_CONNECTEX connect_ex;
static LPFN_ACCEPTEX  accept_ex;

static BOOL PASCAL counted_ConnectEx(SOCKET s, const struct sockaddr *to, int length, void *bytes, DWORD size, DWORD *n,
                                     OVERLAPPED *record)
{
    about_to_ask(s, record);
    BOOL done = connect_ex(s, to, length, bytes, size, n, record);
    asked(s, record, !done);
    return done;
}

static BOOL PASCAL counted_AcceptEx(SOCKET listener, SOCKET s, void *bytes, DWORD size, DWORD local, DWORD remote, DWORD *n,
                                    OVERLAPPED *record)
{
    about_to_ask(listener, record);
    BOOL done = accept_ex(listener, s, bytes, size, local, remote, n, record);
    asked(listener, record, !done);
    return done;
}

/* Of one provider, they are the same for each socket */
static void keep_extension(const GUID *id, void *function)
{
    static const GUID connects = WSAID_CONNECTEX, accepts = WSAID_ACCEPTEX;
    static const LPFN_CONNECTEX counted_connect = counted_ConnectEx;
    static const LPFN_ACCEPTEX counted_accept = counted_AcceptEx;
    bool connecting = memcmp(id, &connects, sizeof *id) == 0, accepting = memcmp(id, &accepts, sizeof *id) == 0;

    CHECK(connecting || accepting);     /* another is not counted yet */
    enter();
    if (connecting) memcpy(&connect_ex, function, sizeof connect_ex);
    else memcpy(&accept_ex, function, sizeof accept_ex);
    leave();
    if (connecting) memcpy(function, &counted_connect, sizeof counted_connect);
    else memcpy(function, &counted_accept, sizeof counted_accept);
}

static int WSAAPI counted_WSAIoctl(SOCKET s, DWORD code, void *in, DWORD in_size, void *answer, DWORD answer_size, DWORD *n,
                                   OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    int failed = WSAIoctl(s, code, in, in_size, answer, answer_size, n, record, routine);

    if (failed == 0 && code == SIO_GET_EXTENSION_FUNCTION_POINTER) keep_extension(in, answer);
    return failed;
}

/* --- polls: the packet of one has what was given as its context -------------------------------------- */

typedef NTSTATUS NTAPI control(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, ULONG, void *, ULONG, void *, ULONG);
static control *ask_driver;

static NTSTATUS NTAPI counted_NtDeviceIoControlFile(HANDLE driver, HANDLE event, void *routine, void *context,
    IO_STATUS_BLOCK *record, ULONG code, void *in, ULONG in_size, void *answer, ULONG answer_size)
{
    about_to_ask((SOCKET)driver, context);
    NTSTATUS status = ask_driver(driver, event, routine, context, record, code, in, in_size, answer, answer_size);
    bool refused = (ULONG)status >> 30 == 3;
    if (!refused) owes(context);
    return status;
}

static FARPROC WINAPI counted_GetProcAddress(HMODULE module, const char *name)
{
    static control *const counted = counted_NtDeviceIoControlFile;
    FARPROC found = GetProcAddress(module, name);

    if (found != NULL && strcmp(name, "NtDeviceIoControlFile") == 0) {
        memcpy(&ask_driver, &found, sizeof found);
        memcpy(&found, &counted, sizeof counted);
    }
    return found;
}

/* --- what is given back: the library's own functions have another name ------------------------------- */

int uncounted_mio_queue_wait(mio_queue *, mio_op **done, int capacity, int64_t timeout);
int uncounted_mio_socket_detach(mio_socket *, mio_native *);

static bool is_close(const mio_op *op)
{
    mio_socket unused = { 0 };
    mio_op close = { 0 };

    mio_op_close(&close, &unused);
    return op->kind == close.kind;
}

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity, int64_t timeout)
{
    int n = uncounted_mio_queue_wait(q, done, capacity, timeout);

    for (int i = 0; i < n; i++) {
        given_back(done[i], sizeof *done[i]);
        if (is_close(done[i]) && done[i]->result == 0) given_back(done[i]->socket, sizeof *done[i]->socket);
    }
    return n;
}

int mio_socket_detach(mio_socket *s, mio_native *native)
{
    int refused = uncounted_mio_socket_detach(s, native);

    if (refused == 0) given_back(s, sizeof *s);
    return refused;
}

/* --- what the library is linked with ---------------------------------------------------------------- */

extern HANDLE (WINAPI *const __imp_counted_CreateIoCompletionPort)(HANDLE, HANDLE, ULONG_PTR, DWORD);
extern BOOL (WINAPI *const __imp_counted_SetFileCompletionNotificationModes)(HANDLE, UCHAR);
extern BOOL (WINAPI *const __imp_counted_GetQueuedCompletionStatusEx)(HANDLE, OVERLAPPED_ENTRY *, ULONG, ULONG *, DWORD, BOOL);
extern FARPROC (WINAPI *const __imp_counted_GetProcAddress)(HMODULE, const char *);
extern const LPFN_WSARECV __imp_counted_WSARecv;
extern const LPFN_WSARECVFROM __imp_counted_WSARecvFrom;
extern const LPFN_WSASEND __imp_counted_WSASend;
extern const LPFN_WSASENDTO __imp_counted_WSASendTo;
extern const LPFN_WSAIOCTL __imp_counted_WSAIoctl;

HANDLE (WINAPI *const __imp_counted_CreateIoCompletionPort)(HANDLE, HANDLE, ULONG_PTR, DWORD) =
    counted_CreateIoCompletionPort;
BOOL (WINAPI *const __imp_counted_SetFileCompletionNotificationModes)(HANDLE, UCHAR) =
    counted_SetFileCompletionNotificationModes;
BOOL (WINAPI *const __imp_counted_GetQueuedCompletionStatusEx)(HANDLE, OVERLAPPED_ENTRY *, ULONG, ULONG *, DWORD, BOOL) =
    counted_GetQueuedCompletionStatusEx;
FARPROC (WINAPI *const __imp_counted_GetProcAddress)(HMODULE, const char *) = counted_GetProcAddress;
const LPFN_WSARECV __imp_counted_WSARecv = counted_WSARecv;
const LPFN_WSARECVFROM __imp_counted_WSARecvFrom = counted_WSARecvFrom;
const LPFN_WSASEND __imp_counted_WSASend = counted_WSASend;
const LPFN_WSASENDTO __imp_counted_WSASendTo = counted_WSASendTo;
const LPFN_WSAIOCTL __imp_counted_WSAIoctl = counted_WSAIoctl;

#else
long requests_made(void) { return -1; }
long packets_taken(void) { return -1; }
#endif
