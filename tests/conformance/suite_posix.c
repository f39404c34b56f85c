/* The conformance suite on Unix: peers, threads, time, descriptors, and a test in a process of its own */
#if !defined(_WIN32)
#define _GNU_SOURCE             /* glibc: MAP_ANONYMOUS; elsewhere all of it is there anyway */
#define _NETBSD_SOURCE
#include "suite.h"
#include "runner.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif
#ifdef SO_NOSIGPIPE
#define NO_SIGNAL SO_NOSIGPIPE
#else
#define NO_SIGNAL 0             /* no option has this number at SOL_SOCKET */
#endif

/* --- the other end of a connection ------------------------------------------------------------------ */

peer peer_connect(const mio_address *to)
{
    struct sockaddr_storage address = { 0 };
    int on = 1;

    CHECK(to->length <= sizeof address);
    memcpy(&address, to->storage.bytes, to->length);
    peer fd = socket(address.ss_family, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    if (NO_SIGNAL != 0) setsockopt(fd, SOL_SOCKET, NO_SIGNAL, &on, sizeof on);
    CHECK(connect(fd, (struct sockaddr *)&address, (socklen_t)to->length) == 0);
    return fd;
}

size_t peer_send(peer fd, const void *bytes, size_t length)
{
    const char *from = bytes;
    size_t sent = 0;

    while (sent < length) {
        ssize_t n = send(fd, from + sent, length - sent, SEND_FLAGS);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        sent += (size_t)n;
    }
    return sent;
}

size_t peer_receive(peer fd, void *bytes, size_t length)
{
    char *to = bytes;
    size_t received = 0;

    while (received < length) {
        ssize_t n = recv(fd, to + received, length - received, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        received += (size_t)n;
    }
    return received;
}

void peer_datagram(peer fd, const void *bytes, size_t length)
{
    CHECK(send(fd, bytes, length, SEND_FLAGS) == (ssize_t)length);
}

static mio_address nobody;

/* Bound and never listening, until the process ends: so nobody else gets the port meanwhile */
void reserve_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000001) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    memcpy(nobody.storage.bytes, &address, sizeof address);
    nobody.length = (uint32_t)length;
}

void refused_address(mio_address *address) { *address = nobody; }

void peer_shut(peer fd) { CHECK(shutdown(fd, SHUT_WR) == 0); }
void peer_close(peer fd) { CHECK(close(fd) == 0); }

void peer_reset(peer fd)
{
    close_will_reset(fd);
    CHECK(close(fd) == 0);
}

void peer_urgent(peer fd, char byte) { CHECK(send(fd, &byte, 1, MSG_OOB | SEND_FLAGS) == 1); }

void peer_pair(int type, peer pair[2])
{
    CHECK(socketpair(AF_UNIX, type == MIO_STREAM ? SOCK_STREAM : SOCK_DGRAM, 0, pair) == 0);
}

void peer_nonblocking(peer fd) { CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0); }

peer peer_copy(peer fd)
{
    int copy = dup(fd);

    CHECK(copy >= 0);
    return copy;
}

bool peer_is_open(peer fd) { return fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

bool peer_is_private(peer fd)
{
    char byte;

    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN;
}

void close_will_reset(mio_native fd)
{
    struct linger now_and_hard = { 1, 0 };

    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard) == 0);
}

/* The receiver's would be too late: what its window has announced already is dropped, and sent again seconds later */
void small_send_buffer(mio_native fd)
{
    int size = 16384;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
}

/* --- threads and time ------------------------------------------------------------------------------- */

_Static_assert(sizeof(pthread_t) <= sizeof ((thread *)0)->reserved, "a thread fits");

static void *enter(void *argument)
{
    thread *t = argument;
    t->run(t->argument);
    return NULL;
}

void start(thread *t, void (*run)(void *), void *argument)
{
    pthread_t id;

    t->run = run;
    t->argument = argument;
    CHECK(pthread_create(&id, NULL, enter, t) == 0);
    memcpy(t->reserved, &id, sizeof id);
}

void join(thread *t)
{
    pthread_t id;

    memcpy(&id, t->reserved, sizeof id);
    CHECK(pthread_join(id, NULL) == 0);
}

int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 * MS + (int64_t)t.tv_nsec;
}

void nap(int64_t ns)
{
    struct timespec left = { (time_t)(ns / (1000 * MS)), (long)(ns % (1000 * MS)) };

    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

long times_slept(void)
{
    struct rusage used;

    CHECK(getrusage(RUSAGE_SELF, &used) == 0);
    return used.ru_nvcsw;
}

int64_t processor_time(void) { return (int64_t)((double)clock() / CLOCKS_PER_SEC * 1000 * MS); }

/* --- counting --------------------------------------------------------------------------------------- */

/* Of `CHUNK` numbers; poll tells of those that are not open, and takes fewer calls than to ask each */
enum { CHUNK = 64, CHUNKS = 128 };
static int open_among(int first)
{
    struct pollfd fds[CHUNK];
    int open = 0;

    for (int i = 0; i < CHUNK; i++) fds[i] = (struct pollfd){ .fd = first + i };
    CHECK(poll(fds, CHUNK, 0) >= 0);
    for (int i = 0; i < CHUNK; i++) if ((fds[i].revents & POLLNVAL) == 0) open++;
    return open;
}

/* New descriptors get the lowest free number: those of a test are all below the limit */
int descriptors(void)
{
    int open = 0;

    for (int i = 0; i < CHUNKS; i++) open += open_among(i * CHUNK);
    return open;
}

int inherited(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) count++;
    }
    return count;
}

/* --- running out of descriptors ---------------------------------------------------------------------- */

enum { TAKEN = 64 };

static struct rlimit before_taking;
static int taken[TAKEN], ntaken;

void take_descriptors(int spare)
{
    CHECK(getrlimit(RLIMIT_NOFILE, &before_taking) == 0);
    int first = open("/dev/null", O_RDONLY);
    CHECK(first >= 0);
    struct rlimit lower = before_taking;
    lower.rlim_cur = (rlim_t)(first + TAKEN);
    CHECK(setrlimit(RLIMIT_NOFILE, &lower) == 0);
    for (int fd = first; fd >= 0 && ntaken < TAKEN; fd = dup(first)) taken[ntaken++] = fd;
    CHECK(dup(first) < 0);
    while (spare-- > 0) close(taken[--ntaken]);
}

void give_descriptors_back(void)
{
    while (ntaken > 0) close(taken[--ntaken]);
    CHECK(setrlimit(RLIMIT_NOFILE, &before_taking) == 0);
}

bool room_for(int wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    if (limit.rlim_cur >= (rlim_t)wanted) return true;
    limit.rlim_cur = (rlim_t)wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* --- memory under the test's control ---------------------------------------------------------------- */

size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *pages(size_t count)
{
    void *first = mmap(NULL, count * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(first != MAP_FAILED);
    return first;
}

void pages_allow(void *first, size_t count, bool allowed)
{
    CHECK(mprotect(first, count * page_size(), allowed ? PROT_READ | PROT_WRITE : PROT_NONE) == 0);
}

/* --- a test in a process of its own ----------------------------------------------------------------- */

void begin_program(void) { }

bool process_start(struct process *p, void (*run)(const struct test *), const struct test *t, int seconds)
{
    p->output = tmpfile();
    if (p->output == NULL) return false;
    fflush(stdout);
    pid_t id = fork();
    if (id < 0) { fclose(p->output); return false; }
    if (id == 0) {
        setpgid(0, 0);          /* so that what it starts can be ended with it */
        alarm((unsigned)seconds + 5);                   /* should the runner be gone */
        signal(SIGPIPE, SIG_DFL);                       /* also under a parent that ignores it */
        dup2(fileno(p->output), 1);
        dup2(fileno(p->output), 2);
        run(t);
        exit(0);                /* here leak checkers look */
    }
    setpgid(id, id);            /* whoever comes first */
    p->id = id;
    return true;
}

int process_ended(struct process *p)
{
    int status;
    pid_t id = waitpid((pid_t)p->id, &status, WNOHANG);

    if (id == 0 || (id < 0 && errno == EINTR)) return PROCESS_RUNS;
    kill(-(pid_t)p->id, SIGKILL);                       /* what it left behind */
    if (id < 0) return PROCESS_LOST;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void process_kill(struct process *p)
{
    kill(-(pid_t)p->id, SIGKILL);
    kill((pid_t)p->id, SIGKILL);
    waitpid((pid_t)p->id, NULL, 0);
}

void process_exit(int status)
{
    fflush(NULL);
    _exit(status);              /* as it is: a failed test frees nothing, and that is not its failure */
}

const char *process_signal(int number) { return strsignal(number); }

#else
typedef int not_on_windows;
#endif
