/* SPDX-License-Identifier: MIT */
/* Calls of users' functions on helper threads; see cede/offload.h. */
#include <cede/offload.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "offload.h"

/* A call, which may outlive the task that asked for it. */
struct call {
    struct cede__job job;
    cede_task_fn *fn;
    void *arg;                 /* the caller's, or `args` */
    int result, error;         /* what fn returned, and errno */
    char *message;             /* that came with it; NULL: none */
    _Alignas(16) char args[];
};

static void run(struct cede__job *job)
{
    struct call *call = CEDE__CONTAINER(job, struct call, job);

    char message[CEDE_ERROR_BYTES];

    cede__error_take_plain(0, message); /* what an earlier call has left on this thread */
    errno = 0;
    call->result = call->fn(call->arg);
    call->error = errno;
    cede__error_take_plain(call->error, message);
    if (call->result < 0 && *message)
        call->message = strdup(message);
}

static void release(struct cede__job *job)
{
    struct call *call = CEDE__CONTAINER(job, struct call, job);

    free(call->message);
    free(call);
}

/* A call that is to run on a helper, with a copy of its arguments if they have a size. NULL with errno ENOMEM. */
static struct call *call_new(const char *what, cede_task_fn *fn, const void *arg, size_t args_size)
{
    struct call *call = malloc(sizeof *call + args_size);

    if (!call)
        return NULL;
    *call = (struct call){.job = {.what = what, .run = run, .release = release}, .fn = fn, .arg = (void *)arg};
    if (args_size)
        call->arg = memcpy(call->args, arg, args_size);
    return call;
}

static int offload(const char *what, cede_task_fn *fn, const void *arg, size_t args_size, int *result)
{
    struct call *call;
    int value, error;

    if (!fn) {
        errno = EINVAL;
        return -1;
    }
    if (cede__in_task()) {
        call = call_new(what, fn, arg, args_size);
        if (!call || cede__offload(&call->job) != 0)
            return -1;
        value = call->result;
        error = call->error;
        if (value < 0)
            cede_fail(error, "%s", call->message ? call->message : "");
        release(&call->job);
    } else {
        errno = 0;
        value = fn((void *)arg);
        error = errno;
    }
    if (result)
        *result = value;
    if (value < 0)
        errno = error;
    return 0;
}

int cede_offload(cede_task_fn *fn, void *arg, int *result)
{
    return offload("offload", fn, arg, 0, result);
}

int cede__offload_go(const char *what, cede_task_fn *fn, const void *args, size_t args_size, int *result)
{
    return offload(what, fn, args, args_size, result);
}
