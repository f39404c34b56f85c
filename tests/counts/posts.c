/*
 * Posts and wakes from another thread while the owner of the queue is awake. A marker goes to standard output
 * before and after, so that a trace of the system calls shows what is between: nothing, it should be.
 *
 *   posts
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX threads */
#include "minimio.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { POSTS = 1000 };

static mio_queue *queue;
static mio_op     posted[POSTS];
static atomic_int spins, over;

static void mark(const char *text, size_t length)
{
    if (write(1, text, length) < 0)
        _exit(1);
}

static void *post(void *unused)
{
    (void)unused;
    while (!spins)                      /* the owner is through with starting this thread */
        continue;
    mark("begin\n", 6);
    for (int i = 0; i < POSTS; i++) {
        mio_op_nop(&posted[i]);
        if (mio_queue_post(queue, &posted[i]) != 0 || mio_queue_wake(queue) != 0)
            _exit(1);
    }
    mark("end\n", 4);
    over = 1;
    return NULL;
}

int main(void)
{
    mio_op *done[POSTS];
    pthread_t other;
    int back = 0, woken = 0, n;
    if (mio_queue_open(&queue, NULL) != 0 || pthread_create(&other, NULL, post, NULL) != 0)
        return 1;
    spins = 1;
    while (!over)                       /* awake, and not in a system call */
        continue;
    pthread_join(other, NULL);
    while ((n = mio_queue_wait(queue, done, POSTS, 0)) != 0) {
        back += n > 0 ? n : 0;
        woken += n == MIO_WOKEN;
    }
    if (back != POSTS || woken != 1) {
        fprintf(stderr, "posts: %d came back, woken %d times\n", back, woken);
        return 1;
    }
    mio_queue_shutdown(queue);
    while (mio_queue_wait(queue, done, POSTS, -1) >= 0)
        continue;
    return mio_queue_close(queue) != 0;
}
