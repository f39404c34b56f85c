/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

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

int main(int argc, char **argv)
{
    char text[512];
    struct sockaddr_in to = loopback(argc > 1 ? atoi(argv[1]) : 7070);
    sys_socket s = sys_start() == 0 ? socket(AF_INET, SOCK_STREAM, 0)
                                    : SYS_NO_SOCKET;
    if (connect(s, (struct sockaddr *)&to, sizeof to) != 0)
        return 1;
    for (int i = 2; i < argc; i++)
        send_all(s, argv[i], strlen(argv[i]));
    if (argc > 2)
        shutdown(s, SHUT_WR);
    for (long n; (n = recv(s, text, sizeof text, 0)) > 0; )
        printf("heard: %.*s", (int)n, text);
    return 0;
}
