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
/* <<a result as words>> (1 of 1), book/06-kqueue.md: kqueue */
static const char *words(int result)
{
    return result < 0 ? sys_error_text(errno) : "ok";
}

static void live(const char *mode, unsigned short flags)
{
    int kq = must(kqueue(), "kqueue"), s[2];
    connect_two(s);
    must(change(kq, KEVENT(s[0], EVFILT_READ, flags)), "READ");
    printf("%s\n", mode);
    must((int)send(s[1], "abc", 3, 0), "send");
    look(kq, "  3 bytes come:");
    look(kq, "  asked again:");
    must((int)send(s[1], "defg", 4, 0), "send");
    look(kq, "  4 more come:");
    /* <<let one come and go>> (1 of 1), book/06-kqueue.md: kqueue */
    char text[8];
    must((int)recv(s[0], text, sizeof text, 0), "recv");    /* all seven */
    must((int)send(s[1], "h", 1, 0), "send");
    sys_poll(NULL, 0, 50);
    must((int)recv(s[0], text, sizeof text, 0), "recv");
    look(kq, "  1 comes and goes:");
    printf("  %-28s %s\n", "deleted:",
           words(change(kq, KEVENT(s[0], EVFILT_READ, EV_DELETE))));
}
/* <<live in four modes>> (1 of 1), book/06-kqueue.md: kqueue */

int main(void)
{
    live("EV_ADD", EV_ADD);
    live("EV_ADD|EV_CLEAR", EV_ADD | EV_CLEAR);
    live("EV_ADD|EV_ONESHOT", EV_ADD | EV_ONESHOT);
    live("EV_ADD|EV_DISPATCH", EV_ADD | EV_DISPATCH);
    return 0;
}
