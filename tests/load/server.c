/*
 * An echo server, as a sensible user of the library writes it: a ring of 4 KiB for each client, who is heard as long as
 * there is room in it and answered as long as there is something in it; a limit for the number of clients, for the
 * time in which one says nothing, for the time in which one takes nothing, and for what the kernel may keep for one
 * who takes nothing; without a descriptor it rests.
 *
 *   server [-m MOST] [-b BACKLOG] [-i IDLE_MS] [-s SLOW_MS] [-t TIMERS] [-p THREADS]
 *
 * -t: so many timers go on and on. -p: so many threads post to the queue, POSTS times each. SIGUSR1: the handler wakes
 * the queue. SIGTERM: the end. It is then checked that everything handed over came back once.
 */
#define _GNU_SOURCE
#include "counts.h"
#include "minimio.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096, KERNEL_ROOM = 65536, BATCH = 64, REST_MS = 20, FLYING = 64, POSTS = 20000 };
static const int64_t ms = 1000000;

typedef struct task {
    mio_op         op;
    void         (*go_on)(struct task *);
    struct client *client;
} task;

typedef struct client {
    task       in, out, end;
    mio_socket socket;
    bool       hearing, saying, ended, shut, closing;
    size_t     first, filled;           /* of ring */
    char       ring[ROOM];
} client;

static mio_queue *queue;
static mio_socket listener;
static client    *door;                 /* the place of the next one */
static task       last;
static bool       ending;
static volatile sig_atomic_t asked_to_end;
static long       most = 1000000, idle_ms, slow_ms;

static void hand_over(task *t, void (*go_on)(task *))
{
    t->go_on = go_on;
    t->op.user = t;
    int refused = mio_queue_submit(queue, &t->op);
    if (refused == MIO_ESHUTDOWN && ending) return;
    if (refused != 0) {
        fprintf(stderr, "server: %s\n", mio_strerror(refused));
        abort();
    }
    counts->submitted++;
}

/* ---------------------------------------------------------------- a client */

static void open_door(void);
static void go_on_with(client *c);

static void parted(task *t)
{
    free(t->client);
    counts->clients--;
    open_door();
}

static void part(client *c)
{
    if (c->closing) return;
    c->closing = true;
    mio_op_close(&c->end.op, &c->socket);
    c->end.client = c;
    hand_over(&c->end, parted);
}

/* It failed: whose fault was it? */
static void leave(client *c, const mio_op *op, atomic_long *late)
{
    if (c->closing) return;
    if (op->result == MIO_ETIMEDOUT && op->native == 0) ++*late;
    else if (op->result == MIO_ENOMEM) counts->shed++;
    else if (!ending) counts->lost++;
    part(c);
}

static void heard(task *t)
{
    client *c = t->client;
    c->hearing = false;
    if (t->op.result < 0) {
        leave(c, &t->op, &counts->idle);
        return;
    }
    c->ended = t->op.result == 0;
    c->filled += (size_t)t->op.result;
    go_on_with(c);
}

static void hear(client *c)
{
    size_t at = (c->first + c->filled) % ROOM;
    size_t end = at < c->first ? c->first : ROOM;
    mio_op_receive(&c->in.op, &c->socket, c->ring + at, end - at);
    if (idle_ms > 0) c->in.op.deadline = mio_now() + idle_ms * ms;
    c->hearing = true;
    hand_over(&c->in, heard);
}

static void said(task *t)
{
    client *c = t->client;
    c->saying = false;
    if (t->op.result < 0) {
        leave(c, &t->op, &counts->slow);
        return;
    }
    c->first = (c->first + (size_t)t->op.result) % ROOM;
    c->filled -= (size_t)t->op.result;
    go_on_with(c);
}

static void say(client *c)
{
    size_t in_one = ROOM - c->first;
    mio_op_send(&c->out.op, &c->socket, c->ring + c->first, c->filled < in_one ? c->filled : in_one);
    if (slow_ms > 0) c->out.op.deadline = mio_now() + slow_ms * ms;
    c->saying = true;
    hand_over(&c->out, said);
}

static void was_shut(task *t)
{
    part(t->client);
}

static void go_on_with(client *c)
{
    if (c->closing) return;
    if (ending) {
        part(c);
        return;
    }
    if (!c->saying && c->filled > 0) say(c);
    if (!c->saying && c->ended && !c->shut) {
        c->shut = true;
        mio_op_shut(&c->out.op, &c->socket, MIO_SHUT_SEND);
        hand_over(&c->out, was_shut);
    }
    if (!c->hearing && !c->ended && c->filled < ROOM) hear(c);
}

/* ---------------------------------------------------------------- the door */

static void await(void);

static void rested(task *t)
{
    (void)t;
    if (!ending) {
        await();
        return;
    }
    free(door);
    door = NULL;
}

static void came(task *t)
{
    client *c = t->client;
    if (c->in.op.result == 0) {
        int room = KERNEL_ROOM;
        setsockopt(c->socket.native, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        door = NULL;
        if (++counts->clients > counts->most) counts->most = counts->clients;
        c->out.client = c;
        go_on_with(c);
        open_door();
    } else if (ending) {
        rested(t);
    } else {
        counts->rests++;
        mio_op_timer(&c->in.op, mio_now() + REST_MS * ms);
        hand_over(&c->in, rested);
    }
}

static void await(void)
{
    door->in.client = door;
    mio_op_accept(&door->in.op, &listener, &door->socket);
    hand_over(&door->in, came);
}

static void open_door(void)
{
    if (door != NULL || ending || counts->clients >= most) return;
    door = calloc(1, sizeof *door);
    if (door != NULL) await();
}

/* ---------------------------------------------------------------- timers, threads, signals */

static void beat(task *t)
{
    if (ending) return;
    int64_t now = mio_now();
    counts->timers++;
    if (t->op.result == 0 && now < t->op.deadline) counts->early++;
    int64_t period = 100 + (int64_t)((uintptr_t)t / sizeof *t % 400);
    mio_op_timer(&t->op, now + period * ms);
    hand_over(t, beat);
}

static task *beats;

static void begin_timers(long n)
{
    beats = n > 0 ? calloc((size_t)n, sizeof *beats) : NULL;
    for (long i = 0; beats != NULL && i < n; i++) {
        mio_op_timer(&beats[i].op, mio_now() + (1 + i % 100) * ms);
        hand_over(&beats[i], beat);
    }
}

struct message {
    task        task;
    atomic_bool flies;
};

static void arrived(task *t)
{
    counts->posts++;
    ((struct message *)t)->flies = false;
}

static struct message *messages;        /* FLYING of each thread */

static bool send_one(struct message *m)
{
    mio_op_nop(&m->task.op);
    m->task.op.user = &m->task;
    m->task.go_on = arrived;
    m->flies = true;
    if (mio_queue_post(queue, &m->task.op) != 0) return false;
    counts->posted++;
    return true;
}

static void *post(void *argument)
{
    struct message *own = argument;
    for (int n = 0; n < POSTS; ) {
        int before = n;
        for (int i = 0; i < FLYING && n < POSTS; i++) {
            if (own[i].flies) continue;
            if (!send_one(&own[i])) return NULL;
            n++;
        }
        if (n == before) sched_yield();
    }
    return NULL;
}

static void on_signal(int number)
{
    if (number == SIGTERM) asked_to_end = 1;
    else counts->signals++;
    mio_queue_wake(queue);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

static long begin_threads(pthread_t *threads, long n)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    messages = n > 0 ? calloc((size_t)n * FLYING, sizeof *messages) : NULL;
    for (long i = 0; i < n; i++)
        if (messages == NULL || pthread_create(&threads[i], NULL, post, messages + i * FLYING) != 0) n = i;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

/* ---------------------------------------------------------------- the loop */

static void none(task *t)
{
    (void)t;
}

/* Clients are parted with as their operations come back */
static void begin_to_end(void)
{
    ending = true;
    counts->shutdown_at = counts->waits;
    mio_queue_shutdown(queue);
    mio_op_close(&last.op, &listener);
    hand_over(&last, none);
}

static int serve(void)
{
    mio_op *done[BATCH];
    for (;;) {
        int n = mio_queue_wait(queue, done, BATCH, -1);
        if (n == MIO_WOKEN) {
            counts->woken++;
            if (asked_to_end && !ending) begin_to_end();
            continue;
        }
        if (n < 0) return n;
        for (int i = 0; i < n; i++) {
            task *t = done[i]->user;
            if (t->go_on != arrived) counts->returned++;
            t->go_on(t);
        }
    }
}

static int open_listener(int backlog)
{
    mio_address at;
    int bad;
    if ((bad = mio_queue_open(&queue, NULL)) != 0 || (bad = mio_address_parse(&at, "127.0.0.1", 0)) != 0 ||
        (bad = mio_socket_open(&listener, MIO_IPV4, MIO_STREAM)) != 0 || (bad = mio_socket_bind(&listener, &at)) != 0 ||
        (bad = mio_socket_listen(&listener, backlog)) != 0 || (bad = mio_socket_local(&listener, &at)) != 0)
        return bad;
    printf("server: listening on 127.0.0.1:%d\n", mio_address_port(&at));
    return fflush(stdout) == 0 ? 0 : MIO_ESYSTEM;
}

static int complain(const char *what)
{
    fprintf(stderr, "server: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    long timers = 0, n = 0;
    int option, backlog = 0, bad;
    pthread_t threads[64];
    while ((option = getopt(argc, argv, "m:b:i:s:t:p:")) > 0) {
        long number = strtol(optarg, NULL, 10);
        if (option == 'm') most = number;
        else if (option == 'b') backlog = (int)number;
        else if (option == 'i') idle_ms = number;
        else if (option == 's') slow_ms = number;
        else if (option == 't') timers = number;
        else if (option == 'p') n = number < 64 ? number : 64;
        else return 2;
    }
    bad = open_listener(backlog);
    if (bad != 0) return complain(mio_strerror(bad));
    catch_signals();
    open_door();
    begin_timers(timers);
    n = begin_threads(threads, n);
    bad = serve();
    for (long i = 0; i < n; i++) pthread_join(threads[i], NULL);
    if (bad != MIO_ESHUTDOWN) return complain(mio_strerror(bad));
    if (counts->submitted != counts->returned) return complain("an operation did not come back, or twice");
    if (counts->posts != counts->posted) return complain("a post did not come back, or twice");
    if (counts->clients != 0) return complain("a client is left");
    if ((bad = mio_queue_close(queue)) != 0) return complain(mio_strerror(bad));
    free(beats);
    free(messages);
    return 0;
}
