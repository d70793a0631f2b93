/* SPDX-License-Identifier: MIT */
/*
 * Paths that the kernel has in its cache of names: some system calls in place, none of which can wait, where a request
 * and its wait would cost several times as much (RESOLVE_CACHED, Linux 5.12).
 */
#ifndef CEDE_RUNTIME_FILE_CACHED_H
#define CEDE_RUNTIME_FILE_CACHED_H

#include <stdbool.h>
#include <sys/stat.h>

/* Opens it if that is sure not to wait: it exists, is a regular file or a directory, and its names are cached. The
 * descriptor; -1: whoever cannot wait does not know. */
int cede__file_open_cached(int directory, const char *path, int flags);

/* statx(2) of a path whose names are cached. Whether it was done. */
bool cede__file_status_cached(int directory, const char *path, int flags, struct statx *status);

#endif
