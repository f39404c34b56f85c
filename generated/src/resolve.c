/* Tangled from book/13-what-still-blocks.md: What still blocks. Edit the chapter, not this file. */

#define _GNU_SOURCE                     /* glibc: more than ISO C */
#define _NETBSD_SOURCE
#include "queue.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* <<names of the system>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netdb.h>
#include <sys/socket.h>
#endif

/* Words of getaddrinfo that not every system has */
#if defined(_WIN32)
enum { EMPTY_NAME = WSANO_DATA };       /* EAI_NODATA is another there */
#elif defined(EAI_NODATA)
enum { EMPTY_NAME = EAI_NODATA };
#else
enum { EMPTY_NAME = EAI_NONAME };
#endif
#if defined(EAI_ADDRFAMILY)
enum { OTHER_FAMILY = EAI_ADDRFAMILY };
#else
enum { OTHER_FAMILY = EAI_NONAME };
#endif
#if defined(EAI_SYSTEM)
enum { ASK_ERRNO = EAI_SYSTEM };
#else
enum { ASK_ERRNO = INT_MIN };
#endif
/* <<names of the system>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

enum { PORTS = 65536 };     /* op->length: room * PORTS + port */

/* <<what a name came to>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static int name_code(int error)
{
    if (error == EAI_NONAME || error == EMPTY_NAME
            || error == OTHER_FAMILY)
        return MIO_ENOTFOUND;
    if (error == EAI_AGAIN)
        return MIO_EAGAIN;
    return error == EAI_MEMORY ? MIO_ENOMEM : MIO_ESYSTEM;
}

/* What is full may have room later; `native` tells the rest */
static int system_code(int error)
{
    int code = mio__code(error);
    return code == MIO_EMFILE || code == MIO_ENOMEM || code == MIO_EAGAIN
         ? code : MIO_ESYSTEM;
}

static void not_found(mio_op *op, int error)
{
    bool of_system = error == ASK_ERRNO;
    op->native = of_system ? errno : error;
    op->result = of_system ? system_code(errno) : name_code(error);
}

/* <<copy what was found>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
/* Into `found`, as far as there is room */
static size_t copy_addresses(const struct addrinfo *a, mio_address *found,
                             size_t room)
{
    size_t n = 0;
    for (; a != NULL && n < room; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        memset(&found[n], 0, sizeof found[n]);
        found[n].length = (uint32_t)a->ai_addrlen;
        memcpy(found[n].storage.bytes, a->ai_addr, found[n].length);
        n++;
    }
    return n;
}

/* <<look up a name>> (1 of 1), book/13-what-still-blocks.md: What still blocks */
static void look_up(mio_op *op)
{
    struct addrinfo wanted = { .ai_flags = AI_NUMERICSERV,
                               .ai_socktype = SOCK_STREAM }, *all;
    char port[8];
    snprintf(port, sizeof port, "%d", (int)(op->length % PORTS));
    int error = getaddrinfo(op->reserved[HOST], port, &wanted, &all);
    if (error != 0) {
        not_found(op, error);
        return;
    }
    op->done = copy_addresses(all, op->buffer, op->length / PORTS);
    op->result = op->done > 0 ? (int64_t)op->done : MIO_ENOTFOUND;
    freeaddrinfo(all);
}

/* <<resolve>> (1 of 2), book/13-what-still-blocks.md: What still blocks */
void mio_op_resolve(mio_op *op, mio_pool *p, const char *host, int port,
                    mio_address *found, size_t room)
{
    bool sense = host != NULL && found != NULL && room > 0 && port >= 0
                 && port < PORTS;
    mio_op_work(op, sense ? p : NULL, look_up);
    op->reserved[HOST] = (void *)(uintptr_t)host;   /* it is only read */
    op->buffer = found;
    if (room >= PORTS)
        room = PORTS - 1;
    op->length = room * PORTS + (size_t)port;
}
/* <<resolve>> (2 of 2), book/13-what-still-blocks.md: What still blocks */

int mio_resolve(mio_queue *q, mio_op *op, mio_pool *p, const char *host,
                int port, mio_address *found, size_t room)
{
    if (op->state != YOURS)
        return MIO_EBUSY;
    mio_op_resolve(op, p, host, port, found, room);
    return mio_queue_submit(q, op);
}
