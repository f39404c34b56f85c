/* Tangled from book/13-what-still-blocks.md: What still blocks. Edit the chapter, not this file. */

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
/* <<attempts to connect>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
enum { MOST = 8 };

typedef struct attempt {
    mio_op     op, end;                 /* connects; closes */
    mio_socket socket;
    bool       back;                    /* `op` is */
} attempt;

static mio_queue  *q;
static mio_address list[MOST];
static attempt     attempts[MOST];
static const char *const names[] = { "silent", "refusing", "open" };
/* <<attempts to connect>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void begin(int i, const mio_address *to)
{
    static int64_t began;
    attempt *a = &attempts[i];
    began = i == 0 ? mio_now() : began;
    printf("%s: begins after %.0f ms\n", names[i],
           (double)(mio_now() - began) / SYS_MS);
    must("socket", mio_socket_open(&a->socket, mio_address_family(to),
                                   MIO_STREAM));
    must("connect", mio_connect(q, &a->op, &a->socket, to));
}
/* <<the next result of an attempt>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static int next_result(int64_t until)   /* whose; -1: it is time */
{
    mio_op *op;
    int64_t left = until - mio_now();
    if (until == INT64_MAX)
        left = -1;
    else if (left < 0)
        left = 0;
    if (must("wait", mio_queue_wait(q, &op, 1, left)) == 0)
        return -1;
    int i = 0;
    while (op != &attempts[i].op)
        i++;
    attempts[i].back = true;
    printf("%s: %s\n", names[i], mio_strerror((int)op->result));
    return i;
}
/* <<close all but the winner>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void close_others(int begun, int winner)
{
    mio_op *op;
    int left = 0;
    for (int i = 0; i < begun; i++) {
        attempt *a = &attempts[i];
        if (i == winner)
            continue;
        left += a->back ? 1 : 2;
        must("close", mio_socket_close(q, &a->end, &a->socket));
    }
    for (; left > 0; left--) {
        must("wait", mio_queue_wait(q, &op, 1, -1));
        for (int i = 0; i < begun; i++)
            if (op == &attempts[i].op)
                printf("%s: %s\n", names[i],
                       mio_strerror((int)op->result));
    }
}
/* <<race for a connection>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static int race(const mio_address *to, int count)
{
    int64_t begun_at = 0, due = mio_now();
    int begun = 0, lost = 0, winner = -1;
    while (winner < 0 && lost < count) {
        if (begun < count && mio_now() >= due) {
            begin(begun, &to[begun]);
            begun++;
            begun_at = mio_now();
            due = begun_at + 250 * SYS_MS;
        }
        /* <<somebody has won or lost, or it is time>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
        int i = next_result(begun < count ? due : INT64_MAX);
        if (i >= 0 && attempts[i].op.result == 0) {
            winner = i;
        } else if (i >= 0) {
            lost++;
            due = begun_at + 10 * SYS_MS;
        }
    }
    close_others(begun, winner);
    return winner;
}
/* <<three addresses: silent, refusing, open>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
static mio_socket *last_bound;

static void make_refusing(mio_address *at)
{
    static mio_socket bound[MOST];
    static int used;
    mio_socket *s = last_bound = &bound[used++];
    must("address", mio_address_parse(at, "127.0.0.1", 0));
    must("socket", mio_socket_open(s, MIO_IPV4, MIO_STREAM));
    must("bind", mio_socket_bind(s, at));
    must("local", mio_socket_local(s, at));
}

static void make_open(mio_address *at)
{
    make_refusing(at);
    must("listen", mio_socket_listen(last_bound, 1));
}
/* <<three addresses: silent, refusing, open>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void make_silent(mio_address *at)
{
    static mio_socket callers[MOST];
    static mio_op op, *done;
    make_open(at);
    for (int i = 0; i < MOST && op.result == 0; i++) {
        must("socket", mio_socket_open(&callers[i], MIO_IPV4, MIO_STREAM));
        mio_op_connect(&op, &callers[i], at);
        op.deadline = mio_now() + 50 * SYS_MS;
        must("connect", mio_queue_submit(q, &op));
        must("wait", mio_queue_wait(q, &done, 1, -1));
    }
}

int main(void)
{
    must("open", mio_queue_open(&q, NULL));
    make_silent(&list[0]);
    make_refusing(&list[1]);
    make_open(&list[2]);
    int winner = race(list, 3);
    printf("connected: %s\n", winner < 0 ? "none" : names[winner]);
    end_queue(q);
    return 0;
}
