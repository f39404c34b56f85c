/* peers - the other ends of echod, http_get and chat, well-behaved and badly behaved
 *
 *   peers PORT crowd N BYTES [late]  N clients at once send so many bytes each, end their half, and must get the same
 *                                    bytes and the end back; late ones begin to read after a second
 *   peers PORT reset N               N clients that send, do not read, and leave with a reset
 *   peers PORT hold N MS             N clients have one byte echoed and stay, until the server ends them, or for so long
 *   peers PORT room                  the commands on standard input, for clients of chat; see `commands` below
 *   peers serve END [PIECE GAP]      print a port; take one client's request, answer with standard input, in pieces of
 *                                    PIECE bytes every GAP ms; then END: end, reset, hold (until the client leaves),
 *                                    repeat (the answer, again and again, until the client leaves); print the request
 *   peers serve6 END [PIECE GAP]     the same on ::1
 */
#include "common/sys.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { LIMIT_MS = 8000 };

static int fail(const char *what)
{
    printf("%s\n", what);
    return 1;
}

static void nap(int ms)
{
    poll(NULL, 0, ms);
}

static void reset_at_close(int s)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static struct sockaddr_in local(int port)
{
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

static int dial(int port, int room)             /* room: of the receive buffer; 0: the system's */
{
    struct sockaddr_in to = local(port);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s >= 0 && room > 0)
        setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (s >= 0 && connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
        close(s);
        s = -1;
    }
    return s;
}

/* ------------------------------------------------------------------ crowd */
typedef struct member {
    int    socket;
    size_t sent, received;
    bool   over;
} member;

static char byte_at(int who, size_t place)
{
    return (char)(place * 31 + place / 251 + (size_t)who * 7);
}

static const char *send_more(member *m, int who, size_t bytes)
{
    char text[4096];
    size_t n = bytes - m->sent;
    if (n > sizeof text)
        n = sizeof text;
    for (size_t i = 0; i < n; i++)
        text[i] = byte_at(who, m->sent + i);
    long sent = send(m->socket, text, n, 0);
    if (sent < 0)
        return sys_would_block() ? NULL : "a send failed";
    m->sent += (size_t)sent;
    if (m->sent == bytes)
        shutdown(m->socket, SHUT_WR);
    return NULL;
}

static const char *receive_more(member *m, int who, size_t bytes)
{
    char text[4096];
    long n = recv(m->socket, text, sizeof text, 0);
    if (n < 0)
        return sys_would_block() ? NULL : "a receive failed";
    if (n == 0) {
        m->over = true;
        return m->received == bytes && m->sent == bytes ? NULL : "the end came early";
    }
    for (long i = 0; i < n; i++)
        if (text[i] != byte_at(who, m->received++))
            return "other bytes came back";
    return m->received > bytes ? "more came back" : NULL;
}

static int crowd(int port, int n, size_t bytes, bool late)
{
    member *all = calloc((size_t)n, sizeof *all);
    struct pollfd *polled = calloc((size_t)n, sizeof *polled);
    int64_t from = sys_now() + (late ? 1000 : 0) * SYS_MS, limit = sys_now() + 6 * LIMIT_MS * SYS_MS;
    if (all == NULL || polled == NULL)
        return fail("no memory");
    for (int i = 0; i < n; i++) {
        all[i].socket = dial(port, 0);
        if (all[i].socket < 0 || sys_nonblocking(all[i].socket) != 0)
            return fail("a connect failed");
        if (bytes == 0)
            shutdown(all[i].socket, SHUT_WR);
    }
    for (int over = 0; over < n; ) {
        bool reads = sys_now() >= from;
        if (sys_now() > limit)
            return fail("it takes too long");
        for (int i = 0; i < n; i++) {
            polled[i].fd = all[i].over ? -1 : all[i].socket;
            polled[i].events = (short)((reads ? POLLIN : 0) | (all[i].sent < bytes ? POLLOUT : 0));
        }
        poll(polled, (nfds_t)n, reads ? 1000 : 20);
        for (int i = 0; i < n; i++) {
            const char *wrong = NULL;
            if (all[i].over || polled[i].revents == 0)
                continue;
            if (all[i].sent < bytes && polled[i].revents & POLLOUT)
                wrong = send_more(&all[i], i, bytes);
            if (wrong == NULL && reads)
                wrong = receive_more(&all[i], i, bytes);
            if (wrong != NULL)
                return fail(wrong);
            over += all[i].over;
            if (all[i].over)
                close(all[i].socket);
        }
    }
    free(all);
    free(polled);
    return 0;
}

/* ------------------------------------------------------------------ reset, hold */
static int vanish(int port, int n)
{
    static char text[300000];
    for (int i = 0; i < n; i++) {
        int s = dial(port, 0);
        if (s < 0)
            return fail("a connect failed");
        sys_nonblocking(s);
        send(s, text, i % 2 ? sizeof text : 100, 0);
        if (i % 4 == 0)
            shutdown(s, SHUT_WR);
        if (i % 3 == 0)
            nap(2);
        reset_at_close(s);
        close(s);
    }
    return 0;
}

static int hold(int port, int n, int ms)
{
    struct pollfd *polled = calloc((size_t)n, sizeof *polled);
    bool *had = calloc((size_t)n, sizeof *had);
    int ended = 0, cut = 0, held = 0;
    char byte = 'x';
    if (polled == NULL || had == NULL)
        return fail("no memory");
    for (int i = 0; i < n; i++) {
        polled[i].fd = dial(port, 0);
        polled[i].events = POLLIN;
        if (polled[i].fd < 0 || send(polled[i].fd, &byte, 1, 0) != 1)
            return fail("a connect failed");
    }
    int64_t now = sys_now(), limit = now + ms * SYS_MS;
    int64_t echoed = now + (ms > 4000 ? 2000 : ms / 2) * SYS_MS;    /* who was not until then waits at the door */
    for (bool said = false; ended + cut < n && now < limit; now = sys_now()) {
        poll(polled, (nfds_t)n, 50);
        for (int i = 0; i < n; i++) {
            if (polled[i].fd < 0 || polled[i].revents == 0)
                continue;
            long got = recv(polled[i].fd, &byte, 1, 0);
            held += got > 0 && !had[i];
            had[i] = had[i] || got > 0;
            if (got > 0)
                continue;
            ended += got == 0;
            cut += got < 0;
            close(polled[i].fd);
            polled[i].fd = -1;
        }
        if (!said && (held == n || now > echoed)) {
            said = true;
            printf("%d held\n", held);
            fflush(stdout);
        }
    }
    printf("%d ended, %d cut\n", ended, cut);
    free(polled);
    free(had);
    return 0;
}

/* ------------------------------------------------------------------ room: clients of chat
 *
 *   open A          A connects            slow A     A connects, with little room, and will not read
 *   say A TEXT      a line                put A TEXT  no line: without its end
 *   hear A TEXT     A's next line is TEXT, within LIMIT_MS
 *   flood A B N     A says N lines of 400 bytes, B hears each before the next
 *   stuff A B N     A says N lines of 400 bytes without waiting; B hears them all
 *   half A          A ends its half       ended A    A has got all, and hears a clean end
 *   gone A          A hears an end or a reset, whatever comes before
 *   reset A, close A                      nap MS     kill PID: with SIGINT
 *   until x TEXT    the file that SAID names says TEXT, within LIMIT_MS
 */
static struct { int socket; size_t length, next; char text[8192]; } of[26];

static int who(const char *name)
{
    return *name >= 'a' && *name <= 'z' ? *name - 'a' : 0;
}

static int next_byte(int i)                     /* -1: the end; -2: an error or the time is up */
{
    if (of[i].next == of[i].length) {
        long n = recv(of[i].socket, of[i].text, sizeof of[i].text, 0);
        if (n <= 0)
            return n == 0 ? -1 : -2;
        of[i].length = (size_t)n;
        of[i].next = 0;
    }
    return (unsigned char)of[i].text[of[i].next++];
}

static const char *hear(int i, const char *wanted)
{
    static char why[1400];
    char line[600];
    size_t n = 0;
    int c;
    while ((c = next_byte(i)) >= 0 && c != '\n' && n < sizeof line - 1)
        line[n++] = (char)c;
    line[n] = '\0';
    if (c == '\n' && strcmp(line, wanted) == 0)
        return NULL;
    snprintf(why, sizeof why, "not '%s' but '%s'%s", wanted, line,
             c == '\n' ? "" : c == -1 ? ", the end" : ", an error or silence");
    return why;
}

static const char *say(int i, const char *text, size_t length)
{
    while (length > 0) {
        long n = send(of[i].socket, text, length, 0);
        if (n < 0)
            return "a send failed";
        text += n;
        length -= (size_t)n;
    }
    return NULL;
}

static const char *flood(int from, int to, int lines, bool wait)
{
    char line[401], wanted[420];
    const char *wrong = NULL;
    for (int pass = wait; pass < 2 && wrong == NULL; pass++)
        for (int i = 0; i < lines && wrong == NULL; i++) {
            memset(line, 'a' + i % 26, 399);
            line[399] = '\n';
            line[400] = '\0';
            snprintf(wanted, sizeof wanted, "%d: %.399s", from + 1, line);
            if (wait || pass == 0)
                wrong = say(from, line, 400);
            if (wrong == NULL && (wait || pass == 1))
                wrong = hear(to, wanted);
        }
    return wrong;
}

static const char *join(int port, int i, int room)
{
    struct timeval limit = { .tv_sec = LIMIT_MS / 1000 };
    of[i].socket = dial(port, room);
    of[i].length = of[i].next = 0;
    if (of[i].socket < 0)
        return "a connect failed";
    setsockopt(of[i].socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(of[i].socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return NULL;
}

static const char *gone(int i)
{
    int c = 0;
    while (c >= 0)
        c = next_byte(i);
    return c == -1 || !sys_would_block() ? NULL : "it goes on";
}

static const char *until(const char *wanted)
{
    const char *name = getenv("SAID");
    char line[300];
    for (int64_t limit = sys_now() + LIMIT_MS * SYS_MS; sys_now() < limit; nap(10)) {
        FILE *file = name == NULL ? NULL : fopen(name, "r");
        bool found = false;
        while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
            found = strstr(line, wanted) != NULL;
        if (file != NULL)
            fclose(file);
        if (found)
            return NULL;
    }
    return "it was not said";
}

static const char *commands(int port, const char *command, const char *name, char *text)
{
    int i = who(name);
    if (strcmp(command, "open") == 0)
        return join(port, i, 0);
    if (strcmp(command, "slow") == 0)
        return join(port, i, 4096);
    if (strcmp(command, "say") == 0) {
        strcat(text, "\n");
        return say(i, text, strlen(text));
    }
    if (strcmp(command, "put") == 0)
        return say(i, text, strlen(text));
    if (strcmp(command, "hear") == 0)
        return hear(i, text);
    if (strcmp(command, "flood") == 0 || strcmp(command, "stuff") == 0)
        return flood(i, who(text), atoi(text + 2), *command == 'f');
    if (strcmp(command, "half") == 0)
        return shutdown(of[i].socket, SHUT_WR) == 0 ? NULL : "no half to end";
    if (strcmp(command, "ended") == 0)
        return next_byte(i) == -1 ? NULL : "no clean end";
    if (strcmp(command, "gone") == 0)
        return gone(i);
    if (strcmp(command, "until") == 0)
        return until(text);
    if (strcmp(command, "nap") == 0)
        return nap(atoi(name)), NULL;
    if (strcmp(command, "kill") == 0)
        return kill(atoi(name), SIGINT) == 0 ? NULL : "nobody to kill";
    if (strcmp(command, "reset") == 0)
        reset_at_close(of[i].socket);
    else if (strcmp(command, "close") != 0)
        return "an unknown command";
    return close(of[i].socket) == 0 ? NULL : "no close";
}

static int room(int port)
{
    char line[2000], command[16], name[16];
    while (fgets(line, sizeof line - 2, stdin) != NULL) {
        int skip = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%15s %15s%n", command, name, &skip) != 2)
            continue;
        char *text = line + skip + (line[skip] == ' ');
        const char *wrong = commands(port, command, name, text);
        if (wrong != NULL) {
            printf("%s %s: %s\n", command, name, wrong);
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ serve */
static bool send_pieces(int s, const char *text, size_t length, size_t piece, int gap)
{
    for (size_t sent = 0; sent < length; ) {
        size_t part = length - sent < piece ? length - sent : piece;
        long n = send(s, text + sent, part, 0);
        if (n < 0)
            return false;
        sent += (size_t)n;
        if (gap > 0)
            nap(gap);
    }
    return true;
}

static size_t take_request(int s, char *text, size_t room_left)
{
    size_t length = 0;
    for (long n; length + 1 < room_left; ) {
        n = recv(s, text + length, room_left - 1 - length, 0);
        if (n <= 0)
            break;
        length += (size_t)n;
        text[length] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL)
            break;
    }
    return length;
}

static int open_listener(bool six)
{
    struct sockaddr_in v4 = local(0);
    struct sockaddr_in6 v6;
    memset(&v6, 0, sizeof v6);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    struct sockaddr *at = six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t size = six ? sizeof v6 : sizeof v4;
    int s = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (s < 0 || bind(s, at, size) != 0 || listen(s, 1) != 0 || getsockname(s, at, &size) != 0)
        return -1;
    printf("%d\n", ntohs(six ? v6.sin6_port : v4.sin_port));
    fflush(stdout);
    return s;
}

static int serve(bool six, const char *end, size_t piece, int gap)
{
    static char answer[1000000], request[10000];
    size_t length = fread(answer, 1, sizeof answer, stdin);
    int listener = open_listener(six);
    int s = listener < 0 ? -1 : accept(listener, NULL, NULL);
    if (s < 0)
        return fail("no client");
    size_t asked = take_request(s, request, sizeof request);
    fwrite(request, 1, asked, stdout);
    fflush(stdout);
    bool good = send_pieces(s, answer, length, piece, gap);
    while (good && strcmp(end, "repeat") == 0)
        good = send_pieces(s, answer, length, piece, gap);
    if (strcmp(end, "hold") == 0)
        recv(s, request, sizeof request, 0);
    if (strcmp(end, "reset") == 0) {
        nap(200);                   /* until what was sent has been read */
        reset_at_close(s);
    }
    close(s);
    return 0;
}

int main(int argc, char **argv)
{
    if (sys_start() != 0)
        return fail("no network");
    alarm(60);
    if (argc >= 3 && strncmp(argv[1], "serve", 5) == 0)
        return serve(argv[1][5] == '6', argv[2], argc > 4 ? (size_t)atoi(argv[3]) : 65536,
                     argc > 4 ? atoi(argv[4]) : 0);
    int port = argc > 1 ? atoi(argv[1]) : 0;
    if (argc >= 5 && strcmp(argv[2], "crowd") == 0)
        return crowd(port, atoi(argv[3]), (size_t)atol(argv[4]), argc > 5);
    if (argc == 4 && strcmp(argv[2], "reset") == 0)
        return vanish(port, atoi(argv[3]));
    if (argc == 5 && strcmp(argv[2], "hold") == 0)
        return hold(port, atoi(argv[3]), atoi(argv[4]));
    if (argc == 3 && strcmp(argv[2], "room") == 0)
        return room(port);
    return fail("see the head of peers.c");
}
