/* SPDX-License-Identifier: MIT */
/* Jumps out of signal handlers; see jump.h. */
#include "jump.h"

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <unwind.h>

#include <cede/signal.h>

#include "../../arch/sigsetjmp.h"
#include "../sanitizer.h"
#include "mask.h"
#include "name.h"
#include "patch.h"

/* A handler that runs, on the stack of cede__posix_jump_handle(). It may wait: then handlers that have begun later may
 * end before. */
struct handling {
    struct handling *older;
    struct cede_task *self;      /* the task that it has interrupted; NULL: none ran */
    struct cede_task *owner;     /* NULL: not known */
    jmp_buf end;                 /* leads back there, from where the handler's frames are given up */
#ifdef CEDE__POSIX_THREADS
    struct cede__posix_handler masks;
#endif
};

/* Those of this OS thread. */
static _Thread_local struct handling *newest __attribute__((tls_model("initial-exec")));

/* The jump that waits for the end of a call of cede__posix_jumper. */
static _Thread_local struct {
    struct __jmp_buf_tag *env;
    int value;
} put_off __attribute__((tls_model("initial-exec")));

_Thread_local struct cede_task *cede__posix_jumper;

void cede__posix_jump_now(void)
{
    if (cede__posix_jumper != cede_self())
        return;
    cede__posix_jumper = NULL;
    cede_signal_jumped(NULL);
    siglongjmp(put_off.env, put_off.value);
}

/* ---- what was interrupted ---- */

/* libc, the kernel's vDSO, and this library: whoever calls them decides. */
static struct {
    uintptr_t begin, end;
} between[3];

void cede__posix_jump_start(void)
{
    const void *inside[] = {(const void *)(uintptr_t)getauxval, (const void *)getauxval(AT_SYSINFO_EHDR),
                            (const void *)(uintptr_t)cede__posix_jump_start};
    size_t i;

    for (i = 0; i < sizeof between / sizeof *between; i++)
        cede__posix_code_find(inside[i], &between[i].begin, &between[i].end);
}

static bool is_between(uintptr_t at)
{
    size_t i;

    for (i = 0; i < sizeof between / sizeof *between; i++)
        if (at >= between[i].begin && at < between[i].end)
            return true;
    return false;
}

struct search {
    bool looking, in_cede;
};

static _Unwind_Reason_Code look(struct _Unwind_Context *frame, void *arg)
{
    struct search *search = arg;
    int interrupted = 0;
    uintptr_t at = _Unwind_GetIPInfo(frame, &interrupted);

    search->looking |= interrupted;
    if (!search->looking || is_between(at))
        return _URC_NO_REASON;
    search->in_cede |= cede__posix_in_cede((const void *)at);
    search->looking = false; /* until the next interrupted frame: handlers interrupt each other */
    return search->in_cede ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Whether any of the handlers that run has interrupted a call of cede's. Seldom asked, and slow. */
static bool in_call(void)
{
    struct search search = {0};

    _Unwind_Backtrace(look, &search);
    return search.in_cede;
}

/* ---- jumps ---- */

/* Whether env was made by the handler itself, for jumps inside it. It lies in its frames then, in all code that we know
 * of. */
static bool is_within(const struct handling *handling, const void *env)
{
    return (uintptr_t)env > (uintptr_t)__builtin_frame_address(0) && (uintptr_t)env < (uintptr_t)handling;
}

/* The first from there on that has interrupted this task; NULL: none. */
static struct handling *of_task(struct handling *handling, const struct cede_task *task)
{
    while (handling && handling->self != task)
        handling = handling->older;
    return handling;
}

/* It runs no more. */
static void forget(const struct handling *handling)
{
    struct handling **link = &newest;

    while (*link && *link != handling)
        link = &(*link)->older;
    if (*link)
        *link = handling->older;
}

static __attribute__((noreturn)) void give_up(void)
{
    static const char problem[] = "libcede-posix: a signal handler jumps while no task runs, and nobody knows to whose "
                                  "frames: no task has installed it, or the one that did has ended\n";

    (void)!cede_write(STDERR_FILENO, problem, sizeof problem - 1);
    abort();
}

/* The task whose frames the jump leads to, and whose wait ends now; NULL: that is not for us to tell, jump at once. */
static struct cede_task *find_jumper(const struct handling *outermost)
{
    struct cede_task *self = outermost->self, *owner = outermost->owner;

    if (self && self == owner && !in_call())
        return NULL;
    if (owner && cede_signal_jumped(owner) == 0)
        return owner;
    if (!self && cede_signal_jumped(NULL) == 0)
        give_up();
    if (!self || !in_call()) /* the thread runs no runtime; or it is as good as any other */
        return NULL;
    cede_signal_jumped(self);
    return self;
}

/* Its frames are given up. */
static void abandon(struct handling *handling)
{
    forget(handling);
#ifdef CEDE__POSIX_THREADS
    cede__posix_handler_left(&handling->masks);
#endif
}

/* Returns if the jump is to be made now. */
static void before_jump(struct __jmp_buf_tag *env, int value)
{
    struct cede_task *self = cede_self(), *task;
    struct handling *handling = of_task(newest, self), *outermost = NULL, *next;

    for (; handling && !is_within(handling, env); handling = of_task(handling->older, self))
        outermost = handling;
    if (!outermost)
        return;
    task = handling ? NULL : find_jumper(outermost);
    for (handling = of_task(newest, self); handling != outermost; handling = next) {
        next = of_task(handling->older, self);
        abandon(handling);
    }
    if (!task) {
        abandon(outermost);
        return;
    }
    put_off.env = env;
    put_off.value = value;
    cede__posix_jumper = task;
    forget(outermost); /* this is a jump as well */
    longjmp(outermost->end, 1);
}

/* AddressSanitizer would put `handling` elsewhere than on the stack, and take it for gone with the frames that are. */
CEDE__NO_ASAN bool cede__posix_jump_handle(cede__posix_handler_fn *fn, int signo, siginfo_t *info, void *context,
                                           struct cede_task *owner, uint64_t added)
{
    struct handling handling = {.older = newest, .self = cede_self(), .owner = owner};
    volatile bool jumped = true;

#ifdef CEDE__POSIX_THREADS
    cede__posix_handler_begin(&handling.masks, added, context);
#endif
    newest = &handling;
    if (setjmp(handling.end) == 0) {
        fn(signo, info, context);
        jumped = false;
    }
    forget(&handling);
#ifdef CEDE__POSIX_THREADS
    cede__posix_handler_end(&handling.masks, context);
#endif
    (void)added;
    return !jumped;
}

/* ---- masks of threads that are tasks ---- */

#ifdef CEDE__POSIX_THREADS

/* The mask that libc saves and restores is the OS thread's. The thread's is kept at the end of libc's, which the kernel
 * does not use. */
struct kept_mask {
    uint64_t mask, proof; /* that it was kept here: is_kept() */
};

static struct kept_mask *kept_in(struct __jmp_buf_tag *env)
{
    return (struct kept_mask *)(&env->__saved_mask + 1) - 1;
}

static uint64_t proof_of(const struct __jmp_buf_tag *env, uint64_t mask)
{
    return (mask ^ (uintptr_t)env) * 0x9e3779b97f4a7c15 + 1;
}

static void keep(struct __jmp_buf_tag *env, uint64_t mask)
{
    *kept_in(env) = (struct kept_mask){mask, proof_of(env, mask)};
}

static void before_mask(struct __jmp_buf_tag *env)
{
    const struct kept_mask *kept = kept_in(env);
    uint64_t mask;

    if (!env->__mask_was_saved || !cede__posix_mask_self())
        return;
    mask = kept->proof == proof_of(env, kept->mask) ? kept->mask : cede__posix_mask_of(&env->__saved_mask);
    keep(env, mask);
    cede__posix_mask_to(cede__posix_mask_jump(mask), &env->__saved_mask);
}

#else

static void before_mask(struct __jmp_buf_tag *env)
{
    (void)env;
}

#endif

#ifdef CEDE_POSIX_SIGSETJMP

extern cede__posix_fn cede__posix_export___sigsetjmp __asm__("__sigsetjmp");
CEDE__POSIX_ENTER(__sigsetjmp, sigsetjmp, true, cede__posix_only);

cede__posix_sigsetjmp_fn *cede__posix_before_sigsetjmp(struct __jmp_buf_tag *env, int savemask)
{
#ifdef CEDE__POSIX_THREADS
    struct cede__posix_thread *self = savemask ? cede__posix_mask_self() : NULL;

    if (self)
        keep(env, atomic_load(&self->mask));
#endif
    (void)env, (void)savemask;
    return cede__posix_plain(&cede__posix_name___sigsetjmp);
}

#endif

/* ---- libc's names ---- */

#define JUMP(symbol)                                                                                            \
    void cede__posix_##symbol(struct __jmp_buf_tag *env, int value);                                            \
    CEDE__POSIX_EXPORT(symbol, symbol);                                                                         \
    void cede__posix_##symbol(struct __jmp_buf_tag *env, int value)                                             \
    {                                                                                                           \
        __typeof__(&cede__posix_##symbol) plain =                                                               \
            (__typeof__(plain))cede__posix_plain(&cede__posix_name_##symbol);                                   \
                                                                                                                \
        before_jump(env, value);                                                                                \
        before_mask(env);                                                                                       \
        if (!plain)                                                                                             \
            abort();                                                                                            \
        plain(env, value);                                                                                      \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

JUMP(longjmp);
JUMP(_longjmp);
JUMP(siglongjmp);
JUMP(__longjmp_chk); /* under -D_FORTIFY_SOURCE */
