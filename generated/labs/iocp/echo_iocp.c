/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

#include "common/sys.h"
#include <mswsock.h>
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

static HANDLE port;

/* <<the life of an echo>> (1 of 4), book/07-iocp.md: IOCP */
enum { CLIENTS = 3, ADDRESS = sizeof(struct sockaddr_in) + 16 };

typedef struct echo {
    OVERLAPPED overlapped;
    char       text[2 * ADDRESS];   /* two addresses, then the data */
    enum { ACCEPTING, HEARING, ANSWERING } doing;
    SOCKET     socket;
    DWORD      length, sent;
} echo;

static LPFN_ACCEPTEX accept_ex;
static SOCKET listener;
static int    pending;

static void owed(echo *e, bool good)
{
    if (good || WSAGetLastError() == WSA_IO_PENDING)
        pending++;
    else
        closesocket(e->socket);
}
/* <<the life of an echo>> (2 of 4), book/07-iocp.md: IOCP */

static void start_accept(echo *e)
{
    DWORD n;
    e->doing = ACCEPTING;
    memset(&e->overlapped, 0, sizeof e->overlapped);
    e->socket = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    need(e->socket != INVALID_SOCKET && CreateIoCompletionPort(
        (HANDLE)e->socket, port, 0, 0) != NULL, "socket");
    owed(e, accept_ex(listener, e->socket, e->text, 0, ADDRESS,
                      ADDRESS, &n, &e->overlapped));
}
/* <<the life of an echo>> (3 of 4), book/07-iocp.md: IOCP */

static void start(echo *e)          /* to hear, or to answer the rest */
{
    WSABUF buffer = { sizeof e->text, e->text };
    DWORD flags = 0;
    memset(&e->overlapped, 0, sizeof e->overlapped);
    if (e->doing == ANSWERING) {
        buffer.buf += e->sent;
        buffer.len = e->length - e->sent;
        owed(e, WSASend(e->socket, &buffer, 1, NULL, 0,
                        &e->overlapped, NULL) == 0);
    } else {
        owed(e, WSARecv(e->socket, &buffer, 1, NULL, &flags,
                        &e->overlapped, NULL) == 0);
    }
}
/* <<the life of an echo>> (4 of 4), book/07-iocp.md: IOCP */

static void go_on(echo *e)
{
    DWORD moved = 0, flags;
    SOCKET asked = e->doing == ACCEPTING ? listener : e->socket;
    bool good = WSAGetOverlappedResult(asked, &e->overlapped, &moved,
                                       FALSE, &flags);
    pending--;
    if (good && e->doing == ACCEPTING)
        good = setsockopt(e->socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
            (char *)&listener, sizeof listener) == 0;
    if (!good || (e->doing == HEARING && moved == 0)) {
        closesocket(e->socket);     /* failed, or the end */
        return;
    }
    /* <<choose what the echo does next>> (1 of 1), book/07-iocp.md: IOCP */
    if (e->doing == HEARING) {
        e->length = moved;
        e->sent = 0;
        e->doing = ANSWERING;
    } else if (e->doing == ACCEPTING || (e->sent += moved) == e->length) {
        e->doing = HEARING;
    }
    start(e);
}
/* <<the clients of the echo>> (1 of 1), book/07-iocp.md: IOCP */
static struct sockaddr_in server;

static void ask(void *unused)
{
    static const char *const words[CLIENTS] = { "one", "two", "three" };
    SOCKET s[CLIENTS];
    (void)unused;
    for (int i = 0; i < CLIENTS; i++) {
        s[i] = socket(AF_INET, SOCK_STREAM, 0);
        need(connect(s[i], (struct sockaddr *)&server,
                     sizeof server) == 0, "connect");
    }
    for (int i = CLIENTS - 1; i >= 0; i--) {
        char text[16] = "";
        send(s[i], words[i], (int)strlen(words[i]), 0);
        shutdown(s[i], SD_SEND);
        int n = recv(s[i], text, sizeof text - 1, 0);
        int end = recv(s[i], text + sizeof text - 1, 1, 0);
        printf("sent %s, received %s, then %d\n", words[i],
               n > 0 ? text : "nothing", end);
        closesocket(s[i]);
    }
}

int main(void)
{
    sys_thread asking;
    need(sys_start() == 0, "WSAStartup");
    /* <<listen on the port and start the clients>> (1 of 1), book/07-iocp.md: IOCP */
    static echo echoes[CLIENTS];
    GUID id = WSAID_ACCEPTEX;
    int size = sizeof server;
    DWORD n;
    server = loopback(0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, (struct sockaddr *)&server, size) == 0
         && listen(listener, CLIENTS) == 0 && getsockname(listener,
             (struct sockaddr *)&server, &size) == 0
         && WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
             sizeof id, &accept_ex, sizeof accept_ex, &n, NULL, NULL) == 0,
         "listen");
    port = CreateIoCompletionPort((HANDLE)listener, NULL, 0, 1);
    need(port != NULL, "CreateIoCompletionPort");
    for (int i = 0; i < CLIENTS; i++)
        start_accept(&echoes[i]);
    need(sys_thread_start(&asking, ask, NULL) == 0, "thread");
    while (pending > 0) {
        OVERLAPPED_ENTRY entry;
        ULONG count = 0;
        need(GetQueuedCompletionStatusEx(port, &entry, 1, &count, 5000,
                                         FALSE), "wait");
        go_on(CONTAINING_RECORD(entry.lpOverlapped, echo, overlapped));
    }
    sys_thread_join(&asking);
    closesocket(listener);
    CloseHandle(port);
    return 0;
}
