/* Tangled from book/05-epoll.md: epoll. Edit the chapter, not this file. */

#include "common/sys.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* <<a loopback address>> (1 of 1), book/01-waiting.md: Waiting */
static struct sockaddr_in loopback(int port_number)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port_number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/* <<the result or the end>> (1 of 1), book/05-epoll.md: epoll */
static int must(const char *call, long result)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return (int)result;
}
/* <<a connected pair>> (1 of 1), book/05-epoll.md: epoll */
static void pair(int s[2])
{
    struct sockaddr_in at = loopback(0);
    struct sockaddr *address = (struct sockaddr *)&at;
    socklen_t size = sizeof at;
    s[0] = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    int listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("bind", bind(listener, address, size));
    must("listen", listen(listener, 1));
    must("getsockname", getsockname(listener, address, &size));
    must("connect", connect(s[0], address, size));
    s[1] = must("accept", accept(listener, NULL, NULL));
    must("fcntl", sys_nonblocking(s[0]));
    must("fcntl", sys_nonblocking(s[1]));
    close(listener);
}
/* <<note a SIGPIPE>> (1 of 1), book/05-epoll.md: epoll */
static volatile sig_atomic_t came;

static void on_pipe(int number)
{
    came = number;
}
/* <<send to a client that resets>> (1 of 1), book/05-epoll.md: epoll */
static void show(const char *what, bool half_closed, int flags)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    char back[8];
    int s[2];
    came = 0;
    pair(s);
    if (half_closed)
        must("shutdown", shutdown(s[1], SHUT_WR));
    must("linger", setsockopt(s[1], SOL_SOCKET, SO_LINGER,
                              &at_once, sizeof at_once));
    must("close", close(s[1]));     /* by SO_LINGER, with a reset */
    long n = send(s[0], "hello", 5, flags);
    printf("%s: %s%s, ", what, n < 0 ? sys_error_text(errno) : "sent",
           came == 0 ? "" : ", and SIGPIPE");
    printf("then recv = %d\n", must("recv", recv(s[0], back, 8, 0)));
    close(s[0]);
}

int main(void)
{
    if (signal(SIGPIPE, on_pipe) == SIG_ERR) {
        perror("signal");
        return 1;
    }
    show("reset", false, 0);
    show("half-closed, then reset", true, 0);
    show("the same, MSG_NOSIGNAL", true, MSG_NOSIGNAL);
    return 0;
}
