/* Tangled from book/10-the-same-on-iocp.md: The same on IOCP. Edit the chapter, not this file. */

/* <<what a lab of this chapter begins with, on Windows>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
#include "common/sys.h"
#include "minimio.h"
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

/* <<a lab ends when a call fails>> (1 of 1), book/07-iocp.md: IOCP */
/* <<a windows error as a word>> (1 of 1), book/07-iocp.md: IOCP */
static const char *word(int error)
{
    switch (error) {
    case 0:                       return "ok";
    case WSA_IO_PENDING:          return "pending";
    case WSA_OPERATION_ABORTED:   return "ERROR_OPERATION_ABORTED";
    case WAIT_TIMEOUT:            return "the time is up";
    case ERROR_NOT_FOUND:         return "ERROR_NOT_FOUND";
    case ERROR_NETNAME_DELETED:   return "ERROR_NETNAME_DELETED";
    case ERROR_INVALID_PARAMETER: return "ERROR_INVALID_PARAMETER";
    case ERROR_ABANDONED_WAIT_0:  return "ERROR_ABANDONED_WAIT_0";
    case WSAEINVAL:               return "WSAEINVAL";
    case WSAECONNRESET:           return "WSAECONNRESET";
    case WSAECONNREFUSED:         return "WSAECONNREFUSED";
    default:                      return sys_error_text(error);
    }
}

static void need(bool good, const char *call)
{
    if (good)
        return;
    printf("%s: %s\n", call, word(sys_error()));
    exit(1);
}

static SOCKET here, there;

/* <<make a connection>> (1 of 1), book/07-iocp.md: IOCP */
static void connect_ends(void)
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    int size = sizeof at;
    need(sys_start() == 0, "WSAStartup");
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, address, size) == 0
         && listen(listener, 1) == 0
         && getsockname(listener, address, &size) == 0, "listen");
    there = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(there, address, size) == 0, "connect");
    here = accept(listener, NULL, NULL);
    need(here != INVALID_SOCKET, "accept");
    closesocket(listener);
}

/* <<receive twice>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
int main(void)
{
    static mio_op first, second, *done[2];
    static mio_socket ours;
    static char text[8];
    const volatile char *seen = text;
    mio_queue *q;
    connect_ends();
    need(mio_queue_open(&q, NULL) == 0, "open");
    mio_socket_adopt(&ours, here);
    /* <<two receives, and data between them>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
    mio_op_receive(&first, &ours, text, 3);
    mio_op_receive(&second, &ours, text + 4, 3);
    mio_queue_submit(q, &first);
    send(there, "onetwo", 6, 0);
    for (int i = 0; i < 100 && seen[2] != 'e'; i++)
        SleepEx(10, TRUE);              /* TRUE: let Wine deliver meanwhile */
    mio_queue_submit(q, &second);
    for (int n, left = 2; left > 0; left -= n) {
        n = mio_queue_wait(q, done, 2, -1);
        for (int i = 0; i < n; i++)
            printf("%s: %.3s\n", done[i] == &first ? "first" : "second",
                   done[i] == &first ? text : text + 4);
    }
    return 0;
}
