/* The model test's plain calls on Windows */
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include "os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 16384, MUCH = 4194304 };

static void need(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "random: %s: error %d\n", what, WSAGetLastError());
    exit(3);
}

void os_begin(void)
{
    WSADATA unused;
    need(WSAStartup(MAKEWORD(2, 2), &unused) == 0, "WSAStartup");
}

int os_signals(void) { return 0; }
int os_descriptors(void) { return -1; }         /* the conformance suite counts them, at a cost */

int64_t os_now(void)
{
    LARGE_INTEGER frequency, count;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    int64_t second = 1000000000, whole = count.QuadPart / frequency.QuadPart;
    return whole * second + count.QuadPart % frequency.QuadPart * second / frequency.QuadPart;
}

void os_nap(int64_t ns)
{
    int64_t until = os_now() + ns;
    if (ns < 100000) SwitchToThread();
    else for (int64_t left = ns; left > 0; left = until - os_now()) Sleep((DWORD)((left + 999999) / 1000000));
}

/* --- sockets -------------------------------------------------------------------------------------- */

static fd unblocked(fd s)
{
    u_long on = 1;
    need(s != NO_FD && ioctlsocket(s, (long)FIONBIO, &on) == 0, "a socket");
    return s;
}

/* And no waiting for more to send (Nagle): what is sent is on its way when the call returns */
void os_room(fd s, bool small)
{
    int size = small ? SMALL : MUCH, on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_SNDBUF, (const char *)&size, sizeof size);
}

fd os_stream(bool small)
{
    fd s = unblocked(socket(AF_INET, SOCK_STREAM, 0));
    os_room(s, small);
    return s;
}

void os_local(fd s, mio_address *a)
{
    int length = sizeof a->storage;
    memset(a, 0, sizeof *a);
    need(getsockname(s, (struct sockaddr *)(void *)a->storage.bytes, &length) == 0, "getsockname");
    a->length = (uint32_t)length;
}

static fd bound(int type, mio_address *a)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd s = unblocked(socket(AF_INET, type, 0));
    need(bind(s, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    os_local(s, a);
    return s;
}

void os_any(mio_address *a) { mio_address_parse(a, "127.0.0.1", 0); }      /* Wine 8 has no other of loopback */

int os_port(fd s)
{
    mio_address a;
    os_local(s, &a);
    return mio_address_port(&a);
}

fd os_listener(mio_address *a)
{
    fd s = bound(SOCK_STREAM, a);
    need(listen(s, 16) == 0, "listen");
    return s;
}

static const struct sockaddr *plain(const mio_address *a) { return (const void *)a->storage.bytes; }

fd os_connected(const mio_address *to)
{
    fd s = socket(AF_INET, SOCK_STREAM, 0);
    need(s != NO_FD && connect(s, plain(to), (int)to->length) == 0, "connect");
    os_room(s, false);
    return unblocked(s);
}

fd os_accept(fd listener)
{
    fd s = accept(listener, NULL, NULL);
    if (s == NO_FD) return NO_FD;
    os_room(s, false);
    return unblocked(s);
}

void os_refusing(mio_address *a)
{
    static mio_address kept;
    if (kept.length == 0) bound(SOCK_STREAM, &kept);    /* until the process ends, so that nobody else gets it */
    *a = kept;
}

/* Two connections fill a backlog of 0 for good under Wine; Windows refuses what comes then, in time */
void os_stuck(mio_address *a)
{
    static mio_address kept;
    if (kept.length == 0) {
        need(listen(bound(SOCK_STREAM, &kept), 0) == 0, "listen");
        for (int i = 0; i < 2; i++) os_connect(os_stream(true), &kept);
    }
    *a = kept;
}

static void tcp_pair(fd pair[2])
{
    static mio_address to;
    static fd listener = NO_FD;
    if (listener == NO_FD) listener = os_listener(&to);
    pair[0] = os_connected(&to);
    while ((pair[1] = os_accept(listener)) == NO_FD) os_nap(10000);
}

static void udp_pair(fd pair[2], bool both)
{
    mio_address a[2];
    for (int i = 0; i < 2; i++) pair[i] = bound(SOCK_DGRAM, &a[i]);
    for (int i = both ? 0 : 1; i < 2; i++)
        need(connect(pair[i], plain(&a[1 - i]), (int)a[1 - i].length) == 0, "connect");
}

void os_pair(enum kind_of_pair kind, fd pair[2], bool small)
{
    if (kind == PAIR_UDP || kind == PAIR_UDP_FREE) {
        udp_pair(pair, kind == PAIR_UDP);
        return;
    }
    tcp_pair(pair);
    os_room(pair[0], small);
    os_room(pair[1], false);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static int code(int error)
{
    switch (error) {
    case WSAEWOULDBLOCK:  return MIO_EAGAIN;
    case WSAECONNRESET: case WSAECONNABORTED: case WSAENETRESET: return MIO_ECONNRESET;
    case WSAESHUTDOWN:    return MIO_EPIPE;
    case WSAENOTCONN:     return MIO_ENOTCONN;
    case WSAEISCONN:      return MIO_EISCONN;
    case WSAECONNREFUSED: return MIO_ECONNREFUSED;
    case WSAEMSGSIZE:     return MIO_EMSGSIZE;
    case WSAEINVAL:       return MIO_EINVAL;
    case WSAENOTSOCK:     return MIO_EBADF;
    case WSAETIMEDOUT:    return MIO_ETIMEDOUT;
    default:              return MIO_ESYSTEM;
    }
}

long os_send(fd s, const void *bytes, size_t length)
{
    int n = send(s, bytes, (int)length, 0);
    return n < 0 ? code(WSAGetLastError()) : n;
}

long os_send_to(fd s, const void *bytes, size_t length, const mio_address *to)
{
    int n = sendto(s, bytes, (int)length, 0, plain(to), (int)to->length);
    return n < 0 ? code(WSAGetLastError()) : n;
}

long os_receive(fd s, void *bytes, size_t length)
{
    int n = recv(s, bytes, (int)length, 0);
    return n < 0 ? code(WSAGetLastError()) : n;
}

int os_connect(fd s, const mio_address *to)
{
    if (connect(s, plain(to), (int)to->length) == 0) return 0;
    return code(WSAGetLastError());
}

int os_connect_result(fd s)
{
    struct timeval none = { 0, 0 };
    fd_set good, bad;
    int error = 0, size = sizeof error;
    FD_ZERO(&good);
    FD_ZERO(&bad);
    FD_SET(s, &good);
    FD_SET(s, &bad);
    need(select(0, NULL, &good, &bad, &none) >= 0, "select");
    if (FD_ISSET(s, &good)) return 0;
    if (!FD_ISSET(s, &bad)) return MIO_EAGAIN;
    need(getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size) == 0, "SO_ERROR");
    return error == 0 ? 0 : code(error);
}

/* What has come can be received after a shut, says the queue; Winsock says that it cannot. So this half stays open here */
int os_shut(fd s, int half)
{
    if (!(half & MIO_SHUT_SEND)) return 0;
    return shutdown(s, SD_SEND) == 0 ? 0 : code(WSAGetLastError());
}

int os_close(fd s) { return closesocket(s) == 0 ? 0 : code(WSAGetLastError()); }

void os_reset(fd s)
{
    struct linger hard = { 1, 0 };
    setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
    closesocket(s);
}

/* select, not WSAPoll, which does not tell of a failed connect before Windows 10 2004 */
void os_poll(struct asked *a, int n)
{
    struct timeval none = { 0, 0 };
    fd_set sets[3];
    int asked = 0;
    for (int k = 0; k < 3; k++) FD_ZERO(&sets[k]);
    for (int i = 0; i < n; i++) {
        a[i].ready = 0;
        if (a[i].fd == NO_FD) continue;
        asked++;
        if (a[i].ways & READS) FD_SET(a[i].fd, &sets[0]);
        for (int k = 1; k < 3; k++) if (a[i].ways & WRITES) FD_SET(a[i].fd, &sets[k]);
    }
    if (asked == 0) return;
    need(select(0, &sets[0], &sets[1], &sets[2], &none) >= 0, "select");
    for (int i = 0; i < n; i++) {
        if (a[i].ways & READS && FD_ISSET(a[i].fd, &sets[0])) a[i].ready |= READS;
        if (a[i].ways & WRITES && (FD_ISSET(a[i].fd, &sets[1]) || FD_ISSET(a[i].fd, &sets[2]))) a[i].ready |= WRITES;
    }
}

/* --- the second thread ---------------------------------------------------------------------------- */

static CRITICAL_SECTION lock;
static CONDITION_VARIABLE changed;
static bool there, acting, ended;
static void (*job_act)(void *), (*job_late)(void *);
static void *job_argument;
static int64_t job_delay, job_patience;

static DWORD WINAPI second(void *unused)
{
    EnterCriticalSection(&lock);
    for (;;) {
        while (!acting) SleepConditionVariableCS(&changed, &lock, INFINITE);
        LeaveCriticalSection(&lock);
        if (job_delay > 0) os_nap(job_delay);
        if (job_act != NULL) job_act(job_argument);
        EnterCriticalSection(&lock);
        int64_t until = os_now() + job_patience;
        while (!ended && os_now() < until) SleepConditionVariableCS(&changed, &lock, (DWORD)((until - os_now()) / 1000000 + 1));
        if (!ended) job_late(job_argument);
        while (!ended) SleepConditionVariableCS(&changed, &lock, INFINITE);
        acting = false;
        WakeAllConditionVariable(&changed);
    }
    return unused == NULL;
}

void job_begin(void (*act)(void *), void *argument, int64_t delay, void (*late)(void *), int64_t patience)
{
    if (!there) InitializeCriticalSection(&lock);
    EnterCriticalSection(&lock);
    if (!there) need(CreateThread(NULL, 0, second, NULL, 0, NULL) != NULL, "a thread");
    there = acting = true;
    ended = false;
    job_act = act;
    job_argument = argument;
    job_delay = delay;
    job_late = late;
    job_patience = patience;
    WakeAllConditionVariable(&changed);
    LeaveCriticalSection(&lock);
}

void job_end(void)
{
    EnterCriticalSection(&lock);
    ended = true;
    WakeAllConditionVariable(&changed);
    while (acting) SleepConditionVariableCS(&changed, &lock, INFINITE);
    LeaveCriticalSection(&lock);
}

/* --- processes ------------------------------------------------------------------------------------ */

void os_limit(int seconds) { (void)seconds; }  /* who started the test has to */

/* In this one: what a program with a finding leaves open stays open, and one that crashes ends the test */
bool os_apart(void (*run)(void *), void *argument, char *why, size_t room)
{
    (void)why, (void)room;
    run(argument);
    return true;
}

void *os_shared(size_t size)
{
    void *p = calloc(1, size);
    need(p != NULL, "memory");
    return p;
}
#else
typedef int not_on_unix;
#endif
