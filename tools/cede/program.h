/* SPDX-License-Identifier: MIT */
/* Programs: where they are, and whether a library can be preloaded into them. */
#ifndef CEDE_TOOLS_PROGRAM_H
#define CEDE_TOOLS_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

struct program {
    char path[PATH_MAX];        /* what execve(2) is to be given */
    char interpreter[PATH_MAX]; /* the ELF file that the kernel will run in the end: path, or that of its #! line */
    char problem[PATH_MAX + 160];
};

/* Looks a program up as the shell does. 0, or -1 with errno ENOENT or EACCES. */
int program_find(struct program *program, const char *name);

/* Whether the dynamic linker will load, into this program, a library that is made as this command is. If not, `problem`
 * says why. */
bool program_can_preload(struct program *program);

#endif
