/* What real kqueue kernels did, row by row, asked of the model (or of a real kernel):

     rows [-e] [ROW...]         all rows, or these; -e: under an emulator that hides TCP_INFO

   MODEL_KQUEUE says which kernel's answers are expected where FreeBSD 13.0 and NetBSD 7.99
   differed. A line for each row: `ok - kqueue model (freebsd): ROW`, or `not ok - ...: why`. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 40, SOON_MS = 2000, MANY = 700 };

static bool netbsd, emulated;
static const char *row;
static char why[256];

static void check(bool good, const char *text, int line)
{
    if (!good && why[0] == '\0') snprintf(why, sizeof why, "line %d: %s (errno %d)", line, text, errno);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

/* ------------------------------------------------------------------- helpers */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

static struct kevent make(int ident, int filter, unsigned int flags, unsigned int fflags, int64_t data, void *udata)
{
    struct kevent e;
    EV_SET(&e, (uintptr_t)ident, filter, flags, fflags, data, udata);
    return e;
}

/* One change; returns 0 or the error */
static int set_all(int kq, int ident, int filter, unsigned int flags, unsigned int fflags, int64_t data, void *udata)
{
    struct kevent e = make(ident, filter, flags, fflags, data, udata);
    return kevent(kq, &e, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

static int set(int kq, int ident, int filter, unsigned int flags) { return set_all(kq, ident, filter, flags, 0, 0, NULL); }

static int get_all(int kq, struct kevent *events, int n, long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    return kevent(kq, NULL, 0, events, n, &t);
}

/* The one event that comes; its ident is 0 and its filter 0 if none comes */
static struct kevent get_one(int kq, int line)
{
    struct kevent e[2] = { { .ident = 0 } };
    int64_t began = now_ms();
    int n = get_all(kq, e, 2, SOON_MS);
    check(now_ms() - began < SOON_MS, "the event comes late", line);
    check(n > 0, "no event comes", line);
    check(n < 2, "more than one event comes", line);
    return e[0];
}
#define get(kq) get_one(kq, __LINE__)

static bool quiet(int kq)
{
    struct kevent e[8];
    return get_all(kq, e, 8, QUIET_MS) == 0;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    a.sin_port = htons((uint16_t)port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static struct sockaddr *plain(struct sockaddr_in *a) { return (struct sockaddr *)a; }

static int listener(struct sockaddr_in *a)
{
    socklen_t size = sizeof *a;
    int l = socket(AF_INET, SOCK_STREAM, 0);
    *a = loopback(0);
    CHECK(bind(l, plain(a), size) == 0 && listen(l, 16) == 0 && getsockname(l, plain(a), &size) == 0);
    return l;
}

static void nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static int connecting(struct sockaddr_in *a)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    nonblocking(s);
    CHECK(connect(s, plain(a), sizeof *a) == 0 || errno == EINPROGRESS || errno == ECONNREFUSED);
    return s;
}

static void tcp_pair(int s[2])
{
    struct sockaddr_in a;
    int l = listener(&a);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(s[0], plain(&a), sizeof a) == 0);
    s[1] = accept(l, NULL, NULL);
    CHECK(s[1] >= 0);
    nonblocking(s[0]);
    nonblocking(s[1]);
    close(l);
}

static void local_pair(int s[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    nonblocking(s[0]);
    nonblocking(s[1]);
}

static void say(int fd, const char *text) { CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text)); }

static ssize_t drain(int fd)
{
    char buffer[65536];
    ssize_t sum = 0, n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) sum += n;
    return sum;
}

static void fill(int fd)
{
    static char buffer[65536];
    while (write(fd, buffer, sizeof buffer) > 0) {}
    CHECK(errno == EAGAIN);
}

static void reset(int fd)
{
    struct linger l = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}

static int so_error(int fd)
{
    int error = -1;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

static void close_pair(int s[2])
{
    close(s[0]);
    close(s[1]);
}

/* A thread that waits in kevent() for at most 300 ms, and tells how long it did */
struct waiter { int kq, n; int64_t took; };
static atomic_int waiting;

static void *waits(void *argument)
{
    struct waiter *w = argument;
    struct kevent e;
    int64_t began = now_ms();
    atomic_store(&waiting, 1);
    w->n = get_all(w->kq, &e, 1, 300);
    w->took = now_ms() - began;
    return NULL;
}

static pthread_t start_waiter(struct waiter *w)
{
    pthread_t thread;
    atomic_store(&waiting, 0);
    CHECK(pthread_create(&thread, NULL, waits, w) == 0);
    while (atomic_load(&waiting) == 0) nap(1);
    nap(50);
    return thread;
}

/* ------------------------------------------------------------------- the table */

static void read_clear(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(quiet(kq));
    say(s[1], "hello");
    struct kevent e = get(kq);
    CHECK(e.ident == (uintptr_t)s[0] && e.filter == EVFILT_READ && e.data == 5 && (e.flags & (EV_EOF | EV_ERROR)) == 0);
    CHECK(quiet(kq));
    say(s[1], "four");
    CHECK(get(kq).data == 9);
    CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void write_clear(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    struct kevent e = get(kq);
    CHECK(e.filter == EVFILT_WRITE && e.data > 0);
    CHECK(quiet(kq));
    say(s[0], "a little");
    CHECK(quiet(kq));
    fill(s[0]);
    CHECK(quiet(kq));
    for (int i = 0; i < 100 && quiet(kq); i++) drain(s[1]);
    CHECK(write(s[0], "x", 1) == 1);
    close(kq);
    close_pair(s);
}

static void write_drained(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    get(kq);
    fill(s[0]);
    for (int i = 0; i < 20; i++) {
        drain(s[1]);
        nap(2);
    }
    CHECK(get(kq).filter == EVFILT_WRITE);
    CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void pending_connections(void)
{
    struct sockaddr_in a;
    int l = listener(&a), kq = kqueue(), one, two, got;
    CHECK(set(kq, l, EVFILT_READ, EV_ADD) == 0);
    CHECK(quiet(kq));
    one = connecting(&a);
    two = connecting(&a);
    nap(20);
    struct kevent e = get(kq);
    CHECK(e.data == (emulated ? 1 : 2));
    got = accept(l, NULL, NULL);
    CHECK(get(kq).data == 1);
    close(got);
    got = accept(l, NULL, NULL);
    CHECK(quiet(kq));
    close(got);
    close(one);
    close(two);
    close(l);
    close(kq);
}

static void fin_behind_data(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(s[1], "hello");
    close(s[1]);
    nap(20);
    struct kevent e = get(kq);
    CHECK((e.flags & EV_EOF) != 0 && e.data == 5 && e.fflags == 0);
    CHECK(quiet(kq));
    CHECK(drain(s[0]) == 5);
    CHECK(quiet(kq));
    close(kq);
    close(s[0]);
}

static void reset_by_peer(void)
{
    int s[2], kq = kqueue();
    char byte;
    for (int ask = 0; ask < 2; ask++) {
        tcp_pair(s);
        CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
        CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
        CHECK(get(kq).filter == EVFILT_WRITE);
        reset(s[1]);
        nap(20);
        struct kevent e[3] = { { .ident = 0 } };
        CHECK(get_all(kq, e, 3, SOON_MS) == 2);
        for (int i = 0; i < 2; i++) CHECK((e[i].flags & EV_EOF) != 0 && e[i].fflags == ECONNRESET);
        CHECK(e[0].filter != e[1].filter);
        if (ask != 0) {
            CHECK(so_error(s[0]) == ECONNRESET);
            CHECK(read(s[0], &byte, 1) == 0);
        } else {
            CHECK(read(s[0], &byte, 1) == -1 && errno == ECONNRESET);
        }
        close(s[0]);
    }
    close(kq);
}

static void oneshot(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_ONESHOT) == 0);
    say(s[1], "hello");
    struct kevent e = get(kq);
    CHECK(e.data == 5 && (e.flags & EV_ONESHOT) != 0);
    say(s[1], "more");
    CHECK(quiet(kq));
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == ENOENT);
    close(kq);
    close_pair(s);
}

/* A queue and a pair whose READ note was dispatched, with five bytes left unread */
static int dispatched(int s[2], unsigned int more)
{
    int kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH | more) == 0);
    say(s[1], "hello");
    CHECK(get(kq).data == 5);
    CHECK(quiet(kq));
    return kq;
}

static void dispatch_enable(void)
{
    int s[2], kq = dispatched(s, 0);
    if (!netbsd) {
        say(s[1], "more");
        CHECK(quiet(kq));
    }
    CHECK(set(kq, s[0], EVFILT_READ, EV_ENABLE) == 0);
    if (netbsd) {
        CHECK(quiet(kq));
        say(s[1], "more");
    }
    CHECK(get(kq).data == 9);
    CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void dispatch_add(void)
{
    int s[2], kq = dispatched(s, 0);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH) == 0);
    if (netbsd) CHECK(get(kq).data == 5);
    else CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void dispatch_add_enable(void)
{
    int s[2], kq = dispatched(s, 0);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_ENABLE | EV_DISPATCH) == 0);
    CHECK(get(kq).data == 5);
    CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void clear_dispatch(void)
{
    int s[2], kq = dispatched(s, EV_CLEAR);
    say(s[1], "more");
    if (netbsd) CHECK(get(kq).data == 9);
    else CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void add_again(void)
{
    int s[2], kq = kqueue(), one = 0, two = 0;
    tcp_pair(s);
    CHECK(set_all(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &one) == 0);
    say(s[1], "hello");
    CHECK(get(kq).udata == &one);
    CHECK(set_all(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &two) == 0);
    struct kevent e = get(kq);
    CHECK(e.udata == &two && e.data == 5);
    CHECK(quiet(kq));
    close(kq);
    close_pair(s);
}

static void *triggers(void *kq)
{
    nap(50);
    CHECK(set_all(*(int *)kq, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, kq) == 0);
    return NULL;
}

static void user(void)
{
    int kq = kqueue(), one = 0;
    pthread_t thread;
    if (netbsd) {
        CHECK(set(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR) == EINVAL);
        close(kq);
        return;
    }
    CHECK(set_all(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &one) == 0);
    CHECK(quiet(kq));
    CHECK(pthread_create(&thread, NULL, triggers, &kq) == 0);
    struct kevent e = get(kq);
    CHECK(e.filter == EVFILT_USER && e.ident == 7 && e.udata == &kq);
    pthread_join(thread, NULL);
    CHECK(quiet(kq));
    for (int i = 0; i < 3; i++) triggers(&kq);
    CHECK(get(kq).udata == &kq);        /* one for all three */
    CHECK(quiet(kq));
    CHECK(set_all(kq, 7, EVFILT_USER, 0, NOTE_FFCOPY | 6, 0, NULL) == 0);
    CHECK(set_all(kq, 7, EVFILT_USER, 0, NOTE_FFAND | 3, 0, NULL) == 0);
    CHECK(set_all(kq, 7, EVFILT_USER, 0, NOTE_FFOR | 8 | NOTE_TRIGGER, 0, NULL) == 0);
    CHECK(get(kq).fflags == 10);
    CHECK(set_all(kq, 8, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, NULL) == 0);
    CHECK(quiet(kq));                   /* the change that adds does not trigger */
    CHECK(set_all(kq, 8, EVFILT_USER, EV_CLEAR, NOTE_TRIGGER, 0, NULL) == 0);
    CHECK(quiet(kq));                   /* nor does one that clears */
    close(kq);
}

static void timer(void)
{
    int kq = kqueue();
    int64_t began, took, least = INT64_MAX;
    struct kevent e;
    for (int i = 0; i < 5; i++) {       /* the machine may be late, the timer is not */
        began = now_ms();
        CHECK(set_all(kq, 1, EVFILT_TIMER, EV_ADD, 0, 50, NULL) == 0);
        e = get(kq);
        took = now_ms() - began;
        if (took < least) least = took;
        if (i < 4) CHECK(set(kq, 1, EVFILT_TIMER, EV_DELETE) == 0);
        CHECK(e.data >= 1 && e.filter == EVFILT_TIMER && (e.flags & EV_CLEAR) != 0);
    }
    CHECK(netbsd ? least >= 46 && least < 50 : least >= 49 && least < 150);
    nap(50 + 50 + 50 + 25);
    e = get(kq);
    CHECK(e.data == 3 || (e.data > 3 && now_ms() - began >= 50 * (e.data + 1) - 5));        /* we slept longer */
    CHECK(set(kq, 1, EVFILT_TIMER, EV_DELETE) == 0);
    CHECK(set(kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT) == (netbsd ? EINVAL : 0));
    if (!netbsd) CHECK(get(kq).data == 1);
    CHECK(quiet(kq));
    close(kq);
}

static void receipt(void)
{
    int s[2], kq = kqueue();
    struct kevent c[2], e[3];
    tcp_pair(s);
    c[0] = make(s[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    c[1] = make(s[0], EVFILT_WRITE, EV_DELETE | EV_RECEIPT, 0, 0, NULL);
    say(s[1], "hello");
    CHECK(kevent(kq, c, 2, e, 3, NULL) == 2);
    CHECK(e[0].flags == EV_ERROR && e[0].data == 0 && e[0].ident == (uintptr_t)s[0] && e[0].filter == EVFILT_READ);
    CHECK(e[1].flags == EV_ERROR && e[1].data == ENOENT && e[1].filter == EVFILT_WRITE);
    CHECK(get(kq).data == 5);
    close(kq);
    close_pair(s);
}

static void changelist_errors(void)
{
    int s[2], kq = kqueue();
    struct kevent c[3], e[3];
    tcp_pair(s);
    c[0] = make(s[0], EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    c[1] = make(s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
    c[2] = make(1000, EVFILT_READ, EV_ADD, 0, 0, NULL);
    say(s[1], "hello");
    CHECK(kevent(kq, c, 3, e, 3, NULL) == 2);
    CHECK((e[0].flags & EV_ERROR) != 0 && e[0].data == ENOENT && (e[1].flags & EV_ERROR) != 0 && e[1].data == EBADF);
    CHECK(get(kq).data == 5);           /* the good change was applied, its event comes now */
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == 0);
    CHECK(kevent(kq, c, 2, NULL, 0, NULL) == -1 && errno == ENOENT);    /* no room: the rest is not applied */
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == ENOENT);
    CHECK(kevent(kq, c, 2, e, 1, NULL) == 1 && e[0].data == ENOENT);
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == 0);
    close(kq);
    close_pair(s);
}

static void connect_succeeds(void)
{
    struct sockaddr_in a;
    int l = listener(&a), kq = kqueue(), s = connecting(&a);
    CHECK(set(kq, s, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(set(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    struct kevent e = get(kq);
    CHECK(e.filter == EVFILT_WRITE && (e.flags & EV_EOF) == 0 && so_error(s) == 0);
    CHECK(quiet(kq));
    close(s);
    close(l);
    close(kq);
}

static void connect_refused(void)
{
    struct sockaddr_in a;
    int l = listener(&a), kq = kqueue();
    close(l);
    int s = connecting(&a);
    CHECK(set(kq, s, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(set(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    nap(20);
    struct kevent e[3] = { { .ident = 0 } };
    CHECK(get_all(kq, e, 3, SOON_MS) == 2 && e[0].filter != e[1].filter);
    for (int i = 0; i < 2; i++) CHECK((e[i].flags & EV_EOF) != 0 && e[i].fflags == ECONNREFUSED);
    CHECK(so_error(s) == ECONNREFUSED);
    CHECK(quiet(kq));
    close(s);
    close(kq);
}

static void before_connect(void)
{
    struct sockaddr_in a;
    int l = listener(&a), kq = kqueue(), s = socket(AF_INET, SOCK_STREAM, 0);
    nonblocking(s);
    CHECK(set(kq, s, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(set(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(quiet(kq));
    CHECK(connect(s, plain(&a), sizeof a) == 0 || errno == EINPROGRESS);
    CHECK(get(kq).filter == EVFILT_WRITE);
    CHECK(quiet(kq));
    close(s);
    close(l);
    close(kq);
}

static void close_registered(void)
{
    int s[2], kq = kqueue(), p[2];
    struct waiter w = { .kq = kq };
    pthread_t thread;
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD) == 0);
    say(s[1], "hello");
    CHECK(get(kq).data == 5);           /* and it is still pending */
    close(s[0]);
    CHECK(quiet(kq));
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0);
    thread = start_waiter(&w);
    close(p[0]);
    pthread_join(thread, NULL);
    CHECK(w.n == 0 && w.took >= 299);
    close(p[1]);
    close(s[1]);
    close(kq);
}

static void close_queue(void)
{
    int p[2], kq = kqueue();
    struct waiter w = { .kq = kq };
    pthread_t thread;
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0);
    thread = start_waiter(&w);
    close(kq);
    pthread_join(thread, NULL);
    CHECK(w.n == 0 && w.took >= 299);
    CHECK(set(kq, p[0], EVFILT_READ, EV_ADD) == EBADF);
    close_pair(p);
}

static void dup_open(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD) == 0);
    int copy = dup(s[0]);
    close(s[0]);
    say(s[1], "hello");
    CHECK(quiet(kq));
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == EBADF);
    CHECK(drain(copy) == 5);
    close(copy);
    close(s[1]);
    close(kq);
}

static void lowat(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set_all(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, NOTE_LOWAT, 4, NULL) == 0);
    say(s[1], "abc");
    CHECK(quiet(kq));
    say(s[1], "d");
    CHECK(get(kq).data == 4);
    drain(s[0]);
    close(s[1]);
    CHECK((get(kq).flags & EV_EOF) != 0);
    close(kq);
    close(s[0]);
}

static void local_shutdown(void)
{
    int s[2], kq = kqueue();
    for (int i = 0; i < 2; i++) {
        if (i == 0) tcp_pair(s);
        else local_pair(s);
        CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
        CHECK((get(kq).flags & EV_EOF) == 0);
        CHECK(shutdown(s[0], SHUT_WR) == 0);
        struct kevent e = get(kq);
        CHECK(e.filter == EVFILT_WRITE && (e.flags & EV_EOF) != 0 && e.fflags == 0);
        CHECK(emulated || quiet(kq));
        close_pair(s);
    }
    close(kq);
}

static void pipe_reader_closed(void)
{
    int p[2], kq = kqueue();
    CHECK(pipe(p) == 0);
    CHECK(set(kq, p[1], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK((get(kq).flags & EV_EOF) == 0);
    close(p[0]);
    struct kevent e = get(kq);
    CHECK(e.filter == EVFILT_WRITE && (e.flags & EV_EOF) != 0);
    CHECK(((e.flags & EV_ONESHOT) != 0) == !netbsd);
    CHECK(quiet(kq));
    CHECK(set(kq, p[1], EVFILT_WRITE, EV_DELETE) == (netbsd ? 0 : ENOENT));
    close(p[1]);
    close(kq);
}

static void nested(void)
{
    int s[2], inner = kqueue(), outer = kqueue();
    struct pollfd p = { .fd = inner, .events = POLLIN };
    tcp_pair(s);
    CHECK(set(outer, inner, EVFILT_READ, EV_ADD) == 0);
    CHECK(set(inner, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(quiet(outer) && poll(&p, 1, 0) == 0);
    say(s[1], "hello");
    struct kevent e = get(outer);
    CHECK(e.ident == (uintptr_t)inner && e.data == 1);
    CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
    CHECK(get(inner).data == 5);
    CHECK(quiet(outer) && poll(&p, 1, 0) == 0);
    CHECK(set(inner, inner, EVFILT_READ, EV_ADD) == EINVAL);
    if (!netbsd) {
        CHECK(set(inner, 1, EVFILT_USER, EV_ADD | EV_CLEAR) == 0);
        CHECK(set_all(inner, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL) == 0);
        CHECK(get(outer).data == 1 && poll(&p, 1, 0) == 1);
        CHECK(get(inner).filter == EVFILT_USER);
    }
    CHECK(set_all(inner, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 20, NULL) == 0);
    CHECK(get(outer).data == 1);
    CHECK(get(inner).filter == EVFILT_TIMER && poll(&p, 1, 0) == 0);
    close(inner);
    CHECK(quiet(outer));
    close(outer);
    close_pair(s);
}

static void datagrams(void)
{
    struct sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    int kq = kqueue(), s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);
    char buffer[16];
    CHECK(bind(s, plain(&a), size) == 0 && getsockname(s, plain(&a), &size) == 0);
    CHECK(connect(t, plain(&a), size) == 0);
    CHECK(set(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(t, "abc");
    say(t, "abcdef");
    nap(10);
    CHECK(get(kq).data == (emulated ? 3 : netbsd ? 41 : 9));
    CHECK(recv(s, buffer, sizeof buffer, MSG_PEEK) == 3 && recv(s, buffer, sizeof buffer, 0) == 3);
    CHECK(recv(s, buffer, sizeof buffer, 0) == 6);
    CHECK(quiet(kq));
    close(s);
    close(t);
    close(kq);
}

static void returned_flags(void)
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(s[1], "hello");
    CHECK(get(kq).flags == (netbsd ? EV_ADD | EV_CLEAR : EV_CLEAR));
    close(kq);
    close_pair(s);
}

/* ------------------------------------------------------------------- and what else the manual promises */

static void levels(void)        /* without EV_CLEAR: until it is no longer so */
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD) == 0);
    say(s[1], "hello");
    for (int i = 0; i < 3; i++) CHECK(get(kq).data == 5);
    drain(s[0]);
    CHECK(quiet(kq));
    say(s[1], "hello");
    nap(20);
    CHECK(set(kq, s[0], EVFILT_READ, EV_DISABLE) == 0 && quiet(kq));
    CHECK(set(kq, s[0], EVFILT_READ, EV_ENABLE) == 0 && get(kq).data == 5);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD) == 0);
    struct kevent e[3];
    CHECK(get_all(kq, e, 3, SOON_MS) == 2);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_DELETE) == 0 && get(kq).filter == EVFILT_READ);
    close(kq);
    close_pair(s);
}

static void vanished(void)      /* the filter is run again when the event is taken */
{
    int a[2], b[2], kq = kqueue();
    struct kevent e;
    tcp_pair(a);
    tcp_pair(b);
    CHECK(set(kq, a[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0 && set(kq, b[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(a[1], "hello");
    say(b[1], "hello");
    nap(20);
    CHECK(get_all(kq, &e, 1, SOON_MS) == 1);
    CHECK(drain(e.ident == (uintptr_t)a[0] ? b[0] : a[0]) == 5);        /* the other one's event is pending */
    CHECK(quiet(kq));
    close(kq);
    close_pair(a);
    close_pair(b);
}

static void other_edges(void)   /* neither a FIN nor a shutdown is room to write or data to read */
{
    int s[2], kq = kqueue();
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(get(kq).filter == EVFILT_WRITE);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(s[0], "question");
    say(s[1], "answer");
    CHECK(get(kq).filter == EVFILT_READ);
    CHECK(drain(s[1]) == 8);    /* or it would be a reset */
    close(s[1]);
    if (!emulated) {
        struct kevent e = get(kq);
        CHECK(e.filter == EVFILT_READ && (e.flags & EV_EOF) != 0);
        CHECK(quiet(kq));
        CHECK(shutdown(s[0], SHUT_WR) == 0);
        CHECK(get(kq).filter == EVFILT_WRITE);
    }
    close(s[0]);
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(s[1], "hello");
    CHECK(get(kq).data == 5);
    CHECK(shutdown(s[0], SHUT_WR) == 0);
    CHECK(emulated || quiet(kq));
    close(kq);
    close_pair(s);
}

static void number_again(void)  /* a closed number that means another file */
{
    int s[2], t[2], kq = kqueue();
    tcp_pair(s);
    tcp_pair(t);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD) == 0 && set(kq, s[0], EVFILT_WRITE, EV_ADD) == 0);
    int copy = dup(s[0]);
    say(s[1], "hello");
    CHECK(dup2(t[0], s[0]) == s[0]);
    CHECK(quiet(kq));
    CHECK(set(kq, s[0], EVFILT_READ, EV_DELETE) == ENOENT);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0 && set(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(get(kq).filter == EVFILT_WRITE);
    say(s[1], "old");
    CHECK(quiet(kq));
    say(t[1], "new one");
    CHECK(get(kq).data == 7);
    close(copy);
    close(s[0]);
    close(s[1]);
    close_pair(t);
    close(kq);
}

static void queue_again(void)   /* a queue's number, used again */
{
    int p[2], kq = kqueue(), other = kqueue();
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0 && set(other, p[0], EVFILT_READ, EV_ADD) == 0);
    say(p[1], "x");
    CHECK(get(other).data == 1);
    close(kq);
    CHECK(kqueue() == kq);
    CHECK(quiet(kq));
    CHECK(set(kq, p[0], EVFILT_READ, EV_DELETE) == ENOENT);
    CHECK(set(kq, p[0], EVFILT_READ, EV_ADD) == 0 && get(kq).data == 1);
    close(kq);
    CHECK(open("/dev/null", O_RDONLY) == kq && set(kq, p[0], EVFILT_READ, EV_ADD) == EBADF);
    close(kq);
    CHECK(get(other).data == 1);
    close(other);
    close_pair(p);
}

static void refusals(void)
{
    int kq = kqueue(), p[2], file = open("rows.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600), null = open("/dev/null", O_RDWR);
    struct kevent e;
    struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
    CHECK(pipe(p) == 0);
    CHECK(set(kq, p[0], EVFILT_VNODE, EV_ADD) == EINVAL && set(kq, p[0], 5, EV_ADD) == EINVAL);
    CHECK(set(kq, 1000, EVFILT_READ, EV_ADD) == EBADF && set(kq, -1, EVFILT_READ, EV_ADD) == EBADF);
    CHECK(set(kq, 1000, EVFILT_READ, EV_DELETE) == EBADF && set(kq, p[0], EVFILT_READ, EV_ENABLE) == ENOENT);
    CHECK(set(kq, 5, EVFILT_TIMER, EV_DELETE) == ENOENT);
    CHECK(set_all(kq, 5, EVFILT_TIMER, EV_ADD, 0, -1, NULL) == EINVAL);
    CHECK(kevent(p[0], NULL, 0, &e, 1, NULL) == -1 && errno == EBADF);
    CHECK(kevent(kq, NULL, 0, &e, 1, &bad) == -1 && errno == EINVAL);
    CHECK(kevent(kq, NULL, 0, &e, 1, &negative) == -1 && errno == EINVAL);
    CHECK(kevent(kq, NULL, 0, NULL, 0, NULL) == 0);     /* no room: returns at once */
    CHECK(set(kq, null, EVFILT_READ, EV_ADD) == ENODEV);
    CHECK(set(kq, file, EVFILT_READ, EV_ADD) == 0 && quiet(kq));        /* a regular file, at its end */
    say(file, "hello");
    lseek(file, 2, SEEK_SET);
    CHECK(set(kq, file, EVFILT_READ, EV_ADD) == 0 && get(kq).data == 3);
    close(p[0]);
    CHECK(set(kq, p[1], EVFILT_WRITE, EV_ADD) == (netbsd ? 0 : EPIPE));
    unlink("rows.tmp");
    close(file);
    close(null);
    close(p[1]);
    close(kq);
}

static void kinds(void)         /* local sockets, pipes, terminals */
{
    int s[2], p[2], kq = kqueue(), master, slave;
    local_pair(s);
    CHECK(pipe(p) == 0);
    CHECK(set(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    say(s[1], "hello");
    CHECK(get(kq).data == 5);
    close(s[1]);
    struct kevent e = get(kq);
    CHECK((e.flags & EV_EOF) != 0 && e.data == 5 && e.fflags == 0);
    say(p[1], "hello");
    CHECK(get(kq).data == 5);
    close(p[1]);
    e = get(kq);
    CHECK((e.flags & EV_EOF) != 0 && e.data == 5);
    CHECK(quiet(kq));
    master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 && (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) >= 0) {
        CHECK(set(kq, slave, EVFILT_READ, EV_ADD | EV_CLEAR) == 0 && quiet(kq));
        say(master, "line\n");
        CHECK(get(kq).data == 5);
        close(slave);
    }
    if (master >= 0) close(master);
    close(s[0]);
    close(p[0]);
    close(kq);
}

static void local_listener(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int kq = kqueue(), l = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "rows.%ld", (long)getpid());
    CHECK(bind(l, (struct sockaddr *)&a, sizeof a) == 0 && listen(l, 4) == 0);
    CHECK(set(kq, l, EVFILT_READ, EV_ADD) == 0 && set(kq, s, EVFILT_WRITE, EV_ADD) == 0 && quiet(kq));
    CHECK(connect(s, (struct sockaddr *)&a, sizeof a) == 0 && set(kq, s, EVFILT_WRITE, EV_ADD) == 0);
    struct kevent e[3];
    nap(10);
    CHECK(get_all(kq, e, 3, SOON_MS) == 2);
    int got = accept(l, NULL, NULL);
    e[0] = get(kq);
    CHECK(e[0].filter == EVFILT_WRITE && (e[0].flags & EV_EOF) == 0);
    unlink(a.sun_path);
    close(got);
    close(l);
    close(s);
    close(kq);
}

static void timeouts(void)
{
    static const long us[] = { 0, 1, 900, 1000, 3100, 20000 };
    int kq = kqueue(), p[2];
    struct kevent e;
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0);
    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
        struct timespec a, b, t = { 0, us[i] * 1000 };
        clock_gettime(CLOCK_MONOTONIC, &a);
        CHECK(kevent(kq, NULL, 0, &e, 1, &t) == 0);
        clock_gettime(CLOCK_MONOTONIC, &b);
        int64_t took = ((int64_t)b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
        CHECK(took >= us[i] * 1000 && took < us[i] * 1000 + 100000000);
    }
    close_pair(p);
    close(kq);
}

static void units(void)
{
    int kq = kqueue();
    struct timespec wall;
    if (netbsd) {       /* it knows milliseconds only */
        CHECK(set_all(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_USECONDS, 1000, NULL) == EINVAL);
        close(kq);
        return;
    }
    struct { unsigned int unit; int64_t data; } t[] = {
        { NOTE_NSECONDS, 60000000 }, { NOTE_USECONDS, 60000 }, { NOTE_MSECONDS, 60 }, { NOTE_ABSTIME, 0 } };
    for (int i = 0; i < 4; i++) {
        int64_t began = now_ms();
        clock_gettime(CLOCK_REALTIME, &wall);
        if (i == 3) t[i].data = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 + 60;
        CHECK(set_all(kq, 1, EVFILT_TIMER, EV_ADD | (i < 3 ? EV_ONESHOT : 0), t[i].unit, t[i].data, NULL) == 0);
        CHECK(get(kq).data == 1);
        int64_t took = now_ms() - began;
        CHECK(took >= 58 && took < 160);
        CHECK(i == 3 || set(kq, 1, EVFILT_TIMER, EV_DELETE) == ENOENT);
    }
    CHECK(set(kq, 1, EVFILT_TIMER, EV_DELETE) == 0);
    CHECK(set_all(kq, 2, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 1000, NULL) == 0 && quiet(kq));
    CHECK(set_all(kq, 2, EVFILT_TIMER, EV_ADD, 0, 10, NULL) == 0 && get(kq).ident == 2);        /* starts again */
    CHECK(set_all(kq, 3, EVFILT_TIMER, EV_ADD, 3, 10, NULL) == EINVAL);
    close(kq);
}

static atomic_int signals;
static int signal_queue;
static void on_signal(int number)
{
    struct kevent e;
    (void)number;
    atomic_fetch_add(&signals, 1);
    if (signal_queue < 0) return;
    EV_SET(&e, 9, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    kevent(signal_queue, &e, 1, NULL, 0, NULL);
}

static void *sends_signals(void *thread)
{
    nap(80);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void interrupted(void)
{
    int kq = kqueue(), p[2];
    struct kevent e;
    pthread_t thread, self = pthread_self();
    struct sigaction a = { .sa_handler = on_signal, .sa_flags = emulated ? 0 : SA_RESTART };
    sigaction(SIGUSR1, &a, NULL);
    signal_queue = -1;
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0);
    CHECK(pthread_create(&thread, NULL, sends_signals, &self) == 0);
    errno = 0;
    CHECK(get_all(kq, &e, 1, SOON_MS) == -1 && (emulated || errno == EINTR));   /* qemu-user loses errno here */
    pthread_join(thread, NULL);
    raise(SIGUSR1);             /* before the call: not the call's business */
    CHECK(get_all(kq, &e, 1, 30) == 0);
    if (!netbsd) {              /* kevent() in a signal handler */
        CHECK(set(kq, 9, EVFILT_USER, EV_ADD | EV_CLEAR) == 0);
        signal_queue = kq;
        CHECK(pthread_create(&thread, NULL, sends_signals, &self) == 0);
        int n = get_all(kq, &e, 1, SOON_MS);
        CHECK((n == -1 && (emulated || errno == EINTR)) || (n == 1 && e.ident == 9));
        if (n != 1) CHECK(get(kq).ident == 9);
        pthread_join(thread, NULL);
    }
    close_pair(p);
    close(kq);
}

static void descriptors(void)   /* a queue is one descriptor, and takes the lowest number */
{
    int before = open("/dev/null", O_RDONLY), kq, s[2];
    close(before);
    kq = kqueue();
    CHECK(kq == before);
    CHECK((fcntl(kq, F_GETFD) & FD_CLOEXEC) == 0);
    tcp_pair(s);
    CHECK(set(kq, s[0], EVFILT_WRITE, EV_ADD) == 0 && set_all(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1000, NULL) == 0);
    close_pair(s);
    close(kq);
    kq = open("/dev/null", O_RDONLY);
    CHECK(kq == before);
    close(kq);
#ifdef KQUEUE_CLOEXEC
    kq = kqueuex(KQUEUE_CLOEXEC);
    CHECK(kq == before && fcntl(kq, F_GETFD) == FD_CLOEXEC);
    CHECK(kqueuex(2) == -1 && errno == EINVAL);
    close(kq);
#endif
    kq = kqueue1(O_CLOEXEC);
    CHECK(kq == before && fcntl(kq, F_GETFD) == FD_CLOEXEC);
    close(kq);
}

static void forked(void)        /* the child has no queue, and may make one */
{
    int kq = kqueue(), p[2], status = -1;
    CHECK(pipe(p) == 0 && set(kq, p[0], EVFILT_READ, EV_ADD) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct kevent e;
        int own, good = set(kq, p[0], EVFILT_READ, EV_DELETE) == EBADF;
        close(kq);
        own = kqueue();
        good = good && set(own, p[0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0 && write(p[1], "x", 1) == 1 &&
            get_all(own, &e, 1, SOON_MS) == 1;
        _exit(good ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(get(kq).data == 1);
    close_pair(p);
    close(kq);
}

/* ------------------------------------------------------------------- many, and several threads */

static void many(void)          /* descriptors beyond 1024; each is reported once, in batches */
{
    static int s[MANY][2];
    static int seen[MANY];
    struct kevent e[64];
    int kq = kqueue(), count = 0, n;
    for (int i = 0; i < MANY; i++) {
        local_pair(s[i]);
        CHECK(set_all(kq, s[i][0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &seen[i]) == 0);
        seen[i] = 0;
    }
    CHECK(s[MANY - 1][1] > 1024);
    for (int i = 0; i < MANY; i++) say(s[i][1], "x");
    while (why[0] == '\0' && (n = get_all(kq, e, 64, QUIET_MS)) > 0)
        for (int i = 0; i < n; i++, count++) ++*(int *)e[i].udata;
    CHECK(count == MANY);
    for (int i = 0; i < MANY; i++) CHECK(seen[i] == 1);
    for (int i = 0; i < MANY; i++) {
        CHECK(set(kq, s[i][0], EVFILT_READ, EV_DELETE) == 0);
        CHECK(set_all(kq, s[i][0], EVFILT_READ, EV_ADD, 0, 0, &seen[i]) == 0);
    }
    for (int i = 0; i < MANY; i++) CHECK(get_all(kq, e, 1, SOON_MS) == 1 && ++*(int *)e[0].udata == 2);        /* fair */
    for (int i = 0; i < MANY; i++) close_pair(s[i]);
    CHECK(quiet(kq));
    close(kq);
}

enum { CHANGERS = 4, TURNS = 400 };
static int shared_queue;
static atomic_int handled[CHANGERS], finished, broken;

static bool turn(int me, int turns, const int p[2], const int noise[2])
{
    int kq = shared_queue, old = atomic_load(&handled[me]);
    int64_t limit = now_ms() + 5000;
    unsigned int flags = EV_ADD | EV_ENABLE | (turns % 2 != 0 ? EV_ONESHOT : EV_DISPATCH);
    if (set_all(kq, noise[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, (void *)-1) != 0) return false;
    if (turns % 2 == 0 && write(p[1], "x", 1) != 1) return false;       /* before or after it is armed */
    if (set_all(kq, p[0], EVFILT_READ, flags, 0, 0, (void *)(intptr_t)(me * 2 + 1)) != 0) return false;
    if (turns % 2 != 0 && write(p[1], "x", 1) != 1) return false;
    while (atomic_load(&handled[me]) == old) {
        if (now_ms() > limit) return false;
        nap(0);
    }
    if (turns % 2 == 0 && set(kq, p[0], EVFILT_READ, EV_DELETE) != 0) return false;
    return set(kq, noise[0], EVFILT_READ, EV_DELETE) == 0;
}

static void *changes(void *argument)
{
    int p[2], noise[2], me = (int)(intptr_t)argument;
    if (pipe(p) != 0 || pipe(noise) != 0 || write(noise[1], "x", 1) != 1) atomic_store(&broken, 1);
    /* the waiter reads the byte from the descriptor that the event names */
    for (int i = 0; i < TURNS && atomic_load(&broken) == 0; i++)
        if (!turn(me, i, p, noise)) atomic_store(&broken, 1);
    close_pair(p);
    close_pair(noise);
    atomic_fetch_add(&finished, 1);
    set_all(shared_queue, me, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[CHANGERS];
    struct kevent e[3];
    char byte;
    int64_t noises = 0;
    shared_queue = kqueue();
    atomic_store(&finished, 0);
    for (int i = 0; i < CHANGERS; i++) CHECK(pthread_create(&thread[i], NULL, changes, (void *)(intptr_t)i) == 0);
    while (atomic_load(&finished) < CHANGERS) {
        int n = get_all(shared_queue, e, 3, 20000);     /* who is not woken is late */
        CHECK(n > 0);
        for (int i = 0; i < n; i++) {
            intptr_t who = (intptr_t)e[i].udata;
            if (who < 0) noises++;
            else if (who > 0 && read((int)e[i].ident, &byte, 1) == 1) atomic_fetch_add(&handled[who / 2], 1);
        }
    }
    for (int i = 0; i < CHANGERS; i++) pthread_join(thread[i], NULL);
    CHECK(atomic_load(&broken) == 0);
    for (int i = 0; i < CHANGERS; i++) CHECK(atomic_load(&handled[i]) == TURNS);
    CHECK(noises == 0);
    close(shared_queue);
}

static atomic_int taken;
static void *takes(void *argument)
{
    struct kevent e;
    (void)argument;
    while (get_all(shared_queue, &e, 1, SOON_MS) == 1 && e.filter != EVFILT_TIMER) atomic_fetch_add(&taken, 1);
    return NULL;
}

static void waiters(void)       /* several threads wait: each event goes to one of them */
{
    pthread_t thread[CHANGERS];
    int p[64][2];
    shared_queue = kqueue();
    atomic_store(&taken, 0);
    for (int i = 0; i < CHANGERS; i++) CHECK(pthread_create(&thread[i], NULL, takes, NULL) == 0);
    for (int i = 0; i < 64; i++) CHECK(pipe(p[i]) == 0 && set(shared_queue, p[i][0], EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    for (int i = 0; i < 64; i++) say(p[i][1], "x");
    for (int i = 0; i < 200 && atomic_load(&taken) < 64; i++) nap(10);
    for (int i = 0; i < CHANGERS; i++) CHECK(set_all(shared_queue, i, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL) == 0);
    for (int i = 0; i < CHANGERS; i++) pthread_join(thread[i], NULL);
    CHECK(atomic_load(&taken) == 64);
    for (int i = 0; i < 64; i++) close_pair(p[i]);
    close(shared_queue);
}

/* ------------------------------------------------------------------- the list */

static const struct { const char *name; void (*test)(void); } rows[] = {
    { "READ with EV_CLEAR", read_clear },
    { "WRITE with EV_CLEAR", write_clear },
    { "WRITE with EV_CLEAR, once after the buffer drained", write_drained },
    { "listener, 2 pending", pending_connections },
    { "peer closes with 5 unread bytes", fin_behind_data },
    { "RST", reset_by_peer },
    { "EV_ONESHOT", oneshot },
    { "EV_DISPATCH then EV_ENABLE", dispatch_enable },
    { "EV_DISPATCH then EV_ADD", dispatch_add },
    { "EV_DISPATCH then EV_ADD|EV_ENABLE", dispatch_add_enable },
    { "EV_CLEAR|EV_DISPATCH", clear_dispatch },
    { "EV_ADD again", add_again },
    { "EVFILT_USER", user },
    { "EVFILT_TIMER", timer },
    { "EV_RECEIPT", receipt },
    { "errors in the changelist", changelist_errors },
    { "connect succeeds", connect_succeeds },
    { "connect refused", connect_refused },
    { "registered before connect()", before_connect },
    { "close(fd) while registered", close_registered },
    { "close(kq) while another thread waits", close_queue },
    { "close a registered fd whose dup is open", dup_open },
    { "NOTE_LOWAT", lowat },
    { "local shutdown(SHUT_WR)", local_shutdown },
    { "pipe, reader closed", pipe_reader_closed },
    { "a kqueue inside a kqueue", nested },
    { "UDP, 3+6 bytes queued", datagrams },
    { "flags in returned events", returned_flags },
    { "without EV_CLEAR, EV_DISABLE, EV_DELETE", levels },
    { "a condition that vanished", vanished },
    { "edges of another kind", other_edges },
    { "a descriptor number used again", number_again },
    { "a queue's number used again", queue_again },
    { "refusals", refusals },
    { "local sockets, pipes, terminals", kinds },
    { "local listener", local_listener },
    { "timeouts, never early", timeouts },
    { "timer units, absolute time", units },
    { "EINTR, kevent() in a signal handler", interrupted },
    { "one descriptor for each queue", descriptors },
    { "fork", forked },
    { "many sockets, descriptors over 1024", many },
    { "four threads change while one waits", threads },
    { "four threads wait", waiters },
};

static void stopped(int number)
{
    static const char end[] = ": it hangs\n";
    (void)number;
    if (write(1, "not ok - kqueue model: ", 23) < 0 || write(1, row, strlen(row)) < 0 || write(1, end, sizeof end - 1) < 0) {}
    _exit(1);
}

int main(int argc, char **argv)
{
    const char *variant = getenv("MODEL_KQUEUE");
    struct rlimit limit;
    int failed = 0, first = 1;
    if (variant == NULL) variant = "freebsd";
    netbsd = strcmp(variant, "netbsd") == 0;
    if (argc > 1 && strcmp(argv[1], "-e") == 0) {
        emulated = true;
        first = 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, stopped);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool wanted = first >= argc;
        for (int j = first; j < argc; j++) wanted = wanted || strcmp(argv[j], rows[i].name) == 0;
        if (!wanted) continue;
        row = rows[i].name;
        why[0] = '\0';
        errno = 0;
        alarm(60);
        rows[i].test();
        if (why[0] == '\0') printf("ok - kqueue model (%s): %s\n", variant, row);
        else printf("not ok - kqueue model (%s): %s: %s\n", variant, row, why);
        fflush(stdout);
        failed |= why[0] != '\0';
    }
    return failed;
}
