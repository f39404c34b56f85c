/* No loop: a thread that waits on a condition */
#include "common.h"
#include "wake.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct loop {
    pthread_mutex_t lock;
    pthread_cond_t  condition;
    bool            pending, stopped;
    void          (*called)(void *);
    void           *user;
};

loop *loop_open(void (*called)(void *), void *user)
{
    loop *l = calloc(1, sizeof *l);
    if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0 || pthread_cond_init(&l->condition, NULL) != 0)
        fail("condition");
    l->called = called;
    l->user = user;
    return l;
}

void loop_call(loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->pending = true;
    pthread_cond_signal(&l->condition);
    pthread_mutex_unlock(&l->lock);
}

void loop_run(loop *l)
{
    while (!l->stopped) {
        pthread_mutex_lock(&l->lock);
        while (!l->pending)
            pthread_cond_wait(&l->condition, &l->lock);
        l->pending = false;
        pthread_mutex_unlock(&l->lock);
        l->called(l->user);
    }
}

void loop_stop(loop *l)
{
    l->stopped = true;
}
