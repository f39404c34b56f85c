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

int main(void)
{
    static mio_op hears, says, zero, *done[1];
    static mio_socket box;
    static mio_address at;
    static char text[8];
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    open_mailbox(&box, &at);
    must("hear", mio_receive(q, &hears, &box, text, sizeof text));
    must("say", mio_send_to(q, &says, &box, "hello", 5, &at));
    must("timer", mio_timer(q, &zero, 0));
    /* <<count the timers before the datagram>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    int timers = 0;
    while (must("wait", mio_queue_wait(q, done, 1, -1)) == 1
               && done[0] != &hears)
        if (done[0] == &zero) {
            timers++;
            must("timer", mio_timer(q, &zero, 0));
        }
    printf("the datagram came after %d timers of no time\n", timers);
    end_queue(q);
    return 0;
}
