/*
 * A hostile crowd for a server: tests/load.sh starts it, and counts.c tells it what the library in the server does
 *
 *   attack TITLE PERCENT FILE SCENARIO SERVER [ARGUMENT...]
 *
 * TITLE stands in the lines of the results. PERCENT: of the numbers below. FILE is for counts. SERVER is server.c's
 * program, or echod: with echod there is no limit for the time that a client takes, and none is expected. A line `row`
 * is for the report. No result depends on how long something took, but for a limit of a minute against hanging.
 */
#define _GNU_SOURCE
#include "crowd.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct counts *counts;

static const char *title;
static int         percent;
static long        spare;               /* KiB that a sanitizer may need */
static char        command[4096], said[4096], *words[16];
static bool        ours;                /* server.c's: it has limits */
static char        facts[1000], why[1000], measures[200];

/* ---------------------------------------------------------------- what is found */

static void add(char *text, size_t room, const char *format, va_list values)
{
    size_t n = strlen(text);
    if (n > 0) n += (size_t)snprintf(text + n, room - n, ", ");
    if (n < room) vsnprintf(text + n, room - n, format, values);
}

static void fact(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(facts, sizeof facts, format, values);
    va_end(values);
}

static void need(bool good, const char *format, ...)
{
    va_list values;
    if (good) return;
    va_start(values, format);
    add(why, sizeof why, format, values);
    va_end(values);
}

static int of(int n)
{
    int part = (int)((long)n * percent / 100);
    return part > 0 ? part : 1;
}

static int size(struct crowd c)
{
    return c.to - c.from;
}

/* ---------------------------------------------------------------- waiting */

static struct crowd awaited;
static long         awaited_number;

static bool all_over(void)
{
    return crowd_count(awaited, OPENING) + crowd_count(awaited, OPEN) == 0;
}

static bool all_stuck(void)
{
    return crowd_stuck(awaited) == size(awaited);
}

static int  came;                       /* connections so far */
static bool all_came(void) { return counts->accepted >= came; }

static bool descriptors_are_back(void)
{
    return server_descriptors() <= awaited_number;
}

static void wait_over(struct crowd c, const char *what)
{
    awaited = c;
    until(all_over, what);
}

/* Everything that the crowd said was answered, with the same bytes */
static void need_served(struct crowd c, const char *who)
{
    wait_over(c, who);
    int served = crowd_count(c, SERVED), wrong = crowd_wrong(c), n = size(c);
    need(served == n, "%d of %d %s are served, %d are cut off", served, n, who, crowd_count(c, CUT));
    need(wrong == 0, "%d %s got other bytes", wrong, who);
}

static void need_descriptors(int n)
{
    awaited_number = n;
    until(descriptors_are_back, "descriptors come back");
    need(server_descriptors() == n, "%d descriptors instead of %d", server_descriptors(), n);
}

/* Nobody does anything: then neither does the queue, as soon as the kernel has moved what it still can */
static void need_quiet(const char *when)
{
    long waits = -1, before;
    for (int i = 0; i < 30 && waits != 0; i++) {
        before = counts->waits;
        settle(200);
        waits = counts->waits - before;
    }
    need(waits == 0, "%ld waits in 200 ms %s", waits, when);
}

/* Each wait has a reason: something moved, or a time was there, or somebody called */
static void need_no_spin(void)
{
    long reasons = counts->moved + counts->accepted + counts->closes + counts->timers + counts->posts + counts->signals
        + counts->idle + counts->slow + 2 * counts->rests + 64;
    need(counts->waits <= reasons, "%ld waits for %ld reasons", (long)counts->waits, reasons);
    need(counts->again <= 2 * reasons, "%ld calls in vain, for %ld reasons", (long)counts->again, reasons);
}

/* The memory of a process is not all that its clients can take: what was sent and is not read is the kernel's */
static void need_little_unread(long bytes_each)
{
    need(bytes_each < 512 << 10, "the kernel keeps %ld KiB unread for each", bytes_each >> 10);
    fact("the kernel keeps %ld KiB unread for each", bytes_each >> 10);
}

/* ---------------------------------------------------------------- a scenario */

static struct manner polite(int messages, size_t bytes)
{
    return (struct manner){ .goal = (size_t)messages * bytes, .message = bytes, .chunk = bytes };
}

static struct manner in_pieces(size_t goal, size_t message, size_t chunk)
{
    return (struct manner){ .goal = goal, .message = message, .chunk = chunk };
}

/* It sends as long as it can, and never reads */
static struct manner deaf_with(size_t goal, int room)
{
    return (struct manner){ .goal = goal, .message = goal, .chunk = 65536, .deaf = true, .room = room };
}

/* It sends so much, ends its half, and reads on to the end */
static struct manner that_shuts(size_t goal, size_t message, bool deaf)
{
    return (struct manner){ .goal = goal, .message = message, .chunk = 1000, .shuts = true, .deaf = deaf };
}

static bool begin(int descriptors, const char *options)
{
    static char copy[256];
    int n = 0;
    words[n++] = command;
    if (ours) {
        snprintf(copy, sizeof copy, "%s", options);
        for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) words[n++] = word;
    } else {
        words[n++] = copy;
        strcpy(copy, "0");
    }
    words[n] = NULL;
    return server_begin(said, words, descriptors);
}

/* Connections, megabytes echoed, waits, memory in KiB and descriptors before and afterwards */
static void measured(long most)
{
    snprintf(measures, sizeof measures, "%ld | %.1f | %ld | %ld to %ld | %d, %d", (long)counts->accepted,
        (double)counts->sent / 1e6, (long)counts->waits, server.memory, most, server.descriptors, server_descriptors());
}

/* Everybody leaves. What the server got, it gave back; the library took memory once, for the queue */
static void end(void)
{
    struct crowd all = { 0, npeers };
    crowd_close(all, false);
    if (hang == NULL) need_descriptors(server.descriptors);
    long most = server_memory("VmHWM"), grown = most - server.memory;
    need(grown <= 6 * (long)npeers + 1024 + spare, "%ld KiB more for %d peers", grown, npeers);
    need_no_spin();
    measured(most);
    int status = server_end();
    need(status == 0, "the server ends with status %d", status);
    need(counts->allocations == 1, "the library takes memory %ld times", (long)counts->allocations);
}

/* ---- many at once */

static void hold(void)
{
    int n = of(ours ? 9000 : 4500);
    if (!begin(0, "")) return;
    struct crowd c = crowd_open(n, polite(5, 64));
    need_served(c, "peers");
    int open = server_descriptors() - server.descriptors;
    long each = (server_memory("VmRSS") - server.memory) * 1024 / n, most = server_memory("VmHWM");
    need(open == n, "%d connections are open", open);
    fact("%d at once, %ld messages answered, %ld bytes of memory for a connection", n, crowd_answered(c), each);
    need_quiet("with all idle");

    struct crowd one = { c.from + n / 2, c.from + n / 2 + 1 };
    long waits = counts->waits, answered = crowd_answered(one);
    crowd_start(one, 1000 * 64, false);
    need_served(one, "active peers");
    waits = counts->waits - waits;
    need(crowd_answered(one) - answered == 1000 && waits <= 2050, "%ld waits for 1000 messages of one", waits);
    fact("1000 messages of one among the idle: %ld waits", waits);

    crowd_close((struct crowd){ c.from, c.from + n / 2 }, false);
    crowd_close((struct crowd){ c.from + n / 2, c.to }, true);
    if (hang == NULL) need_descriptors(server.descriptors);
    struct crowd again = crowd_open(n, polite(2, 64));
    need_served(again, "peers of the second crowd");
    long later = server_memory("VmHWM");
    need(later <= most + most / 20 + 256 + spare, "a second crowd takes %ld KiB instead of %ld", later, most);
    fact("second crowd of %d: %ld KiB instead of %ld", n, later, most);
    end();
}

/* ---- peers that do not read */

static void slow(void)
{
    int n = of(200);
    if (!begin(0, "-s 700")) return;
    struct crowd bad = crowd_open(n, deaf_with(64 << 20, 2048));
    struct crowd good = crowd_open(of(100), polite(200, 512));
    need_served(good, "good peers");
    awaited = bad;
    if (ours) {
        until(all_over, "slow readers are left");
        need(counts->slow == n && counts->lost == 0, "%ld slow readers, %ld others are left", (long)counts->slow,
            (long)counts->lost);
        fact("%ld slow readers left by the server", (long)counts->slow);
    } else {
        until(all_stuck, "slow readers are stuck");
        need_quiet("with slow readers");
        fact("%d slow readers kept", crowd_stuck(bad));
    }
    need_little_unread((counts->sent - 102400L * size(good)) / n);
    crowd_close(bad, true);
    fact("%ld of %d messages of good peers answered", crowd_answered(good), 200 * size(good));
    end();
}

/* ---- peers that say half, or nothing */

static void half(void)
{
    if (!begin(0, "-i 2000")) return;
    struct crowd silent = crowd_open(of(500), polite(0, 0));
    struct crowd good = crowd_open(of(50), that_shuts(20000, 100, false));
    struct crowd ended = crowd_open(of(500), that_shuts(0, 0, false));
    struct crowd last = crowd_open(of(100), polite(1, 2000));
    need_served(last, "peers before their last words");
    kill(server.pid, SIGSTOP);          /* bytes and the end are one event */
    crowd_start(last, 2000, true);
    kill(server.pid, SIGCONT);
    need_served(last, "peers with their last words");
    struct crowd halves = crowd_open(of(500), that_shuts(20000, 20000, false));
    need_served(good, "good peers");
    need_served(halves, "peers that end their half and read on");
    need_served(ended, "peers that end at once");
    fact("%d ended their half after 20000 bytes, %d with their last bytes, %d at once: all bytes, then the end",
        size(halves), size(last), size(ended));
    if (ours) {
        wait_over(silent, "silent peers are left");
        need(crowd_count(silent, ENDED) == size(silent), "%d silent peers are left", crowd_count(silent, ENDED));
        need(counts->idle == size(silent), "%ld are left as idle", (long)counts->idle);
        fact("%d silent ones left by the server", crowd_count(silent, ENDED));
    }
    end();
}

/* ---- resets in each state */

static void reset(void)
{
    int n = of(200);
    if (!begin(0, "")) return;
    struct crowd good = crowd_open(of(100), polite(400, 200));
    struct crowd mute = crowd_open(n, polite(0, 0));
    struct crowd deaf = crowd_open(n / 4 + 1, deaf_with(64 << 20, 2048));
    struct crowd closing = crowd_open(n, that_shuts(3000, 3000, true));
    struct crowd idle = crowd_open(n, polite(3, 100));
    need_served(idle, "peers before their reset");
    awaited = deaf;
    until(all_stuck, "the server cannot send");
    for (int i = 0; i < 4; i++) crowd_close(crowd_open(n / 4, in_pieces(1 << 24, 1 << 24, 4000)), true);
    crowd_close(mute, true);
    crowd_close(closing, true);
    crowd_close(idle, true);
    crowd_close(deaf, true);
    need_served(good, "good peers");
    fact("%d resets: silent %d, in mid-message %d, unread %d, after the end %d, between messages %d",
        3 * n + n / 4 * 4 + size(deaf), n, n / 4 * 4, size(deaf), n, n);
    fact("%ld of %d messages of good peers answered", crowd_answered(good), 400 * size(good));
    need_descriptors(server.descriptors + size(good));
    end();
}

/* ---- storms of connections */

static void connect_and(int n, bool reset)
{
    for (int i = 0; i < n && hang == NULL; i++) {
        int s = dial(true, 0);
        if (s < 0) hang = "a connection";
        else close_socket(s, reset);
        came++;
        if (i % 32 == 31) {
            turn(0);
            if (came > counts->accepted + 1000) until(all_came, "connections are accepted");
        }
    }
}

/* The server stands still while they come and go: it accepts what is gone already */
static void before_it_looks(int n, bool reset)
{
    until(all_came, "connections are accepted");
    kill(server.pid, SIGSTOP);
    for (int i = 0; i < n && hang == NULL; i++) {
        int s = dial(true, 0);
        if (s < 0) hang = "a connection to a server that stands still";
        else close_socket(s, reset);
    }
    came += n;
    kill(server.pid, SIGCONT);
    until(all_came, "what is gone is accepted");
}

static void storm(void)
{
    int n = of(4000);
    if (!begin(0, "")) return;
    struct crowd good = crowd_open(of(50), polite(of(2000), 100));
    came = size(good);
    connect_and(n, false);
    connect_and(n, true);
    before_it_looks(of(1000), false);
    before_it_looks(of(1000), true);
    need_served(good, "good peers");
    need_descriptors(server.descriptors + size(good));
    need(counts->accepted == came, "%ld of %d accepted", (long)counts->accepted, came);
    need(counts->accepts <= 2 * came + 10, "%ld attempts to accept for %d", (long)counts->accepts, came);
    fact("%d connections closed at once, %d reset at once, %d and %d before they were accepted; %ld attempts to accept",
        n, n, of(1000), of(1000), (long)counts->accepts);
    fact("%ld of %d messages of good peers answered", crowd_answered(good), of(2000) * size(good));
    end();
}

/* ---- a byte at a time, and megabytes */

static void drip(void)
{
    if (!begin(0, "")) return;
    struct crowd steps = crowd_open(of(100), in_pieces(300, 1, 1));
    struct crowd bursts = crowd_open(of(100), in_pieces(3000, 3000, 1));
    struct crowd good = crowd_open(of(50), polite(200, 400));
    need_served(good, "good peers");
    need_served(steps, "peers that wait for each byte");
    need_served(bursts, "peers that send single bytes");
    fact("%d bytes one by one, each awaited; %d in a row; %ld receives", 300 * size(steps), 3000 * size(bursts),
        (long)counts->receives);
    end();
}

static void pipeline(void)
{
    const size_t goal = 12 << 20;
    if (!begin(0, "")) return;
    struct crowd c = crowd_open(of(20), deaf_with(goal, 65536));
    awaited = c;
    until(all_stuck, "senders that do not read are stuck");
    struct crowd good = crowd_open(of(100), polite(200, 400));
    need_served(good, "good peers");
    need_quiet("with buffers full both ways");
    need_little_unread((counts->sent - 80000L * size(good)) / size(c));
    fact("%d senders stuck, %ld messages of good peers answered meanwhile", size(c), crowd_answered(good));
    crowd_listen(c);
    need_served(c, "senders that read late");
    end();
}

/* ---- no descriptors, no table, no room to wait in */

/* Attempts are rare: one after each rest of 20 ms. Nothing is early, so the time that passed is a limit */
static void need_rare(int ms, const char *while_what)
{
    struct timespec from, to;
    long accepts = counts->accepts, waits = counts->waits;
    clock_gettime(CLOCK_MONOTONIC, &from);
    settle(ms);
    clock_gettime(CLOCK_MONOTONIC, &to);
    long passed = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    accepts = counts->accepts - accepts;
    waits = counts->waits - waits;
    need(accepts <= passed / 20 + 2, "%ld attempts to accept in %ld ms, %s", accepts, passed, while_what);
    need(waits <= 2 * (passed / 20 + 2), "%ld waits in %ld ms, %s", waits, passed, while_what);
    fact("%s: %ld attempts, %ld waits in %ld ms", while_what, accepts, waits, passed);
}

static bool some_failed(void)
{
    return counts->accepts > counts->accepted + 3 && crowd_count(awaited, SERVED) == counts->accepted;
}

static void descriptors(void)
{
    const int most = 64;
    if (!begin(most, "")) return;
    struct crowd first = crowd_open(most, polite(10, 64));
    awaited = first;
    until(some_failed, "all descriptors are in use");
    int room = (int)counts->accepted;
    need(room == most - server.descriptors, "%d of %d are served", room, most - server.descriptors);
    need_rare(400, "without a descriptor");
    struct crowd in = { first.from, first.from + room };
    crowd_start(in, 640, false);
    need_served(in, "peers that are in");
    struct crowd late = crowd_open(80, that_shuts(640, 64, false));
    crowd_close(in, false);
    need_served(late, "peers that waited for a descriptor");
    struct crowd rest = { first.from + room, first.to };
    need_served(rest, "others that waited");
    fact("%d connections for %d descriptors, %d waited and were served", size(first) + size(late), room,
        size(late) + size(rest));
    end();
}

static void no_table(long error, const char *name)
{
    counts->accept_error = error;
    struct crowd c = crowd_open(20, polite(10, 64));
    need_rare(200, name);
    need(crowd_count(c, SERVED) == 0, "somebody is served in spite of %s", name);
    counts->accept_error = 0;
    need_served(c, name);
}

static bool room_is_back(void) { return counts->watched <= awaited_number; }

static void tables(void)
{
    int n = of(100);
    if (!begin(0, "")) return;
    struct crowd good = crowd_open(20, polite(10, 64));
    need_served(good, "good peers");
    no_table(ENFILE, "ENFILE");
    no_table(ENOMEM, "ENOMEM");
    no_table(ENOBUFS, "ENOBUFS");
    if (counts->watched == 0) {         /* not epoll */
        end();
        return;
    }
    counts->room = counts->watched + n;
    awaited_number = counts->room - n;
    struct crowd in = crowd_open(n, polite(10, 64));
    need_served(in, "peers that are watched");
    struct crowd out = crowd_open(n, polite(0, 0));
    wait_over(out, "who cannot be watched is left");
    need(counts->refused == size(out) && crowd_count(out, SERVED) == 0, "%ld are refused, %d are left",
        (long)counts->refused, crowd_count(out, ENDED));
    need(!ours || counts->shed == size(out), "%ld are shed", (long)counts->shed);
    crowd_start(good, 6400, false);
    need_served(good, "good peers, with the table full");
    crowd_close(in, false);
    until(room_is_back, "room in the table comes back");
    struct crowd next = crowd_open(n, polite(10, 64));
    need_served(next, "peers that find room again");
    fact("epoll's table full (ENOSPC): %d left by the server, %d in and %d later served", size(out), size(in), size(next));
    end();
}

static void backlog(void)
{
    int n = 24;
    if (!begin(0, "-m 4 -b 16")) return;
    struct crowd c = crowd_open(n, that_shuts(6400, 64, false));
    need_served(c, "peers");
    need(counts->most <= 4, "%ld at a time", (long)counts->most);
    fact("%d peers at a backlog of 16, at most %ld connections at a time", n, (long)counts->most);
    end();
}

/* ---- with time, threads and signals */

static void timers(void)
{
    char options[32];
    snprintf(options, sizeof options, "-t %d -i 600000", of(5000));
    if (!begin(0, options)) return;
    struct crowd c = crowd_open(of(1000), polite(100, 64));
    need_served(c, "peers");
    settle(500);
    need(counts->early == 0 && counts->timers > of(5000), "%ld timers, %ld of them early", (long)counts->timers,
        (long)counts->early);
    fact("%d timers in circulation came back %ld times, never early, beside %ld messages, each with a deadline", of(5000),
        (long)counts->timers, crowd_answered(c));
    end();
}

static bool all_posted(void) { return counts->posts == awaited_number; }

static void posts(void)
{
    if (!begin(0, "-p 8")) return;
    struct crowd c = crowd_open(of(500), polite(100, 64));
    need_served(c, "peers");
    awaited_number = 8 * 20000;
    until(all_posted, "everything posted comes back");
    settle(50);
    need(counts->posts == awaited_number && counts->posted >= awaited_number, "%ld posts came back", (long)counts->posts);
    fact("8 threads posted %ld operations beside %ld messages, each came back once", (long)counts->posts,
        crowd_answered(c));
    end();
}

static void signals(void)
{
    if (!begin(0, "")) return;
    struct crowd c = crowd_open(of(500), polite(100, 64));
    int sent = 0;
    for (; sent < of(20000); turn(0))
        for (int i = 0; i < 20; i++) sent += kill(server.pid, SIGUSR1) == 0;
    need_served(c, "peers");
    settle(50);
    need(counts->signals > 0 && counts->woken > 0 && counts->woken <= counts->signals, "%ld signals woke it %ld times",
        (long)counts->signals, (long)counts->woken);
    fact("%d signals sent, %ld handled, each a wake; %ld waits woken; %ld messages answered", sent, (long)counts->signals,
        (long)counts->woken, crowd_answered(c));
    end();
}

/* ---- the end, with everything going on */

/* While another thread is in the middle of a post the queue is not empty, and its owner asks again: for as long as that
   thread is kept from its processor. Without threads the waits have a limit */
static void stop_with(int threads)
{
    char options[32];
    snprintf(options, sizeof options, "-t %d -p %d", of(5000), threads);
    if (!begin(0, options)) return;
    crowd_open(of(1000), polite(0, 0));
    crowd_open(of(100), deaf_with(64 << 20, 2048));
    struct crowd busy = crowd_open(of(1500), in_pieces(1 << 30, 4000, 4000));
    came = npeers;
    until(all_came, "everybody is in");
    settle(100);
    long inside = counts->submitted - counts->returned, most = server_memory("VmHWM");
    int status = server_end();
    for (int i = 0; i < 50; i++) turn(1);
    struct crowd all = { 0, npeers };
    wait_over(all, "everybody hears of the end");
    long waits = counts->waits - counts->shutdown_at;
    need(status == 0, "the server ends with status %d", status);
    need(crowd_wrong(busy) == 0, "%d got other bytes", crowd_wrong(busy));
    need(threads > 0 || waits <= inside / 32 + 64, "%ld waits from the shutdown to the end", waits);
    need(counts->submitted == counts->returned && counts->allocations == 1, "%ld handed over, %ld came back",
        (long)counts->submitted, (long)counts->returned);
    fact("%d connections, %d timers, %d posting threads; %ld operations inside, all of %ld came back once", npeers, of(5000),
        threads, inside, (long)counts->returned);
    fact("%ld waits from the shutdown to the close, all %d peers heard of it", waits, npeers);
    snprintf(measures, sizeof measures, "%ld | %.1f | %ld | %ld to %ld | %d, none", (long)counts->accepted,
        (double)counts->sent / 1e6, (long)counts->waits, server.memory, most, server.descriptors);
}

static void stop(void) { stop_with(0); }
static void stop_posts(void) { stop_with(8); }

/* ---------------------------------------------------------------- */

static const struct {
    const char *name, *attack;
    void      (*run)(void);
    bool        for_all;                /* also for echod */
} scenarios[] = {
    { "hold", "connections at once", hold, true },
    { "slow", "readers that never read, 2 KiB of buffer", slow, true },
    { "half", "half-open and silent peers", half, true },
    { "reset", "resets in each state", reset, true },
    { "storm", "storms of connections", storm, true },
    { "drip", "a byte at a time", drip, true },
    { "pipeline", "megabytes sent, none read", pipeline, true },
    { "descriptors", "no descriptor left", descriptors, true },
    { "tables", "full tables of the kernel", tables, true },
    { "backlog", "a full backlog", backlog, false },
    { "timers", "thousands of timers", timers, false },
    { "posts", "a flood of posts", posts, false },
    { "signals", "a storm of signals", signals, false },
    { "stop", "shutdown under load", stop, false },
    { "stop_posts", "shutdown under load and posts", stop_posts, false },
};

static void map_counts(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *at = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *counts) == 0)
        at = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        perror(name);
        exit(2);
    }
    counts = at;
    setenv("LOAD_COUNTS", name, 1);
}

static void run(size_t i)
{
    hang = NULL;
    facts[0] = why[0] = '\0';
    scenarios[i].run();
    need(hang == NULL, "not in time: %s", hang);
    if (hang != NULL) kill(server.pid, SIGKILL);
    crowd_close((struct crowd){ 0, npeers }, true);
    if (why[0] == '\0') {
        printf("ok - load, %s: %s: %s (%s)\n", title, scenarios[i].attack, facts, measures);
        printf("row | %s | %s | %s | %s\n", title, scenarios[i].attack, facts, measures);
    } else {
        printf("not ok - load, %s: %s: %s\n", title, scenarios[i].attack, why);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (argc < 6) return 2;
    title = argv[1];
    percent = atoi(argv[2]);
    if (getenv("LOAD_SPARE") != NULL) spare = atol(getenv("LOAD_SPARE"));
    map_counts(argv[3]);
    snprintf(said, sizeof said, "%s.said", argv[3]);
    snprintf(command, sizeof command, "%s", argv[5]);
    ours = strstr(command, "server") != NULL;
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(argv[4], scenarios[i].name) == 0 || (strcmp(argv[4], "all") == 0 && (ours || scenarios[i].for_all)))
            run(i);
    return 0;
}
