/*
 * An example under failing calls; see runs.c. EXAMPLE is its name, its main is example_main here, and its own memory
 * can fail, too. It runs in a process that this one starts, talks to, and judges: it does its job, or ends with a reason
 * on standard error and a status that is not 0. It does not hang, and no sanitizer has anything to say. Where a call fails
 * once only, a server must serve the next client.
 */
#define _GNU_SOURCE
#include "../runs.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int example_main(int argc, char **argv);

const char *directory;
const int subject_seconds = 60;
const bool subject_may_wait = false;

enum { MS = 1000000, TRIES = 5, TEXT = 20000, LIMIT_MS = 30000 };

static pid_t example;
static int output, reasons;             /* what it says: a pipe, a file */
static char said_so_far[TEXT];          /* of the pipe */
static size_t length;

int subjects(const char *names[MOST_SUBJECTS])
{
    names[0] = EXAMPLE;
    return 1;
}

/* --- the example's process ------------------------------------------------------------------------------- */

static void at_exit(void) { witness_report(WELL); }

static void at_strike(void) { said->struck = true; }

static void ended(int number)
{
    (void)number;
    witness_report(WELL);
    _exit(0);
}

static void run_example(int argc, char **argv, int out)
{
    setpgid(0, getppid());
    dup2(out, 1);
    dup2(reasons, 2);
    close(out);
    close(output);
    witness_begin(subject_seconds, 1 << 30, false);
    fault.on_strike = at_strike;
    atexit(at_exit);
    signal(SIGTERM, ended);             /* an example that catches it does so later */
    exit(example_main(argc, argv));
}

static void begin_example(int argc, char **argv)
{
    int ends[2];
    reasons = memfd_create("reasons", MFD_CLOEXEC);
    if (reasons < 0 || pipe2(ends, O_CLOEXEC) != 0) exit(2);
    output = ends[0];
    fflush(NULL);
    example = fork();
    if (example < 0) exit(2);
    if (example == 0) run_example(argc, argv, ends[1]);
    close(ends[1]);
}

/* --- what it says ------------------------------------------------------------------------------------------ */

/* More of it, within so long; false at the end, and when nothing comes */
static bool hear(int ms)
{
    struct pollfd p = { .fd = output, .events = POLLIN };
    if (poll(&p, 1, ms) <= 0 || length == TEXT - 1) return false;
    ssize_t n = read(output, said_so_far + length, TEXT - 1 - length);
    if (n > 0) length += (size_t)n;
    said_so_far[length] = '\0';
    return n > 0;
}

static int count_of(const char *word)
{
    int n = 0;
    for (const char *at = said_so_far; (at = strstr(at, word)) != NULL; at++) n++;
    return n;
}

/* Ended, within the limit: its status; a signal below 0 */
static int status_of(void)
{
    const struct timespec moment = { 0, MS };
    time_t began = time(NULL);
    int status;
    while (waitpid(example, &status, WNOHANG) == 0) {
        if (time(NULL) - began > LIMIT_MS / 1000) {
            kill(example, SIGKILL);
            problem("hangs");
        }
        if (!hear(0)) nanosleep(&moment, NULL);
    }
    while (hear(0)) ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void show_reasons(char *text, size_t room)
{
    ssize_t n = pread(reasons, text, room - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    if (write(2, text, strlen(text)) < 0) return;      /* for runs.c, which looks for a sanitizer's words */
    text[strcspn(text, "\n")] = '\0';
}

/* It ended. Did it do its job, as its output shows? Or did it say why not? */
static void judge(int status, bool done)
{
    char text[4000];
    show_reasons(text, sizeof text);
    if (said->problem[0] != '\0') _exit(1);             /* the witness has said it */
    if (status < 0 || strstr(text, "ERROR: ") != NULL || strstr(text, "runtime error") != NULL) {
        if (strstr(text, "Sanitizer") == NULL) problem("is ended by signal %d: %.100s", -status, text);
        _exit(1);
    }
    if (status == 0 && !done) problem("says that all is well, and has not done its job: '%.60s'", text);
    if (status != 0 && text[0] == '\0') problem("ends with status %d and gives no reason", status);
    if (status != 0 && strstr(text, "unknown code") != NULL) problem("gives an unknown reason: %.100s", text);
    said->outcome = status == 0 ? WELL : ASSERTED;
    _exit(0);
}

/* --- clients ------------------------------------------------------------------------------------------------- */

static int port_of_example(void)
{
    const char *at;
    while ((at = strstr(said_so_far, "127.0.0.1:")) == NULL || strchr(at, '\n') == NULL)
        if (!hear(LIMIT_MS)) return -1;
    return atoi(at + 10);
}

static void set_limits(int fd, int ms)
{
    struct timeval time = { 0, ms * 1000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

static int client(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_limits(fd, 500);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    close(fd);
    return -1;
}

/* Until so many, the end, or no more comes */
static size_t take(int fd, char *text, size_t wanted)
{
    size_t got = 0;
    while (got < wanted) {
        ssize_t n = recv(fd, text + got, wanted - got, 0);
        if (n <= 0) break;
        got += (size_t)n;
    }
    return got;
}

/* Says something, and hears it again, and the end; false if not so */
static bool echoes(int port)
{
    static const char words[] = "how now, brown cow";
    char heard[sizeof words];
    int fd = client(port);
    if (fd < 0) return false;
    bool spoken = send(fd, words, sizeof words, MSG_NOSIGNAL) == (ssize_t)sizeof words;
    size_t n = take(fd, heard, sizeof heard);
    if (memcmp(heard, words, n) != 0) problem("other bytes come back");
    shutdown(fd, SHUT_WR);
    bool ends = recv(fd, heard, 1, 0) == 0;
    close(fd);
    return spoken && n == sizeof words && ends;
}

/* Two in a chat: what one says the other hears */
static bool chats(int port)
{
    static const char words[] = "how now\n";
    char heard[100] = "";
    int one = client(port), other = one < 0 ? -1 : client(port);
    bool good = other >= 0;
    for (int tries = 0; good && tries < 3 && strchr(heard, '\n') == NULL; tries++) {
        good = send(one, words, sizeof words - 1, MSG_NOSIGNAL) > 0;
        size_t n = strlen(heard);
        ssize_t more = recv(other, heard + n, sizeof heard - 1 - n, 0);
        if (more > 0) heard[n + (size_t)more] = '\0';
    }
    if (heard[0] != '\0' && strstr(heard, ": how now\n") == NULL) good = false;
    if (one >= 0) close(one);
    if (other >= 0) close(other);
    return good && heard[0] != '\0';
}

/* --- a server for the examples that ask ------------------------------------------------------------------------ */

static int listen_somewhere(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0) exit(2);
    *port = ntohs(at.sin_port);
    return fd;
}

/* GET /DELAY/NAME: the answer of delayd, without the delay */
static void answer(int fd)
{
    char request[2000] = "", name[100] = "", text[500];
    size_t n = 0;
    int delay = 0;
    while (n < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
        ssize_t more = recv(fd, request + n, sizeof request - 1 - n, 0);
        if (more <= 0) return;
        n += (size_t)more;
    }
    if (sscanf(request, "GET /%d/%99s", &delay, name) != 2) return;
    int body = snprintf(text, sizeof text, "%s, after %d ms\n", name, delay);
    n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s, after %d ms\n",
        body, name, delay);
    if (send(fd, text, n, MSG_NOSIGNAL) < 0) return;
    shutdown(fd, SHUT_WR);
    while (recv(fd, request, sizeof request, 0) > 0) ;
}

static void begin_server(int listener)
{
    if (fork() != 0) return;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        set_limits(fd, 300);
        answer(fd);
        close(fd);
    }
}

/* --- each kind of example ---------------------------------------------------------------------------------------- */

/* Once some client is served all is well, unless calls go on failing */
static void serve_with(bool (*served)(int port), int signal_number)
{
    const struct timespec moment = { 0, 30 * MS };
    int port = port_of_example();
    bool good = false;
    for (int tries = 0; port >= 0 && !good && tries < TRIES; tries++) {
        good = served(port);
        if (!good) nanosleep(&moment, NULL);
        hear(0);
    }
    bool lives = kill(example, signal_number) == 0 && port >= 0;
    int status = status_of();
    bool excused = fault.nth > 0 && fault.times != 1;
    if (status == -SIGINT && !good && said->struck) status = 0;         /* it was not ready for it yet */
    judge(status, good || (lives && excused));
}

static void ask_with(bool is_url)
{
    static char name[] = EXAMPLE, argument[100];
    char *arguments[] = { name, argument, NULL };
    int port, listener = listen_somewhere(&port);
    snprintf(argument, sizeof argument, "%s%d%s", is_url ? "http://127.0.0.1:" : "", port, is_url ? "/5/tea" : "");
    begin_server(listener);
    begin_example(2, arguments);
    int status = status_of();
    judge(status, is_url ? strcmp(said_so_far, "tea, after 5 ms\n") == 0 : count_of(", after ") == 5);
}

static void run_alone(char *argument, const char *word, int times)
{
    static char name[] = EXAMPLE;
    char *arguments[] = { name, argument, NULL };
    begin_example(argument == NULL ? 1 : 2, arguments);
    int status = status_of();
    judge(status, count_of(word) == times);
}

static void run_server(char *more, bool (*served)(int), int signal_number)
{
    static char name[] = EXAMPLE, port[] = "0";
    char *arguments[] = { name, port, more, NULL };
    begin_example(more == NULL ? 2 : 3, arguments);
    serve_with(served, signal_number);
}

static char *a_file(void)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/lines", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; i < 1000; i++) if (write(fd, "a line\n", 7) != 7) exit(2);
    close(fd);
    return path;
}

void subject_run(const char *name)
{
    static const struct itimerval none;
    static char two[] = "2";
    setitimer(ITIMER_REAL, &none, NULL);                /* the limit is status_of's */
    if (strcmp(name, "fan") == 0) ask_with(false);
    if (strcmp(name, "http_get") == 0) ask_with(true);
    if (strcmp(name, "worker") == 0) run_alone(NULL, "primes\n", 10);
    if (strcmp(name, "cat_file") == 0) run_alone(a_file(), "a line\n", 1000);
    if (strcmp(name, "echod") == 0) run_server(NULL, echoes, SIGINT);
    if (strcmp(name, "echo_cores") == 0) run_server(two, echoes, SIGINT);
    if (strcmp(name, "echo_small") == 0) run_server(NULL, echoes, SIGTERM);
    if (strcmp(name, "chat") == 0) run_server(NULL, chats, SIGINT);
    problem("no such example");
}
