/* What is run under failing calls: the programs are runs.c and one of workload.c, programs/conformance.c and
   programs/example.c */
#ifndef RUNS_H
#define RUNS_H
#include "witness.h"

enum { MOST_SUBJECTS = 1000 };
int  subjects(const char *names[MOST_SUBJECTS]);    /* how many */
void subject_run(const char *name);                 /* in its own process; ends as witness.h says */
extern const char *directory;                       /* for local sockets */
extern const int subject_seconds;                   /* the longest that a run may take */
extern const bool subject_may_wait;                 /* after a failure for what does not come */

#endif
