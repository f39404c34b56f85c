/*
 * The pool where the system has no more: memory, a lock, a bell, or a thread fails; and names that come to something
 * else than addresses. The library's objects call ours, see ../pool.sh. Each line of the output is a test.
 */
#define _GNU_SOURCE
#include "minimio.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum call { CALLOC, MUTEX, BELL, THREAD, CALLS };
static const char *const names[CALLS] = { "calloc", "pthread_mutex_init", "pthread_cond_init", "pthread_create" };
static int count[CALLS], nth, held[CALLS];          /* held: made and not given back */
static enum call failing;

static bool fails(enum call call)
{
    bool bad = ++count[call] == nth && call == failing;
    if (!bad) held[call]++;
    return bad;
}

void *pool_calloc(size_t n, size_t size);
void pool_free(void *memory);
int pool_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *how);
int pool_mutex_destroy(pthread_mutex_t *m);
int pool_cond_init(pthread_cond_t *c, const pthread_condattr_t *how);
int pool_cond_destroy(pthread_cond_t *c);
int pool_create(pthread_t *t, const pthread_attr_t *how, void *(*run)(void *), void *argument);
int pool_join(pthread_t t, void **result);
int pool_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **all);
void pool_freeaddrinfo(struct addrinfo *all);

void *pool_calloc(size_t n, size_t size) { return fails(CALLOC) ? NULL : calloc(n, size); }
void pool_free(void *memory) { held[CALLOC]--; free(memory); }
int pool_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *how) { return fails(MUTEX) ? ENOMEM : pthread_mutex_init(m, how); }
int pool_mutex_destroy(pthread_mutex_t *m) { held[MUTEX]--; return pthread_mutex_destroy(m); }
int pool_cond_init(pthread_cond_t *c, const pthread_condattr_t *how) { return fails(BELL) ? EAGAIN : pthread_cond_init(c, how); }
int pool_cond_destroy(pthread_cond_t *c) { held[BELL]--; return pthread_cond_destroy(c); }
int pool_join(pthread_t t, void **result) { held[THREAD]--; return pthread_join(t, result); }

int pool_create(pthread_t *t, const pthread_attr_t *how, void *(*run)(void *), void *argument)
{
    return fails(THREAD) ? EAGAIN : pthread_create(t, how, run, argument);
}

static bool failed;

static void say(bool good, const char *words)
{
    failed = failed || !good;
    printf("%s - %s\n", good ? "ok" : "not ok", words);
}

/* --- opening ------------------------------------------------------------------------------------------- */

static void open_with_one_that_fails(enum call call, int n)
{
    char words[100];
    int unused = 0;
    mio_pool *pool = (mio_pool *)(void *)&unused;

    memset(count, 0, sizeof count);
    failing = call;
    nth = n;
    bool good = mio_pool_open(&pool, 3, 1) == MIO_ENOMEM && pool == NULL && count[call] == n;
    for (int i = 0; i < CALLS; i++) good = good && held[i] == 0;
    snprintf(words, sizeof words, "without %s, the %d. time, no pool opens and nothing is left", names[call], n);
    say(good, words);
    nth = 0;
}

/* --- names --------------------------------------------------------------------------------------------- */

static int answer, families[3];         /* an error, or the families of what is found; 0 ends them */
static int lists;
static struct addrinfo list[3];
static struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

int pool_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted, struct addrinfo **all)
{
    (void)host, (void)port, (void)wanted;
    if (answer == EAI_SYSTEM) errno = EMFILE;
    if (answer != 0) return answer;
    *all = list;
    lists++;
    for (int i = 0; i < 3; i++) {
        list[i] = (struct addrinfo){ .ai_family = families[i], .ai_addr = (struct sockaddr *)(void *)&address,
            .ai_addrlen = sizeof address, .ai_next = i < 2 && families[i + 1] != 0 ? &list[i + 1] : NULL };
    }
    return 0;
}

void pool_freeaddrinfo(struct addrinfo *all)
{
    if (all == list) lists--;
}

static mio_queue *q;
static mio_pool *pool;
static mio_op op;
static mio_address found[4];

static int64_t resolved(size_t room)
{
    mio_op *done[1];
    if (mio_resolve(q, &op, pool, "a name", 1, found, room) != 0 || mio_queue_wait(q, done, 1, INT64_C(10000000000)) != 1)
        return INT64_MIN;
    return op.result;
}

static void names_that_are_not_found(void)
{
    static const struct { int error, code, native; const char *words; } known[] = {
        { EAI_NONAME, MIO_ENOTFOUND, EAI_NONAME, "EAI_NONAME is MIO_ENOTFOUND" },
        { EAI_NODATA, MIO_ENOTFOUND, EAI_NODATA, "EAI_NODATA is MIO_ENOTFOUND" },
        { EAI_ADDRFAMILY, MIO_ENOTFOUND, EAI_ADDRFAMILY, "EAI_ADDRFAMILY is MIO_ENOTFOUND" },
        { EAI_AGAIN, MIO_EAGAIN, EAI_AGAIN, "EAI_AGAIN is MIO_EAGAIN" },
        { EAI_MEMORY, MIO_ENOMEM, EAI_MEMORY, "EAI_MEMORY is MIO_ENOMEM" },
        { EAI_FAIL, MIO_ESYSTEM, EAI_FAIL, "EAI_FAIL is MIO_ESYSTEM, and kept" },
        { EAI_SYSTEM, MIO_EMFILE, EMFILE, "EAI_SYSTEM is what errno says" },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        answer = known[i].error;
        say(resolved(4) == known[i].code && op.native == known[i].native, known[i].words);
    }
    answer = 0;
}

static void families_that_are_no_addresses_of_ours(void)
{
    static const mio_address nothing;
    families[0] = AF_UNIX;
    families[1] = AF_INET6;
    memset(found, 0xEE, sizeof found);
    say(resolved(4) == 1 && found[0].reserved == 0 && memcmp(found[0].storage.bytes + sizeof address,
        nothing.storage.bytes, sizeof nothing.storage.bytes - sizeof address) == 0, "behind an address found are zeros");
    say(resolved(4) == 1 && op.done == 1 && mio_address_family(&found[0]) == MIO_IPV6 && lists == 0,
        "what is found of another family is left out");
    families[0] = AF_INET6;
    say(resolved(1) == 1 && lists == 0, "of two that are found, one has room");
    families[0] = AF_UNIX;
    families[1] = 0;
    say(resolved(4) == MIO_ENOTFOUND && op.done == 0 && lists == 0, "nothing but other families is MIO_ENOTFOUND");
}

int main(void)
{
    for (int call = 0; call < CALLS; call++)
        for (int n = 1; n <= (call == THREAD ? 3 : 1); n++) open_with_one_that_fails((enum call)call, n);
    if (mio_pool_open(&pool, 1, 1) != 0 || mio_queue_open(&q, NULL) != 0) return 1;
    names_that_are_not_found();
    families_that_are_no_addresses_of_ours();
    mio_queue_shutdown(q);
    mio_op *done[1];
    while (mio_queue_wait(q, done, 1, -1) != MIO_ESHUTDOWN) ;          /* a thread may still be on its way out of a post */
    say(mio_queue_close(q) == 0 && mio_pool_close(pool) == 0 && held[THREAD] == 0 && held[CALLOC] == 0, "all of it ends");
    return failed;
}
