/* SPDX-License-Identifier: MIT */
/* Names for addresses of code; see symbol.h. */
#include "symbol.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys.h"

/* A module's file, mapped. Every offset in it is checked: the file may be damaged, or not the one that was loaded. */
struct file {
    const char *base;
    size_t size;
};

static const void *part(const struct file *file, uint64_t offset, uint64_t size)
{
    return offset <= file->size && size <= file->size - offset ? file->base + offset : NULL;
}

static bool open_file(struct file *file, const char *path)
{
    int fd = cede__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    void *base = MAP_FAILED;
    struct stat status;

    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        file->size = (size_t)status.st_size;
        base = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
        file->base = base;
    }
    cede__sys_close(fd);
    return base != MAP_FAILED;
}

/* What must be subtracted from an address in memory to get one of the file's; UINTPTR_MAX: there is nothing loaded. */
static uintptr_t load_bias(const ElfW(Phdr) *segments, unsigned count, uintptr_t loaded_at)
{
    unsigned i;

    for (i = 0; i < count; i++)
        if (segments[i].p_type == PT_LOAD) /* they are sorted: the first one lies where the module begins */
            return loaded_at - (segments[i].p_vaddr - segments[i].p_offset);
    return UINTPTR_MAX;
}

/* The function of the table that contains the address (as the file counts), or NULL. */
static const ElfW(Sym) *search(const ElfW(Sym) *table, size_t count, uintptr_t address)
{
    size_t i;

    for (i = 0; i < count; i++)
        if ((table[i].st_info & 0xf) == STT_FUNC && table[i].st_shndx != SHN_UNDEF && address >= table[i].st_value
            && address - table[i].st_value < table[i].st_size)
            return &table[i];
    return NULL;
}

static void find_in_file(const struct file *file, uintptr_t loaded_at, uintptr_t address, struct cede__symbol *symbol)
{
    const ElfW(Ehdr) *header = part(file, 0, sizeof *header);
    const ElfW(Phdr) *segments;
    const ElfW(Shdr) *sections, *names;
    const ElfW(Sym) *table, *found = NULL;
    const char *name;
    uintptr_t bias;
    size_t room;
    unsigned i;

    /* Only the very file that was loaded: it may have been replaced since. */
    if (!header || memcmp(header, (const void *)loaded_at, sizeof *header) != 0)
        return;
    segments = part(file, header->e_phoff, (uint64_t)header->e_phnum * sizeof *segments);
    sections = part(file, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    bias = segments ? load_bias(segments, header->e_phnum, loaded_at) : UINTPTR_MAX;
    if (bias == UINTPTR_MAX || !sections)
        return;
    symbol->offset = address - bias;
    for (i = 0; i < header->e_shnum && !found; i++) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum)
            continue;
        names = &sections[sections[i].sh_link];
        table = part(file, sections[i].sh_offset, sections[i].sh_size);
        if (!table || !part(file, names->sh_offset, names->sh_size))
            continue;
        found = search(table, sections[i].sh_size / sizeof *table, address - bias);
        if (!found || found->st_name >= names->sh_size)
            continue;
        name = file->base + names->sh_offset + found->st_name;
        room = names->sh_size - found->st_name;
        memccpy(symbol->name, name, '\0', room < sizeof symbol->name - 1 ? room : sizeof symbol->name - 1);
        symbol->name_offset = address - bias - found->st_value;
    }
}

/* Where the module can be opened. The program's own file by the kernel's link: argv[0] may be anything. */
static const char *path_of(const Dl_info *module)
{
    const ElfW(Ehdr) *header = module->dli_fbase;

    return (uintptr_t)header + header->e_phoff == getauxval(AT_PHDR) ? "/proc/self/exe" : module->dli_fname;
}

static bool find_module(uintptr_t address, Dl_info *module)
{
    const ElfW(Phdr) *segments = (const void *)getauxval(AT_PHDR);
    uintptr_t loaded_at, bias;
    unsigned count = (unsigned)getauxval(AT_PHNUM), i;

    if (dladdr((void *)address, module) && module->dli_fname && module->dli_fbase)
        return true;
    /* A static program has no dynamic linker to ask. The program headers follow the file's header. */
    loaded_at = (uintptr_t)segments - sizeof(ElfW(Ehdr));
    if (!segments || loaded_at % (uintptr_t)sysconf(_SC_PAGESIZE) != 0)
        return false;
    bias = load_bias(segments, count, loaded_at);
    *module = (Dl_info){.dli_fname = program_invocation_name, .dli_fbase = (void *)loaded_at};
    for (i = 0; i < count; i++)
        if (segments[i].p_type == PT_LOAD && address - bias - segments[i].p_vaddr < segments[i].p_memsz)
            return true;
    return false;
}

void cede__symbol_find(uintptr_t address, struct cede__symbol *symbol)
{
    int saved = errno;
    const char *folder;
    struct file file;
    Dl_info module;

    memset(symbol, 0, sizeof *symbol);
    if (!find_module(address, &module))
        return;
    folder = strrchr(module.dli_fname, '/');
    symbol->module = folder ? folder + 1 : module.dli_fname;
    symbol->offset = address - (uintptr_t)module.dli_fbase;
    if (module.dli_sname) {
        strncpy(symbol->name, module.dli_sname, sizeof symbol->name - 1);
        symbol->name_offset = address - (uintptr_t)module.dli_saddr;
    } else if (open_file(&file, path_of(&module))) {
        find_in_file(&file, (uintptr_t)module.dli_fbase, address, symbol);
        munmap((void *)file.base, file.size);
    }
    errno = saved;
}
