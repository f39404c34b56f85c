/* The calls of Windows that can be made to fail, see calls_windows.c */
#ifndef CALLS_WINDOWS_H
#define CALLS_WINDOWS_H
#include <stdbool.h>

enum call { STARTUP, SOCKET_OF, IOCTL, CONTROL, SET_OPTION, GET_OPTION, LOCAL_NAME, PEER_NAME, BIND, LISTEN, CONNECT,
    CONNECT_EX, ACCEPT_EX, RECEIVE, RECEIVE_FROM, SEND, SEND_TO, SHUT, CLOSE, NEW_PORT, ASSOCIATE, MODES, DEQUEUE, POST,
    CANCEL, MODULE, ADDRESS_OF, NT_CREATE, NT_CONTROL, NT_CANCEL, HANDLE_INFORMATION, THREAD, LOOK_UP, MEMORY, CALLS };

struct error {
    long code;
    const char *name;
};

struct row {
    const char *name;
    struct error errors[16];    /* ends with a code of 0 */
};
extern const struct row rows[CALLS];

enum { MOST_FAILURES = 25 };    /* of those that last: then the kernel has recovered */

struct fault {
    enum call call;
    long nth;                   /* 0: none fails */
    long error;
    bool lasts;                 /* from the n-th on */
    long struck;
    long count[CALLS];
    long memory;                /* blocks that are not freed */
    long closed_twice, resets;          /* resets: closes that were made one */
};
extern struct fault fault;

/* Handles of the library that are open. One that it was given, or that is taken from it, is told so */
long open_handles(void);
void handle_opened(const void *handle);
void handle_closed(const void *handle);

#endif
