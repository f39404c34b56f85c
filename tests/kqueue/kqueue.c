/* A model of kqueue over Linux's epoll, for tests: README.md tells what it follows and what
   it leaves out. It is no kqueue, and no emulation to ship with a program.

   The model has the parts of the real thing. A *note* is one registration: (queue, ident,
   filter). The notes of a descriptor hang on its *watch*. When something happens to the
   descriptor, the filter of each note is run; where it says yes, the note becomes active
   and goes to the end of its queue's list of *pending* notes. kevent() takes notes from the
   front, runs each filter again, and reports those that still say yes.

   epoll is used only to hear that something happened, always edge-triggered:

     a queue's descriptor   an epoll instance. In it: the descriptors of its READ notes; the
                            bell, which rings as long as notes are pending, so that the
                            queue's descriptor is readable then; and, once needed, the two
                            sources below.
     writers                one epoll instance for the WRITE notes of all queues: a descriptor
                            can be in an instance only once, and data that arrives must
                            not look like room to write.
     timer                  one timerfd for the TIMER notes of all queues.
     known                  one epoll instance that nobody waits for, with no events asked. It
                            answers one question: is this descriptor number still the open
                            file that was registered? epoll's key is (number, open file), so
                            EPOLL_CTL_MOD fails as soon as it is not, and keeps nothing open.

   A queue that was closed is noticed in the same way: the bell is no longer in it. Its memory
   is then released, at the latest by the next call of kqueue(). The four descriptors that
   all queues share are opened before main() and have high numbers. One lock guards
   everything; signals are blocked while it is held, so that kevent() may be called
   from a signal handler. */

#define _GNU_SOURCE
#include <sys/event.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <linux/sockios.h>

/* Linux's states of a TCP socket; <netinet/tcp.h> has them, but an older struct tcp_info */
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE,
    TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING };

enum kind { TCP, LOCAL, DATAGRAM, PIPE, REGULAR, QUEUE, OTHER };

/* What the last run of a TCP note's filter saw, to tell an edge that brings news from one
   that Linux gives for another reason (a FIN wakes writers too, a shutdown readers) */
struct seen {
    bool known, ready;
    bool established;           /* at any time: tells a reset from a refused connection */
    unsigned short eof;
    unsigned int error;
    uint64_t received, sent;
};

struct note {
    struct queue *queue;
    struct note *next;          /* on the same watch; for USER and TIMER, in the same queue */
    struct note *before, *after;        /* in the pending list */
    struct kevent event;        /* as it will be reported */
    unsigned int fflags;        /* as the caller asked */
    int64_t data;
    enum kind kind;
    bool active, pending, disabled, triggered;
    unsigned int round;         /* of the queue's, when last put on the pending list */
    int64_t due, period;        /* TIMER, in nanoseconds; period 0: once */
    struct seen seen;
};

struct watch {                  /* one for each descriptor number */
    uint32_t generation;        /* counts the files that the number has meant */
    unsigned int writers;       /* WRITE notes */
    struct note *notes;
    bool regular;               /* epoll refuses regular files: compare these instead */
    dev_t device;
    ino_t inode;
};

struct queue {
    struct queue *next;
    int fd;
    unsigned int waiters, npending, round;
    bool dead, rings, has_writers, has_timer;
    struct note *others;        /* USER and TIMER */
    struct note *first, *last;  /* pending */
};

enum { FROM_BELL = 1, FROM_WRITERS, FROM_TIMER };       /* sources in a queue: no watch has generation 0 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct { pid_t process; int bell, writers, timer, known; } shared;
static struct queue *queues;
static struct watch *watches;
static size_t nwatches;
static enum { UNSET, FREEBSD, NETBSD, UNKNOWN } variant;

static void lock(sigset_t *old)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, old);
    pthread_mutex_lock(&mutex);
}

static void unlock(const sigset_t *old)
{
    pthread_mutex_unlock(&mutex);
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

static int64_t now_on(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t from)
{
    struct epoll_event event = { .events = events, .data.u64 = from };
    return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : errno;
}

/* ------------------------------------------------------------------- what all queues share */

static int high(int fd)         /* a higher number for it: programs expect the low ones */
{
    struct rlimit limit = { 0, 0 };
    if (fd < 0) return fd;
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t last = limit.rlim_cur < 1024 ? limit.rlim_cur : 1024;
    int other = fcntl(fd, F_DUPFD_CLOEXEC, last < 16 ? 0 : (int)last - 8);
    if (other < 0) return fd;
    close(fd);
    return other;
}

static void choose_variant(void)
{
    const char *name = getenv("MODEL_KQUEUE");
    if (name == NULL || *name == '\0' || strcmp(name, "freebsd") == 0) variant = FREEBSD;
    else if (strcmp(name, "netbsd") == 0) variant = NETBSD;
    else variant = UNKNOWN;
    if (variant == UNKNOWN) fprintf(stderr, "model kqueue: MODEL_KQUEUE is freebsd or netbsd, not '%s'\n", name);
}

/* ------------------------------------------------------------------- the pending list */

static void ring(struct queue *q)
{
    bool rings = q->npending > 0;
    if (rings == q->rings || q->dead) return;
    q->rings = rings;
    control(q->fd, EPOLL_CTL_MOD, shared.bell, rings ? EPOLLIN : 0, FROM_BELL);
}

static void put(struct note *n)
{
    struct queue *q = n->queue;
    n->before = q->last;
    n->after = NULL;
    if (q->last != NULL) q->last->after = n;
    else q->first = n;
    q->last = n;
    n->pending = true;
    n->round = q->round;
    q->npending++;
}

static void take(struct note *n)
{
    struct queue *q = n->queue;
    if (!n->pending) return;
    if (n->before != NULL) n->before->after = n->after;
    else q->first = n->after;
    if (n->after != NULL) n->after->before = n->before;
    else q->last = n->before;
    n->pending = false;
    q->npending--;
}

static void activate(struct note *n)
{
    n->active = true;
    if (n->disabled || n->pending) return;
    put(n);
    n->round = n->queue->round - 1;     /* not seen in this round */
    ring(n->queue);
}

/* ------------------------------------------------------------------- watches */

static struct watch *watch_of(uintptr_t fd) { return fd < nwatches ? &watches[fd] : NULL; }

static struct watch *make_watch(uintptr_t fd)
{
    if (fd >= nwatches) {
        size_t n = nwatches < 64 ? 64 : nwatches;
        while (n <= fd) n *= 2;
        struct watch *more = realloc(watches, n * sizeof *more);
        if (more == NULL) return NULL;
        for (size_t i = nwatches; i < n; i++) more[i] = (struct watch){ .generation = 1 };
        watches = more;
        nwatches = n;
    }
    return &watches[fd];
}

static uint64_t source(int fd) { return (uint64_t)watches[fd].generation << 32 | (uint64_t)fd; }

/* Put a descriptor into an epoll instance; one left over from an earlier note is taken over */
static int listen_to(int epoll, int fd, uint32_t events)
{
    int error = control(epoll, EPOLL_CTL_ADD, fd, events, source(fd));
    return error == EEXIST ? control(epoll, EPOLL_CTL_MOD, fd, events, source(fd)) : error;
}

static int know(struct watch *w, int fd)
{
    struct stat s;
    int error = listen_to(shared.known, fd, 0);
    w->regular = false;
    if (error != EPERM) return error;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return ENODEV;
    w->regular = true;
    w->device = s.st_dev;
    w->inode = s.st_ino;
    return 0;
}

static void free_note(struct note *n)
{
    struct note **link = &n->queue->others;
    take(n);
    if (n->event.filter == EVFILT_READ || n->event.filter == EVFILT_WRITE) link = &watches[n->event.ident].notes;
    while (*link != n) link = &(*link)->next;
    *link = n->next;
    ring(n->queue);
    free(n);
}

/* Forget a note whose descriptor is still what it was */
static void forget(struct note *n)
{
    if (n->event.filter == EVFILT_READ || n->event.filter == EVFILT_WRITE) {
        int fd = (int)n->event.ident;
        struct watch *w = &watches[fd];
        if (n->event.filter == EVFILT_READ && !n->queue->dead) control(n->queue->fd, EPOLL_CTL_DEL, fd, 0, 0);
        if (n->event.filter == EVFILT_WRITE && --w->writers == 0) control(shared.writers, EPOLL_CTL_DEL, fd, 0, 0);
        if (w->notes == n && n->next == NULL) control(shared.known, EPOLL_CTL_DEL, fd, 0, 0);
    }
    free_note(n);
}

/* Is the number what it was when its notes were made? If it was closed, they are gone. */
static bool still_open(int fd)
{
    struct watch *w = watch_of((uintptr_t)fd);
    if (w == NULL || w->notes == NULL) return true;
    struct stat s;
    if (w->regular ? fstat(fd, &s) == 0 && s.st_dev == w->device && s.st_ino == w->inode
                   : control(shared.known, EPOLL_CTL_MOD, fd, 0, 0) == 0) return true;
    while (w->notes != NULL) free_note(w->notes);
    w->writers = 0;
    if (++w->generation == 0) w->generation = 1;
    return false;
}

/* ------------------------------------------------------------------- queues */

static void bury(struct queue *q)       /* its descriptor was closed */
{
    struct queue **link = &queues;
    q->dead = true;
    while (q->others != NULL) free_note(q->others);
    for (size_t fd = 0; fd < nwatches; fd++)
        for (struct note *n = watches[fd].notes, *next; n != NULL; n = next) {
            next = n->next;
            if (n->queue == q) forget(n);
        }
    while (*link != q) link = &(*link)->next;
    *link = q->next;
    if (q->waiters == 0) free(q);       /* otherwise the last waiter does it */
}

static bool alive(struct queue *q)
{
    return !q->dead && control(q->fd, EPOLL_CTL_MOD, shared.bell, q->rings ? EPOLLIN : 0, FROM_BELL) == 0;
}

static struct queue *find_queue(int fd)
{
    if (shared.process != getpid()) return NULL;        /* a queue is not inherited by fork() */
    struct queue *q = queues;
    while (q != NULL && q->fd != fd) q = q->next;
    if (q == NULL || alive(q)) return q;
    bury(q);
    return NULL;
}

/* We are a child of fork(): the queues and what they share were the parent's */
static void disinherit(void)
{
    close(shared.bell);
    close(shared.writers);
    close(shared.timer);
    close(shared.known);
    shared.process = 0;
    for (struct queue *q = queues; q != NULL; q = q->next) {
        q->dead = true;
        while (q->others != NULL) free_note(q->others);
    }
    for (size_t fd = 0; fd < nwatches; fd++)
        while (watches[fd].notes != NULL) free_note(watches[fd].notes);
    for (struct queue *q = queues, *next; q != NULL; q = next) {
        next = q->next;
        free(q);
    }
    free(watches);
    queues = NULL;
    watches = NULL;
    nwatches = 0;
}

static int open_shared(void)
{
    if (variant == UNSET) choose_variant();
    if (variant == UNKNOWN) return EINVAL;
    if (shared.process == getpid()) return 0;
    if (shared.process != 0) disinherit();
    shared.bell = high(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    shared.writers = high(epoll_create1(EPOLL_CLOEXEC));
    shared.timer = high(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    shared.known = high(epoll_create1(EPOLL_CLOEXEC));
    int error = errno;
    if (shared.bell >= 0 && shared.writers >= 0 && shared.timer >= 0 && shared.known >= 0) {
        shared.process = getpid();
        return 0;
    }
    if (shared.bell >= 0) close(shared.bell);
    if (shared.writers >= 0) close(shared.writers);
    if (shared.timer >= 0) close(shared.timer);
    if (shared.known >= 0) close(shared.known);
    return error;
}

/* Before main(), so that a program that counts its descriptors always counts these */
__attribute__((constructor)) static void open_early(void) { (void)open_shared(); }

static int make_queue(int flags)
{
    int error = open_shared();
    if (error != 0) return -error;
    struct queue *q = calloc(1, sizeof *q);
    if (q == NULL) return -ENOMEM;
    q->fd = epoll_create1(flags);
    if (q->fd < 0) {
        error = errno;
        free(q);
        return -error;
    }
    for (struct queue *old = queues, *next; old != NULL; old = next) {
        next = old->next;
        if (old->fd == q->fd || !alive(old)) bury(old);
    }
    error = control(q->fd, EPOLL_CTL_ADD, shared.bell, 0, FROM_BELL);
    if (error != 0) {
        close(q->fd);
        free(q);
        return -error;
    }
    q->next = queues;
    queues = q;
    return q->fd;
}

static int result(int n)        /* a count, or -1 and errno for a negative error */
{
    if (n >= 0) return n;
    errno = -n;
    return -1;
}

static int new_queue(int flags)
{
    sigset_t old;
    lock(&old);
    int fd = make_queue(flags);
    unlock(&old);
    return result(fd);
}

int kqueue(void) { return new_queue(0); }
int kqueuex(unsigned int flags) { return flags > KQUEUE_CLOEXEC ? result(-EINVAL) : new_queue(flags != 0 ? EPOLL_CLOEXEC : 0); }
int kqueue1(int flags) { return (flags & ~O_CLOEXEC) != 0 ? result(-EINVAL) : new_queue(flags != 0 ? EPOLL_CLOEXEC : 0); }

/* ------------------------------------------------------------------- looking at descriptors */

static int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static enum kind kind_of(int fd)
{
    struct stat s;
    int type = option(fd, SO_TYPE), domain = option(fd, SO_DOMAIN);
    if (find_queue(fd) != NULL) return QUEUE;
    if (type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6)) return TCP;
    if (type == SOCK_STREAM || type == SOCK_SEQPACKET) return LOCAL;
    if (type >= 0) return DATAGRAM;
    if (fstat(fd, &s) != 0) return OTHER;
    return S_ISFIFO(s.st_mode) ? PIPE : S_ISREG(s.st_mode) ? REGULAR : OTHER;
}

static short look(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

/* Linux counts up to an urgent mark only; a BSD counts what is behind it, too. One more says so */
static int64_t bytes_waiting(int fd, short found)
{
    struct pollfd mark = { .fd = fd, .events = POLLPRI };
    int bytes = 0;
    if (ioctl(fd, FIONREAD, &bytes) != 0) return (found & POLLIN) != 0;
    return bytes + (poll(&mark, 1, 0) == 1 && (mark.revents & POLLPRI) != 0);
}

/* The bytes of all datagrams that wait: peek at each in turn. Where an error is pending that
   would take it, so only the first counts. */
static int64_t datagrams_waiting(int fd, short found)
{
    int start = 0, off = -1;
    int64_t sum = 0;
    ssize_t size;
    char byte;
    if ((found & POLLIN) == 0) return 0;
    if ((found & POLLERR) != 0 || setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof start) != 0)
        return bytes_waiting(fd, found);
    for (int i = 0; i < 4096 && (size = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC)) >= 0; i++)
        sum += size + (variant == NETBSD ? (int64_t)sizeof(struct sockaddr_in) : 0);
    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off);
    return sum;
}

/* A TCP socket's state, and into `s` what else Linux tells. qemu-user hands out only the
   first four bytes of it, as an int. */
static int tcp_state(int fd, struct seen *s, int64_t *backlog)
{
    struct tcp_info info;
    uint32_t start;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    s->known = false;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
    memcpy(&start, &info, sizeof start);
    int unsent = 0, state = size == sizeof start ? (int)(start & 0xff) : info.tcpi_state;
    if (state != TCP_CLOSE && state != TCP_LISTEN && state != TCP_SYN_SENT) s->established = true;
    if (size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return state;
    if (info.tcpi_bytes_acked + info.tcpi_bytes_received > 0) s->established = true;
    if (state == TCP_LISTEN) *backlog = info.tcpi_unacked;
    else if (ioctl(fd, SIOCOUTQ, &unsent) == 0) s->known = true;
    s->received = info.tcpi_bytes_received;
    s->sent = (uint64_t)info.tcpi_bytes_acked + (uint64_t)unsent;
    return state;
}

/* A socket's error, without taking it: getsockopt(SO_ERROR) and recv() both would. Linux tells
   that there is one (POLLERR), and the state tells which of the two usual ones. */
static unsigned int socket_error(const struct note *n, short found)
{
    if ((found & POLLERR) == 0) return 0;
    return n->kind == TCP && !n->seen.established ? ECONNREFUSED : ECONNRESET;
}

/* ------------------------------------------------------------------- the filters */

static bool end(struct note *n, unsigned int error)
{
    n->event.flags |= EV_EOF;
    n->event.fflags = error;
    return true;
}

static bool enough(const struct note *n, bool ready)
{
    return (n->fflags & NOTE_LOWAT) != 0 ? n->event.data >= n->data : ready;
}

static void hear(struct queue *q);

static bool readable(struct note *n)
{
    int fd = (int)n->event.ident, state = 0;
    int64_t backlog = 0;
    struct stat s;
    short found = look(fd);
    switch (n->kind) {
    case QUEUE:
        n->event.data = 0;
        struct queue *q = find_queue(fd);
        if (q == NULL) return false;
        hear(q);
        n->event.data = q->npending;
        return q->npending > 0;
    case REGULAR:
        n->event.data = fstat(fd, &s) == 0 ? s.st_size - lseek(fd, 0, SEEK_CUR) : 0;
        return n->event.data != 0;
    case DATAGRAM:
        n->event.data = datagrams_waiting(fd, found);
        if ((found & POLLRDHUP) != 0) return end(n, socket_error(n, found));
        return enough(n, (found & (POLLIN | POLLERR)) != 0);
    case TCP:
        backlog = (found & POLLIN) != 0;
        state = tcp_state(fd, &n->seen, &backlog);
        break;
    case LOCAL:                 /* of a listener, Linux does not tell how many wait: data is 1 */
        break;
    default:
        n->event.data = bytes_waiting(fd, found);
        if ((found & POLLHUP) != 0) return end(n, 0);
        return enough(n, (found & POLLIN) != 0);
    }
    n->event.data = state == TCP_LISTEN ? backlog : bytes_waiting(fd, found);
    if (state == TCP_LISTEN) return backlog > 0;
    if ((found & POLLRDHUP) != 0) return end(n, socket_error(n, found));
    if ((found & POLLERR) != 0) return end(n, socket_error(n, found));
    return enough(n, (found & POLLIN) != 0 && (found & POLLHUP) == 0);  /* HUP alone: not connected */
}

static int64_t room(int fd)
{
    int unsent = 0, size = option(fd, SO_SNDBUF);
    if (ioctl(fd, SIOCOUTQ, &unsent) != 0 || size < unsent) return 0;
    return size - unsent;
}

/* Was this side's sending half closed? For local sockets only an attempt to send tells. */
static bool shut_for_sending(struct note *n, short found)
{
    int64_t unused;
    int fd = (int)n->event.ident;
    if ((found & POLLERR) != 0) return true;
    if (n->kind == LOCAL)
        return (found & POLLHUP) != 0 || (option(fd, SO_TYPE) == SOCK_STREAM &&
            send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE);
    switch (tcp_state(fd, &n->seen, &unused)) {
    case TCP_FIN_WAIT1: case TCP_FIN_WAIT2: case TCP_CLOSING: case TCP_LAST_ACK: case TCP_TIME_WAIT: case TCP_CLOSE:
        return true;
    default:
        return false;
    }
}

static bool writable(struct note *n)
{
    int fd = (int)n->event.ident, used = 0;
    short found = look(fd);
    switch (n->kind) {
    case REGULAR:
        n->event.data = 0;
        return true;
    case DATAGRAM:
        n->event.data = room(fd);
        return enough(n, (found & (POLLOUT | POLLERR)) != 0);
    case TCP: case LOCAL:
        n->event.data = room(fd);
        if ((found & POLLHUP) != 0 && (found & (POLLRDHUP | POLLERR)) == 0) return false;   /* not connected */
        if (shut_for_sending(n, found)) return end(n, socket_error(n, found));
        return enough(n, (found & POLLOUT) != 0);
    case PIPE:
        if (ioctl(fd, FIONREAD, &used) != 0) used = 0;
        n->event.data = fcntl(fd, F_GETPIPE_SZ) - used;
        if ((found & POLLERR) == 0) return enough(n, (found & POLLOUT) != 0);
        n->event.data = 0;
        if (variant == FREEBSD) n->event.flags |= EV_ONESHOT;   /* the other end is gone: so is the note, soon */
        return end(n, 0);
    default:
        n->event.data = 0;
        if ((found & (POLLHUP | POLLERR)) != 0) return end(n, 0);
        return (found & POLLOUT) != 0;
    }
}

static bool run(struct note *n)
{
    bool ready = false;
    if (n->event.filter == EVFILT_USER) return n->triggered;
    if (n->event.filter == EVFILT_TIMER) return n->event.data > 0;
    n->event.flags &= (unsigned short)~EV_EOF;
    n->event.fflags = 0;
    ready = n->event.filter == EVFILT_READ ? readable(n) : writable(n);
    n->seen.ready = ready;
    n->seen.eof = n->event.flags & EV_EOF;
    n->seen.error = n->event.fflags;
    return ready;
}

/* Did nothing change for this TCP note since its filter said yes before? For WRITE: was too
   little written since to fill the buffer, even in single bytes that cost 2304 each? (Then
   it had more than a quarter free, and nobody can have been refused.) */
static bool no_news(const struct note *n, const struct seen *old)
{
    if (!n->seen.known || !old->known || !old->ready) return false;
    if (n->seen.eof != old->eof || n->seen.error != old->error) return false;
    if (n->event.filter == EVFILT_READ) return n->seen.received == old->received;
    return (n->seen.sent - old->sent) * 2304 < (uint64_t)option((int)n->event.ident, SO_SNDBUF) / 4;
}

static void edge(struct note *n)
{
    struct seen old = n->seen;
    if (run(n) && !no_news(n, &old)) activate(n);
}

static void edges(uint64_t from, short filter, const struct queue *q)
{
    int fd = (int)(from & 0x7fffffff);
    struct watch *w = watch_of((uintptr_t)fd);
    if (w == NULL || w->generation != from >> 32 || !still_open(fd)) return;
    for (struct note *n = w->notes; n != NULL; n = n->next)
        if (n->event.filter == filter && (q == NULL || n->queue == q)) edge(n);
}

/* ------------------------------------------------------------------- time */

static void expire(void)
{
    struct itimerspec alarm = { { 0, 0 }, { 0, 0 } };
    int64_t now = now_on(CLOCK_MONOTONIC), next = INT64_MAX;
    for (struct queue *q = queues; q != NULL; q = q->next)
        for (struct note *n = q->others; n != NULL; n = n->next) {
            if (n->event.filter != EVFILT_TIMER) continue;
            if (n->due <= now) {
                int64_t times = n->period > 0 ? 1 + (now - n->due) / n->period : 1;
                n->due = n->period > 0 ? n->due + times * n->period : INT64_MAX;
                n->event.data += times;
                activate(n);
            }
            if (n->due < next) next = n->due;
        }
    if (next != INT64_MAX) {
        alarm.it_value.tv_sec = (time_t)(next / 1000000000);
        alarm.it_value.tv_nsec = (long)(next % 1000000000);
    }
    timerfd_settime(shared.timer, TFD_TIMER_ABSTIME, &alarm, NULL);
}

static int start_timer(struct note *n)
{
    static const int64_t units[] = { 1000000, 1000000000, 1000000, 0, 1000, 0, 0, 0, 1 };
    unsigned int unit = n->fflags & ~(unsigned int)NOTE_ABSTIME;
    bool absolute = (n->fflags & NOTE_ABSTIME) != 0;
    if (unit >= sizeof units / sizeof *units || units[unit] == 0 || n->data < 0) return EINVAL;
    if (variant == NETBSD && (n->fflags != 0 || n->data == 0)) return EINVAL;
    int64_t time = n->data > INT64_MAX / 4 / units[unit] ? INT64_MAX / 4 : n->data * units[unit];
    int64_t now = now_on(CLOCK_MONOTONIC);
    take(n);
    n->active = false;
    n->event.data = 0;
    n->event.flags |= EV_CLEAR;
    n->period = absolute || (n->event.flags & EV_ONESHOT) != 0 ? 0 : time > 0 ? time : 1000000;
    if (absolute) n->due = now + time - now_on(CLOCK_REALTIME);
    else n->due = now + time;
    if (variant == NETBSD && time >= 10000000) n->due -= 3000000;       /* measured: 47 ms for 50 */
    ring(n->queue);
    if (!n->queue->has_timer && control(n->queue->fd, EPOLL_CTL_ADD, shared.timer, EPOLLIN, FROM_TIMER) == 0)
        n->queue->has_timer = true;
    return n->queue->has_timer ? 0 : ENOMEM;
}

/* ------------------------------------------------------------------- hearing what happened */

static int receive(int epoll, uint64_t from[64])
{
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, 64, 0);
    for (int i = 0; i < n; i++) from[i] = events[i].data.u64;
    return n;
}

static void hear(struct queue *q)
{
    uint64_t from[64];
    int n;
    do {
        n = receive(q->fd, from);
        for (int i = 0; i < n; i++)
            if (from[i] == FROM_TIMER) expire();
            else if (from[i] >> 32 != 0) edges(from[i], EVFILT_READ, q);
    } while (n == 64);
    do {
        n = receive(shared.writers, from);
        for (int i = 0; i < n; i++) edges(from[i], EVFILT_WRITE, NULL);
    } while (n == 64);
}

/* ------------------------------------------------------------------- changes */

static struct note *find_note(struct queue *q, const struct kevent *c, bool on_descriptor)
{
    struct watch *w = on_descriptor ? watch_of(c->ident) : NULL;
    struct note *n = on_descriptor ? (w != NULL ? w->notes : NULL) : q->others;
    while (n != NULL && (n->queue != q || n->event.ident != c->ident || n->event.filter != c->filter)) n = n->next;
    return n;
}

/* As in FreeBSD's kern_event.c: the change that creates the note does not come here, so a
   NOTE_TRIGGER in it is lost; and a NOTE_TRIGGER with EV_CLEAR beside it clears itself. */
static void apply_user(struct note *n, const struct kevent *c)
{
    unsigned int given = c->fflags & NOTE_FFLAGSMASK;
    if ((c->fflags & NOTE_TRIGGER) != 0) n->triggered = true;
    switch (c->fflags & NOTE_FFCTRLMASK) {
    case NOTE_FFAND: n->fflags &= given; break;
    case NOTE_FFOR: n->fflags |= given; break;
    case NOTE_FFCOPY: n->fflags = given; break;
    default: break;
    }
    n->data = c->data;
    if ((c->flags & EV_CLEAR) != 0) n->triggered = false;
}

static int attach_descriptor(struct note *n)
{
    int fd = (int)n->event.ident, error = 0;
    struct queue *q = n->queue;
    struct watch *w = make_watch(n->event.ident);
    if (w == NULL) return ENOMEM;
    n->kind = kind_of(fd);
    if (n->kind == QUEUE && (n->event.filter == EVFILT_WRITE || fd == q->fd)) return EINVAL;
    if (n->kind == PIPE && n->event.filter == EVFILT_WRITE && variant == FREEBSD && (look(fd) & POLLERR) != 0) return EPIPE;
    if (w->notes == NULL && (error = know(w, fd)) != 0) return error;
    if (n->event.filter == EVFILT_WRITE && !q->has_writers) {
        error = control(q->fd, EPOLL_CTL_ADD, shared.writers, EPOLLIN, FROM_WRITERS);
        q->has_writers = error == 0;
    }
    if (error == 0 && !w->regular) {
        if (n->event.filter == EVFILT_READ) error = listen_to(q->fd, fd, EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET);
        else if (w->writers == 0) error = listen_to(shared.writers, fd, EPOLLOUT | EPOLLET);
    }
    if (error != 0) {
        if (w->notes == NULL) control(shared.known, EPOLL_CTL_DEL, fd, 0, 0);
        return error == ELOOP ? EINVAL : error;
    }
    if (n->event.filter == EVFILT_WRITE) w->writers++;
    n->next = w->notes;
    w->notes = n;
    return 0;
}

static int attach(struct note *n)
{
    if (n->event.filter == EVFILT_READ || n->event.filter == EVFILT_WRITE) return attach_descriptor(n);
    int error = n->event.filter == EVFILT_TIMER ? start_timer(n) : 0;
    if (error != 0) return error;
    n->next = n->queue->others;
    n->queue->others = n;
    return 0;
}

static int add(struct queue *q, const struct kevent *c, struct note **made)
{
    struct note *n = calloc(1, sizeof *n);
    if (n == NULL) return ENOMEM;
    n->queue = q;
    n->event = *c;
    n->event.fflags = 0;
    n->event.data = 0;
    if (variant == FREEBSD)
        n->event.flags &= (unsigned short)~(EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE | EV_FORCEONESHOT);
    n->fflags = c->fflags;
    n->data = c->data;
    int error = attach(n);
    if (error != 0) free(n);
    else *made = n;
    return error;
}

static int modify(struct note *n, const struct kevent *c)
{
    bool adds = (c->flags & EV_ADD) != 0;
    if (variant == NETBSD && !adds) return 0;
    if ((c->flags & EV_KEEPUDATA) == 0) n->event.udata = c->udata;
    if (n->event.filter == EVFILT_USER) {
        apply_user(n, c);
        return 0;
    }
    if (n->event.filter == EVFILT_TIMER && !adds) return 0;
    n->fflags = c->fflags;
    n->data = c->data;
    if (n->event.filter == EVFILT_TIMER) {
        if (variant == FREEBSD) return start_timer(n);
        if (n->period > 0 && n->data > 0) n->period = n->data * 1000000;    /* from the next expiry on */
    }
    return 0;
}

static int change(struct queue *q, const struct kevent *c)
{
    bool on_descriptor = c->filter == EVFILT_READ || c->filter == EVFILT_WRITE, adds = (c->flags & EV_ADD) != 0;
    int error = 0;
    if (!on_descriptor && c->filter != EVFILT_TIMER && (c->filter != EVFILT_USER || variant == NETBSD)) return EINVAL;
    if (on_descriptor) {
        if (c->ident > INT32_MAX || fcntl((int)c->ident, F_GETFD) < 0) return EBADF;
        still_open((int)c->ident);
    }
    struct note *n = find_note(q, c, on_descriptor);
    if (n == NULL && !adds) return ENOENT;
    if (n == NULL) error = add(q, c, &n);
    else if ((c->flags & EV_DELETE) == 0) error = modify(n, c);
    if (error != 0) return error;
    if ((c->flags & EV_DELETE) != 0) {
        forget(n);
        return 0;
    }
    if ((c->flags & EV_ENABLE) != 0) n->disabled = false;
    else if ((c->flags & EV_DISABLE) != 0) n->disabled = true;
    else if (variant == NETBSD && adds) n->disabled = false;
    if (variant == FREEBSD || adds) {
        if (!n->disabled && run(n)) n->active = true;
    }
    if (n->disabled) take(n);
    else if (n->active) activate(n);
    ring(q);
    if (c->filter == EVFILT_TIMER) expire();
    return 0;
}

/* Apply the changes. Returns how many results are in `events`, or a negative error. */
static int change_all(struct queue *q, const struct kevent *changes, int nchanges, struct kevent *events, int nevents, bool *done)
{
    int told = 0;
    for (int i = 0; i < nchanges; i++) {
        struct kevent c = changes[i];
        if (c.filter == 0 && variant == FREEBSD) continue;
        c.flags &= (unsigned short)~EV_SYSFLAGS;
        int error = change(q, &c);
        if (error == 0 && (c.flags & EV_RECEIPT) == 0) continue;
        if (told == nevents) {
            *done = true;               /* no room to tell: the rest is not applied */
            return error != 0 ? -error : told;
        }
        c.flags = EV_ERROR;
        c.data = error;
        events[told++] = c;
    }
    *done = told > 0;
    return told;
}

/* ------------------------------------------------------------------- events */

/* Take a note from the pending list and report it, if its filter still says yes */
static bool report(struct note *n, struct kevent *event)
{
    take(n);
    if ((n->event.flags & EV_ONESHOT) == 0 && !run(n)) {
        n->active = false;
        return false;
    }
    *event = n->event;
    if ((n->event.flags & EV_ONESHOT) != 0) {
        forget(n);
        return true;
    }
    if (n->event.filter == EVFILT_USER) {
        event->fflags = n->fflags;
        event->data = n->data;
    }
    bool clears = (n->event.flags & EV_CLEAR) != 0, dispatches = (n->event.flags & EV_DISPATCH) != 0;
    if (variant == NETBSD && clears) dispatches = false;
    if (clears) {
        n->triggered = false;
        n->event.data = 0;
    }
    if (dispatches) n->disabled = true;
    if (clears || dispatches) n->active = false;
    else put(n);
    return true;
}

static int report_all(struct queue *q, struct kevent *events, int nevents)
{
    int n = 0;
    q->round++;
    while (n < nevents && q->first != NULL && q->first->round != q->round) {
        struct note *first = q->first;
        bool on_descriptor = first->event.filter == EVFILT_READ || first->event.filter == EVFILT_WRITE;
        if (on_descriptor && !still_open((int)first->event.ident)) continue;
        if (report(first, &events[n])) n++;
    }
    ring(q);
    return n;
}

static int wait_until(int kq, int64_t deadline, const sigset_t *mask)
{
    struct pollfd p = { .fd = kq, .events = POLLIN };
    struct timespec left = { 0, 0 };
    int64_t ns = deadline - now_on(CLOCK_MONOTONIC);
    if (ns < 0) ns = 0;
    left.tv_sec = (time_t)(ns / 1000000000);
    left.tv_nsec = (long)(ns % 1000000000);
    return ppoll(&p, 1, deadline == INT64_MAX ? NULL : &left, mask) < 0 ? -errno : 0;
}

static int wait_for_events(struct queue *q, struct kevent *events, int nevents, int64_t deadline, const sigset_t *mask)
{
    for (;;) {
        hear(q);
        int n = report_all(q, events, nevents);
        if (n > 0 || now_on(CLOCK_MONOTONIC) >= deadline) return n;
        pthread_mutex_unlock(&mutex);
        int error = wait_until(q->fd, deadline, mask);
        pthread_mutex_lock(&mutex);
        if (error < 0) return error;
        if (!alive(q)) return now_on(CLOCK_MONOTONIC) >= deadline ? 0 : -EBADF;
    }
}

static bool deadline_of(const struct timespec *timeout, int64_t *deadline)
{
    *deadline = INT64_MAX;
    if (timeout == NULL) return true;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000) return false;
    if (timeout->tv_sec > 1000000000) return true;      /* thirty years: for ever */
    *deadline = now_on(CLOCK_MONOTONIC) + (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec;
    return true;
}

static int locked_kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
    const struct timespec *timeout, const sigset_t *mask)
{
    int64_t deadline;
    bool done = false;
    struct queue *q = find_queue(kq);
    if (q == NULL) return -EBADF;
    if (nchanges < 0 || nevents < 0) return -EINVAL;
    int n = change_all(q, changes, nchanges, events, nevents, &done);
    if (n < 0 || done || nevents == 0) return n;
    if (!deadline_of(timeout, &deadline)) return -EINVAL;
    q->waiters++;
    n = wait_for_events(q, events, nevents, deadline, mask);
    if (--q->waiters == 0 && q->dead) free(q);
    return n;
}

int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
    const struct timespec *timeout)
{
    sigset_t mask;
    lock(&mask);
    int n = locked_kevent(kq, changes, nchanges, events, nevents, timeout, &mask);
    unlock(&mask);
    return result(n);
}
