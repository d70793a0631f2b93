/* SPDX-License-Identifier: MIT */
/* The kernel's protocol for file systems in user space (linux/fuse.h), as little of it as it takes; see slow.h. */
#include "slow.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_WRITTEN = 4096, REQUEST_BYTES = 1 << 17, FILE_BYTES = 8 };

int slow_own_mounts(int more_namespaces)
{
    if (unshare(CLONE_NEWNS | more_namespaces | (geteuid() ? CLONE_NEWUSER : 0)) != 0)
        return -1;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* ---- answers ---- */

static void answer(int fd, uint64_t request, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = -error, .unique = request};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)data, size}};

    (void)!writev(fd, parts, 2);
}

static struct fuse_attr attributes(uint64_t node)
{
    bool root = node == FUSE_ROOT_ID;

    return (struct fuse_attr){.ino = node, .size = root ? 0 : FILE_BYTES, .blocks = 1, .blksize = 4096, .nlink = 1,
                              .mode = root ? S_IFDIR | 0755 : S_IFREG | 0644, .uid = geteuid(), .gid = getegid()};
}

static void look_up(int fd, const struct fuse_in_header *request, const char *name)
{
    struct fuse_entry_out out = {.nodeid = *name == 'a' ? FUSE_ROOT_ID + 1 : FUSE_ROOT_ID + 2, .entry_valid = 60,
                                 .attr_valid = 60};

    out.attr = attributes(out.nodeid);
    if (strcmp(name, "a") != 0 && strcmp(name, "b") != 0)
        answer(fd, request->unique, ENOENT, NULL, 0);
    else
        answer(fd, request->unique, 0, &out, sizeof out);
}

static void serve(int fd, const struct fuse_in_header *request, const void *body)
{
    const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
                                       .max_write = MOST_WRITTEN};
    const struct fuse_attr_out attr = {.attr_valid = 60, .attr = attributes(request->nodeid)};
    const struct fuse_open_out opened = {0};
    struct fuse_write_out written = {0};

    switch (request->opcode) {
    case FUSE_INIT:
        answer(fd, request->unique, 0, &init, sizeof init);
        break;
    case FUSE_LOOKUP:
        look_up(fd, request, body);
        break;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        answer(fd, request->unique, 0, &attr, sizeof attr);
        break;
    case FUSE_OPEN:
        answer(fd, request->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_READ:
        answer(fd, request->unique, 0, "12345678", FILE_BYTES);
        break;
    case FUSE_WRITE:
        written.size = ((const struct fuse_write_in *)body)->size;
        answer(fd, request->unique, 0, &written, sizeof written);
        break;
    case FUSE_COPY_FILE_RANGE:
        written.size = (uint32_t)((const struct fuse_copy_file_range_in *)body)->len;
        answer(fd, request->unique, 0, &written, sizeof written);
        break;
    case FUSE_FLUSH:
    case FUSE_FSYNC:
    case FUSE_RELEASE:
        answer(fd, request->unique, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: /* who asked goes on waiting */
        break;
    default:
        answer(fd, request->unique, ENOSYS, NULL, 0);
    }
}

/* ---- the process ---- */

static void serve_all(int fd, enum fuse_opcode slow, int delay_ms)
{
    static char buffer[REQUEST_BYTES] __attribute__((aligned(8)));
    const struct fuse_in_header *request = (const struct fuse_in_header *)(void *)buffer;

    while (read(fd, buffer, sizeof buffer) > 0) {
        if (request->opcode == slow)
            usleep((unsigned)delay_ms * 1000);
        serve(fd, request, request + 1);
    }
}

int slow_mount(enum fuse_opcode slow, int delay_ms)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[100];
    pid_t child;

    if (fd < 0 || slow_own_mounts(0) != 0 || mkdir("slow", 0755) != 0)
        return -1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, (int)geteuid(),
             (int)getegid());
    if (mount("slow", "slow", "fuse", MS_NOSUID | MS_NODEV, options) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_all(fd, slow, delay_ms);
        _exit(0);
    }
    close(fd);
    return child < 0 ? -1 : 0;
}
