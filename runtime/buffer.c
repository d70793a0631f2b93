/* SPDX-License-Identifier: MIT */
/* Borrowed buffers; see cede/buffer.h. */
#include "buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "call.h"
#include "poller_inlet.h"
#include "report.h"
#include "sys.h"
#include "wait.h"

ssize_t cede__buffer_await(struct cede__call *call, struct cede__buffer **lent)
{
    struct cede__inlet *inlet = cede__inlet_open(&call->worker->poller, call->record);
    ssize_t n;

    if (!inlet) {
        errno = ENOTSUP;
        return -1;
    }
    while ((n = cede__inlet_next(inlet, lent)) < 0 && errno == EAGAIN) {
        if (cede__call_nonblocking(call))
            return -1;
        if (!inlet->armed && cede__inlet_arm(inlet, call->fd) != 0)
            return -1;
        if (cede__call_park(call->record, CEDE__READS, call->generation, call->fd, call->what,
                            cede__call_deadline(call)) != 0)
            return -1;
    }
    return n;
}

/* Whether the kernel receives on it by itself, and a call has to know nothing else of it. */
static bool comes_by_itself(const struct cede__fd *record)
{
    return record && record->inlet && record->inlet->armed && record->owned && record->flags_known
           && !record->nonblocking && record->recv_timeout_ns == INT64_MAX;
}

/* Most receives over io_uring wait for what comes by itself, and take it: this way they are few frames, which all have
 * to be in the cache again when the task goes on. As recv(2); but 0: the general path finds out. */
static ssize_t take_next(int fd, struct cede__buffer **lent)
{
    struct cede__worker *worker = cede__worker;
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);
    int saved = errno;
    bool waits;
    ssize_t n;

    if (!comes_by_itself(record))
        return 0;
    waits = !record->inlet->first;
    if (waits && cede__call_park(record, CEDE__READS, record->generation, fd, "recv", INT64_MAX) != 0)
        return -1;
    n = record->inlet->first ? cede__inlet_next(record->inlet, lent) : 0;
    if (!waits) /* who never has to wait must not keep the others from running */
        cede__sched_tick(worker);
    errno = saved;
    return n;
}

static ssize_t receive_outside(int fd, size_t size, bool is_recv, struct cede__buffer **lent)
{
    struct cede__buffer *buffer = cede__buffer_new();
    ssize_t n;
    int error;

    if (!buffer)
        return -1;
    n = is_recv ? cede__sys_recvfrom(fd, buffer->bytes, size, 0, NULL, NULL) : cede__sys_read(fd, buffer->bytes, size);
    if (n > 0) {
        *lent = buffer;
        return n;
    }
    error = errno;
    free(buffer);
    errno = error;
    return n;
}

/* ---- for streams ---- */

struct cede__buffer *cede__buffer_own(void)
{
    struct cede__buffer *buffer;

    if (!cede__in_task())
        return cede__buffer_new();
    buffer = cede__buffer_take(&cede__worker->poller.buffers);
    if (buffer)
        cede__buffer_detach(buffer);
    return buffer;
}

ssize_t cede__buffer_read(int fd, size_t size, struct cede__buffer **own)
{
    ssize_t n;

    if (!cede__in_task())
        return receive_outside(fd, size, false, own);
    n = cede__io_lend_read(fd, size, own);
    if (n > 0)
        cede__buffer_detach(*own);
    return n;
}

void cede__buffer_disown(struct cede__buffer *buffer)
{
    int saved = errno;

    if (cede__in_task())
        cede__buffer_attach(&cede__worker->poller.buffers, buffer);
    else
        free(buffer);
    errno = saved;
}

/* ---- the public calls ---- */

ssize_t cede_buffer_recv(int fd, void **data)
{
    struct cede__buffer *buffer = NULL;
    ssize_t n;

    if (!data) {
        errno = EINVAL;
        return -1;
    }
    *data = NULL;
    if (!cede__in_task())
        n = receive_outside(fd, CEDE_BUFFER_SIZE, true, &buffer);
    else if (!cede__worker->poller.backend->requests || (n = take_next(fd, &buffer)) == 0)
        n = cede__io_lend(fd, &buffer);
    if (n > 0) {
        buffer->lent = true;
        *data = buffer->bytes;
    }
    return n;
}

static __attribute__((noreturn)) void die(void)
{
    struct cede__report report;

    cede__report_begin(&report, STDERR_FILENO);
    cede__report_text(&report, "cede: cede_buffer_return: the buffer is not lent\n");
    cede__report_end(&report);
    abort();
}

void cede_buffer_return(void *data)
{
    struct cede__buffer *buffer;
    int saved = errno;

    if (!data)
        return;
    buffer = CEDE__CONTAINER((char *)data, struct cede__buffer, bytes);
    if (!buffer->lent)
        die();
    buffer->lent = false;
    if (buffer->owner)
        cede__buffer_give(buffer);
    else
        free(buffer);
    errno = saved;
}
