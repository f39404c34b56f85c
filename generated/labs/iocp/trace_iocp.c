/* Tangled from book/91-behaviours.md: The library, system by system. Edit the chapter, not this file. */

#include "common/sys.h"
#include <mswsock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <<say when and what>> (1 of 1), book/91-behaviours.md: The library, system by system */
static int64_t fan_started;             /* defined below */
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
/* <<calls of Winsock that say what they do>> (1 of 2), book/91-behaviours.md: The library, system by system */
static SOCKET talk = INVALID_SOCKET;
static BOOL   skips;            /* what is done at once has no packet */
static const char *doing;       /* one request at a time */

static int say(const char *call, SOCKET s, int error)
{
    if (s == talk)
        trace("%s(fifth) = %s", call, word(error));
    WSASetLastError(error);
    return error;
}

static SOCKET say_socket(SOCKET s)
{
    talk = s;
    say("WSASocket", s, s == INVALID_SOCKET ? WSAGetLastError() : 0);
    return s;
}
/* <<calls of Winsock that say what they do>> (2 of 2), book/91-behaviours.md: The library, system by system */

static const char receiving[] = "receive";

/* A request: what it is called in its packet, and the bytes if it is done
   and has none */
static int say_request(const char *call, const char *what, bool good,
                       const DWORD *n)
{
    int error = good ? 0 : WSAGetLastError();
    doing = what;
    if (good && skips)
        trace("%s(fifth) = %lu%s", call, *n,
              *n == 0 ? ", the end" : what == receiving
              ? " bytes" : "");
    else
        trace("%s(fifth) = %s", call, good ? "done, packet follows"
                                           : word(error));
    WSASetLastError(error);
    return good ? 0 : SOCKET_ERROR;
}

/* <<packets that say what they are>> (1 of 1), book/91-behaviours.md: The library, system by system */
static BOOL say_packets(const OVERLAPPED_ENTRY *e, const ULONG *n,
                        BOOL good)
{
    DWORD error = good ? 0 : GetLastError(), bytes;
    for (ULONG i = 0; good && i < *n; i++) {
        bytes = e[i].dwNumberOfBytesTransferred;
        if (strcmp(doing, "connect") == 0)
            trace("GetQueuedCompletionStatusEx(for ever) = 1: fifth %s",
                  doing);
        else
            trace("GetQueuedCompletionStatusEx(for ever) = 1: fifth "
                  "%s %lu%s", doing, bytes,
                  bytes == 0 ? ", the end" : " bytes");
    }
    SetLastError(error);
    return good;
}

static HANDLE say_port(HANDLE file, HANDLE port)
{
    if (file != INVALID_HANDLE_VALUE && (SOCKET)file == talk)
        say("CreateIoCompletionPort", talk, 0);
    return port;
}

/* <<exchange the calls of Winsock>> (1 of 1), book/91-behaviours.md: The library, system by system */
#define WSASocketW(family, type, zero, info, group, flags) \
    say_socket((WSASocketW)(family, type, zero, info, group, flags))
#define connect_ex(s, to, size, text, n, sent, record) \
    (say_request("ConnectEx", "connect", \
        (connect_ex)(s, to, size, text, n, sent, record), sent) == 0)
#define WSASend(s, parts, count, n, flags, record, zero) \
    say_request("WSASend", "send", \
        (WSASend)(s, parts, count, n, flags, record, zero) == 0, n)
#define WSARecv(s, parts, count, n, flags, record, zero) \
    say_request("WSARecv", receiving, \
        (WSARecv)(s, parts, count, n, flags, record, zero) == 0, n)
#define setsockopt(s, level, option, value, size) \
    say("setsockopt", s, (setsockopt)(s, level, option, value, size) \
        == 0 ? 0 : WSAGetLastError())
#define closesocket(s) \
    say("closesocket", s, (closesocket)(s) == 0 ? 0 : WSAGetLastError())
/* <<exchange the calls of the port>> (1 of 1), book/91-behaviours.md: The library, system by system */
#define SetFileCompletionNotificationModes(file, modes) \
    (skips = (SetFileCompletionNotificationModes)(file, modes))
#define CreateIoCompletionPort(file, port, key, threads) \
    say_port(file, (CreateIoCompletionPort)(file, port, key, threads))
#define GetQueuedCompletionStatusEx(port, e, room, n, ms, alert) \
    say_packets(e, n, \
        (GetQueuedCompletionStatusEx)(port, e, room, n, ms, alert))

/* <<the library as one file>> (1 of 1), book/91-behaviours.md: The library, system by system */
#include "../src/address.c"
#include "../src/operation.c"
#include "../src/posts.c"
#include "../src/queue.c"
#include "../src/time.c"
#include "../src/readiness.c"
#include "../src/socket_posix.c"
#include "../src/epoll.c"
#include "../src/kqueue.c"
#include "../src/socket_windows.c"
#include "../src/iocp.c"
#include "../src/afd.c"

static const char program[] = "trace_iocp";
/* <<one question on the queue>> (1 of 3), book/91-behaviours.md: The library, system by system */
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

/* What came of an operation, or why it was not taken */
static int64_t outcome(mio_queue *q, int refused)
{
    mio_op *done[1];
    int n = refused != 0 ? refused : mio_queue_wait(q, done, 1, -1);
    return n < 0 ? n : done[0]->result;
}

static int64_t open_line(mio_queue *q, mio_op *op, mio_socket *s)
{
    static mio_address server;
    int bad = mio_address_parse(&server, "127.0.0.1", fan_port);
    if (bad == 0)
        bad = mio_socket_open(s, MIO_IPV4, MIO_STREAM);
    return bad != 0 ? bad : outcome(q, mio_connect(q, op, s, &server));
}
/* <<one question on the queue>> (2 of 3), book/91-behaviours.md: The library, system by system */

static int64_t put(mio_queue *q, mio_op *op, mio_socket *s,
                   question *asked)
{
    static char text[512];
    size_t size = write_request(asked, text, sizeof text);
    int64_t n = outcome(q, mio_send_all(q, op, s, text, size));
    for (size = 0; n > 0 && size < sizeof text; size += (size_t)n) {
        n = outcome(q, mio_receive(q, op, s, text + size,
                                   sizeof text - size));
        if (n == 0)
            print_answer(asked, text, size);
        if (n <= 0)
            break;
    }
    return n;
}
/* <<one question on the queue>> (3 of 3), book/91-behaviours.md: The library, system by system */

int main(int argc, char **argv)
{
    static mio_op op;
    static mio_socket s;
    question *asked = &questions[QUESTIONS - 1];
    mio_queue *q;
    /* <<prepare the fan>> (1 of 1), book/01-waiting.md: Waiting */
    fan_port = port_argument(argc, argv, 1);
    if (sys_start() != 0) {
        fprintf(stderr, "%s: cannot use the network\n", program);
        return 1;
    }
    fan_started = sys_now();
    int64_t n = mio_queue_open(&q, NULL);
    if (n == 0)
        n = open_line(q, &op, &s);
    if (n == 0)
        n = put(q, &op, &s, asked);
    if (n == 0)
        n = outcome(q, mio_socket_close(q, &op, &s));
    if (n != 0) {
        fail(asked, mio_strerror((int)n), op.native);
        return report(asked);
    }
    mio_queue_shutdown(q);
    mio_queue_close(q);
    return 0;
}
