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
