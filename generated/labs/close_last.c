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

enum { OPS = 4 };
static const char *const names[OPS] =
    { "receive", "receive", "send_all", "close" };

int main(void)
{
    static mio_op ops[OPS];
    mio_op *done[OPS];
    open_both();
    /* <<submit two receives, a send and a close>> (1 of 1), book/11-connections.md: Connections */
    static char in[2][16], out[100000000];
    mio_op_receive(&ops[0], &here, in[0], sizeof in[0]);
    mio_op_receive(&ops[1], &here, in[1], sizeof in[1]);
    mio_op_send_all(&ops[2], &here, out, sizeof out);
    mio_op_close(&ops[3], &here);
    for (int i = 0; i < OPS; i++)
        must("submit", mio_queue_submit(q, &ops[i]));
    int n = mio_queue_wait(q, done, OPS, -1);
    for (int i = 0; i < n; i++)
        printf("%-9s %s\n", names[done[i] - ops],
               mio_strerror((int)done[i]->result));
    mio_queue_shutdown(q);
    return mio_queue_close(q) != 0;
}
