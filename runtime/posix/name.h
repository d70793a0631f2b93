/* SPDX-License-Identifier: MIT */
/*
 * How libcede-posix defines libc's names.
 *
 * Each family of calls is a file that defines its functions under private names and exports each under one or more of
 * libc's names. Exporting also puts the name into a table, which is a section of the library that the linker gathers
 * from all files: the self-check and the tests walk that table, so there is no second list to keep in step.
 *
 * The private names avoid a clash with libc's headers, which declare some of these functions with types or attributes
 * that a definition cannot repeat. cede's own declarations check the types instead.
 */
#ifndef CEDE_POSIX_NAME_H
#define CEDE_POSIX_NAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cede/io.h>
#include <cede/task.h>

/* Any function; the one who calls it knows its type. */
typedef void cede__posix_fn(void);

/* A name of libc that leads here. */
struct cede__posix_name {
    const char *name;
    _Atomic(cede__posix_fn *) plain; /* libc's own function, once cede__posix_plain() has found it */
};

/* The table: bounds of the section, made by the linker. */
extern struct cede__posix_name __start_cede_posix_names[] __attribute__((visibility("hidden")));
extern struct cede__posix_name __stop_cede_posix_names[] __attribute__((visibility("hidden")));

/* libc's own function of that name; NULL if it has none (musl has fewer aliases). Keeps errno. */
cede__posix_fn *cede__posix_find(struct cede__posix_name *name);

static inline cede__posix_fn *cede__posix_plain(struct cede__posix_name *name)
{
    cede__posix_fn *plain = atomic_load_explicit(&name->plain, memory_order_relaxed);

    /* The constructor has looked up all; but libraries may be initialised, and call us, before. */
    return __builtin_expect(plain != NULL, 1) ? plain : cede__posix_find(name);
}

/* Whether the call is to be a wait of cede's. */
static inline bool cede__posix_in_task(void)
{
    return cede_self();
}

/* Exports the function cede__posix_<function> of the same file as libc's `symbol`. */
#define CEDE__POSIX_EXPORT(symbol, function)                                                                    \
    extern __typeof__(cede__posix_##function) cede__posix_export_##symbol __asm__(#symbol)                      \
        __attribute__((alias("cede__posix_" #function), visibility("default")));                                \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {.name = #symbol}

/*
 * Defines and exports a call that waits: in a task it is cede_<call>, elsewhere libc's own. libc's own and not cede's
 * plain call, because it is a cancellation point of pthread_cancel(3), and because others may interpose too.
 */
#define CEDE__POSIX_FORWARD(type, call, parameters, arguments)                                                  \
    __typeof__(cede_##call) cede__posix_##call;                                                                 \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    type cede__posix_##call parameters                                                                          \
    {                                                                                                           \
        __typeof__(&cede_##call) plain;                                                                         \
                                                                                                                \
        if (cede__posix_in_task())                                                                              \
            return cede_##call arguments;                                                                       \
        plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                 \
        return plain ? plain arguments : cede_##call arguments;                                                 \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

/* Those that fortify.c calls. */
__typeof__(cede_read) cede__posix_read;
__typeof__(cede_pread) cede__posix_pread;
__typeof__(cede_recv) cede__posix_recv;
__typeof__(cede_recvfrom) cede__posix_recvfrom;
__typeof__(cede_poll) cede__posix_poll;
__typeof__(cede_ppoll) cede__posix_ppoll;

#endif
