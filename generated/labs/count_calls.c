/* Tangled from book/08-side-by-side.md: Side by side. Edit the chapter, not this file. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
/* <<what a trace tells of a talk>> (1 of 4), book/08-side-by-side.md: Side by side */
enum stage {
    SOCKET, CONNECT, REGISTER, WAIT, CHECK, SEND, RECV, CLOSE, STAGES
};

static const char *const stages[STAGES] = {
    "socket", "connect", "register", "wait", "check", "send", "recv",
    "close"
};
/* <<what a trace tells of a talk>> (2 of 4), book/08-side-by-side.md: Side by side */

static const struct { const char *begins; enum stage stage; } known[] = {
    { "socket(", SOCKET },        { "WSASocket(", SOCKET },
    { "connect(", CONNECT },      { "ConnectEx(", CONNECT },
    { "epoll_ctl(", REGISTER },   { "kevent(ADD", REGISTER },
    { "kevent(DELETE", REGISTER },
    { "CreateIoCompletionPort(", REGISTER },
    { "epoll_wait(", WAIT },      { "kevent(for", WAIT },
    { "GetQueuedCompletionStatusEx(", WAIT },
    { "getsockopt(", CHECK },     { "getpeername(", CHECK },
    { "setsockopt(", CHECK },
    { "send(", SEND },            { "WSASend(", SEND },
    { "recv(", RECV },            { "WSARecv(", RECV },
    { "close(", CLOSE },          { "closesocket(", CLOSE },
    { "poll(", WAIT },
};
/* <<what a trace tells of a talk>> (3 of 4), book/08-side-by-side.md: Side by side */

typedef struct call {
    int        ms;                  /* since the fan began */
    enum stage stage;
    char       result[22];
} call;

static void copy_result(call *c, const char *text)
{
    size_t length = strcspn(text, "\r\n");
    const char *next = strstr(text, ", ");
    if (next != NULL && strncmp(next, ", the end", 9) == 0)
        next = strstr(next + 1, ", ");
    if (c->stage == WAIT && next != NULL)
        length = (size_t)(next - text);     /* the next talk's event */
    snprintf(c->result, sizeof c->result, "%.*s", (int)length, text);
}
/* <<what a trace tells of a talk>> (4 of 4), book/08-side-by-side.md: Side by side */

static bool about(const char *line, const char *talk, call *c)
{
    int place = 0;
    const char *mention = strstr(line, talk);
    const char *result = strstr(line, ") = ");
    if (mention == NULL || result == NULL
            || sscanf(line, "%d ms %n", &c->ms, &place) != 1)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t length = strlen(known[i].begins);
        if (strncmp(line + place, known[i].begins, length) != 0)
            continue;
        c->stage = known[i].stage;
        copy_result(c, c->stage == WAIT ? mention + strlen(talk) + 1
                                        : result + 4);
        return true;
    }
    return false;
}
/* <<how often a question needs a call>> (1 of 1), book/08-side-by-side.md: Side by side */
typedef struct tally {
    int asked;                          /* questions */
    int fewest[STAGES];                 /* calls, for one of them */
} tally;

static void add_question(tally *t, int calls[STAGES])
{
    for (int i = 0; i < STAGES; i++) {
        if (t->asked == 0 || calls[i] < t->fewest[i])
            t->fewest[i] = calls[i];
        calls[i] = 0;
    }
    t->asked++;
}
/* <<count in a trace>> (1 of 1), book/08-side-by-side.md: Side by side */
static bool count(tally *t, const char *name)
{
    char line[512];
    call c;
    int calls[STAGES] = { 0 };
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        perror(name);
        return false;
    }
    for (int q = 0; q < QUESTIONS; q++) {
        rewind(file);
        while (fgets(line, sizeof line, file) != NULL)
            if (about(line, questions[q].name, &c)) {
                calls[c.stage]++;
                if (c.stage == CLOSE)
                    add_question(t, calls);
            }
    }
    fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    static tally tallies[3];
    int n = argc - 1;
    if (n < 1 || n > 3) {
        fprintf(stderr, "usage: count_calls TRACE...\n");
        return 2;
    }
    printf("%-10s", "");
    for (int i = 0; i < n; i++) {
        if (!count(&tallies[i], argv[i + 1]))
            return 1;
        printf(i < n - 1 ? "%-12s" : "%s\n", argv[i + 1]);
    }
    /* <<print what a question needs>> (1 of 1), book/08-side-by-side.md: Side by side */
    for (int stage = 0; stage < STAGES; stage++) {
        printf("%-10s", stages[stage]);
        for (int i = 0; i < n; i++)
            printf(i < n - 1 ? "%-12d" : "%d\n", tallies[i].fewest[stage]);
    }
    return 0;
}
