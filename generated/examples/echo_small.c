/* Tangled from book/90-using-minimio.md: Using minimio. Edit the chapter, not this file. */

#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct client {
    mio_op     op;
    mio_socket socket;
    enum step { RESTS, ENTERS, SPEAKS, HEARS, LEAVES } step;
    char       text[4096];
} client;
static mio_queue *queue;
static mio_socket door;

/* <<go on with a client>> (1 of 1), book/90-using-minimio.md: Using minimio */
static void must(const char *what, int code)
{
    if (code >= 0)
        return;
    fprintf(stderr, "echo_small: %s: %s\n", what, mio_strerror(code));
    exit(1);
}

static void expect_a_client(void);

static void go_on(client *c)
{
    int64_t n = c->op.result;
    enum step was = c->step;
    if (was == LEAVES) {
        free(c);                        /* the close is back: it is ours */
        return;
    }
    if (was == ENTERS && n == 0)
        expect_a_client();              /* the next one */
    /* <<prepare what comes next>> (1 of 1), book/90-using-minimio.md: Using minimio */
    if (was == RESTS) {
        c->step = ENTERS;
        mio_op_accept(&c->op, &door, &c->socket);
    } else if (was == ENTERS && n < 0) {
        c->step = RESTS;
        mio_op_timer(&c->op, mio_now() + 100000000);
    } else if (was == ENTERS || (was == HEARS && n > 0)) {
        c->step = SPEAKS;
        mio_op_receive(&c->op, &c->socket, c->text, sizeof c->text);
    } else if (was == SPEAKS && n > 0) {
        c->step = HEARS;
        mio_op_send_all(&c->op, &c->socket, c->text, (size_t)n);
    } else {                                /* the end, or an error */
        c->step = LEAVES;
        mio_op_close(&c->op, &c->socket);
    }
    must("submit", mio_queue_submit(queue, &c->op));
}

static void expect_a_client(void)
{
    client *c = calloc(1, sizeof *c);
    must("memory", c != NULL ? 0 : MIO_ENOMEM);
    c->op.user = c;
    go_on(c);
}

int main(int argc, char **argv)
{
    /* <<open the door>> (1 of 1), book/90-using-minimio.md: Using minimio */
    int port = argc > 1 ? atoi(argv[1]) : 0;
    mio_address address;
    char text[64];
    must("queue", mio_queue_open(&queue, NULL));
    must("address", mio_address_parse(&address, "127.0.0.1", port));
    must("socket", mio_socket_open(&door, MIO_IPV4, MIO_STREAM));
    must("bind", mio_socket_bind(&door, &address));
    must("listen", mio_socket_listen(&door, 0));
    must("local", mio_socket_local(&door, &address));
    must("print", mio_address_print(&address, text, sizeof text));
    printf("echo_small: listening on %s\n", text);
    fflush(stdout);
    expect_a_client();
    for (;;) {
        mio_op *done[64];
        int n = mio_queue_wait(queue, done, 64, -1);
        must("wait", n);
        for (int i = 0; i < n; i++)
            go_on(done[i]->user);
    }
}
