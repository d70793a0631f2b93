/* SPDX-License-Identifier: MIT */
/* `cede run`: an existing program with libcede-posix preloaded; runtime/posix/run.c is the other half. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/environment.h"
#include "command.h"
#include "program.h"

struct options {
    bool children, audit, threads;
};

static const char help[] =
    "usage: cede run [OPTIONS] PROGRAM [ARGUMENTS]\n"
    "\n"
    "Runs a dynamically linked program with libcede-posix preloaded, its main function as the first task: what it\n"
    "does in blocking calls of libc parks, and tasks that a library of it makes run meanwhile. Standard input,\n"
    "terminal, signals, process ID and exit status are the program's own.\n"
    "\n"
    "  --audit      says what blocks the thread for more than 10 ms, or CEDE_AUDIT_MS: <cede/dump.h>\n"
    "  --threads    threads that it makes are tasks too, all on one OS thread. What such a program may expect, and\n"
    "               which are known to work, stands in tools/cede/README.md\n"
    "  --children   programs that it starts run like this, too (else they run as without cede)\n"
    "\n"
    "Exit status: the program's; 2: wrong usage; 126: it cannot be run so (static, set-user-ID, another architecture\n"
    "or libc); 127: it was not found; 125: any other failure of cede.\n";

/* Puts the path of a library that lies beside libcede into `path`. 0, or -1 with a message. */
static int beside_libcede(const char *name, char *path)
{
    void *function = dlsym(RTLD_DEFAULT, "cede_run");
    char real[PATH_MAX], *slash;
    Dl_info info;

    if (!function || !dladdr(function, &info) || !realpath(info.dli_fname, real)) {
        command_error(&command_run, "cannot tell where libcede is");
        return -1;
    }
    slash = strrchr(real, '/');
    *slash = '\0';
    if (snprintf(path, PATH_MAX, "%s/%s", real, name) >= PATH_MAX || access(path, R_OK) != 0) {
        command_error(&command_run, "%s: %s", path, strerror(errno));
        return -1;
    }
    /* LD_PRELOAD knows no way to quote them. */
    if (strpbrk(path, " :")) {
        command_error(&command_run, "%s: the dynamic linker preloads no path with a space or a colon", path);
        return -1;
    }
    return 0;
}

/* Both libraries first: found by their paths, they need not be where the dynamic linker searches. */
static int preload(void)
{
    static char value[2 * PATH_MAX + 65536];
    char posix[PATH_MAX], cede[PATH_MAX];
    const char *before = getenv("LD_PRELOAD");
    size_t length;

    if (beside_libcede("libcede-posix.so." CEDE_SOVERSION, posix) != 0
        || beside_libcede("libcede.so." CEDE_SOVERSION, cede) != 0)
        return -1;
    length = (size_t)snprintf(value, sizeof value, "%s:%s%s%s", posix, cede, before && *before ? ":" : "",
                              before ? before : "");
    if (length >= sizeof value || setenv("LD_PRELOAD", value, 1) != 0) {
        command_error(&command_run, "LD_PRELOAD: too long");
        return -1;
    }
    return 0;
}

/* The index of the program in argv, or -1 after a message. */
static int parse(int argc, char **argv, struct options *options)
{
    int i;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--children") == 0) {
            options->children = true;
        } else if (strcmp(argv[i], "--threads") == 0) {
            options->threads = true;
        } else if (strcmp(argv[i], "--audit") == 0) {
            options->audit = true;
        } else {
            command_usage(&command_run, "unknown option '%s'", argv[i]);
            return -1;
        }
    }
    if (i < argc)
        return i;
    command_usage(&command_run, "which program?");
    return -1;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    struct program program;
    char words[32];
    int first = parse(argc, argv, &options), error;
    size_t index = 0;
    char problem[160];

    if (first < 0)
        return COMMAND_USAGE;
    if (cede__environment_problem(&index, problem, sizeof problem))
        return command_usage(&command_run, "%s", problem);
    if (program_find(&program, argv[first]) != 0) {
        error = errno;
        command_error(&command_run, "%s: %s", argv[first], strerror(error));
        return error == ENOENT ? COMMAND_NOT_FOUND : COMMAND_CANNOT;
    }
    if (!program_can_preload(&program)) {
        command_error(&command_run, "%s", program.problem);
        return COMMAND_CANNOT;
    }
    snprintf(words, sizeof words, "main%s%s", options.threads ? ",threads" : "", options.children ? ",children" : "");
    if ((options.audit && setenv("CEDE_AUDIT", "1", 1) != 0) || preload() != 0 || setenv("CEDE_RUN", words, 1) != 0)
        return COMMAND_FAILED;
    execv(program.path, argv + first);
    command_error(&command_run, "%s: %s", program.path, strerror(errno));
    return COMMAND_CANNOT;
}

const struct command command_run = {
    .name = "run", .line = "run a program with its main as a task", .help = help, .run = run};
