/* SPDX-License-Identifier: MIT */
/*
 * One cell of the table of calls, or all rows' names:
 *
 *     cede-calls --list
 *     cede-calls FORM ROW yields|deadline|cancel
 *
 * The call is made by a task, in a directory of its own. It is ended by another process (or another task) 250 ms later,
 * while a task beside it counts every 10 ms. Prints one line: the verdict, milliseconds, why, separated by tabs. For
 * `deadline` and `cancel` the verdict is what the call returned. A call that never comes back is `cede calls`' to
 * notice.
 */
#include <cede.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "row.h"

enum { TICK_MS = 10, END_MS = 250, END_LATE_MS = 600, EARLY_MS = 60, LEAST_MS = 200, ENOUGH_TICKS = 6 };

static const struct row *row;
static struct state state = {.fd = {-1, -1, -1, -1}};
static const char *mode;
static int ticks;

static const struct row *const *tables_of(const char *form)
{
#ifdef CELL_STATIC
    return strcmp(form, "static") == 0 ? rows_static_all : NULL;
#else
    bool deepbind = strcmp(form, "deepbind") == 0;
    char path[4096];
    ssize_t length;
    void *library;

    if (strcmp(form, "direct") == 0 || strcmp(form, "inside") == 0)
        return rows_direct_all;
    if (strcmp(form, "fortified") == 0)
        return rows_fortified_all;
    if (strcmp(form, "raw") == 0)
        return rows_raw_all;
    length = readlink("/proc/self/exe", path, sizeof path - 16);
    if (length < 0 || (!deepbind && strcmp(form, "dlopen") != 0))
        return NULL;
    strcpy(path + length, "-library.so");
    library = dlopen(path, RTLD_NOW | (deepbind ? RTLD_DEEPBIND : 0));
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    return library ? dlsym(library, "rows_library_all") : NULL;
#endif
}

static int tick(void *unused)
{
    (void)unused;
    for (;; ticks++)
        if (cede_sleep(TICK_MS * CEDE_MILLISECOND) != 0)
            return 0;
}

static int end_in_task(void *unused)
{
    (void)unused;
    return cede_sleep(END_MS * CEDE_MILLISECOND) != 0 ? -1 : row->end_in_task(&state);
}

static int call_it(void *unused)
{
    (void)unused;
    return row->call_it(&state);
}

static void print_early(int result, int error)
{
    const char *name = strerrorname_np(error);

    if (result == 0)
        printf("completes\t0\t\n");
    else
        printf("%s\t0\t\n", name && error ? name : "0");
}

static void print_verdict(int result, int error, int64_t took_ms, int ticked)
{
    if (result != 0)
        printf("wrong\t%d\t%s\n", (int)took_ms, result > 0 ? "another result than expected" : strerror(error));
    else if (took_ms < LEAST_MS)
        printf("wrong\t%d\tit did not wait\n", (int)took_ms);
    else
        printf("%s\t%d\t\n", ticked >= ENOUGH_TICKS ? "yields" : "blocks", (int)took_ms);
}

static int app(void *unused)
{
    struct cede_task *ticker = cede_spawn(tick, NULL), *caller;
    int result = -1, error = 0, before;
    int64_t began;

    (void)unused;
    cede_yield();
    if (row->end_in_task)
        cede_detach(cede_spawn(end_in_task, NULL));
    before = ticks;
    began = cede_now();
    errno = 0;
    if (strcmp(mode, "deadline") == 0) {
        cede_timeout (EARLY_MS * CEDE_MILLISECOND) {
            result = row->call_it(&state);
            error = errno;
        }
        print_early(result, error);
    } else if (strcmp(mode, "cancel") == 0) {
        caller = cede_spawn(call_it, NULL);
        cede_sleep(EARLY_MS * CEDE_MILLISECOND);
        cede_cancel(caller);
        result = cede_await(caller);
        print_early(result, errno);
    } else {
        result = row->call_it(&state);
        error = errno;
        print_verdict(result, error, (cede_now() - began) / CEDE_MILLISECOND, ticks - before);
    }
    fflush(stdout);
    cede_cancel(ticker);
    return 0;
}

static int start_ender(void)
{
    pid_t ender = fork();

    if (ender != 0)
        return ender < 0 ? -1 : 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    usleep((state.longer ? END_LATE_MS : END_MS) * 1000);
    row->end_it(&state);
    _exit(0);
}

static int list(void)
{
#ifndef CELL_STATIC
    const struct row *const *tables;

    for (tables = rows_direct_all; *tables; tables++)
        for (row = *tables; row->call; row++)
            printf("%s\t%s\t%d\n", row->call, row->form ? row->form : "", row->raw);
#endif
    return 0;
}

/* The row of that number, counted through all tables; NULL if there are not so many. */
static const struct row *row_at(const struct row *const *tables, int number)
{
    for (; *tables; tables++)
        for (row = *tables; row->call; row++)
            if (number-- == 0)
                return row;
    return NULL;
}

int main(int argc, char **argv)
{
    char directory[] = "cell-XXXXXX"; /* the caller removes it */
    const struct row *const *tables;

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc != 4 || !(tables = tables_of(argv[1])) || !(row = row_at(tables, atoi(argv[2]))))
        return 2;
    mode = argv[3];
    state.longer = strcmp(mode, "yields") != 0;
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(directory) || chdir(directory) != 0)
        return 1;
    if (row->why)
        printf("impossible\t0\t%s\n", row->why);
    else if (row->prepare && row->prepare(&state) != 0)
        printf("impossible\t0\tcannot be prepared here: %s\n", strerror(errno));
    else if (row->end_it && start_ender() != 0)
        printf("impossible\t0\tno process: %s\n", strerror(errno));
    else
        cede_run(app, NULL);
    fflush(stdout);
    /* Tasks may be left in a call that blocks: nobody waits for them. */
    _exit(0);
}
