/* The model of Windows. The library's objects call it in place of the system, see tests/scripted_windows.sh: every
   scripted_ here is in the list of names that it reads */
#define INCL_WINSOCK_API_TYPEDEFS 1
#include "kernel_windows.h"
#include <ws2tcpip.h>
#include <mswsock.h>
#include <winternl.h>
#include <stdlib.h>
#include <string.h>

/* What a poll asks, and is answered in the same place */
struct asked { LARGE_INTEGER timeout; ULONG sockets, exclusive; HANDLE socket; ULONG events; NTSTATUS status; };
enum { EVENTS = (offsetof(struct asked, events) - offsetof(struct asked, sockets)) / sizeof(ULONG) };

enum { SOCKETS = 64, REQUESTS = 256, PACKETS = 1024, PATIENCE = 200, FIRST = 0x4000 };

struct kernel kernel;

static struct { bool open, with_port, skips; ULONG_PTR key; } sockets[SOCKETS];
static struct request out[REQUESTS];
static int count_out, handed[WHATS];
static OVERLAPPED_ENTRY queued[PACKETS];
static int count_queued;
static struct answer { int error; uint32_t status; ULONG n; int times; } answers[WHATS];
static ULONG_PTR key_of_polls;

static HANDLE the_port(void) { return (HANDLE)(uintptr_t)0x100; }
static HANDLE the_driver(void) { return (HANDLE)(uintptr_t)0x200; }

void kernel_begin(void)
{
    kernel = (struct kernel){ .frequency = 10000000, .ticks = 5000000000 };
    memset(sockets, 0, sizeof sockets);
    memset(answers, 0, sizeof answers);
    memset(handed, 0, sizeof handed);
    count_out = count_queued = 0;
}

/* --- sockets --------------------------------------------------------------------------------------------- */

static int place_of(SOCKET s)
{
    uintptr_t i = (s - FIRST) / 4;
    if (s < FIRST || i >= SOCKETS || !sockets[i].open) problem("a call on a socket that is not open");
    return (int)i;
}

bool socket_open(SOCKET s) { return s >= FIRST && (s - FIRST) / 4 < SOCKETS && sockets[(s - FIRST) / 4].open; }

int sockets_open(void)
{
    int n = 0;
    for (int i = 0; i < SOCKETS; i++) n += sockets[i].open;
    return n;
}

int WSAAPI scripted_WSAStartup(WORD version, WSADATA *data)
{
    (void)version, (void)data;
    return 0;
}

/* A number that was in use is given out last */
SOCKET WSAAPI scripted_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info, GROUP group, DWORD flags)
{
    static int last;
    (void)family, (void)type, (void)protocol, (void)info, (void)group, (void)flags;
    for (int i = 0; i < SOCKETS; i++) {
        last = (last + 1) % SOCKETS;
        if (sockets[last].open) continue;
        memset(&sockets[last], 0, sizeof sockets[last]);
        sockets[last].open = true;
        return (SOCKET)(FIRST + 4 * last);
    }
    SetLastError(WSAEMFILE);
    return INVALID_SOCKET;
}

int WSAAPI scripted_ioctlsocket(SOCKET s, long what, u_long *value)
{
    place_of(s);
    if (what == FIONREAD) *value = 0;
    if (what != (long)FIONBIO || kernel.ioctls == 0) return 0;
    kernel.ioctls--;
    SetLastError((DWORD)kernel.ioctl_error);
    return SOCKET_ERROR;
}

int WSAAPI scripted_setsockopt(SOCKET s, int level, int name, const char *value, int size)
{
    (void)size;
    SOCKET listens = s;
    if (level == IPPROTO_IPV6) {                                /* all of them are of IPv4 */
        SetLastError(WSAENOPROTOOPT);
        return SOCKET_ERROR;
    }
    if (name == SO_UPDATE_ACCEPT_CONTEXT) memcpy(&listens, value, sizeof listens);
    if (s == INVALID_SOCKET || listens == INVALID_SOCKET) {     /* it was closed in the meantime */
        SetLastError(WSAENOTSOCK);
        return SOCKET_ERROR;
    }
    place_of(s);
    place_of(listens);
    if (name != SO_UPDATE_ACCEPT_CONTEXT && name != SO_UPDATE_CONNECT_CONTEXT) return 0;
    kernel.updated++;
    if (kernel.updates == 0) return 0;
    kernel.updates--;
    SetLastError((DWORD)kernel.update_error);
    return SOCKET_ERROR;
}

int WSAAPI scripted_getsockopt(SOCKET s, int level, int name, char *value, int *size)
{
    WSAPROTOCOL_INFOW info = { .dwServiceFlags1 = kernel.layered ? 0 : XP1_IFS_HANDLES, .iSocketType = SOCK_STREAM,
                               .iAddressFamily = AF_INET };
    (void)level, (void)name, (void)size;
    place_of(s);
    memcpy(value, &info, sizeof info);
    return 0;
}

static int done_on(SOCKET s)
{
    place_of(s);
    return 0;
}

int WSAAPI scripted_getsockname(SOCKET s, struct sockaddr *name, int *size) { (void)name, (void)size; return done_on(s); }
int WSAAPI scripted_getpeername(SOCKET s, struct sockaddr *name, int *size) { (void)name, (void)size; return done_on(s); }
int WSAAPI scripted_bind(SOCKET s, const struct sockaddr *name, int size) { (void)name, (void)size; return done_on(s); }
int WSAAPI scripted_connect(SOCKET s, const struct sockaddr *to, int size) { (void)to, (void)size; return done_on(s); }
int WSAAPI scripted_listen(SOCKET s, int backlog) { (void)backlog; return done_on(s); }
int WSAAPI scripted_shutdown(SOCKET s, int how) { (void)how; return done_on(s); }

/* What is out comes to its end, sooner or later; a poll hears that the handle is closed */
int WSAAPI scripted_closesocket(SOCKET s)
{
    sockets[place_of(s)].open = false;
    kernel.closes++;
    for (int i = count_out - 1; i >= 0; i--) {
        struct request *r = &out[i];
        if (r->s != s) continue;
        r->cancelled = true;
        if (kernel.cancel != CANCEL_ENDS) continue;
        if (r->what == POLL) finish_poll(r, DONE, 1, AFD_CLOSED);
        else finish(r, CANCELLED, 0);
    }
    return 0;
}

/* --- requests -------------------------------------------------------------------------------------------- */

struct request *the(enum what what, SOCKET s)
{
    for (int i = 0; i < count_out; i++)
        if (out[i].what == what && out[i].s == s) return &out[i];
    problem("no request of kind %d is out", (int)what);
    return NULL;
}

bool is_out(enum what what, SOCKET s)
{
    for (int i = 0; i < count_out; i++)
        if (out[i].what == what && out[i].s == s) return true;
    return false;
}

int requests_out(void) { return count_out; }
struct request *request_number(int n) { return &out[n]; }
int handed_over(enum what what) { return handed[what]; }
int packets(void) { return count_queued; }

/* Also of a packet that nobody has taken */
bool kernel_has(const void *memory, size_t size)
{
    uintptr_t from = (uintptr_t)memory;
    for (int i = 0; i < count_out; i++)
        if ((uintptr_t)out[i].record - from < size) return true;
    for (int i = 0; i < count_queued; i++)
        if (queued[i].lpOverlapped != NULL && (uintptr_t)queued[i].lpOverlapped - from < size) return true;
    return false;
}

void foreign_packet(ULONG_PTR key, void *record, ULONG n)
{
    if (count_queued == PACKETS) problem("too many packets");
    queued[count_queued++] = (OVERLAPPED_ENTRY){ .lpCompletionKey = key, .lpOverlapped = record,
                                                 .dwNumberOfBytesTransferred = n };
}

void packet_first(int n)
{
    OVERLAPPED_ENTRY e = queued[n];
    memmove(&queued[1], &queued[0], (size_t)n * sizeof *queued);
    queued[0] = e;
}

void turn_packets(void) { packet_first(count_queued - 1); }

static void not_out(struct request *r)
{
    memmove(r, r + 1, (size_t)(&out[--count_out] - r) * sizeof *r);
}

void finish(struct request *r, uint32_t status, ULONG n)
{
    OVERLAPPED *o = r->record;
    ULONG_PTR key = sockets[(r->s - FIRST) / 4].key;
    o->Internal = status;
    o->InternalHigh = n;
    not_out(r);
    foreign_packet(key, o, n);
}

void finish_poll(struct request *r, uint32_t status, ULONG handles, ULONG events)
{
    IO_STATUS_BLOCK *done = r->record;
    void *context = r->context;
    done->Status = (NTSTATUS)status;
    if ((int32_t)status >= 0) {
        r->answer[0] = handles;
        r->answer[EVENTS] = events;
    }
    not_out(r);
    foreign_packet(key_of_polls, context, 0);
}

void at_once(enum what what, int error, uint32_t status, ULONG n, int times)
{
    answers[what] = (struct answer){ error, status, n, times };
}

static void is_new(enum what what, SOCKET s, const void *record)
{
    for (int i = 0; i < count_out; i++) {
        if (out[i].record == record) problem("two requests share a record");
        if (out[i].what == what && out[i].s == s) problem("two requests of kind %d are out on one socket", (int)what);
    }
    if (count_out == REQUESTS) problem("too many requests");
    handed[what]++;
}

/* Done at once, refused, or pending. Winsock's answer: is it an error? */
static bool ask(struct request r, DWORD *n)
{
    OVERLAPPED *o = r.record;
    int place = place_of(r.s);
    struct answer *a = &answers[r.what];
    if (!sockets[place].with_port) problem("a request on a socket without a port");
    is_new(r.what, r.s, r.record);
    if (a->times == 0) {
        o->Internal = STILL_PENDING;
        out[count_out++] = r;
        SetLastError(WSA_IO_PENDING);
        return true;
    }
    a->times--;
    o->Internal = a->status;
    o->InternalHigh = a->n;
    if (n != NULL) *n = a->n;
    bool has_packet = a->error == 0 ? !sockets[place].skips : a->status == CUT;
    if (has_packet) foreign_packet(sockets[place].key, o, a->n);
    SetLastError((DWORD)a->error);
    return a->error != 0;
}

int WSAAPI scripted_WSARecv(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, OVERLAPPED *record,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)count, (void)flags, (void)routine;
    return ask((struct request){ .what = RECEIVE, .s = s, .record = record, .length = parts->len }, n) ? SOCKET_ERROR : 0;
}

int WSAAPI scripted_WSARecvFrom(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD *flags, struct sockaddr *from,
    int *length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)from, (void)length;
    return scripted_WSARecv(s, parts, count, n, flags, record, routine);
}

int WSAAPI scripted_WSASend(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, OVERLAPPED *record,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)count, (void)flags, (void)routine;
    return ask((struct request){ .what = SEND, .s = s, .record = record, .length = parts->len }, n) ? SOCKET_ERROR : 0;
}

int WSAAPI scripted_WSASendTo(SOCKET s, WSABUF *parts, DWORD count, DWORD *n, DWORD flags, const struct sockaddr *to,
    int length, OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)to, (void)length;
    return scripted_WSASend(s, parts, count, n, flags, record, routine);
}

static BOOL PASCAL connect_ex(SOCKET s, const struct sockaddr *to, int length, void *bytes, DWORD size, DWORD *n,
    OVERLAPPED *record)
{
    (void)to, (void)length, (void)bytes, (void)size;
    return !ask((struct request){ .what = CONNECT, .s = s, .record = record }, n);
}

static BOOL PASCAL accept_ex(SOCKET listener, SOCKET s, void *bytes, DWORD size, DWORD local, DWORD remote, DWORD *n,
    OVERLAPPED *record)
{
    (void)bytes, (void)size, (void)local, (void)remote;
    place_of(s);
    return !ask((struct request){ .what = ACCEPT, .s = listener, .record = record, .accepted = s }, n);
}

/* A socket of a layer has a number a little higher */
static int socket_below(SOCKET s, bool bottom, SOCKET *answer)
{
    SOCKET layer = s % 4;
    if (++kernel.layers_asked > PATIENCE) problem("it looks for the bottom again and again");
    *answer = bottom ? s - layer : kernel.layers == SAME ? s : s - layer + (layer + 1) % 4;
    if (kernel.layers == MUTE) *answer = INVALID_SOCKET;
    if (kernel.layers != MUTE && (!bottom || (int)layer >= kernel.layers)) return 0;
    SetLastError(WSAEOPNOTSUPP);
    return SOCKET_ERROR;
}

int WSAAPI scripted_WSAIoctl(SOCKET s, DWORD code, void *in, DWORD in_size, void *answer, DWORD size, DWORD *n,
    OVERLAPPED *record, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static const GUID accepts = WSAID_ACCEPTEX;
    static const LPFN_CONNECTEX connect_call = connect_ex;
    static const LPFN_ACCEPTEX accept_call = accept_ex;
    (void)in_size, (void)size, (void)n, (void)record, (void)routine;
    place_of(s);
    if (code == SIO_BASE_HANDLE || code == SIO_BSP_HANDLE_POLL) return socket_below(s, code == SIO_BASE_HANDLE, answer);
    if (code != SIO_GET_EXTENSION_FUNCTION_POINTER) return 0;
    if (memcmp(in, &accepts, sizeof accepts) == 0) memcpy(answer, &accept_call, sizeof accept_call);
    else memcpy(answer, &connect_call, sizeof connect_call);
    return 0;
}

/* What of a request that shall end? */
static bool cancel(const void *record)
{
    kernel.cancels++;
    for (int i = 0; i < count_out; i++) {
        if (out[i].record != record) continue;
        out[i].cancelled = true;
        if (kernel.cancel == CANCEL_ENDS) {
            if (out[i].what == POLL) finish_poll(&out[i], CANCELLED, 0, 0);
            else finish(&out[i], CANCELLED, 0);
        }
        return kernel.cancel != CANCEL_FINDS_NOTHING;
    }
    return false;
}

BOOL WINAPI scripted_CancelIoEx(HANDLE handle, OVERLAPPED *record)
{
    place_of((SOCKET)handle);
    if (cancel(record)) return TRUE;
    SetLastError(ERROR_NOT_FOUND);
    return FALSE;
}

/* --- the driver ------------------------------------------------------------------------------------------ */

static NTSTATUS NTAPI nt_create(HANDLE *file, ACCESS_MASK access, OBJECT_ATTRIBUTES *about, IO_STATUS_BLOCK *done,
    LARGE_INTEGER *size, ULONG attributes, ULONG share, ULONG disposition, ULONG options, void *more, ULONG length)
{
    (void)access, (void)about, (void)done, (void)size, (void)attributes, (void)share, (void)disposition, (void)options,
        (void)more, (void)length;
    *file = the_driver();
    return 0;
}

static NTSTATUS NTAPI nt_control(HANDLE driver, HANDLE event, void *routine, void *context, IO_STATUS_BLOCK *record,
    ULONG code, void *in, ULONG in_size, void *answer, ULONG size)
{
    struct asked a;
    (void)driver, (void)event, (void)routine, (void)code, (void)in_size, (void)size, (void)answer;
    memcpy(&a, in, sizeof a);
    place_of((SOCKET)a.socket);
    if (kernel.poll_refused != 0) return (NTSTATUS)kernel.poll_refused;
    is_new(POLL, (SOCKET)a.socket, record);
    record->Status = (NTSTATUS)STILL_PENDING;
    char *at = in;
    out[count_out++] = (struct request){ .what = POLL, .s = (SOCKET)a.socket, .record = record, .context = context,
        .length = a.events, .answer = (ULONG *)(void *)(at + offsetof(struct asked, sockets)) };
    return (NTSTATUS)STILL_PENDING;
}

static NTSTATUS NTAPI nt_cancel(HANDLE driver, IO_STATUS_BLOCK *which, IO_STATUS_BLOCK *record)
{
    (void)driver, (void)record;
    return cancel(which) ? 0 : (NTSTATUS)NOTHING_FOUND;
}

HMODULE WINAPI scripted_GetModuleHandleW(const WCHAR *name) { return GetModuleHandleW(name); }

FARPROC WINAPI scripted_GetProcAddress(HMODULE module, const char *name)
{
    FARPROC found = NULL;
    (void)module;
    if (strcmp(name, "NtCreateFile") == 0) found = (FARPROC)(void (*)(void))nt_create;
    if (strcmp(name, "NtDeviceIoControlFile") == 0) found = (FARPROC)(void (*)(void))nt_control;
    if (strcmp(name, "NtCancelIoFileEx") == 0) found = (FARPROC)(void (*)(void))nt_cancel;
    return found;
}

BOOL WINAPI scripted_CloseHandle(HANDLE handle)
{
    if (handle == the_driver())
        for (int i = 0; i < count_out; i++)
            if (out[i].what == POLL) problem("the driver is closed, though a poll is out");
    if (handle == the_port() && count_out > 0) problem("the port is closed, though a request is out");
    return TRUE;
}

/* --- the port -------------------------------------------------------------------------------------------- */

HANDLE WINAPI scripted_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key, DWORD threads)
{
    (void)port, (void)threads;
    if (handle == INVALID_HANDLE_VALUE) return the_port();
    if (handle == the_driver()) {
        key_of_polls = key;
        return the_port();
    }
    int place = place_of((SOCKET)handle);
    if (sockets[place].with_port) problem("a socket is tied to the port again");
    sockets[place].with_port = true;
    sockets[place].key = key;
    return the_port();
}

BOOL WINAPI scripted_SetFileCompletionNotificationModes(HANDLE handle, UCHAR flags)
{
    if (kernel.layered) problem("a socket of a layered provider shall leave out packets");
    SetLastError(ERROR_INVALID_PARAMETER);
    if (kernel.no_skipping) return FALSE;
    sockets[place_of((SOCKET)handle)].skips = (flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0;
    return TRUE;
}

BOOL WINAPI scripted_PostQueuedCompletionStatus(HANDLE port, DWORD n, ULONG_PTR key, OVERLAPPED *record)
{
    (void)port;
    kernel.rings++;
    foreign_packet(key, record, n);
    return TRUE;
}

static ULONG take_packets(OVERLAPPED_ENTRY *entries, ULONG room)
{
    ULONG n = (ULONG)count_queued < room ? (ULONG)count_queued : room;
    if (kernel.batch > 0 && n > (ULONG)kernel.batch) n = (ULONG)kernel.batch;
    memcpy(entries, queued, n * sizeof *entries);
    count_queued -= (int)n;
    memmove(queued, queued + n, (size_t)count_queued * sizeof *queued);
    kernel.in_vain = 0;
    return n;
}

/* A time-out comes with a tick: the last before its time, but the next at the earliest */
static void sleep_for(int64_t ns)
{
    int64_t tick = kernel.tick * kernel.frequency / 1000000000;
    int64_t from = kernel.ticks;
    pass_time(ns);
    if (tick == 0) return;
    kernel.ticks -= kernel.ticks % tick;
    if (kernel.ticks <= from) kernel.ticks = from - from % tick + tick;
}

/* Who sleeps has the time pass, or is woken by the script. For ever is too long: nothing can come */
BOOL WINAPI scripted_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room, ULONG *taken, DWORD ms,
    BOOL alertable)
{
    (void)port, (void)alertable;
    kernel.asked++;
    kernel.ms = ms;
    if (count_queued == 0 && ms > 0 && kernel.asleep != NULL) kernel.asleep();
    if (count_queued > 0) {
        *taken = take_packets(entries, room);
        return TRUE;
    }
    if (ms == INFINITE) problem("sleeps for ever");
    if (++kernel.in_vain > PATIENCE) problem("asks again and again");
    if (ms > 0) sleep_for((int64_t)ms * 1000000);
    SetLastError(WAIT_TIMEOUT);
    return FALSE;
}

/* --- the clock ------------------------------------------------------------------------------------------- */

void pass_time(int64_t ns)
{
    kernel.ticks += ns / 1000000000 * kernel.frequency + ns % 1000000000 * kernel.frequency / 1000000000;
}

BOOL WINAPI scripted_QueryPerformanceCounter(LARGE_INTEGER *count)
{
    count->QuadPart = kernel.ticks;
    return TRUE;
}

BOOL WINAPI scripted_QueryPerformanceFrequency(LARGE_INTEGER *second)
{
    second->QuadPart = kernel.frequency;
    return TRUE;
}
