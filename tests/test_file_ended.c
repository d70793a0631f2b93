/* SPDX-License-Identifier: MIT */
/* Calls about files whose waits end early: by cancellation, by a deadline. */
#include "call.h"
#include "file.h"
#include "files.h"

/* ---- memory ---- */

/* A read that waits for as long as the test likes, by the way that a file's takes: of a pipe. */
struct slow_read { int fd; char *bytes; };
static int slow_read(struct slow_read *a)
{
    struct iovec iov[2] = {{a->bytes, 4}, {a->bytes + 4, 4}};
    struct cede__call call;
    bool more;

    if (cede__call_begin(&call, a->fd, CEDE__READS, "slow read") != 0)
        return -1;
    return (int)cede__file_transfer(&call, iov, 2, -1, &more);
}

/* The memory may go as soon as the call has returned. With the ring the call has not happened; with the pool it goes
 * on, but elsewhere. */
FILES_TEST(a_cancelled_read_lets_go_of_its_memory)
{
    char *bytes = malloc(8), later[8] = "";
    struct cede_task *task;
    int fds[2], i;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    for (i = 0; i < 20; i++) {
        memset(bytes, 'u', 8);
        task = cede_go(slow_read, .fd = fds[0], .bytes = bytes);
        cede_sleep(i % 3 * CEDE_MILLISECOND);
        ck_assert_int_eq(cede_cancel(task), 0);
        ck_assert_fails(cede_await(task), ECANCELED);
        ck_assert_int_eq(write(fds[1], "12345678", 8), 8);
        ck_assert_int_eq(cede_sleep(2 * CEDE_MILLISECOND), 0);
        ck_assert_mem_eq(bytes, "uuuuuuuu", 8);
        if (strcmp(files_engine, "ring") == 0)
            ck_assert_int_eq(cede_read(fds[0], later, 8), 8);
        else /* whoever of the two reads it */
            cede_timeout (20 * CEDE_MILLISECOND)
                cede_read(fds[0], later, 8);
    }
    free(bytes);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* What was there when the cancel came is returned or, with the ring, still there. */
FILES_TEST(nothing_is_lost_by_a_cancel)
{
    char bytes[9] = "";
    struct cede_task *task;
    int fds[2], i, result, error;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    for (i = 0; i < 20; i++) {
        task = cede_go(slow_read, .fd = fds[0], .bytes = bytes);
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        ck_assert_int_eq(write(fds[1], "12345678", 8), 8);
        if (i % 2)
            usleep(1000);
        cede_cancel(task);
        errno = 0;
        result = cede_await(task);
        error = errno;
        if (result < 0) {
            ck_assert_int_eq(error, ECANCELED);
            if (strcmp(files_engine, "pool") == 0)
                continue;
            result = (int)cede_read(fds[0], bytes, 8);
        }
        ck_assert_int_eq(result, 8);
        ck_assert_str_eq(bytes, "12345678");
        memset(bytes, 0, sizeof bytes);
    }
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* Closes the number of a call that has been cancelled. Whether it was kept from being handed out. */
static bool close_in_use(void)
{
    char bytes[8];
    struct cede_task *task;
    int fds[2], other;
    bool kept;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    task = cede_go(slow_read, .fd = fds[0], .bytes = bytes);
    ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_fails(cede_close(fds[0]), EBADF);
    ck_assert_fails(cede_read(fds[0], bytes, 1), EBADF);
    other = open("/", O_RDONLY);
    kept = other != fds[0];
    close(other);
    if (kept)
        ck_assert_int_eq(write(fds[1], "x", 1), 1); /* the helper still has the pipe */
    cede_close(fds[1]);
    for (other = -1; other != fds[0]; close(other)) {
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        other = open("/", O_RDONLY);
    }
    return kept;
}

/* With the pool, the number of a call that goes on is not used again before its end. */
FILES_TEST(a_number_in_use_is_not_handed_out)
{
    int kept = 0, i;

    for (i = 0; i < 20; i++) /* a helper that is slow to begin has not begun, and never will */
        kept += close_in_use();
    if (strcmp(files_engine, "ring") == 0)
        ck_assert_int_eq(kept, 0);
    else
        ck_assert_int_gt(kept, 0);
}

/* ---- FIFOs ---- */

static int descriptors(void)
{
    int fd = open("/", O_RDONLY);

    close(fd);
    return fd;
}

static int open_fifo(void *flags)
{
    return cede_open("fifo", (int)(intptr_t)flags);
}

static int sleeps;
static int sleeper(void *unused)
{
    (void)unused;
    for (sleeps = 0; cede_sleep(CEDE_MILLISECOND) == 0; sleeps++)
        ;
    return 0;
}

FILES_TEST(opening_a_fifo_ends)
{
    struct cede_task *task, *other = cede_spawn(sleeper, NULL);
    int before = descriptors(), fd, i;

    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    cede_timeout (300 * CEDE_MILLISECOND)
        ck_assert_fails(cede_open("fifo", O_RDONLY), ETIMEDOUT);
    ck_assert_int_gt(sleeps, 3); /* others ran meanwhile */
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_openat(AT_FDCWD, "fifo", O_RDONLY), ETIMEDOUT);
    task = cede_spawn(open_fifo, (void *)(intptr_t)O_RDONLY);
    cede_sleep(5 * CEDE_MILLISECOND);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_cancel(other);
    cede_await(other);
    /* The helpers that are still at it: what they open is closed. */
    fd = open("fifo", O_RDWR);
    cede_sleep(20 * CEDE_MILLISECOND);
    close(fd);
    for (i = 0; i < 200 && descriptors() != before; i++)
        cede_sleep(10 * CEDE_MILLISECOND);
    ck_assert_int_eq(descriptors(), before);
}

/* ---- any call, while it waits ---- */

enum { FIFOS = 100 };
static struct cede_task *holders[FIFOS];

/* Keeps every thread that could make a call busy, be it the kernel's or a helper. */
static void hold_up(void)
{
    int i;

    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    for (i = 0; i < FIFOS; i++)
        holders[i] = cede_spawn(open_fifo, (void *)(intptr_t)O_RDONLY);
    ck_assert_int_eq(cede_sleep(50 * CEDE_MILLISECOND), 0);
}

static void let_go(void)
{
    int fd = open("fifo", O_RDWR), i, end;

    for (i = 0; i < FIFOS; i++) {
        end = cede_await(holders[i]);
        ck_assert_int_ge(end, 0);
        cede_close(end);
    }
    close(fd);
}

static struct stat status;
static struct cede_dir *directory;
static int file, cold;
static char byte;
static struct iovec iov = {&byte, 1};

static int do_open(void) { return cede_open("new", O_RDWR | O_CREAT, 0600); }
static int do_openat(void) { return cede_openat(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600); }
static int do_write(void) { return (int)cede_write(file, "x", 1); }
static int do_writev(void) { return (int)cede_writev(file, &iov, 1); }
static int do_pwrite(void) { return (int)cede_pwrite(file, "x", 1, 0); }
static int do_pwritev(void) { return (int)cede_pwritev(file, &iov, 1, 0); }
static int do_fsync(void) { return cede_fsync(file); }
static int do_fdatasync(void) { return cede_fdatasync(file); }
static int do_stat(void) { return cede_stat("none", &status); }
static int do_lstat(void) { return cede_lstat("none", &status); }
static int do_fstatat(void) { return cede_fstatat(AT_FDCWD, "none", &status, 0); }
static int do_rename(void) { return cede_rename("none", "new"); }
static int do_renameat(void) { return cede_renameat(AT_FDCWD, "none", AT_FDCWD, "new"); }
static int do_unlink(void) { return cede_unlink("none"); }
static int do_unlinkat(void) { return cede_unlinkat(AT_FDCWD, "none", 0); }
static int do_mkdir(void) { return cede_mkdir("new", 0700); }
static int do_rmdir(void) { return cede_rmdir("none"); }
static int do_opendir(void) { return cede_opendir("none") ? 0 : -1; }
static int do_readdir(void) { return cede_readdir(directory) ? 0 : -1; }
static int do_pread(void) { return (int)cede_pread(cold, &byte, 1, 0); }
static int do_preadv(void) { return (int)cede_preadv(cold, &iov, 1, 0); }
static int do_read(void) { return (int)cede_read(cold, &byte, 1); }

static int (*const calls[])(void) = {
    do_open, do_openat, do_write, do_writev, do_pwrite, do_pwritev, do_fsync, do_fdatasync, do_stat, do_lstat,
    do_fstatat, do_rename, do_renameat, do_unlink, do_unlinkat, do_mkdir, do_rmdir, do_opendir, do_readdir,
    /* Not through the ring, which needs no thread for them. */
    do_pread, do_preadv, do_read,
};

/* Asserts that the call failed with this errno; a read may have succeeded, because the kernel reads ahead for those who
 * do not wait as well, and its disk may be that fast. */
static void check_end(size_t which, int result, int error)
{
    int reads = calls[which] == do_pread || calls[which] == do_preadv || calls[which] == do_read;

    if (result != 1 || !reads)
        ck_assert_msg(result == -1 && errno == error, "call %zu: %d, errno %d", which, result, errno);
}

static int run_call(void *which)
{
    return (*(int (**)(void))which)();
}

FILES_TEST(every_call_ends_early)
{
    struct cede_task *task;
    size_t i, count = sizeof calls / sizeof *calls;

    file = open("file", O_RDWR | O_CREAT, 0600);
    cold = files_make("cold", 4096);
    directory = cede_opendir(".");
    ck_assert_ptr_nonnull(directory);
    hold_up();
    if (strcmp(files_engine, "ring") == 0)
        count -= 3;
    for (i = 0; i < count; i++) {
        if (calls[i] == do_readdir && strcmp(files_engine, "ring") == 0)
            continue; /* the helpers have nothing to do there */
        files_forget_cache(cold);
        task = cede_spawn(run_call, (void *)&calls[i]);
        cede_yield();
        cede_cancel(task);
        check_end(i, cede_await(task), ECANCELED);
        files_forget_cache(cold);
        cede_timeout (CEDE_MILLISECOND)
            check_end(i, calls[i](), ETIMEDOUT);
        files_forget_cache(cold);
        cede_timeout (0)
            check_end(i, calls[i](), ETIMEDOUT);
    }
    let_go();
    ck_assert_fails(cede_stat("new", &status), ENOENT);
    ck_assert_int_eq(cede_fstat(file, &status), 0);
    ck_assert_int_eq(status.st_size, 0);
    /* And then it works. */
    ck_assert_int_eq(do_write(), 1);
    ck_assert_int_eq(do_readdir(), 0);
    cede_closedir(directory);
    close(file);
    close(cold);
}

static int cancelled_calls(void *unused)
{
    size_t i;

    (void)unused;
    cede_cancel(cede_self());
    for (i = 0; i < sizeof calls / sizeof *calls; i++) {
        files_forget_cache(cold);
        errno = 0;
        check_end(i, calls[i](), ECANCELED);
    }
    return cede_close(file);
}

FILES_TEST(a_cancelled_task_begins_none)
{
    file = open("file", O_RDWR | O_CREAT, 0600);
    cold = files_make("cold", 4096);
    directory = cede_opendir(".");
    ck_assert_int_eq(cede_await(cede_spawn(cancelled_calls, NULL)), 0);
    ck_assert_fails(cede_stat("new", &status), ENOENT);
    cede_closedir(directory);
    close(cold);
}

/* ---- the end of a runtime, while calls are under way ---- */

static int leave_them(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 10; i++)
        cede_spawn(open_fifo, (void *)(intptr_t)O_WRONLY);
    return cede_sleep(5 * CEDE_MILLISECOND);
}

START_TEST(a_runtime_ends_under_calls)
{
    const struct cede_run_attr attr = {.files = files_engines[_i]};
    int before = descriptors(), fd, i;

    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_run_attr(&attr, leave_them, NULL), 0);
    fd = open("fifo", O_RDWR);
    for (i = 0; i < 500 && descriptors() != fd + 1; i++)
        usleep(1000);
    close(fd);
    for (i = 0; i < 500 && descriptors() > before + 1; i++)
        usleep(1000);
    ck_assert_int_le(descriptors(), before + 1); /* the worker's own stays */
}
END_TEST

Suite *suite(void)
{
    Suite *ended_suite = suite_create("file_ended");
    TCase *ended = tcase_create("ended");

    tcase_add_checked_fixture(ended, files_setup, files_teardown);
    tcase_set_timeout(ended, 30);
    tcase_add_loop_test(ended, a_cancelled_read_lets_go_of_its_memory, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, nothing_is_lost_by_a_cancel, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, a_number_in_use_is_not_handed_out, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, opening_a_fifo_ends, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, every_call_ends_early, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, a_cancelled_task_begins_none, 0, FILES_ENGINES);
    tcase_add_loop_test(ended, a_runtime_ends_under_calls, 0, FILES_ENGINES);
    suite_add_tcase(ended_suite, ended);
    return ended_suite;
}
