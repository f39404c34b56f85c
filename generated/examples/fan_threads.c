/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "fan_threads";
/* <<read the port argument>> (1 of 1), book/01-waiting.md: Waiting */
static int port_argument(int argc, char **argv, int lowest)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", program);
        exit(2);
    }
    char *end;
    long number = strtol(argv[1], &end, 10);
    if (*argv[1] < '0' || *argv[1] > '9' || *end != '\0'
            || number < lowest || number > 65535) {
        fprintf(stderr, "%s: PORT must be a number from %d to 65535, "
                "not '%s'\n", program, lowest, argv[1]);
        exit(2);
    }
    return (int)number;
}
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
/* <<the five questions>> (1 of 1), book/01-waiting.md: Waiting */
typedef struct question {
    int         delay_ms;
    const char *name;
    const char *failed;             /* what failed, NULL if nothing did */
    int         error;              /* and the system's reason, or 0 */
} question;

static question questions[] = {
    { .delay_ms = 500, .name = "first"  },
    { .delay_ms = 400, .name = "second" },
    { .delay_ms = 300, .name = "third"  },
    { .delay_ms = 200, .name = "fourth" },
    { .delay_ms = 100, .name = "fifth"  },
};
enum { QUESTIONS = sizeof questions / sizeof questions[0] };
/* <<what every fan does>> (1 of 3), book/01-waiting.md: Waiting */
static int     fan_port;                /* where delayd listens */
static int64_t fan_started;             /* when the fan opened, sys_now() */

static size_t write_request(const question *q, char *text, size_t room)
{
    return (size_t)snprintf(text, room,
        "GET /%d/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Connection: close\r\n\r\n", q->delay_ms, q->name, fan_port);
}

static bool fail(question *q, const char *what, int error)
{
    q->failed = what;
    q->error = error;
    return false;
}
/* <<what every fan does>> (2 of 3), book/01-waiting.md: Waiting */

static bool print_answer(question *q, char *text, size_t length)
{
    int ms = (int)((sys_now() - fan_started) / SYS_MS);
    if (length == 0 || text[length - 1] != '\n')
        return fail(q, "the answer is cut short", 0);
    text[length - 1] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || body == NULL)
        return fail(q, "the answer is not 200 OK", 0);
    printf("%5d ms  %s\n", ms, body + 4);
    fflush(stdout);
    return true;
}
/* <<what every fan does>> (3 of 3), book/01-waiting.md: Waiting */

static int report(const question *q)
{
    fprintf(stderr, "%s: question '%s' to port %d: %s%s%s\n",
            program, q->name, fan_port, q->failed,
            q->error == 0 ? "" : ": ",
            q->error == 0 ? "" : sys_error_text(q->error));
    return 1;
}
/* <<ask and wait for the answer>> (1 of 2), book/01-waiting.md: Waiting */
/* <<send all of it>> (1 of 1), book/01-waiting.md: Waiting */
static bool send_all(sys_socket s, const char *bytes, size_t length)
{
    for (size_t sent = 0; sent < length; ) {
        long n = send(s, bytes + sent, (sys_size)(length - sent), 0);
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}
/* <<receive to the end of the stream>> (1 of 1), book/01-waiting.md: Waiting */
static bool receive_all(sys_socket s, char *bytes, size_t room,
                        size_t *length)
{
    for (*length = 0; *length < room; ) {
        long n = recv(s, bytes + *length, (sys_size)(room - *length), 0);
        if (n <= 0)
            return n == 0;
        *length += (size_t)n;
    }
    return true;                    /* more than a fan has room for */
}

static bool converse(question *q, sys_socket s)
{
    struct sockaddr_in to = loopback(fan_port);
    char text[512];
    size_t length = write_request(q, text, sizeof text);
    if (connect(s, (struct sockaddr *)&to, sizeof to) != 0)
        return fail(q, "connect", sys_error());
    if (!send_all(s, text, length))
        return fail(q, "send", sys_error());
    if (!receive_all(s, text, sizeof text, &length))
        return fail(q, "receive", sys_error());
    return print_answer(q, text, length);
}
/* <<ask and wait for the answer>> (2 of 2), book/01-waiting.md: Waiting */

static bool ask(question *q)
{
    sys_socket s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == SYS_NO_SOCKET)
        return fail(q, "socket", sys_error());
    bool good = converse(q, s);
    sys_close(s);
    return good;
}
/* <<ask in a thread of its own>> (1 of 1), book/01-waiting.md: Waiting */
static void ask_in_thread(void *q)
{
    ask(q);
}

int main(int argc, char **argv)
{
    /* <<prepare the fan>> (1 of 1), book/01-waiting.md: Waiting */
    fan_port = port_argument(argc, argv, 1);
    if (sys_start() != 0) {
        fprintf(stderr, "%s: cannot use the network\n", program);
        return 1;
    }
    fan_started = sys_now();
    /* <<start a thread for each question>> (1 of 1), book/01-waiting.md: Waiting */
    sys_thread threads[QUESTIONS];
    int running = 0;
    while (running < QUESTIONS) {
        question *q = &questions[running];
        int error = sys_thread_start(&threads[running], ask_in_thread, q);
        if (error != 0) {
            fail(q, "starting a thread", error);
            break;
        }
        running++;
    }
    /* <<wait for the threads and report the first failure>> (1 of 1), book/01-waiting.md: Waiting */
    for (int i = 0; i < running; i++)
        sys_thread_join(&threads[i]);
    for (int i = 0; i < QUESTIONS; i++)
        if (questions[i].failed != NULL)
            return report(&questions[i]);
    return 0;
}
