/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>

int main(void)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    if (closesocket(INVALID_SOCKET) == 0)
        return 1;
    DWORD winsock = (DWORD)WSAGetLastError(), win32 = GetLastError();
    printf("WSAGetLastError %lu, GetLastError %lu\n", winsock, win32);
    return 0;
}
