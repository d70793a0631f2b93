/* SPDX-License-Identifier: MIT */
/*
 * Groups; see cede/group.h. A group is a scope (so that a failure can end the waits of what is left of the block) and
 * the owner of its children (so that it hears of each one's end).
 */
#include <cede/group.h>
#include <errno.h>

#include "error.h"
#include "group.h"
#include "scope.h"

struct cede__group {
    struct cede__scope scope;
    struct cede__owner owner;       /* its `children` have not ended */
    struct cede__list ended;        /* children that have ended and were not returned by cede_group_next() ... */
    struct cede__list returned;     /* ... and those that were; both may still be joined */
    struct cede__list spawners;     /* waiters: tasks that want to spawn, at the limit */
    struct cede__waiter *waiter;    /* the owner's wait for an end, or NULL */
    cede__group_ended_fn *ended_fn; /* see group.h; NULL: none */
    uint32_t running;               /* children that have not ended ... */
    uint32_t promised;              /* ... and places of spawners that have been woken, and did not run yet */
    size_t limit;                   /* of running; 0: none */
    struct cede__error *message;    /* a copy of that of the task that failed first; NULL: none */
    int error;                      /* errno that the group reports; 0: none */
    bool cancelled;                 /* no more spawns; the children have been cancelled */
    bool keep_going;
    bool depth_first;               /* its children all start so */
    bool for_all;                   /* `waiter` waits for the end of the last one */
};

_Static_assert(sizeof(struct cede__group) <= sizeof(struct cede_group), "struct cede_group is too small");

static struct cede__group *inside(struct cede_group *group)
{
    return (struct cede__group *)group->cede__private;
}

/* The group, if the caller may use it as its owner; else NULL with errno. */
static struct cede__group *own(struct cede_group *group)
{
    struct cede__group *self = inside(group);

    if (cede__in_task() && self->scope.task == cede__worker->current)
        return self;
    errno = EPERM;
    return NULL;
}

static bool full(const struct cede__group *group)
{
    return !group->cancelled && group->limit && (size_t)group->running + group->promised >= group->limit;
}

/* Wakes who waits at the limit: all for whom there is a place, or, in a group that takes no more, all. */
static void let_spawn(struct cede__group *group)
{
    struct cede__list *link;

    while (!full(group) && (link = cede__list_take(&group->spawners))) {
        group->promised++;
        cede__sched_wake(CEDE__CONTAINER(link, struct cede__waiter, link), CEDE__WAKE_EVENT);
    }
}

static void cancel_children(struct cede__group *group)
{
    struct cede__list *link;
    struct cede__task *child;

    group->cancelled = true;
    for (link = group->owner.children.next; link && link != &group->owner.children; link = link->next) {
        child = CEDE__CONTAINER(link, struct cede__task, sibling);
        child->cancelled = true;
        cede__scope_refresh(child);
    }
    let_spawn(group);
}

static void child_done(struct cede__owner *owner, struct cede__task *child)
{
    struct cede__group *group = CEDE__CONTAINER(owner, struct cede__group, owner);
    bool failed = child->done.result < 0 && !(group->cancelled && child->done.error == ECANCELED);

    if (group->ended_fn)
        group->ended_fn((struct cede_group *)group, child);
    group->running--;
    cede__list_remove(&child->sibling);
    if (child->detached)
        child->owner = NULL;
    else
        cede__list_append(&group->ended, &child->sibling);
    /* First the event, then what a failure means: the owner's wait for this very end is not interrupted by it. */
    if (group->waiter && (!group->for_all || group->running == 0))
        cede__sched_wake(group->waiter, CEDE__WAKE_EVENT);
    if (failed && !group->error) {
        group->error = child->done.error ? child->done.error : ECANCELED;
        group->message = cede__error_copy(child->worker, child->done.message);
        if (!group->keep_going) {
            cancel_children(group);
            group->scope.interrupt = CEDE__INTERRUPT_CANCEL;
            cede__scope_refresh(group->scope.task);
        }
    }
    let_spawn(group);
}

static void leave(struct cede__scope *scope);

int cede_group_open(struct cede_group *group)
{
    struct cede__group *self = inside(group);

    *self = (struct cede__group){0};
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    cede__scope_open(cede__worker, &self->scope, INT64_MAX);
    self->scope.leave = leave;
    self->owner.child_done = child_done;
    return 0;
}

/* `for_all`: for the end of the last child that runs, not for the next one. `stubborn`: nothing but children's ends can
 * end it for good. */
static enum cede__wake wait_for_end(struct cede__group *group, int64_t deadline_ns, bool for_all, bool stubborn)
{
    struct cede__waiter waiter = {.what = "group", .subject = (intptr_t)group, .stubborn = stubborn};
    enum cede__wake reason;

    group->waiter = &waiter;
    group->for_all = for_all;
    reason = cede__wait(&waiter, deadline_ns);
    group->waiter = NULL;
    return reason;
}

/* Waits for all children, come what may; whatever comes cancels them. */
static int wait_all(struct cede__group *group)
{
    struct cede__worker *worker = cede__worker;
    struct cede__scope shield;
    bool shielded = false;
    enum cede__wake reason;

    while (group->running > 0) {
        reason = wait_for_end(group, INT64_MAX, true, shielded);
        if (reason == CEDE__WAKE_EVENT)
            continue;
        if (!group->error) { /* from outside, for our own interrupt comes with an error: not to be swallowed */
            cede__wait_errno(reason);
            group->error = errno;
        }
        cancel_children(group);
        if (!shielded) {
            cede__scope_open(worker, &shield, INT64_MAX);
            shield.shield = shielded = true;
            cede__scope_refresh(shield.task);
        }
    }
    if (shielded)
        cede__scope_close(worker, &shield);
    if (!group->error && !group->cancelled)
        return 0;
    errno = group->error ? group->error : ECANCELED;
    return -1;
}

/* What the group reports goes to the caller, with its message. */
static int report(const struct cede__group *group, int result)
{
    int error = errno;

    if (result != 0)
        cede__error_hear(cede__worker, cede__error_copy(cede__worker, group->message));
    errno = error;
    return result;
}

int cede_group_wait(struct cede_group *group)
{
    struct cede__group *self = own(group);

    return self ? report(self, wait_all(self)) : -1;
}

/* Children that nobody joined are forgotten. One whose joiner has been woken, but did not run yet, is left to it. */
static void forget_all(struct cede__list *children)
{
    struct cede__list *link;
    struct cede__task *child;

    while ((link = cede__list_take(children))) {
        child = CEDE__CONTAINER(link, struct cede__task, sibling);
        child->owner = NULL;
        if (!child->joiner)
            cede__task_free(child);
    }
}

/* With `tell`, somebody hears what it reports: else the task keeps what it has heard before. */
static int close_group(struct cede__group *group, bool tell)
{
    int result = wait_all(group), error = errno;

    if (tell)
        report(group, result);
    cede__error_drop(cede__worker, group->message);
    forget_all(&group->ended);
    forget_all(&group->returned);
    cede__scope_close(cede__worker, &group->scope);
    group->scope.task = NULL; /* whoever uses it now owns nothing: EPERM */
    errno = error;
    return result;
}

static void leave(struct cede__scope *scope)
{
    struct cede__group *group = CEDE__CONTAINER(scope, struct cede__group, scope);

    cancel_children(group);
    close_group(group, false);
}

int cede_group_close(struct cede_group *group)
{
    struct cede__group *self = own(group);

    return self ? close_group(self, true) : -1;
}

int cede_group_cancel(struct cede_group *group)
{
    struct cede__group *self = own(group);

    if (!self)
        return -1;
    cancel_children(self);
    return 0;
}

int cede_group_limit(struct cede_group *group, size_t tasks)
{
    struct cede__group *self = own(group);

    if (!self)
        return -1;
    self->limit = tasks;
    let_spawn(self);
    return 0;
}

int cede_group_keep_going(struct cede_group *group, int keep_going)
{
    struct cede__group *self = own(group);

    if (!self)
        return -1;
    self->keep_going = keep_going;
    return 0;
}

int cede_group_depth_first(struct cede_group *group, int depth_first)
{
    struct cede__group *self = own(group);

    if (!self)
        return -1;
    self->depth_first = depth_first;
    return 0;
}

/* Parks until another child may run. */
static int wait_for_turn(struct cede__group *group)
{
    struct cede__waiter waiter = {.what = "group limit", .subject = (intptr_t)group};
    enum cede__wake reason;

    if (full(group)) {
        cede__list_append(&group->spawners, &waiter.link);
        reason = cede__wait(&waiter, INT64_MAX);
        if (reason != CEDE__WAKE_EVENT)
            return cede__wait_errno(reason);
        group->promised--;
    }
    if (group->cancelled) {
        errno = ECANCELED;
        return -1;
    }
    return 0;
}

static struct cede_task *spawn(struct cede_group *group, const struct cede_task_attr *attr, const char *name,
                               cede_task_fn *fn, const void *args, size_t args_size)
{
    struct cede__group *self = inside(group);
    struct cede_task_attr own_attr;
    struct cede_task *handle;
    struct cede__task *child;

    if (!cede__in_task() || !self->scope.task
        || (self->scope.task != cede__worker->current && cede__worker->current->owner != &self->owner)) {
        errno = EPERM;
        return NULL;
    }
    if (wait_for_turn(self) != 0)
        return NULL;
    if (self->depth_first) {
        own_attr = attr ? *attr : (struct cede_task_attr){0};
        own_attr.depth_first = 1;
        attr = &own_attr;
    }
    handle = args_size ? cede__task_go(name, fn, args, args_size, attr) : cede_spawn_attr(attr, fn, (void *)args);
    if (!handle) {
        let_spawn(self); /* the place is another's */
        return NULL;
    }
    child = cede__task_find(handle);
    child->owner = &self->owner;
    cede__list_append(&self->owner.children, &child->sibling);
    self->running++;
    return handle;
}

struct cede_task *cede_group_spawn(struct cede_group *group, const struct cede_task_attr *attr, cede_task_fn *fn,
                                   void *arg)
{
    return spawn(group, attr, NULL, fn, arg, 0);
}

struct cede_task *cede__group_go(struct cede_group *group, const char *name, cede_task_fn *fn, const void *args,
                                 size_t args_size)
{
    return spawn(group, NULL, name, fn, args, args_size);
}

/* The child that ended first and may still be joined; NULL: none. */
static struct cede__task *take_ended(struct cede__group *group)
{
    struct cede__list *link;
    struct cede__task *child;

    while ((link = cede__list_take(&group->ended))) {
        child = CEDE__CONTAINER(link, struct cede__task, sibling);
        cede__list_append(&group->returned, link);
        if (!child->joiner)
            return child;
    }
    return NULL;
}

/* Whether a child runs that nobody else waits for. O(those that are detached or joined). */
static bool any_to_come(const struct cede__group *group)
{
    const struct cede__list *head = &group->owner.children, *link;
    const struct cede__task *child;

    if (cede__list_empty(head))
        return false;
    for (link = head->next; link != head; link = link->next) {
        child = CEDE__CONTAINER(link, const struct cede__task, sibling);
        if (!child->detached && !child->joiner)
            return true;
    }
    return false;
}

struct cede_task *cede_group_next(struct cede_group *group)
{
    struct cede__group *self = own(group);
    enum cede__wake reason;
    struct cede__task *child;

    if (!self)
        return NULL;
    while (!(child = take_ended(self))) {
        if (!any_to_come(self)) {
            errno = ECHILD;
            return NULL;
        }
        reason = wait_for_end(self, INT64_MAX, false, false);
        if (reason != CEDE__WAKE_EVENT) {
            cede__wait_errno(reason);
            return NULL;
        }
    }
    return cede__task_handle(child);
}

/* ---- for the rest of the runtime ---- */

void cede__group_on_end(struct cede_group *group, cede__group_ended_fn *ended)
{
    inside(group)->ended_fn = ended;
}

enum cede__wake cede__group_wait_end(struct cede_group *group, int64_t deadline_ns)
{
    return wait_for_end(inside(group), deadline_ns, false, false);
}

/* ---- what the macros expand to ---- */

struct cede_group *cede__group_enter(struct cede_group *group)
{
    int saved = errno;

    cede_group_open(group);
    errno = saved;
    return group;
}

struct cede_group *cede__group_end(struct cede_group *group)
{
    int saved = errno;

    if (own(group))
        close_group(inside(group), false);
    errno = saved;
    return NULL;
}

void cede__group_leave(struct cede_group *group)
{
    struct cede__group *self = inside(group);
    int saved = errno;

    if (self->scope.task)
        leave(&self->scope);
    errno = saved;
}
