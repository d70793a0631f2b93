/* SPDX-License-Identifier: MIT */
/*
 * cede calls: measures which blocking calls yield under libcede-posix, in each form of being called.
 *
 * Each cell of the table is a process of its own (tools/calls/cell.c), because a call that blocks for ever is a result
 * too. Many run side by side; what does not yield is measured again when the machine is quiet.
 */
#include <cede.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "command.h"

enum { SIDE_BY_SIDE = 16, AGAIN_SIDE_BY_SIDE = 4, ATTEMPTS = 3 };

#define PATIENCE_NS (5 * CEDE_SECOND)

static const char *const form_names[FORMS] = {"direct", "fortified", "dlopen", "deepbind", "inside", "static", "raw"};

static struct table table;
static char directory[] = "/tmp/cede-calls-XXXXXX", program[4096];
static int next_cell;
static const char *documents; /* the directory for them; NULL: none are asked for */

/* ---- one cell ---- */

static void set(struct cell *cell, const char *verdict, int ms, const char *why)
{
    snprintf(cell->verdict, sizeof cell->verdict, "%s", verdict);
    snprintf(cell->why, sizeof cell->why, "%s", why);
    cell->ms = ms;
}

/* Runs a program in the temporary directory; what it prints, for the caller to free, or NULL with errno. */
static char *output_of(char *const argv[])
{
    const struct cede_process_attr attr = {.out = CEDE_PROCESS_PIPE, .in = CEDE_PROCESS_NULL, .cwd = directory,
                                           .group = 1};
    struct cede_process_exchange exchange = {0};
    struct cede_process process;
    int result = -1, error;

    if (cede_process_spawn(&process, argv, &attr) != 0)
        return NULL;
    cede_timeout (PATIENCE_NS)
        result = cede_process_communicate(&process, &exchange);
    error = errno;
    cede_process_kill(&process, 9);
    cede_process_close(&process);
    errno = error;
    return result == 0 ? exchange.output : NULL;
}

static void measure(struct cell *cell, const char *form, int row, const char *mode)
{
    char number[16], path[sizeof program + 16], *output, *verdict, *ms, *why;

    snprintf(number, sizeof number, "%d", row);
    snprintf(path, sizeof path, "%s%s", program, strcmp(form, "static") == 0 ? "-static" : "");
    if (access(path, X_OK) != 0) {
        set(cell, "impossible", 0, "this build of cede has no program for it");
        return;
    }
    output = output_of((char *[]){path, (char *)form, number, (char *)mode, NULL});
    if (!output) {
        set(cell, errno == ETIMEDOUT ? "blocks" : "wrong", (int)(PATIENCE_NS / CEDE_MILLISECOND),
            errno == ETIMEDOUT ? "it never came back" : strerror(errno));
        return;
    }
    verdict = output;
    verdict[strcspn(verdict, "\n")] = '\0';
    ms = verdict + strcspn(verdict, "\t");
    why = *ms ? ms + 1 + strcspn(ms + 1, "\t") : ms;
    if (*ms && *why) {
        *ms++ = *why++ = '\0';
        set(cell, verdict, atoi(ms), why);
    } else {
        set(cell, "wrong", 0, "the process died");
    }
    free(output);
}

/* ---- all cells ---- */

enum { COLUMNS = FORMS + EARLY };

static void measure_number(int number)
{
    struct entry *entry = &table.entries[number / COLUMNS];
    int column = number % COLUMNS;

    if (column >= FORMS) {
        if (documents)
            measure(&entry->early[column - FORMS], "direct", entry->row, column == FORMS ? "deadline" : "cancel");
        return;
    }
    if (column == FORM_INSIDE && entry->inside_row < 0)
        set(&entry->forms[column], "impossible", 0, "libc makes this call nowhere inside itself where a task may park");
    else if (column == FORM_RAW && !entry->raw)
        set(&entry->forms[column], "impossible", 0, "there is no system call for it that is the same on every CPU");
    else
        measure(&entry->forms[column], form_names[column], column == FORM_INSIDE ? entry->inside_row : entry->row,
                "yields");
}

/* Whether it is worth another attempt: the machine may have been too busy to tell. */
static bool doubtful(int number)
{
    struct entry *entry = &table.entries[number / COLUMNS];
    int column = number % COLUMNS;

    if (column >= FORMS)
        return documents && strcmp(entry->early[column - FORMS].verdict, "ETIMEDOUT") != 0
               && strcmp(entry->early[column - FORMS].verdict, "ECANCELED") != 0;
    return strcmp(entry->forms[column].verdict, "yields") != 0
           && strcmp(entry->forms[column].verdict, "impossible") != 0;
}

static int worker(void *again)
{
    int number;

    while ((number = next_cell++) < table.count * COLUMNS)
        if (!again || doubtful(number))
            measure_number(number);
    return 0;
}

static int measure_all(void)
{
    int attempt, i, workers;

    for (attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct cede_task *tasks[SIDE_BY_SIDE];

        next_cell = 0;
        workers = attempt == 0 ? SIDE_BY_SIDE : AGAIN_SIDE_BY_SIDE;
        for (i = 0; i < workers; i++)
            if (!(tasks[i] = cede_spawn(worker, attempt ? &table : NULL)))
                return -1;
        for (i = 0; i < workers; i++)
            cede_await(tasks[i]);
    }
    return 0;
}

/* ---- the rows ---- */

static struct entry *entry_of(const char *call)
{
    int i;

    for (i = 0; i < table.count; i++)
        if (strcmp(table.entries[i].call, call) == 0)
            return &table.entries[i];
    if (table.count == MOST_ENTRIES)
        return NULL;
    table.entries[table.count] = (struct entry){.row = -1, .inside_row = -1};
    snprintf(table.entries[table.count].call, sizeof table.entries[0].call, "%s", call);
    return &table.entries[table.count++];
}

static int read_rows(void)
{
    char *output = output_of((char *[]){program, "--list", NULL}), *line, *rest = output, form[16], call[48];
    struct entry *entry;
    int row, raw;

    if (!output)
        return -1;
    for (row = 0; (line = strtok_r(rest, "\n", &rest)); row++) {
        form[0] = '\0';
        if (sscanf(line, "%47[^\t]\t%15[^\t]\t%d", call, form, &raw) != 3
            && sscanf(line, "%47[^\t]\t\t%d", call, &raw) != 2)
            continue;
        entry = entry_of(call);
        if (!entry)
            break;
        if (strcmp(form, "inside") == 0) {
            entry->inside_row = row;
        } else {
            entry->row = row;
            entry->raw = raw;
        }
    }
    free(output);
    return table.count > 0 ? 0 : -1;
}

/* The program that runs cells: beside this one, or where it is installed. */
static int find_program(void)
{
    static const char *const places[] = {"cede-calls", "../libexec/cede/cede-calls"};
    char own[sizeof program - 64];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    size_t i;

    if (length < 0)
        return -1;
    own[length] = '\0';
    *strrchr(own, '/') = '\0';
    for (i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(program, sizeof program, "%s/%s", own, places[i]);
        if (access(program, X_OK) == 0)
            return 0;
    }
    return -1;
}

static int app(void *unused)
{
    (void)unused;
    return read_rows() != 0 ? -1 : measure_all();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

/* 0, or an exit status. */
static int parse(int argc, char **argv, bool *json)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = true;
        else if (strcmp(argv[i], "--documents") != 0)
            return command_usage(&command_calls, "unknown option '%s'", argv[i]);
        else if (!(documents = argv[++i]))
            return command_usage(&command_calls, "--documents takes a directory");
    }
    if (*json && documents)
        return command_usage(&command_calls, "--json or --documents, not both");
    return 0;
}

/* Better known before half a minute has been spent. */
static bool can_write_documents(void)
{
    char inside[4096];

    snprintf(inside, sizeof inside, "%s/.", documents);
    if (access(inside, W_OK) == 0)
        return true;
    command_error(&command_calls, "%s: %s", documents, strerror(errno));
    return false;
}

static int run(int argc, char **argv)
{
    bool json = false;
    int result = parse(argc, argv, &json);

    if (result != 0)
        return result;
    if (documents && !can_write_documents())
        return COMMAND_FAILED;
    if (find_program() != 0) {
        command_error(&command_calls, "the program cede-calls is not there");
        return COMMAND_FAILED;
    }
    if (!mkdtemp(directory)) {
        command_error(&command_calls, "%s: %s", directory, strerror(errno));
        return COMMAND_FAILED;
    }
    result = cede_run(app, NULL);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (result != 0) {
        command_error(&command_calls, "cannot measure: %s", strerror(errno));
        return COMMAND_FAILED;
    }
    table.form_names = form_names;
    if (documents)
        return calls_write_documents(&table, documents) == 0 ? 0 : COMMAND_FAILED;
    if (json)
        calls_print_json(&table);
    else
        calls_print_text(&table);
    return 0;
}

const struct command command_calls = {
    .name = "calls",
    .line = "which blocking calls yield under libcede-posix: measures the table",
    .help = "usage: cede calls [--json | --documents DIRECTORY]\n\n"
            "Makes each blocking call in each form: directly, fortified (_FORTIFY_SOURCE), from a library that was\n"
            "loaded with dlopen(3), from one loaded with RTLD_DEEPBIND, from inside libc, from a static program, and\n"
            "by syscall(2). Each waits for 250 ms while another task counts every 10 ms. Takes half a minute.\n\n"
            "  yields      the other task ran meanwhile\n"
            "  blocks      it did not: the whole thread waited\n"
            "  wrong       the call returned something else than it should\n"
            "  impossible  there is no such cell; why\n\n"
            "  --json                 an array of {\"call\", \"form\", \"verdict\", \"ms\", \"why\"}\n"
            "  --documents DIRECTORY  writes CALLS.md and cede-calls.7, with what each call returns when a deadline\n"
            "                         passes or its task is cancelled\n",
    .run = run,
};
