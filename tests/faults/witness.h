/*
 * The witness stands between a program and the library: the program's objects have witness_X for each mio_X that it
 * watches (objcopy --redefine-sym). It knows which operations were accepted, and ends the run with a problem when one
 * comes back that was not, or twice, or with what minimio.h does not have for it; or when one is lost.
 *
 * Under a failing call a test's own assertion may rightly fail, or the test may wait for what cannot come. Then the
 * witness takes over: every queue is shut down, drained and closed, every pool closed, and the library must have
 * nothing left: no memory, descriptor, thread or lock.
 */
#ifndef WITNESS_H
#define WITNESS_H
#include "calls.h"
#include "documented.h"

/* How a run ended, if there was no problem */
enum outcome { NOTHING, WELL, ASSERTED, GAVE_UP, HELD, OUTCOMES };

/* What a run says to its parent, in memory that they share */
struct said {
    int count[CALLS];
    int closed_twice;
    bool struck;
    enum outcome outcome;
    char step[80], problem[300];
};
extern struct said *said;

void problem(const char *format, ...);      /* does not return */
void step(const char *name);

/* In the run's process, by its first thread. So many descriptors does the test close twice; it may wait in vain */
void witness_begin(int seconds, int closed_twice, bool may_wait);
void witness_passed(void);                  /* all was well: is it so? */
void witness_take_over(enum outcome);       /* does not return */
void witness_report(enum outcome);          /* what was counted, to the parent */
void witness_exit(int status);              /* instead of the suite's process_exit */

#endif
