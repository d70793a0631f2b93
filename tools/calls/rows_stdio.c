/* SPDX-License-Identifier: MIT */
/* Streams, and opening what waits for its other end; see row.h. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static FILE *stream_of(int fd, const char *mode)
{
    return fdopen(fd, mode);
}

static int by_fgets(struct state *s)
{
    char line[BUFFER];

    errno = 0;
    return fgets(line, (int)s->number + (int)sizeof line, stream_of(s->fd[0], "r")) ? 0 : -1;
}

static int by_getc(struct state *s)
{
    errno = 0;
    return expect(getc(stream_of(s->fd[0], "r")), 1);
}

static int by_fread(struct state *s)
{
    char buffer[BUFFER];

    errno = 0;
    return fread(buffer, 1, (size_t)s->number + 8, stream_of(s->fd[0], "r")) == 8 ? 0 : -1;
}

static int by_fwrite(struct state *s)
{
    FILE *stream = stream_of(s->fd[1], "w");

    return fwrite("12345678", 1, 8, stream) != 8 ? -1 : fflush(stream);
}

static int by_fprintf(struct state *s)
{
    FILE *stream = stream_of(s->fd[1], "w");

    return fprintf(stream, "%d\n", 12345678) != 9 ? -1 : fflush(stream);
}

static int make_fifo_alone(struct state *s)
{
    (void)s;
    return mkfifo("fifo", 0600);
}

static void open_other_end(struct state *s)
{
    (void)s;
    close(open("fifo", O_WRONLY | O_NONBLOCK));
}

static void open_to_read(struct state *s)
{
    (void)s;
    open("fifo", O_RDONLY | O_NONBLOCK);
    usleep(100 * 1000);
}

/* The flags are no constant, or there would be nothing to check under _FORTIFY_SOURCE. */
static int by_open(struct state *s)
{
    return open("fifo", O_RDONLY | (int)s->number) < 0 ? -1 : 0;
}

static int by_openat(struct state *s)
{
    return openat(AT_FDCWD, "fifo", O_RDONLY | (int)s->number) < 0 ? -1 : 0;
}

static int by_creat(struct state *s)
{
    (void)s;
    return creat("fifo", 0600) < 0 ? -1 : 0;
}

static int by_fopen(struct state *s)
{
    (void)s;
    return fopen("fifo", "r") ? 0 : -1;
}

extern const struct row ROWS(stdio)[];
const struct row ROWS(stdio)[] = {
    {"fgets, socket", .prepare = make_socketpair, .call_it = by_fgets, .end_it = put_eight},
    {"fgets, pipe", .prepare = make_pipe, .call_it = by_fgets, .end_it = put_eight},
    {"read, pipe", INSIDE, .prepare = make_pipe, .call_it = by_fgets, .end_it = put_eight},
    {"read, socketpair", INSIDE, .prepare = make_socketpair, .call_it = by_fgets, .end_it = put_eight},
    {"read, TCP", INSIDE, .prepare = make_tcp, .call_it = by_fgets, .end_it = put_eight},
    {"read, tty", INSIDE, .prepare = make_tty, .call_it = by_fgets, .end_it = put_eight},
    {"getc", .prepare = make_socketpair, .call_it = by_getc, .end_it = put_eight},
    {"fread", .prepare = make_socketpair, .call_it = by_fread, .end_it = put_eight},
    {"fwrite", .prepare = make_full_socket, .call_it = by_fwrite, .end_it = drain},
    {"write, socketpair", INSIDE, .prepare = make_full_socket, .call_it = by_fwrite, .end_it = drain},
    {"write, pipe", INSIDE, .prepare = make_full_pipe, .call_it = by_fwrite, .end_it = drain},
    {"fprintf", .prepare = make_full_pipe, .call_it = by_fprintf, .end_it = drain},
    {"open, FIFO", .prepare = make_fifo_alone, .call_it = by_open, .end_it = open_other_end},
    {"open, FIFO", INSIDE, .prepare = make_fifo_alone, .call_it = by_fopen, .end_it = open_other_end},
    {"openat, FIFO", RAW_TOO, .prepare = make_fifo_alone, .call_it = by_openat, .end_it = open_other_end},
    {"creat, FIFO", .prepare = make_fifo_alone, .call_it = by_creat, .end_it = open_to_read},
    {"fopen, FIFO", .prepare = make_fifo_alone, .call_it = by_fopen, .end_it = open_other_end},
    {0},
};
