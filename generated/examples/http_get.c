/* Tangled from book/11-connections.md: Connections. Edit the chapter, not this file. */

#include "common/sys.h"
#include "minimio.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program[] = "http_get";
/* <<how http_get ends>> (1 of 1), book/11-connections.md: Connections */
enum { DONE, NETWORK, USAGE, MALFORMED, CUT_SHORT, TOO_LATE, NOT_OK,
       UNWRITTEN };
static int  status;
static char where[64];              /* address and port, once known */

static bool fail(int why, const char *format, ...)
{
    va_list values;
    fflush(stdout);                 /* what came first stands first */
    fprintf(stderr, "%s: %s%s", program, where,
            where[0] == '\0' ? "" : ": ");
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "\n");
    status = why;
    return false;
}
/* <<read a number>> (1 of 2), book/11-connections.md: Connections */
static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}
/* <<read a number>> (2 of 2), book/11-connections.md: Connections */

static bool read_number(const char **from, int base, uint64_t *n)
{
    const char *start = *from;
    uint64_t most = UINT64_MAX / (uint64_t)base - 1;
    for (*n = 0; digit_of(**from) < base; (*from)++) {
        if (*n > most)
            return false;           /* more than anybody has */
        *n = *n * (uint64_t)base + (uint64_t)digit_of(**from);
    }
    return *from != start;
}
/* <<take a URL apart>> (1 of 3), book/11-connections.md: Connections */
typedef struct url {
    const char *host;               /* with its port, as it was given */
    int         host_length, port;
    char        path[2048];
    mio_address address;
} url;

static bool read_port(const char *text, const char *end, int *port)
{
    uint64_t n = 0;
    bool good = read_number(&text, 10, &n) && text == end && n >= 1
        && n <= 65535;
    *port = good ? (int)n : 0;
    return good || fail(USAGE, "a port is a number from 1 to 65535");
}
/* <<take a URL apart>> (2 of 3), book/11-connections.md: Connections */

static bool read_host(const char *from, url *u)
{
    bool six = *from == '[';        /* [::1] */
    const char *name = from + six, *end = from + strcspn(from, "/?#");
    size_t n = strcspn(name, six ? "]/?#" : ":/?#");
    const char *rest = name + n + six;      /* past end: no bracket */
    char host[64] = "";
    u->host = from;
    u->host_length = (int)(end - from);
    u->port = 80;
    if (rest < end && *rest == ':' && !read_port(rest + 1, end, &u->port))
        return false;
    if (n < sizeof host && (rest == end || (rest < end && *rest == ':')))
        memcpy(host, name, n);
    /* <<make it an address>> (1 of 1), book/11-connections.md: Connections */
    if (mio_address_parse(&u->address, host, u->port) != 0)
        return fail(USAGE, "'%.*s' is not an address in numbers; names "
                    "are not looked up", u->host_length, from);
    mio_address_print(&u->address, where, sizeof where);
    return true;
}
/* <<take a URL apart>> (3 of 3), book/11-connections.md: Connections */

static bool read_path(const char *from, url *u)
{
    size_t n = strcspn(from, "#");
    if (n + 2 > sizeof u->path)
        return fail(USAGE, "a path longer than %d bytes",
                    (int)sizeof u->path - 2);
    for (size_t i = 0; i < n; i++)
        if (from[i] <= ' ' || from[i] >= 127)
            return fail(USAGE, "a path with a character that must be "
                        "encoded");
    snprintf(u->path, sizeof u->path, "%s%.*s", *from == '/' ? "" : "/",
             (int)n, from);
    return true;
}
/* <<carry out one operation>> (1 of 1), book/11-connections.md: Connections */
static int64_t carry_out(mio_queue *q, mio_op *op)
{
    mio_op *done;
    int bad = mio_queue_submit(q, op);
    if (bad == 0)
        bad = mio_queue_wait(q, &done, 1, -1);
    return bad < 0 ? bad : op->result;
}
/* <<one exchange and its limit>> (1 of 2), book/11-connections.md: Connections */
static mio_queue *queue;
static mio_socket server;
static mio_op     op;
static int64_t    limit;            /* of the whole exchange */
static int        seconds;

static int64_t in_time(void)
{
    op.deadline = limit;
    return mio_now() < limit ? carry_out(queue, &op) : MIO_ETIMEDOUT;
}
/* <<one exchange and its limit>> (2 of 2), book/11-connections.md: Connections */

static bool lost(const char *doing, int64_t code, const char *place)
{
    const char *reason = mio_strerror((int)code);
    if (code == MIO_ESYSTEM && op.native != 0)
        reason = sys_error_text(op.native);
    if (mio_now() >= limit)
        return fail(TOO_LATE, "%s: not done within %d s%s", doing,
                    seconds, place);
    return fail(NETWORK, "%s: %s%s", doing, reason, place);
}
/* <<ask the server>> (1 of 2), book/11-connections.md: Connections */
static bool open_socket(const url *u)
{
    int family = mio_address_family(&u->address);
    int bad = mio_queue_open(&queue, NULL);
    if (bad == 0)
        bad = mio_socket_open(&server, family, MIO_STREAM);
    limit = mio_now() + seconds * 1000 * SYS_MS;
    return bad == 0 || fail(NETWORK, "socket: %s", mio_strerror(bad));
}

static bool dial(const url *u)
{
    mio_op_connect(&op, &server, &u->address);
    int64_t result = in_time();
    return result == 0 || lost("connect", result, "");
}
/* <<ask the server>> (2 of 2), book/11-connections.md: Connections */

static bool ask(const url *u)
{
    char request[sizeof u->path + 512];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %.*s\r\n"
                     "Connection: close\r\n\r\n",
                     u->path, u->host_length, u->host);
    mio_op_send_all(&op, &server, request, (size_t)n);
    int64_t result = in_time();
    return result == n || lost("send", result, "");
}
/* <<take the answer byte by byte>> (1 of 2), book/11-connections.md: Connections */
static char    text[16384];         /* what was received */
static size_t  next, length;        /* the next byte of it; its end */
static int64_t received;            /* bytes; 0, the end; or a code */

static bool refill(void)
{
    mio_op_receive(&op, &server, text, sizeof text);
    received = in_time();
    next = 0;
    length = received > 0 ? (size_t)received : 0;
    return received > 0;
}
/* <<take the answer byte by byte>> (2 of 2), book/11-connections.md: Connections */

static int take_byte(void)          /* -1: there was none */
{
    if (next == length && !refill())
        return -1;
    return (unsigned char)text[next++];
}

static bool broken(const char *where_in_it)
{
    char place[80];
    snprintf(place, sizeof place, ", %s", where_in_it);
    if (received < 0)
        return lost("receive", received, place);
    return fail(CUT_SHORT, "the answer ended too early%s", place);
}
/* <<read a line of the answer>> (1 of 3), book/11-connections.md: Connections */
enum { MOST_LINES = 256 };
static char words[8192];            /* a line, without its end */
static int  lines;                  /* of head and trailer */

static bool add_to_line(size_t n, int c)
{
    if (n == sizeof words - 1)
        return fail(MALFORMED, "a line that is too long");
    if ((c < ' ' && c != '\t') || c == 127)
        return fail(MALFORMED, "a line with a byte of value %d", c);
    words[n] = (char)c;
    return true;
}
/* <<read a line of the answer>> (2 of 3), book/11-connections.md: Connections */

static bool read_line(const char *place)
{
    size_t n = 0;
    int c;
    while ((c = take_byte()) >= 0 && c != '\r')
        if (!add_to_line(n++, c))
            return false;
    words[n] = '\0';
    c = c < 0 ? c : take_byte();
    if (c < 0)
        return broken(place);
    return c == '\n' || fail(MALFORMED, "a line that ends in CR alone");
}
/* <<read a line of the answer>> (3 of 3), book/11-connections.md: Connections */

static bool read_head_line(void)
{
    if (lines++ == MOST_LINES)
        return fail(MALFORMED, "a head of more than %d lines",
                    (int)MOST_LINES);
    return read_line("in its head");
}
/* <<read the head of the answer>> (1 of 7), book/11-connections.md: Connections */
typedef struct answer {
    int      code, minor;           /* HTTP/1.minor code */
    char     reason[80];
    bool     measured, chunked;     /* how its end is known */
    uint64_t length;
} answer;

static bool read_status(answer *a)
{
    const char *rest = words + 9;
    uint64_t code = 0;
    if (!read_head_line())
        return false;
    /* <<understand the status line>> (1 of 1), book/11-connections.md: Connections */
    if (strncmp(words, "HTTP/1.", 7) != 0 || digit_of(words[7]) > 9
            || words[8] != ' ' || !read_number(&rest, 10, &code)
            || rest != words + 12 || code < 100 || code > 599
            || (*rest != ' ' && *rest != '\0'))
        return fail(MALFORMED, "the answer is not HTTP/1");
    a->minor = words[7] - '0';
    a->code = (int)code;
    snprintf(a->reason, sizeof a->reason, "%.70s", words + 9);
    return true;
}
/* <<read the head of the answer>> (2 of 7), book/11-connections.md: Connections */

static bool same(const char *a, const char *b)  /* b is in lower case */
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        char lower = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        if (lower != *b)
            return false;
    }
    return true;
}
/* <<read the head of the answer>> (3 of 7), book/11-connections.md: Connections */

static bool take_length(answer *a, const char *value)
{
    uint64_t n;
    if (!read_number(&value, 10, &n) || *value != '\0')
        return fail(MALFORMED, "a Content-Length that is no number");
    if (a->measured && n != a->length)
        return fail(MALFORMED, "two lengths");
    a->measured = true;
    a->length = n;
    return true;
}
/* <<read the head of the answer>> (4 of 7), book/11-connections.md: Connections */

static bool take_coding(answer *a, const char *value)
{
    if (a->chunked || !same(value, "chunked"))
        return fail(MALFORMED, "a transfer coding that is not known");
    a->chunked = true;
    return true;
}
/* <<read the head of the answer>> (5 of 7), book/11-connections.md: Connections */

static bool read_field(answer *a)
{
    size_t name = strcspn(words, ": \t"), end = strlen(words);
    if (name == 0 || words[name] != ':')
        return fail(MALFORMED, "a header field without a name");
    while (words[end - 1] == ' ' || words[end - 1] == '\t')
        words[--end] = '\0';
    words[name] = '\0';
    const char *value = words + name + 1;
    value += strspn(value, " \t");
    if (same(words, "content-length"))
        return take_length(a, value);
    return same(words, "transfer-encoding") ? take_coding(a, value) : true;
}
/* <<read the head of the answer>> (6 of 7), book/11-connections.md: Connections */

static bool read_fields(answer *a)
{
    while (read_head_line()) {
        if (words[0] == '\0')
            return true;
        if (!read_field(a))
            return false;
    }
    return false;
}
/* <<read the head of the answer>> (7 of 7), book/11-connections.md: Connections */

static bool read_head(answer *a)
{
    do {                            /* 1xx: another one follows */
        memset(a, 0, sizeof *a);
        if (!read_status(a) || !read_fields(a))
            return false;
    } while (a->code < 200 && a->code != 101);
    if (a->code == 101 || (a->chunked && (a->measured || a->minor == 0)))
        return fail(MALFORMED, "an answer whose end cannot be known");
    return true;
}
/* <<copy the body>> (1 of 6), book/11-connections.md: Connections */
static bool write_out(size_t n)
{
    if (fwrite(text + next, 1, n, stdout) != n)
        return fail(UNWRITTEN, "cannot write it: %s", strerror(errno));
    next += n;
    return true;
}

static bool missing(uint64_t n, const char *what)
{
    char place[60];
    snprintf(place, sizeof place, "%llu bytes of the %s missing",
             (unsigned long long)n, what);
    return broken(place);
}
/* <<copy the body>> (2 of 6), book/11-connections.md: Connections */

static bool copy(uint64_t n, const char *what)
{
    while (n > 0) {
        if (next == length && !refill())
            return missing(n, what);
        size_t part = n < length - next ? (size_t)n : length - next;
        if (!write_out(part))
            return false;
        n -= part;
    }
    return true;
}
/* <<copy the body>> (3 of 6), book/11-connections.md: Connections */

static bool copy_to_end(void)
{
    do {
        if (!write_out(length - next))
            return false;
    } while (refill());
    return received == 0 || broken("before its end");
}
/* <<copy the body>> (4 of 6), book/11-connections.md: Connections */

static bool read_size(uint64_t *n)
{
    const char *rest = words;
    if (!read_line("before its last chunk"))
        return false;
    bool good = read_number(&rest, 16, n);
    rest += strspn(rest, " \t");
    return (good && (*rest == '\0' || *rest == ';'))
        || fail(MALFORMED, "a chunk without a size");
}
/* <<copy the body>> (5 of 6), book/11-connections.md: Connections */

static bool copy_chunks(void)
{
    answer trailer = { 0 };
    uint64_t n;
    while (read_size(&n)) {
        if (n == 0)
            return read_fields(&trailer);
        if (!copy(n, "chunk") || !read_line("after a chunk"))
            return false;
        if (words[0] != '\0')
            return fail(MALFORMED, "a chunk longer than its size");
    }
    return false;
}
/* <<copy the body>> (6 of 6), book/11-connections.md: Connections */

static bool read_body(const answer *a)
{
    if (a->code == 204 || a->code == 304)
        return true;
    if (a->chunked)
        return copy_chunks();
    return a->measured ? copy(a->length, "body") : copy_to_end();
}
/* <<what http_get was asked for>> (1 of 1), book/11-connections.md: Connections */
static bool read_arguments(int argc, char **argv, url *u)
{
    static const char scheme[] = "http://";
    const size_t skip = sizeof scheme - 1;
    const char *from = argc > 1 ? argv[argc - 1] : "";
    bool timed = argc == 4 && strcmp(argv[1], "-t") == 0;
    const char *rest = timed ? argv[2] : "30";
    uint64_t n;
    bool good = read_number(&rest, 10, &n) && *rest == '\0';
    /* <<refuse what makes no sense>> (1 of 1), book/11-connections.md: Connections */
    if ((argc != 2 && !timed) || !good || n < 1 || n > 1000000
            || strncmp(from, scheme, skip) != 0)
        return fail(USAGE, "usage: %s [-t SECONDS] "
                    "http://ADDRESS[:PORT][/PATH]", program);
    seconds = (int)n;
    return read_host(from + skip, u)
        && read_path(from + skip + u->host_length, u);
}

int main(int argc, char **argv)
{
    static url u;
    static answer a;
    if (!read_arguments(argc, argv, &u) || !open_socket(&u))
        return status;
    sys_plain_output();             /* the body may be anything */
    if (dial(&u) && ask(&u) && read_head(&a) && read_body(&a)
            && a.code / 100 != 2)
        fail(NOT_OK, "%s", a.reason);
    /* <<hang up>> (1 of 1), book/11-connections.md: Connections */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == DONE)
        fail(UNWRITTEN, "cannot write it: %s", strerror(errno));
    mio_op_close(&op, &server);
    carry_out(queue, &op);
    mio_queue_shutdown(queue);
    mio_queue_close(queue);
    return status;
}
