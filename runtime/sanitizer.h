/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer, ThreadSanitizer and Valgrind must be told about stacks and switches. The only header with #if
 * on tools; everything in it vanishes from a plain build.
 *
 * struct cede__sanitizer is a member of every stack:
 *   cede__sanitizer_stack_made(s, bottom, size)  the memory has become a stack
 *   cede__sanitizer_stack_again(s)               it was left by a dying switch, and will be used afresh
 *   cede__sanitizer_stack_gone(s)                it is about to be unmapped
 *   cede__sanitizer_leave(from, to, dying)       just before a switch; dying: `from` will never be resumed
 *   cede__sanitizer_arrive(self)                 just after one, first thing on the stack that was switched to
 * and where a sanitizer does not see that something was locked and unlocked, or handed over:
 *   cede__sanitizer_acquire(object)              after it was locked
 *   cede__sanitizer_release(object)              before it is unlocked
 * for libc's own locks, taken behind its back; and for the runtime's, since TSan overlooks what atomics mean in all
 * that happens inside a function of libc that it knows to block (usleep, sem_wait ...): it does not expect that the
 * next definition of such a name, which it calls there, is ours.
 */
#ifndef CEDE_RUNTIME_SANITIZER_H
#define CEDE_RUNTIME_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __has_feature
#define CEDE__HAS_FEATURE(x) __has_feature(x)
#else
#define CEDE__HAS_FEATURE(x) 0
#endif

#if defined __SANITIZE_ADDRESS__ || CEDE__HAS_FEATURE(address_sanitizer)
#define CEDE__ASAN 1
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined __SANITIZE_THREAD__ || CEDE__HAS_FEATURE(thread_sanitizer)
#define CEDE__TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#ifdef CEDE_VALGRIND /* a build option, for it costs a few instructions per stack */
#include <valgrind/valgrind.h>
#endif

/* For code that reads other tasks' stacks. */
#if defined __SANITIZE_ADDRESS__ || CEDE__HAS_FEATURE(address_sanitizer)
#define CEDE__NO_ASAN __attribute__((no_sanitize_address))
#else
#define CEDE__NO_ASAN
#endif

/* For code that reads what other threads write, on purpose, without a lock. */
#if defined CEDE__TSAN && defined __clang__
#define CEDE__NO_TSAN __attribute__((no_sanitize("thread"), noinline))
#elif defined CEDE__TSAN
#define CEDE__NO_TSAN __attribute__((no_sanitize_thread, noinline))
#else
#define CEDE__NO_TSAN
#endif

/* For a function that is entered on one stack and left on another: TSan's record of calls is kept per stack. */
#if defined CEDE__TSAN && defined __clang__
#define CEDE__CONTEXT_ENTRY __attribute__((disable_sanitizer_instrumentation, noinline))
#elif defined CEDE__TSAN
#define CEDE__CONTEXT_ENTRY __attribute__((no_sanitize_thread, noinline))
#else
#define CEDE__CONTEXT_ENTRY
#endif

/* Whether what is said of a stack reaches anybody: a walk over all of them, each in cold memory, is worth it. */
#if defined CEDE__ASAN || defined CEDE__TSAN || defined CEDE_VALGRIND
#define CEDE__SANITIZER_KNOWS_STACKS 1
#else
#define CEDE__SANITIZER_KNOWS_STACKS 0
#endif

/* For what ThreadSanitizer itself calls before it is ready. */
#if defined CEDE__TSAN && defined __clang__
#define CEDE__BEFORE_TSAN __attribute__((disable_sanitizer_instrumentation))
#else
#define CEDE__BEFORE_TSAN
#endif

struct cede__sanitizer {
#ifdef CEDE__ASAN
    const void *bottom;
    size_t size;
    void *fake; /* ASan's own stack for this one while it is suspended */
#endif
#ifdef CEDE__TSAN
    void *fiber;
    bool is_thread; /* fiber belongs to the OS thread: not ours to destroy */
#endif
#ifdef CEDE_VALGRIND
    unsigned valgrind;
#endif
    char unused[1]; /* ISO C has no empty structure */
};

static inline void cede__sanitizer_stack_made(struct cede__sanitizer *s, void *bottom, size_t size)
{
    (void)s, (void)bottom, (void)size;
#ifdef CEDE__ASAN
    s->bottom = bottom;
    s->size = size;
    s->fake = NULL;
    __lsan_register_root_region(bottom, size);
#endif
#ifdef CEDE__TSAN
    s->fiber = __tsan_create_fiber(0);
    s->is_thread = false;
#endif
#ifdef CEDE_VALGRIND
    s->valgrind = VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
#endif
}

static inline void cede__sanitizer_stack_again(struct cede__sanitizer *s)
{
    (void)s;
#ifdef CEDE__TSAN
    /* The frames that a dying switch never returns from stay on the fiber's record of calls, which overflows (and
     * crashes) after some ten thousand of them. */
    __tsan_destroy_fiber(s->fiber);
    s->fiber = __tsan_create_fiber(0);
#endif
}

/* As cede__sanitizer_stack_made(), for the calling OS thread's own stack. */
static inline void cede__sanitizer_thread_stack(struct cede__sanitizer *s)
{
    (void)s;
#ifdef CEDE__ASAN
    pthread_attr_t attr;
    void *bottom = NULL;

    s->size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &bottom, &s->size);
        pthread_attr_destroy(&attr);
    }
    s->bottom = bottom;
    s->fake = NULL;
#endif
#ifdef CEDE__TSAN
    s->fiber = __tsan_get_current_fiber();
    s->is_thread = true;
#endif
}

static inline void cede__sanitizer_stack_gone(struct cede__sanitizer *s)
{
    (void)s;
#ifdef CEDE__ASAN
    __lsan_unregister_root_region(s->bottom, s->size);
#endif
#ifdef CEDE__TSAN
    if (!s->is_thread)
        __tsan_destroy_fiber(s->fiber);
#endif
#ifdef CEDE_VALGRIND
    VALGRIND_STACK_DEREGISTER(s->valgrind);
#endif
}

/* Always inline: as a function of its own it would be entered on one of TSan's fibers and left on the other. */
static inline __attribute__((always_inline)) void cede__sanitizer_leave(struct cede__sanitizer *from,
                                                                         struct cede__sanitizer *to, bool dying)
{
    (void)from, (void)to, (void)dying;
#ifdef CEDE__ASAN
    if (dying) /* its last frames never return, so nobody else takes away the red zones between their variables */
        ASAN_UNPOISON_MEMORY_REGION(from->bottom, from->size);
    __sanitizer_start_switch_fiber(dying ? NULL : &from->fake, to->bottom, to->size);
#endif
#ifdef CEDE__TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* What happened before a release of the object happened before an acquire that follows: where TSan cannot see why. */
static inline void cede__sanitizer_acquire(void *object)
{
    (void)object;
#ifdef CEDE__TSAN
    __tsan_acquire(object);
#endif
}

static inline void cede__sanitizer_release(void *object)
{
    (void)object;
#ifdef CEDE__TSAN
    __tsan_release(object);
#endif
}

static inline void cede__sanitizer_arrive(struct cede__sanitizer *self)
{
    (void)self;
#ifdef CEDE__ASAN
    __sanitizer_finish_switch_fiber(self->fake, NULL, NULL);
    self->fake = NULL;
#endif
#ifdef CEDE__TSAN
    /* The switch must not become a tail call: the compiler would tell TSan that its caller has returned before the
     * jump, when the other fiber is the current one already, and pop a frame of that one. */
    __asm__ volatile("");
#endif
}

#endif
