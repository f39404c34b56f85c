/* Tangled from book/12-time-and-other-threads.md: Time and other threads. Edit the chapter, not this file. */

/* <<what a lab on the queue begins with>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>

/* <<it succeeds or the program ends>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static int must(const char *what, int result)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, mio_strerror(result));
        exit(1);
    }
    return result;
}
/* <<shut down, wait and close>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void end_queue(mio_queue *q)
{
    mio_op *done[8];
    must("shutdown", mio_queue_shutdown(q));
    while (mio_queue_wait(q, done, 8, -1) != MIO_ESHUTDOWN)
        ;
    must("close", mio_queue_close(q));
}
/* <<a socket to write to itself>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void open_mailbox(mio_socket *box, mio_address *at)
{
    must("address", mio_address_parse(at, "127.0.0.1", 0));
    must("socket", mio_socket_open(box, MIO_IPV4, MIO_DATAGRAM));
    must("bind", mio_socket_bind(box, at));
    must("local", mio_socket_local(box, at));
}
/* <<a hundred receives>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
enum { SOCKETS = 100 };

static void receive_all(mio_queue *q)
{
    static mio_op ops[SOCKETS];
    static mio_socket boxes[SOCKETS];
    static char text[SOCKETS][8];
    mio_address at;
    for (int i = 0; i < SOCKETS; i++) {
        open_mailbox(&boxes[i], &at);
        mio_op_receive(&ops[i], &boxes[i], text[i], sizeof text[i]);
        ops[i].deadline = mio_now() + 60000 * SYS_MS;
        must("receive", mio_queue_submit(q, &ops[i]));
    }
}
/* <<a hundred receives>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void say(const char *text)
{
    puts(text);
    fflush(stdout);                 /* a system call, now */
}

int main(void)
{
    static mio_op second, *done[SOCKETS];
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    receive_all(q);
    must("timer", mio_timer(q, &second, mio_now() + 1000 * SYS_MS));
    say("a hundred wait");
    int n = must("wait", mio_queue_wait(q, done, SOCKETS, -1));
    say(n == 1 && done[0] == &second ? "a second later" : "too soon");
    end_queue(q);
    return 0;
}
