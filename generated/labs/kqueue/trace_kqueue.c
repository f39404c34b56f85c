/* Tangled from book/91-behaviours.md: The library, system by system. Edit the chapter, not this file. */

#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#define MIO_KQUEUE
#include "common/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/event.h>
#include <unistd.h>

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
/* <<an error as a word>> (1 of 1), book/05-epoll.md: epoll */
static const char *word(int error)
{
    switch (error) {
    case 0:           return "ok";
    case EAGAIN:      return "not now";
    case EINPROGRESS: return "in progress";
    default:          return sys_error_text(error);
    }
}
/* <<calls of a socket that say what they do>> (1 of 1), book/91-behaviours.md: The library, system by system */
static int talk = -1;                   /* the socket */

static int say(const char *call, int s, int result)
{
    int error = result < 0 ? errno : 0;
    if (s == talk)
        trace("%s(fifth) = %s", call, word(error));
    errno = error;
    return result;
}

static int say_socket(int fd)
{
    talk = fd;
    return say("socket", talk, talk);
}

static long say_bytes(const char *call, const char *unit, long n)
{
    int error = n < 0 ? errno : 0;
    if (n < 0)
        trace("%s(fifth) = %s", call, word(error));
    else
        trace("%s(fifth) = %ld%s", call, n, n == 0 ? ", the end" : unit);
    errno = error;
    return n;
}

/* <<calls of kqueue that say what they do>> (1 of 2), book/91-behaviours.md: The library, system by system */
static const char *filter_name(const struct kevent *e)
{
    return e->filter == EVFILT_READ ? "READ"
         : e->filter == EVFILT_WRITE ? "WRITE" : "another";
}

static unsigned asked_for;              /* flags of the change */

static void note_change(const struct kevent *change)
{
    asked_for = change == NULL ? 0 : change->flags;
}

static void say_change(const struct kevent *receipt, int result)
{
    int error = result < 0 ? errno : (int)receipt->data;
    if (receipt->ident == (uintptr_t)talk)
        trace("kevent(%s fifth %s%s) = %s",
              asked_for & EV_ADD ? "ADD" : "DELETE", filter_name(receipt),
              asked_for & EV_CLEAR ? " CLEAR" : "", word(error));
}
/* <<calls of kqueue that say what they do>> (2 of 2), book/91-behaviours.md: The library, system by system */

static int say_kevent(const struct kevent *changes,
                      const struct kevent *events, int n)
{
    char text[80] = "";
    int error = n < 0 ? errno : 0;
    if (changes != NULL)
        say_change(changes, n);
    for (int i = 0; changes == NULL && i < n; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s", i > 0 ? "," : "",
                 filter_name(&events[i]));
        used = strlen(text);
        if (events[i].filter == EVFILT_READ)
            snprintf(text + used, sizeof text - used, " %d%s",
                     (int)events[i].data,
                     events[i].flags & EV_EOF ? " EOF" : "");
    }
    if (changes == NULL)
        trace("kevent(for ever) = %d: fifth%s", n, text);
    errno = error;
    return n;
}

/* <<exchange the calls of a socket>> (1 of 1), book/91-behaviours.md: The library, system by system */
#define socket(family, type, zero) \
    say_socket((socket)(family, type, zero))
#define connect(s, to, size) say("connect", s, (connect)(s, to, size))
#define getsockopt(s, level, option, to, size) \
    say("getsockopt", s, (getsockopt)(s, level, option, to, size))
#define getpeername(s, to, size) \
    say("getpeername", s, (getpeername)(s, to, size))
#define send(s, text, n, how) \
    say_bytes("send", "", (send)(s, text, n, how))
#define recv(s, text, n, how) \
    say_bytes("recv", " bytes", (recv)(s, text, n, how))
#define close(s) say("close", s, (close)(s))
/* <<exchange the call of kqueue>> (1 of 1), book/91-behaviours.md: The library, system by system */
#define kevent(kq, changes, n, events, room, time) \
    (note_change(changes), say_kevent(changes, events, \
        (kevent)(kq, changes, n, events, room, time)))

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

static const char program[] = "trace_kqueue";
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
