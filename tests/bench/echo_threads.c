/* An echo server with a thread for each connection, which blocks in recv */
#define _DEFAULT_SOURCE                 /* glibc: POSIX */
#include "common.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096, STACK = 64 * 1024 };

static void *serve(void *user)
{
    int s = (int)(intptr_t)user;
    char text[ROOM];
    ssize_t n;
    while ((n = recv(s, text, ROOM, 0)) > 0)
        if (send(s, text, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    close(s);
    return NULL;
}

int main(int argc, char **argv)
{
    int listener = listen_on(argc == 2 ? argv[1] : ""), s;
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    fcntl(listener, F_SETFL, 0);
    say_port(listener);
    while ((s = accept(listener, NULL, NULL)) >= 0)
        if (pthread_create(&thread, &small, serve, (void *)(intptr_t)s) != 0)
            fail("pthread_create");
    fail("accept");
}
