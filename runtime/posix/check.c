/* SPDX-License-Identifier: MIT */
/*
 * Does the process really call us? Interposition depends on the order in which the dynamic linker searches, which a
 * wrong link line changes without a word; so libcede-posix looks for itself, and says so.
 */
#include <cede/posix.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../environment.h"
#include "../sanitizer.h"
#include "jump.h"
#include "name.h"
#include "patch.h"

static char problem[512]; /* written by the constructor only; empty: none */

CEDE__BEFORE_TSAN cede__posix_fn *cede__posix_find(struct cede__posix_name *name)
{
    int saved = errno;
    /* No variable has its address taken here: AddressSanitizer would ask for the thread's own stack for it, by
     * pthread_getspecific(3), which comes here. */
    cede__posix_fn *plain = (cede__posix_fn *)(uintptr_t)dlsym(RTLD_NEXT, name->name);

    atomic_store_explicit(&name->plain, plain, memory_order_relaxed);
    errno = saved;
    return plain;
}

/* Where the object that holds this address is loaded; NULL if in none. */
static void *object_of(const void *address)
{
    Dl_info info;

    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* Sanitizers take the names first, and then call the next definition, which is ours. */
static bool is_sanitizer(const void *object)
{
    void *mark = dlsym(RTLD_DEFAULT, "__sanitizer_print_stack_trace");

    return mark && object_of(mark) == object;
}

/* Whether calls by this name come here; else `loser` is the object that they go to. libc's function is ours where its
 * entry leads here. */
static bool is_ours(const struct cede__posix_name *name, Dl_info *loser)
{
    void *found = dlsym(RTLD_DEFAULT, name->name), *symbol = NULL;

    if (!found || !dladdr1(found, loser, &symbol, RTLD_DL_SYMENT))
        return true; /* nobody can call it */
    /* A program that is not position-independent and takes the address of read() has a stub of that name, which leads
     * wherever the name leads: it tells nothing. The other names will. */
    if (symbol && ((ElfW(Sym) *)symbol)->st_shndx == SHN_UNDEF)
        return true;
    if ((!name->unpatched || name->unpatched == cede__posix_only) && cede__posix_in_libc(found))
        return true;
    return loser->dli_fbase == object_of(problem) || is_sanitizer(loser->dli_fbase);
}

/* The first name that leads elsewhere, or NULL. */
static const char *first_lost(Dl_info *loser)
{
    const struct cede__posix_name *name;

    for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++)
        if (name->is_symbol && name->unpatched != cede__posix_foreign && !is_ours(name, loser))
            return name->name;
    return NULL;
}

static void describe(const char *name, const Dl_info *loser)
{
    bool libc = strstr(loser->dli_fname, "libc.so") || strstr(loser->dli_fname, "ld-musl");

    snprintf(problem, sizeof problem,
             "libcede-posix: %s() goes to %s instead: calls block the whole thread. %s, or run with "
             "LD_PRELOAD=libcede-posix.so.",
             name, loser->dli_fname,
             libc ? "Link -lcede-posix before libc and before the libraries that shall use it"
                  : "Link -lcede-posix before it (or take its own definition away)");
}

/* ---- where libcede lies ---- */

uintptr_t cede__posix_cede_begin, cede__posix_cede_end;

static int note_libcede(struct dl_phdr_info *object, size_t size, void *unused)
{
    uintptr_t begin = UINTPTR_MAX, end = 0, at;
    int i;

    (void)size, (void)unused;
    for (i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        at = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        begin = at < begin ? at : begin;
        end = at + object->dlpi_phdr[i].p_memsz > end ? at + object->dlpi_phdr[i].p_memsz : end;
    }
    at = (uintptr_t)cede_self;
    if (at < begin || at >= end)
        return 0;
    cede__posix_cede_begin = begin;
    cede__posix_cede_end = end;
    return 1;
}

static __attribute__((constructor)) void start(void)
{
    const char *lost;
    struct cede__posix_name *name;
    Dl_info loser;

    dl_iterate_phdr(note_libcede, NULL);
    /* Now, because dlsym(3) is not for signal handlers, but read(2) is. */
    for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++)
        cede__posix_find(name);
    cede__posix_patch();
    cede__posix_stdio_start();
#ifndef CEDE_POSIX_NO_SIGNALS
    cede__posix_jump_start();
#endif
    lost = first_lost(&loser);
    if (!lost)
        return;
    describe(lost, &loser);
    if (!cede__environment_has("CEDE_POSIX_CHECK", "off"))
        fprintf(stderr, "%s\n", problem);
}

int cede_posix_check(void)
{
    Dl_info loser;

    if (!first_lost(&loser))
        return 0;
    errno = ENOSYS;
    return -1;
}

const char *cede_posix_problem(void)
{
    return problem[0] ? problem : NULL;
}
