/* The model test under libFuzzer: any bytes are a program, and the fuzzer looks for those that run other lines */
#include "random.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 200 || run_program(bytes, size, 10000 * MS)) return 0;
    struct program p = program_of(bytes, size);
    printf("# %s\n", run.finding);
    program_print(&p, run.at);
    fflush(stdout);
    abort();
}
