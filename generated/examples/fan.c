/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "fan";
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
