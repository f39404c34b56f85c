/* Tangled from book/06-kqueue.md: kqueue. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "shout";
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
/* <<shout in a thread of its own>> (1 of 1), book/06-kqueue.md: kqueue */
enum { SHOUTED = 20 * 1000 * 1000 };

static char letter(long place)
{
    return (char)('a' + place % 23);
}

static void shout(void *socket)
{
    sys_socket s = *(sys_socket *)socket;
    static char bytes[SHOUTED];
    for (long i = 0; i < SHOUTED; i++)
        bytes[i] = letter(i);
    for (long sent = 0, n = 0; n >= 0 && sent < SHOUTED; sent += n)
        n = send(s, bytes + sent, (sys_size)(SHOUTED - sent), 0);
    shutdown(s, SHUT_WR);
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = loopback(port_argument(argc, argv, 1));
    sys_thread thread;
    long heard = 0, wrong = 0;
    sys_socket s = sys_start() != 0 ? SYS_NO_SOCKET
        : socket(AF_INET, SOCK_STREAM, 0);
    if (s == SYS_NO_SOCKET
            || connect(s, (struct sockaddr *)&to, sizeof to) != 0
            || sys_thread_start(&thread, shout, &s) != 0) {
        fprintf(stderr, "%s: %s\n", program, sys_error_text(sys_error()));
        return 1;
    }
    /* <<hear and compare>> (1 of 1), book/06-kqueue.md: kqueue */
    char bytes[4096];
    sys_pollfd room = { .fd = s, .events = POLLOUT };
    /* not for ever: who keeps everything always has room */
    for (int i = 0; i < 100 && sys_poll(&room, 1, 300) > 0; i++)
        sys_poll(NULL, 0, 50);
    for (long n; (n = recv(s, bytes, sizeof bytes, 0)) > 0; heard += n)
        for (long i = 0; i < n; i++)
            wrong += bytes[i] != letter(heard + i);
    sys_thread_join(&thread);
    printf("%ld bytes back, %ld of them wrong\n", heard, wrong);
    return heard != SHOUTED || wrong != 0;
}
