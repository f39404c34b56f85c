/* See crowd.h. Nothing of the library is used here: who judges it is not it */
#define _GNU_SOURCE
#include "crowd.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PEERS = 40000, PARTY = 100, LIMIT_SECONDS = 60, ROOM = 65536 };

struct peer   *peers;
int            npeers, port;
const char    *hang;
struct process server;

static int epoll = -1;

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

/* Against hanging. What is broken on purpose need not be waited for as long */
static long limit_ms(void)
{
    const char *seconds = getenv("LOAD_SECONDS");
    return now_ms() + 1000 * (seconds != NULL ? strtol(seconds, NULL, 10) : LIMIT_SECONDS);
}

/* ---------------------------------------------------------------- one peer */

/* The bytes that a peer sends: another stream for each, and no part like another */
static char byte_of(const struct peer *p, size_t at)
{
    uint32_t x = (uint32_t)at * 2654435761u + (uint32_t)(p - peers) * 40503u;
    return (char)(x >> 24 ^ x >> 13);
}

int dial(bool blocking, int room)
{
    static uint32_t dialled;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) }, from = { .sin_family = AF_INET };
    int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s < 0) return -1;
    if (room > 0) setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (room > 0) setsockopt(s, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* From many addresses, each with ports of its own: what is closed keeps its port for a minute */
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + dialled++ % 200);
    setsockopt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(s, (struct sockaddr *)&from, sizeof from) != 0) {
        close(s);
        return -1;
    }
    if (connect(s, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) return s;
    close(s);
    return -1;
}

void close_socket(int fd, bool reset)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void ends(struct peer *p, enum state state, int error)
{
    p->state = state;
    p->error = error;
    if (state != SERVED) epoll_ctl(epoll, EPOLL_CTL_DEL, p->fd, NULL);
}

static bool all_said(const struct peer *p)
{
    return p->sent == p->manner.goal;
}

static void talk(struct peer *p)
{
    static char bytes[ROOM];
    while (p->sent < p->target) {
        size_t n = p->target - p->sent;
        if (n > p->manner.chunk) n = p->manner.chunk;
        if (n > ROOM) n = ROOM;
        for (size_t i = 0; i < n; i++) bytes[i] = byte_of(p, p->sent + i);
        ssize_t sent = send(p->fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0) {
            p->stuck = errno == EAGAIN;
            if (!p->stuck) ends(p, CUT, errno);
            return;
        }
        p->sent += (size_t)sent;
    }
    p->stuck = false;
    if (all_said(p) && p->manner.shuts && !p->finished) p->finished = shutdown(p->fd, SHUT_WR) == 0;
}

static void took(struct peer *p, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != byte_of(p, p->got + i)) p->wrong = true;
    p->got += n;
    if (p->got > p->sent) p->wrong = true;
    if (p->got != p->target || p->got == 0) return;
    p->answered++;
    if (p->target < p->manner.goal) {
        size_t left = p->manner.goal - p->target;
        p->target += left < p->manner.message ? left : p->manner.message;
    } else if (!p->manner.shuts) ends(p, SERVED, 0);
}

static void hear(struct peer *p)
{
    static char bytes[ROOM];
    ssize_t n;
    while ((n = recv(p->fd, bytes, sizeof bytes, 0)) > 0) took(p, bytes, (size_t)n);
    if (n == 0) ends(p, p->finished && p->got == p->manner.goal ? SERVED : ENDED, 0);
    else if (errno != EAGAIN) ends(p, CUT, errno);
    if (n == 0 && p->state == SERVED) epoll_ctl(epoll, EPOLL_CTL_DEL, p->fd, NULL);
}

static void hangs_up(struct peer *p)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    ends(p, error != 0 ? CUT : ENDED, error);
}

static void go_on(struct peer *p, uint32_t events)
{
    if (p->state == OPENING && events & EPOLLOUT) p->state = OPEN;
    if (p->state > SERVED) return;
    if (p->manner.deaf) {
        if (events & (EPOLLERR | EPOLLHUP)) hangs_up(p);
        else talk(p);
        return;
    }
    size_t target;
    do {
        target = p->target;
        if (p->state == OPEN) talk(p);
        if (p->state <= SERVED) hear(p);
    } while (p->state == OPEN && p->target != target);
}

/* ---------------------------------------------------------------- many */

void turn(int timeout_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(epoll, events, 512, timeout_ms);
    for (int i = 0; i < n; i++) go_on(&peers[events[i].data.u32], events[i].events);
}

bool until(bool (*enough)(void), const char *what)
{
    long limit = limit_ms();
    while (hang == NULL && !enough()) {
        turn(2);
        if (now_ms() > limit) hang = what;
    }
    return hang == NULL;
}

void settle(int ms)
{
    for (long end = now_ms() + ms; now_ms() < end; ) turn(10);
}

static void add(struct manner manner)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .u32 = (uint32_t)npeers } };
    struct peer *p = &peers[npeers];
    memset(p, 0, sizeof *p);
    p->manner = manner;
    p->target = manner.message < manner.goal ? manner.message : manner.goal;
    p->fd = npeers < MOST_PEERS ? dial(false, manner.room) : -1;
    if (p->fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e) != 0) {
        hang = "a descriptor for a peer";
        return;
    }
    npeers++;
}

static int expected, of_party;

static bool party_is_there(void)
{
    int opening = 0;
    for (int i = of_party; i < npeers; i++) opening += peers[i].state == OPENING;
    return opening == 0 && (expected == 0 || counts->accepted > expected - PARTY);
}

/* Of a server that does not take everybody, what waits is the kernel's */
struct crowd crowd_open(int n, struct manner manner)
{
    struct crowd c = { npeers, npeers };
    int before = (int)counts->accepted;
    for (int i = 0; i < n && hang == NULL; i++) {
        if (i % PARTY == 0) {
            expected = n > PARTY ? before + i + PARTY : 0;
            of_party = npeers;
        }
        add(manner);
        if (i % PARTY == PARTY - 1 && n > PARTY) until(party_is_there, "connections are accepted");
    }
    c.to = npeers;
    return c;
}

void crowd_start(struct crowd c, size_t goal, bool shuts)
{
    for (int i = c.from; i < c.to; i++) {
        struct peer *p = &peers[i];
        if (p->state != SERVED || p->manner.shuts) continue;
        p->manner.goal += goal;
        p->manner.shuts = shuts;
        p->target += p->manner.message < goal ? p->manner.message : goal;
        p->state = OPEN;
        go_on(p, EPOLLOUT);
    }
}

void crowd_listen(struct crowd c)
{
    for (int i = c.from; i < c.to; i++) {
        peers[i].manner.deaf = false;
        go_on(&peers[i], EPOLLOUT);
    }
}

void crowd_close(struct crowd c, bool reset)
{
    for (int i = c.from; i < c.to; i++) {
        if (peers[i].state != GONE) close_socket(peers[i].fd, reset);
        peers[i].state = GONE;
    }
}

int crowd_count(struct crowd c, enum state state)
{
    int n = 0;
    for (int i = c.from; i < c.to; i++) n += peers[i].state == state;
    return n;
}

int crowd_stuck(struct crowd c)
{
    int n = 0;
    for (int i = c.from; i < c.to; i++) n += peers[i].stuck;
    return n;
}

int crowd_wrong(struct crowd c)
{
    int n = 0;
    for (int i = c.from; i < c.to; i++) n += peers[i].wrong;
    return n;
}

long crowd_answered(struct crowd c)
{
    long n = 0;
    for (int i = c.from; i < c.to; i++) n += peers[i].answered;
    return n;
}

/* ---------------------------------------------------------------- the server's process */

static void become(char **command, int output, int descriptors)
{
    struct rlimit limit = { (rlim_t)descriptors, (rlim_t)descriptors };
    dup2(output, 1);
    for (int fd = 3; fd < 1024; fd++) close(fd);          /* of whoever started us */
    if (descriptors > 0) setrlimit(RLIMIT_NOFILE, &limit);
    execv(command[0], command);
    _exit(127);
}

/* Its first line has the port; what else it says stays in the file */
static bool read_port(int output)
{
    char text[128];
    for (long limit = limit_ms(); now_ms() < limit && waitpid(server.pid, NULL, WNOHANG) == 0; usleep(1000)) {
        ssize_t n = pread(output, text, sizeof text - 1, 0);
        if (n <= 0) continue;
        text[n] = '\0';
        const char *at = strstr(text, "127.0.0.1:");
        if (at != NULL && strchr(at, '\n') != NULL) {
            port = (int)strtol(at + 10, NULL, 10);
            return true;
        }
    }
    hang = "the server begins";
    return false;
}

bool server_begin(const char *said, char **command, int descriptors)
{
    int output = open(said, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    memset(counts, 0, sizeof *counts);
    if (peers == NULL) peers = calloc(MOST_PEERS + 1, sizeof *peers);
    npeers = 0;
    if (epoll >= 0) close(epoll);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    server.pid = fork();
    if (server.pid == 0) become(command, output, descriptors);
    bool begun = read_port(output);
    close(output);
    for (long limit = limit_ms(); begun && counts->waits == 0 && now_ms() < limit; ) usleep(1000);    /* it is ready */
    server.descriptors = server_descriptors();
    server.memory = server_memory("VmRSS");
    return begun;
}

int server_end(void)
{
    int status = 0;
    kill(server.pid, SIGTERM);
    for (long limit = limit_ms(); now_ms() < limit; turn(1))
        if (waitpid(server.pid, &status, WNOHANG) != 0) return status;
    hang = "the server ends";
    kill(server.pid, SIGKILL);
    waitpid(server.pid, &status, 0);
    return status;
}

int server_descriptors(void)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.pid);
    DIR *d = opendir(path);
    if (d == NULL) return -1;
    while (readdir(d) != NULL) n++;
    closedir(d);
    return n - 2;                       /* . and .. */
}

long server_memory(const char *field)
{
    char path[64], line[256];
    long n = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) return -1;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0) n = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    return n;
}
