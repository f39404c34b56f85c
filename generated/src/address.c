/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

#include "queue.h"
#include <stdio.h>
#include <string.h>
/* <<headers for addresses>> (1 of 1), book/09-completion-over-readiness.md: Completion over readiness */
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

/* <<addresses>> (1 of 5), book/09-completion-over-readiness.md: Completion over readiness */
static const int families[] = { [MIO_LOCAL] = AF_UNIX, [MIO_IPV4] = AF_INET,
                                [MIO_IPV6] = AF_INET6 };

int mio__native_family(int family)
{
    return family < 0 || family > MIO_IPV6 ? 0 : families[family];
}

int mio__family(int native)
{
    for (int i = 0; i <= MIO_IPV6; i++)
        if (families[i] == native && native != 0)
            return i;
    return 0;
}
/* <<addresses>> (2 of 5), book/09-completion-over-readiness.md: Completion over readiness */

static int fill_address(mio_address *a, const void *native, size_t length)
{
    memset(a, 0, sizeof *a);
    memcpy(a->storage.bytes, native, length);
    a->length = (uint32_t)length;
    return 0;
}

int mio_address_parse(mio_address *a, const char *text, int port)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
    memset(&v4, 0, sizeof v4);
    memset(&v6, 0, sizeof v6);
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    if (port < 0 || port > 65535)
        return MIO_EINVAL;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return fill_address(a, &v4, sizeof v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return fill_address(a, &v6, sizeof v6);
    return MIO_EINVAL;
}
/* <<addresses>> (3 of 5), book/09-completion-over-readiness.md: Completion over readiness */

int mio_address_family(const mio_address *a)
{
    struct sockaddr any;
    if (a->length < offsetof(struct sockaddr, sa_data))
        return MIO_EINVAL;
    memcpy(&any, a->storage.bytes, sizeof any);
    int family = mio__family(any.sa_family);
    return family != 0 ? family : MIO_EINVAL;
}

int mio_address_port(const mio_address *a)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
    switch (mio_address_family(a)) {
    case MIO_IPV4:
        memcpy(&v4, a->storage.bytes, sizeof v4);
        return ntohs(v4.sin_port);
    case MIO_IPV6:
        memcpy(&v6, a->storage.bytes, sizeof v6);
        return ntohs(v6.sin6_port);
    default:
        return -1;
    }
}
/* <<addresses>> (4 of 5), book/09-completion-over-readiness.md: Completion over readiness */

/* The address without its port */
enum { HOST_ROOM = 64 };

static const char *host(const mio_address *a, char text[HOST_ROOM])
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
    if (mio_address_family(a) == MIO_IPV4) {
        memcpy(&v4, a->storage.bytes, sizeof v4);
        return inet_ntop(AF_INET, &v4.sin_addr, text, HOST_ROOM);
    }
    memcpy(&v6, a->storage.bytes, sizeof v6);
    return inet_ntop(AF_INET6, &v6.sin6_addr, text, HOST_ROOM);
}
/* <<addresses>> (5 of 5), book/09-completion-over-readiness.md: Completion over readiness */

int mio_address_print(const mio_address *a, char *text, size_t room)
{
    char address[HOST_ROOM];
    int family = mio_address_family(a);
    if (family == MIO_LOCAL)
        return mio__print_local(a, text, room);
    if (family < 0 || host(a, address) == NULL)
        return MIO_EINVAL;
    int n = snprintf(text, room, family == MIO_IPV6 ? "[%s]:%d" : "%s:%d",
                     address, mio_address_port(a));
    return n >= 0 && (size_t)n < room ? 0 : MIO_EINVAL;
}
