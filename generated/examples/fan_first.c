/* Tangled from book/04-an-api-from-its-test.md: An API from its test. Edit the chapter, not this file. */

#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "fan_first";
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
/* <<an exchange on the queue>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */
typedef struct exchange {
    mio_op     op;
    mio_socket socket;
    question  *question;
    enum step { DIALS, ASKS, HEARS, PARTS } step;   /* what op does */
    size_t     length;              /* of the answer so far */
    char       text[512];           /* the request, then the answer */
} exchange;
static mio_address server;
static mio_queue  *line;
enum { FAN_LIMIT_MS = 5000 };
/* <<an exchange on the queue>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int submit(exchange *x, enum step step)
{
    x->step = step;
    x->op.user = x;
    x->op.deadline = fan_started + FAN_LIMIT_MS * SYS_MS;
    int refused = mio_queue_submit(line, &x->op);
    if (refused != 0) {
        fprintf(stderr, "%s: %s\n", program, mio_strerror(refused));
        exit(1);
    }
    return 0;
}
/* <<an exchange on the queue>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int ask_for(exchange *x)
{
    x->length = 0;
    mio_op_send_all(&x->op, &x->socket, x->text,
                    write_request(x->question, x->text, sizeof x->text));
    return submit(x, ASKS);
}

static int hear(exchange *x)
{
    mio_op_receive(&x->op, &x->socket, x->text + x->length,
                   sizeof x->text - x->length);
    return submit(x, HEARS);
}
/* <<an exchange on the queue>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int part(exchange *x)
{
    mio_op_close(&x->op, &x->socket);
    return submit(x, PARTS);
}

static int lost(exchange *x)
{
    static const char *const doing[] = { "connect", "send", "receive" };
    fail(x->question, x->op.native != 0 ? doing[x->step]
             : mio_strerror((int)x->op.result), x->op.native);
    return part(x);
}
/* <<go on with an exchange>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
static int go_on(exchange *x)
{
    if (x->step == PARTS)
        return 1;
    if (x->op.result < 0)
        return lost(x);
    if (x->step == DIALS)
        return ask_for(x);
    if (x->step == HEARS && x->op.result == 0) {
        print_answer(x->question, x->text, x->length);
        return part(x);
    }
    x->length += x->step == HEARS ? (size_t)x->op.result : 0;
    if (x->length < sizeof x->text)
        return hear(x);
    x->op.result = MIO_EMSGSIZE;    /* no room for such an answer */
    return lost(x);
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
/* <<a stand-in on poll>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
/* <<the queue of the stand-in>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */
enum { STAND_IN_ROOM = 64 };
enum { YOURS, POSTED, PENDING, FINISHED };              /* op->state */
enum { OP_TIMER, OP_CONNECT, OP_SEND_ALL, OP_RECEIVE_SOME, OP_CLOSE };

struct mio_queue {
    mio_op *inside[STAND_IN_ROOM];  /* in the order of submission */
    int     count;
    bool    shut;
};
/* <<the queue of the stand-in>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

static void finish(mio_op *op, int64_t result, int native)
{
    op->result = result;
    op->native = native;
    op->state = FINISHED;
}

int mio_queue_open(mio_queue **opened, const mio_options *options)
{
    (void)options;
    *opened = calloc(1, sizeof **opened);
    return *opened != NULL ? 0 : MIO_ENOMEM;
}
/* <<the queue of the stand-in>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_shutdown(mio_queue *q)
{
    q->shut = true;
    for (int i = 0; i < q->count; i++)
        if (q->inside[i]->state == PENDING)
            finish(q->inside[i], MIO_ECANCELED, 0);
    return 0;
}

int mio_queue_close(mio_queue *q)
{
    if (!q->shut || q->count > 0)
        return MIO_EBUSY;
    free(q);
    return 0;
}
/* <<the queue of the stand-in>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

int64_t mio_now(void)
{
    return sys_now();
}

const char *mio_strerror(int code)
{
    switch (code) {
    case MIO_ECANCELED: return "cancelled";
    case MIO_ETIMEDOUT: return "timed out";
    case MIO_EBUSY:     return "busy";
    default:            return "an error";
    }
}
/* <<operations of the stand-in>> (1 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void prepare(mio_op *op, int kind, mio_socket *s,
                    const void *buffer, size_t length)
{
    op->kind = (uint8_t)kind;
    op->state = YOURS;
    op->result = op->deadline = 0;
    op->native = 0;
    op->done = 0;
    op->socket = s;
    op->buffer = (void *)(uintptr_t)buffer;
    op->length = length;
}
/* <<operations of the stand-in>> (2 of 6), book/04-an-api-from-its-test.md: An API from its test */

void mio_op_connect(mio_op *op, mio_socket *s, const mio_address *to)
{
    prepare(op, OP_CONNECT, s, NULL, 0);
    op->with.to = to;
}

void mio_op_send_all(mio_op *op, mio_socket *s, const void *b, size_t n)
{
    prepare(op, OP_SEND_ALL, s, b, n);
}

void mio_op_receive(mio_op *op, mio_socket *s, void *b, size_t n)
{
    prepare(op, OP_RECEIVE_SOME, s, b, n);
}
/* <<operations of the stand-in>> (3 of 6), book/04-an-api-from-its-test.md: An API from its test */

void mio_op_close(mio_op *op, mio_socket *s)
{
    prepare(op, OP_CLOSE, s, NULL, 0);
}

void mio_op_timer(mio_op *op, int64_t deadline)
{
    prepare(op, OP_TIMER, NULL, NULL, 0);
    op->deadline = deadline;
}
/* <<operations of the stand-in>> (4 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void failed(mio_op *op)
{
    if (!sys_would_block())
        finish(op, MIO_ESYSTEM, sys_error());
}

static void end_connect(mio_op *op)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(op->socket->native, SOL_SOCKET, SO_ERROR,
                   (char *)&error, &size) != 0)
        error = sys_error();
    finish(op, error == 0 ? 0 : MIO_ESYSTEM, error);
}
/* <<operations of the stand-in>> (5 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void try_send(mio_op *op)
{
    while (op->done < op->length) {
        long n = send(op->socket->native,
                      (const char *)op->buffer + op->done,
                      (sys_size)(op->length - op->done), 0);
        if (n < 0) {
            failed(op);
            return;
        }
        op->done += (size_t)n;
    }
    finish(op, (int64_t)op->done, 0);
}
/* <<operations of the stand-in>> (6 of 6), book/04-an-api-from-its-test.md: An API from its test */

static void attempt(mio_op *op)
{
    if (op->kind == OP_CONNECT)
        end_connect(op);
    if (op->kind == OP_SEND_ALL)
        try_send(op);
    if (op->kind == OP_RECEIVE_SOME) {
        long n = recv(op->socket->native, op->buffer,
                      (sys_size)op->length, 0);
        if (n >= 0)
            finish(op, n, 0);
        else
            failed(op);
    }
}
/* <<close and end what waits>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */

static void close_for(mio_queue *q, mio_op *op)
{
    for (int i = 0; i < q->count; i++) {
        mio_op *other = q->inside[i];
        if (other->socket == op->socket && other->state == PENDING
                && other != op)
            finish(other, MIO_ECANCELED, 0);
    }
    bool closed = sys_close(op->socket->native) == 0;
    finish(op, closed ? 0 : MIO_ESYSTEM, closed ? 0 : sys_error());
}
/* <<begin, and submit>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

static void begin_connect(mio_op *op)
{
    const mio_address *to = op->with.to;
    const void *address = to->storage.bytes;
    if (connect(op->socket->native, address, (socklen_t)to->length) == 0)
        finish(op, 0, 0);
    else
        failed(op);
}
/* <<begin, and submit>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_submit(mio_queue *q, mio_op *op)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    if (q->shut && op->kind != OP_CLOSE)
        return MIO_ESHUTDOWN;
    if (q->count == STAND_IN_ROOM)
        return MIO_ENOMEM;
    op->state = PENDING;
    q->inside[q->count++] = op;
    /* <<begin the operation>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    if (op->kind == OP_CONNECT)
        begin_connect(op);
    else if (op->kind == OP_CLOSE)
        close_for(q, op);
    else
        attempt(op);
    return 0;
}
/* <<wait, and give back>> (1 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int64_t expire(mio_queue *q)
{
    int64_t now = mio_now(), next = INT64_MAX;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        bool timer = op->kind == OP_TIMER;
        if (op->state != PENDING || (op->deadline == 0 && !timer))
            continue;
        if (op->deadline <= now)
            finish(op, timer ? 0 : MIO_ETIMEDOUT, 0);
        else if (op->deadline < next)
            next = op->deadline;
    }
    return next;
}
/* <<wait, and give back>> (2 of 4), book/04-an-api-from-its-test.md: An API from its test */

static int give(mio_queue *q, mio_op **done, int capacity)
{
    int given = 0, kept = 0;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        if (op->state == FINISHED && given < capacity) {
            op->state = YOURS;
            done[given++] = op;
        } else {
            q->inside[kept++] = op;
        }
    }
    q->count = kept;
    return given;
}
/* <<wait, and give back>> (3 of 4), book/04-an-api-from-its-test.md: An API from its test */

static void ask_poll(mio_queue *q, int64_t until)
{
    sys_pollfd polled[STAND_IN_ROOM];
    mio_op *whose[STAND_IN_ROOM];
    size_t n = 0;
    for (int i = 0; i < q->count; i++) {
        mio_op *op = q->inside[i];
        if (op->state != PENDING || op->kind == OP_TIMER)
            continue;
        polled[n].fd = op->socket->native;
        polled[n].events =
            op->kind == OP_RECEIVE_SOME ? POLLIN : POLLOUT;
        whose[n++] = op;
    }
    /* <<sleep, then try those that may be tried>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    if (sys_poll(polled, n, wait_ms(until)) <= 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (polled[i].revents != 0)
            attempt(whose[i]);
}
/* <<wait, and give back>> (4 of 4), book/04-an-api-from-its-test.md: An API from its test */

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity,
                   int64_t timeout)
{
    int64_t until = timeout < 0 ? INT64_MAX : mio_now() + timeout;
    if (capacity < 1)
        return MIO_EINVAL;
    for (bool over = false; ; ) {
        int64_t next = expire(q);
        int given = give(q, done, capacity);
        if (given > 0 || over)
            return given;
        if (q->shut && q->count == 0)
            return MIO_ESHUTDOWN;
        over = mio_now() >= until;
        ask_poll(q, next < until ? next : until);
    }
}
/* <<sockets of the stand-in>> (1 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_socket_open(mio_socket *s, int family, int type)
{
    memset(s, 0, sizeof *s);
    if (family != MIO_IPV4)
        return MIO_ENOTSUP;
    s->native = socket(AF_INET, type == MIO_STREAM ? SOCK_STREAM
                                                   : SOCK_DGRAM, 0);
    if (s->native == SYS_NO_SOCKET)
        return MIO_ESYSTEM;
    return sys_nonblocking(s->native) == 0 ? 0 : MIO_ESYSTEM;
}
/* <<sockets of the stand-in>> (2 of 2), book/04-an-api-from-its-test.md: An API from its test */

int mio_address_parse(mio_address *a, const char *text, int port)
{
    struct sockaddr_in v4;
    memset(&v4, 0, sizeof v4);
    v4.sin_family = AF_INET;
    v4.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, text, &v4.sin_addr) != 1)
        return MIO_EINVAL;
    memcpy(a->storage.bytes, &v4, sizeof v4);
    a->length = sizeof v4;
    return 0;
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
    /* <<dial five times>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    static exchange exchanges[QUESTIONS];
    int bad = mio_queue_open(&line, NULL);
    if (bad == 0)
        bad = mio_address_parse(&server, "127.0.0.1", fan_port);
    for (int i = 0; bad == 0 && i < QUESTIONS; i++) {
        exchange *x = &exchanges[i];
        x->question = &questions[i];
        bad = mio_socket_open(&x->socket, MIO_IPV4, MIO_STREAM);
        mio_op_connect(&x->op, &x->socket, &server);
        if (bad == 0)
            submit(x, DIALS);
    }
    /* <<go on with what comes back>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    for (int left = QUESTIONS; bad == 0 && left > 0; ) {
        mio_op *done[QUESTIONS];
        int n = mio_queue_wait(line, done, QUESTIONS, -1);
        bad = n < 0 ? n : 0;
        for (int i = 0; i < n; i++)
            left -= go_on(done[i]->user);
    }
    if (bad != 0) {
        fprintf(stderr, "%s: %s\n", program, mio_strerror(bad));
        return 1;
    }
    /* <<end the queue>> (1 of 1), book/04-an-api-from-its-test.md: An API from its test */
    mio_queue_shutdown(line);
    mio_queue_close(line);
    int status = 0;
    for (int i = 0; i < QUESTIONS; i++)
        if (questions[i].failed != NULL)
            status = report(&questions[i]);
    return status;
}
