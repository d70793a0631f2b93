/* SPDX-License-Identifier: MIT */
/* Calls about files that need a helper, where there is no memory for them, or no thread. */
#include "fault.h"
#include "files.h"

static struct cede_dir *directory;
static struct stat status;
static int file;

static int opens(void) { return cede_open("new", O_RDWR | O_CREAT, 0600); }
static int openats(void) { return cede_openat(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600); }
static int fsyncs(void) { return cede_fsync(file); }
static int fdatasyncs(void) { return cede_fdatasync(file); }
static int stats(void) { return cede_stat("none", &status); }
static int lstats(void) { return cede_lstat("none", &status); }
static int fstatats(void) { return cede_fstatat(AT_FDCWD, "none", &status, 0); }
static int renames(void) { return cede_rename("none", "new"); }
static int renameats(void) { return cede_renameat(AT_FDCWD, "none", AT_FDCWD, "new"); }
static int unlinks(void) { return cede_unlink("none"); }
static int unlinkats(void) { return cede_unlinkat(AT_FDCWD, "none", 0); }
static int mkdirs(void) { return cede_mkdir("new", 0700); }
static int rmdirs(void) { return cede_rmdir("none"); }
static int opendirs(void) { return cede_opendir("none") ? 0 : -1; }
static int readdirs(void) { return cede_readdir(directory) ? 0 : -1; }

static int (*const calls[])(void) = {opens,   openats, fsyncs,    fdatasyncs, stats,  lstats, fstatats, renames,
                                     renameats, unlinks, unlinkats, mkdirs,     rmdirs, readdirs, opendirs};

enum { CALLS = sizeof calls / sizeof *calls };

/* With "pool": a ring needs neither for most of them. */
FILES_TEST(no_memory)
{
    struct fault_memory memory;
    int results[CALLS], errors[CALLS], i, fd = open(".", O_RDONLY), error;
    bool refused;

    file = open("file", O_RDWR | O_CREAT, 0600);
    directory = cede_opendir(".");
    ck_assert_ptr_nonnull(directory);
    if (fault_memory_begin(&memory)) {
        for (i = 0; i < CALLS; i++) {
            errno = 0;
            results[i] = calls[i]();
            errors[i] = errno;
        }
        errno = 0;
        refused = fault_is_null(cede_fdopendir(fd));
        error = errno;
        fault_memory_end(&memory);
        for (i = 0; i < CALLS; i++)
            ck_assert_msg(results[i] == -1 && errors[i] == ENOMEM, "call %d: %d, errno %d", i, results[i], errors[i]);
        ck_assert(refused && error == ENOMEM);
    }
    ck_assert_int_eq(readdirs(), 0);
    cede_closedir(directory);
    close(file);
    close(fd);
}

FILES_TEST(no_thread)
{
    char name[] = "/tmp/cede-test-XXXXXX";
    int fd = open(".", O_RDONLY), i;

    file = mkstemp(name);
    unlink(name);
    directory = cede_fdopendir(fd);
    ck_assert_ptr_nonnull(directory);
    if (!fault_inject(SYS_clone3, EAGAIN) || !fault_inject(SYS_clone, EAGAIN))
        return;
    for (i = 0; i < CALLS; i++)
        ck_assert_msg(calls[i]() == -1 && errno == EAGAIN, "call %d: errno %d", i, errno);
    cede_closedir(directory);
}

Suite *suite(void)
{
    Suite *self = suite_create("file_refused");
    TCase *memory = tcase_create("memory"), *threads = tcase_create("threads");

    tcase_add_checked_fixture(memory, files_setup, files_teardown);
    tcase_add_loop_test(memory, no_memory, 1, FILES_ENGINES);
    tcase_add_loop_test(threads, no_thread, 1, FILES_ENGINES); /* the fixture could not run rm(1) any more */
    suite_add_tcase(self, memory);
    suite_add_tcase(self, threads);
    return self;
}
