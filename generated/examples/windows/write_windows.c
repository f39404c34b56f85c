/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* <<write with kernel32>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static DWORD win32_write(HANDLE file, const char *bytes, DWORD length,
                         DWORD *taken)
{
    if (WriteFile(file, bytes, length, taken, NULL))
        return 0;
    return GetLastError();
}
/* <<declare NtWriteFile by hand>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef struct io_status {              /* IO_STATUS_BLOCK */
    union {
        LONG  status;                   /* NTSTATUS */
        void *pointer;
    } u;
    ULONG_PTR information;              /* bytes moved */
} io_status;

typedef LONG NTAPI nt_write_file(HANDLE file, HANDLE event,
                                 void *apc, void *apc_context,
                                 io_status *, const void *bytes,
                                 ULONG length, LARGE_INTEGER *offset,
                                 ULONG *key);
static nt_write_file *write_file;
/* <<find NtWriteFile>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static bool find_write_file(void)
{
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    if (ntdll != NULL)
        write_file = (nt_write_file *)(void (*)(void))
            GetProcAddress(ntdll, "NtWriteFile");
    return write_file != NULL;
}
/* <<write with ntdll>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
static DWORD ntdll_write(HANDLE file, const char *bytes, DWORD length,
                         DWORD *taken)
{
    io_status outcome = { .information = 0 };
    LONG status = write_file(file, NULL, NULL, NULL, &outcome,
                             bytes, length, NULL, NULL);
    *taken = (DWORD)outcome.information;
    return (DWORD)status;
}
/* <<say a line on one level of windows>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef DWORD write_once(HANDLE, const char *, DWORD, DWORD *taken);

static int say(write_once *once, const char *line)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD taken, length = (DWORD)strlen(line);
    for (DWORD done = 0; done < length; done += taken) {
        DWORD error = once(out, line + done, length - done, &taken);
        if (error != 0) {
            fprintf(stderr, "write_windows: error 0x%lx\n", error);
            return 1;
        }
    }
    return 0;
}

int main(void)
{
    if (!find_write_file())
        return 1;
    int failed = say(win32_write, "through kernel32\n")
              || say(ntdll_write, "through ntdll\n");
    return failed;
}
