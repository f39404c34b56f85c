/* Tangled from book/06-kqueue.md: kqueue. Edit the chapter, not this file. */

/* <<what a kqueue lab begins with>> (1 of 1), book/06-kqueue.md: kqueue */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <unistd.h>

#define KEVENT(id, what, how) ((struct kevent){ \
    .ident = (uintptr_t)(id), .filter = (what), .flags = (how) })

/* <<it must not fail>> (1 of 1), book/06-kqueue.md: kqueue */
static int must(int result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}

/* <<say what there is>> (1 of 1), book/06-kqueue.md: kqueue */
/* <<say an event>> (1 of 1), book/06-kqueue.md: kqueue */
static void say_event(const struct kevent *e)
{
    switch (e->filter) {
    case EVFILT_READ:  printf("READ %d", (int)e->data); break;
    case EVFILT_WRITE: printf("WRITE"); break;
    case EVFILT_TIMER: printf("TIMER"); break;
    default:           printf("another filter"); break;
    }
    if (e->udata != NULL)
        printf(" for %s", (const char *)e->udata);
    if (e->flags & EV_EOF)
        printf(" EOF%s%s", e->fflags == 0 ? "" : ", ",
               e->fflags == 0 ? "" : sys_error_text((int)e->fflags));
}

static void look(int kq, const char *when)
{
    static const struct timespec now = { 0, 0 };
    struct kevent events[8];
    sys_poll(NULL, 0, 50);          /* what was sent has time to come */
    int n = must(kevent(kq, NULL, 0, events, 8, &now), "kevent");
    printf("%-30s ", when);
    for (int i = 0; i < n; i++) {
        printf("%s", i == 0 ? "" : ", ");
        say_event(&events[i]);
    }
    printf("%s\n", n == 0 ? "nothing" : "");
}
/* <<make one change>> (1 of 1), book/06-kqueue.md: kqueue */
static int change(int kq, struct kevent wanted)
{
    return kevent(kq, &wanted, 1, NULL, 0, NULL);
}
/* <<a result as words>> (1 of 1), book/06-kqueue.md: kqueue */
static const char *words(int result)
{
    return result < 0 ? sys_error_text(errno) : "ok";
}

int main(void)
{
    int kq = must(kqueue(), "kqueue");
    struct kevent e, timer = KEVENT(1, EVFILT_TIMER, EV_ADD);
    timer.data = 20;
    must(change(kq, timer), "TIMER");
    for (int i = 0; i < 3; i++)
        must(kevent(kq, NULL, 0, &e, 1, NULL), "kevent");
    printf("%-30s 3 events\n", "added once, waited 3 times:");
    sys_poll(NULL, 0, 300);         /* the program is busy */
    must(kevent(kq, NULL, 0, &e, 1, NULL), "kevent");
    printf("%-30s %s\n", "after 300 ms, data is",
           e.data > 5 ? "the number missed" : "1");
    /* <<once, and with a time of 0>> (1 of 1), book/06-kqueue.md: kqueue */
    timer.flags = EV_DELETE;
    must(change(kq, timer), "TIMER");
    timer.flags = EV_ADD | EV_ONESHOT;
    must(change(kq, timer), "TIMER");
    must(kevent(kq, NULL, 0, &e, 1, NULL), "kevent");
    timer.flags = EV_DELETE;
    printf("%-30s %s\n", "deleted after EV_ONESHOT:",
           words(change(kq, timer)));
    timer.flags = EV_ADD | EV_ONESHOT;
    timer.data = 0;
    printf("%-30s %s\n", "with a time of 0:", words(change(kq, timer)));
    look(kq, "  reported:");
    return 0;
}
