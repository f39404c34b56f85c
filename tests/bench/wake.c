/*
 * Wake-ups across threads
 *
 *   wake pingpong COUNT         nanoseconds for a call there and back, between loops on two cores
 *   wake flood THREADS COUNT    nanoseconds of processor time, in all threads, for a call; COUNT by each of THREADS,
 *                               which share a core, to a loop on another
 *   wake busy COUNT             nothing; a thread makes COUNT calls of a loop that is awake, for who counts them
 *
 * A call that is lost stops the run for ever.
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "wake.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 64 };

static loop      *loops[2];
static long       count, rounds;
static atomic_int finished, begun;
static int        threads;

/* --- back and forth --------------------------------------------------------------------------------------- */

static void there(void *user)
{
    (void)user;
    loop_call(loops[0]);
    if (++rounds == count)
        loop_stop(loops[1]);
}

static void back(void *user)
{
    long *heard = user;
    if (++*heard < count)
        loop_call(loops[1]);
    else
        loop_stop(loops[0]);
}

static void *answer(void *user)
{
    (void)user;
    pin(1);
    loops[1] = loop_open(there, NULL);
    atomic_store(&begun, 1);
    loop_run(loops[1]);
    return NULL;
}

static int64_t pingpong(void)
{
    static long heard;
    pthread_t other;
    pin(0);
    loops[0] = loop_open(back, &heard);
    if (pthread_create(&other, NULL, answer, NULL) != 0)
        fail("pthread_create");
    while (!atomic_load(&begun))
        ;
    int64_t start = now();
    loop_call(loops[1]);
    loop_run(loops[0]);
    int64_t took = now() - start;
    pthread_join(other, NULL);
    return took / count;
}

/* --- a flood ---------------------------------------------------------------------------------------------- */

static void flooded(void *user)
{
    (void)user;
    if (atomic_load(&finished) == threads)
        loop_stop(loops[0]);
}

static void *flooding(void *user)
{
    (void)user;
    pin(1);
    while (!atomic_load(&begun))
        ;
    for (long i = 1; i < count; i++)
        loop_call(loops[0]);
    atomic_fetch_add(&finished, 1);
    loop_call(loops[0]);
    return NULL;
}

static double flood(void)
{
    pthread_t senders[MOST];
    struct timespec spent;
    pin(0);
    loops[0] = loop_open(flooded, NULL);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&senders[i], NULL, flooding, NULL) != 0)
            fail("pthread_create");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    double before = (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
    atomic_store(&begun, 1);
    loop_run(loops[0]);
    for (int i = 0; i < threads; i++)
        pthread_join(senders[i], NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return ((double)spent.tv_sec * 1e9 + (double)spent.tv_nsec - before) / (double)(count * threads);
}

/* --- a loop that is awake --------------------------------------------------------------------------------- */

static void *call_often(void *user)
{
    (void)user;
    for (long i = 0; i < count; i++)
        loop_call(loops[0]);
    return NULL;
}

static void kept_busy(void *user)
{
    pthread_t caller;
    (void)user;
    if (rounds++ == 0 && (pthread_create(&caller, NULL, call_often, NULL) != 0 || pthread_join(caller, NULL) != 0))
        fail("pthread_create");
    loop_stop(loops[0]);
}

static void busy(void)
{
    loops[0] = loop_open(kept_busy, NULL);
    loop_call(loops[0]);
    loop_run(loops[0]);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "pingpong") == 0) {
        count = number(argv[2], 1000000000);
        printf("%ld\n", (long)pingpong());
    } else if (argc == 4 && strcmp(argv[1], "flood") == 0) {
        threads = (int)number(argv[2], MOST);
        count = number(argv[3], 1000000000);
        printf("%.1f\n", flood());
    } else if (argc == 3 && strcmp(argv[1], "busy") == 0) {
        count = number(argv[2], 1000000000);
        busy();
    } else {
        fputs("usage: wake pingpong COUNT | flood THREADS COUNT | busy COUNT\n", stderr);
        return 2;
    }
    return 0;
}
