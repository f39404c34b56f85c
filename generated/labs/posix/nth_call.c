/* Tangled from book/14-proving-it.md: Proving it. Edit the chapter, not this file. */

/* <<what a lab of connections begins with>> (1 of 1), book/11-connections.md: Connections */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>
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
/* <<it is good or the program ends>> (1 of 1), book/11-connections.md: Connections */
static int must(const char *what, long result)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, sys_error_text(sys_error()));
        exit(1);
    }
    return (int)result;
}
#include <errno.h>

/* <<a connection with ourselves>> (1 of 2), book/11-connections.md: Connections */
static bool belong_together(const sys_socket s[2])
{
    struct sockaddr_in from, peer;
    socklen_t size = sizeof from;
    return getsockname(s[0], (struct sockaddr *)&from, &size) == 0
        && getpeername(s[1], (struct sockaddr *)&peer, &size) == 0
        && from.sin_port == peer.sin_port;
}
/* <<a connection with ourselves>> (2 of 2), book/11-connections.md: Connections */

static bool connect_both(sys_socket s[2])
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    socklen_t size = sizeof at;
    sys_socket listener = socket(AF_INET, SOCK_STREAM, 0);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    bool good = bind(listener, address, size) == 0
        && listen(listener, 1) == 0
        && getsockname(listener, address, &size) == 0
        && connect(s[0], address, size) == 0;
    s[1] = good ? accept(listener, NULL, NULL) : SYS_NO_SOCKET;
    sys_close(listener);
    return belong_together(s) && sys_nonblocking(s[0]) == 0
        && sys_nonblocking(s[1]) == 0;
}
/* <<carry out one operation>> (1 of 1), book/11-connections.md: Connections */
static int64_t carry_out(mio_queue *q, mio_op *op)
{
    mio_op *done;
    int bad = mio_queue_submit(q, op);
    if (bad == 0)
        bad = mio_queue_wait(q, &done, 1, -1);
    return bad < 0 ? bad : op->result;
}
/* <<a queue and a connection>> (1 of 1), book/11-connections.md: Connections */
static mio_queue *q;
static mio_socket here;             /* ours, on the queue */
static sys_socket there;            /* the peer's, by hand */

static void open_both(void)
{
    sys_socket s[2];
    must("queue", mio_queue_open(&q, NULL));
    must("connect", connect_both(s) ? 0 : -1);
    there = s[1];
    must("adopt", mio_socket_adopt(&here, s[0]));
}
/* <<end our side>> (1 of 1), book/11-connections.md: Connections */
static mio_op op;

static int end_here(void)
{
    mio_op_close(&op, &here);
    carry_out(q, &op);
    mio_queue_shutdown(q);
    return mio_queue_close(q) != 0;
}
/* <<a recv that fails once>> (1 of 1), book/14-proving-it.md: Proving it */
static struct { int calls, nth, error; } at;

ssize_t recv(int fd, void *to, size_t room, int flags)
{
    if (++at.calls == at.nth) {
        errno = at.error;
        return -1;
    }
    return recvfrom(fd, to, room, flags, NULL, NULL);
}
/* <<receive five bytes>> (1 of 1), book/14-proving-it.md: Proving it */
static int64_t receive(const char *sent)    /* by the peer, meanwhile */
{
    mio_op *done;
    char bytes[5];
    must("receive", mio_receive(q, &op, &here, bytes, sizeof bytes));
    int back = must("wait", mio_queue_wait(q, &done, 1, 0));
    must("send", send(there, sent, strlen(sent), 0));
    if (back == 0)
        must("wait", mio_queue_wait(q, &done, 1, -1));
    return op.result;
}
/* <<say what was received>> (1 of 1), book/14-proving-it.md: Proving it */
static void say(int64_t result, const char *then)
{
    if (result < 0)
        printf("%s%s", mio_strerror((int)result), then);
    else
        printf("%d bytes%s", (int)result, then);
}
/* <<a run with one failure>> (1 of 1), book/14-proving-it.md: Proving it */
static bool run(int nth, const char *name, int error)
{
    open_both();
    at.calls = 0, at.nth = nth, at.error = error;
    int64_t result = receive("hello");
    bool struck = at.calls >= nth;
    if (struck) {
        printf("%-10s in recv %d: ", name, nth);
        say(result, result < 0 ? "; again: " : "\n");
        if (result < 0)
            say(receive(""), "\n");
    }
    end_here();
    return struck;
}

int main(void)
{
    for (int nth = 1; run(nth, "EINTR", EINTR); nth++)
        ;
    for (int nth = 1; run(nth, "ENOBUFS", ENOBUFS); nth++)
        ;
    for (int nth = 1; run(nth, "ECONNRESET", ECONNRESET); nth++)
        ;
    return 0;
}
