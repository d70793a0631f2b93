/* SPDX-License-Identifier: MIT */
/*
 * Tasks that do everything at once to files of their own, while deadlines pass and cancels come at random points. What
 * a call that completed has done must be there afterwards; what one that ended early would have done may be or not.
 */
#include "files.h"

enum { TASKS = 12, BLOCKS = 8, BLOCK_BYTES = 3000, STEPS = 100 };

struct owner {
    unsigned random;
    int number, done;
    unsigned char certain[BLOCKS];  /* what is in each block: all bytes of it alike ... */
    bool uncertain[BLOCKS];         /* ... unless a write of it ended early */
    int fd;
};

static char name_of[TASKS][2][20]; /* a file goes back and forth between two names */

static unsigned pick(struct owner *owner, unsigned count)
{
    return harness_random(&owner->random) % count;
}

static void write_block(struct owner *owner)
{
    unsigned block = pick(owner, BLOCKS);
    char bytes[BLOCK_BYTES];
    int value = (int)pick(owner, 250) + 1;
    ssize_t n;

    memset(bytes, value, sizeof bytes);
    n = cede_pwrite(owner->fd, bytes, sizeof bytes, block * BLOCK_BYTES);
    if (n != BLOCK_BYTES)
        owner->uncertain[block] = true;
    else if (strcmp(files_engine, "ring") == 0)
        owner->uncertain[block] = false; /* with the pool, an earlier one may still come */
    owner->certain[block] = (unsigned char)value;
}

static void read_block(struct owner *owner)
{
    unsigned block = pick(owner, BLOCKS), i;
    unsigned char *bytes = malloc(BLOCK_BYTES);
    ssize_t n;

    if (pick(owner, 2))
        posix_fadvise(owner->fd, 0, 0, POSIX_FADV_DONTNEED);
    n = cede_pread(owner->fd, bytes, BLOCK_BYTES, block * BLOCK_BYTES);
    if (n < 0)
        ck_assert(errno == ETIMEDOUT || errno == ECANCELED);
    for (i = 0; n > 0 && i < n && !owner->uncertain[block]; i++)
        ck_assert_int_eq(bytes[i], owner->certain[block]);
    free(bytes);
}

static void rename_it(struct owner *owner)
{
    static int at[TASKS];
    int *now = &at[owner->number];
    struct stat status;

    if (cede_rename(name_of[owner->number][*now], name_of[owner->number][!*now]) == 0)
        *now = !*now;
    else
        cede_shield { /* find out which it is */
            cede_sleep(2 * CEDE_MILLISECOND); /* a helper may be about to do it */
            *now = cede_stat(name_of[owner->number][0], &status) == 0 ? 0 : 1;
        }
}

static void open_it(struct owner *owner)
{
    int fd = cede_open("shared", O_RDWR | O_CREAT | (pick(owner, 2) ? O_TRUNC : 0), 0600);

    if (fd < 0)
        return;
    cede_write(fd, "x", 1);
    ck_assert_int_eq(cede_close(fd), 0);
}

static void look_around(struct owner *owner)
{
    struct stat status;
    struct cede_dir *directory;
    int entries = 0;

    (void)owner;
    cede_lstat("shared", &status);
    directory = cede_opendir(".");
    if (!directory)
        return;
    while (cede_readdir(directory))
        entries++;
    ck_assert_int_le(entries, TASKS + 4 + TASKS);
    ck_assert_int_eq(cede_closedir(directory), 0);
}

static void sync_it(struct owner *owner)
{
    if (pick(owner, 8) == 0)
        cede_fsync(owner->fd);
    else
        cede_fdatasync(owner->fd);
}

static void make_and_remove(struct owner *owner)
{
    char name[20];

    snprintf(name, sizeof name, "d%d", owner->number);
    if (cede_mkdir(name, 0700) == 0 || errno == EEXIST)
        cede_rmdir(name);
    cede_unlink(name);
}

static int storm(void *arg)
{
    static void (*const actions[])(struct owner *) = {write_block, write_block, read_block, read_block, read_block,
                                                      rename_it, open_it, look_around, sync_it, make_and_remove};
    struct owner *owner = arg;

    for (; owner->done < STEPS; owner->done++) {
        if (pick(owner, 3) == 0)
            cede_timeout (pick(owner, 400) * CEDE_MICROSECOND)
                actions[pick(owner, sizeof actions / sizeof *actions)](owner);
        else
            actions[pick(owner, sizeof actions / sizeof *actions)](owner);
        if (cede_check() != 0)
            return -1; /* cancelled: somebody else goes on with this file */
    }
    return 0;
}

static unsigned seed;

FILES_TEST(everything_at_once)
{
    static struct owner owners[TASKS];
    struct cede_task *tasks[TASKS];
    char name[20];
    int i, running = TASKS, result;

    for (i = 0; i < TASKS; i++) {
        snprintf(name_of[i][0], sizeof name_of[i][0], "a%d", i);
        snprintf(name_of[i][1], sizeof name_of[i][1], "b%d", i);
        owners[i] = (struct owner){.random = seed + (unsigned)i * 7919, .number = i};
        snprintf(name, sizeof name, "a%d", i);
        owners[i].fd = open(name, O_RDWR | O_CREAT, 0600);
        ck_assert_int_eq(ftruncate(owners[i].fd, BLOCKS * BLOCK_BYTES), 0);
        tasks[i] = cede_spawn(storm, &owners[i]);
    }
    while (running > 0) {
        ck_assert_int_eq(cede_sleep(harness_random(&seed) % 3 * CEDE_MILLISECOND), 0);
        i = (int)(harness_random(&seed) % TASKS);
        if (!tasks[i])
            continue;
        cede_cancel(tasks[i]);
        result = cede_await(tasks[i]);
        tasks[i] = result < 0 ? cede_spawn(storm, &owners[i]) : NULL;
        running -= result >= 0;
    }
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_close(owners[i].fd), 0);
}

static void seed_1(void) { seed = 1; files_setup(); }
static void seed_2(void) { seed = 77; files_setup(); }

Suite *suite(void)
{
    Suite *storm_suite = suite_create("file_storm");
    TCase *one = tcase_create("seed 1"), *two = tcase_create("seed 77");

    tcase_add_checked_fixture(one, seed_1, files_teardown);
    tcase_add_checked_fixture(two, seed_2, files_teardown);
    tcase_set_timeout(one, 60);
    tcase_set_timeout(two, 60);
    tcase_add_loop_test(one, everything_at_once, 0, FILES_ENGINES);
    tcase_add_loop_test(two, everything_at_once, 0, FILES_ENGINES);
    suite_add_tcase(storm_suite, one);
    suite_add_tcase(storm_suite, two);
    return storm_suite;
}
