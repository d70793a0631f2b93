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
    int list;          /* several words, separated by a comma */
} variables[] = {
    {.name = "CEDE_AUDIT", .words = "0 1"},
    {.name = "CEDE_AUDIT_MS", .least = 1, .most = 1000000},
    {.name = "CEDE_DEBUG", .words = "dump", .list = 1},
    {.name = "CEDE_FILE", .words = "ring pool"},
    {.name = "CEDE_POLLER", .words = "auto epoll io_uring"},
    {.name = "CEDE_POSIX", .words = "patch symbols"},
    {.name = "CEDE_POSIX_CHECK", .words = "on off"},
    {.name = "CEDE_SPIN", .least = 0, .most = 1000},
};

enum { VARIABLES = sizeof variables / sizeof *variables };

static int is_word(const char *words, const char *value, size_t length)
{
    size_t next;

    for (; *words; words += next + (words[next] == ' ')) {
        next = strcspn(words, " ");
        if (next == length && strncmp(words, value, length) == 0)
            return 1;
    }
    return 0;
}

static int are_words(const struct variable *variable, const char *value)
{
    size_t length;

    if (!variable->list)
        return is_word(variable->words, value, strlen(value));
    for (;; value += length + 1) {
        length = strcspn(value, ",");
        if (!is_word(variable->words, value, length))
            return 0;
        if (!value[length])
            return 1;
    }
}

static int is_number(const struct variable *variable, const char *value)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    return !*end && !errno && number >= variable->least && number <= variable->most;
}

/* Whether it is set, and to what: NULL if it is not, or empty. */
static const char *look(const struct variable *variable, int *good)
{
    const char *value = getenv(variable->name);
    int saved = errno;

    if (!value || !*value)
        return NULL;
    *good = variable->words ? are_words(variable, value) : is_number(variable, value);
    errno = saved;
    return value;
}

const char *cede__environment_get(const char *name)
{
    const char *value;
    int i, good;

    for (i = 0; i < VARIABLES; i++)
        if (strcmp(variables[i].name, name) == 0) {
            value = look(&variables[i], &good);
            return value && good ? value : NULL;
        }
    return NULL;
}

int cede__environment_problem(size_t *index, char *text, size_t size)
{
    const struct variable *variable;
    const char *value;
    int good;

    while (*index < VARIABLES) {
        variable = &variables[(*index)++];
        value = look(variable, &good);
        if (!value || good)
            continue;
        if (variable->words)
            snprintf(text, size, "%s=%.40s: it can be %s%s", variable->name, value,
                     variable->list ? "a list of " : "one of ", variable->words);
        else
            snprintf(text, size, "%s=%.40s: it can be a number from %ld to %ld", variable->name, value, variable->least,
                     variable->most);
        return 1;
    }
    return 0;
}
