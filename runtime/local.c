/* SPDX-License-Identifier: MIT */
/*
 * Task-local values; see cede/local.h.
 *
 * A table of entries, shared by parent and children until one of them changes it: whoever changes a shared table gets a
 * copy of its own first. What has a destructor carries a count of the tables that it is in.
 *
 * A cede_local_with scope must be able to restore the former value without allocating. So inside one, the task's table
 * is never shared: children get their copy when they are spawned, where it may fail.
 *
 * The counts are plain: all holders of a table are tasks of one worker.
 */
#include "local.h"

#include <cede/local.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

enum { FIRST_ROOM = 4 };

struct value {
    void *pointer;
    size_t *tables; /* how many it is in; NULL: nobody has to know, for the key has no destructor */
};

struct entry {
    const struct cede_local *key;
    struct value value;
};

struct cede__locals {
    size_t holders;  /* tasks and suspended generators */
    unsigned scopes; /* cede_local_with scopes that its only holder is in */
    unsigned count, room;
    struct entry entries[];
};

struct scope {
    struct cede__scope scope; /* scope.task is NULL if it was not entered */
    const struct cede_local *key;
    struct value former;
};

_Static_assert(sizeof(struct scope) <= sizeof(struct cede_local_scope), "struct cede_local_scope is too small");

static struct scope *inside(struct cede_local_scope *scope)
{
    return (struct scope *)scope->cede__private;
}

/* ---- values ---- */

static int make_value(const struct cede_local *key, void *pointer, struct value *value)
{
    value->pointer = pointer;
    value->tables = NULL;
    if (!pointer || !key->destroy)
        return 0;
    value->tables = malloc(sizeof *value->tables);
    if (!value->tables)
        return -1;
    *value->tables = 1;
    return 0;
}

static void drop_value(const struct cede_local *key, struct value value)
{
    if (!value.tables || --*value.tables > 0)
        return;
    free(value.tables);
    key->destroy(value.pointer);
}

/* ---- tables ---- */

static inline struct entry *find(struct cede__locals *table, const struct cede_local *key)
{
    unsigned i;

    for (i = 0; table && i < table->count; i++)
        if (table->entries[i].key == key)
            return &table->entries[i];
    return NULL;
}

static struct cede__locals *copy(const struct cede__locals *table)
{
    size_t bytes = sizeof *table + table->room * sizeof *table->entries;
    struct cede__locals *copy = malloc(bytes);
    unsigned i;

    if (!copy)
        return NULL;
    memcpy(copy, table, bytes);
    copy->holders = 1;
    copy->scopes = 0;
    for (i = 0; i < copy->count; i++)
        if (copy->entries[i].value.tables)
            ++*copy->entries[i].value.tables;
    return copy;
}

/* Makes the task's table one that it alone holds and that has room for one more entry; NULL with errno ENOMEM. */
static struct cede__locals *own_table(struct cede__task *task)
{
    struct cede__locals *table = task->locals, *grown;
    unsigned room;

    if (table && table->holders > 1) {
        grown = copy(table);
        if (!grown)
            return NULL;
        table->holders--;
        task->locals = table = grown;
    }
    if (table && table->count < table->room)
        return table;
    room = table ? 2 * table->room : FIRST_ROOM;
    grown = realloc(table, sizeof *table + room * sizeof *table->entries);
    if (!grown)
        return NULL;
    if (!table) {
        grown->holders = 1;
        grown->scopes = grown->count = 0;
    }
    grown->room = room;
    return task->locals = grown;
}

int cede__local_inherit(struct cede__task *from, struct cede__locals **heir)
{
    if (from->locals->scopes == 0) {
        from->locals->holders++;
        *heir = from->locals;
        return 0;
    }
    *heir = copy(from->locals);
    return *heir ? 0 : -1;
}

void cede__local_drop(struct cede__locals **holder)
{
    struct cede__locals *table = *holder;
    int saved = errno;
    unsigned i;

    *holder = NULL; /* what destructors see */
    if (!table || --table->holders > 0)
        return;
    for (i = 0; i < table->count; i++)
        drop_value(table->entries[i].key, table->entries[i].value);
    free(table);
    errno = saved;
}

void cede__sched_forget(struct cede__task *task)
{
    cede__local_drop(&task->locals);
}

/* Puts in a value and takes the former one out. 0, or -1 with errno. */
static int exchange(const struct cede_local *key, void *pointer, struct value *former)
{
    struct cede__task *task = cede__worker->current;
    struct entry *entry = find(task->locals, key);
    struct cede__locals *table;
    struct value value;

    if (entry && entry->value.pointer == pointer) { /* still one value, and destroyed once: in the table once more */
        *former = entry->value;
        if (former->tables)
            ++*former->tables;
        return 0;
    }
    if (make_value(key, pointer, &value) != 0)
        return -1;
    table = own_table(task);
    if (!table) {
        free(value.tables);
        return -1;
    }
    entry = find(table, key);
    if (!entry) {
        entry = &table->entries[table->count++];
        *entry = (struct entry){.key = key};
    }
    *former = entry->value;
    entry->value = value;
    return 0;
}

/* ---- the public functions ---- */

void *cede_local_get(const struct cede_local *key)
{
    struct entry *entry = cede__in_task() ? find(cede__worker->current->locals, key) : NULL;

    return entry ? entry->value.pointer : NULL;
}

int cede_local_set(const struct cede_local *key, void *value)
{
    struct value former;
    int saved = errno;

    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    if (exchange(key, value, &former) != 0)
        return -1;
    drop_value(key, former);
    errno = saved;
    return 0;
}

static void leave(struct cede__scope *scope)
{
    struct scope *self = CEDE__CONTAINER(scope, struct scope, scope);
    struct cede__locals *table = scope->task->locals;
    struct entry *entry = find(table, self->key);
    struct value value = entry->value;
    int saved = errno;

    cede__scope_pop(scope);
    scope->task = NULL;
    table->scopes--;
    entry->value = self->former;
    drop_value(self->key, value);
    errno = saved;
}

int cede_local_enter(struct cede_local_scope *scope, const struct cede_local *key, void *value)
{
    struct scope *self = inside(scope);
    struct cede__task *task;

    self->scope.task = NULL;
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    task = cede__worker->current;
    if (!own_table(task) || exchange(key, value, &self->former) != 0)
        return -1;
    self->key = key;
    task->locals->scopes++;
    cede__scope_push(task, &self->scope, leave);
    return 0;
}

void cede_local_leave(struct cede_local_scope *scope)
{
    struct scope *self = inside(scope);

    if (self->scope.task)
        leave(&self->scope);
}

struct cede_local_scope *cede__local_with(struct cede_local_scope *scope, const struct cede_local *key, void *value)
{
    return cede_local_enter(scope, key, value) == 0 ? scope : NULL;
}
