/* SPDX-License-Identifier: MIT */
/*
 * Giving libc's functions themselves a new entry, so that also those calls come here that do not go by a name: libc's
 * own (stdio's reads and writes, popen's wait), those of libraries loaded with RTLD_DEEPBIND, and those of statically
 * linked programs. README.md tells why this way and not another.
 */
#ifndef CEDE_POSIX_PATCH_H
#define CEDE_POSIX_PATCH_H

/*
 * Patches every entry that can be, or none at all. To be called once, by the constructor: all names must have been
 * looked up, and the process must have one thread. Where it is not done, the names are what they were, and
 * cede__posix_patch_refusal() tells why.
 */
void cede__posix_patch(void);

/* Why nothing was patched, as part of a sentence; NULL if it was. */
const char *cede__posix_patch_refusal(void);

#endif
