/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>

/* <<a windows error as a word>> (1 of 1), book/07-iocp.md: IOCP */
static const char *word(int error)
{
    switch (error) {
    case 0:                       return "ok";
    case WSA_IO_PENDING:          return "pending";
    case WSA_OPERATION_ABORTED:   return "ERROR_OPERATION_ABORTED";
    case WAIT_TIMEOUT:            return "the time is up";
    case ERROR_NOT_FOUND:         return "ERROR_NOT_FOUND";
    case ERROR_NETNAME_DELETED:   return "ERROR_NETNAME_DELETED";
    case ERROR_INVALID_PARAMETER: return "ERROR_INVALID_PARAMETER";
    case ERROR_ABANDONED_WAIT_0:  return "ERROR_ABANDONED_WAIT_0";
    case WSAEINVAL:               return "WSAEINVAL";
    case WSAECONNRESET:           return "WSAECONNRESET";
    case WSAECONNREFUSED:         return "WSAECONNREFUSED";
    default:                      return sys_error_text(error);
    }
}

static HANDLE port;

/* <<wait on the port for one second>> (1 of 1), book/07-iocp.md: IOCP */
static void wait_there(void *unused)
{
    DWORD moved;
    ULONG_PTR key;
    OVERLAPPED *o;
    (void)unused;
    BOOL good = GetQueuedCompletionStatus(port, &moved, &key, &o, 1000);
    printf("waiter: %s\n", word(good ? 0 : (int)GetLastError()));
}

int main(void)
{
    sys_thread waiter;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (port == NULL || sys_thread_start(&waiter, wait_there, NULL) != 0)
        return 1;
    Sleep(200);
    CloseHandle(port);
    sys_thread_join(&waiter);
    return 0;
}
