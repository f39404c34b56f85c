/*
 * Clients of an echo server, all connected at once
 *
 *   echoes PORT CLIENTS BYTES    each sends its own BYTES and ends its half; all must come back, then the end.
 *                                Prints how many clients got theirs
 *   echoes PORT CLIENTS stay     each gets one byte back, then stays until the server ends the connection
 *   echoes PORT CLIENTS stuff    the same, but each sends until nothing more is taken, and reads nothing
 */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct client {
    sys_socket socket;
    size_t     sent, got;
    bool       wrong, over;
} client;

static size_t length;

static char expected(const client *c, const client *first, size_t i)
{
    return (char)('a' + ((size_t)(c - first) * 7 + i + i / 26) % 26);
}

static bool dial(client *c, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    return c->socket != SYS_NO_SOCKET && connect(c->socket, (struct sockaddr *)&to, sizeof to) == 0
        && sys_nonblocking(c->socket) == 0;
}

static void say(client *c, const client *first)
{
    char text[3001];
    sys_size n = 0;
    while (n < sizeof text && c->sent + n < length) {
        text[n] = expected(c, first, c->sent + n);
        n++;
    }
    long m = send(c->socket, text, n, 0);
    c->sent += m > 0 ? (size_t)m : 0;
    if (m > 0 && c->sent == length)
        shutdown(c->socket, SHUT_WR);
}

static void hear(client *c, const client *first)
{
    char text[5000];
    long n = recv(c->socket, text, sizeof text, 0);
    if (n < 0 && sys_would_block())
        return;
    for (long i = 0; i < n; i++)
        if (text[i] != expected(c, first, c->got++))
            c->wrong = true;
    c->over = n <= 0;
    c->wrong = c->wrong || n < 0 || (c->over && c->got != length);
}

static int talk(client *clients, int count)     /* how many got theirs */
{
    sys_pollfd polled[1000];
    for (int open = count; open > 0; ) {
        for (int i = 0; i < count; i++) {
            polled[i].fd = clients[i].over ? -1 : clients[i].socket;
            polled[i].events = clients[i].sent < length ? POLLIN | POLLOUT : POLLIN;
            polled[i].revents = 0;
        }
        if (sys_poll(polled, (size_t)count, 10000) <= 0)
            break;
        for (int i = 0; i < count; i++) {
            if (polled[i].revents & POLLOUT)
                say(&clients[i], clients);
            if (polled[i].revents & ~POLLOUT)
                hear(&clients[i], clients);
            open -= polled[i].revents != 0 && clients[i].over;
        }
    }
    int good = 0;
    for (int i = 0; i < count; i++)
        good += clients[i].over && !clients[i].wrong;
    return good;
}

static int stay(client *clients, int count)     /* how many were ended */
{
    char byte;
    int ended = 0;
    for (int i = 0; i < count; i++) {
        sys_pollfd p = { .fd = clients[i].socket, .events = POLLIN };
        if (send(clients[i].socket, "x", 1, 0) != 1 || sys_poll(&p, 1, 10000) != 1
                || recv(clients[i].socket, &byte, 1, 0) != 1)
            return 0;
    }
    puts("all here");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        sys_pollfd p = { .fd = clients[i].socket, .events = POLLIN };
        ended += sys_poll(&p, 1, 10000) == 1 && recv(clients[i].socket, &byte, 1, 0) <= 0;
    }
    return ended;
}

static void stuff(client *clients, int count)   /* until nothing is taken for 300 ms */
{
    static char text[65536];
    for (int i = 0; i < count; i++) {
        sys_pollfd p = { .fd = clients[i].socket, .events = POLLOUT };
        while (sys_poll(&p, 1, 300) == 1 && send(clients[i].socket, text, sizeof text, 0) > 0)
            ;
    }
    puts("all stuffed");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        sys_pollfd p = { .fd = clients[i].socket };     /* nothing but its end */
        clients[i].over = sys_poll(&p, 1, 10000) == 1;
    }
}

static int count_over(const client *clients, int count)
{
    int over = 0;
    for (int i = 0; i < count; i++)
        over += clients[i].over;
    return over;
}

int main(int argc, char **argv)
{
    static client clients[1000];
    int count = argc == 4 ? atoi(argv[2]) : 0;
    if (count < 1 || count > 1000 || sys_start() != 0)
        return 2;
    for (int i = 0; i < count; i++)
        if (!dial(&clients[i], atoi(argv[1]))) {
            perror("connect");
            return 1;
        }
    length = (size_t)atol(argv[3]);
    int good = 0;
    if (strcmp(argv[3], "stay") == 0) {
        good = stay(clients, count);
    } else if (strcmp(argv[3], "stuff") == 0) {
        stuff(clients, count);
        good = count_over(clients, count);
    } else {
        good = talk(clients, count);
    }
    printf("%d of %d\n", good, count);
    return 0;
}
