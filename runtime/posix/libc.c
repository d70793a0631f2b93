/* SPDX-License-Identifier: MIT */
/* Where libc's functions are, in a process that has a shared one. */
#include <dlfcn.h>
#include <link.h>

#include "name.h"
#include "patch.h"

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct cede__posix_libc *libc = arg;
    uintptr_t begin, end;
    int i;

    (void)size;
    for (i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        begin = info->dlpi_addr + header->p_vaddr;
        end = begin + header->p_memsz;
        if ((uintptr_t)libc->inside >= begin && (uintptr_t)libc->inside < end) {
            libc->begin = begin;
            libc->end = end;
            return 1;
        }
    }
    return 0;
}

int cede__posix_libc_find(struct cede__posix_libc *libc)
{
    Dl_info info;

    *libc = (struct cede__posix_libc){.inside = dlsym(RTLD_DEFAULT, "gnu_get_libc_version")};
    if (!libc->inside || !dladdr(libc->inside, &info))
        return -1;
    libc->handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return libc->handle && dl_iterate_phdr(find_code, libc) == 1 ? 0 : -1;
}

unsigned char *cede__posix_libc_function(const struct cede__posix_libc *libc, const struct cede__posix_name *name,
                                         size_t *size)
{
    unsigned char *function = dlsym(libc->handle, name->name);
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    if (!function || (uintptr_t)function < libc->begin || (uintptr_t)function >= libc->end)
        return NULL;
    if (!dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
        return NULL;
    *size = symbol->st_size;
    return function;
}
