/* Tangled from book/06-kqueue.md: kqueue. Edit the chapter, not this file. */

/* <<what a kqueue lab begins with>> (1 of 1), book/06-kqueue.md: kqueue */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <unistd.h>

#define KEVENT(id, what, how) ((struct kevent){ \
    .ident = (uintptr_t)(id), .filter = (what), .flags = (how) })

/* <<it must not fail>> (1 of 1), book/06-kqueue.md: kqueue */
static int must(int result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}

/* <<say what there is>> (1 of 1), book/06-kqueue.md: kqueue */
/* <<say an event>> (1 of 1), book/06-kqueue.md: kqueue */
static void say_event(const struct kevent *e)
{
    switch (e->filter) {
    case EVFILT_READ:  printf("READ %d", (int)e->data); break;
    case EVFILT_WRITE: printf("WRITE"); break;
    case EVFILT_TIMER: printf("TIMER"); break;
    default:           printf("another filter"); break;
    }
    if (e->udata != NULL)
        printf(" for %s", (const char *)e->udata);
    if (e->flags & EV_EOF)
        printf(" EOF%s%s", e->fflags == 0 ? "" : ", ",
               e->fflags == 0 ? "" : sys_error_text((int)e->fflags));
}

static void look(int kq, const char *when)
{
    static const struct timespec now = { 0, 0 };
    struct kevent events[8];
    sys_poll(NULL, 0, 50);          /* what was sent has time to come */
    int n = must(kevent(kq, NULL, 0, events, 8, &now), "kevent");
    printf("%-30s ", when);
    for (int i = 0; i < n; i++) {
        printf("%s", i == 0 ? "" : ", ");
        say_event(&events[i]);
    }
    printf("%s\n", n == 0 ? "nothing" : "");
}
/* <<make one change>> (1 of 1), book/06-kqueue.md: kqueue */
static int change(int kq, struct kevent wanted)
{
    return kevent(kq, &wanted, 1, NULL, 0, NULL);
}
/* <<two ends of a connection>> (1 of 1), book/06-kqueue.md: kqueue */
/* <<a loopback address>> (1 of 1), book/01-waiting.md: Waiting */
static struct sockaddr_in loopback(int port_number)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port_number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/* <<a listener on a free port>> (1 of 1), book/06-kqueue.md: kqueue */
static int listen_at(struct sockaddr_in *at)
{
    struct sockaddr *address = (struct sockaddr *)at;
    socklen_t size = sizeof *at;
    int listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    *at = loopback(0);
    must(bind(listener, address, size), "bind");
    must(listen(listener, 8), "listen");
    must(getsockname(listener, address, &size), "getsockname");
    return listener;
}
/* <<connect to a listener>> (1 of 1), book/06-kqueue.md: kqueue */
static int connect_to(struct sockaddr_in at)
{
    int s = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    must(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
    return s;
}

static void connect_two(int s[2])
{
    struct sockaddr_in at;
    int listener = listen_at(&at);
    s[0] = connect_to(at);
    s[1] = must(accept(listener, NULL, NULL), "accept");
    must(sys_nonblocking(s[0]), "fcntl");
    must(sys_nonblocking(s[1]), "fcntl");
    must(close(listener), "close");
}
/* <<read and say the result>> (1 of 1), book/06-kqueue.md: kqueue */
static void say_recv(int s)
{
    char bytes[64];
    long n = recv(s, bytes, sizeof bytes, 0);
    if (n < 0)
        printf("%-30s %s\n", "recv:", sys_error_text(errno));
    else
        printf("%-30s %ld bytes\n", "recv:", n);
}
/* <<ask for the error of a socket>> (1 of 1), book/06-kqueue.md: kqueue */
static void ask_error(int s)
{
    int error = 0;
    socklen_t size = sizeof error;
    must(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
    printf("%-30s %s\n", "SO_ERROR:",
           error == 0 ? "ok" : sys_error_text(error));
}
/* <<let another connection be reset>> (1 of 1), book/06-kqueue.md: kqueue */
static void be_reset(int kq, bool ask_first)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    int s[2];
    connect_two(s);
    must(change(kq, KEVENT(s[0], EVFILT_READ, EV_ADD | EV_CLEAR)),
         "READ");
    must(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &at_once,
                    sizeof at_once), "SO_LINGER");
    must(close(s[1]), "close");
    look(kq, "a reset:");
    if (ask_first)
        ask_error(s[0]);
    say_recv(s[0]);
}

int main(void)
{
    int kq = must(kqueue(), "kqueue"), s[2];
    connect_two(s);
    must(change(kq, KEVENT(s[0], EVFILT_READ, EV_ADD | EV_CLEAR)),
         "READ");
    must((int)send(s[1], "hello", 5, 0), "send");
    must(close(s[1]), "close");
    look(kq, "5 bytes and the end:");
    look(kq, "asked again:");
    say_recv(s[0]);
    say_recv(s[0]);
    be_reset(kq, false);
    be_reset(kq, true);
    return 0;
}
