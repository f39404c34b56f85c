/*
 * A load for echo servers: blocking sockets, and no library
 *
 *   echo_load PORT CONNECTIONS ROUNDS [PAUSE]
 *
 * In each round it sends 64 bytes on every connection, then reads what comes back on every one and
 * compares it. After a round it pauses for PAUSE microseconds, so that the server is at rest. At the end it closes them all. The number of messages is CONNECTIONS x ROUNDS.
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 64, MOST = 4000 };

static int connections[MOST], count;

static void fail(const char *what)
{
    fprintf(stderr, "echo_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int number(const char *text, int most)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n < 1 || n > most) {
        fprintf(stderr, "echo_load: not a number from 1 to %d: '%s'\n", most, text);
        exit(2);
    }
    return (int)n;
}

static int dial(int port)
{
    struct sockaddr_in to;
    int one = 1;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to) != 0)
        fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return s;
}

/* Different in each message, so that one in the wrong place is noticed */
static void compose(unsigned char *text, int connection, int round)
{
    for (int i = 0; i < LENGTH; i++)
        text[i] = (unsigned char)(connection * 31 + round * 7 + i);
}

static void say(int connection, int round)
{
    unsigned char text[LENGTH];
    compose(text, connection, round);
    if (send(connections[connection], text, LENGTH, 0) != LENGTH)
        fail("send");
}

static void hear(int connection, int round)
{
    unsigned char text[LENGTH], wanted[LENGTH];
    for (size_t got = 0; got < LENGTH; ) {
        ssize_t n = recv(connections[connection], text + got, LENGTH - got, 0);
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            fail("receive");
        got += (size_t)n;
    }
    compose(wanted, connection, round);
    errno = 0;
    if (memcmp(text, wanted, LENGTH) != 0)
        fail("not what was sent");
}

/* Until the server has accepted all and found nothing to read, also where it is traced: then what it does for a
   connection before the first message is the same each time */
static void settle(void)
{
    struct timespec pause = { count / 500, 200000000 };
    nanosleep(&pause, NULL);
}

static void rest(int microseconds)
{
    struct timespec pause = { 0, microseconds * 1000 };
    if (microseconds > 0)
        nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fputs("usage: echo_load PORT CONNECTIONS ROUNDS [PAUSE]\n", stderr);
        return 2;
    }
    int port = number(argv[1], 65535), rounds = number(argv[3], 100000000);
    int pause = argc == 5 ? number(argv[4], 999999) : 0;
    count = number(argv[2], MOST);
    for (int i = 0; i < count; i++)
        connections[i] = dial(port);
    settle();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++)
            say(i, round);
        for (int i = 0; i < count; i++)
            hear(i, round);
        rest(pause);
    }
    for (int i = 0; i < count; i++) {
        unsigned char more;
        shutdown(connections[i], SHUT_WR);
        if (recv(connections[i], &more, 1, 0) != 0)     /* the server has closed it, too */
            fail("more than was sent");
        close(connections[i]);
    }
    return 0;
}
