/* Tangled from book/03-three-kernels.md: Talking to three kernels. Edit the chapter, not this file. */

#define _NETBSD_SOURCE
#include <sys/types.h>
#include <sys/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* <<declare kqueue's event by hand>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#if defined(__APPLE__)
/* <<kevent as on macos>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#pragma pack(push, 4)
typedef struct hand_kevent {
    uintptr_t ident;
    int16_t   filter;
    uint16_t  flags;
    uint32_t  fflags;
    intptr_t  data;
    void     *udata;
} hand_kevent;
#pragma pack(pop)
enum { BYTES_ON_64_BITS = 32 };
#elif defined(__NetBSD__)
/* <<kevent as on netbsd>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef struct hand_kevent {
    uintptr_t ident;
    uint32_t  filter;
    uint32_t  flags;
    uint32_t  fflags;
    int64_t   data;
    void     *udata;
} hand_kevent;
enum { BYTES_ON_64_BITS = 40 };
#elif defined(__OpenBSD__)
/* <<kevent as on openbsd>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef struct hand_kevent {
    uintptr_t      ident;
    short          filter;
    unsigned short flags;
    unsigned int   fflags;
    int64_t        data;
    void          *udata;
} hand_kevent;
enum { BYTES_ON_64_BITS = 32 };
#else
/* <<kevent as on freebsd>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
typedef struct hand_kevent {
    uintptr_t      ident;
    short          filter;
    unsigned short flags;
    unsigned int   fflags;
    int64_t        data;
    void          *udata;
    uint64_t       ext[4];          /* since FreeBSD 12 */
} hand_kevent;
enum { BYTES_ON_64_BITS = 64 };
#endif
/* <<prove that two declarations agree>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
#define SAME_SIZE(mine, theirs) \
    _Static_assert(sizeof(mine) == sizeof(theirs), #theirs)

#define SAME_FIELD(mine, my_field, theirs, field) \
    _Static_assert(offsetof(mine, my_field) == offsetof(theirs, field) \
        && sizeof(((mine *)0)->my_field) \
            == sizeof(((theirs *)0)->field), #theirs ", " #field)
/* <<the proof for kqueue's event>> (1 of 1), book/03-three-kernels.md: Talking to three kernels */
SAME_SIZE(hand_kevent, struct kevent);
SAME_FIELD(hand_kevent, ident, struct kevent, ident);
SAME_FIELD(hand_kevent, filter, struct kevent, filter);
SAME_FIELD(hand_kevent, flags, struct kevent, flags);
SAME_FIELD(hand_kevent, fflags, struct kevent, fflags);
SAME_FIELD(hand_kevent, data, struct kevent, data);
SAME_FIELD(hand_kevent, udata, struct kevent, udata);
_Static_assert(sizeof(void *) != 8
    || sizeof(hand_kevent) == BYTES_ON_64_BITS, "as in the text");

int main(void)
{
    printf("%zu bytes, data at %zu\n", sizeof(hand_kevent),
           offsetof(hand_kevent, data));
    return 0;
}
