/* Tangled from book/09-completion-over-readiness.md: Completion over readiness. Edit the chapter, not this file. */

/* What several threads read and write: words, and the top of a list. In
   Microsoft's compiler Interlocked functions stand for C11's atomics; each
   is a full barrier, too. mio__change and mio__put may fail; mio__put has
   then made op->next what is on top */
#ifndef MINIMIO_ATOMICS_H
#define MINIMIO_ATOMICS_H
#include "minimio.h"
#include <stdbool.h>

#if defined(_MSC_VER) || defined(MIO_INTERLOCKED)
/* <<words that are shared, with Interlocked functions>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
#include <intrin.h>

typedef volatile long  mio__word;
typedef void *volatile mio__list;

static inline int mio__get(const mio__word *w)
{
    return (int)_InterlockedOr((mio__word *)w, 0);
}

static inline int mio__swap(mio__word *w, int n)
{
    return (int)_InterlockedExchange(w, n);
}

static inline void mio__set(mio__word *w, int n) { mio__swap(w, n); }

static inline void mio__add(mio__word *w, int n)
{
    _InterlockedExchangeAdd(w, n);
}

static inline bool mio__change(mio__word *w, int from, int to)
{
    return _InterlockedCompareExchange(w, to, from) == from;
}
/* <<words that are shared, with Interlocked functions>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

static inline mio_op *mio__top(const mio__list *l)
{
    return _InterlockedCompareExchangePointer((mio__list *)l, NULL, NULL);
}

static inline mio_op *mio__take_all(mio__list *l)
{
    return _InterlockedExchangePointer(l, NULL);
}

static inline bool mio__put(mio__list *l, mio_op *op)
{
    void *old = op->next;
    void *top = _InterlockedCompareExchangePointer(l, op, old);
    if (top != old)                     /* else it is the owner's now */
        op->next = top;
    return top == old;
}
#else
/* <<words that are shared, in C11>> (1 of 2), book/09-completion-over-readiness.md: Completion over readiness */
#include <stdatomic.h>

typedef atomic_int mio__word;
typedef _Atomic(mio_op *) mio__list;

static inline int  mio__get(const mio__word *w)  { return *w; }
static inline void mio__set(mio__word *w, int n) { *w = n; }
static inline void mio__add(mio__word *w, int n) { *w += n; }

static inline int mio__swap(mio__word *w, int n)
{
    return atomic_exchange(w, n);
}

static inline bool mio__change(mio__word *w, int from, int to)
{
    return atomic_compare_exchange_strong(w, &from, to);
}
/* <<words that are shared, in C11>> (2 of 2), book/09-completion-over-readiness.md: Completion over readiness */

static inline mio_op *mio__top(const mio__list *l) { return *l; }

static inline mio_op *mio__take_all(mio__list *l)
{
    return atomic_exchange(l, NULL);
}

static inline bool mio__put(mio__list *l, mio_op *op)
{
    return atomic_compare_exchange_weak(l, &op->next, op);
}
#endif
#endif
