/*
 * random [-p MS] [-q] SEED [COUNT]     runs the programs of so many seeds; stops at a finding, cuts its program short, prints and keeps it
 * random [-p MS] FILE...               runs these
 * random -s SEED... or FILE...         prints the programs
 * random -w DIRECTORY SEED COUNT       writes those of at most 200 bytes into files, for libFuzzer
 *
 * -p MS    how long it waits for what ought to come (1000)
 * -q       a finding is told, and no more
 */
#include "random.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a run in a process of its own tells */
static struct said {
    uint64_t first, count, done;
    long steps, helped;
    bool found;
    int at;
    char finding[240];
    uint8_t bytes[BYTES];
    size_t size;
} *said;

enum { SECONDS = 30 };          /* the longest that a program may take */
static int64_t patience = 1000 * MS;
static bool quick;

static void keep_finding(void)
{
    said->found = true;
    said->at = run.at;
    memcpy(said->finding, run.finding, sizeof said->finding);
}

static void run_seeds(void *unused)
{
    (void)unused;
    for (; said->done < said->count; said->done++) {
        os_limit(SECONDS);
        said->size = program_from_seed(said->first + said->done, said->bytes);
        if (!run_program(said->bytes, said->size, patience)) {
            keep_finding();
            return;
        }
        said->steps = steps_done;
        said->helped = times_helped;
    }
}

static void run_bytes(void *unused)
{
    (void)unused;
    os_limit(SECONDS);
    if (!run_program(said->bytes, said->size, patience)) keep_finding();
}

/* In a process of its own: one that crashes or hangs has a finding, too */
static bool finds(void (*what)(void *))
{
    char why[80];
    said->found = false;
    if (os_apart(what, NULL, why, sizeof why)) return said->found;
    said->found = true;
    said->at = -1;
    snprintf(said->finding, sizeof said->finding, "the process %s", why);
    return true;
}

/* --- shorter ------------------------------------------------------------------------------------------ */

static uint8_t best[BYTES];
static size_t best_size;

static bool still(const uint8_t *bytes, size_t size)
{
    memcpy(said->bytes, bytes, size);
    said->size = size;
    if (!finds(run_bytes)) return false;
    memcpy(best, bytes, size);
    best_size = size;
    return true;
}

/* Leaves out steps: the half of them, quarters, ..., single ones, again and again while that helps */
static void fewer_steps(void)
{
    uint8_t less[BYTES];
    for (size_t part = (best_size - 4) / 8; part > 0; part /= 2)
        for (size_t at = 4; at + 4 * part <= best_size; ) {
            memcpy(less, best, at);
            memcpy(less + at, best + at + 4 * part, best_size - at - 4 * part);
            if (!still(less, best_size - 4 * part)) at += 4 * part;
        }
}

static void plainer_steps(void)
{
    uint8_t plain[BYTES];
    for (size_t at = 0; at < best_size; at++) {
        static const uint8_t masks[4][2] = { { 0x1F, 0x1F }, { 0x0F, 0x03 }, { 0, 0 }, { 0x0F, 0 } };
        for (int k = 0; k < 2; k++) {
            memcpy(plain, best, best_size);
            plain[at] &= at < 4 ? (k == 0 ? 0xF0 : 0x0F) : masks[at % 4][k];
            if (plain[at] != best[at]) still(plain, best_size);
        }
    }
}

static void shorten(void)
{
    size_t before = 0;
    if (!still(said->bytes, said->size)) return;
    for (int round = 0; round < 4 && best_size != before; round++) {
        before = best_size;
        fewer_steps();
        plainer_steps();
    }
}

static void keep(const char *name)
{
    FILE *f = fopen(name, "wb");
    if (f == NULL) return;
    fwrite(best, 1, best_size, f);
    fclose(f);
    printf("# kept in %s, which `random %s` runs again\n", name, name);
}

static void report(uint64_t seed)
{
    char name[64];
    int64_t usual = patience;
    struct said whole = *said;
    best_size = said->size;
    memcpy(best, said->bytes, best_size);
    if (patience > 200 * MS) patience = 200 * MS;
    shorten();
    patience = usual;
    if (!still(best, best_size)) *said = whole, best_size = whole.size, memcpy(best, whole.bytes, best_size);
    struct program p = program_of(best, best_size);
    printf("# of %zu steps these %d do it: %s\n", (whole.size - 4) / 4, p.count, said->finding);
    program_print(&p, said->at);
    snprintf(name, sizeof name, "random-%" PRIu64 ".program", seed);
    keep(name);
}

/* --- what is asked for ---------------------------------------------------------------------------------- */

static int seeds(uint64_t first, uint64_t count)
{
    int64_t begin = os_now();
    said->first = first;
    said->count = count;
    said->done = 0;
    bool found = finds(run_seeds);
    double took = (double)(os_now() - begin) / 1e9;
    if (found) {
        printf("# seed %" PRIu64 ", after %" PRIu64 " programs: %s\n", first + said->done, said->done + 1, said->finding);
        fflush(stdout);
        if (!quick) report(first + said->done);
        return 1;
    }
    printf("# seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " programs, %ld steps, no finding, %.0f programs/s\n", first,
           first + count - 1, count, said->steps, (double)count / took);
    if (said->helped > 0) printf("# a send whose cancellation was lost had to be helped, %ld times\n", said->helped);
    return 0;
}

static bool read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (f == NULL) return false;
    said->size = fread(said->bytes, 1, BYTES, f);
    fclose(f);
    return true;
}

static int file(const char *name)
{
    if (!read_file(name)) {
        fprintf(stderr, "random: cannot read %s\n", name);
        return 2;
    }
    if (!finds(run_bytes)) return 0;
    struct program p = program_of(said->bytes, said->size);
    printf("# %s: %s\n", name, said->finding);
    program_print(&p, said->at);
    return 1;
}

static int files(int count, char **names)
{
    int bad = 0;
    for (int i = 0; i < count; i++) bad |= file(names[i]);
    if (bad == 0) printf("# %d files: no finding\n", count);
    return bad;
}

static bool is_number(const char *text) { return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0'; }
static uint64_t number(const char *text) { return strtoull(text, NULL, 10); }

static int show(const char *what)
{
    if (is_number(what)) said->size = program_from_seed(number(what), said->bytes);
    else if (!read_file(what)) return 2;
    struct program p = program_of(said->bytes, said->size);
    program_print(&p, -1);
    return 0;
}

static int write_seeds(const char *directory, uint64_t first, uint64_t count)
{
    char name[256];
    for (uint64_t seed = first; seed < first + count; seed++) {
        size_t size = program_from_seed(seed, said->bytes);
        snprintf(name, sizeof name, "%s/%" PRIu64, directory, seed);
        FILE *f = size <= 200 ? fopen(name, "wb") : NULL;
        if (f == NULL) continue;
        fwrite(said->bytes, 1, size, f);
        fclose(f);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int bad = 0;
    said = os_shared(sizeof *said);
    for (argc--, argv++; argc > 0 && argv[0][0] == '-'; argc--, argv++) {
        switch (argv[0][1]) {
        case 'q': quick = true; break;
        case 'p':
            if (argc < 2) return 2;
            patience = atoi(argv[1]) * MS;
            argc--, argv++;
            break;
        case 'w': return argc == 4 ? write_seeds(argv[1], number(argv[2]), number(argv[3])) : 2;
        default:
            while (--argc > 0) bad |= show(*++argv);
            return bad;
        }
    }
    if (argc == 0) {
        fprintf(stderr, "random [-p MS] [-q] SEED [COUNT] | FILE...\n");
        return 2;
    }
    if (!is_number(argv[0])) return files(argc, argv);
    return seeds(number(argv[0]), argc > 1 ? number(argv[1]) : 1);
}
