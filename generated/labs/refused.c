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
/* <<carry out one operation>> (1 of 1), book/11-connections.md: Connections */
static int64_t carry_out(mio_queue *q, mio_op *op)
{
    mio_op *done;
    int bad = mio_queue_submit(q, op);
    if (bad == 0)
        bad = mio_queue_wait(q, &done, 1, -1);
    return bad < 0 ? bad : op->result;
}
/* <<a port where nobody listens>> (1 of 1), book/11-connections.md: Connections */
static void refusing(mio_address *to)
{
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    must("bind", bind(s, (struct sockaddr *)&at, size));
    must("getsockname", getsockname(s, (struct sockaddr *)&at, &size));
    must("parse", mio_address_parse(to, "127.0.0.1", ntohs(at.sin_port)));
}

int main(void)
{
    mio_queue *q;
    mio_socket s;
    mio_address to;
    mio_op op = { 0 }, *done;
    must("queue", mio_queue_open(&q, NULL));
    refusing(&to);
    must("socket", mio_socket_open(&s, MIO_IPV4, MIO_STREAM));
    /* <<connect, and count the completions>> (1 of 1), book/11-connections.md: Connections */
    printf("submitted:   %d\n", mio_connect(q, &op, &s, &to));
    printf("completions: %d\n", mio_queue_wait(q, &done, 1, -1));
    printf("result:      %s\n", mio_strerror((int)op.result));
    printf("native:      %s\n", sys_error_text(op.native));
    printf("completions: %d\n", mio_queue_wait(q, &done, 1, 50 * SYS_MS));
    mio_op_close(&op, &s);
    carry_out(q, &op);
    mio_queue_shutdown(q);
    return mio_queue_close(q) != 0;
}
