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

static const char program[] = "echo_cores";
/* <<read the port argument>> (1 of 1), book/01-waiting.md: Waiting */
static int port_argument(int argc, char **argv, int lowest)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", program);
        exit(2);
    }
    char *end;
    long number = strtol(argv[1], &end, 10);
    if (*argv[1] < '0' || *argv[1] > '9' || *end != '\0'
            || number < lowest || number > 65535) {
        fprintf(stderr, "%s: PORT must be a number from %d to 65535, "
                "not '%s'\n", program, lowest, argv[1]);
        exit(2);
    }
    return (int)number;
}
/* <<start a thread, or end>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void start(sys_thread *t, void (*work)(void *), void *argument)
{
    if (sys_thread_start(t, work, argument) != 0) {
        fprintf(stderr, "cannot start a thread\n");
        exit(1);
    }
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
/* <<cores and connections>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
enum { CORES = 64, BATCH = 64 };

typedef struct core {               /* a thread and its queue */
    mio_queue *queue;
    mio_op     word;                /* hello one way, stop the other */
    int        served;
    sys_thread thread;
} core;

typedef struct connection {
    mio_op     op;
    mio_socket socket;
    enum { ARRIVES, PAUSES, HEARS, SAYS, PARTS } step;
    char       text[4096];
} connection;
/* <<cores and connections>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static core       cores[CORES];
static int        cores_used;
static mio_queue *door;             /* the queue of who accepts */
static mio_socket listener;
/* <<a connection on its core>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
static void hear(connection *c)     /* prepares, and that is all */
{
    c->step = HEARS;
    mio_op_receive(&c->op, &c->socket, c->text, sizeof c->text);
}

static void part(core *k, connection *c)
{
    c->step = PARTS;
    mio_op_close(&c->op, &c->socket);
    must("close", mio_queue_submit(k->queue, &c->op));
}
/* <<a connection on its core>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void go_on(core *k, connection *c)
{
    bool over = c->op.result <= 0;
    if (c->step == PARTS) {
        k->served++;
        free(c);
        return;
    }
    if (c->step == SAYS) {
        hear(c);
    } else if (!over) {
        c->step = SAYS;
        mio_op_send_all(&c->op, &c->socket, c->text, (size_t)c->op.result);
    }
    if (over || mio_queue_submit(k->queue, &c->op) != 0)
        part(k, c);
}
/* <<the thread of a core>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
static void send_word(core *k, mio_queue *to)
{
    mio_op_nop(&k->word);
    must("post", mio_queue_post(to, &k->word));
}
/* <<the thread of a core>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

static void run_core(void *argument)
{
    core *k = argument;
    mio_op *done[BATCH];
    must("open", mio_queue_open(&k->queue, NULL));
    send_word(k, door);
    for (int n; (n = mio_queue_wait(k->queue, done, BATCH, -1)) > 0; )
        for (int i = 0; i < n; i++)
            if (done[i] == &k->word)
                must("shutdown", mio_queue_shutdown(k->queue));
            else
                go_on(k, done[i]->user);
    must("close", mio_queue_close(k->queue));
}
/* <<accept, and hand over>> (1 of 3), book/12-time-and-other-threads.md: Time and other threads */
static void ask_in(connection *c)
{
    bool failed = c->op.result < 0;
    c->step = failed ? PAUSES : ARRIVES;
    c->op.user = c;
    if (failed)
        mio_op_timer(&c->op, mio_now() + 100 * SYS_MS);
    else
        mio_op_accept(&c->op, &listener, &c->socket);
    if (mio_queue_submit(door, &c->op) != 0)
        free(c);                    /* the door is shut */
}
/* <<accept, and hand over>> (2 of 3), book/12-time-and-other-threads.md: Time and other threads */

static connection *new_connection(void)
{
    connection *c = calloc(1, sizeof *c);
    must("calloc", c != NULL ? 0 : MIO_ENOMEM);
    return c;
}
/* <<accept, and hand over>> (3 of 3), book/12-time-and-other-threads.md: Time and other threads */

static void come_in(connection *c)
{
    static int next;
    if (c->step == ARRIVES && c->op.result == 0) {
        hear(c);
        must("post", mio_queue_post(cores[next].queue, &c->op));
        next = (next + 1) % cores_used;
        c = new_connection();
    }
    ask_in(c);
}
/* <<accept until Ctrl-C>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void accept_all(void)
{
    static mio_op closing;
    mio_op *done[BATCH];
    ask_in(new_connection());
    for (int n; (n = mio_queue_wait(door, done, BATCH, -1))
                    != MIO_ESHUTDOWN; ) {
        if (n == MIO_WOKEN) {
            must("close", mio_socket_close(door, &closing, &listener));
            must("shutdown", mio_queue_shutdown(door));
        }
        for (int i = 0; i < n; i++)
            if (done[i] != &closing)
                come_in(done[i]->user);
    }
}
/* <<begin and end the cores>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void begin_cores(void)
{
    mio_op *hello;
    for (int i = 0; i < cores_used; i++)
        start(&cores[i].thread, run_core, &cores[i]);
    for (int i = 0; i < cores_used; i++)
        must("hello", mio_queue_wait(door, &hello, 1, -1));
}

static void end_cores(void)
{
    for (int i = 0; i < cores_used; i++)
        send_word(&cores[i], cores[i].queue);
    for (int i = 0; i < cores_used; i++) {
        sys_thread_join(&cores[i].thread);
        printf("thread %d served %d\n", i + 1, cores[i].served);
    }
}
/* <<the echo server on several cores>> (1 of 2), book/12-time-and-other-threads.md: Time and other threads */
static void open_door(int port)
{
    mio_address at;
    must("open", mio_queue_open(&door, NULL));
    must("address", mio_address_parse(&at, "127.0.0.1", port));
    must("socket", mio_socket_open(&listener, MIO_IPV4, MIO_STREAM));
    must("bind", mio_socket_bind(&listener, &at));
    must("listen", mio_socket_listen(&listener, 0));
}

static void say_port(void)
{
    mio_address at;
    must("local", mio_socket_local(&listener, &at));
    printf("%s: listening on 127.0.0.1:%d\n", program,
           mio_address_port(&at));
    fflush(stdout);
}
/* <<the echo server on several cores>> (2 of 2), book/12-time-and-other-threads.md: Time and other threads */

int main(int argc, char **argv)
{
    cores_used = argc == 3 ? atoi(argv[2]) : 0;
    if (cores_used < 1 || cores_used > CORES) {
        fprintf(stderr, "usage: %s PORT THREADS\n", program);
        return 2;
    }
    open_door(port_argument(2, argv, 0));
    wake_on_interrupt(door);
    begin_cores();
    say_port();
    accept_all();
    end_cores();
    must("close", mio_queue_close(door));
    return 0;
}
