/* SPDX-License-Identifier: MIT */
/* See environment.h. Where a variable is described to users, its values stand too. */
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct variable {
    const char *name;
    const char *words; /* separated by a space; NULL: it is a number ... */
    long least, most;  /* ... between these */
    bool list;         /* several words, separated by a comma */
} variables[] = {
    {.name = "CEDE_AUDIT", .words = "0 1"},
    {.name = "CEDE_AUDIT_MS", .least = 1, .most = 1000000},
    {.name = "CEDE_DEBUG", .words = "dump", .list = true},
    {.name = "CEDE_FILE", .words = "ring pool"},
    {.name = "CEDE_GUARD", .words = "madvise protect"},
    {.name = "CEDE_PIDFD", .words = "on off"},
    {.name = "CEDE_POLLER", .words = "auto epoll io_uring"},
    {.name = "CEDE_POSIX", .words = "patch symbols"},
    {.name = "CEDE_POSIX_CHECK", .words = "on off"},
    {.name = "CEDE_RUN", .words = "main threads children", .list = true},
    {.name = "CEDE_SPIN", .least = 0, .most = 1000},
};

enum { VARIABLES = sizeof variables / sizeof *variables };

static bool is_word(const char *words, const char *value, size_t length)
{
    size_t next;

    for (; *words; words += next + (words[next] == ' ')) {
        next = strcspn(words, " ");
        if (next == length && strncmp(words, value, length) == 0)
            return true;
    }
    return false;
}

static bool are_words(const struct variable *variable, const char *value)
{
    size_t length;

    if (!variable->list)
        return is_word(variable->words, value, strlen(value));
    for (;; value += length + 1) {
        length = strcspn(value, ",");
        if (!is_word(variable->words, value, length))
            return false;
        if (!value[length])
            return true;
    }
}

static bool is_number(const struct variable *variable, const char *value, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(value, &end, 10);
    return !*end && !errno && *number >= variable->least && *number <= variable->most;
}

/* Its value: NULL if it is not set, or empty. Whether that is a good one, and, of a number, which. */
static const char *look(const struct variable *variable, bool *good, long *number)
{
    const char *value = getenv(variable->name);
    int saved = errno;

    *good = true;
    if (!value || !*value)
        return NULL;
    *good = variable->words ? are_words(variable, value) : is_number(variable, value, number);
    errno = saved;
    return value;
}

/* The variable of that name: 0, or -1 with errno EINVAL if its value is no good one. */
static int find(const char *name, const char **value, long *number)
{
    bool good = false;
    int i;

    for (i = 0; i < VARIABLES; i++)
        if (strcmp(variables[i].name, name) == 0)
            *value = look(&variables[i], &good, number);
    if (!good)
        errno = EINVAL;
    return good ? 0 : -1;
}

int cede__environment_get(const char *name, const char **value)
{
    const char *found = NULL;
    long number;

    if (find(name, &found, &number) != 0)
        return -1;
    *value = found;
    return 0;
}

int cede__environment_number(const char *name, long *value)
{
    const char *found = NULL;
    long number;

    if (find(name, &found, &number) != 0)
        return -1;
    if (found)
        *value = number;
    return 0;
}

bool cede__environment_has(const char *name, const char *word)
{
    size_t length = strlen(word), next;
    int saved = errno;
    const char *value = NULL;

    if (cede__environment_get(name, &value) != 0)
        errno = saved;
    for (; value && *value; value += next + (value[next] == ',')) {
        next = strcspn(value, ",");
        if (next == length && strncmp(value, word, length) == 0)
            return true;
    }
    return false;
}

bool cede__environment_problem(size_t *index, char *text, size_t size)
{
    const struct variable *variable;
    const char *value;
    long number;
    bool good;

    while (*index < VARIABLES) {
        variable = &variables[(*index)++];
        value = look(variable, &good, &number);
        if (good)
            continue;
        if (variable->words)
            snprintf(text, size, "%s=%.40s: it can be %s%s", variable->name, value,
                     variable->list ? "a list of " : "one of ", variable->words);
        else
            snprintf(text, size, "%s=%.40s: it can be a number from %ld to %ld", variable->name, value, variable->least,
                     variable->most);
        return true;
    }
    return false;
}
