/* SPDX-License-Identifier: MIT */
/* System calls about files, through the ring or on a helper thread; see file.h. */
#include <cede/file.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "file.h"
#include "file_number.h"
#include "offload.h"
#include "request.h"
#include "sys.h"

/* ---- the ring ---- */

static long call_ring(struct cede__ring *ring, const struct cede__file_call *call)
{
    struct cede__waiter waiter = {.what = call->what, .subject = call->fd, .external = true};
    struct cede__ring_request request = {.waiter = &waiter.link};
    struct io_uring_sqe *entry = cede__ring_entry(ring, &request);
    enum cede__wake reason;

    if (!entry)
        return -1;
    *entry = call->entry;
    entry->user_data = (uintptr_t)&request;
    reason = cede__request_wait(ring, &request, &waiter, NULL, INT64_MAX);
    if (reason != CEDE__WAKE_EVENT)
        return cede__wait_errno(reason);
    if (request.result >= 0)
        return request.result;
    errno = -request.result;
    return -1;
}

/* ---- helper threads ---- */

/* A call with copies of all that it needs, for the task may go first. */
struct job {
    struct cede__job job;
    long number, arguments[CEDE__FILE_ARGUMENTS];
    struct cede__file_number held[2];
    bool opens;
    long result;
    int error;
    char bytes[];
};

static void run(struct cede__job *base)
{
    struct job *job = CEDE__CONTAINER(base, struct job, job);
    const long *arguments = job->arguments;

    job->result = syscall(job->number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
    job->error = errno;
}

static void job_free(struct job *job)
{
    cede__file_number_release(&job->held[0]);
    cede__file_number_release(&job->held[1]);
    free(job);
}

static void release(struct cede__job *base)
{
    struct job *job = CEDE__CONTAINER(base, struct job, job);

    if (job->opens && job->result >= 0)
        cede__sys_close((int)job->result);
    job_free(job);
}

enum { BLOCK = 512, PAGE = 4096 };

/* Where memory of this size can begin, at `at` or after: O_DIRECT wants pages. */
static char *place(char *at, size_t size)
{
    uintptr_t alignment = size < BLOCK ? sizeof(long) : PAGE;

    return at + (-(uintptr_t)at & (alignment - 1));
}

static size_t room(size_t size)
{
    return size + (size < BLOCK ? sizeof(long) : PAGE);
}

static void gather(char *to, const struct cede__file_memory *memory)
{
    size_t i;

    for (i = 0; i < memory->iov_count; to += memory->iov[i++].iov_len)
        if (memory->iov[i].iov_len > 0)
            memcpy(to, memory->iov[i].iov_base, memory->iov[i].iov_len);
}

static void scatter(const char *from, size_t left, const struct cede__file_memory *memory)
{
    size_t i, part;

    for (i = 0; i < memory->iov_count && left > 0; i++, left -= part) {
        part = memory->iov[i].iov_len < left ? memory->iov[i].iov_len : left;
        memcpy(memory->iov[i].iov_base, from, part);
        from += part;
    }
}

static struct job *job_new(const struct cede__file_call *call)
{
    const struct cede__file_memory *memory;
    struct job *job;
    size_t size = 0;
    char *at;

    for (memory = call->memory; memory < call->memory + CEDE__FILE_MEMORIES; memory++)
        size += room(memory->size);
    job = malloc(sizeof *job + size);
    if (!job)
        return NULL;
    *job = (struct job){.job = {.what = call->what, .run = run, .release = release}, .number = call->number,
                        .opens = call->opens, .result = -1};
    memcpy(job->arguments, call->arguments, sizeof job->arguments);
    for (at = job->bytes, memory = call->memory; memory < call->memory + CEDE__FILE_MEMORIES; memory++) {
        if (memory->iov_count == 0)
            continue;
        at = place(at, memory->size);
        job->arguments[memory->argument] = (long)at;
        if (memory->way == CEDE__FILE_IN)
            gather(at, memory);
        at += memory->size;
    }
    cede__file_number_hold(&job->held[0], call->fd);
    cede__file_number_hold(&job->held[1], call->other_fd);
    return job;
}

static long call_pool(const struct cede__file_call *call)
{
    struct job *job = job_new(call);
    const struct cede__file_memory *memory;
    long result;
    int error;

    if (!job || cede__offload(&job->job) != 0)
        return -1;
    for (memory = call->memory; memory < call->memory + CEDE__FILE_MEMORIES && job->result >= 0; memory++)
        if (memory->iov_count > 0 && memory->way != CEDE__FILE_IN)
            scatter((char *)job->arguments[memory->argument],
                    memory->way == CEDE__FILE_OUT ? memory->size : (size_t)job->result, memory);
    result = job->result;
    error = job->error;
    job_free(job);
    errno = error;
    return result;
}

/* ---- which ---- */

int cede__file_choose(struct cede__worker *worker, const char *engine)
{
    if (!engine && cede__environment_get("CEDE_FILE", &engine) != 0)
        return -1;
    worker->file_pool = engine && strcmp(engine, "pool") == 0;
    if (!engine || !*engine || worker->file_pool || strcmp(engine, "ring") == 0)
        return 0;
    errno = EINVAL;
    return -1;
}

/* NULL: there is none, or it is not wanted. Who has none asks the kernel once. */
struct cede__ring *cede__file_ring(struct cede__worker *worker)
{
    struct cede__ring *ring = worker->file_pool ? NULL : cede__poller_ring(&worker->poller);

    worker->file_pool = !ring;
    return ring;
}

long cede__file_call(struct cede__file_call *call)
{
    struct cede__worker *worker = cede__worker;
    struct cede__ring *ring;
    int saved = errno;
    long result;

    if (cede_check() != 0)
        return -1;
    ring = cede__file_ring(worker);
    result = ring && call->entry.opcode != IORING_OP_NOP ? call_ring(ring, call) : call_pool(call);
    if (result >= 0)
        errno = saved;
    return result;
}

const char *cede_file_engine(void)
{
    int saved = errno;
    const char *name;

    if (!cede__in_task())
        return "plain";
    name = cede__file_ring(cede__worker) ? "ring" : "pool";
    errno = saved;
    return name;
}
