/* What the C programs of tests/bench share */
#ifndef COMMON_H
#define COMMON_H
#include <stdint.h>

void    fail(const char *what);                 /* with errno's words; the program ends */
int64_t now(void);                              /* nanoseconds */
long    number(const char *text, long most);    /* from 0, or the program ends */
void    pin(int core);                          /* the calling thread; left out where there is no such core */
int     listen_on(const char *port);            /* a non-blocking listener whose connections inherit TCP_NODELAY */
void    say_port(int listener);

#endif
