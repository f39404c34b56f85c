/* Tangled from book/07-iocp.md: IOCP. Edit the chapter, not this file. */

#include "common/sys.h"
#include <stdio.h>

static HANDLE        port;
static volatile LONG running, together;

/* <<take one packet and be busy>> (1 of 1), book/07-iocp.md: IOCP */
static void work(void *unused)
{
    OVERLAPPED_ENTRY entry;
    ULONG n = 0;
    (void)unused;
    if (!GetQueuedCompletionStatusEx(port, &entry, 1, &n, 3000, FALSE))
        return;
    if (InterlockedIncrement(&running) == 2)
        together = 1;
    for (int64_t end = sys_now() + 300 * SYS_MS; sys_now() < end; )
        ;                           /* asleep, it would let another in */
    InterlockedDecrement(&running);
}

int main(void)
{
    sys_thread threads[2];
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    for (int i = 0; i < 2; i++)
        if (port == NULL || sys_thread_start(&threads[i], work, NULL) != 0)
            return 1;
    Sleep(100);
    PostQueuedCompletionStatus(port, 0, 1, NULL);
    PostQueuedCompletionStatus(port, 0, 2, NULL);
    for (int i = 0; i < 2; i++)
        sys_thread_join(&threads[i]);
    printf("%s at a time\n", together ? "two threads" : "one thread");
    return 0;
}
