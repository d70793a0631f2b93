/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <pthread.h>
#include <sys/wait.h>

#include "files.h"
#include "poller.h"
#include "sched.h"

enum { BIG = 3 << 20 };

/* ---- reading and writing ---- */

FILES_TEST(what_was_written_is_read)
{
    char bytes[16] = "";
    struct iovec out[2] = {{"one ", 4}, {"two", 3}}, in[2] = {{bytes, 2}, {bytes + 2, 9}};
    int fd = cede_open("a", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(cede_write(fd, "zero ", 5), 5);
    ck_assert_int_eq(cede_writev(fd, out, 2), 7);
    ck_assert_int_eq(cede_pwritev(fd, out, 2, 20), 7);
    ck_assert_int_eq(cede_pwrite(fd, "x", 1, 4), 1);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 12);
    ck_assert_int_eq(cede_pread(fd, bytes, 5, 4), 5);
    ck_assert_mem_eq(bytes, "xone ", 5);
    ck_assert_int_eq(cede_preadv(fd, in, 2, 18), 9);
    ck_assert_mem_eq(bytes, "\0\0one two", 9);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(cede_readv(fd, in, 2), 11);
    ck_assert_mem_eq(bytes, "zeroxone tw", 11);
    ck_assert_int_eq(cede_read(fd, bytes, 1), 1);
    ck_assert_int_eq(bytes[0], 'o');
    ck_assert_int_eq(cede_pread(fd, bytes, 5, 27), 0);
    ck_assert_int_eq(cede_pread(fd, bytes, 0, 0), 0);
    ck_assert_int_eq(cede_write(fd, NULL, 0), 0);
    ck_assert_int_eq(cede_close(fd), 0);
}

/* Half of it in the page cache: the call does not stop there. */
FILES_TEST(reads_are_whole)
{
    char *bytes = malloc(BIG);
    struct iovec in[3] = {{bytes, 10}, {bytes + 10, 2 << 20}, {bytes + 10 + (2 << 20), BIG - 10 - (2 << 20)}};
    int fd = files_make("a", BIG);

    ck_assert_int_eq(pread(fd, bytes, 100000, 0), 100000);
    ck_assert_int_eq(cede_read(fd, bytes, BIG), BIG);
    files_check(bytes, 0, BIG);
    memset(bytes, 0, BIG);
    files_forget_cache(fd);
    ck_assert_int_eq(cede_preadv(fd, in, 3, 0), BIG);
    files_check(bytes, 0, BIG);
    memset(bytes, 0, BIG);
    files_forget_cache(fd);
    ck_assert_int_eq(cede_pread(fd, bytes, BIG, 1000), BIG - 1000);
    files_check(bytes, 1000, BIG - 1000);
    ck_assert_int_eq(cede_read(fd, bytes, BIG), 0);
    cede_close(fd);
    free(bytes);
}

FILES_TEST(writes_are_whole)
{
    char *bytes = malloc(BIG);
    struct iovec out[2] = {{bytes, 100}, {bytes + 100, BIG - 100}};
    struct stat status;
    size_t i;
    int fd = cede_open("a", O_RDWR | O_CREAT | O_APPEND, 0600);

    for (i = 0; i < BIG; i++)
        bytes[i] = files_byte(i);
    ck_assert_int_eq(cede_writev(fd, out, 2), BIG);
    ck_assert_int_eq(cede_write(fd, "end", 3), 3);
    ck_assert_int_eq(cede_fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, BIG + 3);
    memset(bytes, 0, BIG);
    files_forget_cache(fd);
    ck_assert_int_eq(cede_pread(fd, bytes, BIG, 0), BIG);
    files_check(bytes, 0, BIG);
    cede_close(fd);
    free(bytes);
}

/* While its task waits for the disk, others run; and what is in the page cache does not make it wait at all. */
static int counter;
static int count(void *end)
{
    for (counter = 0; !*(bool *)end; counter++)
        if (cede_yield() != 0)
            return -1;
    return 0;
}

FILES_TEST(only_what_waits_parks)
{
    bool end = false;
    char byte;
    int fd = files_make("a", 4096), i;
    struct cede_task *counts;

    counts = cede_spawn(count, &end);
    /* Not at the first try, perhaps: the kernel reads ahead, and the disk may be that fast. */
    for (i = 0, counter = -1; i < 50 && counter < 0; i++) {
        files_forget_cache(fd);
        ck_assert_int_eq(cede_pread(fd, &byte, 1, 0), 1);
    }
    ck_assert_int_ge(counter, 0);
    cede_yield();
    counter = -1;
    ck_assert_int_eq(cede_pread(fd, &byte, 1, 0), 1);
    if (!harness_emulated("preadv2"))
        ck_assert_int_eq(counter, -1);
    end = true;
    cede_join(counts, NULL);
    cede_close(fd);
}

FILES_TEST(files_in_memory_and_with_direct_io)
{
    _Alignas(4096) static char block[4096];
    int fd = cede_open("/dev/shm/cede-test-file", O_RDWR | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    cede_unlink("/dev/shm/cede-test-file");
    ck_assert_int_eq(cede_write(fd, "memory", 6), 6);
    ck_assert_int_eq(cede_pread(fd, block, 7, 0), 6);
    ck_assert_mem_eq(block, "memory", 6);
    if (!harness_emulated("fstatfs of tmpfs"))
        ck_assert_int_eq(cede__poller_fd_known(&cede__worker->poller, fd)->kind, CEDE__FD_INSTANT);
    cede_close(fd);

    cede_close(files_make("a", 8192));
    fd = cede_open("a", O_RDONLY | O_DIRECT);
    if (fd >= 0) {
        ck_assert_int_eq(cede_pread(fd, block, 4096, 4096), 4096);
        files_check(block, 4096, 4096);
        ck_assert(cede__poller_fd_known(&cede__worker->poller, fd)->slow[0]);
        cede_close(fd);
    }
    fd = cede_open("/proc/self/stat", O_RDONLY);
    ck_assert_int_gt(cede_read(fd, block, sizeof block), 10);
    cede_close(fd);
}

FILES_TEST(a_wrong_read_or_write_says_so)
{
    char bytes[8];
    struct iovec iov = {bytes, sizeof bytes};
    int fds[2], fd = cede_open("a", O_RDONLY | O_CREAT, 0600), directory = cede_open(".", O_RDONLY);

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_fails(cede_pread(-1, bytes, 1, 0), EBADF);
    ck_assert_fails(cede_pread(fds[0], bytes, 1, 0), ESPIPE);
    ck_assert_fails(cede_pread(fd, bytes, 1, -1), EINVAL);
    ck_assert_fails(cede_pread(directory, bytes, 1, 0), EISDIR);
    ck_assert_fails(cede_read(directory, bytes, 1), EISDIR);
    ck_assert_fails(cede_pwrite(fd, bytes, 1, 0), EBADF);
    ck_assert_fails(cede_write(fd, bytes, 1), EBADF);
    ck_assert_fails(cede_pwrite(fds[1], bytes, 1, 0), ESPIPE);
    ck_assert_fails(cede_preadv(fd, &iov, 1, -1), EINVAL);
    ck_assert_fails(cede_preadv(fd, &iov, IOV_MAX + 1, 0), EINVAL);
    ck_assert_fails(cede_preadv(fds[0], &iov, 1, 0), ESPIPE);
    ck_assert_fails(cede_preadv(-1, &iov, 1, 0), EBADF);
    ck_assert_fails(cede_pwritev(fd, &iov, 1, -1), EINVAL);
    ck_assert_fails(cede_pwritev(fds[1], &iov, 1, 0), ESPIPE);
    ck_assert_fails(cede_pwritev(fd, &iov, 1, 0), EBADF);
    ck_assert_fails(cede_fsync(-1), EBADF);
    ck_assert_fails(cede_fsync(fds[0]), EINVAL);
    ck_assert_fails(cede_fdatasync(-1), EBADF);
    ck_assert_fails(cede_fdatasync(fds[0]), EINVAL);
    ck_assert_int_eq(cede_fsync(fd), 0);
    ck_assert_int_eq(cede_fdatasync(fd), 0);
    cede_close(fd);
    cede_close(directory);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* ---- paths ---- */

FILES_TEST(opening)
{
    int fd = cede_open("a", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), directory;
    struct stat status;

    umask(0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cede_close(fd);
    ck_assert_fails(cede_open("a", O_WRONLY | O_CREAT | O_EXCL, 0640), EEXIST);
    ck_assert_fails(cede_open("none", O_RDONLY), ENOENT);
    ck_assert_fails(cede_open("a/b", O_RDONLY), ENOTDIR);
    ck_assert_fails(cede_open(".", O_WRONLY), EISDIR);
    ck_assert_fails(cede_open(NULL, O_RDONLY), EFAULT);
    /* What is cached is opened as asked, too. */
    fd = cede_open("a", O_RDWR | O_APPEND);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
    cede_close(fd);
    fd = cede_open("a", O_RDONLY | O_NONBLOCK);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    cede_close(fd);
    directory = cede_open(".", O_RDONLY | O_DIRECTORY);
    fd = cede_openat(directory, "b", O_RDWR | O_CREAT, 0604);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(cede_fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0604);
    cede_close(fd);
    fd = cede_openat(directory, "b", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    cede_close(fd);
    ck_assert_fails(cede_openat(directory, "none", O_RDONLY), ENOENT);
    ck_assert_fails(cede_openat(-1, "a", O_RDONLY), EBADF);
    fd = cede_open(".", O_RDWR | O_TMPFILE, 0600);
    if (fd >= 0) {
        ck_assert_int_eq(cede_write(fd, "x", 1), 1);
        cede_close(fd);
    }
    cede_close(directory);
}

static void assert_same(const struct stat *a, const struct stat *b)
{
    ck_assert_int_eq(a->st_dev, b->st_dev);
    ck_assert_int_eq(a->st_ino, b->st_ino);
    ck_assert_int_eq(a->st_mode, b->st_mode);
    ck_assert_int_eq(a->st_nlink, b->st_nlink);
    ck_assert_int_eq(a->st_uid, b->st_uid);
    ck_assert_int_eq(a->st_gid, b->st_gid);
    ck_assert_int_eq(a->st_rdev, b->st_rdev);
    ck_assert_int_eq(a->st_size, b->st_size);
    ck_assert_int_eq(a->st_blksize, b->st_blksize);
    ck_assert_int_eq(a->st_blocks, b->st_blocks);
    ck_assert_int_eq(a->st_mtim.tv_sec, b->st_mtim.tv_sec);
    ck_assert_int_eq(a->st_mtim.tv_nsec, b->st_mtim.tv_nsec);
    ck_assert_int_eq(a->st_ctim.tv_nsec, b->st_ctim.tv_nsec);
}

FILES_TEST(what_a_file_is)
{
    struct stat ours, libcs;
    int fd = files_make("a", 10000), directory = open(".", O_RDONLY);

    ck_assert_int_eq(symlink("a", "link"), 0);
    ck_assert_int_eq(fstat(fd, &libcs), 0);
    ck_assert_int_eq(cede_fstat(fd, &ours), 0);
    assert_same(&ours, &libcs);
    ck_assert_int_eq(cede_stat("link", &ours), 0);
    assert_same(&ours, &libcs);
    ck_assert_int_eq(cede_fstatat(directory, "a", &ours, 0), 0);
    assert_same(&ours, &libcs);
    ck_assert_int_eq(cede_fstatat(fd, "", &ours, AT_EMPTY_PATH), 0);
    assert_same(&ours, &libcs);
    ck_assert_int_eq(cede_lstat("link", &ours), 0);
    ck_assert(S_ISLNK(ours.st_mode));
    ck_assert_int_eq(cede_stat("/dev/null", &ours), 0);
    ck_assert_int_eq(stat("/dev/null", &libcs), 0);
    assert_same(&ours, &libcs);
    ck_assert_fails(cede_stat("none", &ours), ENOENT);
    ck_assert_fails(cede_stat("a/b", &ours), ENOTDIR);
    ck_assert_fails(cede_stat(NULL, &ours), EFAULT);
    ck_assert_fails(cede_stat("a", NULL), EFAULT);
    ck_assert_fails(cede_fstat(fd, NULL), EFAULT);
    ck_assert_fails(cede_lstat("none", &ours), ENOENT);
    ck_assert_fails(cede_fstatat(directory, "none", &ours, 0), ENOENT);
    ck_assert_fails(cede_fstatat(directory, "a", &ours, 1 << 30), EINVAL);
    ck_assert_fails(cede_fstat(-1, &ours), EBADF);
    close(fd);
    close(directory);
}

FILES_TEST(renaming_and_removing)
{
    int directory = open(".", O_RDONLY);

    close(files_make("a", 1));
    ck_assert_int_eq(cede_mkdir("d", 0700), 0);
    ck_assert_fails(cede_mkdir("d", 0700), EEXIST);
    ck_assert_fails(cede_mkdir("none/d", 0700), ENOENT);
    ck_assert_int_eq(cede_rename("a", "d/b"), 0);
    ck_assert_fails(cede_rename("a", "c"), ENOENT);
    ck_assert_fails(cede_rename("d", "d/e"), EINVAL);
    ck_assert_fails(cede_rename(NULL, "e"), EFAULT);
    ck_assert_fails(cede_rmdir("d"), ENOTEMPTY);
    ck_assert_int_eq(cede_renameat(directory, "d/b", directory, "c"), 0);
    ck_assert_fails(cede_renameat(directory, "none", directory, "c"), ENOENT);
    ck_assert_fails(cede_rmdir("c"), ENOTDIR);
    ck_assert_int_eq(cede_rmdir("d"), 0);
    ck_assert_fails(cede_rmdir("d"), ENOENT);
    ck_assert_fails(cede_unlink("d"), ENOENT);
    ck_assert_int_eq(cede_unlink("c"), 0);
    ck_assert_int_eq(cede_mkdir("d", 0700), 0);
    ck_assert_fails(cede_unlink("d"), EISDIR);
    ck_assert_fails(cede_unlinkat(directory, "d", 0), EISDIR);
    ck_assert_int_eq(cede_unlinkat(directory, "d", AT_REMOVEDIR), 0);
    close(directory);
}

FILES_TEST(directories)
{
    enum { FILES = 2000 };
    static bool seen[FILES];
    char name[300];
    struct cede_dir *directory;
    struct dirent *entry;
    int i, entries = 0, fd;

    ck_assert_int_eq(mkdir("d", 0700), 0);
    for (i = 0; i < FILES; i++) { /* long names: many buffers full */
        snprintf(name, sizeof name, "d/%0100d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    memset(seen, 0, sizeof seen);
    directory = cede_opendir("d");
    ck_assert_ptr_nonnull(directory);
    errno = 77;
    while ((entry = cede_readdir(directory))) {
        entries++;
        if (entry->d_name[0] == '.')
            continue;
        ck_assert(!seen[atoi(entry->d_name)]);
        seen[atoi(entry->d_name)] = true;
        ck_assert_int_eq(entry->d_type, DT_REG);
    }
    ck_assert_int_eq(errno, 77);
    ck_assert_int_eq(entries, FILES + 2);
    ck_assert_ptr_null(cede_readdir(directory));
    ck_assert_int_eq(cede_closedir(directory), 0);
    ck_assert_fails(cede_closedir(NULL), EINVAL);
    errno = 0;
    ck_assert_ptr_null(cede_readdir(NULL));
    ck_assert_int_eq(errno, EINVAL);

    errno = 0;
    ck_assert_ptr_null(cede_opendir("none"));
    ck_assert_int_eq(errno, ENOENT);
    fd = files_make("a", 1);
    errno = 0;
    ck_assert_ptr_null(cede_opendir("a"));
    ck_assert_int_eq(errno, ENOTDIR);
    errno = 0;
    ck_assert_ptr_null(cede_fdopendir(fd));
    ck_assert_int_eq(errno, ENOTDIR);
    errno = 0;
    ck_assert_ptr_null(cede_fdopendir(-1));
    ck_assert_int_eq(errno, EBADF);
    close(fd);

    ck_assert_int_eq(mkdir("gone", 0700), 0);
    directory = cede_fdopendir(open("gone", O_RDONLY));
    ck_assert_ptr_nonnull(directory);
    ck_assert_int_eq(rmdir("gone"), 0);
    errno = 0;
    ck_assert_ptr_null(cede_readdir(directory));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(cede_closedir(directory), 0);
}

/* ---- FIFOs ---- */

static int open_fifo(void *flags)
{
    return cede_open("fifo", (int)(intptr_t)flags);
}

FILES_TEST(the_ends_of_a_fifo_meet)
{
    struct cede_task *reader, *writer;
    char byte;
    int in, out;

    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    reader = cede_spawn(open_fifo, (void *)(intptr_t)O_RDONLY);
    ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
    writer = cede_spawn(open_fifo, (void *)(intptr_t)O_WRONLY);
    in = cede_await(reader);
    out = cede_await(writer);
    ck_assert_int_eq(cede_write(out, "x", 1), 1);
    ck_assert_int_eq(cede_read(in, &byte, 1), 1);
    ck_assert_int_eq(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    cede_close(in);
    cede_close(out);
}

/* ---- several at once ---- */

enum { READERS = 20, RECORD = 5000, RECORDS = 200 };
static int taken[RECORDS];

static int read_records(void *fd)
{
    char record[RECORD];

    while (cede_read((int)(intptr_t)fd, record, RECORD) == RECORD) {
        int number;

        memcpy(&number, record, sizeof number);
        if (number >= 0 && number < RECORDS)
            taken[number]++;
    }
    return 0;
}

FILES_TEST(reads_at_the_same_position_come_one_after_the_other)
{
    struct cede_task *tasks[READERS];
    static char record[RECORD];
    int fd = open("a", O_RDWR | O_CREAT, 0600), i;

    for (i = 0; i < RECORDS; i++) {
        memcpy(record, &i, sizeof i);
        ck_assert_int_eq(write(fd, record, RECORD), RECORD);
    }
    files_forget_cache(fd);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    memset(taken, 0, sizeof taken);
    for (i = 0; i < READERS; i++)
        tasks[i] = cede_spawn(read_records, (void *)(intptr_t)fd);
    for (i = 0; i < READERS; i++)
        cede_join(tasks[i], NULL);
    for (i = 0; i < RECORDS; i++)
        ck_assert_int_eq(taken[i], 1);
    cede_close(fd);
}

struct reader { int fd; };
static int reader(struct reader *a)
{
    static char bytes[4096];
    ssize_t got = cede_pread(a->fd, bytes, sizeof bytes, 4096);

    if (got > 0)
        files_check(bytes, 4096, (size_t)got);
    return got < 0 ? -1 : (int)got;
}

/* Whoever has begun to read has what it wanted, or EBADF, and never what has the number next. */
FILES_TEST(a_file_is_closed_under_a_reader)
{
    int fd, other, i, result, error;
    struct cede_task *reads;

    other = open("other", O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(other, 8192), 0);
    close(other);
    for (i = 0; i < 50; i++) {
        fd = files_make("a", 8192);
        reads = cede_go(reader, .fd = fd);
        cede_yield();
        ck_assert_int_eq(cede_close(fd), 0);
        ck_assert_fails(cede_close(fd), EBADF);
        other = cede_open("other", O_RDONLY);
        errno = 0;
        result = cede_await(reads);
        error = errno;
        if (result < 0)
            ck_assert_int_eq(error, EBADF);
        else
            ck_assert_int_eq(result, 4096);
        cede_close(other);
    }
    fd = open("other", O_RDONLY); /* no number is lost */
    ck_assert_int_lt(fd, 20);
    close(fd);
}

/* ---- the engine ---- */

FILES_TEST(the_engine_is_told)
{
    ck_assert(strcmp(files_engine, "ring") == 0 || strcmp(files_engine, "pool") == 0);
    if (cede__worker->file_pool)
        ck_assert_str_eq(files_engine, "pool");
    else
        ck_assert(cede__worker->poller.ring.open);
}

static int is_pool(void *unused)
{
    (void)unused;
    return strcmp(cede_file_engine(), "pool") == 0;
}

START_TEST(the_engine_is_chosen)
{
    static const struct cede_run_attr wrong = {.files = "floppy"}, pool = {.files = "pool"}, ring = {.files = "ring"};
    int without_ring = cede_run_attr(&ring, is_pool, NULL);

    ck_assert_str_eq(cede_file_engine(), "plain");
    ck_assert_fails(cede_run_attr(&wrong, is_pool, NULL), EINVAL);
    ck_assert_int_eq(cede_run_attr(&pool, is_pool, NULL), 1);
    setenv("CEDE_FILE", "pool", 1);
    ck_assert_int_eq(cede_run(is_pool, NULL), 1);
    ck_assert_int_eq(cede_run_attr(&ring, is_pool, NULL), without_ring);
    setenv("CEDE_FILE", "ring", 1);
    ck_assert_int_eq(cede_run(is_pool, NULL), without_ring);
    setenv("CEDE_FILE", "floppy", 1);
    ck_assert_fails(cede_run(is_pool, NULL), EINVAL);
    ck_assert_int_eq(cede_run_attr(&pool, is_pool, NULL), 1);
    unsetenv("CEDE_FILE");
}
END_TEST

/* Any of the calls, with the ring (or a helper) at work on each. */
static int use_files(void)
{
    char bytes[100];
    struct stat status;
    int fd = cede_open("used", O_RDWR | O_CREAT | O_TRUNC, 0600), good;

    if (fd < 0)
        return -1;
    good = cede_pwrite(fd, "cede", 4, 0) == 4 && cede_fsync(fd) == 0
           && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && cede_pread(fd, bytes, sizeof bytes, 0) == 4
           && cede_stat("used", &status) == 0 && status.st_size == 4
           && cede_rename("used", "renamed") == 0 && cede_unlink("renamed") == 0;
    return cede_close(fd) == 0 && good ? 0 : -1;
}

FILES_TEST(a_child_has_an_engine_of_its_own)
{
    pid_t child;
    int status, i;

#ifdef HARNESS_TSAN /* which wants no new threads in such a child */
    if (strcmp(files_engine, "pool") == 0)
        return;
#endif
    ck_assert_int_eq(use_files(), 0);
    for (i = 0; i < 3; i++) {
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            _exit(use_files() == 0 && use_files() == 0 ? 0 : 1);
        cede_sleep(CEDE_MILLISECOND);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(use_files(), 0);
    }
}

static int use_files_in_a_directory(void *name)
{
    int directory = cede_mkdir(name, 0700) == 0 ? cede_open(name, O_RDONLY | O_DIRECTORY) : -1, i, fd;
    char byte;

    if (directory < 0)
        return -1;
    for (i = 0; i < 20; i++) {
        fd = cede_openat(directory, "a", O_RDWR | O_CREAT, 0600);
        if (cede_pwrite(fd, name, 1, 0) != 1 || cede_pread(fd, &byte, 1, 0) != 1 || byte != *(char *)name
            || cede_fdatasync(fd) != 0 || cede_close(fd) != 0 || cede_unlinkat(directory, "a", 0) != 0)
            return -1;
    }
    return cede_close(directory);
}

static int engine_of_thread;

static void *run_thread(void *name)
{
    const struct cede_run_attr attr = {.files = files_engines[engine_of_thread]};

    return (void *)(intptr_t)cede_run_attr(&attr, use_files_in_a_directory, name);
}

START_TEST(many_runtimes)
{
    static char names[4][2] = {"1", "2", "3", "4"};
    pthread_t threads[4];
    void *result;
    int i, round;

    engine_of_thread = _i;
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_thread, names[i]), 0);
        for (i = 0; i < 4; i++) {
            pthread_join(threads[i], &result);
            ck_assert_ptr_null(result);
            ck_assert_int_eq(rmdir(names[i]), 0);
        }
    }
}
END_TEST

START_TEST(outside_a_task_calls_are_plain)
{
    struct iovec iov = {"cede", 4};
    struct cede_dir *directory;
    struct stat status;
    char bytes[8];
    int fd, entries = 0;

    ck_assert_int_eq(use_files(), 0);
    fd = cede_open("a", O_RDWR | O_CREAT, 0600);
    iov.iov_base = bytes;
    ck_assert_int_eq(cede_pwritev(fd, &iov, 1, 0), 4);
    ck_assert_int_eq(cede_preadv(fd, &iov, 1, 0), 4);
    ck_assert_int_eq(cede_fdatasync(fd), 0);
    ck_assert_int_eq(cede_mkdir("d", 0700), 0);
    ck_assert_int_eq(cede_rmdir("d"), 0);
    ck_assert_int_eq(cede_lstat("a", &status), 0);
    ck_assert_fails(cede_rmdir("a"), ENOTDIR);
    directory = cede_opendir(".");
    while (cede_readdir(directory))
        entries++;
    ck_assert_int_eq(entries, 3);
    ck_assert_int_eq(cede_closedir(directory), 0);
    cede_close(fd);
}
END_TEST

Suite *suite(void)
{
    Suite *file_suite = suite_create("file");
    TCase *calls = tcase_create("calls"), *engine = tcase_create("engine");

    tcase_add_checked_fixture(calls, files_setup, files_teardown);
    tcase_add_checked_fixture(engine, files_setup, files_teardown);
    tcase_set_timeout(calls, 30);
    tcase_set_timeout(engine, 30);
    tcase_add_loop_test(calls, what_was_written_is_read, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, reads_are_whole, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, writes_are_whole, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, only_what_waits_parks, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, files_in_memory_and_with_direct_io, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, a_wrong_read_or_write_says_so, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, opening, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, what_a_file_is, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, renaming_and_removing, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, directories, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, the_ends_of_a_fifo_meet, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, reads_at_the_same_position_come_one_after_the_other, 0, FILES_ENGINES);
    tcase_add_loop_test(calls, a_file_is_closed_under_a_reader, 0, FILES_ENGINES);
    tcase_add_loop_test(engine, the_engine_is_told, 0, FILES_ENGINES);
    tcase_add_test(engine, the_engine_is_chosen);
    tcase_add_loop_test(engine, a_child_has_an_engine_of_its_own, 0, FILES_ENGINES);
    tcase_add_loop_test(engine, many_runtimes, 0, FILES_ENGINES);
    tcase_add_test(engine, outside_a_task_calls_are_plain);
    suite_add_tcase(file_suite, calls);
    suite_add_tcase(file_suite, engine);
    return file_suite;
}
