/*
 * Guests of chat, four of them well-behaved: they hear every line of each other, in order and whole, whatever the others do
 *
 *   gossip FILE CHAT     FILE is for counts; prints lines like attack.c
 */
#define _GNU_SOURCE
#include "crowd.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GOOD = 4, LINES = 400, LENGTH = 400, AHEAD = 20, DEAF = 20, ROUNDS = 600, PLACES = 64 };

struct counts *counts;

static struct guest {
    int    fd;
    char   line[1024];
    size_t n, at;                       /* bytes of the line that comes; of the one that is said */
    int    said, heard[GOOD];           /* lines */
} guests[GOOD];

static char said[4096];                 /* the name of the file with chat's words */

static const char *wrong;               /* the first thing that was */

static void blame(const char *what)
{
    if (wrong == NULL) wrong = what;
}

/* Line i of guest k; what chat puts before it is another matter */
static int text_of(char *text, int k, int i)
{
    int n = snprintf(text, 64, "good %d %d ", k, i);
    while (n < LENGTH - 1) {
        text[n] = (char)('a' + (n * 7 + k * 3 + i) % 26);
        n++;
    }
    text[n++] = '\n';
    text[n] = '\0';
    return n;
}

static void take(struct guest *g, const char *line)
{
    const char *at = strstr(line, ": good ");
    char expected[LENGTH + 1];
    if (at == NULL) return;
    int k = atoi(at + 7);
    if (k < 0 || k >= GOOD || &guests[k] == g) {
        blame("a line from nobody");
        return;
    }
    text_of(expected, k, g->heard[k]++);
    if (strcmp(at + 2, expected) != 0) blame("a line that was not said, or not then");
}

static void hear(struct guest *g)
{
    char bytes[16384];
    ssize_t n = recv(g->fd, bytes, sizeof bytes, 0);
    if (n == 0) blame("a good guest is sent away");
    for (ssize_t i = 0; i < n; i++) {
        if (g->n == sizeof g->line - 1) g->n = 0;
        g->line[g->n++] = bytes[i];
        if (bytes[i] != '\n') continue;
        g->line[g->n] = '\0';
        take(g, g->line);
        g->n = 0;
    }
}

/* Nobody is further ahead than the others can follow */
static bool may_say(const struct guest *g)
{
    int k = (int)(g - guests);
    if (g->said == LINES) return false;
    for (int i = 0; i < GOOD; i++)
        if (i != k && guests[i].heard[k] < g->said - AHEAD) return false;
    return true;
}

static void say(struct guest *g)
{
    char text[LENGTH + 1];
    int length = text_of(text, (int)(g - guests), g->said);
    ssize_t n = send(g->fd, text + g->at, (size_t)length - g->at, MSG_NOSIGNAL);
    if (n > 0) g->at += (size_t)n;
    if (g->at < (size_t)length) return;
    g->at = 0;
    g->said++;
}

static void talk(int timeout_ms)
{
    struct pollfd p[GOOD];
    for (int i = 0; i < GOOD; i++)
        p[i] = (struct pollfd){ .fd = guests[i].fd, .events = (short)(POLLIN | (may_say(&guests[i]) ? POLLOUT : 0)) };
    poll(p, GOOD, timeout_ms);
    for (int i = 0; i < GOOD; i++) {
        if (p[i].revents & (POLLIN | POLLHUP | POLLERR)) hear(&guests[i]);
        if (p[i].revents & POLLOUT) say(&guests[i]);
    }
}

static bool all_heard(void)
{
    talk(1);
    for (int i = 0; i < GOOD; i++)
        for (int k = 0; k < GOOD; k++)
            if (i != k && guests[i].heard[k] < LINES) return wrong != NULL;
    return true;
}

static int awaited;
static bool all_came(void) { talk(0); return counts->accepted >= awaited; }
static bool all_gone(void) { return server_descriptors() <= awaited; }

/* One rude guest after another: cut in mid-line, a line without an end, the end of its half, or none of it */
static int rude(int round)
{
    static char flood[4096];
    int s = dial(true, 0);
    if (s < 0) return 0;
    memset(flood, 'x', sizeof flood);
    if (round % 4 == 0) send(s, "half a li", 9, MSG_NOSIGNAL);
    if (round % 4 == 1) send(s, flood, sizeof flood, MSG_NOSIGNAL);
    if (round % 4 == 2) {
        send(s, "a line without its end", 22, MSG_NOSIGNAL);
        shutdown(s, SHUT_WR);
    }
    close_socket(s, round % 3 == 0);
    return 1;
}

/* Lines of chat's own words with these */
static int told_of(const char *words)
{
    char line[256];
    int n = 0;
    FILE *f = fopen(said, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) n += strstr(line, words) != NULL;
    if (f != NULL) fclose(f);
    return n;
}

static bool all_met(void) { return told_of("has come") >= GOOD; }

static void meet(void)
{
    for (int i = 0; i < GOOD; i++) {
        guests[i].fd = dial(true, 0);
        fcntl(guests[i].fd, F_SETFL, O_NONBLOCK);
    }
    awaited = GOOD;
    until(all_met, "the good guests have come");
}

static void be_rude(int *deaf)
{
    for (int i = 0; i < DEAF; i++) deaf[i] = dial(true, 2048);
    awaited += DEAF;
    until(all_came, "the deaf guests have come");
    for (int i = 0; i < ROUNDS && hang == NULL && wrong == NULL; i++) {
        awaited += rude(i);
        talk(0);
        if (i % 16 == 15) until(all_came, "rude guests are let in");
    }
    until(all_came, "rude guests are let in");
    until(all_heard, "every line is heard");
}

/* The room is full, and becomes empty: who waited is let in. Is nothing done while all are silent? */
static long fill(const int *deaf)
{
    int silent[PLACES + 20];
    for (int i = 0; i < DEAF; i++) close_socket(deaf[i], true);
    awaited = (int)counts->accepted + PLACES - GOOD;
    for (int i = 0; i < PLACES + 20; i++) silent[i] = dial(true, 0);
    until(all_came, "the room is full");
    for (int i = 0; i < 20; i++) talk(5);
    long waits = counts->waits, accepted = counts->accepted;
    for (int i = 0; i < 40; i++) talk(5);
    waits = counts->waits - waits;
    if (counts->accepted != accepted) blame("somebody is let into a full room");
    for (int i = 0; i < PLACES + 20; i++) close_socket(silent[i], i % 2 == 0);
    return waits;
}

static bool map_counts(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counts) != 0) return false;
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return counts != MAP_FAILED && setenv("LOAD_COUNTS", name, 1) == 0;
}

int main(int argc, char **argv)
{
    static int deaf[DEAF];
    char facts[500], measures[200];
    if (argc != 3 || !map_counts(argv[1])) return 2;
    snprintf(said, sizeof said, "%s.said", argv[1]);
    if (!server_begin(said, (char *[]){ argv[2], "0", NULL }, 0)) blame(hang);
    meet();
    be_rude(deaf);
    long waits = fill(deaf);
    if (waits > 1) blame("waits in a silent room");
    for (int i = 0; i < GOOD; i++) close(guests[i].fd);
    awaited = server.descriptors;
    until(all_gone, "everybody has gone");
    long grown = server_memory("VmHWM") - server.memory, all = counts->waits;
    if (grown > PLACES * 80 + 1024) blame("more memory than for a full room");
    if (all > counts->moved + counts->accepts + counts->closes + 64) blame("waits without a reason");
    int descriptors = server_descriptors(), slow = told_of("reads too slowly"), status = server_end();
    if (slow != DEAF) blame("not every deaf guest is sent away");
    if (status != 0) blame("chat ends with an error");
    if (counts->allocations != 1) blame("the library takes memory while it works");
    if (hang != NULL || wrong != NULL) {
        printf("not ok - load, chat: %s%s (%d deaf sent away, %ld KiB more, %ld waits)\n",
            hang != NULL ? "not in time: " : "", hang != NULL ? hang : wrong, slow, grown, all);
        return 0;
    }
    snprintf(facts, sizeof facts, "%d good ones hear %d lines of each other, whole and in order, beside %d who never read "
        "(all sent away), %d who leave in mid-line, without a line's end or by reset, and %d silent ones in a full room", GOOD,
        LINES, DEAF, ROUNDS, PLACES - GOOD);
    snprintf(measures, sizeof measures, "%ld | %.1f | %ld | %ld to %ld | %d, %d", (long)counts->accepted,
        (double)counts->sent / 1e6, all, server.memory, server.memory + grown, server.descriptors, descriptors);
    printf("ok - load, chat: rude guests: %s (%s)\n", facts, measures);
    printf("row | chat | rude guests | %s | %s\n", facts, measures);
    return 0;
}
