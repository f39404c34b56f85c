/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

/* <<what a lab of this chapter begins with>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
/* <<the result or the end>> (1 of 1), book/05-epoll.md: epoll */
static int must(const char *call, long result)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return (int)result;
}
/* <<a connected pair>> (1 of 1), book/05-epoll.md: epoll */
static void pair(int s[2])
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    socklen_t size = sizeof at;
    s[0] = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    int listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("bind", bind(listener, address, size));
    must("listen", listen(listener, 1));
    must("getsockname", getsockname(listener, address, &size));
    must("connect", connect(s[0], address, size));
    s[1] = must("accept", accept(listener, NULL, NULL));
    must("fcntl", sys_nonblocking(s[0]));
    must("fcntl", sys_nonblocking(s[1]));
    close(listener);
}
#include <sys/epoll.h>

/* <<the smallest queue>> (1 of 6), book/09-completion-over-readiness.md: Completion over readiness */
struct mio_queue {
    int     epoll;
    mio_op *first, **last;          /* finished */
};

enum { SMALL_RECEIVE = 1, SMALL_SEND };

static void finish(mio_queue *q, mio_op *op, long result)
{
    op->result = result;
    op->next = NULL;
    *q->last = op;
    q->last = &op->next;
}
/* <<the smallest queue>> (2 of 6), book/09-completion-over-readiness.md: Completion over readiness */

static bool attempt(mio_queue *q, mio_op *op)
{
    int s = op->socket->native;
    long n = op->kind == SMALL_RECEIVE
        ? recv(s, op->buffer, op->length, 0)
        : send(s, op->buffer, op->length, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
        return false;
    finish(q, op, n < 0 ? MIO_ESYSTEM : n);
    return true;
}
/* <<the smallest queue>> (3 of 6), book/09-completion-over-readiness.md: Completion over readiness */

static void watch(mio_queue *q, mio_op *op)
{
    struct epoll_event e = { .data.ptr = op };
    int s = op->socket->native;
    e.events = EPOLLONESHOT
             | (op->kind == SMALL_RECEIVE ? EPOLLIN : EPOLLOUT);
    if (epoll_ctl(q->epoll, EPOLL_CTL_MOD, s, &e) != 0
            && epoll_ctl(q->epoll, EPOLL_CTL_ADD, s, &e) != 0)
        finish(q, op, MIO_ESYSTEM);
}

int mio_queue_submit(mio_queue *q, mio_op *op)
{
    if (!attempt(q, op))
        watch(q, op);
    return 0;
}
/* <<the smallest queue>> (4 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_queue_wait(mio_queue *q, mio_op **done, int capacity,
                   int64_t timeout)
{
    struct epoll_event e[8];
    if (q->first == NULL) {
        int ms = timeout < 0 ? -1 : (int)(timeout / SYS_MS);
        for (int n = epoll_wait(q->epoll, e, 8, ms); n > 0; n--)
            if (!attempt(q, e[n - 1].data.ptr))
                watch(q, e[n - 1].data.ptr);
    }
    int given = 0;
    while (given < capacity && q->first != NULL) {
        done[given++] = q->first;
        q->first = q->first->next;
    }
    if (q->first == NULL)
        q->last = &q->first;
    return given;
}
/* <<the smallest queue>> (5 of 6), book/09-completion-over-readiness.md: Completion over readiness */

int mio_queue_open(mio_queue **q, const mio_options *options)
{
    (void)options;
    *q = calloc(1, sizeof **q);
    must("calloc", *q == NULL ? -1 : 0);
    (*q)->epoll = must("epoll_create1", epoll_create1(0));
    (*q)->last = &(*q)->first;
    return 0;
}

int mio_socket_adopt(mio_socket *s, mio_native native)
{
    s->native = native;
    return 0;
}
/* <<the smallest queue>> (6 of 6), book/09-completion-over-readiness.md: Completion over readiness */

void mio_op_receive(mio_op *op, mio_socket *s, void *to, size_t length)
{
    op->kind = SMALL_RECEIVE;
    op->socket = s;
    op->buffer = to;
    op->length = length;
}

void mio_op_send(mio_op *op, mio_socket *s, const void *from,
                 size_t length)
{
    mio_op_receive(op, s, (void *)(uintptr_t)from, length);
    op->kind = SMALL_SEND;
}

/* <<submit two receives>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
int main(void)
{
    static mio_op first, second, *done[2];
    static mio_socket ours;
    static char a[4], b[4];
    int s[2], n;
    mio_queue *q;
    pair(s);
    mio_queue_open(&q, NULL);
    mio_socket_adopt(&ours, s[0]);
    mio_op_receive(&first, &ours, a, 3);
    mio_op_receive(&second, &ours, b, 3);
    mio_queue_submit(q, &first);
    mio_queue_submit(q, &second);
    must("write", write(s[1], "onetwo", 6));
    /* <<say what comes back>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
    while ((n = mio_queue_wait(q, done, 2, 100 * SYS_MS)) > 0)
        for (int i = 0; i < n; i++)
            printf("the %s receive: %.3s\n",
                   done[i] == &first ? "first" : "second",
                   done[i] == &first ? a : b);
    return 0;
}
