/* Tangled from book/06-kqueue.md: kqueue. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <unistd.h>

static const char program[] = "fan_kqueue";
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
/* <<what a call came to>> (1 of 1), book/06-kqueue.md: kqueue */
static const char *came_to(int error)
{
    switch (error) {
    case 0:           return "ok";
    case EAGAIN:      return "not now";
    case EINPROGRESS: return "in progress";
    default:          return sys_error_text(error);
    }
}
/* <<a talk on kqueue>> (1 of 4), book/06-kqueue.md: kqueue */
typedef struct talk {
    question *question;
    int       socket;
    enum { CONNECTING, ASKING, HEARING, ANSWERED } state;
    int64_t   expected;             /* bytes that READ has announced */
    bool      ending;               /* and whether the end comes then */
    size_t    length, sent;         /* bytes in text; bytes of it sent */
    char      text[512];            /* the request, then the answer */
} talk;
/* <<a talk on kqueue>> (2 of 4), book/06-kqueue.md: kqueue */

static bool open_talk(talk *t, question *q)
{
    struct sockaddr_in to = loopback(fan_port);
    t->question = q;
    t->length = write_request(q, t->text, sizeof t->text);
    t->socket = socket(AF_INET, SOCK_STREAM, 0);
    int error = t->socket < 0 || sys_nonblocking(t->socket) < 0
        ? errno : 0;
    trace("socket(%s) = %s", q->name, came_to(error));
    if (error != 0)
        return fail(q, "socket", error);
    if (connect(t->socket, (struct sockaddr *)&to, sizeof to) < 0)
        error = errno;
    trace("connect(%s) = %s", q->name, came_to(error));
    return error == 0 || error == EINPROGRESS
        || fail(q, "connect", error);
}
/* <<a talk on kqueue>> (3 of 4), book/06-kqueue.md: kqueue */

static bool watch(int kq, talk *t)
{
    static const struct timespec now = { 0, 0 };
    const char *name = t->question->name;
    struct kevent k[2];
    EV_SET(&k[0], (uintptr_t)t->socket, EVFILT_READ,
           EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 0, t);
    EV_SET(&k[1], (uintptr_t)t->socket, EVFILT_WRITE,
           EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 0, t);
    int n = kevent(kq, k, 2, k, 2, &now);
    int error = n < 0 ? errno : 0;
    for (int i = 0; i < n; i++)
        if ((k[i].flags & EV_ERROR) && k[i].data != 0)
            error = (int)k[i].data;
    trace("kevent(ADD %s READ CLEAR, ADD %s WRITE CLEAR) = %s",
          name, name, came_to(error));
    return (n == 2 && error == 0) || fail(t->question, "kevent", error);
}
/* <<a talk on kqueue>> (4 of 4), book/06-kqueue.md: kqueue */

/* <<finish connecting on kqueue>> (1 of 1), book/06-kqueue.md: kqueue */
static bool finish_connect(talk *t)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(t->socket, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    trace("getsockopt(%s, SO_ERROR) = %s", t->question->name,
          came_to(error));
    if (error != 0)
        return fail(t->question, "connect", error);
    t->state = ASKING;
    return true;
}

/* <<send until all is sent or not now>> (1 of 1), book/06-kqueue.md: kqueue */
static bool send_rest(talk *t)
{
    const char *name = t->question->name;
    while (t->state == ASKING) {
        size_t left = t->length - t->sent;
        long n = send(t->socket, t->text + t->sent, left, 0);
        int error = n < 0 ? errno : 0;
        /* <<say what send returned>> (1 of 1), book/06-kqueue.md: kqueue */
        if (n < 0)
            trace("send(%s, %d bytes) = %s", name, (int)left, came_to(error));
        else
            trace("send(%s, %d bytes) = %ld", name, (int)left, n);
        if (n < 0)
            return error == EAGAIN || fail(t->question, "send", error);
        t->sent += (size_t)n;
        if (t->sent == t->length) {
            t->state = HEARING;
            t->length = 0;          /* text is free for the answer */
        }
    }
    return true;
}

/* <<receive what was announced>> (1 of 1), book/06-kqueue.md: kqueue */
/* <<end a talk on kqueue>> (1 of 1), book/06-kqueue.md: kqueue */
static bool end_talk(talk *t)
{
    int error = close(t->socket) < 0 ? errno : 0;
    trace("close(%s) = %s", t->question->name, came_to(error));
    t->state = ANSWERED;
    t->expected = 0;
    t->ending = false;
    return print_answer(t->question, t->text, t->length);
}

static bool receive_rest(talk *t)
{
    const char *name = t->question->name;
    while (t->expected > 0 || t->ending) {
        size_t room = sizeof t->text - t->length;
        long n = recv(t->socket, t->text + t->length, room, 0);
        int error = n < 0 ? errno : 0;
        /* <<say what recv returned>> (1 of 1), book/06-kqueue.md: kqueue */
        if (n < 0)
            trace("recv(%s) = %s", name, came_to(error));
        else
            trace("recv(%s) = %ld%s", name, n, n == 0 ? ", the end" : " bytes");
        if (n < 0)
            return error == EAGAIN
                || fail(t->question, "receive", error);
        t->expected -= n;
        t->length += (size_t)n;
        if (n == 0 || t->length == sizeof t->text)
            return end_talk(t);
    }
    return true;
}

static bool go_on(talk *t, const struct kevent *e)
{
    if (e->filter == EVFILT_READ) {
        t->expected = (int64_t)e->data;
        t->ending = (e->flags & EV_EOF) != 0;
    } else if (t->state == CONNECTING && !finish_connect(t)) {
        return false;
    }
    return (t->state != ASKING || send_rest(t))
        && (t->state != HEARING || receive_rest(t));
}
/* <<wait for talks on kqueue>> (1 of 1), book/06-kqueue.md: kqueue */
/* <<say what kevent returned>> (1 of 2), book/06-kqueue.md: kqueue */
static void name_event(char *text, size_t room, const struct kevent *e)
{
    const talk *t = e->udata;
    if (e->filter == EVFILT_READ)
        snprintf(text, room, "%s READ %d", t->question->name,
                 (int)e->data);
    else
        snprintf(text, room, "%s WRITE", t->question->name);
    size_t used = strlen(text);
    if (e->flags & EV_EOF)
        snprintf(text + used, room - used, " EOF%s%s",
                 e->fflags == 0 ? "" : " ",
                 e->fflags == 0 ? "" : came_to((int)e->fflags));
}
/* <<say what kevent returned>> (2 of 2), book/06-kqueue.md: kqueue */

static void trace_wait(const struct kevent *events, int n, int error)
{
    char line[512] = "";
    for (int i = 0; i < n; i++) {
        char text[80];
        size_t used = strlen(line);
        name_event(text, sizeof text, &events[i]);
        snprintf(line + used, sizeof line - used, "%s %s",
                 i == 0 ? ":" : ",", text);
    }
    if (n < 0)
        trace("kevent(for ever) = %s", came_to(error));
    else
        trace("kevent(for ever) = %d%s", n, line);
}

static int wait_talks(int kq, struct kevent *events)
{
    for (;;) {
        int n = kevent(kq, NULL, 0, events, 2 * QUESTIONS, NULL);
        int error = n < 0 ? errno : 0;
        trace_wait(events, n, error);
        errno = error;
        if (error != EINTR)
            return n;
    }
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
    /* <<open a kqueue and the talks>> (1 of 1), book/06-kqueue.md: kqueue */
    static talk talks[QUESTIONS];
    int kq = kqueue();
    if (kq < 0) {
        perror("fan_kqueue: kqueue");
        return 1;
    }
    for (int i = 0; i < QUESTIONS; i++)
        if (!open_talk(&talks[i], &questions[i]) || !watch(kq, &talks[i]))
            return report(&questions[i]);
    for (int open = QUESTIONS; open > 0; ) {
        /* <<wait until kqueue has events>> (1 of 1), book/06-kqueue.md: kqueue */
        struct kevent events[2 * QUESTIONS];
        int n = wait_talks(kq, events);
        if (n < 0) {
            perror("fan_kqueue: kevent");
            return 1;
        }
        /* <<give each event to its talk>> (1 of 1), book/06-kqueue.md: kqueue */
        for (int i = 0; i < n; i++) {
            talk *t = events[i].udata;
            if (t->state == ANSWERED)
                continue;                   /* by an earlier event */
            if (!go_on(t, &events[i]))
                return report(t->question);
            if (t->state == ANSWERED)
                open--;
        }
    }
    close(kq);
    return 0;
}
