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

/* <<echo a thousand messages>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
int main(void)
{
    static mio_op op, *done[1];
    static mio_socket ours;
    static char text[4096];
    int s[2], messages = 1000;
    mio_queue *q;
    pair(s);
    mio_queue_open(&q, NULL);
    mio_socket_adopt(&ours, s[0]);
    for (int i = 0; i < messages; i++) {
        /* <<receive a message and send it back>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
        mio_op_receive(&op, &ours, text, sizeof text);
        mio_queue_submit(q, &op);
        must("write", write(s[1], "hello", 5));
        mio_queue_wait(q, done, 1, -1);
        mio_op_send(&op, &ours, text, (size_t)op.result);
        mio_queue_submit(q, &op);
        mio_queue_wait(q, done, 1, -1);
        must("read", read(s[1], text, sizeof text));
    }
    printf("%d messages came back\n", messages);
    return 0;
}
