/* Tangled from book/02-two-promises.md: Two promises. Edit the chapter, not this file. */

#include "common/sys.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "fan_complete";
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

/* <<a small completion layer>> (1 of 1), book/02-two-promises.md: Two promises */
/* <<an operation>> (1 of 1), book/02-two-promises.md: Two promises */
typedef enum op_kind { OP_SEND, OP_RECEIVE } op_kind;

typedef struct operation {
    op_kind    kind;
    sys_socket socket;
    char      *buffer;      /* the queue's, until the op comes back */
    size_t     length;
    long       result;      /* bytes; 0, the end; -1, failed */
    int        error;       /* why, if it failed */
    bool       finished;
    void      *user;        /* yours; the queue never looks */
} operation;

/* <<a queue of operations>> (1 of 1), book/02-two-promises.md: Two promises */
enum { QUEUE_ROOM = 16 };

typedef struct queue {
    operation *ops[QUEUE_ROOM];
    int        count;
} queue;

/* <<try an operation>> (1 of 1), book/02-two-promises.md: Two promises */
static void op_try(operation *op)
{
    sys_size length = (sys_size)op->length;
    if (op->kind == OP_SEND)
        op->result = send(op->socket, op->buffer, length, 0);
    else
        op->result = recv(op->socket, op->buffer, length, 0);
    op->error = op->result < 0 ? sys_error() : 0;
    op->finished = op->result >= 0 || !sys_would_block();
}

/* <<submit an operation>> (1 of 1), book/02-two-promises.md: Two promises */
static void queue_submit(queue *q, operation *op, op_kind kind,
                         char *buffer, size_t length)
{
    assert(q->count < QUEUE_ROOM);
    op->kind = kind;
    op->buffer = buffer;
    op->length = length;
    op_try(op);
    q->ops[q->count++] = op;
}

/* <<wait and try again>> (1 of 1), book/02-two-promises.md: Two promises */
static void queue_wait(queue *q)
{
    sys_pollfd polled[QUEUE_ROOM];
    for (int i = 0; i < q->count; i++) {
        bool sends = q->ops[i]->kind == OP_SEND;
        polled[i].fd = q->ops[i]->socket;
        polled[i].events = sends ? POLLOUT : POLLIN;
        polled[i].revents = 0;
    }
    sys_poll(polled, (size_t)q->count, -1);  /* -1: all zeros */
    for (int i = 0; i < q->count; i++)
        if (polled[i].revents != 0)
            op_try(q->ops[i]);
}

/* <<take one finished operation>> (1 of 1), book/02-two-promises.md: Two promises */
static operation *queue_next(queue *q)
{
    for (; q->count > 0; queue_wait(q))
        for (int i = 0; i < q->count; i++)
            if (q->ops[i]->finished) {
                operation *op = q->ops[i];
                q->ops[i] = q->ops[--q->count];
                return op;
            }
    return NULL;
}

/* <<a conversation on the queue>> (1 of 1), book/02-two-promises.md: Two promises */
typedef struct conversation {
    operation op;
    question *question;
    size_t    length;           /* of the answer, so far */
    char      text[512];        /* the request, then the answer */
} conversation;

/* <<begin a conversation>> (1 of 1), book/02-two-promises.md: Two promises */
static bool begin(queue *q, conversation *c)
{
    struct sockaddr_in to = loopback(fan_port);
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == SYS_NO_SOCKET
            || connect(s, (struct sockaddr *)&to, sizeof to) != 0
            || sys_nonblocking(s) != 0)
        return fail(c->question, "connect", sys_error());
    c->op.socket = s;
    c->op.user = c;
    queue_submit(q, &c->op, OP_SEND, c->text,
                 write_request(c->question, c->text, sizeof c->text));
    return true;
}

/* <<go on with a conversation>> (1 of 1), book/02-two-promises.md: Two promises */
static bool go_on(queue *q, conversation *c)
{
    operation *op = &c->op;
    if (op->result < 0)
        return fail(c->question, "send or receive", op->error);
    size_t moved = (size_t)op->result;
    if (op->kind == OP_SEND && moved < op->length) {
        queue_submit(q, op, OP_SEND, op->buffer + moved,
                     op->length - moved);
        return true;
    }
    if (op->kind == OP_SEND || moved > 0) {
        c->length += op->kind == OP_SEND ? 0 : moved;
        queue_submit(q, op, OP_RECEIVE, c->text + c->length,
                     sizeof c->text - c->length);
        return true;
    }
    sys_close(op->socket);
    return print_answer(c->question, c->text, c->length);
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
    /* <<begin five conversations>> (1 of 1), book/02-two-promises.md: Two promises */
    static conversation conversations[QUESTIONS];
    queue q = { .count = 0 };
    for (int i = 0; i < QUESTIONS; i++) {
        conversations[i].question = &questions[i];
        if (!begin(&q, &conversations[i]))
            return report(&questions[i]);
    }
    /* <<go on with whatever is finished>> (1 of 1), book/02-two-promises.md: Two promises */
    for (operation *op; (op = queue_next(&q)) != NULL; ) {
        conversation *c = op->user;
        if (!go_on(&q, c))
            return report(c->question);
    }
    return 0;
}
