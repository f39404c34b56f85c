/* What suite.c needs of a system to run a test in a process of its own: suite_posix.c has it for Unix, suite_windows.c for Windows */
#ifndef RUNNER_H
#define RUNNER_H

#include "suite.h"
#include <limits.h>
#include <stdio.h>

struct process {
    intptr_t id;
    FILE    *output;            /* what it wrote: to be read when it ended, and closed */
};
enum { PROCESS_RUNS = INT_MIN, PROCESS_LOST = INT_MIN + 1 };

void begin_program(void);                   /* before all else */
/* In a new process, run(t) and then exit with 0; false if there is none to be had */
bool process_start(struct process *, void (*run)(const struct test *), const struct test *, int seconds);
int  process_ended(struct process *);       /* exit status; -signal or exception; PROCESS_... */
void process_kill(struct process *);
void process_exit(int status);              /* the one it is called in, at once */
void reserve_port(void);                    /* for refused_address; its descriptor counts for no test */
const char *process_signal(int number);     /* in words */

#endif
