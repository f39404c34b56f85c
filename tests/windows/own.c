/*
 * What only Windows has, and the suite, which knows minimio.h alone, cannot ask for: the table of codes, Winsock's
 * start, listeners whose port nobody else takes, handles that are not inherited. Prints a line for each.
 */
#include "queue.h"
#include <winsock2.h>
#include <ws2tcpip.h>
#define WIN32_NO_STATUS          /* ntstatus.h has all of them */
#include <windows.h>
#undef WIN32_NO_STATUS
#include <winternl.h>
#include <ntstatus.h>
#include <stdio.h>
#include <string.h>

static int failed;

static void say(bool good, const char *what, long detail)
{
    failed += !good;
    if (good) printf("ok - %s\n", what);
    else printf("not ok - %s: %ld (0x%08lx)\n", what, detail, (unsigned long)detail);
}

/* --- codes ------------------------------------------------------------------------------------------ */

/* What a request may end with, by the names of the SDK, and what Winsock calls it. The system is asked too, below */
static const struct { NTSTATUS status; int native, code; } known[] = {
    { STATUS_CANCELLED, WSA_OPERATION_ABORTED, MIO_ECANCELED },
    { STATUS_CONNECTION_REFUSED, WSAECONNREFUSED, MIO_ECONNREFUSED },
    { STATUS_CONNECTION_RESET, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_REMOTE_DISCONNECT, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_PORT_UNREACHABLE, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_CONNECTION_ABORTED, WSAECONNABORTED, MIO_ECONNRESET },
    { STATUS_LOCAL_DISCONNECT, WSAECONNABORTED, MIO_ECONNRESET },
    { STATUS_CONNECTION_DISCONNECTED, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_NETWORK_NAME_DELETED, ERROR_NETNAME_DELETED, MIO_ECONNRESET },
    { STATUS_LINK_FAILED, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_HOPLIMIT_EXCEEDED, WSAECONNRESET, MIO_ECONNRESET },
    { STATUS_TRANSACTION_ABORTED, WSAECONNABORTED, MIO_ECONNRESET },
    { STATUS_REMOTE_NOT_LISTENING, WSAECONNREFUSED, MIO_ECONNREFUSED },
    { STATUS_PIPE_DISCONNECTED, WSAESHUTDOWN, MIO_EPIPE }, { STATUS_GRACEFUL_DISCONNECT, WSAEDISCON, MIO_EPIPE },
    { STATUS_IO_TIMEOUT, WSAETIMEDOUT, MIO_ETIMEDOUT },
    { STATUS_NETWORK_UNREACHABLE, WSAENETUNREACH, MIO_EUNREACHABLE },
    { STATUS_BAD_NETWORK_PATH, WSAENETUNREACH, MIO_EUNREACHABLE },
    { STATUS_HOST_UNREACHABLE, WSAEHOSTUNREACH, MIO_EUNREACHABLE },
    { STATUS_PROTOCOL_UNREACHABLE, WSAENETUNREACH, MIO_EUNREACHABLE },
    { STATUS_HOST_DOWN, WSAEHOSTDOWN, MIO_EUNREACHABLE },
    { STATUS_ADDRESS_ALREADY_EXISTS, WSAEADDRINUSE, MIO_EADDRINUSE },
    { STATUS_SHARING_VIOLATION, WSAEADDRINUSE, MIO_EADDRINUSE },
    { STATUS_TOO_MANY_ADDRESSES, WSAEADDRINUSE, MIO_EADDRINUSE },
    { STATUS_CONFLICTING_ADDRESSES, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { STATUS_INVALID_ADDRESS, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { STATUS_INVALID_ADDRESS_COMPONENT, WSAEADDRNOTAVAIL, MIO_EADDRNOTAVAIL },
    { STATUS_ACCESS_DENIED, WSAEACCES, MIO_EACCES }, { STATUS_BUFFER_OVERFLOW, WSAEMSGSIZE, MIO_EMSGSIZE },
    { STATUS_INVALID_BUFFER_SIZE, WSAEMSGSIZE, MIO_EMSGSIZE },
    { STATUS_CONNECTION_INVALID, WSAENOTCONN, MIO_ENOTCONN },
    { STATUS_INVALID_CONNECTION, WSAENOTCONN, MIO_ENOTCONN }, { STATUS_CONNECTION_ACTIVE, WSAEISCONN, MIO_EISCONN },
    { STATUS_INSUFFICIENT_RESOURCES, WSAENOBUFS, MIO_ENOMEM }, { STATUS_NO_MEMORY, WSAENOBUFS, MIO_ENOMEM },
    { STATUS_QUOTA_EXCEEDED, WSAENOBUFS, MIO_ENOMEM }, { STATUS_WORKING_SET_QUOTA, WSAENOBUFS, MIO_ENOMEM },
    { STATUS_COMMITMENT_LIMIT, WSAENOBUFS, MIO_ENOMEM }, { STATUS_INVALID_HANDLE, WSAENOTSOCK, MIO_EBADF },
    { STATUS_HANDLES_CLOSED, WSAENOTSOCK, MIO_EBADF },
    { STATUS_OBJECT_TYPE_MISMATCH, WSAENOTSOCK, MIO_EBADF }, { STATUS_NOT_SUPPORTED, WSAEOPNOTSUPP, MIO_ENOTSUP },
    { STATUS_INVALID_DEVICE_REQUEST, WSAEOPNOTSUPP, MIO_ENOTSUP },
    { STATUS_INVALID_PARAMETER, WSAEINVAL, MIO_EINVAL }, { STATUS_INVALID_DEVICE_STATE, WSAEINVAL, MIO_EINVAL },
    { STATUS_ACCESS_VIOLATION, WSAEFAULT, MIO_EINVAL }, { STATUS_BUFFER_TOO_SMALL, WSAEFAULT, MIO_EINVAL },
};

/* What a call may say, and no packet */
static const struct { int native, code; } said[] = {
    { WSAENETRESET, MIO_ECONNRESET }, { WSA_NOT_ENOUGH_MEMORY, MIO_ENOMEM }, { ERROR_NOT_ENOUGH_QUOTA, MIO_ENOMEM },
    { ERROR_NO_SYSTEM_RESOURCES, MIO_ENOMEM }, { ERROR_COMMITMENT_LIMIT, MIO_ENOMEM },
    { WSAEWOULDBLOCK, MIO_ENOMEM }, { WSAEMFILE, MIO_EMFILE }, { ERROR_TOO_MANY_OPEN_FILES, MIO_EMFILE },
    { WSA_INVALID_HANDLE, MIO_EBADF }, { WSAEBADF, MIO_EBADF }, { WSAEPROTONOSUPPORT, MIO_ENOTSUP },
    { WSAEAFNOSUPPORT, MIO_EINVAL }, { WSAEDESTADDRREQ, MIO_ENOTCONN },
};

static void test_codes(void)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char words[80];
        int native = mio__of_status(known[i].status);
        snprintf(words, sizeof words, "status 0x%08lx has its error and its code", (unsigned long)known[i].status);
        say(native == known[i].native && mio__code(native) == known[i].code, words, native);
    }
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        char words[80];
        snprintf(words, sizeof words, "error %d has its code", said[i].native);
        say(mio__code(said[i].native) == said[i].code, words, mio__code(said[i].native));
    }
    say(mio__of_status(0) == 0 && mio__of_status(0x103) == 0 && mio__of_status(0x40000000L) == 0,
        "what is not negative is no failure", 0);
    long wrong = 0;
    for (uint32_t s = 0; s < 0x10000u; s++) {
        static const uint32_t kinds[] = { 0xC0000000u, 0x80000000u, 0xC0010000u, 0xE0000000u };
        for (int k = 0; k < 4; k++) {
            int native = mio__of_status((long)(int32_t)(kinds[k] | s));
            if (native == 0 || mio__code(native) >= 0) wrong = (long)(kinds[k] | s);
        }
    }
    say(wrong == 0, "each of 262,144 negative statuses is a failure with a code", wrong);
    wrong = 0;
    for (int error = 1; error < 20000; error++) if (mio__code(error) >= 0) wrong = error;
    say(wrong == 0, "each error up to 20,000 has a code", wrong);
}

/* For these Wine 8 has no word, or another one, and what Windows says we do not know */
static const NTSTATUS not_asked[] = {
    STATUS_NETWORK_NAME_DELETED, STATUS_HOPLIMIT_EXCEEDED, STATUS_TOO_MANY_ADDRESSES, STATUS_CONFLICTING_ADDRESSES,
    STATUS_CONNECTION_INVALID, STATUS_HANDLES_CLOSED, STATUS_INVALID_DEVICE_REQUEST,
};

static bool is_asked(NTSTATUS status)
{
    for (size_t i = 0; i < sizeof not_asked / sizeof not_asked[0]; i++)
        if (not_asked[i] == status) return false;
    return true;
}

/* The system's own translation of a status: that of an overlapped result */
static void test_codes_with_winsock(SOCKET s)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char words[80];
        if (!is_asked(known[i].status)) continue;
        WSAOVERLAPPED o;
        DWORD n = 0, flags = 0;
        memset(&o, 0, sizeof o);
        o.Internal = (DWORD)known[i].status;
        int error = WSAGetOverlappedResult(s, &o, &n, FALSE, &flags) ? 0 : WSAGetLastError();
        snprintf(words, sizeof words, "Winsock says the same of status 0x%08lx", (unsigned long)known[i].status);
        say(error == known[i].native, words, error);
    }
}

/* --- sockets ---------------------------------------------------------------------------------------- */

static bool on_wine(void)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}

static void test_listener(void)
{
    mio_socket ours;
    mio_address at;
    BOOL on = TRUE;

    mio_address_parse(&at, "127.0.0.1", 0);
    int code = mio_socket_open(&ours, MIO_IPV4, MIO_STREAM);
    say(code == 0, "a socket opens where nobody called WSAStartup", code);
    code = mio_socket_bind(&ours, &at);
    if (code == 0) code = mio_socket_listen(&ours, 0);
    if (code == 0) code = mio_socket_local(&ours, &at);
    say(code == 0, "it listens", code);
    SOCKET thief = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(thief, SOL_SOCKET, SO_REUSEADDR, (const char *)&on, sizeof on);
    int bound = bind(thief, (const struct sockaddr *)(const void *)at.storage.bytes, (int)at.length);
    const char *words = "nobody else binds to its port, not even with SO_REUSEADDR";
    if (on_wine()) printf("skip - %s: the sockets of Wine are Linux's, which refuse it without our option, too\n", words);
    else say(bound != 0, words, WSAGetLastError());
    DWORD flags = HANDLE_FLAG_INHERIT;
    GetHandleInformation((HANDLE)ours.native, &flags);
    say((flags & HANDLE_FLAG_INHERIT) == 0, "its handle is not inherited", (long)flags);
    closesocket(thief);
    closesocket(ours.native);
}

/* On Linux such a call marks the socket all the same, so the suite does not ask */
static void test_failed_shut(void)
{
    static mio_socket listener, ours, other;
    static mio_op connecting, accepting, op;
    mio_op *done[2];
    mio_queue *q;
    mio_address at;
    char byte;

    mio_address_parse(&at, "127.0.0.1", 0);
    bool good = mio_queue_open(&q, NULL) == 0 && mio_socket_open(&listener, MIO_IPV4, MIO_STREAM) == 0
        && mio_socket_bind(&listener, &at) == 0 && mio_socket_listen(&listener, 0) == 0
        && mio_socket_local(&listener, &at) == 0 && mio_socket_open(&ours, MIO_IPV4, MIO_STREAM) == 0
        && mio_shut(q, &op, &ours, MIO_SHUT_RECEIVE) == 0 && mio_queue_wait(q, done, 1, -1) == 1;
    say(good && op.result == MIO_ENOTCONN, "a shut of what is not connected fails", (long)op.result);
    mio_accept(q, &accepting, &listener, &other);
    mio_connect(q, &connecting, &ours, &at);
    for (int n = 0; n < 2; ) n += mio_queue_wait(q, done, 2 - n, -1);
    mio_receive(q, &op, &ours, &byte, 1);
    int ended = mio_queue_wait(q, done, 1, 20000000);
    say(ended == 0, "and a receive after it waits for data", ended);
    closesocket(ours.native);
    closesocket(other.native);
    closesocket(listener.native);
}

static void test_raw(void)
{
    mio_socket ours;
    SOCKET raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

    if (raw == INVALID_SOCKET) {
        printf("skip - neither a stream nor for datagrams: no such socket for this user\n");
        return;
    }
    int code = mio_socket_adopt(&ours, raw);
    say(code == MIO_ENOTSUP, "what is neither a stream nor for datagrams is not adopted", code);
    say(closesocket(raw) == 0, "and is open", WSAGetLastError());
}

int main(void)
{
    WSADATA data;

    test_codes();
    test_listener();
    test_failed_shut();
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET s = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    test_codes_with_winsock(s);
    closesocket(s);
    test_raw();
    WSACleanup();
    mio_socket after;
    int code = mio_socket_open(&after, MIO_IPV4, MIO_DATAGRAM);
    say(code == 0, "a socket opens after the program's WSACleanup", code);
    return failed > 0;
}
