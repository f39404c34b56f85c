/* Tangled from book/08-side-by-side.md: Side by side. Edit the chapter, not this file. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* <<a column for each trace>> (1 of 1), book/08-side-by-side.md: Side by side */
enum { COLUMNS = 3, ROOM = 100 };

typedef struct column {
    const char *name;
    call        calls[ROOM];
    int         count, next;
} column;

static bool read_column(column *c, const char *name, const char *talk)
{
    char line[512];
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        perror(name);
        return false;
    }
    c->name = name;
    while (c->count < ROOM && fgets(line, sizeof line, file) != NULL)
        if (about(line, talk, &c->calls[c->count]))
            c->count++;
    fclose(file);
    return true;
}

/* <<find what comes next>> (1 of 3), book/08-side-by-side.md: Side by side */
static bool late(const call *c)
{
    return c->ms >= 50;             /* the answer takes 100 */
}

static bool ends(const call *c)
{
    return strcmp(c->result, "0, the end") == 0;
}

static bool joins(const column *c, const call *row)
{
    const call *own = &c->calls[c->next];
    return c->next < c->count && own->stage == row->stage
        && late(own) == late(row) && ends(own) == ends(row);
}
/* <<find what comes next>> (2 of 3), book/08-side-by-side.md: Side by side */

static int best_row(column *columns, call *best);

static int rows_after(column *columns, const call *row)
{
    static int tried[ROOM + 1][ROOM + 1][ROOM + 1];     /* rows + 1 */
    bool joined[COLUMNS];
    call unused;
    for (int i = 0; i < COLUMNS; i++)
        columns[i].next += joined[i] = joins(&columns[i], row);
    int *rows = &tried[columns[0].next][columns[1].next][columns[2].next];
    if (*rows == 0)
        *rows = 1 + best_row(columns, &unused);
    for (int i = 0; i < COLUMNS; i++)
        columns[i].next -= joined[i];
    return *rows;
}
/* <<find what comes next>> (3 of 3), book/08-side-by-side.md: Side by side */

/* How many rows are left, 0 at the end, and the first of them */
static int best_row(column *columns, call *best)
{
    int fewest = 0;
    for (int when = false; when <= true && fewest == 0; when++)
        for (int i = COLUMNS - 1; i >= 0; i--) {
            const column *c = &columns[i];
            if (c->next == c->count || late(&c->calls[c->next]) != when)
                continue;
            int rows = rows_after(columns, &c->calls[c->next]);
            if (fewest == 0 || rows < fewest) {
                fewest = rows;
                *best = c->calls[c->next];
            }
        }
    return fewest;
}

/* <<print a row>> (1 of 2), book/08-side-by-side.md: Side by side */
enum { WIDTH = 22 };

static int cell(int pad, int width, const char *text)
{
    if (text[0] == '\0')
        return pad + width;
    printf("%*s%s", pad, "", text);
    return width - (int)strlen(text);
}
/* <<print a row>> (2 of 2), book/08-side-by-side.md: Side by side */

static void print_row(column *columns, int n, call next)
{
    int pad = cell(0, 10, stages[next.stage]);
    for (int i = 0; i < n; i++) {
        column *c = &columns[i];
        bool same = joins(c, &next);
        pad = cell(pad, WIDTH, same ? c->calls[c->next].result : "");
        c->next += same;
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    static column columns[COLUMNS];
    int n = argc - 2;
    if (n < 1 || n > COLUMNS) {
        fprintf(stderr, "usage: side_by_side TALK TRACE...\n");
        return 2;
    }
    for (int i = 0; i < n; i++)
        if (!read_column(&columns[i], argv[i + 2], argv[1]))
            return 1;
    /* <<print the head, the rows and the sum>> (1 of 1), book/08-side-by-side.md: Side by side */
    call next;
    int pad = cell(0, 10, argv[1]);
    for (int i = 0; i < n; i++)
        pad = cell(pad, WIDTH, columns[i].name);
    printf("\n");
    while (best_row(columns, &next) > 0)
        print_row(columns, n, next);
    pad = cell(0, 10, "calls");
    for (int i = 0; i < n; i++) {
        char sum[12];
        snprintf(sum, sizeof sum, "%d", columns[i].count);
        pad = cell(pad, WIDTH, sum);
    }
    printf("\n");
    return 0;
}
