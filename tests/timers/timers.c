/*
 * What the timers of a queue cost in three structures, 100,000 of them, or COUNT
 *
 *   timers [ROUNDS [COUNT]]              nanoseconds for each operation, interleaved, and ratios
 *   timers check                         do all three give the timers back, in order and never early?
 *   timers STRUCTURE OPERATION SPREAD    one operation 100,000 times, for callgrind: it is inside measured()
 *
 * pairing is the library's own time.c: no memory of its own, the links are in the operation. heap4 is an array
 * with the deadlines inline, four children a node. wheel has eight levels of 64 slots and 1 ms a tick.
 * SPREAD: random deadlines, or rising ones (every time-out has the same length, the usual case).
 */
#include "queue.h"
#include "common/sys.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 100000, LEVELS = 8, SLOTS = 64 };

static uint64_t sequence;

/* --- the queue's own, time.c: a pairing heap ------------------------------------------------------------- */

static mio_queue queue;

static void pairing_insert(mio_op *t)
{
    mio__due_insert(&queue, t);
}

static void pairing_remove(mio_op *t)
{
    mio__due_remove(&queue, t);
}

static void pairing_move(mio_op *t, int64_t deadline)
{
    pairing_remove(t);
    t->deadline = deadline;
    pairing_insert(t);
}

static mio_op *pairing_expire(int64_t now)
{
    mio_op *t = queue.due;
    if (t == NULL || t->deadline > now)
        return NULL;
    pairing_remove(t);
    return t;
}

/* --- an array, four children a node --------------------------------------------------------------------- */

typedef struct entry {
    int64_t  deadline;
    uint64_t sequence;
    mio_op  *whose;
} entry;

static entry *entries;
static size_t count, room;

static bool before(const entry *a, const entry *b)     /* called as in time.c: callgrind counts it */
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

static void put(size_t place, entry e)
{
    entries[place] = e;
    e.whose->length = place;
}

static void settle(size_t place, entry e)       /* up, or else down */
{
    size_t first, start = place;
    while (place > 0 && before(&e, &entries[(place - 1) / 4])) {
        put(place, entries[(place - 1) / 4]);
        place = (place - 1) / 4;
    }
    while (place == start && (first = 4 * place + 1) < count) {
        size_t least = first, end = first + 4 < count ? first + 4 : count;
        for (size_t i = first + 1; i < end; i++)
            if (before(&entries[i], &entries[least]))
                least = i;
        if (!before(&entries[least], &e))
            break;
        put(place, entries[least]);
        place = start = least;
    }
    put(place, e);
}

static void heap4_insert(mio_op *t)
{
    if (count == room) {                        /* what the queue will not do: allocate after it was opened */
        room = room == 0 ? 64 : 2 * room;
        entries = realloc(entries, room * sizeof *entries);
        assert(entries != NULL);
    }
    t->sequence = sequence++;
    count++;
    settle(count - 1, (entry){ t->deadline, t->sequence, t });
}

static void heap4_remove(mio_op *t)
{
    count--;
    if (t->length < count)
        settle(t->length, entries[count]);
}

static void heap4_move(mio_op *t, int64_t deadline)
{
    t->deadline = deadline;
    t->sequence = sequence++;
    settle(t->length, (entry){ t->deadline, t->sequence, t });
}

static mio_op *heap4_expire(int64_t now)
{
    if (count == 0 || entries[0].deadline > now)
        return NULL;
    mio_op *t = entries[0].whose;
    heap4_remove(t);
    return t;
}

/* --- a hierarchical timing wheel: Varghese and Lauck 1987, scheme 7 ------------------------------------- */

static mio_op    wheel[LEVELS * SLOTS + 1];      /* heads of lists; the last one's have come */
static uint64_t occupied[LEVELS];               /* a bit for each slot that has a mio_op */
static uint64_t current;                        /* tick */

static void link_to(mio_op *t, size_t slot)
{
    mio_op *head = &wheel[slot];
    t->length = slot;
    t->next = head;
    t->previous = head->previous;
    head->previous->next = t;
    head->previous = t;
    if (slot < LEVELS * SLOTS)
        occupied[slot / SLOTS] |= UINT64_C(1) << slot % SLOTS;
}

static void wheel_insert(mio_op *t)              /* at the highest digit in which it differs from now */
{
    uint64_t tick = (uint64_t)((t->deadline + SYS_MS - 1) / SYS_MS), digit = tick;
    size_t level = 0;
    if (tick <= current) {
        link_to(t, LEVELS * SLOTS);
        return;
    }
    for (uint64_t differ = (tick ^ current) / SLOTS; differ != 0; differ /= SLOTS) {
        level++;
        digit /= SLOTS;
    }
    link_to(t, level * SLOTS + digit % SLOTS);
}

static void wheel_remove(mio_op *t)
{
    t->previous->next = t->next;
    t->next->previous = t->previous;
    if (t->next == t->previous && t->next == &wheel[t->length] && t->length < LEVELS * SLOTS)
        occupied[t->length / SLOTS] &= ~(UINT64_C(1) << t->length % SLOTS);
}

static void wheel_move(mio_op *t, int64_t deadline)
{
    wheel_remove(t);
    t->deadline = deadline;
    wheel_insert(t);
}

static bool turn(uint64_t until)                /* to the next slot that has something */
{
    size_t level = 0, digit = 0;
    uint64_t unit = 1;
    for (; level < LEVELS && occupied[level] == 0; level++)
        unit *= SLOTS;
    if (level == LEVELS)
        return false;
    while (!(occupied[level] >> digit & 1))
        digit++;
    uint64_t tick = (current / unit / SLOTS * SLOTS + digit) * unit;
    if (tick > until)
        return false;
    current = tick;
    mio_op *head = &wheel[level * SLOTS + digit];
    while (head->next != head) {                /* finer now: each goes at least one level down */
        mio_op *t = head->next;
        wheel_remove(t);
        wheel_insert(t);
    }
    return true;
}

static mio_op *wheel_expire(int64_t now)
{
    mio_op *due = &wheel[LEVELS * SLOTS];
    while (due->next == due)
        if (!turn((uint64_t)(now / SYS_MS)))
            return NULL;
    mio_op *t = due->next;
    wheel_remove(t);
    return t;
}

/* --- what is measured ------------------------------------------------------------------------------------- */

static const struct structure {
    const char *name;
    void   (*insert)(mio_op *), (*remove)(mio_op *), (*move)(mio_op *, int64_t deadline);
    mio_op *(*expire)(int64_t now);
} structures[] = {
    { "pairing", pairing_insert, pairing_remove, pairing_move, pairing_expire },
    { "heap4",   heap4_insert,   heap4_remove,   heap4_move,   heap4_expire },
    { "wheel",   wheel_insert,   wheel_remove,   wheel_move,   wheel_expire },
};
enum { STRUCTURES = 3, INSERT = 0, AGAIN, RESET, CANCEL, EXPIRE, OPERATIONS, RANDOM = 0, RISING, SPREADS };
static const char *const operations[] = { "insert", "cancel+insert", "reset", "cancel", "expire" };
static const char *const spreads[] = { "random", "rising" };

static int      n = N;
static mio_op   timers[N];
static mio_op  *visited[N];                      /* a random order */
static int64_t fresh[N];                        /* new deadlines */

static uint64_t state;

static uint64_t next_random(void)               /* xorshift: the same every time */
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int64_t a_deadline(int spread, int64_t i)        /* in 60 s, or 60 s after each of n moments, 10 us apart */
{
    return spread == RANDOM ? (int64_t)(next_random() % 60000000000u) : 60000 * SYS_MS + i * 10000;
}

static void prepare(const struct structure *s, int operation, int spread, unsigned seed)
{
    state = 88172645463325252u + seed;
    queue.due = NULL;
    count = 0;
    current = 0;
    memset(occupied, 0, sizeof occupied);
    for (int i = 0; i <= LEVELS * SLOTS; i++)
        wheel[i].next = wheel[i].previous = &wheel[i];
    for (int i = 0; i < n; i++) {
        int j = (int)(next_random() % (unsigned)(i + 1));
        timers[i].deadline = a_deadline(spread, i);
        fresh[i] = operation == RESET ? timers[i].deadline + 1000 * SYS_MS : a_deadline(spread, n + i);
        visited[i] = visited[j];
        visited[j] = &timers[i];
    }
    for (int i = 0; operation != INSERT && i < n; i++)
        s->insert(&timers[i]);
    if (spread == RISING && operation == RESET)         /* each connection heard from once, in random order */
        for (int i = 0; i < n; i++)
            fresh[visited[i] - timers] = a_deadline(spread, n + i);
}

void measured(const struct structure *s, int operation);        /* not static: callgrind knows it by name */
void measured(const struct structure *s, int operation)
{
    for (int i = 0; i < n; i++) {
        mio_op *t = visited[i];
        switch (operation) {
        case INSERT: s->insert(&timers[i]); break;
        case AGAIN:  s->remove(t); t->deadline = fresh[t - timers]; s->insert(t); break;
        case RESET:  s->move(t, fresh[t - timers]); break;
        case CANCEL: s->remove(t); break;
        default:     s->expire(INT64_C(120000) * SYS_MS); break;
        }
    }
}

static int check(void)
{
    for (int k = 0; k < STRUCTURES * SPREADS; k++) {
        const struct structure *s = &structures[k / SPREADS];
        int64_t unit = s->expire == wheel_expire ? SYS_MS : 1, last = -1;       /* a wheel does not sort in a tick */
        prepare(s, AGAIN, k % SPREADS, 0);
        measured(s, AGAIN);
        for (int i = 0; i < n / 2; i++)
            s->remove(visited[i]);
        int64_t out = 0, now = 0;
        for (mio_op *t; now <= 120000 * SYS_MS; now += 7 * SYS_MS)
            while ((t = s->expire(now)) != NULL) {
                out++;
                if (t->deadline > now || (t->deadline + unit - 1) / unit < last)
                    return fprintf(stderr, "%s: early, or out of order\n", s->name), 1;
                last = (t->deadline + unit - 1) / unit;
            }
        if (out != n / 2)
            return fprintf(stderr, "%s: %d came back\n", s->name, (int)out), 1;
    }
    puts("ok");
    return 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, int count_of)
{
    qsort(numbers, (size_t)count_of, sizeof *numbers, by_size);
    return numbers[count_of / 2];
}

static void time_all(int rounds)                /* the structures take turns, with the same numbers in a round */
{
    double took[STRUCTURES][100], ratios[STRUCTURES][100];
    for (int k = 0; k < SPREADS * OPERATIONS; k++) {
        int spread = k / OPERATIONS, operation = k % OPERATIONS;
        for (int r = 0; r < rounds; r++)
            for (int s = 0; s < STRUCTURES; s++) {
                prepare(&structures[s], operation, spread, (unsigned)r);
                int64_t began = sys_now();
                measured(&structures[s], operation);
                took[s][r] = (double)(sys_now() - began) / n;
                ratios[s][r] = took[s][r] / took[0][r];
            }
        printf("%-7s %-14s", spreads[spread], operations[operation]);
        for (int s = 0; s < STRUCTURES; s++)
            printf(" %6.1f", median(took[s], rounds));
        printf("   %5.2f %5.2f\n", median(ratios[1], rounds), median(ratios[2], rounds));
    }
}

static int find(const char *const *names, int length, const char *name)
{
    int i = 0;
    while (i < length && strcmp(names[i], name) != 0)
        i++;
    return i < length ? i : (fprintf(stderr, "timers: %s?\n", name), exit(2), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check();
    if (argc <= 3) {
        int rounds = argc >= 2 ? atoi(argv[1]) : 21;
        n = argc == 3 && atoi(argv[2]) > 0 && atoi(argv[2]) < N ? atoi(argv[2]) : N;
        time_all(rounds < 1 ? 1 : rounds > 100 ? 100 : rounds);
        return 0;
    }
    const char *const names[] = { structures[0].name, structures[1].name, structures[2].name };
    const struct structure *s = &structures[find(names, STRUCTURES, argv[1])];
    int operation = find(operations, OPERATIONS, argv[2]);
    prepare(s, operation, find(spreads, SPREADS, argv[3]), 0);
    measured(s, operation);
    return 0;
}
