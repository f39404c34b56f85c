/* Tangled from book/14-proving-it.md: Proving it. Edit the chapter, not this file. */

#include <stdio.h>
#include <stdlib.h>

enum { TIMES = 1000, EVERY = 2 };

/* <<a server that once stands still>> (1 of 1), book/14-proving-it.md: Proving it */
static int answered(int asked, int free)    /* when; in ms */
{
    int begins = asked > free ? asked : free;
    if (begins >= 1000 && begins < 1500)
        begins = 1500;
    return begins + 1;
}
/* <<ask when there was an answer>> (1 of 1), book/14-proving-it.md: Proving it */
static void ask_in_turn(int *waited)
{
    int asked = 0;
    for (int i = 0; i < TIMES; i++) {
        int at = answered(asked, 0);
        waited[i] = at - asked;
        asked = at > asked + EVERY ? at : asked + EVERY;
    }
}
/* <<ask when it is time>> (1 of 1), book/14-proving-it.md: Proving it */
static void ask_on_time(int *waited)
{
    int free = 0;
    for (int i = 0; i < TIMES; i++) {
        int asked = i * EVERY;
        free = answered(asked, free);
        waited[i] = free - asked;
    }
}
/* <<say who waited how long>> (1 of 1), book/14-proving-it.md: Proving it */
static int by_size(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

static void say(const char *who, int *waited)
{
    qsort(waited, TIMES, sizeof *waited, by_size);
    printf("%-16s %11d %11d %5d\n", who, waited[TIMES * 90 / 100 - 1],
           waited[TIMES * 99 / 100 - 1], waited[TIMES - 1]);
}

int main(void)
{
    static int waited[TIMES];
    puts("milliseconds:      90 of 100   99 of 100   all");
    ask_in_turn(waited);
    say("after the answer", waited);
    ask_on_time(waited);
    say("when it is time", waited);
    return 0;
}
