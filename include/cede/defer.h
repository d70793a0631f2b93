/* SPDX-License-Identifier: MIT */
/*
 * Clean-up that runs when its block is left, in any way; and the end of a task from any depth.
 *
 *     FILE *f = fopen(path, "r");
 *     if (!f)
 *         return -1;
 *     cede_defer(fclose, f);
 *     ... return, break, goto, cede_exit(): f is closed
 *
 * What was deferred last runs first, in turn with the scopes and groups that were opened between. errno is what it was
 * before. The function may wait; in a task that was cancelled, or whose deadline has passed, its waits fail like any
 * other, so what has to wait should shield itself and set itself a deadline:
 *
 *     static void say_goodbye(struct peer *peer)
 *     {
 *         cede_shield cede_timeout (CEDE_SECOND)
 *             cede_write(peer->fd, "bye\n", 4);
 *     }
 */
#ifndef CEDE_DEFER_H
#define CEDE_DEFER_H

#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* One deferred call, on the stack of the block that it belongs to. Its members are private. */
struct cede_defer {
    void *cede__private[12];
};

/*
 * cede_defer(fn, arg): a declaration; calls fn(arg) when the enclosing block is left. fn takes a pointer, and arg is
 * one that can be passed to it; or fn takes an int: cede_defer(close, fd). Its result, if any, is ignored. arg is
 * evaluated now. What does not fit does not compile.
 *
 * Like every declaration with a clean-up it must not be jumped over: a goto to a label behind it, in the same block,
 * would leave the block with a clean-up that was never set up. One on a line.
 *
 * Outside a task: the same. For C (C++ has destructors, and cede_defer_push() against cede_exit()).
 * Models: Go's defer, but for a block instead of the function; contextlib.ExitStack.
 */
#define cede_defer(fn, arg)                                                                                         \
    CEDE__DEFER_CHECK(fn, arg);                                                                                      \
    struct cede_defer CEDE__UNIQUE(cede__defer) __attribute__((cleanup(cede__defer_leave)));                         \
    cede_defer_push(&CEDE__UNIQUE(cede__defer), (void (*)(void *))(void (*)(void))(fn), (void *)(intptr_t)(arg))

/* Only a pointer, and an int to a function of int, arrive as they were when passed as a void *, on every CPU. */
#define CEDE__DEFER_CHECK(fn, arg)                                                                                  \
    _Pragma("GCC diagnostic push")                                                                                   \
    _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")                                                 \
    _Pragma("GCC diagnostic error \"-Wint-conversion\"")                                                             \
    _Static_assert(__builtin_classify_type(arg) == 5 /* pointer */                                                   \
                       || _Generic((fn), __typeof__((fn)(arg)) (*)(int): 1, default: 0),                             \
                   "cede_defer: needs a pointer, or an int for a function of int");                                  \
    _Pragma("GCC diagnostic pop")

/*
 * The same without the attribute, for compilers and languages that lack it. Calls must be popped in the reverse order
 * of pushing, scopes and groups that were opened between included, by the task that pushed them, before *defer goes out
 * of existence. cede_defer_pop() calls fn(arg) if run is nonzero, and forgets it.
 * Neither parks (but fn may). Models: pthread_cleanup_push(3), pthread_cleanup_pop(3).
 */
CEDE_API void cede_defer_push(struct cede_defer *defer, void (*fn)(void *arg), void *arg);
CEDE_API void cede_defer_pop(struct cede_defer *defer, int run);

/*
 * Ends the calling task from any depth, as if its function returned result (where that is negative: with the errno of
 * now). All that the task's blocks have still to do is done first, from the innermost to the outermost: deferred calls
 * run, scopes end, groups are cancelled and awaited, generators are closed. If a deferred call calls cede_exit() again,
 * its result counts, and the rest is done. In a generator's body it ends the task that consumes. C++ destructors do not
 * run.
 *
 * In the first task it ends the run: result is cede_run()'s. Outside a task there is nothing to end: aborts the
 * process, with a message.
 *
 * May park, if what has to be done parks. Does not return. Models: pthread_exit(3), runtime.Goexit.
 */
CEDE_API void cede_exit(int result) __attribute__((noreturn));

/* What the macro expands to: cede_defer_pop(defer, 1). */
CEDE_API void cede__defer_leave(struct cede_defer *defer);

CEDE_END_DECLS

#endif
