/* Windows as a script has it: sockets, requests, a port, a driver and a clock, and nothing that a script did not ask for */
#ifndef KERNEL_WINDOWS_H
#define KERNEL_WINDOWS_H
#include <winsock2.h>
#include <windows.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the library does wrong ends a script here */
void problem(const char *format, ...);

/* --- statuses -------------------------------------------------------------------------------------------- */

#define DONE            0x00000000u
#define STILL_PENDING   0x00000103u     /* no packet has it; it is no failure */
#define CUT             0x80000005u     /* STATUS_BUFFER_OVERFLOW */
#define HANDLES_CLOSED  0x8000000Au
#define CANCELLED       0xC0000120u
#define NO_RESOURCES    0xC000009Au
#define NETNAME_DELETED 0xC00000C9u
#define RESET           0xC000020Du
#define NOTHING_FOUND   0xC0000225u
#define REFUSED         0xC0000236u
#define ABORTED         0xC0000241u

/* --- requests -------------------------------------------------------------------------------------------- */

enum what { RECEIVE, SEND, CONNECT, ACCEPT, POLL, WHATS };      /* _FROM and _TO are such, too */

struct request {
    enum what what;
    SOCKET s;
    void *record, *context;     /* a poll's context is its packet's record */
    ULONG length;
    ULONG *answer;              /* of a poll: how many handles, and its events */
    SOCKET accepted;
    bool cancelled;             /* it was asked to end */
};

struct request *the(enum what, SOCKET);         /* which is out; else a problem */
bool is_out(enum what, SOCKET);
int requests_out(void);
struct request *request_number(int n);
int handed_over(enum what);                     /* so far */

/* Its packet comes behind those that wait. Of a poll: `events` of `handles`, which it is told if not negative */
void finish(struct request *, uint32_t status, ULONG n);
void finish_poll(struct request *, uint32_t status, ULONG handles, ULONG events);
void foreign_packet(ULONG_PTR key, void *record, ULONG n);
/* The last packet becomes the first */
void turn_packets(void);
/* The n-th of them becomes the first */
void packet_first(int n);
int packets(void);

/* The next request of this kind comes to its end in the call. `error` 0: done, with n bytes */
void at_once(enum what, int error, uint32_t status, ULONG n, int times);

/* --- how the kernel is ----------------------------------------------------------------------------------- */

enum { ENDLESS = 1000, SAME, MUTE };        /* layers without an end; it answers with itself; it does not */
enum { CANCEL_ENDS, CANCEL_LATER, CANCEL_FINDS_NOTHING };

extern struct kernel {
    int cancel;                 /* what becomes of a cancel, and of what is out when a socket is closed */
    int layers;                 /* which hide the socket at the bottom, and answer for WSAPoll; or one of these three */
    bool layered, no_skipping;  /* providers above Winsock's own; the port knows no leaving out */
    int batch;                  /* packets at once; 0: as many as there is room for */
    uint32_t poll_refused;      /* a status, for polls */
    int update_error, updates;  /* of SO_UPDATE_..._CONTEXT: the error, for so many calls */
    int ioctl_error, ioctls;    /* of FIONBIO, likewise */
    int64_t tick;               /* nanoseconds: time-outs come at these times only, up to one early; 0: at any time */
    void (*asleep)(void);       /* instead of time: who sleeps is woken by what it does */
    /* What it has seen */
    int asked;                  /* the port */
    int in_vain;                /* since it gave a packet, or who asks made it 0 */
    DWORD ms;                   /* the last time-out */
    int cancels, closes, rings, updated, layers_asked;
    int64_t ticks, frequency;
} kernel;

void kernel_begin(void);
int sockets_open(void);
bool socket_open(SOCKET);
bool kernel_has(const void *memory, size_t size);
void pass_time(int64_t ns);

/* What a poll is told */
enum { AFD_RECEIVE = 1, AFD_OOB = 2, AFD_SEND = 4, AFD_END = 8, AFD_RESET = 16, AFD_CLOSED = 32, AFD_CONNECTED = 64,
    AFD_ACCEPT = 128, AFD_REFUSED = 256 };

#endif
