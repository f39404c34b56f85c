/* Tangled from book/13-what-still-blocks.md: What still blocks. Edit the chapter, not this file. */

/* <<what a lab on the queue begins with>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
#include "common/sys.h"
#include "minimio.h"
#include <stdio.h>
#include <stdlib.h>

/* <<it succeeds or the program ends>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static int must(const char *what, int result)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, mio_strerror(result));
        exit(1);
    }
    return result;
}
/* <<shut down, wait and close>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void end_queue(mio_queue *q)
{
    mio_op *done[8];
    must("shutdown", mio_queue_shutdown(q));
    while (mio_queue_wait(q, done, 8, -1) != MIO_ESHUTDOWN)
        ;
    must("close", mio_queue_close(q));
}
/* <<start a thread, or end>> (1 of 1), book/12-time-and-other-threads.md: Time and other threads */
static void start(sys_thread *t, void (*work)(void *), void *argument)
{
    if (sys_thread_start(t, work, argument) != 0) {
        fprintf(stderr, "cannot start a thread\n");
        exit(1);
    }
}
/* <<a job, and the thread for it>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
typedef struct job {
    mio_op op;                          /* a nop: there and back */
    void (*run)(void);                  /* NULL: the last one */
} job;

static mio_queue *home, *elsewhere;

static void send_job(job *j, mio_queue *to)
{
    mio_op_nop(&j->op);
    j->op.user = j;
    must("post", mio_queue_post(to, &j->op));
}
/* <<a job, and the thread for it>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void do_jobs(void *unused)
{
    static job hello;
    mio_op *op;
    (void)unused;
    must("open", mio_queue_open(&elsewhere, NULL));
    send_job(&hello, home);
    for (job *j; mio_queue_wait(elsewhere, &op, 1, -1) == 1; ) {
        j = op->user;
        if (j->run == NULL)
            break;
        j->run();
        send_job(j, home);
    }
    end_queue(elsewhere);
}
/* <<jobs that take long>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void take_long(void)
{
    sys_poll(NULL, 0, 50);              /* stands for a name, a disk */
}
/* <<listen to a timer meanwhile>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static mio_op tick;
static int    ticks;

static void begin_to_tick(void)
{
    must("timer", mio_timer(home, &tick, mio_now() + SYS_MS));
}

static void listen_until(int back)      /* so many jobs have come back */
{
    mio_op *op;
    while (back > 0) {
        must("wait", mio_queue_wait(home, &op, 1, -1));
        back -= op != &tick;
        ticks += op == &tick;
        if (op == &tick)
            begin_to_tick();
    }
}

int main(void)
{
    sys_thread thread;
    must("open", mio_queue_open(&home, NULL));
    start(&thread, do_jobs, NULL);
    must("hello", mio_queue_wait(home, &(mio_op *){ NULL }, 1, -1));
    begin_to_tick();
    /* <<three jobs, here and elsewhere>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
    static job jobs[4] = { { .run = take_long }, { .run = take_long },
                           { .run = take_long } };
    for (int i = 0; i < 3; i++)
        jobs[i].run();
    printf("here: the timer ticked %d times\n", ticks);
    for (int i = 0; i < 3; i++)
        send_job(&jobs[i], elsewhere);
    listen_until(3);
    printf("elsewhere: %s\n", ticks > 50 ? "all the time" : "too seldom");
    send_job(&jobs[3], elsewhere);
    sys_thread_join(&thread);
    end_queue(home);
    return 0;
}
