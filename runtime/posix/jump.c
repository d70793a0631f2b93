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

#include "../sanitizer.h"
#include "name.h"
#include "patch.h"

/* A handler that runs, on the stack of cede__posix_jump_handle(). */
struct handling {
    struct handling *outer;      /* the one that it has interrupted */
    struct cede_task *self;      /* the task that it has interrupted; NULL: none ran */
    struct cede_task *installer; /* NULL: not known */
    jmp_buf end;                 /* leads back there, from where the handler's frames are given up */
};

static _Thread_local struct handling *innermost __attribute__((tls_model("initial-exec")));

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

/* The handler that the caller runs in; NULL: none. A handler that has interrupted a task may wait; who runs meanwhile
 * is not in it. */
static struct handling *current(void)
{
    struct handling *handling = innermost;

    return handling && handling->self == cede_self() ? handling : NULL;
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
    struct cede_task *self = outermost->self, *installer = outermost->installer;

    if (self && self == installer && !in_call())
        return NULL;
    if (installer && cede_signal_jumped(installer) == 0)
        return installer;
    if (!self && cede_signal_jumped(NULL) == 0)
        give_up();
    if (!self || !in_call()) /* the thread runs no runtime; or it is as good as any other */
        return NULL;
    cede_signal_jumped(self);
    return self;
}

/* Returns if the jump is to be made now. */
static void before_jump(struct __jmp_buf_tag *env, int value)
{
    struct handling *handling = current(), *outermost = handling;
    struct cede_task *task;

    if (!handling)
        return;
    for (; handling && !is_within(handling, env); handling = handling->outer)
        outermost = handling;
    task = handling ? NULL : find_jumper(outermost);
    innermost = handling;
    if (!task)
        return;
    put_off.env = env;
    put_off.value = value;
    cede__posix_jumper = task;
    longjmp(outermost->end, 1);
}

/* AddressSanitizer would put `handling` elsewhere than on the stack, and take it for gone with the frames that are. */
CEDE__NO_ASAN bool cede__posix_jump_handle(cede__posix_handler_fn *fn, int signo, siginfo_t *info, void *context,
                             struct cede_task *installer)
{
    struct handling handling = {.outer = current(), .self = cede_self(), .installer = installer};
    volatile bool jumped = true;

    if (setjmp(handling.end) == 0) {
        innermost = &handling;
        fn(signo, info, context);
        jumped = false;
    }
    innermost = handling.outer;
    return !jumped;
}

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
        if (!plain)                                                                                             \
            abort();                                                                                            \
        plain(env, value);                                                                                      \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

JUMP(longjmp);
JUMP(_longjmp);
JUMP(siglongjmp);
JUMP(__longjmp_chk); /* under -D_FORTIFY_SOURCE */
