/* Tangled from book/13-what-still-blocks.md: What still blocks. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* glibc: more than ISO C */
#define _NETBSD_SOURCE
#include "queue.h"
#include <stdlib.h>

/* <<threads of the system>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
#if defined(_WIN32)
/* <<threads of Windows>> (1 of 3), book/13-what-still-blocks.md: What still blocks */
#include <winsock2.h>                   /* it has to come before */
#include <windows.h>

typedef HANDLE pool_thread;
typedef struct gate { SRWLOCK lock; CONDITION_VARIABLE bell; } gate;

static void lock(gate *g)     { AcquireSRWLockExclusive(&g->lock); }
static void unlock(gate *g)   { ReleaseSRWLockExclusive(&g->lock); }
static void ring_one(gate *g) { WakeConditionVariable(&g->bell); }
static void ring_all(gate *g) { WakeAllConditionVariable(&g->bell); }

static void await_bell(gate *g)
{
    SleepConditionVariableSRW(&g->bell, &g->lock, INFINITE, 0);
}
/* <<threads of Windows>> (2 of 3), book/13-what-still-blocks.md: What still blocks */

static bool open_gate(gate *g)
{
    InitializeSRWLock(&g->lock);
    InitializeConditionVariable(&g->bell);
    return true;
}

static void close_gate(gate *g)
{
    (void)g;                            /* there is nothing to free */
}
/* <<threads of Windows>> (3 of 3), book/13-what-still-blocks.md: What still blocks */

static void serve_pool(mio_pool *);

static DWORD WINAPI run_thread(LPVOID pool)
{
    serve_pool(pool);
    return 0;
}

static bool begin_thread(pool_thread *t, mio_pool *p)
{
    *t = CreateThread(NULL, 0, run_thread, p, 0, NULL);
    return *t != NULL;
}

static void join_thread(pool_thread t)
{
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
}
#else
/* <<threads of Unix>> (1 of 3), book/13-what-still-blocks.md: What still blocks */
#include <pthread.h>
#include <signal.h>

typedef pthread_t pool_thread;
typedef struct gate { pthread_mutex_t lock; pthread_cond_t bell; } gate;

static void lock(gate *g)      { pthread_mutex_lock(&g->lock); }
static void unlock(gate *g)    { pthread_mutex_unlock(&g->lock); }
static void await_bell(gate *g) { pthread_cond_wait(&g->bell, &g->lock); }
static void ring_one(gate *g)  { pthread_cond_signal(&g->bell); }
static void ring_all(gate *g)  { pthread_cond_broadcast(&g->bell); }
/* <<threads of Unix>> (2 of 3), book/13-what-still-blocks.md: What still blocks */

static bool open_gate(gate *g)
{
    if (pthread_mutex_init(&g->lock, NULL) != 0)
        return false;
    if (pthread_cond_init(&g->bell, NULL) == 0)
        return true;
    pthread_mutex_destroy(&g->lock);
    return false;
}

static void close_gate(gate *g)
{
    pthread_cond_destroy(&g->bell);
    pthread_mutex_destroy(&g->lock);
}
/* <<threads of Unix>> (3 of 3), book/13-what-still-blocks.md: What still blocks */

static void serve_pool(mio_pool *);

static void *run_thread(void *pool)
{
    serve_pool(pool);
    return NULL;
}

/* A thread has its signals from who begins it: here, all are blocked */
static bool begin_thread(pool_thread *t, mio_pool *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(t, NULL, run_thread, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

static void join_thread(pool_thread t)
{
    pthread_join(t, NULL);
}
#endif

/* <<a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
enum { MOST_THREADS = 256 };

struct mio_pool {
    struct place place;                 /* first: a pool is a place */
    gate         gate;                  /* of all that follows */
    mio_op      *first, *last;          /* waiting for a thread */
    int          inside, room;          /* entered and not come back */
    bool         closing;
    int          threads;
    pool_thread  thread[];
};

enum { CALLED_OFF = 4, TOO_LATE = 8 };  /* op->flags of one that runs */

/* <<the line of a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* op->way, where the gate is locked */
enum { RUNS, WAITS };

static void append_work(mio_pool *p, mio_op *op)
{
    op->way = WAITS;
    op->next = NULL;
    op->previous = p->last;
    *(p->last == NULL ? &p->first : &p->last->next) = op;
    p->last = op;
}

static void take_work_out(mio_pool *p, mio_op *op)
{
    mio_op *before = op->previous, *after = op->next;
    op->way = RUNS;
    *(before == NULL ? &p->first : &before->next) = after;
    *(after == NULL ? &p->last : &after->previous) = before;
}

/* <<a thread of a pool>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
/* The next in line, or NULL: the pool is closing */
static mio_op *next_work(mio_pool *p)
{
    lock(&p->gate);
    while (p->first == NULL && !p->closing)
        await_bell(&p->gate);
    mio_op *op = p->first;
    if (op != NULL)
        take_work_out(p, op);
    unlock(&p->gate);
    return op;
}
/* <<a thread of a pool>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

static void serve_pool(mio_pool *p)
{
    for (mio_op *op; (op = next_work(p)) != NULL; ) {
        op->with.run(op);
        mio__send_back(op->reserved[HOME], op);
    }
}

/* <<join the line>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static bool join_line(mio_pool *p, mio_op *op)
{
    lock(&p->gate);
    bool room = p->inside < p->room;
    if (room) {
        p->inside++;
        append_work(p, op);
    }
    unlock(&p->gate);
    if (room)
        ring_one(&p->gate);
    return room;
}

/* <<leave the line>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* Does it still wait? Then it waits no more */
static bool leave_line(mio_pool *p, mio_op *op)
{
    lock(&p->gate);
    bool waits = op->way == WAITS;
    if (waits)
        take_work_out(p, op);
    unlock(&p->gate);
    return waits;
}

static void leave_pool(mio_pool *p)
{
    lock(&p->gate);
    p->inside--;
    unlock(&p->gate);
}

/* <<those that are away>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* The queue's list of those that are away, for its shutdown */
static void goes_away(mio_queue *q, mio_op *op)
{
    op->reserved[EARLIER] = NULL;
    op->reserved[LATER] = q->away;
    if (q->away != NULL)
        q->away->reserved[EARLIER] = op;
    q->away = op;
}

static void is_home(mio_queue *q, mio_op *op)
{
    mio_op *earlier = op->reserved[EARLIER], *later = op->reserved[LATER];
    if (earlier != NULL)
        earlier->reserved[LATER] = later;
    else
        q->away = later;
    if (later != NULL)
        later->reserved[EARLIER] = earlier;
    leave_pool(op->reserved[PLACE]);
}

/* <<enter a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void enter_pool(mio_queue *q, mio_op *op)
{
    op->result = 0;
    op->native = 0;
    op->reserved[HOME] = q;
    if (join_line(op->reserved[PLACE], op))
        goes_away(q, op);
    else
        mio__end(q, op, MIO_EAGAIN, 0);
}

/* <<stop what is in a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* One that runs stays, and is marked */
static void stop_work(mio_queue *q, mio_op *op, int code)
{
    if (leave_line(op->reserved[PLACE], op)) {
        is_home(q, op);
        mio__end(q, op, code, 0);
        return;
    }
    if (!(op->flags & (CALLED_OFF | TOO_LATE)))
        op->flags |= code == MIO_ETIMEDOUT ? TOO_LATE : CALLED_OFF;
    if (op->flags & DUE)
        mio__due_remove(q, op);
}

/* <<come back from a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void back_from_pool(mio_queue *q, mio_op *op)
{
    is_home(q, op);
    if (op->flags & CALLED_OFF)
        mio__end(q, op, MIO_ECANCELED, 0);
    else if (op->flags & TOO_LATE)
        mio__end(q, op, MIO_ETIMEDOUT, 0);
    else
        mio__finish(q, op);
}

/* <<end a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* Nobody is inside, so the threads have nothing to do */
static void end_pool(mio_pool *p)
{
    lock(&p->gate);
    p->closing = true;
    unlock(&p->gate);
    ring_all(&p->gate);
    while (p->threads > 0)
        join_thread(p->thread[--p->threads]);
    close_gate(&p->gate);
    free(p);
}

/* <<open a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static bool begin_threads(mio_pool *p, int wanted)
{
    while (p->threads < wanted && begin_thread(&p->thread[p->threads], p))
        p->threads++;
    return p->threads == wanted;
}

int mio_pool_open(mio_pool **opened, int threads, int room)
{
    *opened = NULL;
    if (threads < 1 || threads > MOST_THREADS || room < 1)
        return MIO_EINVAL;
    /* <<make a pool and begin its threads>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
    size_t each = sizeof(pool_thread);
    mio_pool *p = calloc(1, sizeof *p + (size_t)threads * each);
    if (p == NULL)
        return MIO_ENOMEM;
    p->place = (struct place){ enter_pool, stop_work, back_from_pool };
    p->room = room;
    if (!open_gate(&p->gate)) {
        free(p);
        return MIO_ENOMEM;
    }
    if (!begin_threads(p, threads)) {
        end_pool(p);
        return MIO_ENOMEM;
    }
    *opened = p;
    return 0;
}

/* <<close a pool>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
int mio_pool_close(mio_pool *p)
{
    lock(&p->gate);
    bool busy = p->inside > 0;
    unlock(&p->gate);
    if (busy)
        return MIO_EBUSY;
    end_pool(p);
    return 0;
}

/* <<work>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
void mio_op_work(mio_op *op, mio_pool *p, void (*run)(mio_op *))
{
    mio_op_nop(op);                     /* which sets all the rest */
    op->kind = p != NULL && run != NULL ? OP_WORK : OP_NONE;
    op->with.run = run;
    op->reserved[PLACE] = p;
}

int mio_work(mio_queue *q, mio_op *op, mio_pool *p, void (*run)(mio_op *))
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_work(op, p, run);
    return mio_queue_submit(q, op);
}
