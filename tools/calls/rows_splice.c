/* SPDX-License-Identifier: MIT */
/* Bytes that go from one descriptor to another; see row.h. */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static int make_file_and_full_socket(struct state *s)
{
    if (make_full_socket(s) != 0)
        return -1;
    s->fd[2] = open("file", O_RDWR | O_CREAT, 0600);
    return s->fd[2] < 0 || pwrite(s->fd[2], "12345678", 8, 0) != 8 ? -1 : 0;
}

static int by_sendfile(struct state *s)
{
    return expect(sendfile(s->fd[1], s->fd[2], NULL, 8), 8);
}

static int make_two_pipes(struct state *s)
{
    return pipe(s->fd) != 0 ? -1 : pipe(s->fd + 2);
}

static int by_splice(struct state *s)
{
    return expect(splice(s->fd[0], NULL, s->fd[3], NULL, 8, 0), 8);
}

static int by_tee(struct state *s)
{
    return expect(tee(s->fd[0], s->fd[3], 8, 0), 8);
}

extern const struct row ROWS(splice)[];
const struct row ROWS(splice)[] = {
    {"sendfile", RAW_TOO, .prepare = make_file_and_full_socket, .call_it = by_sendfile, .end_it = drain},
    {"splice", RAW_TOO, .prepare = make_two_pipes, .call_it = by_splice, .end_it = put_eight},
    {"tee", RAW_TOO, .prepare = make_two_pipes, .call_it = by_tee, .end_it = put_eight},
    {0},
};
