/* SPDX-License-Identifier: MIT */
/*
 * Generators; see cede/gen.h and gen.h.
 *
 * One switch hands an item over, one asks for the next: straight between the consumer's stack and the body's, without
 * the run queue, for both are one task. What belongs to the task is exchanged at each:
 *
 *     run.stack   whose stack it is: what parks saves the context that lies there
 *     run.scope   the body's scopes stand before those which the consumer has when it asks, and only while the body
 *                 runs: a deadline in the body does not reach the consumer, which is busy with the item
 *     locals      each has values of its own
 */
#include "gen.h"

#include <cede/defer.h>
#include <cede/gen.h>
#include <errno.h>
#include <string.h>

#include "context.h"
#include "local.h"
#include "scope.h"

enum state {
    FRESH,     /* the body has not begun */
    SUSPENDED, /* in cede_gen_put() */
    RUNNING,   /* the body runs, or waits, or is itself a consumer that waits for an item */
    ENDED,
};

struct cede__gen {
    struct cede__scope open;       /* of the consumer, while the generator is open; its task is NULL otherwise */
    struct cede__scope base;       /* the outermost of the body's scopes */
    struct cede__scope *innermost; /* of them, while the body does not run */
    struct cede__locals *locals;   /* the body's while it does not run, the consumer's while it does */
    cede__gen_fn *fn;
    void *args;                    /* on the body's stack: its frames begin below */
    const void *item;              /* what cede_gen_put() must be called with */
    struct cede__stack *stack;     /* the body's; NULL once it has ended */
    struct cede__stack *caller_stack; /* the consumer's ... */
    void *caller;                  /* ... and its context, while the body runs */
    void *context;                 /* the body's, while it is suspended */
    int result, error;             /* of the body, once it has ended */
    uint8_t state;                 /* enum state */
    bool closing;                  /* no more items are wanted */
    bool exiting;                  /* the body has called cede_exit(): now the consumer has to */
};

_Static_assert(sizeof(struct cede__gen) <= sizeof(struct cede_gen), "struct cede_gen is too small");

static struct cede__gen *inside(struct cede_gen *gen)
{
    return (struct cede__gen *)gen->cede__private;
}

struct cede__scope *cede__gen_base(struct cede__gen *gen)
{
    return &gen->base;
}

const struct cede__stack *cede__gen_caller(const struct cede__stack *stack, void **context)
{
    *context = stack->gen->caller;
    return stack->gen->caller_stack;
}

struct cede__stack *cede__gen_task_stack(struct cede__task *task)
{
    struct cede__stack *stack = task->run.stack;

    while (stack->gen)
        stack = stack->gen->caller_stack;
    return stack;
}

/* ---- from the consumer to the body and back ---- */

static void exchange_locals(struct cede__gen *gen, struct cede__task *task)
{
    struct cede__locals *locals = task->locals;

    task->locals = gen->locals;
    gen->locals = locals;
}

/* Whether it makes a difference for the task's interrupt that the body's scopes come or go. */
static bool has_scopes(const struct cede__gen *gen)
{
    return gen->innermost != &gen->base || gen->base.interrupt;
}

static void become_body(struct cede__gen *gen, struct cede__task *task)
{
    gen->base.outer = task->run.scope;
    task->run.scope = gen->innermost;
    gen->caller_stack = task->run.stack;
    task->run.stack = gen->stack;
    exchange_locals(gen, task);
    gen->state = RUNNING;
    if (has_scopes(gen))
        cede__scope_refresh(task);
}

static void become_consumer(struct cede__gen *gen, struct cede__task *task, enum state state)
{
    gen->innermost = task->run.scope;
    task->run.scope = gen->base.outer;
    task->run.stack = gen->caller_stack;
    exchange_locals(gen, task);
    gen->state = state;
    if (has_scopes(gen))
        cede__scope_refresh(task);
}

static void end(struct cede__gen *gen, int result, int error)
{
    gen->result = result;
    gen->error = error;
    become_consumer(gen, cede__worker->current, ENDED);
}

static void run_body(struct cede__gen *gen)
{
    int result;

    cede__sanitizer_arrive(&gen->stack->sanitizer);
    errno = 0;
    result = gen->fn(gen->args, (void *)gen->item);
    end(gen, result, result < 0 ? errno : 0);
}

/* The first frame of the body's stack. */
static CEDE__CONTEXT_ENTRY void *stack_main(void *arg)
{
    struct cede__gen *gen = arg;

    run_body(gen);
    return cede__context_end(&gen->stack->sanitizer, gen->caller, &gen->caller_stack->sanitizer);
}

void cede__gen_exit(struct cede__gen *gen, int result, int error)
{
    gen->exiting = true;
    end(gen, result, error);
    cede__context_leave(&gen->stack->sanitizer, gen->caller, &gen->caller_stack->sanitizer);
}

static void release(struct cede__gen *gen)
{
    gen->stack->gen = NULL;
    cede__stack_put(gen->stack);
    gen->stack = NULL;
    if (gen->locals)
        cede__local_drop(&gen->locals);
}

/* Runs the body until it puts an item or ends. */
static void resume(struct cede__gen *gen)
{
    struct cede__task *task = cede__worker->current;
    bool first = gen->state == FRESH;

    become_body(gen, task);
    if (__builtin_expect(first, 0))
        cede__context_start(&gen->caller, &gen->caller_stack->sanitizer, &gen->stack->sanitizer, gen->args, stack_main,
                            gen);
    else
        cede__context_switch(&gen->caller, &gen->caller_stack->sanitizer, gen->context, &gen->stack->sanitizer);
    if (gen->state == ENDED)
        release(gen);
}

int cede__gen_put(const void *item)
{
    struct cede__gen *gen = cede__in_task() ? cede__worker->current->run.stack->gen : NULL;

    if (!gen || gen->item != item) {
        errno = EPERM;
        return -1;
    }
    if (!gen->closing) {
        become_consumer(gen, cede__worker->current, SUSPENDED);
        cede__context_switch(&gen->context, &gen->stack->sanitizer, gen->caller, &gen->caller_stack->sanitizer);
    }
    if (gen->closing) {
        errno = ECANCELED;
        return -1;
    }
    return 0;
}

/* ---- the consumer ---- */

/* Whether the caller may resume or close it: 0, or -1 with errno. */
static int check(const struct cede__gen *gen)
{
    if (!cede__in_task() || gen->open.task != cede__worker->current) {
        errno = EPERM;
        return -1;
    }
    if (gen->state == RUNNING) {
        errno = EDEADLK;
        return -1;
    }
    return 0;
}

static int outcome(const struct cede__gen *gen)
{
    if (gen->result >= 0)
        return 0;
    errno = gen->error;
    return -1;
}

/* On behalf of a body that has called cede_exit(): once, for a call that comes later counts. */
static __attribute__((noreturn)) void exit_task(struct cede__gen *gen)
{
    gen->exiting = false;
    errno = gen->error;
    cede_exit(gen->result);
}

static int close_gen(struct cede__gen *gen)
{
    if (gen->state == SUSPENDED) {
        gen->closing = true;
        gen->base.interrupt = CEDE__INTERRUPT_CANCEL;
        resume(gen);
    } else if (gen->state == FRESH) {
        gen->state = ENDED;
        release(gen);
    }
    cede__scope_pop(&gen->open);
    gen->open.task = NULL;
    if (gen->exiting)
        exit_task(gen);
    return gen->closing && gen->error == ECANCELED ? 0 : outcome(gen);
}

static void leave(struct cede__scope *scope)
{
    close_gen(CEDE__CONTAINER(scope, struct cede__gen, open));
}

/* A stack with the arguments on top of it; NULL with errno. */
static struct cede__stack *get_stack(struct cede__gen *gen, const void *args, size_t args_size)
{
    struct cede__worker *worker = cede__worker;
    struct cede__stack *stack;

    if (args_size > worker->stack_size / 2) {
        errno = EINVAL;
        return NULL;
    }
    stack = cede__stack_get(&worker->stacks, worker->stack_size);
    if (!stack)
        return NULL;
    gen->args = (char *)cede__stack_top(stack) - ((args_size + 15) & ~(size_t)15);
    memcpy(gen->args, args, args_size);
    return stack;
}

int cede__gen_open(struct cede_gen *gen, cede__gen_fn *fn, const void *args, size_t args_size, void *item)
{
    struct cede__gen *self = inside(gen);
    struct cede__task *task;

    self->open.task = NULL;
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    task = cede__worker->current;
    self->locals = NULL;
    if (task->locals && cede__local_inherit(task, &self->locals) != 0)
        return -1;
    self->stack = get_stack(self, args, args_size);
    if (!self->stack) {
        cede__local_drop(&self->locals);
        return -1;
    }
    self->stack->gen = self;
    self->fn = fn;
    self->item = item;
    self->result = self->error = 0;
    self->state = FRESH;
    self->closing = self->exiting = false;
    cede__scope_push(task, &self->open, leave);
    cede__scope_push(task, &self->base, NULL); /* nobody leaves it, and it comes in only when the body runs */
    cede__scope_pop(&self->base);
    self->innermost = &self->base;
    return 0;
}

int cede_gen_next(struct cede_gen *gen)
{
    struct cede__gen *self = inside(gen);

    if (check(self) != 0)
        return -1;
    if (self->state == ENDED)
        return outcome(self);
    resume(self);
    if (self->state != ENDED)
        return 1;
    if (self->exiting)
        exit_task(self);
    return outcome(self);
}

int cede_gen_close(struct cede_gen *gen)
{
    struct cede__gen *self = inside(gen);

    if (!self->open.task)
        return 0;
    return check(self) == 0 ? close_gen(self) : -1;
}

/* ---- what cede_for expands to ---- */

struct cede_gen *cede__gen_enter(struct cede_gen *gen, cede__gen_fn *fn, const void *args, size_t args_size, void *item)
{
    return cede__gen_open(gen, fn, args, args_size, item) == 0 ? gen : NULL;
}

int cede__gen_more(struct cede_gen *gen)
{
    int result = cede_gen_next(gen);

    if (result == 0)
        errno = 0;
    return result > 0;
}

void cede__gen_leave(struct cede_gen *gen)
{
    int saved = errno;

    cede_gen_close(gen);
    errno = saved;
}
