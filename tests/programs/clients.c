/* clients - well-behaved and badly behaved clients for delayd
 *
 *   clients PORT crowd N MS        N clients at once, each waits MS to 2 MS; all must
 *                                  be answered, not early, in the order of their delays
 *   clients PORT say [PIECE GAP [half]]
 *                                  send standard input in pieces of PIECE bytes, every GAP
 *                                  ms, end our half if asked to, print what comes back
 *   clients PORT queue N MS        N clients one after another, each waits MS
 *   clients PORT vanish N          N clients that leave at bad moments, half of them with a reset
 *   clients PORT crush N MS        hold as many connections open as come about, for MS
 *   clients PORT cut               serve one client, as a server that ends in mid-answer
 */
#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int port;

static int fail(const char *what)
{
    printf("%s\n", what);
    return 1;
}

static sys_socket dial(void)
{
    struct sockaddr_in to;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    if (s != SYS_NO_SOCKET && connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
        sys_close(s);
        s = SYS_NO_SOCKET;
    }
    return s;
}

static bool send_all(sys_socket s, const char *bytes, size_t length)
{
    while (length > 0) {
        long n = send(s, bytes, (sys_size)length, 0);
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static void sleep_ms(int ms)
{
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sys_socket s = socket(AF_INET, SOCK_DGRAM, 0);      /* poll wants one on Windows */
    bind(s, (struct sockaddr *)&at, sizeof at);
    sys_pollfd quiet = { .fd = s, .events = POLLIN };
    sys_poll(&quiet, 1, ms);
    sys_close(s);
}

static void reset_at_close(sys_socket s)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof now);
}

/* ------------------------------------------------------------------ crowd */
typedef struct member {
    sys_socket socket;
    int        delay_ms;
    int64_t    asked, answered;
    size_t     length;
    char       text[512];
} member;

static int by_due(const void *a, const void *b)
{
    const member *x = a, *y = b;
    int64_t dx = x->asked + x->delay_ms * SYS_MS, dy = y->asked + y->delay_ms * SYS_MS;
    return (dx > dy) - (dx < dy);
}

static bool right_answer(member *m, int number)
{
    char want[64];
    m->text[m->length] = '\0';
    snprintf(want, sizeof want, "\r\n\r\nclient-%d, after %d ms\n", number, m->delay_ms);
    char *body = strstr(m->text, "\r\n\r\n");
    return strncmp(m->text, "HTTP/1.1 200 OK\r\n", 17) == 0 && body != NULL && strcmp(body, want) == 0;
}

static int wait_for_crowd(member *crowd, int n)
{
    sys_pollfd *polled = calloc((size_t)n, sizeof *polled);
    int *whose = calloc((size_t)n, sizeof *whose);
    if (polled == NULL || whose == NULL)
        return fail("no memory");
    for (int open = n; open > 0; ) {
        size_t asked = 0;
        for (int i = 0; i < n; i++)
            if (crowd[i].answered == 0) {
                polled[asked].fd = crowd[i].socket;
                polled[asked].events = POLLIN;
                whose[asked++] = i;
            }
        if (sys_poll(polled, asked, 10000) <= 0)
            return fail("nothing came for 10 seconds");
        int64_t now = sys_now();
        for (size_t k = 0; k < asked; k++) {
            if (polled[k].revents == 0)
                continue;
            member *m = &crowd[whose[k]];
            long got = recv(m->socket, m->text + m->length, (sys_size)(sizeof m->text - 1 - m->length), 0);
            if (got < 0)
                return fail("a connection failed");
            m->length += (size_t)got;
            if (got > 0)
                continue;
            m->answered = now;
            open--;
            sys_close(m->socket);
            if (!right_answer(m, whose[k])) {
                printf("client %d got: %s\n", whose[k], m->text);
                return 1;
            }
        }
    }
    free(polled);
    free(whose);
    return 0;
}

static int crowd_main(int n, int ms)
{
    member *crowd = calloc((size_t)n, sizeof *crowd);
    if (crowd == NULL)
        return fail("no memory");
    for (int i = 0; i < n; i++)
        if ((crowd[i].socket = dial()) == SYS_NO_SOCKET) {
            printf("client %d cannot connect: %s\n", i, sys_error_text(sys_error()));
            return 1;
        }
    for (int i = 0; i < n; i++) {
        char text[128];
        crowd[i].delay_ms = ms + (i * 7919) % 21 * ms / 20;
        snprintf(text, sizeof text, "GET /%d/client-%d HTTP/1.1\r\n\r\n", crowd[i].delay_ms, i);
        crowd[i].asked = sys_now();
        if (!send_all(crowd[i].socket, text, strlen(text)))
            return fail("cannot send");
    }
    if (wait_for_crowd(crowd, n) != 0)
        return 1;
    qsort(crowd, (size_t)n, sizeof *crowd, by_due);
    int64_t latest = 0, worst = 0;
    for (int i = 0; i < n; i++) {
        member *m = &crowd[i];
        int64_t late = m->answered - m->asked - m->delay_ms * SYS_MS;
        if (late < 0)
            return fail("an answer came early");
        worst = late > worst ? late : worst;
        if (m->answered < latest - 25 * SYS_MS)
            return fail("answers came out of order");
        latest = m->answered > latest ? m->answered : latest;
    }
    printf("%d answers, the latest %d ms late\n", n, (int)(worst / SYS_MS));
    if (worst > 1000 * SYS_MS)
        return fail("an answer came more than a second late");
    free(crowd);
    return 0;
}

/* -------------------------------------------------------------------- say */
static int say_main(size_t piece, int gap, bool half)
{
    static char text[1 << 20];
    size_t length = fread(text, 1, sizeof text, stdin);
    bool refused = false;
    sys_socket s = dial();
    if (s == SYS_NO_SOCKET)
        return fail("cannot connect");
    for (size_t sent = 0; sent < length; sent += piece) {
        size_t now = length - sent < piece ? length - sent : piece;
        if ((refused = !send_all(s, text + sent, now)))
            break;
        sys_pollfd answer = { .fd = s, .events = POLLIN };
        if (gap > 0 && sys_poll(&answer, 1, gap) > 0)
            break;                      /* it has answered already */
    }
    if (half)
        shutdown(s, SHUT_WR);
    for (;;) {
        long n = recv(s, text, sizeof text, 0);
        if (n < 0)
            return fail("(reset)");
        if (n == 0)
            break;
        fwrite(text, 1, (size_t)n, stdout);
    }
    sys_close(s);
    return refused ? fail("(reset)") : 0;
}

/* ------------------------------------------------------------------ queue */
static int queue_main(int n, int ms)
{
    char text[512];
    for (int i = 0; i < n; i++) {
        sys_socket s = dial();
        snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\n\r\n", ms);
        if (s == SYS_NO_SOCKET || !send_all(s, text, strlen(text)))
            return fail("cannot ask");
        while (recv(s, text, sizeof text, 0) > 0)
            ;
        sys_close(s);
    }
    return 0;
}

/* ----------------------------------------------------------------- vanish */
static int vanish_main(int n)
{
    static const char *const said[] = {
        "", "GET", "GET /200/gone HTTP/1.1\r\n", "GET /200/gone HTTP/1.1\r\n\r\n",
        "GET /0/now HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
    };
    for (int i = 0; i < n; i++) {
        const char *text = said[i / 2 % 6];
        sys_socket s = dial();
        if (s == SYS_NO_SOCKET)
            return fail("cannot connect");
        if (!send_all(s, text, strlen(text)))
            return fail("cannot send");
        if (i % 2 == 0)
            reset_at_close(s);
        if (i % 16 > 11)
            sleep_ms(1);
        sys_close(s);
    }
    return 0;
}

/* ------------------------------------------------------------------ crush */
static int crush_main(int n, int ms)
{
    sys_socket *held = calloc((size_t)n, sizeof *held);
    int count = 0;
    while (held != NULL && count < n && (held[count] = dial()) != SYS_NO_SOCKET)
        count++;
    sleep_ms(ms);
    for (int i = 0; i < count; i++)
        sys_close(held[i]);
    free(held);
    printf("%d connections\n", count);
    return 0;
}

/* -------------------------------------------------------------------- cut */
static int cut_main(void)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    char text[512];
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == SYS_NO_SOCKET || bind(s, (struct sockaddr *)&at, sizeof at) != 0 || listen(s, 5) != 0
            || getsockname(s, (struct sockaddr *)&at, &size) != 0)
        return fail("cannot listen");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (int i = 0; i < 5; i++) {
        sys_socket c = accept(s, NULL, NULL);
        if (c == SYS_NO_SOCKET)
            return fail("cannot accept");
        recv(c, text, sizeof text, 0);
        send(c, "HTTP/1.1 200 OK\r\n\r\nfir", 22, 0);
        sys_close(c);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int number[2] = { 0, 0 };
    if (argc < 3 || sys_start() != 0)
        return 2;
    port = atoi(argv[1]);
    for (int i = 3; i < argc && i < 5; i++)
        number[i - 3] = atoi(argv[i]);
    if (strcmp(argv[2], "crowd") == 0)
        return crowd_main(number[0], number[1]);
    if (strcmp(argv[2], "say") == 0)
        return say_main(number[0] > 0 ? (size_t)number[0] : 1 << 20, number[1], argc > 5);
    if (strcmp(argv[2], "queue") == 0)
        return queue_main(number[0], number[1]);
    if (strcmp(argv[2], "vanish") == 0)
        return vanish_main(number[0]);
    if (strcmp(argv[2], "crush") == 0)
        return crush_main(number[0], number[1]);
    if (strcmp(argv[2], "cut") == 0)
        return cut_main();
    return 2;
}
