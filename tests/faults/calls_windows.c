/* The fault seam on Windows. The library calls Windows through pointers that the linker makes, __imp_NAME. For
   tests/faults_windows.sh its objects have other names for them (objcopy --redefine-syms), so the library is built as it
   is, and they come here: each is counted, and the n-th of one kind fails. Every fault_ here is in the list of names that
   the script reads, and has its pointer from there. The driver's calls are asked for by name, AcceptEx and ConnectEx
   through WSAIoctl: these are answered with ours */
#define INCL_WINSOCK_API_TYPEDEFS 1
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <winternl.h>
#include "calls_windows.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define E(name) { name, #name }
#define S(number, name) { (long)number, name }
#define NETWORK E(WSAENETDOWN), E(WSAEINPROGRESS)   /* what Microsoft has for nearly every call of Winsock */

/* What Microsoft's pages have for each; of calls without such a list, want of memory. Left out is what only misuse can
   cause (WSANOTINITIALISED, WSAEFAULT, WSAENOTSOCK) */
const struct row rows[CALLS] = {
    [STARTUP] = { "WSAStartup", { E(WSASYSNOTREADY), E(WSAVERNOTSUPPORTED), E(WSAEINPROGRESS), E(WSAEPROCLIM) } },
    [SOCKET_OF] = { "WSASocketW", { NETWORK, E(WSAEAFNOSUPPORT), E(WSAEMFILE), E(WSAENOBUFS), E(WSAEPROTONOSUPPORT),
        E(WSAEINVALIDPROVIDER), E(WSAEINVALIDPROCTABLE), E(WSAEPROVIDERFAILEDINIT), E(WSAESOCKTNOSUPPORT) } },
    [IOCTL] = { "WSAIoctl", { NETWORK, E(WSAEINVAL), E(WSAEOPNOTSUPP), E(WSAEWOULDBLOCK) } },
    [CONTROL] = { "ioctlsocket", { NETWORK } },
    [SET_OPTION] = { "setsockopt", { NETWORK, E(WSAEINVAL), E(WSAENOPROTOOPT), E(WSAENOTCONN), E(WSAENOBUFS) } },
    [GET_OPTION] = { "getsockopt", { NETWORK, E(WSAEINVAL), E(WSAENOPROTOOPT), E(WSAENOBUFS) } },
    [LOCAL_NAME] = { "getsockname", { NETWORK, E(WSAEINVAL) } },
    [PEER_NAME] = { "getpeername", { NETWORK, E(WSAENOTCONN) } },
    [BIND] = { "bind", { NETWORK, E(WSAEACCES), E(WSAEADDRINUSE), E(WSAEADDRNOTAVAIL), E(WSAEINVAL), E(WSAENOBUFS) } },
    [LISTEN] = { "listen", { NETWORK, E(WSAEADDRINUSE), E(WSAEINVAL), E(WSAEMFILE), E(WSAENOBUFS), E(WSAEOPNOTSUPP) } },
    [CONNECT] = { "connect", { NETWORK, E(WSAEADDRINUSE), E(WSAEADDRNOTAVAIL), E(WSAENETUNREACH), E(WSAEHOSTUNREACH),
        E(WSAENOBUFS), E(WSAEACCES), E(WSAECONNREFUSED), E(WSAETIMEDOUT) } },
    [CONNECT_EX] = { "ConnectEx", { NETWORK, E(WSAEALREADY), E(WSAEADDRNOTAVAIL), E(WSAEADDRINUSE), E(WSAECONNREFUSED),
        E(WSAEINVAL), E(WSAEISCONN), E(WSAENETUNREACH), E(WSAEHOSTUNREACH), E(WSAENOBUFS), E(WSAETIMEDOUT) } },
    [ACCEPT_EX] = { "AcceptEx", { NETWORK, E(WSAECONNRESET), E(WSAEINVAL), E(WSAEMFILE), E(WSAENOBUFS),
        E(WSAEOPNOTSUPP) } },
    [RECEIVE] = { "WSARecv", { NETWORK, E(WSAECONNABORTED), E(WSAECONNRESET), E(WSAEDISCON), E(WSAENETRESET),
        E(WSAENOTCONN), E(WSAEOPNOTSUPP), E(WSAESHUTDOWN), E(WSAETIMEDOUT), E(WSAEWOULDBLOCK), E(WSAENOBUFS),
        E(WSA_OPERATION_ABORTED) } },
    [RECEIVE_FROM] = { "WSARecvFrom", { NETWORK, E(WSAECONNRESET), E(WSAENETRESET), E(WSAEWOULDBLOCK), E(WSAENOBUFS),
        E(WSA_OPERATION_ABORTED) } },
    [SEND] = { "WSASend", { NETWORK, E(WSAECONNABORTED), E(WSAECONNRESET), E(WSAENETRESET), E(WSAENOBUFS),
        E(WSAENOTCONN), E(WSAEOPNOTSUPP), E(WSAESHUTDOWN), E(WSAETIMEDOUT), E(WSAEWOULDBLOCK),
        E(WSA_OPERATION_ABORTED) } },
    [SEND_TO] = { "WSASendTo", { NETWORK, E(WSAEACCES), E(WSAEADDRNOTAVAIL), E(WSAECONNRESET), E(WSAEHOSTUNREACH),
        E(WSAEMSGSIZE), E(WSAENETRESET), E(WSAENETUNREACH), E(WSAENOBUFS), E(WSAEWOULDBLOCK),
        E(WSA_OPERATION_ABORTED) } },
    [SHUT] = { "shutdown", { NETWORK, E(WSAECONNABORTED), E(WSAECONNRESET), E(WSAENOTCONN) } },
    [CLOSE] = { "closesocket", { NETWORK, E(WSAEINTR), E(WSAEWOULDBLOCK) } },
    [NEW_PORT] = { "CreateIoCompletionPort", { E(ERROR_NOT_ENOUGH_MEMORY), E(ERROR_NO_SYSTEM_RESOURCES),
        E(ERROR_COMMITMENT_LIMIT) } },
    [ASSOCIATE] = { "CreateIoCompletionPort of a handle", { E(ERROR_INVALID_PARAMETER), E(ERROR_NOT_ENOUGH_MEMORY),
        E(ERROR_NO_SYSTEM_RESOURCES) } },
    [MODES] = { "SetFileCompletionNotificationModes", { E(ERROR_INVALID_PARAMETER), E(ERROR_NOT_SUPPORTED) } },
    [DEQUEUE] = { "GetQueuedCompletionStatusEx", { E(WAIT_TIMEOUT), E(ERROR_NOT_ENOUGH_MEMORY),
        E(ERROR_NO_SYSTEM_RESOURCES), E(ERROR_NOT_ENOUGH_QUOTA) } },
    [POST] = { "PostQueuedCompletionStatus", { E(ERROR_NOT_ENOUGH_MEMORY), E(ERROR_NO_SYSTEM_RESOURCES) } },
    [CANCEL] = { "CancelIoEx", { E(ERROR_NOT_FOUND) } },
    [MODULE] = { "GetModuleHandleW", { E(ERROR_MOD_NOT_FOUND) } },
    [ADDRESS_OF] = { "GetProcAddress", { E(ERROR_PROC_NOT_FOUND) } },
    [NT_CREATE] = { "NtCreateFile", { S(0xC000009A, "STATUS_INSUFFICIENT_RESOURCES"), S(0xC0000022, "STATUS_ACCESS_DENIED"),
        S(0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND"), S(0xC000011F, "STATUS_TOO_MANY_OPENED_FILES") } },
    [NT_CONTROL] = { "NtDeviceIoControlFile", { S(0xC000009A, "STATUS_INSUFFICIENT_RESOURCES"),
        S(0xC0000017, "STATUS_NO_MEMORY"), S(0xC0000044, "STATUS_QUOTA_EXCEEDED"),
        S(0xC0000010, "STATUS_INVALID_DEVICE_REQUEST"), S(0xC0000120, "STATUS_CANCELLED") } },
    [NT_CANCEL] = { "NtCancelIoFileEx", { S(0xC0000225, "STATUS_NOT_FOUND") } },
    [HANDLE_INFORMATION] = { "GetHandleInformation", { E(ERROR_INVALID_HANDLE) } },
    [THREAD] = { "CreateThread", { E(ERROR_NOT_ENOUGH_MEMORY), E(ERROR_MAX_THRDS_REACHED) } },
    [LOOK_UP] = { "getaddrinfo", { E(EAI_AGAIN), E(EAI_FAIL), E(EAI_MEMORY), E(EAI_NONAME), E(WSANO_DATA),
        E(EAI_FAMILY), E(EAI_SERVICE) } },
    [MEMORY] = { "calloc", { E(ERROR_NOT_ENOUGH_MEMORY) } },
};

struct fault fault;

/* Is it the n-th? Any thread */
static bool fails(enum call call)
{
    long n = InterlockedIncrement(&fault.count[call]), nth = fault.nth;
    if (call != fault.call || nth == 0 || n < nth || (n > nth && !fault.lasts) || fault.struck >= MOST_FAILURES)
        return false;
    InterlockedIncrement(&fault.struck);
    SetLastError((DWORD)fault.error);       /* which is Winsock's, too */
    return true;
}

/* --- handles ------------------------------------------------------------------------------------------- */

enum { HANDLES = 65536 };                   /* a handle is a multiple of 4 */
static long is_open[HANDLES];

static long *place_of(const void *handle)
{
    uintptr_t i = (uintptr_t)handle / 4;
    if (i >= HANDLES) abort();
    return &is_open[i];
}

void handle_opened(const void *handle) { InterlockedExchange(place_of(handle), 1); }
void handle_closed(const void *handle) { InterlockedExchange(place_of(handle), 0); }

long open_handles(void)
{
    long n = 0;
    for (int i = 0; i < HANDLES; i++) n += is_open[i];
    return n;
}

static HANDLE opened(HANDLE handle)
{
    if (handle != NULL && handle != INVALID_HANDLE_VALUE) handle_opened(handle);
    return handle;
}

BOOL WINAPI fault_CloseHandle(HANDLE handle)
{
    handle_closed(handle);
    BOOL closed = CloseHandle(handle);
    if (!closed) fault.closed_twice++;
    return closed;
}

/* --- sockets ------------------------------------------------------------------------------------------- */

int WSAAPI fault_WSAStartup(WORD version, WSADATA *data)
{
    return fails(STARTUP) ? (int)fault.error : WSAStartup(version, data);
}

SOCKET WSAAPI fault_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info, GROUP group, DWORD flags)
{
    if (fails(SOCKET_OF)) return INVALID_SOCKET;
    return (SOCKET)opened((HANDLE)WSASocketW(family, type, protocol, info, group, flags));
}

/* Whatever it says, the socket is closed, but for one that would block */
int WSAAPI fault_closesocket(SOCKET s)
{
    bool failing = fails(CLOSE);
    if (failing && fault.error == WSAEWOULDBLOCK) {
        fault.nth = 0;                      /* its time to linger is taken away */
        return SOCKET_ERROR;
    }
    handle_closed((HANDLE)s);
    int result = closesocket(s);
    if (result != 0) fault.closed_twice++;
    if (!failing) return result;
    WSASetLastError((int)fault.error);
    return SOCKET_ERROR;
}

int WSAAPI fault_ioctlsocket(SOCKET s, long what, u_long *value)
{
    return fails(CONTROL) ? SOCKET_ERROR : ioctlsocket(s, what, value);
}

int WSAAPI fault_setsockopt(SOCKET s, int level, int name, const char *value, int size)
{
    struct linger how = { 0, 0 };
    if (level == SOL_SOCKET && name == SO_LINGER) memcpy(&how, value, sizeof how);
    if (how.l_onoff != 0 && how.l_linger == 0) fault.resets++;
    return fails(SET_OPTION) ? SOCKET_ERROR : setsockopt(s, level, name, value, size);
}

int WSAAPI fault_getsockopt(SOCKET s, int level, int name, char *value, int *size)
{
    return fails(GET_OPTION) ? SOCKET_ERROR : getsockopt(s, level, name, value, size);
}

int WSAAPI fault_getsockname(SOCKET s, struct sockaddr *name, int *size)
{
    return fails(LOCAL_NAME) ? SOCKET_ERROR : getsockname(s, name, size);
}

int WSAAPI fault_getpeername(SOCKET s, struct sockaddr *name, int *size)
{
    return fails(PEER_NAME) ? SOCKET_ERROR : getpeername(s, name, size);
}

int WSAAPI fault_bind(SOCKET s, const struct sockaddr *name, int size)
{
    return fails(BIND) ? SOCKET_ERROR : bind(s, name, size);
}

int WSAAPI fault_listen(SOCKET s, int backlog)
{
    return fails(LISTEN) ? SOCKET_ERROR : listen(s, backlog);
}

int WSAAPI fault_connect(SOCKET s, const struct sockaddr *to, int size)
{
    return fails(CONNECT) ? SOCKET_ERROR : connect(s, to, size);
}

int WSAAPI fault_shutdown(SOCKET s, int how)
{
    return fails(SHUT) ? SOCKET_ERROR : shutdown(s, how);
}

/* --- requests ------------------------------------------------------------------------------------------ */

int WSAAPI fault_WSARecv(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, OVERLAPPED *record,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return fails(RECEIVE) ? SOCKET_ERROR : WSARecv(s, parts, count, n, flags, record, routine);
}

int WSAAPI fault_WSARecvFrom(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, struct sockaddr *from,
    int *length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return fails(RECEIVE_FROM) ? SOCKET_ERROR
        : WSARecvFrom(s, parts, count, n, flags, from, length, record, routine);
}

int WSAAPI fault_WSASend(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, OVERLAPPED *record,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return fails(SEND) ? SOCKET_ERROR : WSASend(s, parts, count, n, flags, record, routine);
}

int WSAAPI fault_WSASendTo(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, const struct sockaddr *to,
    int length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return fails(SEND_TO) ? SOCKET_ERROR : WSASendTo(s, parts, count, n, flags, to, length, record, routine);
}

/* Functions that are asked for: of one provider, they are the same for each socket */
static LPFN_CONNECTEX connect_ex;
static LPFN_ACCEPTEX accept_ex;

static BOOL PASCAL fails_connect_ex(SOCKET s, const struct sockaddr *to, int length, void *bytes, DWORD size, DWORD *n,
    OVERLAPPED *record)
{
    return fails(CONNECT_EX) ? FALSE : connect_ex(s, to, length, bytes, size, n, record);
}

static BOOL PASCAL fails_accept_ex(SOCKET listener, SOCKET s, void *bytes, DWORD size, DWORD local, DWORD remote, DWORD *n,
    OVERLAPPED *record)
{
    return fails(ACCEPT_EX) ? FALSE : accept_ex(listener, s, bytes, size, local, remote, n, record);
}

static void exchange_extension(const GUID *id, void *function)
{
    static const GUID accepts = WSAID_ACCEPTEX;
    static const LPFN_CONNECTEX ours_connect = fails_connect_ex;
    static const LPFN_ACCEPTEX ours_accept = fails_accept_ex;
    if (memcmp(id, &accepts, sizeof *id) == 0) {
        memcpy(&accept_ex, function, sizeof accept_ex);
        memcpy(function, &ours_accept, sizeof ours_accept);
    } else {
        memcpy(&connect_ex, function, sizeof connect_ex);
        memcpy(function, &ours_connect, sizeof ours_connect);
    }
}

int WSAAPI fault_WSAIoctl(SOCKET s, DWORD code, void *in, DWORD in_size, void *answer, DWORD size, DWORD *n,
    OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    int failed = fails(IOCTL) ? SOCKET_ERROR : WSAIoctl(s, code, in, in_size, answer, size, n, record, routine);
    if (failed == 0 && code == SIO_GET_EXTENSION_FUNCTION_POINTER) exchange_extension(in, answer);
    return failed;
}

/* It found nothing: then what it looked for has been done, which here it makes sure of */
BOOL WINAPI fault_CancelIoEx(HANDLE handle, OVERLAPPED *record)
{
    BOOL done = CancelIoEx(handle, record);
    return fails(CANCEL) ? FALSE : done;
}

/* --- the port ------------------------------------------------------------------------------------------ */

HANDLE WINAPI fault_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key, DWORD threads)
{
    bool is_new = handle == INVALID_HANDLE_VALUE;
    if (fails(is_new ? NEW_PORT : ASSOCIATE)) return NULL;
    HANDLE result = CreateIoCompletionPort(handle, port, key, threads);
    return is_new ? opened(result) : result;
}

BOOL WINAPI fault_SetFileCompletionNotificationModes(HANDLE handle, UCHAR flags)
{
    return fails(MODES) ? FALSE : SetFileCompletionNotificationModes(handle, flags);
}

BOOL WINAPI fault_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room, ULONG *taken, DWORD ms,
    BOOL alertable)
{
    return fails(DEQUEUE) ? FALSE : GetQueuedCompletionStatusEx(port, entries, room, taken, ms, alertable);
}

BOOL WINAPI fault_PostQueuedCompletionStatus(HANDLE port, DWORD n, ULONG_PTR key, OVERLAPPED *record)
{
    return fails(POST) ? FALSE : PostQueuedCompletionStatus(port, n, key, record);
}

/* --- the driver ---------------------------------------------------------------------------------------- */

typedef NTSTATUS NTAPI create(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG,
    ULONG, ULONG, void *, ULONG);
typedef NTSTATUS NTAPI control(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, ULONG, void *, ULONG, void *, ULONG);
typedef NTSTATUS NTAPI cancel(HANDLE, IO_STATUS_BLOCK *, IO_STATUS_BLOCK *);
static create *nt_create;
static control *nt_control;
static cancel *nt_cancel;

static NTSTATUS NTAPI fails_create(HANDLE *file, ACCESS_MASK access, OBJECT_ATTRIBUTES *about, IO_STATUS_BLOCK *done,
    LARGE_INTEGER *size, ULONG attributes, ULONG share, ULONG disposition, ULONG options, void *more, ULONG length)
{
    if (fails(NT_CREATE)) return (NTSTATUS)fault.error;
    NTSTATUS status = nt_create(file, access, about, done, size, attributes, share, disposition, options, more, length);
    if (status >= 0) handle_opened(*file);
    return status;
}

static NTSTATUS NTAPI fails_control(HANDLE driver, HANDLE event, void *routine, void *context, IO_STATUS_BLOCK *record,
    ULONG code, void *in, ULONG in_size, void *answer, ULONG size)
{
    return fails(NT_CONTROL) ? (NTSTATUS)fault.error
        : nt_control(driver, event, routine, context, record, code, in, in_size, answer, size);
}

/* As CancelIoEx */
static NTSTATUS NTAPI fails_cancel(HANDLE driver, IO_STATUS_BLOCK *which, IO_STATUS_BLOCK *record)
{
    NTSTATUS status = nt_cancel(driver, which, record);
    return fails(NT_CANCEL) ? (NTSTATUS)fault.error : status;
}

HMODULE WINAPI fault_GetModuleHandleW(const WCHAR *name)
{
    return fails(MODULE) ? NULL : GetModuleHandleW(name);
}

/* exchange FOUND THEIRS OURS SIZE: ours is given, theirs is kept */
static void exchange(FARPROC *found, void *theirs, const void *ours)
{
    memcpy(theirs, found, sizeof *found);
    memcpy(found, ours, sizeof *found);
}

FARPROC WINAPI fault_GetProcAddress(HMODULE module, const char *name)
{
    static create *const ours_create = fails_create;
    static control *const ours_control = fails_control;
    static cancel *const ours_cancel = fails_cancel;
    FARPROC found = fails(ADDRESS_OF) || module == NULL ? NULL : GetProcAddress(module, name);
    if (found == NULL) return NULL;
    if (strcmp(name, "NtCreateFile") == 0) exchange(&found, &nt_create, &ours_create);
    else if (strcmp(name, "NtDeviceIoControlFile") == 0) exchange(&found, &nt_control, &ours_control);
    else if (strcmp(name, "NtCancelIoFileEx") == 0) exchange(&found, &nt_cancel, &ours_cancel);
    return found;
}

/* --- other things -------------------------------------------------------------------------------------- */

BOOL WINAPI fault_GetHandleInformation(HANDLE handle, DWORD *flags)
{
    return fails(HANDLE_INFORMATION) ? FALSE : GetHandleInformation(handle, flags);
}

HANDLE WINAPI fault_CreateThread(SECURITY_ATTRIBUTES *security, SIZE_T stack, LPTHREAD_START_ROUTINE run, void *argument,
    DWORD flags, DWORD *id)
{
    return fails(THREAD) ? NULL : opened(CreateThread(security, stack, run, argument, flags, id));
}

/* The answer is memory, too */
int WSAAPI fault_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **found)
{
    int error = fails(LOOK_UP) ? (int)fault.error : getaddrinfo(host, port, wanted, found);
    if (error == 0) InterlockedIncrement(&fault.memory);
    return error;
}

void WSAAPI fault_freeaddrinfo(struct addrinfo *found)
{
    InterlockedDecrement(&fault.memory);
    freeaddrinfo(found);
}

void *fault_calloc(size_t count, size_t size)
{
    void *memory = fails(MEMORY) ? NULL : calloc(count, size);
    if (memory != NULL) InterlockedIncrement(&fault.memory);
    return memory;
}

void fault_free(void *memory)
{
    if (memory != NULL) InterlockedDecrement(&fault.memory);
    free(memory);
}
