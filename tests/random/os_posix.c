/* The model test's plain calls on Unix */
#if !defined(_WIN32)
#define _GNU_SOURCE
#include "os.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SMALL = 16384, MUCH = 4194304, HANGS = 77 };

static volatile sig_atomic_t signals;

static void count(int number)
{
    (void)number;
    signals++;
}

static void need(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "random: %s: %s\n", what, strerror(errno));
    exit(3);
}

void os_begin(void) { signal(SIGPIPE, count); }
int os_signals(void) { return signals; }

int64_t os_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void os_nap(int64_t ns)
{
    struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    nanosleep(&t, NULL);
}

int os_descriptors(void)
{
    struct pollfd fds[128];
    int open = 0;
    for (int i = 0; i < 128; i++) fds[i] = (struct pollfd){ .fd = i };
    poll(fds, 128, 0);
    for (int i = 0; i < 128; i++) open += (fds[i].revents & POLLNVAL) == 0;
    return open;
}

/* --- sockets -------------------------------------------------------------------------------------- */

static fd unblocked(fd s)
{
    need(s >= 0 && fcntl(s, F_SETFL, O_NONBLOCK) == 0, "a socket");
    return s;
}

/* And no waiting for more to send (Nagle): what is sent is on its way when the call returns */
void os_room(fd s, bool small)
{
    int size = small ? SMALL : MUCH, on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

fd os_stream(bool small)
{
    fd s = unblocked(socket(AF_INET, SOCK_STREAM, 0));
    os_room(s, small);
    return s;
}

static fd bound_at(uint32_t host, int type, mio_address *a)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(host) };
    fd s = unblocked(socket(AF_INET, type, 0));
    need(bind(s, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    os_local(s, a);
    return s;
}

/* Each at an address of its own, of the 16 million of loopback: a port that was given back is soon another's, who would
   hear what is sent to the one before; and other programs of this machine try ports, too */
static uint32_t own_host(void)
{
    static uint32_t hosts;
    return INADDR_LOOPBACK + 0x10000 + ((uint32_t)getpid() % 250 << 16 | hosts++ % 65000);
}

static fd bound(int type, mio_address *a) { return bound_at(own_host(), type, a); }

void os_any(mio_address *a)
{
    struct in_addr host = { htonl(own_host()) };
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &host, text, sizeof text);
    mio_address_parse(a, text, 0);
}

void os_local(fd s, mio_address *a)
{
    socklen_t length = sizeof a->storage;
    memset(a, 0, sizeof *a);
    need(getsockname(s, (struct sockaddr *)(void *)a->storage.bytes, &length) == 0, "getsockname");
    a->length = length;
}

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
    need(s >= 0 && connect(s, plain(to), (socklen_t)to->length) == 0, "connect");
    os_room(s, false);
    return unblocked(s);
}

fd os_accept(fd listener)
{
    fd s = accept(listener, NULL, NULL);
    if (s < 0) return NO_FD;
    os_room(s, false);
    return unblocked(s);
}

void os_refusing(mio_address *a)
{
    static mio_address kept;
    if (kept.length == 0) bound(SOCK_STREAM, &kept);    /* until the process ends, so that nobody else gets it */
    *a = kept;
}

/* Two connections fill a backlog of 0 for good: what comes then is dropped */
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
    static fd listener = -1;
    if (listener < 0) listener = os_listener(&to);
    pair[0] = os_connected(&to);
    while ((pair[1] = os_accept(listener)) == NO_FD) os_nap(10000);
}

static void udp_pair(fd pair[2], bool both)
{
    mio_address a[2];
    uint32_t host = own_host();
    for (int i = 0; i < 2; i++) pair[i] = bound_at(host, SOCK_DGRAM, &a[i]);
    for (int i = both ? 0 : 1; i < 2; i++)
        need(connect(pair[i], plain(&a[1 - i]), (socklen_t)a[1 - i].length) == 0, "connect");
}

void os_pair(enum kind_of_pair kind, fd pair[2], bool small)
{
    switch (kind) {
    case PAIR_TCP: tcp_pair(pair); break;
    case PAIR_LOCAL: need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0, "socketpair"); break;
    case PAIR_PIPE: need(pipe2(pair, O_NONBLOCK) == 0, "pipe"); break;
    case PAIR_UDP: udp_pair(pair, true); break;
    case PAIR_UDP_FREE: udp_pair(pair, false); break;
    }
    if (kind == PAIR_PIPE && !small) fcntl(pair[1], F_SETPIPE_SZ, 1048576);
    if (kind == PAIR_TCP || kind == PAIR_LOCAL) os_room(pair[0], small), os_room(pair[1], false);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static int code(int error)
{
    switch (error) {
    case EAGAIN:       return MIO_EAGAIN;
    case ECONNRESET:   return MIO_ECONNRESET;
    case EPIPE:        return MIO_EPIPE;
    case ENOTCONN:     return MIO_ENOTCONN;
    case EISCONN:      return MIO_EISCONN;
    case ECONNREFUSED: return MIO_ECONNREFUSED;
    case EMSGSIZE:     return MIO_EMSGSIZE;
    case EINVAL:       return MIO_EINVAL;
    case EBADF:        return MIO_EBADF;
    case ETIMEDOUT:    return MIO_ETIMEDOUT;
    case EOPNOTSUPP:   return MIO_ENOTSUP;
    default:           return MIO_ESYSTEM;
    }
}

/* A pipe raises SIGPIPE: our own does not count */
static long write_pipe(fd s, const void *bytes, size_t length)
{
    int before = signals;
    long n = write(s, bytes, length);
    signals = before;
    return n;
}

long os_send(fd s, const void *bytes, size_t length)
{
    long n = send(s, bytes, length, MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) n = write_pipe(s, bytes, length);
    return n < 0 ? code(errno) : n;
}

long os_send_to(fd s, const void *bytes, size_t length, const mio_address *to)
{
    long n = sendto(s, bytes, length, MSG_NOSIGNAL, plain(to), (socklen_t)to->length);
    return n < 0 ? code(errno) : n;
}

long os_receive(fd s, void *bytes, size_t length)
{
    long n = recv(s, bytes, length, 0);
    if (n < 0 && errno == ENOTSOCK) n = read(s, bytes, length);
    return n < 0 ? code(errno) : n;
}

int os_connect(fd s, const mio_address *to)
{
    if (connect(s, plain(to), (socklen_t)to->length) == 0) return 0;
    return errno == EINPROGRESS ? MIO_EAGAIN : code(errno);
}

int os_connect_result(fd s)
{
    struct asked a = { s, WRITES, 0 };
    int error = 0;
    socklen_t size = sizeof error;
    os_poll(&a, 1);
    if (!a.ready) return MIO_EAGAIN;
    need(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) == 0, "SO_ERROR");
    return error == 0 ? 0 : code(error);
}

int os_shut(fd s, int half)
{
    static const int how[] = { 0, SHUT_RD, SHUT_WR, SHUT_RDWR };
    return shutdown(s, how[half]) == 0 ? 0 : code(errno);
}

int os_close(fd s) { return close(s) == 0 ? 0 : code(errno); }

void os_reset(fd s)
{
    struct linger hard = { 1, 0 };
    setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(s);
}

void os_poll(struct asked *a, int n)
{
    struct pollfd fds[16];
    for (int i = 0; i < n; i++) {
        fds[i] = (struct pollfd){ .fd = a[i].fd };
        if (a[i].ways & READS) fds[i].events |= POLLIN;
        if (a[i].ways & WRITES) fds[i].events |= POLLOUT;
    }
    need(poll(fds, (nfds_t)n, 0) >= 0, "poll");
    for (int i = 0; i < n; i++) {
        int both = fds[i].revents & (POLLERR | POLLHUP) ? READS | WRITES : 0;
        if (fds[i].revents & POLLIN) both |= READS;
        if (fds[i].revents & POLLOUT) both |= WRITES;
        a[i].ready = both & a[i].ways;
    }
}

/* --- the second thread ---------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool there, acting, ended;
static void (*job_act)(void *), (*job_late)(void *);
static void *job_argument;
static int64_t job_delay, job_patience;

static bool ends_in_time(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t at = (int64_t)until.tv_sec * 1000000000 + until.tv_nsec + job_patience;
    until = (struct timespec){ (time_t)(at / 1000000000), (long)(at % 1000000000) };
    int late = 0;
    while (!ended && late == 0) late = pthread_cond_timedwait(&changed, &lock, &until);
    return ended;
}

/* Who does not wake even then will not wake at all */
static void watch(void)
{
    if (ends_in_time()) return;
    job_late(job_argument);
    if (!ends_in_time()) _exit(HANGS);
}

static void *second(void *unused)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!acting) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        if (job_delay > 0) os_nap(job_delay);
        if (job_act != NULL) job_act(job_argument);
        pthread_mutex_lock(&lock);
        watch();
        acting = false;
        pthread_cond_broadcast(&changed);
    }
    return unused;
}

void job_begin(void (*act)(void *), void *argument, int64_t delay, void (*late)(void *), int64_t patience)
{
    pthread_t id;
    pthread_mutex_lock(&lock);
    if (!there) need(pthread_create(&id, NULL, second, NULL) == 0 && pthread_detach(id) == 0, "a thread");
    there = acting = true;
    ended = false;
    job_act = act;
    job_argument = argument;
    job_delay = delay;
    job_late = late;
    job_patience = patience;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void job_end(void)
{
    pthread_mutex_lock(&lock);
    ended = true;
    pthread_cond_broadcast(&changed);
    while (acting) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* --- processes ------------------------------------------------------------------------------------ */

void os_limit(int seconds) { alarm((unsigned)seconds); }

bool os_apart(void (*run)(void *), void *argument, char *why, size_t room)
{
    int status = 0;
    fflush(NULL);
    pid_t id = fork();
    need(id >= 0, "fork");
    if (id == 0) {
        run(argument);
        _exit(0);
    }
    while (waitpid(id, &status, 0) < 0 && errno == EINTR) continue;
    bool hangs = WIFSIGNALED(status) ? WTERMSIG(status) == SIGALRM : WEXITSTATUS(status) == HANGS;
    if (hangs)
        snprintf(why, room, "hangs");
    else if (WIFSIGNALED(status))
        snprintf(why, room, "ended by a signal: %s", strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        snprintf(why, room, "ended with status %d", WEXITSTATUS(status));
    else
        return true;
    return false;
}

void *os_shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(p != MAP_FAILED, "mmap");
    return p;
}
#else
typedef int not_on_windows;
#endif
