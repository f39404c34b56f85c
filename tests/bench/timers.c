/*
 * 100,000 timers in one loop
 *
 *   timers COUNT        nanoseconds for each: insert, reset, cancel, expire; one line
 *
 * Deadlines are random, from 100 s to 160 s, those that expire in 50 ms; resets and cancels are in a random order. The four
 * functions measured_... are for callgrind. What does not expire is a failure.
 */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "timers.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 1000000, SOON = 100000, LONG = 60000, SHORT = 50 };

static int      count, expired_count;
static int     *order, *fresh;
static uint64_t state = 88172645463325252u;

static int random_below(int limit)              /* xorshift: the same every time */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (unsigned)limit);
}

static void shuffle(int from, int within)
{
    for (int i = 0; i < count; i++) {
        int j = random_below(i + 1);
        order[i] = order[j];
        order[j] = i;
        fresh[i] = from + random_below(within);
    }
}

static void expired(void)
{
    expired_count++;
}

void measured_insert(void);
void measured_reset(void);
void measured_cancel(void);
void measured_expire(void);

void measured_insert(void)
{
    for (int i = 0; i < count; i++)
        timers_set(i, fresh[i]);
}

void measured_reset(void)
{
    for (int i = 0; i < count; i++)
        timers_reset(order[i], 1000 + fresh[i]);
    timers_settle();
}

void measured_cancel(void)
{
    for (int i = 0; i < count; i++)
        timers_cancel(order[i]);
    timers_settle();
}

void measured_expire(void)
{
    while (expired_count < count)
        timers_expire();
}

static void (*timed)(void);
static int64_t took;

static void time_it(void)
{
    int64_t began = now();
    timed();
    took = now() - began;
}

static void measure(void (*what)(void), const char *end)
{
    timed = what;
    timers_turn(time_it);
    printf("%.1f%s", (double)took / count, end);
}

int main(int argc, char **argv)
{
    count = argc == 2 ? (int)number(argv[1], MOST) : 0;
    if (count == 0) {
        fputs("usage: timers COUNT\n", stderr);
        return 2;
    }
    order = calloc((size_t)count, sizeof *order);
    fresh = calloc((size_t)count, sizeof *fresh);
    if (order == NULL || fresh == NULL)
        fail("calloc");
    timers_open(count, expired);
    shuffle(SOON, LONG);
    measure(measured_insert, " ");
    shuffle(SOON, LONG);
    measure(measured_reset, " ");
    shuffle(SOON, LONG);
    measure(measured_cancel, " ");
    if (expired_count != 0)
        fail("timers: one expired early");
    shuffle(1, SHORT);
    timers_turn(measured_insert);
    usleep((SHORT + 5) * 1000);
    int64_t began = now();
    measured_expire();
    printf("%.1f\n", (double)(now() - began) / count);
    return 0;
}
