/* SPDX-License-Identifier: MIT */
/* What is given to a process and taken from it, both at once; see cede/process.h. */
#include <cede/io.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "process.h"
#include "sys.h"

enum { FIRST_BUFFER_BYTES = 4096 };

/* What came out of one pipe. */
struct buffer {
    char *bytes;
    size_t size, room, limit;
};

/* 0, or -1 with errno: EAGAIN if there is nothing to read now. At the end of file the pipe is closed. */
static int read_some(struct buffer *buffer, int *fd)
{
    ssize_t n;

    if (buffer->size == buffer->room) {
        size_t room = buffer->room ? 2 * buffer->room : FIRST_BUFFER_BYTES;
        char *bytes;

        if (room > buffer->limit)
            room = buffer->limit + 1; /* one more than is allowed tells that there is more */
        bytes = realloc(buffer->bytes, room + 1);
        if (!bytes)
            return -1;
        buffer->bytes = bytes;
        buffer->room = room;
    }
    n = cede__sys_read(*fd, buffer->bytes + buffer->size, buffer->room - buffer->size);
    if (n <= 0) {
        buffer->bytes[buffer->size] = '\0';
        if (n == 0)
            cede__process_close_pipe(fd);
        return (int)n;
    }
    buffer->size += (size_t)n;
    if (buffer->size <= buffer->limit)
        return 0;
    errno = EMSGSIZE;
    return -1;
}

/* write(2), but a pipe that nobody reads gives EPIPE only, and no signal. */
static ssize_t write_quietly(int fd, const void *bytes, size_t size)
{
    static const struct timespec at_once;
    sigset_t sigpipe, pending, mask;
    ssize_t n;
    int error;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &mask);
    sigpending(&pending);
    n = cede__sys_write(fd, bytes, size);
    error = errno;
    if (n < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) != 1)
        sigtimedwait(&sigpipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = error;
    return n;
}

/* As read_some(). When all is written, or nobody reads, the pipe is closed. */
static int write_some(struct cede_process_exchange *exchange, size_t *written, int *fd)
{
    ssize_t n = 0;

    if (*written < exchange->input_size)
        n = write_quietly(*fd, (const char *)exchange->input + *written, exchange->input_size - *written);
    if (n < 0 && errno != EPIPE)
        return -1;
    if (n >= 0)
        *written += (size_t)n;
    if (n < 0 || *written == exchange->input_size)
        cede__process_close_pipe(fd);
    return 0;
}

static bool goes_on(int result)
{
    return result == 0 || errno == EAGAIN || errno == EINTR;
}

/* Until all pipes are closed. 0, or -1 with errno. */
static int exchange_all(struct cede_process *process, struct cede_process_exchange *exchange, struct buffer *output,
                        struct buffer *error)
{
    struct pollfd fds[CEDE__PROCESS_STREAMS];
    size_t written = 0;

    while (process->in >= 0 || process->out >= 0 || process->err >= 0) {
        fds[CEDE__PROCESS_IN] = (struct pollfd){.fd = process->in, .events = POLLOUT};
        fds[CEDE__PROCESS_OUT] = (struct pollfd){.fd = process->out, .events = POLLIN};
        fds[CEDE__PROCESS_ERR] = (struct pollfd){.fd = process->err, .events = POLLIN};
        if (cede_poll(fds, CEDE__PROCESS_STREAMS, -1) < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if ((fds[CEDE__PROCESS_IN].revents && !goes_on(write_some(exchange, &written, &process->in)))
            || (fds[CEDE__PROCESS_OUT].revents && !goes_on(read_some(output, &process->out)))
            || (fds[CEDE__PROCESS_ERR].revents && !goes_on(read_some(error, &process->err))))
            return -1;
    }
    return 0;
}

/* The pipe ends are ours alone, and will be closed: nobody else sees the flag. */
static void never_block(int fd)
{
    if (fd >= 0)
        cede_fcntl(fd, F_SETFL, cede_fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int cede_process_communicate(struct cede_process *process, struct cede_process_exchange *exchange)
{
    size_t limit = exchange->limit ? exchange->limit : CEDE_PROCESS_LIMIT;
    struct buffer output = {.limit = limit}, error = {.limit = limit};
    int saved = errno, result = -1;

    exchange->output = exchange->error = NULL;
    exchange->output_size = exchange->error_size = 0;
    if (process->cede__state == CEDE__PROCESS_NONE) {
        errno = ECHILD;
        return -1;
    }
    never_block(process->in);
    never_block(process->out);
    never_block(process->err);
    if (exchange->input_size > 0 && process->in < 0)
        errno = EINVAL;
    else
        result = exchange_all(process, exchange, &output, &error);
    while (result == 0 && cede__process_wait(process) != 0)
        if (errno != EINTR)
            result = -1;
    if (result != 0) {
        cede__process_close_pipe(&process->in);
        cede__process_close_pipe(&process->out);
        cede__process_close_pipe(&process->err);
        cede__process_stop(process);
        free(output.bytes);
        free(error.bytes);
        return -1;
    }
    exchange->output = output.bytes;
    exchange->output_size = output.size;
    exchange->error = error.bytes;
    exchange->error_size = error.size;
    exchange->status = process->status;
    errno = saved;
    return 0;
}
