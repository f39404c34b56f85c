/* Tangled from book/08-side-by-side.md: Side by side. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char program[] = "poll_calls";
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
/* <<calls that say what they do>> (1 of 2), book/08-side-by-side.md: Side by side */
static int sockets[QUESTIONS], opened;

static const char *name_of(int s)
{
    int i = 0;
    while (i < opened - 1 && sockets[i] != s)
        i++;
    return questions[i].name;
}

static int say_socket(int family, int type, int protocol)
{
    int s = socket(family, type, protocol);
    trace("socket(%s) = %s", questions[opened].name,
          word(s < 0 ? errno : 0));
    sockets[opened++] = s;
    return s;
}

static int say_result(const char *call, int s, int result)
{
    int error = result < 0 ? errno : 0;
    trace("%s(%s) = %s", call, name_of(s), word(error));
    errno = error;
    return result;
}
/* <<calls that say what they do>> (2 of 2), book/08-side-by-side.md: Side by side */

static long say_bytes(const char *call, int s, long n, const char *unit)
{
    int error = n < 0 ? errno : 0;
    if (n < 0)
        trace("%s(%s) = %s", call, name_of(s), word(error));
    else
        trace("%s(%s) = %ld%s", call, name_of(s), n,
              n == 0 ? ", the end" : unit);
    errno = error;
    return n;
}

static int say_poll(sys_pollfd *polled, size_t n, int ms)
{
    char text[256] = "";
    int ready = sys_poll(polled, n, ms), error = errno;
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(text);
        short events = polled[i].revents;
        if (events != 0)
            snprintf(text + used, sizeof text - used, "%s %s%s%s%s",
                     used == 0 ? ":" : ",", name_of(polled[i].fd),
                     events & POLLIN ? " IN" : "",
                     events & POLLOUT ? " OUT" : "",
                     events & POLLHUP ? " HUP" : "");
    }
    trace("poll(for ever) = %d%s", ready, text);
    errno = error;
    return ready;
}
/* <<exchange the calls>> (1 of 1), book/08-side-by-side.md: Side by side */
#define socket(family, type, protocol) say_socket(family, type, protocol)
#define connect(s, to, size) \
    say_result("connect", s, (connect)(s, to, size))
#define getsockopt(s, level, option, to, size) \
    say_result("getsockopt", s, (getsockopt)(s, level, option, to, size))
#define send(s, text, n, flags) \
    say_bytes("send", s, (send)(s, text, n, flags), "")
#define recv(s, text, n, flags) \
    say_bytes("recv", s, (recv)(s, text, n, flags), " bytes")
#define sys_close(s) say_result("close", s, (sys_close)(s))
#define sys_poll(polled, n, ms) say_poll(polled, n, ms)
/* <<a talk that can be left and taken up>> (1 of 6), book/01-waiting.md: Waiting */
typedef struct talk {
    question   *question;
    sys_socket  socket;
    enum { CONNECTING, ASKING, HEARING, ANSWERED } state;
    size_t      length, done;       /* bytes in text; bytes of it sent */
    char        text[512];          /* the request, then the answer */
} talk;
/* <<a talk that can be left and taken up>> (2 of 6), book/01-waiting.md: Waiting */

static bool open_talk(talk *t, question *q)
{
    struct sockaddr_in to = loopback(fan_port);
    t->question = q;
    t->state = CONNECTING;
    t->length = write_request(q, t->text, sizeof t->text);
    t->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (t->socket == SYS_NO_SOCKET || sys_nonblocking(t->socket) != 0)
        return fail(q, "socket", sys_error());
    if (connect(t->socket, (struct sockaddr *)&to, sizeof to) != 0
            && !sys_would_block())
        return fail(q, "connect", sys_error());
    return true;
}
/* <<a talk that can be left and taken up>> (3 of 6), book/01-waiting.md: Waiting */

static bool finish_connect(talk *t)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(t->socket, SOL_SOCKET, SO_ERROR,
                   (char *)&error, &size) != 0)
        error = sys_error();
    if (error != 0)
        return fail(t->question, "connect", error);
    t->state = ASKING;
    return true;
}
/* <<a talk that can be left and taken up>> (4 of 6), book/01-waiting.md: Waiting */

static bool send_more(talk *t)
{
    long n = send(t->socket, t->text + t->done,
                  (sys_size)(t->length - t->done), 0);
    if (n < 0)
        return sys_would_block()
            || fail(t->question, "send", sys_error());
    t->done += (size_t)n;
    if (t->done == t->length) {
        t->state = HEARING;
        t->length = 0;              /* text is free for the answer */
    }
    return true;
}
/* <<a talk that can be left and taken up>> (5 of 6), book/01-waiting.md: Waiting */

static bool receive_more(talk *t)
{
    long n = recv(t->socket, t->text + t->length,
                  (sys_size)(sizeof t->text - t->length), 0);
    if (n < 0)
        return sys_would_block()
            || fail(t->question, "receive", sys_error());
    t->length += (size_t)n;
    if (n > 0 && t->length < sizeof t->text)
        return true;
    t->state = ANSWERED;            /* the end, or no room for more */
    sys_close(t->socket);
    return print_answer(t->question, t->text, t->length);
}
/* <<a talk that can be left and taken up>> (6 of 6), book/01-waiting.md: Waiting */

static bool advance(talk *t)
{
    switch (t->state) {
    case CONNECTING: return finish_connect(t);
    case ASKING:     return send_more(t);
    case HEARING:    return receive_more(t);
    default:         return true;
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
    /* <<open a talk for each question>> (1 of 1), book/01-waiting.md: Waiting */
    static talk talks[QUESTIONS];
    for (int i = 0; i < QUESTIONS; i++)
        if (!open_talk(&talks[i], &questions[i]))
            return report(&questions[i]);
    for (int open = QUESTIONS; open > 0; ) {
        /* <<say what each talk waits for>> (1 of 1), book/01-waiting.md: Waiting */
        sys_pollfd polled[QUESTIONS];
        talk *whose[QUESTIONS];
        size_t n = 0;
        for (int i = 0; i < QUESTIONS; i++) {
            talk *t = &talks[i];
            if (t->state == ANSWERED)
                continue;
            polled[n].fd = t->socket;
            polled[n].events = t->state == HEARING ? POLLIN : POLLOUT;
            whose[n++] = t;
        }
        /* <<sleep until a talk can go on>> (1 of 1), book/01-waiting.md: Waiting */
        if (sys_poll(polled, n, -1) < 0) {
            fprintf(stderr, "%s: poll: %s\n", program,
                    sys_error_text(sys_error()));
            return 1;
        }
        /* <<let the talks go on that can>> (1 of 1), book/01-waiting.md: Waiting */
        for (size_t i = 0; i < n; i++) {
            if (polled[i].revents == 0)
                continue;
            if (!advance(whose[i]))
                return report(whose[i]->question);
            if (whose[i]->state == ANSWERED)
                open--;
        }
    }
    return 0;
}
