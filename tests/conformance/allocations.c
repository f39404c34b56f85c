/*
 * Counts the calls of malloc and its kind, where all of library and suite is compiled with
 * -Dmalloc=counted_malloc -Dcalloc=counted_calloc -Drealloc=counted_realloc -Daligned_alloc=counted_aligned_alloc
 */
#ifdef malloc
#define COUNTED 1
#undef malloc
#undef calloc
#undef realloc
#undef aligned_alloc
#else
#define COUNTED 0
#endif
#include "suite.h"
#include <stdlib.h>

#if COUNTED
#include <stdatomic.h>

static atomic_long calls;

void *counted_malloc(size_t size);
void *counted_calloc(size_t count, size_t size);
void *counted_realloc(void *old, size_t size);

void *counted_malloc(size_t size) { calls++; return malloc(size); }
void *counted_calloc(size_t count, size_t size) { calls++; return calloc(count, size); }
void *counted_realloc(void *old, size_t size) { calls++; return realloc(old, size); }

#if !defined(_WIN32)            /* where there is no aligned_alloc */
void *counted_aligned_alloc(size_t alignment, size_t size);
void *counted_aligned_alloc(size_t alignment, size_t size) { calls++; return aligned_alloc(alignment, size); }
#endif

long allocations(void) { return calls; }
#else
long allocations(void) { return -1; }
#endif
