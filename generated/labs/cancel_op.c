/* Tangled from book/02-two-promises.md: Two promises. Edit the chapter, not this file. */

#include "common/sys.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

/* <<cancel an operation>> (1 of 1), book/02-two-promises.md: Two promises */
static void op_cancel(operation *op)
{
    if (!op->finished) {
        op->result = -1;
        op->finished = true;
    }
}

int main(void)
{
    /* <<send one datagram to ourselves>> (1 of 1), book/02-two-promises.md: Two promises */
    if (sys_start() != 0)
        return 1;
    sys_socket s = self_socket();
    if (s == SYS_NO_SOCKET || sys_nonblocking(s) != 0
            || send(s, "hello", 5, 0) != 5)
        return 1;
    /* <<ask for two receives and cancel both>> (1 of 1), book/02-two-promises.md: Two promises */
    static operation ops[2];
    static char buffers[2][16];
    queue q = { .count = 0 };
    for (int i = 0; i < 2; i++) {
        ops[i].socket = s;
        queue_submit(&q, &ops[i], OP_RECEIVE, buffers[i], sizeof buffers[i]);
        op_cancel(&ops[i]);
    }
    for (operation *op; (op = queue_next(&q)) != NULL; )
        printf("receive %d: result %ld\n", (int)(op - ops), op->result);
    return 0;
}
