/* SPDX-License-Identifier: MIT */
/* Where libc's functions are, in a process that has a shared one. */
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "name.h"
#include "patch.h"

/* Of an object that has some address inside. */
struct code {
    uintptr_t inside, begin, end;
};

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct code *code = arg;
    uintptr_t begin, end;
    int i;

    (void)size;
    for (i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        begin = info->dlpi_addr + header->p_vaddr;
        end = begin + header->p_memsz;
        if (code->inside >= begin && code->inside < end) {
            code->begin = begin;
            code->end = end;
            return 1;
        }
    }
    return 0;
}

/* The dynamic linker is the object at the address that the kernel says, or, where a program was started by its help by
 * hand, the one of that name. */
static int find_linker(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct code *code = arg;

    if (info->dlpi_addr != getauxval(AT_BASE) && !strstr(info->dlpi_name, "/ld-linux"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
            code->inside = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    return code->inside ? find_code(info, size, arg) : 0;
}

bool cede__posix_code_find(const void *inside, uintptr_t *begin, uintptr_t *end)
{
    struct code code = {.inside = (uintptr_t)inside};

    if (dl_iterate_phdr(find_code, &code) != 1)
        return false;
    *begin = code.begin;
    *end = code.end;
    return true;
}

int cede__posix_libc_find(struct cede__posix_libc *libc)
{
    Dl_info info;

    struct code code = {.inside = (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version")};
    struct code linker = {.inside = 0};

    if (!code.inside || !dladdr((void *)code.inside, &info) || dl_iterate_phdr(find_code, &code) != 1)
        return -1;
    if (dl_iterate_phdr(find_linker, &linker) != 1)
        return -1;
    *libc = (struct cede__posix_libc){.begin = code.begin, .end = code.end, .linker_begin = linker.begin,
                                      .linker_end = linker.end};
    libc->handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return libc->handle ? 0 : -1;
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
