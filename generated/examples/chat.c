/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

#include "common/sys.h"
#include "minimio.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "chat";
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
/* <<a peer of the chat>> (1 of 2), book/11-connections.md: Connections */
enum {
    LINE_ROOM = 512,                /* bytes of the longest line */
    MARK = 65536,                   /* bytes that may wait for one peer */
    MOST_PEERS = 64, BATCH = 64,
    SLOW_MS = 5000,                 /* without taking a byte */
    GOODBYE_MS = 1000, REST_MS = 20
};

typedef struct peer {
    mio_op     in, out, end;        /* hears; says, shuts; closes */
    mio_socket socket;
    int        number;              /* in the order of coming */
    bool       sending;             /* `out` is inside */
    bool       leaving;             /* gets what waits, and no more */
    bool       ended, shut;         /* the peer's half; ours */
    bool       closing;
    size_t     heard;               /* bytes in line */
    size_t     first, queued;       /* of ring; bytes that wait */
    char       line[LINE_ROOM], ring[MARK];
} peer;
/* <<a peer of the chat>> (2 of 2), book/11-connections.md: Connections */

static peer  *peers[MOST_PEERS];
static int    count;                /* of peers */
static peer  *door;                 /* the place of the next one */
static bool   ending;               /* Ctrl-C */
static mio_op pause_op, limit_op, last_op;
/* <<close a peer>> (1 of 1), book/11-connections.md: Connections */
static void close_peer(peer *p, const char *why)
{
    if (p->closing)
        return;
    p->closing = true;
    printf("%s: %d %s\n", program, p->number, why);
    fflush(stdout);
    mio_op_close(&p->end, &p->socket);
    hand_over(&p->end, p);
}

static void lose_peer(peer *p, int64_t code)
{
    char why[80];
    snprintf(why, sizeof why, "is lost: %s", mio_strerror((int)code));
    close_peer(p, why);
}
/* <<say what waits for a peer>> (1 of 3), book/11-connections.md: Connections */
static void say_on(peer *p)
{
    size_t in_one = MARK - p->first;        /* up to the ring's end */
    if (p->sending || p->closing || p->shut
            || (p->queued == 0 && !p->leaving))
        return;
    if (p->queued > 0)
        mio_op_send(&p->out, &p->socket, p->ring + p->first,
                    p->queued < in_one ? p->queued : in_one);
    else
        mio_op_shut(&p->out, &p->socket, MIO_SHUT_SEND);
    p->shut = p->queued == 0;
    p->sending = true;
    p->out.deadline = mio_now() + SLOW_MS * SYS_MS;
    hand_over(&p->out, p);
}
/* <<say what waits for a peer>> (2 of 3), book/11-connections.md: Connections */

static void say(peer *p, const char *text, size_t length)
{
    if (p->leaving || p->closing)
        return;
    if (length > MARK - p->queued) {
        close_peer(p, "reads too slowly");
        return;
    }
    for (size_t i = 0; i < length; i++)
        p->ring[(p->first + p->queued + i) % MARK] = text[i];
    p->queued += length;
    say_on(p);
}
/* <<say what waits for a peer>> (3 of 3), book/11-connections.md: Connections */

static void said(peer *p)
{
    const mio_op *op = &p->out;
    p->sending = false;
    if (op->result == MIO_ETIMEDOUT && op->native == 0)
        close_peer(p, "reads too slowly");
    else if (op->result < 0)
        lose_peer(p, op->result);
    else if (p->shut && p->ended)
        close_peer(p, "left");
    p->first = (p->first + op->done) % MARK;
    p->queued -= op->done;
    say_on(p);
}
/* <<hear a peer>> (1 of 5), book/11-connections.md: Connections */
static void hear(peer *p)
{
    mio_op_receive(&p->in, &p->socket, p->line + p->heard,
                   sizeof p->line - p->heard);
    hand_over(&p->in, p);
}
/* <<hear a peer>> (2 of 5), book/11-connections.md: Connections */

static void tell_others(const peer *from, size_t length)
{
    char text[LINE_ROOM + 16];
    size_t n = (size_t)snprintf(text, 16, "%d: ", from->number);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from->line[i];
        text[n++] = c < ' ' || c == 127 ? '?' : (char)c;
    }
    text[n++] = '\n';
    for (int i = 0; i < count; i++)
        if (peers[i] != from)
            say(peers[i], text, n);
}
/* <<hear a peer>> (3 of 5), book/11-connections.md: Connections */

static void take_line(peer *p, size_t length)
{
    bool cr = length > 0 && p->line[length - 1] == '\r';
    if (!p->leaving)
        tell_others(p, cr ? length - 1 : length);
}

static void take_lines(peer *p)
{
    char *end;
    while ((end = memchr(p->line, '\n', p->heard)) != NULL) {
        size_t length = (size_t)(end - p->line);
        take_line(p, length);
        p->heard -= length + 1;
        memmove(p->line, end + 1, p->heard);
    }
}
/* <<hear a peer>> (4 of 5), book/11-connections.md: Connections */

static void hear_end(peer *p)
{
    if (p->heard > 0)
        take_line(p, p->heard);     /* it had no newline */
    p->ended = p->leaving = true;
    say_on(p);
    if (p->shut && !p->sending)
        close_peer(p, "left");
}
/* <<hear a peer>> (5 of 5), book/11-connections.md: Connections */

static void heard(peer *p)
{
    int64_t n = p->in.result;
    if (n == 0)
        hear_end(p);
    if (n < 0)
        lose_peer(p, n);
    if (n <= 0)
        return;
    p->heard += (size_t)n;
    take_lines(p);
    if (p->heard < sizeof p->line)
        hear(p);
    else
        close_peer(p, "says too long a line");
}
/* <<peers come and go>> (1 of 5), book/11-connections.md: Connections */
static void await(void)
{
    mio_op_accept(&door->in, &listener, &door->socket);
    hand_over(&door->in, door);
}

static void open_door(void)
{
    if (door != NULL || ending || count == MOST_PEERS)
        return;
    door = calloc(1, sizeof *door);
    if (door != NULL)
        await();                    /* else when somebody has gone */
}
/* <<peers come and go>> (2 of 5), book/11-connections.md: Connections */

static void close_door(void)
{
    free(door);
    door = NULL;
}

static void paused(void)
{
    if (ending)
        close_door();
    else
        await();
}
/* <<peers come and go>> (3 of 5), book/11-connections.md: Connections */

static void enter(void)
{
    static int number;
    int room = MARK;
    peer *p = door;
    peers[count++] = p;
    p->number = ++number;
    door = NULL;
    setsockopt(p->socket.native, SOL_SOCKET, SO_SNDBUF,
               (const char *)&room, sizeof room);
    printf("%s: %d has come\n", program, p->number);
    fflush(stdout);
    if (ending)
        close_peer(p, "came too late");
    else
        hear(p);
}
/* <<peers come and go>> (4 of 5), book/11-connections.md: Connections */

static void came(void)
{
    if (door->in.result == 0) {
        enter();
        open_door();
    } else if (ending) {
        close_door();
    } else {
        mio_op_timer(&pause_op, mio_now() + REST_MS * SYS_MS);
        hand_over(&pause_op, NULL);
    }
}
/* <<peers come and go>> (5 of 5), book/11-connections.md: Connections */

static void gone(peer *p)
{
    int i = 0;
    while (peers[i] != p)
        i++;
    peers[i] = peers[--count];
    free(p);
    open_door();
    if (ending && count == 0)
        mio_queue_shutdown(queue);
}
/* <<say goodbye to all>> (1 of 2), book/11-connections.md: Connections */
static void close_all(const char *why)
{
    for (int i = 0; i < count; i++)
        close_peer(peers[i], why);
}

static void say_goodbye(peer *p)
{
    static const char text[] = "* goodbye\n";
    say(p, text, sizeof text - 1);
    p->leaving = true;
    say_on(p);
}
/* <<say goodbye to all>> (2 of 2), book/11-connections.md: Connections */

static void begin_to_end(void)
{
    if (ending) {
        close_all("had no time to end");
        return;
    }
    ending = true;
    mio_op_close(&last_op, &listener);
    hand_over(&last_op, NULL);
    mio_op_timer(&limit_op, mio_now() + GOODBYE_MS * SYS_MS);
    hand_over(&limit_op, NULL);
    for (int i = 0; i < count; i++)
        say_goodbye(peers[i]);
    if (count == 0)
        mio_queue_shutdown(queue);
}
/* <<the loop of the chat>> (1 of 2), book/11-connections.md: Connections */
static void interrupted(void)
{
    if (interrupt.result == MIO_ECANCELED)
        return;                     /* the queue is shut down */
    begin_to_end();                 /* also when no more can be heard */
    if (interrupt.result > 0)
        mio_queue_submit(queue, &interrupt);    /* for a second one */
}

static void go_on(mio_op *op)
{
    peer *p = op->user;
    if (op == &interrupt)
        interrupted();
    else if (op == &limit_op)
        close_all("did not end in time");
    else if (op == &pause_op)
        paused();
    else if (p == NULL)
        return;                     /* the listener is closed */
    else if (p == door)
        came();
    else if (op == &p->end)
        gone(p);
    else if (p->closing)
        return;                     /* its close is still to come */
    else if (op == &p->in)
        heard(p);
    else
        said(p);
}
/* <<the loop of the chat>> (2 of 2), book/11-connections.md: Connections */

static int serve(void)
{
    mio_op *done[BATCH];
    for (;;) {
        int n = mio_queue_wait(queue, done, BATCH, -1);
        if (n < 0)
            return n;
        for (int i = 0; i < n; i++)
            go_on(done[i]);
    }
}

int main(int argc, char **argv)
{
    int port = port_argument(argc, argv, 0), bad = open_listener(port);
    if (bad == 0)
        open_door();
    peer *first = door;
    /* <<complain if the server cannot begin>> (1 of 1), book/11-connections.md: Connections */
    if (bad == 0)
        bad = hear_of_interrupts();
    if (bad != 0 || first == NULL) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1:%d: %s\n", program,
                port, mio_strerror(bad != 0 ? bad : MIO_ENOMEM));
        return 1;
    }
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
