/* SPDX-License-Identifier: MIT */
/* The command `cede`: finds the subcommand. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command *const commands[] = {
    &command_bench,
    &command_calls,
    &command_run,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
    int i;

    for (i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Output that could not be written must not look like success. */
static int finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    perror("cede: standard output");
    return COMMAND_FAILED;
}

static void put_commands(FILE *file)
{
    int i;

    fprintf(file, "usage: cede COMMAND [ARGUMENTS]\n\n");
    for (i = 0; i < COMMANDS; i++)
        fprintf(file, "  %-12s %s\n", commands[i]->name, commands[i]->line);
    fprintf(file, "  %-12s %s\n", "help", "this text; help COMMAND: all about one");
    fprintf(file, "  %-12s %s\n", "--version", "the version");
}

static int unknown(const char *name)
{
    fprintf(stderr, "cede: there is no command '%s'; 'cede help' lists them\n", name);
    return COMMAND_USAGE;
}

static int help(const char *name)
{
    const struct command *command = name ? find(name) : NULL;

    if (name && !command)
        return unknown(name);
    if (command)
        printf("%s", command->help);
    else
        put_commands(stdout);
    return finish();
}

static void say(const struct command *command, const char *format, va_list arguments)
{
    fprintf(stderr, "cede %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, "'cede help %s' tells more\n", command->name);
    return COMMAND_USAGE;
}

void command_error(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
}

int main(int argc, char **argv)
{
    const struct command *command;
    int status;

    if (argc < 2) {
        put_commands(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cede %s\n", CEDE_VERSION);
        return finish();
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    command = find(argv[1]);
    if (!command)
        return unknown(argv[1]);
    if (argc > 2 && strcmp(argv[2], "--help") == 0)
        return help(command->name);
    status = command->run(argc - 1, argv + 1);
    return status != 0 ? status : finish();
}
