/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

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
static void wait_readable(sys_socket s)
{
    sys_pollfd polled = { .fd = s, .events = POLLIN };
    sys_poll(&polled, 1, 2000);
}
/* <<reset a connection>> (1 of 1), book/11-connections.md: Connections */
static void reset(sys_socket s, sys_socket other)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    must("linger", setsockopt(s, SOL_SOCKET, SO_LINGER,
                              (const char *)&at_once, sizeof at_once));
    must("close", sys_close(s));
    wait_readable(other);           /* it has arrived */
}
/* <<hear of a reset by hand>> (1 of 1), book/11-connections.md: Connections */
static void by_hand(void)
{
    sys_socket s[2];
    char text[16];
    must("connect", connect_both(s) ? 0 : -1);
    reset(s[1], s[0]);
    printf("send:     %s\n", send(s[0], "hello", 5, 0) < 0
           ? sys_error_text(sys_error()) : "sent");
    printf("recv:     %s\n", recv(s[0], text, sizeof text, 0) == 0
           ? "0, a clean end" : sys_error_text(sys_error()));
    sys_close(s[0]);
}
/* <<hear of a reset on the queue>> (1 of 1), book/11-connections.md: Connections */
static void on_queue(void)
{
    char text[16];
    reset(there, here.native);
    mio_op_send(&op, &here, "hello", 5);
    say("send:", carry_out(q, &op), "hello");
    for (int i = 0; i < 2; i++) {
        mio_op_receive(&op, &here, text, sizeof text);
        say("receive:", carry_out(q, &op), text);
    }
    mio_op_send(&op, &here, "hello", 5);
    say("send:", carry_out(q, &op), "hello");
}

int main(void)
{
    open_both();
    puts("by hand");
    by_hand();
    puts("on the queue");
    on_queue();
    return end_here();
}
