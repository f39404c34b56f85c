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
#include <signal.h>
/* <<a socket to write to itself>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void open_mailbox(mio_socket *box, mio_address *at)
{
    must("address", mio_address_parse(at, "127.0.0.1", 0));
    must("socket", mio_socket_open(box, MIO_IPV4, MIO_DATAGRAM));
    must("bind", mio_socket_bind(box, at));
    must("local", mio_socket_local(box, at));
}
/* <<wake a queue on Ctrl-C>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static mio_queue *volatile to_wake;     /* set before the handler */

static void on_interrupt(int number)
{
    signal(number, SIG_IGN);        /* the first one is enough */
    mio_queue_wake(to_wake);
}

static void wake_on_interrupt(mio_queue *q)     /* before any thread */
{
    to_wake = q;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
}
/* <<what is inside when the signal comes>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static mio_op     receive, timer, last;
static mio_socket box;

static void begin(mio_queue *q)
{
    static char text[8];
    mio_address at;
    open_mailbox(&box, &at);
    must("receive", mio_receive(q, &receive, &box, text, sizeof text));
    must("timer", mio_timer(q, &timer, mio_now() + 60000 * SYS_MS));
}

static const char *name(const mio_op *op)
{
    return op == &receive ? "receive" : op == &timer ? "timer" : "close";
}

int main(void)
{
    mio_queue *q;
    must("open", mio_queue_open(&q, NULL));
    begin(q);
    wake_on_interrupt(q);
    raise(SIGINT);
    /* <<wait until the queue is empty>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
    mio_op *done[4];
    for (int n; (n = mio_queue_wait(q, done, 4, -1)) != MIO_ESHUTDOWN; ) {
        if (n == MIO_WOKEN) {
            puts("interrupted");
            must("close", mio_socket_close(q, &last, &box));
            must("shutdown", mio_queue_shutdown(q));
        }
        for (int i = 0; i < n; i++)
            printf("%s: %s\n", name(done[i]),
                   mio_strerror((int)done[i]->result));
    }
    printf("queue: %s\n", mio_strerror(mio_queue_close(q)));
    return 0;
}
