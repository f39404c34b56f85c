/* Tangled from book/01-waiting.md: Waiting. Edit the chapter, not this file. */

#include "common/sys.h"

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <psapi.h>
#include <stdio.h>

/* <<sockets on windows>> (1 of 2), book/01-waiting.md: Waiting */
int sys_start(void)
{
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0 ? 0 : -1;
}

int sys_nonblocking(sys_socket s)
{
    u_long on = 1;
    return ioctlsocket(s, (long)FIONBIO, &on);
}

int sys_close(sys_socket s)
{
    return closesocket(s);
}
/* <<sockets on windows>> (2 of 2), book/01-waiting.md: Waiting */

int sys_rebind(sys_socket s)
{
    int on = 1;
    return setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE,
                      (const char *)&on, sizeof on);
}

int sys_poll(sys_pollfd *polled, size_t count, int timeout_ms)
{
    return WSAPoll(polled, (ULONG)count, timeout_ms);
}
/* <<errors on windows>> (1 of 1), book/01-waiting.md: Waiting */

int sys_error(void)
{
    return WSAGetLastError();
}

bool sys_would_block(void)
{
    return WSAGetLastError() == WSAEWOULDBLOCK;
}

const char *sys_error_text(int error)
{
    /* <<what windows says of an error>> (1 of 1), book/01-waiting.md: Waiting */
    static char text[256];
    DWORD n = FormatMessageA(
        FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
        NULL, (DWORD)error, 0, text, sizeof text, NULL);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'
                     || text[n - 1] == '.'))
        n--;
    text[n] = '\0';
    if (n == 0)
        snprintf(text, sizeof text, "error %d", error);
    return text;
}
/* <<clock and threads on windows>> (1 of 3), book/01-waiting.md: Waiting */

int64_t sys_now(void)
{
    LARGE_INTEGER ticks, second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&second);
    int64_t whole = ticks.QuadPart / second.QuadPart;
    int64_t part = ticks.QuadPart % second.QuadPart;
    return whole * 1000 * SYS_MS
        + part * 1000 * SYS_MS / second.QuadPart;
}
/* <<clock and threads on windows>> (2 of 3), book/01-waiting.md: Waiting */

static unsigned __stdcall run(void *thread)
{
    sys_thread *t = thread;
    t->work(t->argument);
    return 0;
}

int sys_thread_start(sys_thread *t, void (*work)(void *), void *argument)
{
    t->work = work;
    t->argument = argument;
    t->id = (HANDLE)_beginthreadex(NULL, 0, run, t, 0, NULL);
    return t->id != NULL ? 0 : (int)GetLastError();
}
/* <<clock and threads on windows>> (3 of 3), book/01-waiting.md: Waiting */

void sys_thread_join(sys_thread *t)
{
    WaitForSingleObject(t->id, INFINITE);
    CloseHandle(t->id);
}
/* <<memory on windows>> (1 of 1), book/01-waiting.md: Waiting */

int sys_memory(int64_t *in_use, int64_t *address_space)
{
    PROCESS_MEMORY_COUNTERS counters;
    MEMORYSTATUSEX status = { .dwLength = sizeof status };
    if (!K32GetProcessMemoryInfo(GetCurrentProcess(), &counters,
                                 sizeof counters)
            || !GlobalMemoryStatusEx(&status))
        return -1;
    *in_use = (int64_t)counters.WorkingSetSize;
    *address_space =
        (int64_t)(status.ullTotalVirtual - status.ullAvailVirtual);
    return 0;
}
/* <<output on windows>> (1 of 1), book/01-waiting.md: Waiting */

int sys_plain_output(void)
{
    return _setmode(_fileno(stdout), _O_BINARY) == -1 ? -1 : 0;
}
#endif
