/* An echo server on libuv: one buffer for all reads, uv_try_write, and uv_write for what that leaves */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { ROOM = 4096 };

typedef struct leftover {
    uv_write_t request;
    char       text[];
} leftover;

static uv_loop_t *loop;
static char room[ROOM];

static void gone(uv_handle_t *h)
{
    free(h);
}

static void lend(uv_handle_t *h, size_t suggested, uv_buf_t *buffer)
{
    (void)h, (void)suggested;
    *buffer = uv_buf_init(room, ROOM);
}

static void written(uv_write_t *request, int status)
{
    uv_stream_t *s = request->handle;
    free(request);
    if (status < 0 && !uv_is_closing((uv_handle_t *)s))
        uv_close((uv_handle_t *)s, gone);
}

static void echo(uv_stream_t *s, ssize_t n, const uv_buf_t *buffer)
{
    if (n < 0) {
        uv_close((uv_handle_t *)s, gone);
        return;
    }
    uv_buf_t out = uv_buf_init(buffer->base, (unsigned)n);
    int sent = uv_try_write(s, &out, 1);
    if (sent == n)
        return;
    size_t done = sent > 0 ? (size_t)sent : 0, rest = (size_t)n - done;
    leftover *l = malloc(sizeof *l + rest);
    if (l == NULL)
        fail("malloc");
    memcpy(l->text, buffer->base + done, rest);
    out = uv_buf_init(l->text, (unsigned)rest);
    if (uv_write(&l->request, s, &out, 1, written) != 0)
        fail("uv_write");
}

static void welcome(uv_stream_t *listener, int status)
{
    uv_tcp_t *c = malloc(sizeof *c);
    if (status < 0 || c == NULL || uv_tcp_init(loop, c) != 0)
        fail("accept");
    if (uv_accept(listener, (uv_stream_t *)c) != 0 || uv_read_start((uv_stream_t *)c, lend, echo) != 0)
        uv_close((uv_handle_t *)c, gone);
}

int main(int argc, char **argv)
{
    uv_tcp_t listener;
    int s = listen_on(argc == 2 ? argv[1] : "");
    loop = uv_default_loop();
    if (uv_tcp_init(loop, &listener) != 0 || uv_tcp_open(&listener, s) != 0
            || uv_listen((uv_stream_t *)&listener, 4096, welcome) != 0)
        fail("listen");
    say_port(s);
    return uv_run(loop, UV_RUN_DEFAULT);
}
