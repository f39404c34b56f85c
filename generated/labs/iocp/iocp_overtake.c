/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

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
/* <<a connection on a port>> (1 of 1), book/07-iocp.md: IOCP */
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

static HANDLE port;
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

/* <<associate it with a port>> (1 of 1), book/07-iocp.md: IOCP */
static void open_port(void)
{
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    need(port != NULL
         && CreateIoCompletionPort((HANDLE)here, port, 0, 0) == port,
         "CreateIoCompletionPort");
}
/* <<a request>> (1 of 1), book/07-iocp.md: IOCP */
typedef struct request {
    OVERLAPPED  overlapped;
    char        text[16];
    const char *name;
} request;
/* <<receive and say whether it is pending>> (1 of 1), book/07-iocp.md: IOCP */
static void receive(request *r, ULONG room)
{
    WSABUF buffer = { room, r->text };
    DWORD flags = 0, moved = 0;
    memset(&r->overlapped, 0, sizeof r->overlapped);
    int error = WSARecv(here, &buffer, 1, &moved, &flags,
        &r->overlapped, NULL) == 0 ? 0 : WSAGetLastError();
    printf("%s: WSARecv = %s\n", r->name, word(error));
}
/* <<take a packet and say what it is>> (1 of 1), book/07-iocp.md: IOCP */
static void take(void)
{
    DWORD moved = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *o = NULL;
    BOOL good = GetQueuedCompletionStatus(port, &moved, &key, &o, 400);
    int error = good ? 0 : (int)GetLastError();
    if (o == NULL)
        printf("no packet: %s\n", word(error));
    else
        printf("packet of %s: %lu bytes, %s\n",
            CONTAINING_RECORD(o, request, overlapped)->name,
            moved, word(error));
}

int main(void)
{
    static request first = { .name = "first" };
    static request second = { .name = "second" };
    connect_ends();
    open_port();
    need(SetFileCompletionNotificationModes((HANDLE)here,
        FILE_SKIP_COMPLETION_PORT_ON_SUCCESS), "skip");
    receive(&first, 5);
    send(there, "helloworld", 10, 0);
    /* <<wait until the first receive has its data>> (1 of 1), book/07-iocp.md: IOCP */
    const volatile char *text = first.text;
    for (int i = 0; i < 100 && text[4] != 'o'; i++)
        SleepEx(10, TRUE);              /* TRUE: let Wine deliver meanwhile */
    receive(&second, 5);
    take();
    return 0;
}
