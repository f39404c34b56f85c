/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#include "common/sys.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "delayd";
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
/* <<a socket that talks to itself>> (1 of 1), book/01-waiting.md: Waiting */
static sys_socket self_socket(void)
{
    struct sockaddr_in self = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&self;
    socklen_t size = sizeof self;
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s != SYS_NO_SOCKET
            && (bind(s, address, size) != 0
                || getsockname(s, address, &size) != 0
                || connect(s, address, size) != 0)) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}
/* <<the states of a client>> (1 of 1), book/01-waiting.md: Waiting */
enum client_state { READING, HOLDING, ANSWERING, LINGERING, GONE };
/* <<a client>> (1 of 1), book/01-waiting.md: Waiting */
enum { LINE_ROOM = 256, TEXT_ROOM = 512, HEAD_ROOM = 8192,
       LONGEST_MS = 60000, MOST_CLIENTS = 10000 };

typedef struct client {
    sys_socket        socket;
    size_t            place;        /* in the poll array, or 0 */
    enum client_state state;
    int64_t           deadline;     /* of this state, on sys_now() */
    size_t            head;         /* bytes of the request so far */
    bool              line_known;   /* its first line has ended */
    bool              blank;        /* its current line is empty */
    size_t            length, sent; /* bytes of text; those sent */
    char              text[TEXT_ROOM];      /* request line, answer */
} client;
/* <<what a state waits for and how long>> (1 of 1), book/01-waiting.md: Waiting */
static const short events_of[] = {
    [READING] = POLLIN, [HOLDING] = 0,
    [ANSWERING] = POLLOUT, [LINGERING] = POLLIN,
};
static const int64_t limit_of[] = {
    [READING] = 5000 * SYS_MS, [HOLDING] = 0,
    [ANSWERING] = 5000 * SYS_MS, [LINGERING] = 1000 * SYS_MS,
};
/* <<answer a client>> (1 of 4), book/01-waiting.md: Waiting */
static void enter(client *c, enum client_state state, int64_t now)
{
    c->state = state;
    c->deadline = now + limit_of[state];
}

static void send_answer(client *c, int64_t now)
{
    long n = send(c->socket, c->text + c->sent,
                  (sys_size)(c->length - c->sent), 0);
    if (n < 0 && !sys_would_block())
        c->state = GONE;
    if (n > 0)
        c->sent += (size_t)n;
    /* <<end our half when all is sent>> (1 of 1), book/01-waiting.md: Waiting */
    if (c->state != GONE && c->sent == c->length) {
        shutdown(c->socket, SHUT_WR);
        enter(c, LINGERING, now);
    }
}
/* <<answer a client>> (2 of 4), book/01-waiting.md: Waiting */

static void start_answer(client *c, int64_t now)
{
    enter(c, ANSWERING, now);
    send_answer(c, now);
}

static void read_and_forget(client *c)
{
    char bytes[2048];
    long n = recv(c->socket, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && !sys_would_block()))
        c->state = GONE;
}
/* <<answer a client>> (3 of 4), book/01-waiting.md: Waiting */

static void answer(client *c, const char *status, const char *body,
                   bool head_only)
{
    int n = snprintf(c->text, sizeof c->text,
        "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: %d\r\nCache-Control: no-store\r\n"
        "Allow: GET, HEAD\r\nConnection: close\r\n\r\n%s",
        status, (int)strlen(body), head_only ? "" : body);
    c->length = (size_t)n;
    c->sent = 0;
}
/* <<answer a client>> (4 of 4), book/01-waiting.md: Waiting */

static void refuse(client *c, const char *status, int64_t now)
{
    char body[TEXT_ROOM];
    snprintf(body, sizeof body,
             "%s: ask with GET or HEAD for /MILLISECONDS/NAME, "
             "at most %d ms\n", status, LONGEST_MS);
    answer(c, status, body, false);
    start_answer(c, now);
}
/* <<read a request>> (1 of 1), book/01-waiting.md: Waiting */
/* <<understand the request line>> (1 of 1), book/01-waiting.md: Waiting */
/* <<parse the request line>> (1 of 2), book/01-waiting.md: Waiting */
typedef struct wish {
    bool        head_only;
    int         delay_ms;
    const char *name;
} wish;

static bool printable(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 127)
            return false;
    return true;
}
/* <<parse the request line>> (2 of 2), book/01-waiting.md: Waiting */

static const char *parse(char *line, size_t length, wish *w)
{
    if (line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    char *path = strchr(line, ' ');
    char *version = path == NULL ? NULL : strchr(path + 1, ' ');
    if (!printable(line, length) || version == NULL
            || strncmp(version, " HTTP/1.", 8) != 0
            || strlen(version) != 9)
        return "400 Bad Request";
    *path = *version = '\0';
    /* <<understand method and path>> (1 of 1), book/01-waiting.md: Waiting */
    w->head_only = strcmp(line, "HEAD") == 0;
    if (!w->head_only && strcmp(line, "GET") != 0)
        return "405 Method Not Allowed";
    if (path[1] != '/' || path[2] < '0' || path[2] > '9')
        return "400 Bad Request";
    char *end;
    long delay = strtol(path + 2, &end, 10);
    if (delay > LONGEST_MS || (*end != '/' && *end != '\0'))
        return "400 Bad Request";
    w->delay_ms = (int)delay;
    w->name = *end == '/' ? end + 1 : end;
    return NULL;
}

static void hold(client *c, int64_t now)
{
    char body[TEXT_ROOM];
    wish w;
    const char *wrong = parse(c->text, c->length, &w);
    if (wrong != NULL) {
        refuse(c, wrong, now);
        return;
    }
    snprintf(body, sizeof body, "%s%safter %d ms\n", w.name,
             *w.name == '\0' ? "" : ", ", w.delay_ms);
    answer(c, "200 OK", body, w.head_only);
    c->state = HOLDING;
    c->deadline = now + w.delay_ms * SYS_MS;
}
/* <<take one byte of the head>> (1 of 2), book/01-waiting.md: Waiting */
static void end_line(client *c, int64_t now)
{
    if (c->blank && c->line_known)
        hold(c, now);
    else if (c->blank)
        c->length = 0;              /* empty lines may come first */
    else
        c->line_known = true;
    c->blank = true;
}
/* <<take one byte of the head>> (2 of 2), book/01-waiting.md: Waiting */

static void take_byte(client *c, char byte, int64_t now)
{
    if (++c->head > HEAD_ROOM) {
        refuse(c, "431 Request Header Fields Too Large", now);
    } else if (byte == '\n') {
        end_line(c, now);
    } else if (!c->line_known && c->length == LINE_ROOM) {
        refuse(c, "414 URI Too Long", now);
    } else {
        if (!c->line_known)
            c->text[c->length++] = byte;
        c->blank = c->blank && byte == '\r';
    }
}

static void read_request(client *c, int64_t now)
{
    char bytes[2048];
    long n = recv(c->socket, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && !sys_would_block()))
        c->state = GONE;
    for (long i = 0; i < n && c->state == READING; i++)
        take_byte(c, bytes[i], now);
}
/* <<let a client go on>> (1 of 1), book/01-waiting.md: Waiting */
static void go_on(client *c, int64_t now)
{
    switch (c->state) {
    case READING:   read_request(c, now); break;
    case ANSWERING: send_answer(c, now); break;
    case LINGERING: read_and_forget(c); break;
    default:        break;
    }
}

static void time_is_up(client *c, int64_t now)
{
    switch (c->state) {
    case READING: refuse(c, "408 Request Timeout", now); break;
    case HOLDING: start_answer(c, now); break;
    default:      c->state = GONE; break;
    }
}
/* <<the table of clients>> (1 of 2), book/01-waiting.md: Waiting */
static sys_socket wake;             /* has something: time to end */

typedef struct server {
    sys_socket  listener;
    size_t      place;              /* of the listener, or 0 */
    int64_t     accept_again;       /* not before this time */
    client     *clients;
    size_t      count, room;        /* of clients */
    sys_pollfd *polled;
    size_t      asked;              /* entries in polled */
} server;
/* <<the table of clients>> (2 of 2), book/01-waiting.md: Waiting */
/* <<make room in the table>> (1 of 2), book/01-waiting.md: Waiting */
static bool make_room(server *s)
{
    size_t room = s->room == 0 ? 64 : 2 * s->room;
    client *clients = realloc(s->clients, room * sizeof *clients);
    if (clients == NULL)
        return false;
    s->clients = clients;
    sys_pollfd *polled = realloc(s->polled, (room + 2) * sizeof *polled);
    if (polled == NULL)
        return false;
    s->polled = polled;
    s->room = room;
    return true;
}
/* <<make room in the table>> (2 of 2), book/01-waiting.md: Waiting */

static void add_client(server *s, sys_socket accepted, int64_t now)
{
    if ((s->count == s->room && !make_room(s))
            || sys_nonblocking(accepted) != 0) {
        sys_close(accepted);
        return;
    }
    client *c = &s->clients[s->count++];
    memset(c, 0, sizeof *c);
    c->socket = accepted;
    c->blank = true;
    enter(c, READING, now);
}

static void accept_clients(server *s, int64_t now)
{
    while (s->count < MOST_CLIENTS) {
        sys_socket accepted = accept(s->listener, NULL, NULL);
        if (accepted == SYS_NO_SOCKET) {
            if (!sys_would_block())
                s->accept_again = now + 20 * SYS_MS;
            return;
        }
        add_client(s, accepted, now);
    }
}
/* <<the loop of the server>> (1 of 1), book/01-waiting.md: Waiting */
/* <<prepare the poll array>> (1 of 2), book/01-waiting.md: Waiting */
static size_t ask_poll(server *s, sys_socket which, short events)
{
    if (events == 0)
        return 0;
    s->polled[s->asked].fd = which;
    s->polled[s->asked].events = events;
    return s->asked++;
}

static bool reported(const server *s, size_t place)
{
    return place != 0 && s->polled[place].revents != 0;
}
/* <<prepare the poll array>> (2 of 2), book/01-waiting.md: Waiting */

static int64_t prepare_poll(server *s, int64_t now)
{
    bool paused = now < s->accept_again;
    int64_t next = paused ? s->accept_again : INT64_MAX;
    bool full = s->count == MOST_CLIENTS;
    s->asked = 0;
    ask_poll(s, wake, POLLIN);
    s->place = ask_poll(s, s->listener, paused || full ? 0 : POLLIN);
    for (size_t i = 0; i < s->count; i++) {
        client *c = &s->clients[i];
        c->place = ask_poll(s, c->socket, events_of[c->state]);
        if (c->deadline < next)
            next = c->deadline;
    }
    return next;
}
/* <<how long poll may sleep>> (1 of 1), book/01-waiting.md: Waiting */
static int wait_ms(int64_t deadline)
{
    int64_t left = deadline - sys_now();
    if (deadline == INT64_MAX)
        return -1;                  /* nothing to wait for */
    if (left <= 0)
        return 0;
    return (int)((left + SYS_MS - 1) / SYS_MS);
}

static bool serve(server *s)
{
    for (char byte; ; ) {
        int64_t next = prepare_poll(s, sys_now());
        if (sys_poll(s->polled, s->asked, wait_ms(next)) < 0)
            return false;
        if (s->polled[0].revents != 0 && recv(wake, &byte, 1, 0) == 1)
            return true;
        /* <<let every client go on>> (1 of 1), book/01-waiting.md: Waiting */
        int64_t now = sys_now();
        for (size_t i = 0; i < s->count; i++) {
            client *c = &s->clients[i];
            if (now >= c->deadline)
                time_is_up(c, now);
            else if (reported(s, c->place))
                go_on(c, now);
        }
        /* <<forget those who are gone>> (1 of 1), book/01-waiting.md: Waiting */
        for (size_t i = 0; i < s->count; ) {
            if (s->clients[i].state == GONE) {
                sys_close(s->clients[i].socket);
                s->clients[i] = s->clients[--s->count];
            } else {
                i++;
            }
        }
        if (reported(s, s->place))
            accept_clients(s, sys_now());
    }
}
/* <<start and end delayd>> (1 of 3), book/01-waiting.md: Waiting */
static void on_interrupt(int number)
{
    int saved = errno;
    (void)number;
    send(wake, "", 1, 0);
    errno = saved;                  /* the loop may be about to read it */
}
/* <<start and end delayd>> (2 of 3), book/01-waiting.md: Waiting */

static bool open_server(server *s, int number)
{
    struct sockaddr_in at = loopback(number);
    socklen_t size = sizeof at;
    struct sockaddr *address = (struct sockaddr *)&at;
    wake = self_socket();
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (wake == SYS_NO_SOCKET || s->listener == SYS_NO_SOCKET
            || sys_nonblocking(wake) != 0
            || sys_nonblocking(s->listener) != 0
            || sys_rebind(s->listener) != 0
            || bind(s->listener, address, size) != 0
            || listen(s->listener, SOMAXCONN) != 0
            || getsockname(s->listener, address, &size) != 0)
        return false;
    printf("delayd: listening on 127.0.0.1:%d\n", ntohs(at.sin_port));
    return fflush(stdout) == 0 && make_room(s);
}
/* <<start and end delayd>> (3 of 3), book/01-waiting.md: Waiting */

int main(int argc, char **argv)
{
    server s = { .listener = SYS_NO_SOCKET };
    int number = port_argument(argc, argv, 0);
    if (sys_start() != 0 || !open_server(&s, number)) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1:%d: %s\n",
                program, number, sys_error_text(sys_error()));
        return 1;
    }
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    bool good = serve(&s);
    /* <<end delayd>> (1 of 1), book/01-waiting.md: Waiting */
    if (!good)
        fprintf(stderr, "%s: poll: %s\n", program,
                sys_error_text(sys_error()));
    for (size_t i = 0; i < s.count; i++)
        sys_close(s.clients[i].socket);
    sys_close(s.listener);
    sys_close(wake);
    free(s.clients);
    free(s.polled);
    return good ? 0 : 1;
}
