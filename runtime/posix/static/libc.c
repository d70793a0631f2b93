/* SPDX-License-Identifier: MIT */
/* Where libc's functions are, in a statically linked program: the linker knows, and has put them into the table. Takes
 * the place of libc.c, and of check.c: no name can lead elsewhere. */
#include <cede/posix.h>
#include <errno.h>

#include <pthread.h>
#include <semaphore.h>

#include "../name.h"
#include "../patch.h"

/* How many bytes of a function are searched for jumps to its beginning: its size is not known. */
enum { LOOKED_AT = 64 };

/* The bounds of the program's code, made by the linker. */
extern unsigned char __executable_start[] __attribute__((visibility("hidden")));
extern unsigned char etext[] __attribute__((visibility("hidden")));

uintptr_t cede__posix_cede_begin, cede__posix_cede_end;

/* What tasks' locks use of libc, whether the program does or not. */
static cede__posix_fn *const needed[] __attribute__((used)) = {
    (cede__posix_fn *)pthread_mutex_lock, (cede__posix_fn *)pthread_mutex_trylock,
    (cede__posix_fn *)pthread_mutex_unlock, (cede__posix_fn *)pthread_rwlock_tryrdlock,
    (cede__posix_fn *)pthread_rwlock_trywrlock, (cede__posix_fn *)pthread_timedjoin_np, (cede__posix_fn *)sem_trywait};

int cede__posix_libc_find(struct cede__posix_libc *libc)
{
    *libc = (struct cede__posix_libc){.begin = (uintptr_t)__executable_start, .end = (uintptr_t)etext,
                                      .is_program = true};
    return 0;
}

unsigned char *cede__posix_libc_function(const struct cede__posix_libc *libc, const struct cede__posix_name *name,
                                         size_t *size)
{
    (void)libc;
    *size = LOOKED_AT;
    return (unsigned char *)(uintptr_t)name->libc;
}

cede__posix_fn *cede__posix_find(struct cede__posix_name *name)
{
    (void)name;
    return NULL;
}

static __attribute__((constructor)) void start(void)
{
    cede__posix_patch();
    cede__posix_stdio_start();
}

int cede_posix_check(void)
{
    if (!cede__posix_patch_refusal())
        return 0;
    errno = ENOSYS;
    return -1;
}

const char *cede_posix_problem(void)
{
    return cede__posix_patch_refusal() ? "libcede-posix: calls block the whole thread: libc's entries were not patched"
                                       : NULL;
}
