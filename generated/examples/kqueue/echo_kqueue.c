/* Tangled from book/06-kqueue.md: kqueue. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <unistd.h>

static const char program[] = "echo_kqueue";
/* <<read the port argument>> (1 of 1), book/01-waiting.md: Waiting */
static int port_argument(int argc, char **argv, int lowest)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", program);
        exit(2);
    }
    char *end;
    long number = strtol(argv[1], &end, 10);
    if (*argv[1] < '0' || *argv[1] > '9' || *end != '\0'
            || number < lowest || number > 65535) {
        fprintf(stderr, "%s: PORT must be a number from %d to 65535, "
                "not '%s'\n", program, lowest, argv[1]);
        exit(2);
    }
    return (int)number;
}
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
/* <<a client of the echo server>> (1 of 2), book/06-kqueue.md: kqueue */
typedef struct client {
    int    socket;
    size_t length, sent;            /* bytes in text; bytes of it sent */
    char   text[4096];
} client;

static bool wait_turn(int kq, client *c)
{
    struct kevent k;
    uintptr_t ident = (uintptr_t)c->socket;
    if (c->sent < c->length)
        EV_SET(&k, ident, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, c);
    else
        EV_SET(&k, ident, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, c);
    return kevent(kq, &k, 1, NULL, 0, NULL) == 0;
}
/* <<a client of the echo server>> (2 of 2), book/06-kqueue.md: kqueue */

static bool turn(client *c)
{
    if (c->sent == c->length) {
        long n = recv(c->socket, c->text, sizeof c->text, 0);
        if (n <= 0)
            return n < 0 && sys_would_block();
        c->length = (size_t)n;
        c->sent = 0;
    }
    long n = send(c->socket, c->text + c->sent, c->length - c->sent, 0);
    if (n > 0)
        c->sent += (size_t)n;
    return n >= 0 || sys_would_block();
}
/* <<accept clients for the echo server>> (1 of 2), book/06-kqueue.md: kqueue */
static bool wait_listener(int kq, int listener)
{
    struct kevent k;
    EV_SET(&k, (uintptr_t)listener, EVFILT_READ,
           EV_ADD | EV_ONESHOT, 0, 0, NULL);
    return kevent(kq, &k, 1, NULL, 0, NULL) == 0;
}

static bool wait_timer(int kq)
{
    struct kevent k;
    EV_SET(&k, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 20, NULL);
    return kevent(kq, &k, 1, NULL, 0, NULL) == 0;
}
/* <<accept clients for the echo server>> (2 of 2), book/06-kqueue.md: kqueue */

static void end_client(client *c)
{
    close(c->socket);
    free(c);
}

static bool accept_one(int kq, int listener)
{
    int s = accept(listener, NULL, NULL);
    if (s < 0)
        return sys_would_block() || errno == ECONNABORTED
            || errno == EINTR;
    client *c = calloc(1, sizeof *c);
    if (c == NULL || sys_nonblocking(s) < 0) {
        close(s);
        free(c);
        return false;
    }
    c->socket = s;
    if (!wait_turn(kq, c))
        end_client(c);
    return true;
}
/* <<open the echo server>> (1 of 1), book/06-kqueue.md: kqueue */
static int open_echo(int port, int kq)
{
    struct sockaddr_in at = loopback(port);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || sys_nonblocking(listener) < 0
            || sys_rebind(listener) < 0
            || bind(listener, (struct sockaddr *)&at, sizeof at) < 0
            || listen(listener, SOMAXCONN) < 0
            || !wait_listener(kq, listener))
        return -1;
    printf("%s: listening on port %d\n", program, port);
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    struct kevent events[64];
    int port = port_argument(argc, argv, 0), kq = kqueue(), n = 0;
    int listener = sys_start() == 0 && kq >= 0 ? open_echo(port, kq) : -1;
    while (listener >= 0 && (n >= 0 || errno == EINTR)) {
        n = kevent(kq, NULL, 0, events, 64, NULL);
        /* <<give each event to its client>> (1 of 1), book/06-kqueue.md: kqueue */
        for (int i = 0; i < n; i++) {
            client *c = events[i].udata;
            bool again = c != NULL || events[i].filter == EVFILT_TIMER
                || accept_one(kq, listener);
            if (c != NULL && !(turn(c) && wait_turn(kq, c)))
                end_client(c);
            if (c == NULL
                    && !(again ? wait_listener(kq, listener) : wait_timer(kq)))
                n = -1;                     /* no way to hear of clients */
        }
    }
    perror(program);
    return 1;
}
