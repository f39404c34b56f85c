/* Wake-ups by uv_async_send */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include "wake.h"
#include <stdlib.h>
#include <uv.h>

struct loop {
    uv_loop_t  loop;
    uv_async_t async;
    void     (*called)(void *);
    void      *user;
};

static void heard(uv_async_t *a)
{
    loop *l = a->data;
    l->called(l->user);
}

loop *loop_open(void (*called)(void *), void *user)
{
    loop *l = calloc(1, sizeof *l);
    if (l == NULL || uv_loop_init(&l->loop) != 0 || uv_async_init(&l->loop, &l->async, heard) != 0)
        fail("loop");
    l->async.data = l;
    l->called = called;
    l->user = user;
    return l;
}

void loop_call(loop *l)
{
    uv_async_send(&l->async);
}

void loop_run(loop *l)
{
    uv_run(&l->loop, UV_RUN_DEFAULT);
}

void loop_stop(loop *l)
{
    uv_stop(&l->loop);
}
