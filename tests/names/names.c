/* mio_resolve over a getaddrinfo that answers as the test likes: several addresses, and each error */
#define _GNU_SOURCE
#include "minimio.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* --- the system's, replaced ------------------------------------------------------------------------- */

static struct sockaddr     other = { .sa_family = AF_UNIX };
static struct sockaddr_in6 six   = { .sin6_family = AF_INET6 };
static struct sockaddr_in  four  = { .sin_family = AF_INET }, last = { .sin_family = AF_INET };
static struct addrinfo     list[4];
static int error, error_number, given;

static struct addrinfo entry(int family, void *address, size_t length, struct addrinfo *next)
{
    struct addrinfo a = { .ai_family = family, .ai_addr = address, .ai_addrlen = (socklen_t)length, .ai_next = next };
    return a;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **found)
{
    errno = error_number;
    if (error != 0) return error;
    if (strcmp(host, "host") != 0 || strcmp(port, "80") != 0 || wanted->ai_socktype != SOCK_STREAM) return EAI_FAIL;
    list[0] = entry(AF_UNIX, &other, sizeof other, &list[1]);
    list[1] = entry(AF_INET6, &six, sizeof six, &list[2]);
    list[2] = entry(AF_INET, &four, sizeof four, &list[3]);
    list[3] = entry(AF_INET, &last, sizeof last, NULL);
    *found = list;
    given++;
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    if (found == list) given--;
}

/* --- the tests -------------------------------------------------------------------------------------- */

static mio_queue  *q;
static mio_pool   *pool;
static mio_op      op;
static mio_address found[5];
static int         failed;

static void report(bool good, const char *what)
{
    printf("%s - %s\n", good ? "ok" : "not ok", what);
    failed |= !good;
}

static int resolve(size_t room)
{
    mio_op *done;
    memset(found, 7, sizeof found);
    if (mio_resolve(q, &op, pool, "host", 80, found, room) != 0 || mio_queue_wait(q, &done, 1, -1) != 1) return -1000;
    return (int)op.result;
}

static bool untouched(int n) { return found[n].length == 0x07070707; }

static bool gives(int result, int code, int native)
{
    error = code;
    error_number = native;
    return resolve(2) == result && op.native == (native != 0 ? native : code) && op.done == 0 && untouched(0);
}

int main(void)
{
    if (mio_queue_open(&q, NULL) != 0 || mio_pool_open(&pool, 1, 1) != 0) return 2;
    report(resolve(4) == 3 && op.done == 3 && untouched(3), "three of four addresses are of the Internet");
    report(mio_address_family(&found[0]) == MIO_IPV6 && mio_address_family(&found[1]) == MIO_IPV4,
           "they come in the system's order");
    report(resolve(2) == 2 && op.done == 2 && untouched(2), "what there is no room for is left out");
    report(resolve(1) == 1 && untouched(1) && given == 0, "and the system's list is freed");
    report(gives(MIO_ENOTFOUND, EAI_NONAME, 0), "no such name");
    report(gives(MIO_ENOTFOUND, EAI_NODATA, 0), "a name without an address");
    report(gives(MIO_ENOTFOUND, EAI_ADDRFAMILY, 0), "a name without an address of the family");
    report(gives(MIO_EAGAIN, EAI_AGAIN, 0), "no answer for now");
    report(gives(MIO_ENOMEM, EAI_MEMORY, 0), "no memory");
    report(gives(MIO_ESYSTEM, EAI_FAIL, 0), "a failure for good");
    report(gives(MIO_EMFILE, EAI_SYSTEM, EMFILE), "the system's error, from errno");
    report(mio_pool_close(pool) == 0, "the pool closes");
    return failed;
}
