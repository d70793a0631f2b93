/* SPDX-License-Identifier: MIT */
/* Locks of files, which another process holds; see row.h. */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "raw.h"
#include "row.h"

static int make_file(struct state *s)
{
    s->fd[0] = open("file", O_RDWR | O_CREAT, 0600);
    s->fd[1] = open("file", O_RDWR);
    return s->fd[1] < 0 || write(s->fd[0], "12345678", 8) != 8 ? -1 : 0;
}

/* Another process holds the lock, until it ends. */
static int make_locked(struct state *s)
{
    int ready[2];
    char byte;

    if (make_file(s) != 0 || pipe(ready) != 0)
        return -1;
    s->child = fork();
    if (s->child == 0) {
        struct flock whole = {.l_type = F_WRLCK};
        int fd = open("file", O_RDWR);

        if (flock(fd, LOCK_EX) != 0 || fcntl(fd, F_SETLK, &whole) != 0)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        usleep(DELAY_MS * 1000 + (s->longer ? 350000 : 0));
        _exit(0);
    }
    return read(ready[0], &byte, 1) == 1 ? 0 : -1;
}

static int by_flock(struct state *s)
{
    return flock(s->fd[0], LOCK_EX);
}

static int by_setlkw(struct state *s)
{
    struct flock whole = {.l_type = F_WRLCK};

    return fcntl(s->fd[0], F_SETLKW, &whole) < 0 ? -1 : 0;
}

static int by_lockf(struct state *s)
{
    return lseek(s->fd[0], 0, SEEK_SET) != 0 ? -1 : lockf(s->fd[0], F_LOCK, 0);
}

extern const struct row ROWS(flock)[];
const struct row ROWS(flock)[] = {
    {"flock", RAW_TOO, .prepare = make_locked, .call_it = by_flock},
    {"fcntl(F_SETLKW)", RAW_TOO, .prepare = make_locked, .call_it = by_setlkw},
    {"lockf", .prepare = make_locked, .call_it = by_lockf},
    {0},
};
