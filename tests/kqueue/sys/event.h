/* <sys/event.h> of the model kqueue: what FreeBSD 12 and later declare, for programs
   that run in our tests on Linux. See ../README.md. tests/kqueue.sh compares the values
   and the layout with FreeBSD's own header. */

#ifndef MODEL_KQUEUE_SYS_EVENT_H
#define MODEL_KQUEUE_SYS_EVENT_H

#include <stdint.h>

struct timespec;

struct kevent {
    uintptr_t ident;            /* the descriptor, or a number of the caller's */
    short filter;
    unsigned short flags;
    unsigned int fflags;        /* what only this filter understands */
    int64_t data;
    void *udata;                /* the caller's, handed back */
    uint64_t ext[4];
};

#define EV_SET(event, i, fi, fl, ff, d, u) \
    (*(event) = (struct kevent){ .ident = (uintptr_t)(i), .filter = (short)(fi), \
        .flags = (unsigned short)(fl), .fflags = (unsigned int)(ff), .data = (int64_t)(d), .udata = (u) })

/* Filters; the model knows READ, WRITE, TIMER and USER */
#define EVFILT_READ     (-1)
#define EVFILT_WRITE    (-2)
#define EVFILT_AIO      (-3)
#define EVFILT_VNODE    (-4)
#define EVFILT_PROC     (-5)
#define EVFILT_SIGNAL   (-6)
#define EVFILT_TIMER    (-7)
#define EVFILT_PROCDESC (-8)
#define EVFILT_FS       (-9)
#define EVFILT_LIO      (-10)
#define EVFILT_USER     (-11)
#define EVFILT_SENDFILE (-12)
#define EVFILT_EMPTY    (-13)

/* What to do */
#define EV_ADD          0x0001
#define EV_DELETE       0x0002
#define EV_ENABLE       0x0004
#define EV_DISABLE      0x0008
#define EV_FORCEONESHOT 0x0100
#define EV_KEEPUDATA    0x0200

/* How to report */
#define EV_ONESHOT      0x0010
#define EV_CLEAR        0x0020
#define EV_RECEIPT      0x0040
#define EV_DISPATCH     0x0080

/* What was found */
#define EV_SYSFLAGS     0xF000
#define EV_EOF          0x8000
#define EV_ERROR        0x4000

/* READ, WRITE */
#define NOTE_LOWAT      0x0001

/* TIMER */
#define NOTE_SECONDS    0x00000001
#define NOTE_MSECONDS   0x00000002
#define NOTE_USECONDS   0x00000004
#define NOTE_NSECONDS   0x00000008
#define NOTE_ABSTIME    0x00000010

/* USER */
#define NOTE_FFNOP      0x00000000
#define NOTE_FFAND      0x40000000
#define NOTE_FFOR       0x80000000
#define NOTE_FFCOPY     0xc0000000
#define NOTE_FFCTRLMASK 0xc0000000
#define NOTE_FFLAGSMASK 0x00ffffff
#define NOTE_TRIGGER    0x01000000

#define KQUEUE_CLOEXEC  0x00000001      /* for kqueuex */

#ifdef __cplusplus
extern "C" {
#endif
int kqueue(void);
int kqueuex(unsigned int flags);
int kqueue1(int flags);                 /* O_CLOEXEC or 0 */
int kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout);
#ifdef __cplusplus
}
#endif

#endif
