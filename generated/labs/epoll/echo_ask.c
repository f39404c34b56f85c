/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
/* <<send all of it>> (1 of 1), book/01-waiting.md: Waiting */
static bool send_all(sys_socket s, const char *bytes, size_t length)
{
    for (size_t sent = 0; sent < length; ) {
        long n = send(s, bytes + sent, (sys_size)(length - sent), 0);
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}
/* <<receive to the end of the stream>> (1 of 1), book/01-waiting.md: Waiting */
static bool receive_all(sys_socket s, char *bytes, size_t room,
                        size_t *length)
{
    for (*length = 0; *length < room; ) {
        long n = recv(s, bytes + *length, (sys_size)(room - *length), 0);
        if (n <= 0)
            return n == 0;
        *length += (size_t)n;
    }
    return true;                    /* more than a fan has room for */
}
/* <<send ten million bytes and end>> (1 of 1), book/05-epoll.md: epoll */
enum { BYTES = 10000000 };
static char sent[BYTES];

static void fill(void)
{
    for (int i = 0; i < BYTES; i++)
        sent[i] = (char)('a' + i % 23);
}

static void send_in_thread(void *argument)
{
    sys_socket *s = argument;
    if (send_all(*s, sent, BYTES))
        shutdown(*s, SHUT_WR);
}

int main(int argc, char **argv)
{
    static char back[BYTES + 1];
    struct sockaddr_in to = loopback(argc > 1 ? atoi(argv[1]) : 7070);
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    sys_thread sender;
    size_t length;
    fill();
    /* <<connect and let the sender begin>> (1 of 1), book/05-epoll.md: epoll */
    if (sys_start() != 0 || s == SYS_NO_SOCKET
            || connect(s, (struct sockaddr *)&to, sizeof to) != 0
            || sys_thread_start(&sender, send_in_thread, &s) != 0) {
        perror("echo_ask");
        return 1;
    }
    if (argc > 2)
        sys_poll(NULL, 0, 2000);    /* a greedy one reads late */
    bool good = receive_all(s, back, sizeof back, &length);
    sys_thread_join(&sender);
    good = good && length == BYTES && memcmp(back, sent, length) == 0;
    printf("%s: %s\n", argc > 2 ? argv[2] : "prompt",
           good ? "ten million bytes came back" : "something is missing");
    return good ? 0 : 1;
}
