/* SPDX-License-Identifier: MIT */
/* Waiting for children; see row.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"
#include "row.h"

static int make_child(struct state *s)
{
    s->child = fork();
    if (s->child == 0) {
        usleep(DELAY_MS * 1000 + (s->longer ? 350000 : 0));
        _exit(7);
    }
    return s->child < 0 ? -1 : 0;
}

static int ended_with_seven(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 1;
}

static int by_wait(struct state *s)
{
    int status;

    return wait(&status) != s->child ? -1 : ended_with_seven(status);
}

static int by_waitpid(struct state *s)
{
    int status;

    return waitpid(s->child, &status, 0) != s->child ? -1 : ended_with_seven(status);
}

static int by_wait4(struct state *s)
{
    int status;

    return wait4(s->child, &status, 0, NULL) != s->child ? -1 : ended_with_seven(status);
}

static int by_waitid(struct state *s)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)s->child, &info, WEXITED) != 0 ? -1 : info.si_status == 7 ? 0 : 1;
}

static int by_system(struct state *s)
{
    int status = system("sleep 0.25; exit 7");

    (void)s;
    return status < 0 ? -1 : ended_with_seven(status);
}

static int by_pclose(struct state *s)
{
    FILE *stream = popen("exec >&-; sleep 0.25; exit 7", "r");
    int status;

    (void)s;
    if (!stream)
        return -1;
    status = pclose(stream);
    return status < 0 ? -1 : ended_with_seven(status);
}

static int by_popen_and_fgets(struct state *s)
{
    /* Where the wait ends early, nobody reads the line: no complaint about that. */
    FILE *stream = popen("exec 2> /dev/null; sleep 0.25; echo line", "r");
    char line[BUFFER], *got;
    int error;

    (void)s;
    if (!stream)
        return -1;
    got = fgets(line, sizeof line, stream);
    error = errno;
    if (got)
        pclose(stream);
    errno = error;
    return got ? 0 : -1;
}

extern const struct row ROWS(child)[];
const struct row ROWS(child)[] = {
    {"wait", .prepare = make_child, .call_it = by_wait},
    {"waitpid", .prepare = make_child, .call_it = by_waitpid},
    {"wait4", RAW_TOO, .prepare = make_child, .call_it = by_wait4},
    {"wait4", INSIDE, .call_it = by_pclose},
    {"waitid", .prepare = make_child, .call_it = by_waitid},
    {"system", .call_it = by_system},
    {"popen, fgets", .call_it = by_popen_and_fgets},
    {"pclose", .call_it = by_pclose},
    {0},
};
