/* SPDX-License-Identifier: MIT */
/*
 * Generators: functions that hand out one item after another, whenever the next one is wanted.
 *
 *     struct counter { int from, to; };
 *     static int counter(struct counter *a, int *item)
 *     {
 *         for (int i = a->from; i < a->to; i++)
 *             if (cede_gen_put(item, i) != 0)
 *                 return -1;                                  (the consumer has left)
 *         return 0;
 *     }
 *     ...
 *     cede_for (int, i, counter, .from = 1, .to = 10)
 *         printf("%d\n", i);
 *     if (errno)
 *         perror("counter");                                  (counter() returned a negative value)
 *
 * A body is part of the task that consumes its items: it may call anything that waits, and the task waits; it sees the
 * task's cancellation and the deadlines around the loop; cede_self() in it is the consumer. It has a stack of its own,
 * of the runtime's default size. What it opens across a cede_gen_put(), a deadline, a shield, a group, a task-local
 * value, holds for itself only: not for the consumer while it works on the item. A deadline goes on meanwhile.
 *
 * A generator cannot outlive its loop. Leaving the loop early (break, return, goto, cede_exit) ends the body first: its
 * cede_gen_put() fails with ECANCELED, and so does all that it waits for, unless shielded, until it returns.
 *
 * To hand out all that another generator does, call that one: inner(&(struct inner){.n = 3}, item), since a body is a
 * function, and what it calls may put items as well. A tree can be walked by recursion.
 *
 * Models: Python's generators, also asynchronous ones; Go's range over functions.
 */
#ifndef CEDE_GEN_H
#define CEDE_GEN_H

#include <stddef.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* A generator's state, on the stack of the task that consumes it. Its members are private. */
struct cede_gen {
    void *cede__private[36];
};

/*
 * cede_for (type, name, fn, .member = value, ...) statement: starts fn with named arguments, a structure of the
 * function's own name, copied now; runs the statement for each item, a variable `name` of this type. fn is a function
 * int fn(struct fn *arguments, type *item); of another type it does not compile.
 *
 * Once the loop has come to its end, errno is 0 if fn returned a value >= 0, and else what fn left there. It is that of
 * cede_gen_open() if the generator could not be started: then there are no items. After break, errno is as it was.
 *
 * For C (C++ lacks the compound literal).
 */
#define cede_for(type, name, fn, ...)                                                                               \
    for (__typeof__(type) CEDE__UNIQUE(cede__item), *CEDE__UNIQUE(cede__first) = &CEDE__UNIQUE(cede__item);          \
         CEDE__UNIQUE(cede__first); CEDE__UNIQUE(cede__first) = NULL)                                                \
        for (struct cede_gen CEDE__UNIQUE(cede__gen) __attribute__((cleanup(cede__gen_leave))),                      \
             *CEDE__UNIQUE(cede__open) =                                                                             \
                 cede__gen_enter(&CEDE__UNIQUE(cede__gen), CEDE__GEN_FN(__typeof__(type), fn),                       \
                                 &(struct fn){__VA_ARGS__}, CEDE__ARGS_SIZE(struct fn),                              \
                                 &CEDE__UNIQUE(cede__item));                                                         \
             CEDE__UNIQUE(cede__open); CEDE__UNIQUE(cede__open) = NULL)                                              \
            for (__typeof__(type) name __attribute__((unused));                                                      \
                 cede__gen_more(CEDE__UNIQUE(cede__open)) && ((name = CEDE__UNIQUE(cede__item)), 1);)

/*
 * In a body: cede_gen_put(item, value) stores value in *item, lets the consumer have it, and returns when the consumer
 * wants the next one. item, which is evaluated twice, is the body's own parameter.
 *
 * Returns 0, or -1 with errno
 *   ECANCELED  the consumer has left: clean up and return
 *   EPERM      item is not that of the generator whose body runs; outside a generator
 * Parks only as far as the consumer does. Cancellation and deadlines of the task are no concern of it: waits tell.
 * Models: yield.
 */
#define cede_gen_put(item, value) (*(item) = (value), cede__gen_put(item))

/*
 * The same as cede_for, step by step. cede_gen_open(gen, item, fn, .member = value, ...) makes a generator whose items
 * will lie in *item, which both share: what the consumer writes there before it asks for the next item, the body finds
 * there when cede_gen_put() returns. Every one that was opened must be closed by the same task, in the reverse order of
 * opening, scopes and groups included, before *gen and *item go out of existence.
 *
 * Returns 0, or -1 with errno
 *   EPERM   the caller is not a task
 *   ENOMEM  no memory for its stack
 *   EINVAL  the arguments are larger than half a stack
 * Does not park and does not yet run the body.
 */
#define cede_gen_open(gen, item, fn, ...)                                                                           \
    cede__gen_open((gen), CEDE__GEN_FN(__typeof__(*(item)), fn), &(struct fn){__VA_ARGS__},                          \
                   CEDE__ARGS_SIZE(struct fn), (item))

/*
 * Runs the body until it puts an item or returns.
 *
 * Returns 1: there is an item; 0: fn has returned, a value >= 0; or -1 with errno
 *   what fn left there, having returned a negative value: ECANCELED, say, or ETIMEDOUT, as every wait in the body
 *   EPERM    the generator is not open, or the caller is not the task that opened it
 *   EDEADLK  the caller is the body itself, or a generator that the body waits for
 * Called again after the end, it returns the same again. Parks if the body does. Models: next(), anext().
 */
CEDE_API int cede_gen_next(struct cede_gen *gen);

/*
 * Ends the generator: one whose body has not returned is cancelled and awaited, see above; one whose body has not begun
 * will never begin.
 *
 * Returns 0, also for a generator that could not be opened or was closed before; or -1 with errno
 *   what fn left there, having returned a negative value; but 0 if that is ECANCELED because of this call
 *   EPERM, EDEADLK  as cede_gen_next(); the generator goes on
 * Parks if the body does. Models: generator.close(), aclose().
 */
CEDE_API int cede_gen_close(struct cede_gen *gen);

/* What the macros expand to. */
typedef int cede__gen_fn(void *args, void *item);

#define CEDE__GEN_FN(type, fn) ((cede__gen_fn *)_Generic(&(fn), int (*)(struct fn *, type *): (fn)))

CEDE_API int cede__gen_open(struct cede_gen *gen, cede__gen_fn *fn, const void *args, size_t args_size, void *item);
CEDE_API struct cede_gen *cede__gen_enter(struct cede_gen *gen, cede__gen_fn *fn, const void *args, size_t args_size,
                                          void *item);
CEDE_API int cede__gen_more(struct cede_gen *gen);
CEDE_API void cede__gen_leave(struct cede_gen *gen);
CEDE_API int cede__gen_put(const void *item);

CEDE_END_DECLS

#endif
