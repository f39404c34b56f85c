/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

#include "common/sys.h"
#include <mswsock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "fan_iocp";
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
/* <<the five questions>> (1 of 1), book/01-waiting.md: Waiting */
typedef struct question {
    int         delay_ms;
    const char *name;
    const char *failed;             /* what failed, NULL if nothing did */
    int         error;              /* and the system's reason, or 0 */
} question;

static question questions[] = {
    { .delay_ms = 500, .name = "first"  },
    { .delay_ms = 400, .name = "second" },
    { .delay_ms = 300, .name = "third"  },
    { .delay_ms = 200, .name = "fourth" },
    { .delay_ms = 100, .name = "fifth"  },
};
enum { QUESTIONS = sizeof questions / sizeof questions[0] };
/* <<what every fan does>> (1 of 3), book/01-waiting.md: Waiting */
static int     fan_port;                /* where delayd listens */
static int64_t fan_started;             /* when the fan opened, sys_now() */

static size_t write_request(const question *q, char *text, size_t room)
{
    return (size_t)snprintf(text, room,
        "GET /%d/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Connection: close\r\n\r\n", q->delay_ms, q->name, fan_port);
}

static bool fail(question *q, const char *what, int error)
{
    q->failed = what;
    q->error = error;
    return false;
}
/* <<what every fan does>> (2 of 3), book/01-waiting.md: Waiting */

static bool print_answer(question *q, char *text, size_t length)
{
    int ms = (int)((sys_now() - fan_started) / SYS_MS);
    if (length == 0 || text[length - 1] != '\n')
        return fail(q, "the answer is cut short", 0);
    text[length - 1] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || body == NULL)
        return fail(q, "the answer is not 200 OK", 0);
    printf("%5d ms  %s\n", ms, body + 4);
    fflush(stdout);
    return true;
}
/* <<what every fan does>> (3 of 3), book/01-waiting.md: Waiting */

static int report(const question *q)
{
    fprintf(stderr, "%s: question '%s' to port %d: %s%s%s\n",
            program, q->name, fan_port, q->failed,
            q->error == 0 ? "" : ": ",
            q->error == 0 ? "" : sys_error_text(q->error));
    return 1;
}
/* <<say each call>> (1 of 1), book/05-epoll.md: epoll */
static void trace(const char *format, ...)
{
    static int on = -1;
    va_list values;
    if (on < 0)
        on = getenv("FAN_TRACE") != NULL;
    if (!on)
        return;
    printf("%5d ms  ", (int)((sys_now() - fan_started) / SYS_MS));
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    printf("\n");
}
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
/* <<a talk on a port>> (1 of 1), book/07-iocp.md: IOCP */
typedef struct talk {
    OVERLAPPED  overlapped;         /* these two are the kernel's */
    char        text[512];          /* while the operation is pending */
    enum { CONNECT, SEND, RECEIVE } doing;
    question   *question;
    SOCKET      socket;
    DWORD       length, sent;       /* bytes in text; bytes of it sent */
    DWORD       moved;              /* what came of the operation: */
    int         error;              /* bytes, and why it failed, or 0 */
} talk;

static HANDLE port;
static int    pending;              /* operations the kernel has */
/* <<hand an operation over>> (1 of 4), book/07-iocp.md: IOCP */
static bool handed_over(talk *t, const char *call, bool good)
{
    int error = good ? 0 : WSAGetLastError();
    char bytes[24] = "";
    if (t->doing == SEND)
        snprintf(bytes, sizeof bytes, ", %lu bytes", t->length - t->sent);
    trace("%s(%s%s) = %s", call, t->question->name, bytes,
          error == 0 ? "done, packet follows" : word(error));
    if (error != 0 && error != WSA_IO_PENDING)
        return fail(t->question, call, error);
    pending++;
    return true;
}
/* <<hand an operation over>> (2 of 4), book/07-iocp.md: IOCP */

static bool start_send(talk *t)
{
    WSABUF rest = { t->length - t->sent, t->text + t->sent };
    t->doing = SEND;
    memset(&t->overlapped, 0, sizeof t->overlapped);
    return handed_over(t, "WSASend", WSASend(t->socket, &rest, 1,
        NULL, 0, &t->overlapped, NULL) == 0);
}

static bool start_receive(talk *t)
{
    WSABUF room = { (ULONG)sizeof t->text - t->length,
                    t->text + t->length };
    DWORD flags = 0;
    t->doing = RECEIVE;
    memset(&t->overlapped, 0, sizeof t->overlapped);
    return handed_over(t, "WSARecv", WSARecv(t->socket, &room, 1,
        NULL, &flags, &t->overlapped, NULL) == 0);
}
/* <<hand an operation over>> (3 of 4), book/07-iocp.md: IOCP */

static LPFN_CONNECTEX connect_ex;

static bool find_connect_ex(SOCKET s)
{
    GUID id = WSAID_CONNECTEX;
    DWORD size;
    return connect_ex != NULL
        || WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
                    sizeof id, &connect_ex, sizeof connect_ex, &size,
                    NULL, NULL) == 0;
}
/* <<hand an operation over>> (4 of 4), book/07-iocp.md: IOCP */

static bool start_connect(talk *t)
{
    struct sockaddr_in to = loopback(fan_port);
    t->doing = CONNECT;
    memset(&t->overlapped, 0, sizeof t->overlapped);
    return handed_over(t, "ConnectEx", connect_ex(t->socket,
        (struct sockaddr *)&to, sizeof to, NULL, 0, NULL,
        &t->overlapped));
}
/* <<open a talk on the port>> (1 of 1), book/07-iocp.md: IOCP */
static bool open_talk(talk *t, question *q)
{
    struct sockaddr_in any = loopback(0);
    t->question = q;
    t->length = (DWORD)write_request(q, t->text, sizeof t->text);
    t->socket = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (t->socket == INVALID_SOCKET
            || bind(t->socket, (struct sockaddr *)&any, sizeof any) != 0
            || !find_connect_ex(t->socket))
        return fail(q, "socket", WSAGetLastError());
    trace("WSASocket(%s) = ok", q->name);
    if (CreateIoCompletionPort((HANDLE)t->socket, port, 0, 0) == NULL)
        return fail(q, "CreateIoCompletionPort", (int)GetLastError());
    trace("CreateIoCompletionPort(%s) = ok", q->name);
    return start_connect(t);
}
/* <<take an operation back>> (1 of 3), book/07-iocp.md: IOCP */
static talk *take_back(OVERLAPPED *overlapped)
{
    talk *t = CONTAINING_RECORD(overlapped, talk, overlapped);
    DWORD flags;
    pending--;
    t->error = WSA_OPERATION_ABORTED;
    if (t->socket != INVALID_SOCKET)
        t->error = WSAGetOverlappedResult(t->socket, overlapped,
            &t->moved, FALSE, &flags) ? 0 : WSAGetLastError();
    return t;
}
/* <<take an operation back>> (2 of 3), book/07-iocp.md: IOCP */

static const char *const verbs[] = { "connect", "send", "receive" };

static void describe(const talk *t, char *list, size_t room)
{
    size_t used = strlen(list);
    used += (size_t)snprintf(list + used, room - used, "%s%s %s",
        used > 0 ? ", " : "", t->question->name, verbs[t->doing]);
    if (t->error != 0)
        snprintf(list + used, room - used, " %s", word(t->error));
    else if (t->doing == RECEIVE && t->moved == 0)
        snprintf(list + used, room - used, " 0, the end");
    else if (t->doing != CONNECT)
        snprintf(list + used, room - used, " %lu bytes", t->moved);
}
/* <<take an operation back>> (3 of 3), book/07-iocp.md: IOCP */

static bool finish_connect(talk *t)
{
    int result = setsockopt(t->socket, SOL_SOCKET,
                            SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
    int error = result == 0 ? 0 : WSAGetLastError();
    trace("setsockopt(%s, SO_UPDATE_CONNECT_CONTEXT) = %s",
          t->question->name, word(error));
    return error == 0 || fail(t->question, "setsockopt", error);
}
/* <<go on with a talk>> (1 of 2), book/07-iocp.md: IOCP */
static void close_talk(talk *t)
{
    if (t->socket == INVALID_SOCKET)
        return;
    closesocket(t->socket);
    trace("closesocket(%s) = ok", t->question->name);
    t->socket = INVALID_SOCKET;
}

static question *give_up(talk *talks, int count, question *q)
{
    for (int i = 0; i < count; i++)
        close_talk(&talks[i]);
    return q;
}
/* <<go on with a talk>> (2 of 2), book/07-iocp.md: IOCP */

static bool go_on(talk *t)
{
    if (t->error != 0)
        return fail(t->question, verbs[t->doing], t->error);
    if (t->doing == CONNECT)
        return finish_connect(t) && start_send(t);
    if (t->doing == SEND) {
        t->sent += t->moved;
        if (t->sent < t->length)
            return start_send(t);
        t->length = 0;              /* text is free for the answer */
        return start_receive(t);
    }
    t->length += t->moved;
    if (t->moved > 0 && t->length < sizeof t->text)
        return start_receive(t);
    close_talk(t);
    return print_answer(t->question, t->text, t->length);
}

int main(int argc, char **argv)
{
    /* <<prepare the fan>> (1 of 1), book/01-waiting.md: Waiting */
    fan_port = port_argument(argc, argv, 1);
    if (sys_start() != 0) {
        fprintf(stderr, "%s: cannot use the network\n", program);
        return 1;
    }
    fan_started = sys_now();
    /* <<open the port and the talks>> (1 of 1), book/07-iocp.md: IOCP */
    static talk talks[QUESTIONS];
    question *failed = NULL;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (port == NULL) {
        fprintf(stderr, "%s: no port: %s\n", program,
                sys_error_text((int)GetLastError()));
        return 1;
    }
    for (int i = 0; i < QUESTIONS && failed == NULL; i++)
        if (!open_talk(&talks[i], &questions[i]))
            failed = give_up(talks, i + 1, &questions[i]);
    while (pending > 0) {
        /* <<take what is finished>> (1 of 1), book/07-iocp.md: IOCP */
        OVERLAPPED_ENTRY entries[QUESTIONS];
        talk *finished[QUESTIONS];
        char list[256] = "";
        ULONG n = 0;
        if (!GetQueuedCompletionStatusEx(port, entries, QUESTIONS, &n,
                                         INFINITE, FALSE)) {
            fprintf(stderr, "%s: no packets: %s\n", program,
                    sys_error_text((int)GetLastError()));
            return 1;
        }
        for (ULONG i = 0; i < n; i++) {
            finished[i] = take_back(entries[i].lpOverlapped);
            describe(finished[i], list, sizeof list);
        }
        trace("GetQueuedCompletionStatusEx(for ever) = %lu: %s", n, list);
        /* <<let each finished talk go on>> (1 of 1), book/07-iocp.md: IOCP */
        for (ULONG i = 0; i < n; i++)
            if (failed == NULL && !go_on(finished[i]))
                failed = give_up(talks, QUESTIONS, finished[i]->question);
    }
    CloseHandle(port);
    return failed == NULL ? 0 : report(failed);
}
