/* Tangled from book/02-two-promises.md: Two promises. Edit the chapter, not this file. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* <<a pool of two buffers>> (1 of 1), book/02-two-promises.md: Two promises */
enum { SLOTS = 2, SLOT_SIZE = 24 };

static char pool[SLOTS][SLOT_SIZE];
static bool lent[SLOTS];

static int lend_slot(void)
{
    int slot = lent[0] ? 1 : 0;
    lent[slot] = true;
    return slot;
}

/* <<a request in the pretend kernel>> (1 of 1), book/02-two-promises.md: Two promises */
typedef struct pending {
    int  slot;
    bool cancel_asked;
    bool finished;
    int  result;            /* bytes, or -1 for cancelled */
} pending;

/* <<a turn of the pretend kernel>> (1 of 1), book/02-two-promises.md: Two promises */
static void kernel_turn(pending *p, const char *packet)
{
    if (packet == NULL && !p->cancel_asked)
        return;
    p->result = packet == NULL ? -1 : (int)strlen(packet) + 1;
    if (packet != NULL)
        memcpy(pool[p->slot], packet, (size_t)p->result);
    p->finished = true;
}

int main(int argc, char **argv)
{
    bool collect = argc > 1 && strcmp(argv[1], "collect") == 0;
    bool in_time = argc > 2 && strcmp(argv[2], "in-time") == 0;
    /* <<Alice asks for a packet and gives up>> (1 of 1), book/02-two-promises.md: Two promises */
    pending alice = { .slot = lend_slot() };
    printf("alice:  receive into slot %d\n", alice.slot);
    alice.cancel_asked = true;
    if (!collect)
        lent[alice.slot] = false;
    printf("alice:  cancel, and %s slot %d\n",
           collect ? "keep" : "return", alice.slot);
    /* <<Bob borrows a buffer and writes>> (1 of 1), book/02-two-promises.md: Two promises */
    int bob = lend_slot();
    strcpy(pool[bob], "pay carol 10");
    printf("bob:    write \"%s\" into slot %d\n", pool[bob], bob);
    /* <<the kernel has its turn>> (1 of 1), book/02-two-promises.md: Two promises */
    kernel_turn(&alice, in_time ? NULL : "pay mallory 99");
    printf("kernel: alice's receive is finished, result %d\n", alice.result);
    if (collect) {
        lent[alice.slot] = false;
        printf("alice:  completion taken, slot %d returned\n", alice.slot);
    }
    /* <<Bob reads what he wrote>> (1 of 1), book/02-two-promises.md: Two promises */
    printf("bob:    read \"%s\" from slot %d\n", pool[bob], bob);
    return 0;
}
