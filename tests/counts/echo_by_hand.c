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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096, BATCH = 64, MOST = 4000 };

typedef struct client {
    int            socket;
    bool           ends;                /* a short read is not the last word */
    size_t         length, sent;
    struct client *next;                /* free */
    char           text[ROOM];
} client;

static int    epoll, listener;
static client clients[MOST], *unused;

static int watch(int s, client *c)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = c } };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event);
}

static void end(client *c)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, c->socket, NULL);
    close(c->socket);
    c->next = unused;
    unused = c;
}

/* False when it has to wait, or is gone */
static bool send_rest(client *c)
{
    ssize_t n;
    do {
        n = send(c->socket, c->text + c->sent, c->length - c->sent, MSG_NOSIGNAL);
        c->sent += n > 0 ? (size_t)n : 0;
    } while (n > 0 && c->sent < c->length);
    if (n < 0 && errno != EAGAIN)
        end(c);
    return n > 0;
}

static void serve(client *c)
{
    ssize_t n;
    if (c->sent < c->length && !send_rest(c))
        return;
    do {
        n = recv(c->socket, c->text, ROOM, 0);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN)
                end(c);
            return;
        }
        c->length = (size_t)n;
        c->sent = 0;
    } while (send_rest(c) && (n == ROOM || c->ends));
}

static void accept_clients(void)
{
    int s;
    while (unused != NULL && (s = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = unused;
        unused = c->next;
        c->socket = s;
        c->ends = false;
        c->length = c->sent = 0;
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
            || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, SOMAXCONN) != 0
            || watch(listener, NULL) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        return false;
    printf("listening on 127.0.0.1:%d\n", ntohs(at.sin_port));
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    static struct epoll_event events[BATCH];
    for (int i = MOST - 1; i >= 0; i--) {
        clients[i].next = unused;
        unused = &clients[i];
    }
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
