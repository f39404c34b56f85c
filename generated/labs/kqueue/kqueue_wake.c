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
/* <<a way to wake a thread>> (1 of 2), book/06-kqueue.md: kqueue */
typedef struct waker {
    int kq;
    int pipe[2];                    /* -1: EVFILT_USER is used */
} waker;

static int wake(waker *w)
{
    struct kevent user = KEVENT(0, EVFILT_USER, 0);
    user.fflags = NOTE_TRIGGER;
    if (w->pipe[0] < 0)
        return change(w->kq, user);
    return write(w->pipe[1], "", 1) < 0 && errno != EAGAIN ? -1 : 0;
}
/* <<a way to wake a thread>> (2 of 2), book/06-kqueue.md: kqueue */

static int wake_open(waker *w, int kq)
{
    w->kq = kq;
    w->pipe[0] = w->pipe[1] = -1;
    if (change(kq, KEVENT(0, EVFILT_USER, EV_ADD | EV_CLEAR)) == 0)
        return 0;
    if (errno != EINVAL || pipe(w->pipe) < 0
            || sys_nonblocking(w->pipe[0]) < 0
            || sys_nonblocking(w->pipe[1]) < 0)
        return -1;
    return change(kq, KEVENT(w->pipe[0], EVFILT_READ, EV_ADD));
}

static void woken(const waker *w)
{
    char bytes[64];
    while (w->pipe[0] >= 0 && read(w->pipe[0], bytes, sizeof bytes) > 0)
        continue;                   /* until the pipe is empty */
}
/* <<wake from another thread>> (1 of 1), book/06-kqueue.md: kqueue */
static void wake_later(void *argument)
{
    sys_poll(NULL, 0, 100);         /* so that the other one sleeps */
    must(wake(argument), "wake");
}

int main(void)
{
    int kq = must(kqueue(), "kqueue");
    struct kevent e[8];
    waker w;
    must(wake_open(&w, kq), "wake_open");
    printf("through %s\n", w.pipe[0] < 0 ? "EVFILT_USER" : "a pipe");
    for (int i = 0; i < 3; i++)
        must(wake(&w), "wake");
    int n = must(kevent(kq, NULL, 0, e, 8, NULL), "kevent");
    woken(&w);
    printf("%-30s %d event\n", "3 wake-ups, then a wait:", n);
    /* <<wait for the other thread>> (1 of 1), book/06-kqueue.md: kqueue */
    sys_thread thread;
    if (sys_thread_start(&thread, wake_later, &w) != 0)
        return 1;
    n = must(kevent(kq, NULL, 0, e, 8, NULL), "kevent");
    woken(&w);
    printf("%-30s %d event\n", "from another thread:", n);
    sys_thread_join(&thread);
    look(kq, "and then:");
    return 0;
}
