/* SPDX-License-Identifier: MIT */
/* Whether a library can be preloaded into a program; see program.h. */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MOST_SCRIPTS = 5 }; /* a script's interpreter may be a script; the kernel follows no more */

static bool is_program(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    if (S_ISREG(status.st_mode) && access(path, X_OK) == 0)
        return true;
    errno = EACCES;
    return false;
}

int program_find(struct program *program, const char *name)
{
    const char *folders = getenv("PATH"), *end;
    int error = ENOENT;

    if (strchr(name, '/')) {
        if ((size_t)snprintf(program->path, sizeof program->path, "%s", name) >= sizeof program->path) {
            errno = ENAMETOOLONG;
            return -1;
        }
        return is_program(program->path) ? 0 : -1;
    }
    for (folders = folders ? folders : "/bin:/usr/bin"; *name; folders = end + 1) {
        end = strchrnul(folders, ':');
        snprintf(program->path, sizeof program->path, "%.*s/%s", end > folders ? (int)(end - folders) : 1,
                 end > folders ? folders : ".", name);
        if (is_program(program->path))
            return 0;
        if (errno == EACCES)
            error = EACCES;
        if (!*end)
            break;
    }
    errno = error;
    return -1;
}

static __attribute__((format(printf, 2, 3))) bool no(struct program *program, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(program->problem, sizeof program->problem, format, arguments);
    va_end(arguments);
    return false;
}

/* The name of the dynamic linker that the file asks for; "" if for none, or if it cannot be read. */
static void read_linker(int fd, const ElfW(Ehdr) *header, char *name, size_t size)
{
    ElfW(Phdr) segment;
    ssize_t count;
    unsigned i;

    name[0] = '\0';
    for (i = 0; i < header->e_phnum; i++) {
        if (pread(fd, &segment, sizeof segment, (off_t)(header->e_phoff + i * sizeof segment)) != sizeof segment)
            return;
        if (segment.p_type != PT_INTERP)
            continue;
        count = pread(fd, name, segment.p_filesz < size ? segment.p_filesz : size - 1, (off_t)segment.p_offset);
        name[count > 0 ? count : 0] = '\0';
        return;
    }
}

/* The same for this command, which is made as the library to be preloaded is. */
static void read_own(ElfW(Ehdr) *header, char *linker, size_t size)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    memset(header, 0, sizeof *header);
    linker[0] = '\0';
    if (fd >= 0 && pread(fd, header, sizeof *header, 0) == sizeof *header)
        read_linker(fd, header, linker, size);
    if (fd >= 0)
        close(fd);
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool fits(struct program *program, int fd)
{
    const char *path = program->interpreter;
    char linker[PATH_MAX], own_linker[PATH_MAX];
    ElfW(Ehdr) header, own;

    if (pread(fd, &header, sizeof header, 0) != sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return no(program, "%s is no ELF program", path);
    read_own(&own, own_linker, sizeof own_linker);
    if (header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] || header.e_ident[EI_DATA] != own.e_ident[EI_DATA]
        || header.e_machine != own.e_machine)
        return no(program, "%s is for another architecture (ELF machine %d, this cede: %d)", path, header.e_machine,
                  own.e_machine);
    read_linker(fd, &header, linker, sizeof linker);
    if (!linker[0])
        return no(program, "%s is statically linked: nothing can be preloaded into it", path);
    if (strcmp(base(linker), base(own_linker)) != 0)
        return no(program, "%s is for another libc (%s; this cede is for %s)", path, linker, own_linker);
    return true;
}

/* A program that gains rights ignores LD_PRELOAD of paths, and rightly so. */
static bool gains_rights(struct program *program, int fd)
{
    const char *path = program->interpreter;
    struct stat status;

    if (fstat(fd, &status) != 0)
        return false;
    if ((status.st_mode & S_ISUID && status.st_uid != getuid())
        || (status.st_mode & S_ISGID && status.st_gid != getgid()))
        return !no(program, "%s is set-user-ID or set-group-ID: the dynamic linker preloads nothing into it", path);
    if (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
        return !no(program, "%s has file capabilities: the dynamic linker preloads nothing into it", path);
    return false;
}

/* If the file is a script: puts the interpreter of its first line into `interpreter`. */
static bool is_script(struct program *program, int fd)
{
    char line[PATH_MAX];
    ssize_t count = pread(fd, line, sizeof line - 1, 0);

    if (count < 2 || line[0] != '#' || line[1] != '!')
        return false;
    line[count] = '\0';
    line[strcspn(line, "\n")] = '\0';
    count = (ssize_t)strspn(line + 2, " \t");
    memmove(line, line + 2 + count, strlen(line + 2 + count) + 1);
    line[strcspn(line, " \t")] = '\0';
    strcpy(program->interpreter, line);
    return true;
}

bool program_can_preload(struct program *program)
{
    bool can = false, script = true;
    int fd, scripts;

    strcpy(program->interpreter, program->path);
    for (scripts = 0; script; scripts++) {
        fd = open(program->interpreter, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return no(program, "%s: %s", program->interpreter, strerror(errno));
        script = scripts < MOST_SCRIPTS && is_script(program, fd);
        if (!script)
            can = !gains_rights(program, fd) && fits(program, fd);
        close(fd);
    }
    return can;
}
