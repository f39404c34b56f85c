/*
 * Is what a thread wrote before a wake-up there after it, also where the flag was set already? For
 * ThreadSanitizer, which knows of no other order between the two threads: neither waits for the other in any
 * way that it sees before the plain variable was read.
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "minimio.h"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static mio_queue *queue;
static int        message;              /* plain */

static void *write_and_wake(void *unused)
{
    message = 42;
    mio_queue_wake(queue);
    return unused;
}

int main(void)
{
    mio_op *done[1];
    pthread_t thread;
    if (mio_queue_open(&queue, NULL) != 0 || mio_queue_wake(queue) != 0
            || pthread_create(&thread, NULL, write_and_wake, NULL) != 0)
        fail("ordered");
    usleep(200000);
    int result = mio_queue_wait(queue, done, 1, -1);
    printf("%d after %s\n", message, mio_strerror(result));
    pthread_join(thread, NULL);
    if (mio_queue_shutdown(queue) != 0 || mio_queue_wait(queue, done, 1, -1) != MIO_ESHUTDOWN)
        fail("shutdown");
    return mio_queue_close(queue) != 0;
}
