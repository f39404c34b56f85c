/* Tangled from book/10-the-same-on-iocp.md: The same on IOCP. Edit the chapter, not this file. */

#include "queue.h"
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <string.h>

/* <<codes of Windows>> (1 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
/* A request that fails at once has Winsock's error, a packet the kernel's
   status: negative, for each of the same things */
static const struct { int32_t status; int native, code; } codes[] = {
    { 0, 0, 0 },
    { (int32_t)0xC0000120, ERROR_OPERATION_ABORTED, MIO_ECANCELED },
    { (int32_t)0xC0000236, WSAECONNREFUSED, MIO_ECONNREFUSED },
    { (int32_t)0xC000020D, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC000013C, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC000023F, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC0000241, WSAECONNABORTED, MIO_ECONNRESET },
    { (int32_t)0xC000013B, WSAECONNABORTED, MIO_ECONNRESET },
    { (int32_t)0xC000020C, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC00000C9, ERROR_NETNAME_DELETED, MIO_ECONNRESET },
    { 0, WSAENETRESET, MIO_ECONNRESET },
    { (int32_t)0xC000013E, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC000A012, WSAECONNRESET, MIO_ECONNRESET },
    { (int32_t)0xC000020F, WSAECONNABORTED, MIO_ECONNRESET },
    { (int32_t)0xC00000BC, WSAECONNREFUSED, MIO_ECONNREFUSED },
    { (int32_t)0xC00000B0, WSAESHUTDOWN, MIO_EPIPE },
    { (int32_t)0xC0000237, WSAEDISCON, MIO_EPIPE },
    { (int32_t)0xC00000B5, WSAETIMEDOUT, MIO_ETIMEDOUT },
/* <<codes of Windows>> (2 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
    { (int32_t)0xC000023C, WSAENETUNREACH, MIO_EUNREACHABLE },
    { (int32_t)0xC00000BE, WSAENETUNREACH, MIO_EUNREACHABLE },
    { (int32_t)0xC000023D, WSAEHOSTUNREACH, MIO_EUNREACHABLE },
    { (int32_t)0xC000023E, WSAENETUNREACH, MIO_EUNREACHABLE },
    { (int32_t)0xC0000350, WSAEHOSTDOWN, MIO_EUNREACHABLE },
    { (int32_t)0xC000020A, WSAEADDRINUSE, MIO_EADDRINUSE },
    { (int32_t)0xC0000043, WSAEADDRINUSE, MIO_EADDRINUSE },
    { (int32_t)0xC0000209, WSAEADDRINUSE, MIO_EADDRINUSE },
    { (int32_t)0xC0000018, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { (int32_t)0xC0000141, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { (int32_t)0xC0000207, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { (int32_t)0xC0000022, WSAEACCES, MIO_EACCES },
    { (int32_t)0x80000005, WSAEMSGSIZE, MIO_EMSGSIZE },
    { (int32_t)0xC0000206, WSAEMSGSIZE, MIO_EMSGSIZE },
    { (int32_t)0xC000023A, WSAENOTCONN, MIO_ENOTCONN },
    { (int32_t)0xC0000140, WSAENOTCONN, MIO_ENOTCONN },
    { (int32_t)0xC000023B, WSAEISCONN, MIO_EISCONN },
    { (int32_t)0xC000009A, WSAENOBUFS, MIO_ENOMEM },
    { (int32_t)0xC0000017, WSAENOBUFS, MIO_ENOMEM },
    { (int32_t)0xC0000044, WSAENOBUFS, MIO_ENOMEM },
    { (int32_t)0xC00000A1, WSAENOBUFS, MIO_ENOMEM },
    { (int32_t)0xC000012D, WSAENOBUFS, MIO_ENOMEM },
    { 0, WSA_NOT_ENOUGH_MEMORY, MIO_ENOMEM },
/* <<codes of Windows>> (3 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
    { 0, ERROR_NOT_ENOUGH_QUOTA, MIO_ENOMEM },
    { 0, ERROR_NO_SYSTEM_RESOURCES, MIO_ENOMEM },
    { 0, ERROR_COMMITMENT_LIMIT, MIO_ENOMEM },
    { 0, WSAEWOULDBLOCK, MIO_ENOMEM },  /* too many requests are out */
    { 0, WSAEMFILE, MIO_EMFILE },
    { 0, ERROR_TOO_MANY_OPEN_FILES, MIO_EMFILE },
    { (int32_t)0xC0000008, WSAENOTSOCK, MIO_EBADF },
    { (int32_t)0x8000000A, WSAENOTSOCK, MIO_EBADF },
    { 0, WSA_INVALID_HANDLE, MIO_EBADF },
    { 0, WSAEBADF, MIO_EBADF },
    { (int32_t)0xC0000024, WSAENOTSOCK, MIO_EBADF },
    { (int32_t)0xC00000BB, WSAEOPNOTSUPP, MIO_ENOTSUP },
    { (int32_t)0xC0000010, WSAEOPNOTSUPP, MIO_ENOTSUP },
    { 0, WSAEPROTONOSUPPORT, MIO_ENOTSUP },
    { (int32_t)0xC000000D, WSAEINVAL, MIO_EINVAL },
    { (int32_t)0xC0000184, WSAEINVAL, MIO_EINVAL },
    { (int32_t)0xC0000005, WSAEFAULT, MIO_EINVAL },
    { (int32_t)0xC0000023, WSAEFAULT, MIO_EINVAL },
    { 0, WSAEAFNOSUPPORT, MIO_EINVAL },
    { 0, WSAEDESTADDRREQ, MIO_ENOTCONN }
};
enum { CODES = sizeof codes / sizeof codes[0] };
/* <<codes of Windows>> (4 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
int mio__code(int native)
{
    for (int i = 0; i < CODES; i++)
        if (codes[i].native == native)
            return codes[i].code;
    return MIO_ESYSTEM;
}
/* <<codes of Windows>> (5 of 5), book/10-the-same-on-iocp.md: The same on IOCP */
/* Winsock's word for a status. Every negative one is a failure; one that is
   not in the table stays as it is */
int mio__of_status(long status)
{
    if (status >= 0)
        return 0;
    for (int i = 1; i < CODES; i++)
        if (codes[i].status == status)
            return codes[i].native;
    return (int)status;
}

/* <<Winsock, once>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
/* What fails is tried again by who asks next */
static BOOL CALLBACK start_winsock(INIT_ONCE *once, void *parameter,
                                   void **unused)
{
    WSADATA data;
    int *error = parameter;
    (void)once, (void)unused;
    *error = WSAStartup(MAKEWORD(2, 2), &data);
    return *error == 0;
}
/* <<Winsock, once>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

/* It is counted: a program that starts and ends it, too, does no harm */
int mio__winsock(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    int error = 0;
    InitOnceExecuteOnce(&once, start_winsock, &error, NULL);
    return error;
}

/* <<clock and owner on Windows>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
int64_t mio_now(void)
{
    LARGE_INTEGER count, second;
    QueryPerformanceFrequency(&second);
    QueryPerformanceCounter(&count);
    int64_t whole = count.QuadPart / second.QuadPart;
    int64_t rest = count.QuadPart % second.QuadPart;
    return whole * 1000000000 + rest * 1000000000 / second.QuadPart;
}

void mio__own(mio_queue *q)
{
    q->owner = GetCurrentThreadId();
}
/* <<clock and owner on Windows>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

#if defined(MIO_CHECKED)
bool mio__owned(const mio_queue *q)
{
    return q->owner == GetCurrentThreadId();
}
#endif

/* <<open a socket on Windows>> (1 of 7), book/10-the-same-on-iocp.md: The same on IOCP */
static void fill_in(mio_socket *s, SOCKET native, int type, int family)
{
    memset(s, 0, sizeof *s);
    s->native = native;
    s->type = (uint8_t)type;
    s->family = (uint8_t)family;
    s->flags = IS_OPEN;
}
/* <<open a socket on Windows>> (2 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

/* With a time to linger it would block, and stays open: then without */
int mio__close_native(mio_native native)
{
    static const struct linger none = { 0, 0 };
    if (closesocket(native) == 0)
        return 0;
    if (WSAGetLastError() != WSAEWOULDBLOCK)
        return WSAGetLastError();
    setsockopt(native, SOL_SOCKET, SO_LINGER, (const char *)&none,
               sizeof none);
    return closesocket(native) == 0 ? 0 : WSAGetLastError();
}
/* <<open a socket on Windows>> (3 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

void mio__discard(mio_socket *s)
{
    if (s->native != INVALID_SOCKET)
        mio__close_native(s->native);
    memset(s, 0, sizeof *s);
    s->native = INVALID_SOCKET;
}
/* <<open a socket on Windows>> (4 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

/* What the network says of earlier datagrams: to connected sockets only.
   The second word is not in every header */
static int tell_refusals(SOCKET native, BOOL tell)
{
    static const DWORD asked[] = { SIO_UDP_CONNRESET, 0x9800000Fu };
    DWORD n;
    for (int i = 0; i < 2; i++)
        if (WSAIoctl(native, asked[i], &tell, sizeof tell, NULL, 0, &n,
                     NULL, NULL) != 0
                && WSAGetLastError() != WSAEOPNOTSUPP)
            return WSAGetLastError();
    return 0;
}
/* <<open a socket on Windows>> (5 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

static int configure(SOCKET native, int family, int type)
{
    u_long on = 1;
    DWORD only = 1;
    if (ioctlsocket(native, (long)FIONBIO, &on) != 0)
        return WSAGetLastError();
    if (family == MIO_IPV6 && setsockopt(native, IPPROTO_IPV6, IPV6_V6ONLY,
            (const char *)&only, sizeof only) != 0)
        return WSAGetLastError();
    return type == MIO_DATAGRAM ? tell_refusals(native, FALSE) : 0;
}
/* <<open a socket on Windows>> (6 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

/* Not inherited, and for overlapped requests */
int mio__open(mio_socket *s, int family, int type)
{
    memset(s, 0, sizeof *s);
    s->native = WSASocketW(mio__native_family(family),
        type == MIO_STREAM ? SOCK_STREAM : SOCK_DGRAM, 0, NULL, 0,
        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s->native == INVALID_SOCKET)
        return WSAGetLastError();
    int error = configure(s->native, family, type);
    if (error != 0)
        mio__discard(s);
    return error;
}
/* <<open a socket on Windows>> (7 of 7), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_socket_open(mio_socket *s, int family, int type)
{
    memset(s, 0, sizeof *s);
    s->native = INVALID_SOCKET;
    if (mio__native_family(family) == 0
            || (type != MIO_STREAM && type != MIO_DATAGRAM))
        return MIO_EINVAL;
    if (family == MIO_LOCAL)
        return MIO_ENOTSUP;
    int error = mio__winsock();
    if (error == 0)
        error = mio__open(s, family, type);
    if (error != 0)
        return error == WSAEAFNOSUPPORT ? MIO_ENOTSUP : mio__code(error);
    fill_in(s, s->native, type, family);
    return 0;
}

/* <<adopt a socket on Windows>> (1 of 2), book/10-the-same-on-iocp.md: The same on IOCP */
static int info_of(SOCKET native, WSAPROTOCOL_INFOW *info)
{
    int size = sizeof *info;
    return getsockopt(native, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)info,
                      &size) == 0 ? 0 : WSAGetLastError();
}

/* Nothing between Winsock and the kernel: then what is done at once needs
   no packet */
bool mio__plain(const mio_socket *s)
{
    WSAPROTOCOL_INFOW info;
    return info_of(s->native, &info) == 0
        && info.dwServiceFlags1 & XP1_IFS_HANDLES;
}
/* <<adopt a socket on Windows>> (2 of 2), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_socket_adopt(mio_socket *s, mio_native native)
{
    WSAPROTOCOL_INFOW info;
    struct sockaddr_storage peer;
    int size = sizeof peer;
    DWORD unused;
    memset(s, 0, sizeof *s);
    s->native = INVALID_SOCKET;
    int error = mio__winsock();
    if (error == 0)
        error = info_of(native, &info);
    if (error == WSAENOTSOCK && native != INVALID_SOCKET
            && GetHandleInformation((HANDLE)native, &unused))
        return MIO_ENOTSUP;             /* open, but no socket */
    if (error != 0)
        return mio__code(error);
    if (info.iSocketType != SOCK_STREAM && info.iSocketType != SOCK_DGRAM)
        return MIO_ENOTSUP;
    bool stream = info.iSocketType == SOCK_STREAM;
    if (!stream && getpeername(native, (struct sockaddr *)&peer, &size))
        error = tell_refusals(native, FALSE);
    if (error != 0)
        return mio__code(error);
    fill_in(s, native, stream ? MIO_STREAM : MIO_DATAGRAM,
            mio__family(info.iAddressFamily));
    return 0;
}

/* <<calls of a socket on Windows>> (1 of 6), book/10-the-same-on-iocp.md: The same on IOCP */
/* Alone: nobody else can bind to the same port, and take what comes */
static int bind_to(mio_socket *s, const mio_address *a, BOOL alone)
{
    const void *address = a->storage.bytes;
    if (setsockopt(s->native, SOL_SOCKET, SO_EXCLUSIVEADDRUSE,
                   (const char *)&alone, sizeof alone) != 0
            || bind(s->native, address, (int)a->length) != 0)
        return WSAGetLastError();
    return 0;
}
/* <<calls of a socket on Windows>> (2 of 6), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_socket_bind(mio_socket *s, const mio_address *a)
{
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (mio_address_family(a) != s->family)
        return MIO_EINVAL;
    int error = bind_to(s, a, TRUE);
    if (error == WSAEADDRINUSE && s->type == MIO_STREAM)
        error = bind_to(s, a, FALSE);   /* old connections hold it */
    return error != 0 ? mio__code(error) : 0;
}
/* <<calls of a socket on Windows>> (3 of 6), book/10-the-same-on-iocp.md: The same on IOCP */

/* ConnectEx asks for a bound socket: to any port, if it was to none */
int mio__bind_any(mio_socket *s)
{
    struct sockaddr_storage any;
    struct sockaddr *name = (struct sockaddr *)&any;
    memset(&any, 0, sizeof any);
    name->sa_family = (u_short)mio__native_family(s->family);
    int bad = bind(s->native, name, s->family == MIO_IPV6
        ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    return bad == 0 || WSAGetLastError() == WSAEINVAL   /* it is bound */
        ? 0 : WSAGetLastError();
}
/* <<calls of a socket on Windows>> (4 of 6), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_socket_listen(mio_socket *s, int backlog)
{
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (backlog < 0)
        return MIO_EINVAL;
    if (listen(s->native, backlog == 0 ? SOMAXCONN : backlog) != 0)
        return mio__code(WSAGetLastError());
    return 0;
}
/* <<calls of a socket on Windows>> (5 of 6), book/10-the-same-on-iocp.md: The same on IOCP */

static int name(const mio_socket *s, mio_address *a,
                int (WSAAPI *ask)(SOCKET, struct sockaddr *, int *))
{
    int length = sizeof a->storage;
    void *address = a->storage.bytes;
    memset(a, 0, sizeof *a);
    if (!(s->flags & IS_OPEN))
        return MIO_EBADF;
    if (ask(s->native, address, &length) != 0)
        return mio__code(WSAGetLastError());
    a->length = (uint32_t)length;
    return 0;
}
/* <<calls of a socket on Windows>> (6 of 6), book/10-the-same-on-iocp.md: The same on IOCP */

int mio_socket_local(const mio_socket *s, mio_address *a)
{
    return name(s, a, getsockname);
}

int mio_socket_peer(const mio_socket *s, mio_address *a)
{
    return name(s, a, getpeername);
}

/* <<after a connection>> (1 of 4), book/10-the-same-on-iocp.md: The same on IOCP */
/* Until it is told what it is, such a socket knows neither its peer nor
   how to be shut */
int mio__update(SOCKET native, int option, const void *value, int size)
{
    return setsockopt(native, SOL_SOCKET, option, value, size) == 0
        ? 0 : WSAGetLastError();
}
/* <<after a connection>> (2 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

int mio__accepted(const mio_socket *listener, mio_socket *s)
{
    SOCKET native = s->native, other = listener->native;
    u_long on = 1;                      /* whatever the listener is */
    int error = mio__update(native, SO_UPDATE_ACCEPT_CONTEXT, &other,
                            sizeof other);
    if (error == 0 && ioctlsocket(native, (long)FIONBIO, &on) != 0)
        error = WSAGetLastError();
    if (error == 0)
        fill_in(s, native, MIO_STREAM, listener->family);
    return error;
}
/* <<after a connection>> (3 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

int mio__connect_datagram(mio_socket *s, const mio_address *to)
{
    const void *address = to->storage.bytes;
    if (connect(s->native, address, (int)to->length) != 0)
        return WSAGetLastError();
    return tell_refusals(s->native, TRUE);
}
/* <<after a connection>> (4 of 4), book/10-the-same-on-iocp.md: The same on IOCP */

/* The sending half. The other has nothing to tell the peer, and Windows
   would answer what still comes with a reset */
int mio__shut(mio_op *op)
{
    struct sockaddr_storage peer;
    int length = sizeof peer;
    SOCKET native = op->socket->native;
    int bad = op->length & MIO_SHUT_SEND ? shutdown(native, SD_SEND)
        : getpeername(native, (struct sockaddr *)&peer, &length);
    return bad != 0 ? WSAGetLastError() : 0;
}

/* <<no local addresses>> (1 of 1), book/10-the-same-on-iocp.md: The same on IOCP */
int mio_address_local(mio_address *a, const char *path)
{
    (void)path;
    memset(a, 0, sizeof *a);
    return MIO_ENOTSUP;
}

int mio__print_local(const mio_address *a, char *text, size_t room)
{
    (void)a, (void)text, (void)room;
    return MIO_EINVAL;
}
#endif
