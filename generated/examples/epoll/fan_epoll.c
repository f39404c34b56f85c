/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char program[] = "fan_epoll";
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
/* <<the names of events>> (1 of 1), book/05-epoll.md: epoll */
static const char *names(uint32_t events)
{
    static const struct { uint32_t bit; const char *name; } bits[] = {
        { EPOLLIN,  "IN"  }, { EPOLLPRI,   "PRI"   }, { EPOLLOUT, "OUT" },
        { EPOLLERR, "ERR" }, { EPOLLHUP,   "HUP"   },
        { EPOLLRDHUP, "RDHUP" }, { EPOLLET, "ET" },
    };
    static char text[40];           /* good until the next call */
    text[0] = '\0';
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (events & bits[i].bit) {
            strcat(text, text[0] == '\0' ? "" : "|");
            strcat(text, bits[i].name);
        }
    return text;
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
/* <<a talk on epoll>> (1 of 4), book/05-epoll.md: epoll */
typedef struct talk {
    question *question;
    int       socket;
    enum { CONNECTING, ASKING, HEARING } state;
    size_t    length, sent;         /* bytes in text; bytes of it sent */
    char      text[512];            /* the request, then the answer */
} talk;

typedef enum step { MORE, NOT_NOW, OVER, FAILED } step;

static step failed(talk *t, const char *what, int error)
{
    fail(t->question, what, error);
    return FAILED;
}
/* <<a talk on epoll>> (2 of 4), book/05-epoll.md: epoll */

static bool open_talk(talk *t, question *q)
{
    struct sockaddr_in to = loopback(fan_port);
    t->question = q;
    t->length = write_request(q, t->text, sizeof t->text);
    t->socket = socket(AF_INET,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = t->socket < 0 ? errno : 0;
    trace("socket(%s) = %s", q->name, word(error));
    if (error != 0)
        return fail(q, "socket", error);
    if (connect(t->socket, (struct sockaddr *)&to, sizeof to) < 0)
        error = errno;
    trace("connect(%s) = %s", q->name, word(error));
    return error == 0 || error == EINPROGRESS
        || fail(q, "connect", error);
}
/* <<a talk on epoll>> (3 of 4), book/05-epoll.md: epoll */

static bool watch(int epoll, talk *t)
{
    struct epoll_event e = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .ptr = t },
    };
    int error = 0;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, t->socket, &e) < 0)
        error = errno;
    trace("epoll_ctl(ADD %s, %s) = %s", t->question->name,
          names(e.events), word(error));
    return error == 0 || fail(t->question, "epoll_ctl", error);
}
/* <<a talk on epoll>> (4 of 4), book/05-epoll.md: epoll */

/* <<ask whether the connection came about>> (1 of 1), book/05-epoll.md: epoll */
static step finish_connect(talk *t)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(t->socket, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    trace("getsockopt(%s, SO_ERROR) = %s", t->question->name,
          word(error));
    if (error != 0)
        return failed(t, "connect", error);
    t->state = ASKING;
    return MORE;
}

/* <<send what is left of the request>> (1 of 1), book/05-epoll.md: epoll */
static step send_some(talk *t)
{
    const char *name = t->question->name;
    size_t left = t->length - t->sent;
    long n = send(t->socket, t->text + t->sent, left, 0);
    int error = n < 0 ? errno : 0;
    if (n < 0) {
        trace("send(%s, %d bytes) = %s", name, (int)left, word(error));
        return error == EAGAIN ? NOT_NOW : failed(t, "send", error);
    }
    trace("send(%s, %d bytes) = %ld", name, (int)left, n);
    t->sent += (size_t)n;
    if (t->sent == t->length) {
        t->state = HEARING;
        t->length = 0;              /* text is free for the answer */
    }
    return MORE;
}

/* <<receive what has come of the answer>> (1 of 1), book/05-epoll.md: epoll */
/* <<end the talk>> (1 of 1), book/05-epoll.md: epoll */
static step end_talk(talk *t)
{
    int error = close(t->socket) < 0 ? errno : 0;
    trace("close(%s) = %s", t->question->name, word(error));
    return print_answer(t->question, t->text, t->length) ? OVER : FAILED;
}

static step receive_some(talk *t)
{
    const char *name = t->question->name;
    size_t room = sizeof t->text - t->length;
    long n = recv(t->socket, t->text + t->length, room, 0);
    int error = n < 0 ? errno : 0;
    if (n < 0) {
        trace("recv(%s) = %s", name, word(error));
        return error == EAGAIN ? NOT_NOW : failed(t, "receive", error);
    }
    trace("recv(%s) = %ld%s", name, n, n == 0 ? ", the end" : " bytes");
    t->length += (size_t)n;
    return n > 0 && t->length < sizeof t->text ? MORE : end_talk(t);
}

static step go_on(talk *t)
{
    step s = MORE;
    while (s == MORE)
        s = t->state == CONNECTING ? finish_connect(t)
          : t->state == ASKING     ? send_some(t) : receive_some(t);
    return s;
}
/* <<wait for talks>> (1 of 1), book/05-epoll.md: epoll */
/* <<say what epoll_wait returned>> (1 of 1), book/05-epoll.md: epoll */
static void trace_wait(const struct epoll_event *events, int n,
                       int error)
{
    char text[256] = "";
    for (int i = 0; i < n; i++) {
        const talk *t = events[i].data.ptr;
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s %s",
                 i == 0 ? ":" : ",", t->question->name,
                 names(events[i].events));
    }
    if (n < 0)
        trace("epoll_wait(for ever) = %s", word(error));
    else
        trace("epoll_wait(for ever) = %d%s", n, text);
}

static int wait_talks(int epoll, struct epoll_event *events, int room)
{
    for (;;) {
        int n = epoll_wait(epoll, events, room, -1);
        int error = n < 0 ? errno : 0;
        trace_wait(events, n, error);
        errno = error;
        if (error != EINTR)         /* a signal came: nothing is known */
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
    /* <<open an epoll and the talks>> (1 of 1), book/05-epoll.md: epoll */
    static talk talks[QUESTIONS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        perror("fan_epoll: epoll_create1");
        return 1;
    }
    for (int i = 0; i < QUESTIONS; i++)
        if (!open_talk(&talks[i], &questions[i])
                || !watch(epoll, &talks[i]))
            return report(&questions[i]);
    for (int open = QUESTIONS; open > 0; ) {
        /* <<wait until some talks can go on>> (1 of 1), book/05-epoll.md: epoll */
        struct epoll_event events[QUESTIONS];
        int n = wait_talks(epoll, events, QUESTIONS);
        if (n < 0) {
            perror("fan_epoll: epoll_wait");
            return 1;
        }
        /* <<let each go on as far as it can>> (1 of 1), book/05-epoll.md: epoll */
        for (int i = 0; i < n; i++) {
            talk *t = events[i].data.ptr;
            step s = go_on(t);
            if (s == FAILED)
                return report(t->question);
            if (s == OVER)
                open--;
        }
    }
    close(epoll);
    return 0;
}
