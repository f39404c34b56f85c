/* Tangled from book/02-two-promises.md: Two promises. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
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
/* <<a socket that talks to itself>> (1 of 1), book/01-waiting.md: Waiting */
static sys_socket self_socket(void)
{
    struct sockaddr_in self = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&self;
    socklen_t size = sizeof self;
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s != SYS_NO_SOCKET
            && (bind(s, address, size) != 0
                || getsockname(s, address, &size) != 0
                || connect(s, address, size) != 0)) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}

/* <<say whether poll calls it readable>> (1 of 1), book/02-two-promises.md: Two promises */
static void say_readable(const char *who, sys_socket s)
{
    sys_pollfd polled = { .fd = s, .events = POLLIN };
    if (sys_poll(&polled, 1, 1000) == 1)
        printf("%s: poll says readable\n", who);
}

/* <<read and say what happened>> (1 of 1), book/02-two-promises.md: Two promises */
static void read_as(const char *who, sys_socket s)
{
    char buffer[16];
    long n = recv(s, buffer, sizeof buffer, 0);
    if (n >= 0)
        printf("%s: recv took %ld bytes\n", who, n);
    else if (sys_would_block())
        printf("%s: recv says not now\n", who);
    else
        printf("%s: %s\n", who, sys_error_text(sys_error()));
}

int main(void)
{
    /* <<send one datagram to ourselves>> (1 of 1), book/02-two-promises.md: Two promises */
    if (sys_start() != 0)
        return 1;
    sys_socket s = self_socket();
    if (s == SYS_NO_SOCKET || sys_nonblocking(s) != 0
            || send(s, "hello", 5, 0) != 5)
        return 1;
    say_readable("first reader", s);
    say_readable("second reader", s);
    read_as("first reader", s);
    read_as("second reader", s);
    return 0;
}
