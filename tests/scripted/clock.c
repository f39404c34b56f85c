/* Time is the test's: nothing is early, nothing later than the kernel's sleep makes it, and the kernel is asked to sleep
   exactly as long as it should. Days pass in milliseconds */
#include "kernel.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* --- scripts ------------------------------------------------------------------------------------------------ */

static const int64_t spans[] = { 1, 2, 999, US, US + 1, MS - 1, MS, MS + 1, SECOND - 1, SECOND, SECOND + 1,
    3600 * SECOND + 123456789, DAY };
enum { SPANS = sizeof spans / sizeof spans[0] };

static void to_the_nanosecond(void)
{
    for (int i = 0; i < SPANS; i++) {
        int64_t until = kernel.now + spans[i];
        will_wait(spans[i]);
        nothing_for(spans[i]);
        timer(T, kernel.now + spans[i]);
        will_wait(spans[i]);
        back(T, 0);
        if (kernel.now != until + spans[i]) problem("a wait of another length");
    }
}

static void one_nanosecond_early(void)
{
    for (int i = 1; i < SPANS; i++) {
        timer(T, kernel.now + spans[i]);
        will_wait(spans[i]); passes(spans[i] - 1);
        will_wait(1);
        back(T, 0);
    }
}

static void the_first_of_two(void)
{
    timer(T, kernel.now + 10 * MS);
    will_wait(10 * MS - 1);
    nothing_for(10 * MS - 1);           /* its own timeout comes before the timer */
    will_wait(1);
    wait_says(MS, 1);                   /* now the timer comes before its timeout */
    back(T, 0);
    timer(T, kernel.now + MS);
    will_wait(MS);
    wait_says(MS, 1);                   /* both at once: what is finished is given */
    back(T, 0);
}

static void past_deadlines(void)
{
    static const int64_t past[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1 };
    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        timer(T, past[i]);
        back(T, 0);                     /* without a call of the kernel's */
    }
    timer(T, kernel.now);
    back(T, 0);
    due(-5);                            /* of an operation that could be done */
    will_recv(a, 100, 5);
    receive(R, a, 100);
    back(R, 5);
    due(INT64_MIN);
    will_watch(a, READING);             /* the last read was short */
    receive(R, a, 100);
    will_wait(0);                       /* the kernel is asked once before it is given up */
    back(R, MIO_ETIMEDOUT);
}

static void never(void)
{
    timer(T, INT64_MAX);
    due(INT64_MAX);
    will_recv(a, 100, -EAGAIN);
    will_watch(a, READING);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    wait_says(INT64_MAX, 1);            /* so long a timeout is none */
    back(R, 5);
    cancel(T);
    back(T, MIO_ECANCELED);
}

/* To the last nanosecond that a clock has */
static void three_centuries(void)
{
    int64_t all = INT64_MAX - 1 - kernel.now;
    kernel.automatic = true;
    timer(T2, INT64_MAX - 1);
    timer(T, INT64_MAX);
    wait_says(all, 1);
    back(T2, 0);
    if (kernel.now != INT64_MAX - 1) problem("the timer comes at another time");
    if (kernel.waits != (is_epoll ? 1 : all / DAY + 1)) problem("%d waiting calls", kernel.waits);
    nothing_for(0);
}

static void time_stands_still(void)
{
    timer(T, kernel.now + 10 * MS);
    for (int i = 0; i < 1000; i++) {
        will_wait(10 * MS);
        passes(0);
    }
    will_wait(10 * MS);
    back(T, 0);
}

/* The machine slept: nothing is lost, and what is due comes in order, in one wait */
static void five_hours_later(void)
{
    timer(T2, kernel.now + 3600 * SECOND);
    timer(T, kernel.now + MS);
    due(kernel.now + 1800 * SECOND);
    will_recv(a, 100, -EAGAIN);
    will_watch(a, READING);
    receive(R, a, 100);
    due(kernel.now + 1800 * SECOND);
    will_recv(b, 100, -EAGAIN);
    will_watch(b, READING);
    receive(R2, b, 100);
    will_wait(MS); readable(b, 5); passes(5 * 3600 * SECOND);
    will_recv(b, 100, 5);
    back(R2, 5);                        /* it came before anybody saw that it was late */
    back(T, 0);
    back(R, MIO_ETIMEDOUT);
    back(T2, 0);
}

static void reset_before_it_comes(void)
{
    for (int i = 0; i < 50; i++) {      /* an idle time-out, put off again and again */
        timer(T, kernel.now + SECOND);
        will_wait(SECOND - 1);
        nothing_for(SECOND - 1);
        cancel(T);
        back(T, MIO_ECANCELED);
    }
}

static void no_clock_without_deadlines(void)
{
    will_recv(a, 100, -EAGAIN);
    will_watch(a, READING);
    receive(R, a, 100);
    for (int i = 0; i < 10; i++) {
        will_wait(FOR_EVER); readable(a, 5);
        will_recv(a, 100, 5);
        back(R, 5);
        receive(R, a, 100);
    }
    will_wait(0);
    nothing_for(0);
    if (kernel.clock_reads > 1) problem("%d looks at the clock", kernel.clock_reads);
}

/* --- random timers beside a sorted list -------------------------------------------------------------------- */

enum { MOST = 1500, STEPS = 40000, FAIR = 256 };
enum place { FREE, LISTED, FINISHED };

static struct one {
    mio_op op;                          /* the first: what comes back is one of these */
    enum place place;
    bool is_timer;
    int64_t result;
} ones[MOST];

static struct due {
    int64_t deadline;
    int who;
} list[MOST];                           /* the first is due first; equal ones as they came */
static int listed;
static int ring[MOST], ring_first, ring_count;      /* finished */
static int64_t until;
static bool asked;
static int unasked;

static uint64_t state;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int64_t below(int64_t n) { return (int64_t)(next_random() % (uint64_t)n); }

static void list_insert(int64_t deadline, int who)
{
    int at = listed++;
    for (; at > 0 && list[at - 1].deadline > deadline; at--) list[at] = list[at - 1];
    list[at] = (struct due){ deadline, who };
    ones[who].place = LISTED;
}

static void list_remove(int at)
{
    listed--;
    memmove(&list[at], &list[at + 1], (size_t)(listed - at) * sizeof list[0]);
}

static void finishes(int at, int64_t result)
{
    int who = list[at].who;
    list_remove(at);
    ones[who].place = FINISHED;
    ones[who].result = result;
    ring[(ring_first + ring_count++) % MOST] = who;
}

/* What is due finishes; an operation only after the kernel was asked. Says whether one waits for that */
static bool list_expire(void)
{
    while (listed > 0 && list[0].deadline <= kernel.now) {
        bool is_timer = ones[list[0].who].is_timer;
        if (!is_timer && !asked) return true;
        finishes(0, is_timer ? 0 : MIO_ETIMEDOUT);
    }
    return false;
}

static int64_t rounded(int64_t ns)
{
    int64_t ms = ns / MS + (ns % MS > 0);
    if (!is_epoll) return ns > DAY ? DAY : ns;
    if (!kernel.no_pwait2 || ns == 0) return ns;
    return (ms > INT32_MAX ? INT32_MAX : ms) * MS;
}

/* How long the kernel should be asked to sleep */
static int64_t expected_sleep(void)
{
    bool late = list_expire();
    if (ring_count > 0 && !late && (asked || unasked < FAIR)) problem("the kernel is asked, though something is finished");
    if (asked && !late && ring_count == 0 && kernel.now >= until) problem("the kernel is asked, though the time is up");
    if (ring_count > 0) return 0;
    int64_t first = listed > 0 && list[0].deadline < until ? list[0].deadline : until;
    if (first == INT64_MAX) return FOR_EVER;
    return first > kernel.now ? rounded(first - kernel.now) : 0;
}

/* The kernel: mostly as long as it should; early, late, or hours late */
static int64_t random_sleep(int64_t asks)
{
    int64_t expected = expected_sleep(), luck = below(100);
    if (asks != expected) problem("the kernel is to sleep for %lld ns, not %lld", (long long)asks, (long long)expected);
    asked = true;
    unasked = 0;
    if (asks == 0) return luck < 90 ? 0 : below(US);
    if (asks > DAY) return below(DAY);
    return luck < 50 ? asks : luck < 70 ? below(asks + 1) : luck < 95 ? asks + below(5 * MS)
        : luck < 99 ? asks + below(60 * SECOND) : asks + below(3600 * SECOND);
}

static int64_t random_deadline(void)
{
    switch (below(8)) {
    case 0: return listed > 0 ? list[below(listed)].deadline : kernel.now;      /* as another */
    case 1: return kernel.now - below(SECOND);
    case 2: return kernel.now + below(10);
    case 3: return kernel.now + below(100 * MS);
    case 4: return kernel.now + (1 + below(20)) * MS;
    case 5: return below(20) == 0 ? INT64_MAX - below(3) : kernel.now + below(3600 * SECOND);
    default: return kernel.now + below(10 * SECOND);
    }
}

static void submit_one(int who)
{
    static char byte;
    struct one *o = &ones[who];
    int64_t deadline = random_deadline();
    o->is_timer = below(4) > 0;
    if (o->is_timer) {
        mio_op_timer(&o->op, deadline);
    } else {
        mio_op_receive(&o->op, a, &byte, 1);
        o->op.deadline = deadline == 0 ? 1 : deadline;
    }
    if (mio_queue_submit(queue, &o->op) != 0) problem("a timer is refused");
    list_insert(deadline, who);
}

static void cancel_one(int at)
{
    if (mio_queue_cancel(queue, &ones[list[at].who].op) != 0) problem("a cancel is refused");
    finishes(at, MIO_ECANCELED);
}

static int64_t random_timeout(void)
{
    bool soon = listed > 0 && list[0].deadline < kernel.now + 3600 * SECOND;
    switch (below(6)) {
    case 0: return 0;
    case 1: return soon ? -1 - below(5) : 0;
    case 2: return soon ? INT64_MAX - below(100) : 1;
    case 3: return 1 + below(2 * MS);
    default: return below(SECOND);
    }
}

static int64_t until_when(int64_t timeout)
{
    if (timeout < 0 || timeout > INT64_MAX - kernel.now) return INT64_MAX;
    return timeout == 0 ? 0 : kernel.now + timeout;
}

/* What came back is what finished first, in this order */
static void compare(mio_op **done, int n, int capacity)
{
    bool late = list_expire();
    int most = ring_count < capacity ? ring_count : capacity;
    if (late) problem("a wait ends, though the kernel was to be asked first");
    if (n != most) problem("a wait gives %d, not %d", n, most);
    if (n == 0 && (!asked || kernel.now < until)) problem("a wait ends early");
    for (int i = 0; i < n; i++) {
        struct one *o = &ones[ring[ring_first]];
        if (done[i] != &o->op) problem("another comes back than the one that is due");
        if (o->op.result != o->result) problem("result %lld, not %lld", (long long)o->op.result, (long long)o->result);
        o->place = FREE;
        ring_first = (ring_first + 1) % MOST;
        ring_count--;
    }
    unasked += n;
    kernel.timers += n;
}

static void wait_and_compare(void)
{
    mio_op *done[8];
    int64_t timeout = random_timeout();
    int capacity = 1 + (int)below(8);
    until = until_when(timeout);
    asked = false;
    compare(done, mio_queue_wait(queue, done, capacity, timeout), capacity);
}

static void random_step(void)
{
    int who = (int)below(MOST);
    switch (below(4)) {
    case 0:
    case 1:
        if (ones[who].place == FREE) submit_one(who);
        else wait_and_compare();
        break;
    case 2:
        if (listed > 0 && below(3) == 0) cancel_one((int)below(listed));
        break;
    default:
        kernel.now += below(10) == 0 ? below(20 * MS) : 0;      /* the program is busy */
        wait_and_compare();
    }
}

static void random_timers(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15u + 1;
    kernel.automatic = true;
    kernel.sleep = random_sleep;
    for (int i = 0; i < MOST / 2; i++) submit_one(i);
    for (int i = 0; i < STEPS; i++) random_step();
    while (listed > 0) cancel_one(0);
    while (ring_count > 0) wait_and_compare();
}

static void seed_1(void) { random_timers(other_seeds + 1); }
static void seed_2(void) { random_timers(other_seeds + 2); }
static void seed_3(void) { random_timers(other_seeds + 3); }

static void seed_4_in_milliseconds(void)
{
    kernel.no_pwait2 = true;
    random_timers(other_seeds + 4);
}

/* --- a month ------------------------------------------------------------------------------------------------ */

enum { PERIODS = 12 };
static const int64_t periods[PERIODS] = { 13, 17, 59, 60, 61, 300, 599, 600, 3600, 3601, 86400, 604800 };  /* seconds */

/* An interrupt's length late, never early */
static int64_t a_little_late(int64_t asks) { return asks + below(2 * MS); }

static void a_month(void)
{
    static mio_op timers[PERIODS];
    int64_t begin = kernel.now, end = begin + 30 * DAY, fired = 0, expected = 0, waits = 0;
    mio_op *done[4];
    state = 7;
    kernel.automatic = true;
    kernel.sleep = a_little_late;
    for (int i = 0; i < PERIODS; i++) {
        expected += 30 * DAY / (periods[i] * SECOND);
        mio_timer(queue, &timers[i], begin + periods[i] * SECOND);
    }
    for (; kernel.now < end + SECOND; waits++) {
        int n = mio_queue_wait(queue, done, 4, end + SECOND - kernel.now);
        for (int i = 0; i < n; i++) {
            int64_t late = kernel.now - done[i]->deadline;
            if (late < 0 || late > 2 * MS) problem("a timer is %lld ns late", (long long)late);
            fired += done[i]->deadline <= end;
            mio_timer(queue, done[i], done[i]->deadline + periods[done[i] - timers] * SECOND);
        }
    }
    if (fired != expected) problem("%lld timers came, not %lld", (long long)fired, (long long)expected);
    if (kernel.waits > waits) problem("%d waiting calls for %lld waits", kernel.waits, (long long)waits);
    kernel.timers = (int)fired;
    mio_queue_shutdown(queue);
    while (mio_queue_wait(queue, done, 4, 0) > 0) ;
}

const struct script clock_scripts[] = {
    { "clock", "to the nanosecond (W3)", to_the_nanosecond },
    { "clock", "one nanosecond early", one_nanosecond_early },
    { "clock", "the first of two", the_first_of_two },
    { "clock", "deadlines in the past", past_deadlines },
    { "clock", "never", never },
    { "clock", "three centuries", three_centuries },
    { "clock", "time stands still", time_stands_still },
    { "clock", "five hours later (W15)", five_hours_later },
    { "clock", "reset before it comes", reset_before_it_comes },
    { "clock", "no clock without deadlines", no_clock_without_deadlines },
    { "random timers", "seed 1", seed_1 },
    { "random timers", "seed 2", seed_2 },
    { "random timers", "seed 3", seed_3 },
    { "random timers", "seed 4, in milliseconds", seed_4_in_milliseconds },
    { "a month", "a month", a_month },
    { 0 }
};
