/* SPDX-License-Identifier: MIT */
/*
 * See patch.h and README.md. In three steps, of which only the last one changes anything: find libc's functions, plan a
 * patch for each (arch/<cpu>/patch.c), write them all.
 */
#include "patch.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../arch/patch.h"
#include "../environment.h"
#include "name.h"

uintptr_t cede__posix_libc_begin, cede__posix_libc_end, cede__posix_linker_begin, cede__posix_linker_end;

const char cede__posix_foreign[] = "libc has no such function";
const char cede__posix_only[] = "libc's and the dynamic linker's own calls of it must not park";

static const char *refusal = "the constructor of libcede-posix has not run"; /* written by it only */

/* One function of libc, and the names that lead to it. */
struct plan {
    struct cede__patch patch;
    unsigned char *function, *island;
};

/* ---- whether it may be tried ---- */

extern char __libc_single_threaded __attribute__((weak)); /* glibc's, since 2.32 */
extern char __sanitizer_print_stack_trace __attribute__((weak)); /* every sanitizer has it */

/* Whether no other thread can be in the midst of what is about to be written. */
static bool single_threaded(void)
{
    struct stat tasks;

    if (&__libc_single_threaded && __libc_single_threaded)
        return true;
    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3; /* . and .. and one thread */
}

static const char *why_not(void)
{
    const char *preload = getenv("LD_PRELOAD");

    if (cede__environment_has("CEDE_POSIX", "symbols"))
        return "CEDE_POSIX=symbols asks for symbols alone";
    if (&__sanitizer_print_stack_trace)
        return "a sanitizer has entries of its own";
    if (preload && strstr(preload, "vgpreload"))
        return "Valgrind does not look again at code that it has seen";
    if (!single_threaded())
        return "the process had other threads already";
    return NULL;
}

/* ---- islands ---- */

/* Memory near enough to all of libc's code; NULL if there is none. */
static unsigned char *map_islands(const struct cede__posix_libc *libc, size_t bytes)
{
    const uintptr_t step = UINT64_C(1) << 20;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), far, at;
    uint64_t reach = cede__patch_reach;
    void *found;
    int below;

    if (reach < libc->end - libc->begin + bytes + 2 * step)
        return NULL;
    reach = (reach - (libc->end - libc->begin) - bytes) / step * step;
    if (reach > 512 * step)
        reach = 512 * step; /* enough to look through */
    for (far = page; far < reach; far += step)
        for (below = 1; below >= 0; below--) {
            at = below ? (libc->begin - far - bytes) / page * page : (libc->end + far + page - 1) / page * page;
            found = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (found == (void *)at)
                return found;
            if (found != MAP_FAILED) /* before Linux 4.17 the address is a hint */
                munmap(found, bytes);
        }
    return NULL;
}

/* ---- planning ---- */

static struct plan *plan_of(struct plan *plans, size_t count, const unsigned char *function)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (plans[i].function == function)
            return &plans[i];
    return NULL;
}

static const char absent[] = "libc has no such function";

/* Plans every entry, those of locks if asked to. What cannot be patched keeps its name alone, and says why in its row
 * of the table. Returns how many patches there are. */
static size_t plan_all(const struct cede__posix_libc *libc, struct plan *plans, unsigned char *islands, bool locks)
{
    struct cede__posix_name *name;
    unsigned char *function, *island;
    cede__posix_fn *plain;
    size_t count = 0, size;

    for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++) {
        if (name->unpatched == cede__posix_only || name->unpatched == cede__posix_foreign)
            continue;
        name->unpatched = "the entry of another function of locks is not understood";
        if (name->is_lock && !locks)
            continue;
        name->unpatched = absent;
        function = cede__posix_libc_function(libc, name, &size);
        if (!function)
            continue;
        if (plan_of(plans, count, function)) {
            name->unpatched = NULL;
            continue;
        }
        /* Somebody else stands between us and libc: what it calls must be libc itself, not us again. */
        plain = atomic_load(&name->plain);
        if (name->is_symbol && plain && plain != (cede__posix_fn *)(uintptr_t)function) {
            name->unpatched = "another library has this name too";
            continue;
        }
        island = islands + count * CEDE__PATCH_ISLAND_BYTES;
        name->unpatched = cede__patch_plan(&plans[count].patch, function, size, island,
                                           name->entry ? name->entry : name->ours);
        if (name->unpatched)
            continue;
        plans[count].function = function;
        plans[count++].island = island;
    }
    return count;
}

/* Whether every lock of libc's has its plan. */
static bool locks_are_complete(void)
{
    const struct cede__posix_name *name;

    for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++)
        if (name->is_lock && name->unpatched && name->unpatched != absent)
            return false;
    return true;
}

/* From now on libc's own function is what its entry was moved to. */
static void use_originals(const struct cede__posix_libc *libc, struct plan *plans, size_t count)
{
    struct cede__posix_name *name;
    unsigned char *original;
    struct plan *plan;
    size_t size;

    for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++) {
        if (name->unpatched)
            continue;
        plan = plan_of(plans, count, cede__posix_libc_function(libc, name, &size));
        original = plan->island + CEDE__PATCH_ORIGINAL;
        atomic_store(&name->plain, (cede__posix_fn *)(uintptr_t)original);
    }
}

/* ---- writing ---- */

/* The pages that hold the patches. mprotect() stands there too, so they stay executable throughout. */
static int protect(const struct plan *plans, size_t count, int protection)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = UINTPTR_MAX, end = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if ((uintptr_t)plans[i].patch.at < begin)
            begin = (uintptr_t)plans[i].patch.at;
        if ((uintptr_t)plans[i].patch.at + plans[i].patch.bytes > end)
            end = (uintptr_t)plans[i].patch.at + plans[i].patch.bytes;
    }
    begin = begin / page * page;
    return mprotect((void *)begin, end - begin, protection);
}

/* No handler may run in what is half written. */
static void write_all(const struct plan *plans, size_t count)
{
    sigset_t all, saved;
    size_t i, byte;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &saved);
    for (i = 0; i < count; i++) {
        volatile unsigned char *at = plans[i].patch.at;

        /* By hand: memcpy() is libc's. */
        for (byte = 0; byte < plans[i].patch.bytes; byte++)
            at[byte] = plans[i].patch.code[byte];
        __builtin___clear_cache((char *)plans[i].patch.at, (char *)plans[i].patch.at + plans[i].patch.bytes);
    }
    sigprocmask(SIG_SETMASK, &saved, NULL);
}

/* Returns NULL, or why not: nothing has been changed then. */
static const char *patch_libc(const struct cede__posix_libc *libc, struct plan *plans, size_t names)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (names * CEDE__PATCH_ISLAND_BYTES + page - 1) / page * page;
    unsigned char *islands = map_islands(libc, bytes);
    const char *why = "libc's code cannot be made writable here";
    size_t count;

    if (!islands)
        return "there is no memory near libc, or no way for this CPU";
    count = plan_all(libc, plans, islands, true);
    if (!locks_are_complete())
        count = plan_all(libc, plans, islands, false);
    if (count == 0) {
        why = "no entry of libc is understood";
        goto fail;
    }
    if (mprotect(islands, bytes, PROT_READ | PROT_EXEC) != 0) {
        why = "memory cannot be made executable here";
        goto fail;
    }
    __builtin___clear_cache((char *)islands, (char *)islands + bytes);
    if (protect(plans, count, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        goto fail;
    use_originals(libc, plans, count);
    write_all(plans, count);
    protect(plans, count, PROT_READ | PROT_EXEC);
    return NULL;

fail:
    munmap(islands, bytes);
    return why;
}

static const char *try(void)
{
    size_t names = (size_t)(__stop_cede_posix_names - __start_cede_posix_names);
    const char *why = why_not();
    struct plan *plans;
    struct cede__posix_libc libc;

    if (why)
        return why;
    if (cede__posix_libc_find(&libc) != 0)
        return "this libc is not glibc, or not a shared one";
    plans = calloc(names, sizeof *plans);
    why = plans ? patch_libc(&libc, plans, names) : "there is no memory";
    free(plans);
    if (!why && !libc.is_program) {
        cede__posix_libc_begin = libc.begin;
        cede__posix_libc_end = libc.end;
        cede__posix_linker_begin = libc.linker_begin;
        cede__posix_linker_end = libc.linker_end;
    }
    return why;
}

void cede__posix_patch(void)
{
    struct cede__posix_name *name;
    int saved = errno;

    refusal = try();
    if (refusal)
        for (name = __start_cede_posix_names; name < __stop_cede_posix_names; name++)
            name->unpatched = refusal;
    errno = saved;
}

const char *cede__posix_patch_refusal(void)
{
    return refusal;
}
