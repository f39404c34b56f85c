/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#define _GNU_SOURCE                 /* accept4 */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char program[] = "echo_epoll";
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
/* <<an echo server and its clients>> (1 of 1), book/05-epoll.md: epoll */
enum { TURN = 16, BATCH = 64 };     /* steps; events */

typedef struct echo {
    int    socket;
    size_t length, sent;            /* bytes in text; bytes of it sent */
    char   text[4096];
} echo;

static int  epoll, listener;
static bool starved;                /* accept found no descriptor */

static int watch(int op, int s, echo *e)        /* NULL: the listener */
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .ptr = e },
    };
    return epoll_ctl(epoll, op, s, &event);
}
/* <<the steps of an echo>> (1 of 1), book/05-epoll.md: epoll */
typedef enum step { MORE, NOT_NOW, OVER } step;

static step receive_some(echo *e)
{
    long n = recv(e->socket, e->text, sizeof e->text, 0);
    e->sent = 0;
    e->length = n > 0 ? (size_t)n : 0;
    return n > 0 ? MORE : n < 0 && errno == EAGAIN ? NOT_NOW : OVER;
}

static step send_some(echo *e)
{
    long n = send(e->socket, e->text + e->sent, e->length - e->sent,
                  MSG_NOSIGNAL);
    e->sent += n > 0 ? (size_t)n : 0;
    return n > 0 ? MORE : n < 0 && errno == EAGAIN ? NOT_NOW : OVER;
}
/* <<let a client have its turn>> (1 of 1), book/05-epoll.md: epoll */
static void end_client(echo *e);

static void serve(echo *e)
{
    for (int i = 0; i < TURN; i++) {
        step s = e->sent < e->length ? send_some(e) : receive_some(e);
        if (s == NOT_NOW)
            return;
        if (s == OVER) {
            end_client(e);
            return;
        }
    }
    if (watch(EPOLL_CTL_MOD, e->socket, e) < 0)
        end_client(e);
}
/* <<accept until not now>> (1 of 1), book/05-epoll.md: epoll */
static void add_client(int s)
{
    echo *e = calloc(1, sizeof *e);
    if (e != NULL)
        e->socket = s;
    if (e == NULL || watch(EPOLL_CTL_ADD, s, e) < 0) {
        free(e);
        close(s);
    }
}

static void accept_clients(void)
{
    for (;;) {
        int s = accept4(listener, NULL, NULL,
                        SOCK_NONBLOCK | SOCK_CLOEXEC);
        starved = s < 0 && (errno == EMFILE || errno == ENFILE
                            || errno == ENOBUFS || errno == ENOMEM);
        if (s < 0 && (errno == EAGAIN || starved))
            return;
        if (s >= 0)
            add_client(s);
    }
}
/* <<end an echo client>> (1 of 1), book/05-epoll.md: epoll */
static void end_client(echo *e)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, e->socket, NULL);
    close(e->socket);
    free(e);
    if (starved)
        accept_clients();
}
/* <<listen for echo clients>> (1 of 1), book/05-epoll.md: epoll */
static bool open_server(int number)
{
    struct sockaddr_in at = loopback(number);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listener = socket(AF_INET,
                      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return epoll >= 0 && listener >= 0 && sys_rebind(listener) == 0
        && bind(listener, (struct sockaddr *)&at, sizeof at) == 0
        && listen(listener, SOMAXCONN) == 0
        && watch(EPOLL_CTL_ADD, listener, NULL) == 0;
}
/* <<the loop of the echo server>> (1 of 1), book/05-epoll.md: epoll */
int main(int argc, char **argv)
{
    struct epoll_event events[BATCH];
    if (!open_server(port_argument(argc, argv, 1))) {
        perror(program);
        return 1;
    }
    for (;;) {
        int n = epoll_wait(epoll, events, BATCH, -1);
        if (n < 0 && errno != EINTR) {
            perror(program);
            return 1;
        }
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr == NULL)
                accept_clients();
            else
                serve(events[i].data.ptr);
    }
}
