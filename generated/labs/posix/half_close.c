/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

/* <<what a lab of connections begins with>> (1 of 1), book/11-connections.md: Connections */
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
static int        there;            /* the peer's, by hand */

static void open_both(void)
{
    int s[2];
    pair(s);
    there = s[1];
    must("queue", mio_queue_open(&q, NULL));
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
/* <<say how it ended>> (1 of 1), book/11-connections.md: Connections */
static void say(const char *what, int64_t n, const char *text)
{
    printf("%-9s ", what);
    if (n < 0)
        puts(mio_strerror((int)n));
    else if (n == 0)
        puts("0, the end");
    else
        printf("%d bytes, \"%.*s\"\n", (int)n, (int)n, text);
}
/* <<wait until something has come>> (1 of 1), book/11-connections.md: Connections */
static void wait_readable(int s)
{
    sys_pollfd polled = { .fd = s, .events = POLLIN };
    sys_poll(&polled, 1, 2000);
}
/* <<answer when the question has ended>> (1 of 1), book/11-connections.md: Connections */
static void answer(void)
{
    char text[16];
    for (long n = 1; n > 0; ) {
        wait_readable(there);
        n = must("recv", recv(there, text, sizeof text, 0));
        say("there:", n, text);
    }
    must("send", send(there, "an answer", 9, 0));
    must("shutdown", shutdown(there, SHUT_WR));
}

int main(void)
{
    char text[16];
    open_both();
    /* <<ask, and end our half>> (1 of 1), book/11-connections.md: Connections */
    mio_op_send_all(&op, &here, "a question", 10);
    carry_out(q, &op);
    mio_op_shut(&op, &here, MIO_SHUT_SEND);
    carry_out(q, &op);
    answer();
    for (int64_t n = 1; n > 0; ) {
        mio_op_receive(&op, &here, text, sizeof text);
        n = carry_out(q, &op);
        say("here:", n, text);
    }
    return end_here();
}
