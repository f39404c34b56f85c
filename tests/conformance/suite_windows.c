/* The conformance suite on Windows: peers, threads, time, handles, and a test in a process of its own */
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define _CRT_SECURE_NO_WARNINGS /* Microsoft's compiler: fopen, getenv and their kind are meant as they are */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include "suite.h"
#include "runner.h"
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

static struct sockaddr_in loopback(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* --- the other end of a connection ------------------------------------------------------------------ */

peer peer_connect(const mio_address *to)
{
    struct sockaddr_storage address = { 0 };

    CHECK(to->length <= sizeof address);
    memcpy(&address, to->storage.bytes, to->length);
    SOCKET s = socket(address.ss_family, SOCK_STREAM, 0);
    CHECK(s != INVALID_SOCKET);
    CHECK(connect(s, (struct sockaddr *)&address, (int)to->length) == 0);
    return s;
}

size_t peer_send(peer s, const void *bytes, size_t length)
{
    const char *from = bytes;
    size_t sent = 0;

    while (sent < length) {
        int n = send(s, from + sent, (int)(length - sent), 0);
        if (n < 0) break;
        sent += (size_t)n;
    }
    return sent;
}

size_t peer_receive(peer s, void *bytes, size_t length)
{
    char *to = bytes;
    size_t received = 0;

    while (received < length) {
        int n = recv(s, to + received, (int)(length - received), 0);
        if (n <= 0) break;
        received += (size_t)n;
    }
    return received;
}

void peer_datagram(peer s, const void *bytes, size_t length)
{
    CHECK(send(s, bytes, (int)length, 0) == (int)length);
}

static mio_address nobody;

static SOCKET bound(int type, struct sockaddr_in *address)
{
    SOCKET s = socket(AF_INET, type, 0);
    int length = sizeof *address;

    *address = loopback();
    CHECK(s != INVALID_SOCKET && bind(s, (struct sockaddr *)address, length) == 0);
    CHECK(getsockname(s, (struct sockaddr *)address, &length) == 0);
    return s;
}

static SOCKET connected_to(const struct sockaddr_in *address)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(s != INVALID_SOCKET);
    CHECK(connect(s, (const struct sockaddr *)address, sizeof *address) == 0);
    return s;
}

static void stream_pair(peer pair[2])
{
    struct sockaddr_in address;
    SOCKET listener = bound(SOCK_STREAM, &address);

    CHECK(listen(listener, 1) == 0);
    pair[0] = connected_to(&address);
    pair[1] = accept(listener, NULL, NULL);
    CHECK(pair[1] != INVALID_SOCKET && closesocket(listener) == 0);
}

static void datagram_pair(peer pair[2])
{
    struct sockaddr_in addresses[2];

    for (int i = 0; i < 2; i++) pair[i] = bound(SOCK_DGRAM, &addresses[i]);
    for (int i = 0; i < 2; i++)
        CHECK(connect(pair[i], (struct sockaddr *)&addresses[1 - i], sizeof addresses[0]) == 0);
}

void peer_pair(int type, peer pair[2])
{
    if (type == MIO_STREAM) stream_pair(pair);
    else datagram_pair(pair);
}

void refused_address(mio_address *address) { *address = nobody; }

void peer_shut(peer s) { CHECK(shutdown(s, SD_SEND) == 0); }
void peer_close(peer s) { CHECK(closesocket(s) == 0); }

void peer_reset(peer s)
{
    close_will_reset(s);
    CHECK(closesocket(s) == 0);
}

void peer_urgent(peer s, char byte) { CHECK(send(s, &byte, 1, MSG_OOB) == 1); }

peer peer_copy(peer s)
{
    WSAPROTOCOL_INFOW about;

    CHECK(WSADuplicateSocketW(s, GetCurrentProcessId(), &about) == 0);
    SOCKET copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &about, 0,
                             WSA_FLAG_OVERLAPPED);
    CHECK(copy != INVALID_SOCKET);
    return copy;
}

bool peer_is_open(peer s)
{
    int type, length = sizeof type;

    return getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&type, &length) == 0;
}

void peer_nonblocking(peer s)
{
    u_long on = 1;

    CHECK(ioctlsocket(s, (long)FIONBIO, &on) == 0);
}

bool peer_is_private(peer s)
{
    DWORD flags;
    char byte;

    CHECK(GetHandleInformation((HANDLE)s, &flags));
    return (flags & HANDLE_FLAG_INHERIT) == 0 && recv(s, &byte, 1, 0) < 0 && WSAGetLastError() == WSAEWOULDBLOCK;
}

void close_will_reset(mio_native s)
{
    struct linger now_and_hard = { 1, 0 };

    CHECK(setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&now_and_hard, sizeof now_and_hard) == 0);
}

void small_send_buffer(mio_native s)
{
    int size = 16384;

    CHECK(setsockopt(s, SOL_SOCKET, SO_SNDBUF, (char *)&size, sizeof size) == 0);
}

/* --- threads and time ------------------------------------------------------------------------------- */

static DWORD WINAPI enter(void *argument)
{
    thread *t = argument;
    t->run(t->argument);
    return 0;
}

void start(thread *t, void (*run)(void *), void *argument)
{
    t->run = run;
    t->argument = argument;
    t->reserved[0] = CreateThread(NULL, 0, enter, t, 0, NULL);
    CHECK(t->reserved[0] != NULL);
}

void join(thread *t)
{
    CHECK(WaitForSingleObject(t->reserved[0], INFINITE) == WAIT_OBJECT_0);
    CloseHandle(t->reserved[0]);
}

int64_t now(void)
{
    LARGE_INTEGER frequency, count;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    int64_t second = 1000 * MS, whole = count.QuadPart / frequency.QuadPart;
    return whole * second + count.QuadPart % frequency.QuadPart * second / frequency.QuadPart;
}

/* Sleep counts in milliseconds and may end a little early; what is much shorter only lets others run */
void nap(int64_t ns)
{
    int64_t until = now() + ns, left = ns;

    if (ns < MS / 10) SwitchToThread();
    else for (; left > 0; left = until - now()) Sleep((DWORD)((left + MS - 1) / MS));
}

/* It counts no sleeps: the time of the processor has to tell */
long times_slept(void) { return 0; }

static int64_t nanoseconds(FILETIME t) { return (int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) * 100; }

int64_t processor_time(void)
{
    FILETIME begun, ended, kernel, user;

    CHECK(GetProcessTimes(GetCurrentProcess(), &begun, &ended, &kernel, &user));
    return nanoseconds(kernel) + nanoseconds(user);
}

/* --- counting ---------------------------------------------------------------------------------------
 * GetProcessHandleCount counts what the system opens for itself, too: threads, events, keys of the registry come
 * and go with their first uses, and Wine always says 0. NtQuerySystemInformation tells of every handle in the system,
 * and Wine 8's server crashes over it if a process has none yet or none any more. So this asks of one value after the
 * other what is there, and counts two kinds: those a socket is of, which are files and devices as well, and completion
 * ports. A value is a multiple of 4, and the system gives low ones out first. Winsock's own files are open before the
 * first count, because warm_up has used them. */

typedef LONG WINAPI ask_object(HANDLE, int, void *, ULONG, ULONG *);

enum { TYPE_OF_OBJECT = 2, GAP = 64 };

static ask_object *ask;
static uintptr_t   wanted_values;       /* are asked for; and as far as there are handles, then GAP more */

int descriptors(void)
{
    union {
        struct { USHORT length, room; const WCHAR *text; } name;
        char bytes[1024];
    } type;
    ULONG needed;
    int open = 0, empty = 0;

    if (ask == NULL) return -1;
    for (uintptr_t value = 1; empty < GAP || value <= wanted_values; value++, empty++) {
        if (ask((HANDLE)(4 * value), TYPE_OF_OBJECT, &type, sizeof type, &needed) < 0) continue;
        open += wcscmp(type.name.text, L"File") == 0 || wcscmp(type.name.text, L"IoCompletion") == 0;
        empty = 0;
    }
    return open;
}

int inherited(void)
{
    int count = 0;

    for (uintptr_t value = 4; value < 4096; value += 4) {
        DWORD flags;
        if (GetHandleInformation((HANDLE)value, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0) count++;
    }
    return count;
}

/* What Winsock opens at the first use of a family, of a type and of a thread that waits is open from here on */
static void warm_up(void)
{
    static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
    peer pair[2];
    char byte;

    for (int i = 0; i < 4; i++) {
        SOCKET s = socket(families[i / 2], types[i % 2], 0);
        if (s != INVALID_SOCKET) closesocket(s);
    }
    for (int type = MIO_STREAM; type <= MIO_DATAGRAM; type++) {
        peer_pair(type, pair);
        CHECK(peer_send(pair[0], "x", 1) == 1 && peer_receive(pair[1], &byte, 1) == 1);
        for (int i = 0; i < 2; i++) peer_close(pair[i]);
    }
}

static void prepare_to_count(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = ntdll == NULL ? NULL : GetProcAddress(ntdll, "NtQueryObject");

    if (found != NULL) memcpy(&ask, &found, sizeof ask);
}

/* --- running out of descriptors: there is no limit that a program could set -------------------------- */

void take_descriptors(int spare)
{
    (void)spare;
    suite_skip("Windows sets no limit to handles that a test could reach");
}

void give_descriptors_back(void) { }

bool room_for(int wanted)
{
    wanted_values = GAP + (uintptr_t)wanted;
    return true;
}

/* --- memory under the test's control ---------------------------------------------------------------- */

static size_t granule(void)
{
    SYSTEM_INFO about;

    GetSystemInfo(&about);
    return about.dwPageSize;
}

size_t page_size(void)
{
    static size_t size;

    if (size == 0) size = granule();
    return size;
}

void *pages(size_t count)
{
    void *first = VirtualAlloc(NULL, count * page_size(), MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    CHECK(first != NULL);
    return first;
}

void pages_allow(void *first, size_t count, bool allowed)
{
    DWORD before;

    CHECK(VirtualProtect(first, count * page_size(), allowed ? PAGE_READWRITE : PAGE_NOACCESS, &before));
}

/* --- a test in a process of its own ----------------------------------------------------------------- */

static const char *exception_name(DWORD code)
{
    switch (code) {
    case EXCEPTION_ACCESS_VIOLATION:      return "access violation";
    case EXCEPTION_IN_PAGE_ERROR:         return "in-page error";
    case EXCEPTION_STACK_OVERFLOW:        return "stack overflow";
    case EXCEPTION_ILLEGAL_INSTRUCTION:   return "illegal instruction";
    case EXCEPTION_INT_DIVIDE_BY_ZERO:    return "division by zero";
    case EXCEPTION_BREAKPOINT:            return "breakpoint";
    case 0xC0000008:                      return "invalid handle";
    case 0xC0000374:                      return "heap corruption";
    case 0xC0000409:                      return "stack buffer overrun, or abort";
    default:                              return "exception";
    }
}

/* Instead of a box with a button, or a debugger: where it was, and the end */
static LONG WINAPI end_of_test(EXCEPTION_POINTERS *what)
{
    DWORD code = what->ExceptionRecord->ExceptionCode;

    printf("at %p\n", what->ExceptionRecord->ExceptionAddress);
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), code);
    return EXCEPTION_EXECUTE_HANDLER;
}

void begin_program(void)
{
    WSADATA unused;

    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    SetUnhandledExceptionFilter(end_of_test);
    _setmode(1, _O_BINARY);     /* lines end as they do on Unix */
    _setmode(2, _O_BINARY);
    if (WSAStartup(MAKEWORD(2, 2), &unused) != 0) exit(2);
}

/* Bound and never listening, until the process ends: so nobody else gets the port meanwhile */
void reserve_port(void)
{
    struct sockaddr_in address;

    warm_up();
    prepare_to_count();
    bound(SOCK_STREAM, &address);
    memcpy(nobody.storage.bytes, &address, sizeof address);
    nobody.length = sizeof address;
}

/* What is in it ends with the runner */
static HANDLE the_job(void)
{
    static HANDLE job;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { .BasicLimitInformation = { .LimitFlags =
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE } };

    if (job != NULL) return job;
    job = CreateJobObjectW(NULL, NULL);
    if (job != NULL) SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

/* A file that goes when it is closed: the child's standard output and error, and no other child's */
static HANDLE open_output(void)
{
    char folder[MAX_PATH - 20], path[MAX_PATH];

    if (GetTempPathA(sizeof folder, folder) == 0 || GetTempFileNameA(folder, "mio", 0, path) == 0)
        return INVALID_HANDLE_VALUE;
    return CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
}

static bool start_child(struct process *p, const char *name, HANDLE output)
{
    STARTUPINFOA how = { .cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES, .hStdOutput = output, .hStdError = output };
    PROCESS_INFORMATION child;
    char program[MAX_PATH], line[MAX_PATH + 300];

    if (GetModuleFileNameA(NULL, program, sizeof program) == 0) return false;
    snprintf(line, sizeof line, "\"%s\" -x %s", program, name);
    SetHandleInformation(output, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    BOOL begun = CreateProcessA(program, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &how, &child);
    SetHandleInformation(output, HANDLE_FLAG_INHERIT, 0);
    if (!begun) return false;
    AssignProcessToJobObject(the_job(), child.hProcess);
    ResumeThread(child.hThread);
    CloseHandle(child.hThread);
    p->id = (intptr_t)child.hProcess;
    return true;
}

static bool not_begun(const char *name, const char *what)
{
    printf("#   %s: %s: error %lu\n", name, what, (unsigned long)GetLastError());
    return false;
}

static bool start_with_output(struct process *p, const char *name)
{
    HANDLE output = open_output();

    if (output == INVALID_HANDLE_VALUE) return not_begun(name, "no file for its output");
    if (!start_child(p, name, output)) {
        not_begun(name, "no process");
        CloseHandle(output);
        return false;
    }
    p->output = _fdopen(_open_osfhandle((intptr_t)output, _O_RDWR | _O_BINARY), "r+b");
    return p->output != NULL || not_begun(name, "no stream of its output");
}

/* On a busy machine Wine was seen to refuse the first process of all; what is refused is said, and tried again */
bool process_start(struct process *p, void (*run)(const struct test *), const struct test *t, int seconds)
{
    (void)run;                  /* the program itself, with -x */
    (void)seconds;
    for (int i = 0; i < 3; i++) {
        if (start_with_output(p, t->name)) return true;
        nap(500 * MS);
    }
    return false;
}

/* The number of an exception has its highest bit set, and is below 0 here */
int process_ended(struct process *p)
{
    DWORD status = 0;

    if (WaitForSingleObject((HANDLE)p->id, 0) == WAIT_TIMEOUT) return PROCESS_RUNS;
    BOOL known = GetExitCodeProcess((HANDLE)p->id, &status);
    CloseHandle((HANDLE)p->id);
    return known ? (int)status : PROCESS_LOST;
}

void process_kill(struct process *p)
{
    TerminateProcess((HANDLE)p->id, 1);
    WaitForSingleObject((HANDLE)p->id, 5000);
    CloseHandle((HANDLE)p->id);
}

void process_exit(int status)
{
    fflush(NULL);
    TerminateProcess(GetCurrentProcess(), (UINT)status);        /* as it is, whatever other threads do */
    abort();
}

const char *process_signal(int number)
{
    static char words[60];
    DWORD code = (DWORD)-number;

    snprintf(words, sizeof words, "0x%08lX, %s", (unsigned long)code, exception_name(code));
    return words;
}

#else
typedef int not_on_unix;
#endif
