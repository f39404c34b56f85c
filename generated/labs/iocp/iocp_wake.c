/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>

static HANDLE port;

static void ring(void *unused)
{
    (void)unused;
    PostQueuedCompletionStatus(port, 0, 42, NULL);
}

int main(void)
{
    OVERLAPPED_ENTRY entry = { .lpCompletionKey = 0 };
    ULONG n = 0;
    sys_thread other;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (port == NULL || sys_thread_start(&other, ring, NULL) != 0)
        return 1;
    GetQueuedCompletionStatusEx(port, &entry, 1, &n, 5000, FALSE);
    printf("%lu packet, key %d, overlapped %s\n", n,
        (int)entry.lpCompletionKey,
        entry.lpOverlapped == NULL ? "NULL" : "not NULL");
    sys_thread_join(&other);
    return 0;
}
