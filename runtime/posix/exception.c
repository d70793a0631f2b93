/* SPDX-License-Identifier: MIT */
/*
 * C++ exceptions that are being handled or thrown: libstdc++ and libc++ keep two words for each thread, and ask for
 * them by these names. A task that parks in a catch block must find its own again.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

void *cede__posix_cxa_get_globals(void);
CEDE__POSIX_EXPORT_FOREIGN(__cxa_get_globals, cxa_get_globals);
CEDE__POSIX_EXPORT_FOREIGN(__cxa_get_globals_fast, cxa_get_globals);
void *cede__posix_cxa_get_globals(void)
{
    static _Thread_local void *of_thread[2] __attribute__((tls_model("initial-exec")));
    struct cede__posix_thread *self = cede__posix_thread_own();

    return self ? self->caught : of_thread;
}

#endif
