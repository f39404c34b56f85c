/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#include "common/sys.h"
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
/* <<a socket that talks to itself>> (1 of 1), book/01-waiting.md: Waiting */
static sys_socket self_socket(void)
{
    struct sockaddr_in self = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&self;
    socklen_t size = sizeof self;
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s != SYS_NO_SOCKET
            && (bind(s, address, size) != 0
                || getsockname(s, address, &size) != 0
                || connect(s, address, size) != 0)) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}
/* <<say a cost>> (1 of 1), book/01-waiting.md: Waiting */
static void say(const char *what, double cost, const char *unit)
{
    printf("%-32s %8.1f %s\n", what, cost, unit);
}
/* <<the cost of starting threads>> (1 of 1), book/01-waiting.md: Waiting */
static void nothing(void *unused)
{
    (void)unused;
}

static void measure_start(void)
{
    int times = 1000;
    int64_t start = sys_now();
    for (int i = 0; i < times; i++) {
        sys_thread thread;
        if (sys_thread_start(&thread, nothing, NULL) == 0)
            sys_thread_join(&thread);
    }
    say("start a thread and see its end",
        (double)(sys_now() - start) / times / 1000, "us");
}
/* <<the cost of idle threads>> (1 of 2), book/01-waiting.md: Waiting */
enum { IDLE = 1000 };

static void wait_at_gate(void *gate)
{
    sys_pollfd polled = { .fd = *(sys_socket *)gate, .events = POLLIN };
    sys_poll(&polled, 1, -1);
}

static int start_idle(sys_thread *threads, sys_socket *gate)
{
    int n = 0;
    while (n < IDLE
            && sys_thread_start(&threads[n], wait_at_gate, gate) == 0)
        n++;
    sys_pollfd quiet = { .fd = *gate, .events = POLLIN };
    sys_poll(&quiet, 1, 300);       /* time for all to arrive there */
    return n;
}
/* <<the cost of idle threads>> (2 of 2), book/01-waiting.md: Waiting */

static void measure_idle(void)
{
    static sys_thread threads[IDLE];
    sys_socket gate = self_socket();
    int64_t memory[2], space[2];
    bool known = sys_memory(&memory[0], &space[0]) == 0;
    int n = start_idle(threads, &gate);
    known = known && sys_memory(&memory[1], &space[1]) == 0;
    send(gate, "", 1, 0);
    for (int i = 0; i < n; i++)
        sys_thread_join(&threads[i]);
    sys_close(gate);
    /* <<say what idle threads take>> (1 of 1), book/01-waiting.md: Waiting */
    if (n < IDLE)
        printf("no more than %d threads could be started\n", n);
    if (known && n > 0) {
        say("an idle thread, memory in use",
            (double)(memory[1] - memory[0]) / n / 1024, "KiB");
        say("an idle thread, address space",
            (double)(space[1] - space[0]) / n / 1024, "KiB");
    } else {
        printf("an idle thread: memory not measured on this system\n");
    }
}
/* <<the cost of a hand-over>> (1 of 2), book/01-waiting.md: Waiting */
enum { ROUNDS = 5000 };
static sys_socket there, back;

static void pass(sys_socket to, sys_socket from)
{
    char byte = 0;
    send(to, &byte, 1, 0);
    recv(from, &byte, 1, 0);
}

static void pass_back(void *unused)
{
    char byte;
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        recv(there, &byte, 1, 0);
        send(back, &byte, 1, 0);
    }
}
/* <<the cost of a hand-over>> (2 of 2), book/01-waiting.md: Waiting */

static void measure_hand_over(void)
{
    sys_thread other;
    there = self_socket();
    back = self_socket();
    int64_t start = sys_now();
    for (int i = 0; i < 2 * ROUNDS; i++)
        pass(there, there);
    int64_t alone = sys_now() - start;
    /* <<pass the byte to the other thread and back>> (1 of 1), book/01-waiting.md: Waiting */
    if (sys_thread_start(&other, pass_back, NULL) != 0)
        return;
    start = sys_now();
    for (int i = 0; i < ROUNDS; i++)
        pass(there, back);
    sys_thread_join(&other);
    int64_t together = sys_now() - start;
    say("wake another thread and switch",
        (double)(together - alone) / (2 * ROUNDS) / 1000, "us");
    sys_close(there);
    sys_close(back);
}
/* <<the states of a client>> (1 of 1), book/01-waiting.md: Waiting */
enum client_state { READING, HOLDING, ANSWERING, LINGERING, GONE };
/* <<a client>> (1 of 1), book/01-waiting.md: Waiting */
enum { LINE_ROOM = 256, TEXT_ROOM = 512, HEAD_ROOM = 8192,
       LONGEST_MS = 60000, MOST_CLIENTS = 10000 };

typedef struct client {
    sys_socket        socket;
    size_t            place;        /* in the poll array, or 0 */
    enum client_state state;
    int64_t           deadline;     /* of this state, on sys_now() */
    size_t            head;         /* bytes of the request so far */
    bool              line_known;   /* its first line has ended */
    bool              blank;        /* its current line is empty */
    size_t            length, sent; /* bytes of text; those sent */
    char              text[TEXT_ROOM];      /* request line, answer */
} client;
/* <<the cost of asking poll>> (1 of 2), book/01-waiting.md: Waiting */
static bool open_sockets(sys_pollfd *polled, int n)
{
    for (int i = 0; i < n; i++) {
        polled[i].fd = self_socket();
        polled[i].events = POLLIN;
        if (polled[i].fd == SYS_NO_SOCKET)
            return false;
    }
    return send(polled[n - 1].fd, "", 1, 0) == 1;
}

static double time_poll(sys_pollfd *polled, int n)
{
    int calls = 100000 / n;
    int64_t start = sys_now();
    for (int i = 0; i < calls; i++)
        sys_poll(polled, (size_t)n, -1);
    return (double)(sys_now() - start) / calls / 1000;
}
/* <<the cost of asking poll>> (2 of 2), book/01-waiting.md: Waiting */

static void measure_poll(int n)
{
    sys_pollfd *polled = calloc((size_t)n, sizeof *polled);
    for (int i = 0; polled != NULL && i < n; i++)
        polled[i].fd = SYS_NO_SOCKET;
    char what[40];
    snprintf(what, sizeof what, "poll, 1 of %4d sockets ready", n);
    if (polled != NULL && open_sockets(polled, n))
        say(what, time_poll(polled, n), "us");
    else
        printf("%s: more than this system allows\n", what);
    for (int i = 0; polled != NULL && i < n; i++)
        if (polled[i].fd != SYS_NO_SOCKET)
            sys_close(polled[i].fd);
    free(polled);
}
/* <<choose what to measure>> (1 of 2), book/01-waiting.md: Waiting */
static void measure_threads(void)
{
    measure_start();
    measure_idle();
    measure_hand_over();
}

static void measure_polls(void)
{
    for (int n = 1; n <= 1000; n *= 10)
        measure_poll(n);
    say("one more client of delayd",
        (double)(sizeof(client) + sizeof(sys_pollfd)), "bytes");
}
/* <<choose what to measure>> (2 of 2), book/01-waiting.md: Waiting */

int main(int argc, char **argv)
{
    bool threads = argc == 1 || strcmp(argv[1], "threads") == 0;
    bool polls = argc == 1 || strcmp(argv[1], "poll") == 0;
    if (argc > 2 || !(threads || polls)) {
        fprintf(stderr, "usage: costs [threads|poll]\n");
        return 2;
    }
    if (sys_start() != 0)
        return 1;
    if (threads)
        measure_threads();
    if (polls)
        measure_polls();
    return 0;
}
