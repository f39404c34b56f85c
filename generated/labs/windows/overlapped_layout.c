/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* <<declare overlapped by hand>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef struct hand_overlapped {
    uintptr_t status;               /* Internal: an NTSTATUS */
    uintptr_t bytes;                /* InternalHigh */
    union {
        struct { uint32_t low, high; } offset;
        void *pointer;
    } where;
    void *event;
} hand_overlapped;

typedef struct hand_entry {
    uintptr_t        key;
    hand_overlapped *overlapped;
    uintptr_t        status;
    uint32_t         bytes;
} hand_entry;
/* <<prove that two declarations agree>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#define SAME_SIZE(mine, theirs) \
    _Static_assert(sizeof(mine) == sizeof(theirs), #theirs)

#define SAME_FIELD(mine, my_field, theirs, field) \
    _Static_assert(offsetof(mine, my_field) == offsetof(theirs, field) \
        && sizeof(((mine *)0)->my_field) \
            == sizeof(((theirs *)0)->field), #theirs ", " #field)
/* <<the proof for overlapped>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
SAME_SIZE(hand_overlapped, OVERLAPPED);
SAME_FIELD(hand_overlapped, status, OVERLAPPED, Internal);
SAME_FIELD(hand_overlapped, bytes, OVERLAPPED, InternalHigh);
SAME_FIELD(hand_overlapped, where.offset.low, OVERLAPPED, Offset);
SAME_FIELD(hand_overlapped, where.pointer, OVERLAPPED, Pointer);
SAME_FIELD(hand_overlapped, event, OVERLAPPED, hEvent);
SAME_SIZE(hand_entry, OVERLAPPED_ENTRY);
SAME_FIELD(hand_entry, overlapped, OVERLAPPED_ENTRY, lpOverlapped);
SAME_FIELD(hand_entry, bytes, OVERLAPPED_ENTRY,
           dwNumberOfBytesTransferred);
_Static_assert(sizeof(SOCKET) == sizeof(void *), "SOCKET");
_Static_assert((SOCKET)-1 > 0 && INVALID_SOCKET == (SOCKET)-1, "SOCKET");
_Static_assert(sizeof(BOOL) == 4, "BOOL");

int main(void)
{
    printf("%u bytes and %u bytes\n", (unsigned)sizeof(hand_overlapped),
           (unsigned)sizeof(hand_entry));
    return 0;
}
