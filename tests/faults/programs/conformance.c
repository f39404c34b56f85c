/* The tests of tests/conformance under failing calls; see runs.c. The suite's main is suite_main here */
#define _GNU_SOURCE
#include "../runs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int suite_main(int argc, char **argv);

const char *directory;
const int subject_seconds = 20;
const bool subject_may_wait = true;

/* In a process of its own: the suite keeps a list of what it ran */
static void list(int to)
{
    static char suite[] = "suite", names[] = "-l", *arguments[] = { suite, names, NULL };
    dup2(to, 1);
    suite_main(2, arguments);
    fflush(NULL);
    _exit(0);
}

int subjects(const char *names[MOST_SUBJECTS])
{
    char name[200];
    int ends[2], n = 0;
    if (pipe(ends) != 0) exit(2);
    pid_t child = fork();
    if (child == 0) list(ends[1]);
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    while (n < MOST_SUBJECTS && fscanf(from, "%199s", name) == 1) names[n++] = strdup(name);
    fclose(from);
    waitpid(child, NULL, 0);
    return n;
}

void subject_run(const char *name)
{
    static char suite[] = "suite", here[] = "-x";
    char *arguments[] = { suite, here, strdup(name), NULL };
    suite_main(3, arguments);
    free(arguments[2]);
    witness_passed();
}
