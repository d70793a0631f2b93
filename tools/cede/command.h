/* SPDX-License-Identifier: MIT */
/* The parts of the command `cede`: one file for each subcommand, and a row of the table in main.c. */
#ifndef CEDE_TOOLS_COMMAND_H
#define CEDE_TOOLS_COMMAND_H

/* Exit statuses. Those of a program that could not be started are env(1)'s. */
enum {
    COMMAND_USAGE = 2,
    COMMAND_FAILED = 125,    /* cede itself */
    COMMAND_CANNOT = 126,    /* the program was found, but cannot be run */
    COMMAND_NOT_FOUND = 127,
};

struct command {
    const char *name;
    const char *line;                    /* what it does, for `cede help` */
    const char *help;                    /* usage and options, for `cede help NAME` and `cede NAME --help` */
    int (*run)(int argc, char **argv);   /* argv[0] is the name; returns the exit status */
};

extern const struct command command_bench;
extern const struct command command_calls, command_run;

/* Says on standard error what is wrong with the command line, and where to read more. Returns COMMAND_USAGE. */
int command_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says on standard error what went wrong. */
void command_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
