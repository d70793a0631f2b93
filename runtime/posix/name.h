/* SPDX-License-Identifier: MIT */
/*
 * How libcede-posix defines libc's names.
 *
 * Each family of calls is a file that defines its functions under private names and exports each under one or more of
 * libc's names. Exporting also puts the name into a table, which is a section of the library that the linker gathers
 * from all files: the patching of libc's entries (patch.h), the self-check and the tests walk that table, so there is
 * no second list to keep in step.
 *
 * The private names avoid a clash with libc's headers, which declare some of these functions with types or attributes
 * that a definition cannot repeat. cede's own declarations check the types instead.
 */
#ifndef CEDE_POSIX_NAME_H
#define CEDE_POSIX_NAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cede/io.h>
#include <cede/task.h>

/* Any function; the one who calls it knows its type. */
typedef void cede__posix_fn(void);

/* A name of libc that leads here. */
struct cede__posix_name {
    const char *name;
    _Atomic(cede__posix_fn *) plain; /* libc's own function, once cede__posix_plain() has found it */
    cede__posix_fn *ours;            /* where it leads */
    cede__posix_fn *entry;           /* where the entry of libc's function leads; NULL: there too */
    const char *unpatched;           /* why libc's function of that name still has its old entry; NULL: it has not.
                                      * Set by the constructor; those that must keep it say why from the start */
    cede__posix_fn *libc;            /* libc's function, in a static program; NULL: the program has none */
    bool is_symbol;                  /* it is exported; else it is libc's entry that leads here, or nothing */
    bool is_lock;                    /* only with the entries of all locks, or none: each must hear of all unlocks */
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

static inline bool cede__posix_in_task(void)
{
    return cede_self();
}

/* Why a name was left without its entry on purpose. */
extern const char cede__posix_only[] __attribute__((visibility("hidden")));
extern const char cede__posix_foreign[] __attribute__((visibility("hidden")));

/* Where libc's code lies; 0: its entries are not patched. Written by the constructor. */
extern uintptr_t cede__posix_libc_begin, cede__posix_libc_end __attribute__((visibility("hidden")));

/* Whether a call was made inside libc. There are two sorts of these: some functions of libc may be parked in, and who
 * defines a call knows that all who call it there are (see README.md); in the midst of others, such as the resolver, no
 * other task may run. Those that do not say are of the second sort. */
static inline bool cede__posix_in_libc(const void *return_address)
{
    return (uintptr_t)return_address - cede__posix_libc_begin < cede__posix_libc_end - cede__posix_libc_begin;
}

/* The same of the dynamic linker. */
extern uintptr_t cede__posix_linker_begin, cede__posix_linker_end __attribute__((visibility("hidden")));

/* Where libcede lies; 0: not known yet. Written by the constructor. */
extern uintptr_t cede__posix_cede_begin, cede__posix_cede_end __attribute__((visibility("hidden")));

static inline bool cede__posix_in_cede(const void *address)
{
    return (uintptr_t)address - cede__posix_cede_begin < cede__posix_cede_end - cede__posix_cede_begin;
}

/*
 * Cancellation points of threads that are tasks; see thread.h. Calls that wait are such before they begin, and when
 * their wait was ended by pthread_cancel(3); inside libc they are none.
 */
#if defined __GLIBC__ && !defined CEDE_POSIX_STATIC
#define CEDE__POSIX_THREADS 1
extern bool cede__posix_threads __attribute__((visibility("hidden"))); /* pthread_create() makes tasks */

/* Ends the calling thread if it was cancelled and may be. Keeps errno. */
void cede__posix_test_cancel(void);

#define CEDE__POSIX_POINT()                                                                                     \
    (__builtin_expect(cede__posix_threads, 0) && !cede__posix_in_libc(__builtin_return_address(0))              \
         ? cede__posix_test_cancel() : (void)0)
#else
#define CEDE__POSIX_POINT() ((void)0)
#endif

/*
 * To be called at the end of each call that may have been a wait, when nothing is left to be undone: if a signal
 * handler has jumped out of it, the jump is made now; see jump.h.
 */
#ifdef CEDE_POSIX_NO_SIGNALS
#define CEDE__POSIX_LEAVE() ((void)0)
#define CEDE__POSIX_JUMPS() false
#else
extern _Thread_local struct cede_task *cede__posix_jumper /* whose jump waits; NULL: none */
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
void cede__posix_jump_now(void);

/* Whether it is the caller's, and made once its call has ended. */
#define CEDE__POSIX_JUMPS() (cede__posix_jumper && cede__posix_jumper == cede_self())

#define CEDE__POSIX_LEAVE()                       \
    do {                                          \
        if (__builtin_expect(!!cede__posix_jumper, 0)) \
            cede__posix_jump_now();               \
    } while (0)
#endif

/* What such a call returns in a task. */
#define CEDE__POSIX_RETURN(type, call)                                                                          \
    do {                                                                                                        \
        type cede__result;                                                                                      \
                                                                                                                \
        CEDE__POSIX_POINT();                                                                                    \
        cede__result = (call);                                                                                  \
        if (__builtin_expect(cede__result == (type)-1, 0))                                                      \
            CEDE__POSIX_POINT();                                                                                \
        CEDE__POSIX_LEAVE();                                                                                    \
        return cede__result;                                                                                    \
    } while (0)

/* Whether the call that this is asked in is to be a wait of cede's. */
#define CEDE__POSIX_WAITS() (cede__posix_in_task() && !cede__posix_in_libc(__builtin_return_address(0)))

/* Whether the system call that libc makes now is stdio's, and may park; see stdio.c. Who lets it park sets it to false
 * meanwhile, because other tasks run. */
extern _Thread_local bool cede__posix_stdio_calls __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Looks whether stdio's locks are as stdio.c believes. Called by the constructor, once libc is patched. */
void cede__posix_stdio_start(void);

/* Puts cede__posix_<function> of the same file into the table, under libc's `symbol`. */
#define CEDE__POSIX_ENTER(symbol, function, exported, why)                                                      \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {                         \
            .name = #symbol, .ours = (cede__posix_fn *)(cede__posix_##function), .unpatched = (why),             \
            .is_symbol = (exported)}

#ifdef CEDE_POSIX_STATIC

/* In a statically linked program the name is libc's: what leads here is the entry of libc's function, if the program
 * has that function at all. */
#define CEDE__POSIX_EXPORT(symbol, function)                                                                    \
    extern cede__posix_fn cede__posix_libc_##symbol __asm__(#symbol) __attribute__((weak));                     \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {                         \
            .name = #symbol, .ours = (cede__posix_fn *)(cede__posix_##function), .plain = cede__posix_libc_##symbol,  \
            .libc = cede__posix_libc_##symbol}

#define CEDE__POSIX_INSIDE(symbol, function) CEDE__POSIX_EXPORT(symbol, function)

#define CEDE__POSIX_EXPORT_ONLY(symbol, function)                                                               \
    extern cede__posix_fn cede__posix_libc_##symbol __asm__(#symbol) __attribute__((weak));                     \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {                         \
            .name = #symbol, .ours = (cede__posix_fn *)(cede__posix_##function), .plain = cede__posix_libc_##symbol,  \
            .libc = cede__posix_libc_##symbol, .unpatched = cede__posix_only}

#define CEDE__POSIX_EXPORT_LOCK(symbol, function)                                                               \
    extern cede__posix_fn cede__posix_libc_##symbol __asm__(#symbol) __attribute__((weak));                     \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {                         \
            .name = #symbol, .ours = (cede__posix_fn *)(cede__posix_##function), .plain = cede__posix_libc_##symbol,  \
            .libc = cede__posix_libc_##symbol, .is_lock = true}

#else

/* Exports the function cede__posix_<function> of the same file as libc's `symbol`. */
#define CEDE__POSIX_EXPORT(symbol, function)                                                                    \
    extern __typeof__(cede__posix_##function) cede__posix_export_##symbol __asm__(#symbol)                      \
        __attribute__((alias("cede__posix_" #function), visibility("default")));                                \
    CEDE__POSIX_ENTER(symbol, function, true, NULL)

/* The same for one whose calls inside libc, and in the dynamic linker, have to stay libc's own. */
#define CEDE__POSIX_EXPORT_ONLY(symbol, function)                                                               \
    extern __typeof__(cede__posix_##function) cede__posix_export_##symbol __asm__(#symbol)                      \
        __attribute__((alias("cede__posix_" #function), visibility("default")));                                \
    CEDE__POSIX_ENTER(symbol, function, true, cede__posix_only)

/* Any function of locks: none has more than four arguments, all of them in registers for whole numbers. */
typedef long cede__posix_lock_fn(long a, long b, long c, long d);

/* What the entry of such a function of libc's leads to. The calls of libc itself and of the dynamic linker, which hold
 * locks in the midst of what no other task may see, stay libc's own: by their names they never come here. */
static inline long cede__posix_lock_entry(struct cede__posix_name *name, const void *return_address, long a, long b,
                                          long c, long d)
{
    bool system = cede__posix_in_libc(return_address)
                  || (uintptr_t)return_address - cede__posix_linker_begin
                         < cede__posix_linker_end - cede__posix_linker_begin;

    return ((cede__posix_lock_fn *)(system ? cede__posix_plain(name) : name->ours))(a, b, c, d);
}

/* The same for a function of locks. */
#define CEDE__POSIX_EXPORT_LOCK(symbol, function)                                                               \
    extern __typeof__(cede__posix_##function) cede__posix_export_##symbol __asm__(#symbol)                      \
        __attribute__((alias("cede__posix_" #function), visibility("default")));                                \
    static cede__posix_lock_fn cede__posix_entry_##symbol;                                                      \
    static struct cede__posix_name cede__posix_name_##symbol                                                    \
        __attribute__((used, section("cede_posix_names"), aligned(sizeof(void *)))) = {                         \
            .name = #symbol, .ours = (cede__posix_fn *)(cede__posix_##function),                                \
            .entry = (cede__posix_fn *)cede__posix_entry_##symbol, .is_symbol = true, .is_lock = true};         \
    static long cede__posix_entry_##symbol(long a, long b, long c, long d)                                      \
    {                                                                                                           \
        return cede__posix_lock_entry(&cede__posix_name_##symbol, __builtin_return_address(0), a, b, c, d);     \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

/* The same for a name of another library, which may well be in front. */
#define CEDE__POSIX_EXPORT_FOREIGN(symbol, function)                                                            \
    extern __typeof__(cede__posix_##function) cede__posix_export_##symbol __asm__(#symbol)                      \
        __attribute__((alias("cede__posix_" #function), visibility("default")));                                \
    CEDE__POSIX_ENTER(symbol, function, true, cede__posix_foreign)

/* The same for a function that is called inside libc only, by no name: it is reached if its entry can be patched. */
#define CEDE__POSIX_INSIDE(symbol, function) CEDE__POSIX_ENTER(symbol, function, false, NULL)

#endif

/*
 * Defines and exports a call that waits: in a task it is cede_<call> (`waiting`), elsewhere libc's own. libc's own and
 * not cede's plain call, because it is a cancellation point of pthread_cancel(3), and because others may interpose too.
 */
#define CEDE__POSIX_FORWARD_IF(waits, waiting, type, call, parameters, arguments)                               \
    __typeof__(cede_##call) cede__posix_##call;                                                                 \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    type cede__posix_##call parameters                                                                          \
    {                                                                                                           \
        __typeof__(&cede_##call) plain;                                                                         \
                                                                                                                \
        if (waits)                                                                                              \
            CEDE__POSIX_RETURN(type, waiting arguments);                                                        \
        plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                 \
        return plain ? plain arguments : cede_##call arguments;                                                 \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

#define CEDE__POSIX_FORWARD(type, call, parameters, arguments) \
    CEDE__POSIX_FORWARD_IF(CEDE__POSIX_WAITS(), cede_##call, type, call, parameters, arguments)

/* The same for those of suspend.h. */
#define CEDE__POSIX_FORWARD_SUSPEND(type, call, parameters, arguments) \
    CEDE__POSIX_FORWARD_IF(CEDE__POSIX_WAITS(), cede__posix_suspend_##call, type, call, parameters, arguments)

/* The same for a call that may park wherever in libc it is made. */
#define CEDE__POSIX_FORWARD_ANYWHERE(type, call, parameters, arguments) \
    CEDE__POSIX_FORWARD_IF(cede__posix_in_task(), cede_##call, type, call, parameters, arguments)

/* Those that fortify.c and syscall.c call. */
int cede__posix_dup2(int fd, int newfd);
__typeof__(cede_read) cede__posix_read;
__typeof__(cede_pread) cede__posix_pread;
__typeof__(cede_recv) cede__posix_recv;
__typeof__(cede_recvfrom) cede__posix_recvfrom;
__typeof__(cede_poll) cede__posix_poll;
__typeof__(cede_ppoll) cede__posix_ppoll;

#endif
