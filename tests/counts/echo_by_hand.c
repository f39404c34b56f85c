/*
 * The measure: an echo server on epoll by hand, as fast as such a loop gets. Each socket is registered once,
 * edge-triggered, for both directions, and a short read ends a turn, unless a FIN or an error was announced.
 *
 *   echo_by_hand PORT            0: any; it prints `listening on 127.0.0.1:PORT`
 *
 * It is no example: at an error of its own it ends.
 */
#define _GNU_SOURCE                     /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096, BATCH = 64, MOST = 19000 };

typedef struct client {
    int            socket;
    bool           ends;                /* a short read is not the last word */
    char          *rest;                /* not sent yet */
    size_t         length;
    struct client *next;                /* free */
} client;

static int    epoll, listener;
static char   room[ROOM];              /* for all: what is read is sent at once */
static client clients[MOST], *unused;   /* memory that nobody used is not there yet */
static int    used;

static int watch(int s, client *c)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = c } };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event);
}

static client *take(void)
{
    client *c = unused;
    if (c == NULL)
        return used < MOST ? &clients[used++] : NULL;
    unused = c->next;
    return c;
}

static void give(client *c)
{
    c->next = unused;
    unused = c;
}

static void end(client *c)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, c->socket, NULL);
    close(c->socket);
    free(c->rest);
    give(c);
}

/* What could not be sent waits in memory of its own. False when it has to wait, or is gone */
static bool send_all(client *c, const char *text, size_t length)
{
    size_t sent = 0;
    ssize_t n;
    do {
        n = send(c->socket, text + sent, length - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0 && sent < length);
    if (n > 0)
        return true;
    if (errno != EAGAIN || (c->rest = malloc(length - sent)) == NULL) {
        end(c);
        return false;
    }
    c->length = length - sent;
    memcpy(c->rest, text + sent, c->length);
    return false;
}

static bool send_rest(client *c)
{
    char *rest = c->rest;
    c->rest = NULL;
    bool all = send_all(c, rest, c->length);
    free(rest);
    return all;
}

static void serve(client *c)
{
    ssize_t n;
    if (c->rest != NULL && !send_rest(c))
        return;
    do {
        n = recv(c->socket, room, ROOM, 0);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN)
                end(c);
            return;
        }
    } while (send_all(c, room, (size_t)n) && (n == ROOM || c->ends));
}

static void accept_clients(void)
{
    client *c;
    int s;
    while ((c = take()) != NULL) {
        s = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (s < 0) {
            give(c);
            return;
        }
        c->socket = s;
        c->ends = false;
        c->rest = NULL;
        if (watch(s, c) != 0)
            abort();
    }
}

static bool open_server(int port)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    int one = 1;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((unsigned short)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (epoll < 0 || listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0
            || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0    /* it is inherited */
            || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, SOMAXCONN) != 0
            || watch(listener, NULL) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        return false;
    printf("listening on 127.0.0.1:%d\n", ntohs(at.sin_port));
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    static struct epoll_event events[BATCH];
    if (argc != 2 || !open_server((int)strtol(argv[1], NULL, 10))) {
        perror("echo_by_hand");
        return 1;
    }
    for (;;) {
        int n = epoll_wait(epoll, events, BATCH, -1);
        if (n < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < n; i++) {
            client *c = events[i].data.ptr;
            if (c == NULL) {
                accept_clients();
            } else {
                c->ends = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
                serve(c);
            }
        }
    }
}
