/* SPDX-License-Identifier: MIT */
/* Failures with a message; see error.h and cede/error.h. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

/* Of an OS thread outside any runtime. */
static _Thread_local struct {
    int error;
    char text[CEDE_ERROR_BYTES];
} plain;

/* ---- blocks ---- */

static struct cede__error *block_get(struct cede__worker *worker)
{
    struct cede__error *message = worker->free_errors;

    if (message) {
        worker->free_errors = message->next;
        return message;
    }
    message = malloc(sizeof *message);
    if (message) {
        message->next_made = worker->errors;
        worker->errors = message;
    }
    return message;
}

void cede__error_drop(struct cede__worker *worker, struct cede__error *message)
{
    if (!message)
        return;
    message->next = worker->free_errors;
    worker->free_errors = message;
}

struct cede__error *cede__error_copy(struct cede__worker *worker, const struct cede__error *message)
{
    struct cede__error *copy = message ? block_get(worker) : NULL;

    if (copy) {
        copy->error = message->error;
        memcpy(copy->text, message->text, sizeof copy->text);
    }
    return copy;
}

void cede__error_end(struct cede__worker *worker, const struct cede__error *message)
{
    struct cede__error *next;

    plain.text[0] = '\0';
    if (message) {
        plain.error = message->error;
        memcpy(plain.text, message->text, sizeof plain.text);
    }
    for (; worker->errors; worker->errors = next) {
        next = worker->errors->next_made;
        free(worker->errors);
    }
    worker->free_errors = NULL;
}

void cede__error_take_plain(int error, char *text)
{
    text[0] = '\0';
    if (plain.error == error)
        memcpy(text, plain.text, sizeof plain.text);
    plain.text[0] = '\0';
}

/* ---- a task's ---- */

/* Where the current task's message hangs, or one that an earlier task has left. */
static struct cede__error **place(struct cede__worker *worker)
{
    return &cede__gen_task_stack(worker->current)->message;
}

static bool is_of(const struct cede__error *message, struct cede__task *task)
{
    return message && message->task == cede__task_handle(task);
}

void cede__error_hear(struct cede__worker *worker, struct cede__error *message)
{
    struct cede__error **own = place(worker);

    cede__error_drop(worker, *own);
    *own = message;
    if (message)
        message->task = cede__task_handle(worker->current);
}

struct cede__error *cede__sched_failed(struct cede__task *task, int error)
{
    struct cede__error *message = task->run.stack->message;

    if (!is_of(message, task) || message->error != error)
        return NULL;
    task->run.stack->message = NULL;
    return message;
}

void cede__task_forget_message(struct cede__task *task)
{
    cede__error_drop(task->worker, task->done.message);
}

/* ---- the public side ---- */

static void keep(int error, const char *text)
{
    struct cede__worker *worker = cede__worker;
    struct cede__error *message = NULL;

    if (!cede__in_task()) {
        plain.error = error;
        memcpy(plain.text, text, sizeof plain.text);
        return;
    }
    if (*text && (message = block_get(worker))) {
        message->error = error;
        memcpy(message->text, text, sizeof message->text);
    }
    cede__error_hear(worker, message);
}

int cede_vfail(int error, const char *format, va_list args)
{
    static const char cut[] = "...";
    char text[CEDE_ERROR_BYTES] = ""; /* first here: the arguments may include the former message */
    int length;

    if (error <= 0)
        error = EINVAL;
    errno = error; /* for %m */
    length = vsnprintf(text, sizeof text, format, args);
    if (length >= (int)sizeof text)
        memcpy(text + sizeof text - sizeof cut, cut, sizeof cut);
    keep(error, text);
    errno = error;
    return -1;
}

int cede_fail(int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cede_vfail(error, format, args);
    va_end(args);
    errno = error > 0 ? error : EINVAL;
    return -1;
}

const char *cede_error(void)
{
    const struct cede__error *message;
    int error = errno;
    const char *text;

    if (cede__in_task()) {
        message = *place(cede__worker);
        text = is_of(message, cede__worker->current) && message->error == error ? message->text : "";
    } else {
        text = plain.error == error ? plain.text : "";
    }
    if (!*text)
        text = strerror(error);
    errno = error;
    return text;
}
