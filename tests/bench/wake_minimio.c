/* Wake-ups by mio_queue_wake */
#include "common.h"
#include "minimio.h"
#include "wake.h"
#include <stdlib.h>

struct loop {
    mio_queue *queue;
    void     (*called)(void *);
    void      *user;
    int        stopped;
};

loop *loop_open(void (*called)(void *), void *user)
{
    loop *l = calloc(1, sizeof *l);
    if (l == NULL || mio_queue_open(&l->queue, NULL) != 0)
        fail("queue");
    l->called = called;
    l->user = user;
    return l;
}

void loop_call(loop *l)
{
    mio_queue_wake(l->queue);
}

void loop_run(loop *l)
{
    mio_op *done[1];
    while (!l->stopped)
        if (mio_queue_wait(l->queue, done, 1, -1) == MIO_WOKEN)
            l->called(l->user);
}

void loop_stop(loop *l)
{
    l->stopped = 1;
}
