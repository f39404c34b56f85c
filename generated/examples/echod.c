/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

#include "common/sys.h"
#include "minimio.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "echod";
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
/* <<listen on this machine>> (1 of 1), book/11-connections.md: Connections */
static mio_queue *queue;
static mio_socket listener;

static int open_listener(int port)
{
    mio_address at;
    int bad;
    if ((bad = mio_queue_open(&queue, NULL)) != 0
            || (bad = mio_address_parse(&at, "127.0.0.1", port)) != 0
            || (bad = mio_socket_open(&listener, MIO_IPV4,
                                      MIO_STREAM)) != 0
            || (bad = mio_socket_bind(&listener, &at)) != 0
            || (bad = mio_socket_listen(&listener, 0)) != 0
            || (bad = mio_socket_local(&listener, &at)) != 0)
        return bad;
    printf("%s: listening on 127.0.0.1:%d\n", program,
           mio_address_port(&at));
    return fflush(stdout) == 0 ? 0 : MIO_ESYSTEM;
}
/* <<hand over an operation>> (1 of 1), book/11-connections.md: Connections */
static void hand_over(mio_op *op, void *user)
{
    op->user = user;
    int refused = mio_queue_submit(queue, op);
    if (refused != 0) {
        fprintf(stderr, "%s: %s\n", program, mio_strerror(refused));
        abort();
    }
}
/* <<hear of Ctrl-C>> (1 of 2), book/11-connections.md: Connections */
static mio_op     interrupt;        /* a receive */
static mio_socket our_end;
static volatile sys_socket other_end;   /* set before the handler */

static void on_interrupt(int number)
{
    int kept = errno;
    signal(number, on_interrupt);
    send(other_end, "", 1, 0);      /* if it is full: they know */
    errno = kept;
}

static void catch_interrupts(void (*handler)(int))
{
    signal(SIGINT, handler);
    signal(SIGTERM, handler);
}
/* <<hear of Ctrl-C>> (2 of 2), book/11-connections.md: Connections */

static int hear_of_interrupts(void)
{
    static char byte;
    sys_socket ends[2];
    if (!connect_both(ends))
        return MIO_ESYSTEM;
    other_end = ends[1];
    catch_interrupts(on_interrupt);
    int bad = mio_socket_adopt(&our_end, ends[0]);
    if (bad != 0)
        return bad;
    return mio_receive(queue, &interrupt, &our_end, &byte, 1);
}
/* <<a client of echod>> (1 of 1), book/11-connections.md: Connections */
enum { ECHO_ROOM = 4096, KERNEL_ROOM = 65536, REST_MS = 20,
       BATCH = 64 };

typedef struct client {
    mio_op     op;                  /* one thing at a time */
    mio_socket socket;
    enum step { COMES, RESTS, HEARS, ANSWERS, SHUTS, PARTS } step;
    char       text[ECHO_ROOM];
} client;

static bool awaited;                /* a place waits, or rests */
static bool ending;                 /* Ctrl-C */
/* <<what a client of echod does>> (1 of 4), book/11-connections.md: Connections */
static void go(client *c, enum step step)
{
    c->step = step;
    hand_over(&c->op, c);
}

static void await(client *c)
{
    mio_op_accept(&c->op, &listener, &c->socket);
    awaited = true;
    go(c, COMES);
}
/* <<what a client of echod does>> (2 of 4), book/11-connections.md: Connections */

static void hear(client *c)
{
    mio_op_receive(&c->op, &c->socket, c->text, sizeof c->text);
    go(c, HEARS);
}

static void answer(client *c)
{
    mio_op_send_all(&c->op, &c->socket, c->text, (size_t)c->op.result);
    go(c, ANSWERS);
}
/* <<what a client of echod does>> (3 of 4), book/11-connections.md: Connections */

static void shut(client *c)
{
    mio_op_shut(&c->op, &c->socket, MIO_SHUT_SEND);
    go(c, SHUTS);
}

static void part(client *c)
{
    mio_op_close(&c->op, &c->socket);
    go(c, PARTS);
}
/* <<what a client of echod does>> (4 of 4), book/11-connections.md: Connections */

static void heard(client *c)
{
    if (c->op.result > 0)
        answer(c);
    else if (c->op.result == 0)
        shut(c);
    else
        part(c);
}

static void answered(client *c)
{
    if (c->op.result > 0)
        hear(c);
    else
        part(c);
}
/* <<clients come and go>> (1 of 2), book/11-connections.md: Connections */
static void came(client *c)
{
    int room = KERNEL_ROOM;
    if (c->op.result < 0) {
        mio_op_timer(&c->op, mio_now() + REST_MS * SYS_MS);
        go(c, RESTS);
        return;
    }
    setsockopt(c->socket.native, SOL_SOCKET, SO_SNDBUF,
               (const char *)&room, sizeof room);
    hear(c);
    client *next = calloc(1, sizeof *next);
    awaited = next != NULL;
    if (awaited)
        await(next);
}
/* <<clients come and go>> (2 of 2), book/11-connections.md: Connections */

static void gone(client *c)
{
    if (awaited || ending)
        free(c);
    else
        await(c);
}
/* <<go on with a client of echod>> (1 of 1), book/11-connections.md: Connections */
static void go_on(client *c)
{
    switch (c->step) {
    case COMES:   came(c); break;
    case RESTS:   await(c); break;
    case HEARS:   heard(c); break;
    case ANSWERS: answered(c); break;
    case SHUTS:   part(c); break;
    case PARTS:   gone(c); break;
    }
}
/* <<end with a client of echod>> (1 of 1), book/11-connections.md: Connections */
static void end_with(client *c)
{
    bool open = c->step == COMES ? c->op.result == 0
                                 : c->step != RESTS && c->step != PARTS;
    if (open)
        part(c);
    else
        free(c);
}
/* <<the loop of echod>> (1 of 2), book/11-connections.md: Connections */
static void begin_to_end(void)
{
    static mio_op last;
    if (ending)
        return;
    ending = true;
    mio_queue_shutdown(queue);
    mio_op_close(&last, &listener);
    hand_over(&last, NULL);
}
/* <<the loop of echod>> (2 of 2), book/11-connections.md: Connections */

static int serve(void)
{
    mio_op *done[BATCH];
    for (;;) {
        int n = mio_queue_wait(queue, done, BATCH, -1);
        if (n < 0)
            return n;
        for (int i = 0; i < n; i++)
            if (done[i] == &interrupt)
                begin_to_end();
            else if (ending && done[i]->user != NULL)
                end_with(done[i]->user);
            else if (!ending)
                go_on(done[i]->user);
    }
}

int main(int argc, char **argv)
{
    int port = port_argument(argc, argv, 0), bad = open_listener(port);
    client *first = bad == 0 ? calloc(1, sizeof *first) : NULL;
    /* <<complain if the server cannot begin>> (1 of 1), book/11-connections.md: Connections */
    if (bad == 0)
        bad = hear_of_interrupts();
    if (bad != 0 || first == NULL) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1:%d: %s\n", program,
                port, mio_strerror(bad != 0 ? bad : MIO_ENOMEM));
        return 1;
    }
    await(first);
    bad = serve();
    /* <<end a server>> (1 of 1), book/11-connections.md: Connections */
    int64_t stopped = interrupt.result;     /* a byte, or cancelled */
    catch_interrupts(SIG_IGN);
    if (bad == MIO_ESHUTDOWN)
        bad = mio_queue_close(queue);
    if (bad == 0 && stopped < 0 && stopped != MIO_ECANCELED)
        bad = (int)stopped;                 /* it could be stopped no more */
    if (bad != 0)
        fprintf(stderr, "%s: %s\n", program, mio_strerror(bad));
    return bad == 0 ? 0 : 1;
}
