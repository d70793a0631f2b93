/* SPDX-License-Identifier: MIT */
/* Stacks: where they lie, that every single one is guarded, and what happens when there is no room for more. */
#include "stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"

/* Enough for several slabs and many batches of guards. */
enum { MANY = 700 };

static struct cede__stacks stacks;
static int null_fd, zero_fd;

static void open_files(void)
{
    null_fd = open("/dev/null", O_WRONLY);
    zero_fd = open("/dev/zero", O_RDONLY);
    ck_assert_int_ge(null_fd, 0);
    ck_assert_int_ge(zero_fd, 0);
}

/* Whether the kernel can write to the byte: it fails with EFAULT where a program would be killed. */
static bool writable(char *byte)
{
    ssize_t count = read(zero_fd, byte, 1);

    ck_assert(count == 1 || (count == -1 && errno == EFAULT));
    return count == 1;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct cede__stack *get(size_t size)
{
    struct cede__stack *stack = cede__stack_get(&stacks, cede__stack_round(size));

    ck_assert_ptr_nonnull(stack);
    return stack;
}

/* All of the guard, and nothing but the guard, cannot be written to. */
static void check_guard(struct cede__stack *stack)
{
    size_t guard = stack->pool->guard, page = page_bytes();

    ck_assert_uint_ge(guard, page);
    ck_assert(!writable(stack->bottom - 1));
    ck_assert(!writable(stack->bottom - guard));
    ck_assert(!writable(stack->bottom - guard / 2));
    ck_assert(writable(stack->bottom));
    ck_assert(writable((char *)cede__stack_top(stack) - 1));
    ck_assert_uint_ge((size_t)((char *)cede__stack_top(stack) - stack->bottom), stack->pool->size);
}

static void get_and_check_many(size_t size)
{
    static struct cede__stack *got[MANY];
    unsigned i;

    open_files();
    for (i = 0; i < MANY; i++)
        got[i] = get(size);
    for (i = 0; i < MANY; i++)
        check_guard(got[i]);
    ck_assert_uint_eq(got[0]->pool->made, MANY);
    for (i = 0; i < MANY; i++)
        cede__stack_put(got[i]);
    cede__stacks_free(&stacks);
}

static const size_t sizes[] = {(size_t)16 << 10, (size_t)64 << 10, (size_t)256 << 10, (size_t)1 << 20};

START_TEST(every_stack_is_guarded)
{
    get_and_check_many(sizes[_i]);
}
END_TEST

/* Guards by mprotect, as on kernels before 6.13. The kind is found out once in a process: libcheck forks for us. */
START_TEST(every_stack_is_guarded_by_mprotect_too)
{
    setenv("CEDE_GUARD", "protect", 1);
    get_and_check_many(sizes[_i]);
    ck_assert_str_eq(cede__stack_guard_kind(), "mprotect");
}
END_TEST

START_TEST(sizes_are_rounded_up_and_bounded)
{
    size_t page = page_bytes();

    ck_assert_uint_eq(cede__stack_round(0), 0);
    ck_assert_uint_eq(cede__stack_round(CEDE_STACK_MIN - 1), 0);
    ck_assert_uint_eq(cede__stack_round(CEDE_STACK_MAX + 1), 0);
    ck_assert_uint_eq(cede__stack_round(SIZE_MAX), 0);
    ck_assert_uint_ge(cede__stack_round(CEDE_STACK_MIN), CEDE_STACK_MIN);
    ck_assert_uint_eq(cede__stack_round(CEDE_STACK_MAX), CEDE_STACK_MAX);
    ck_assert_uint_eq(cede__stack_round(16 * page), 16 * page);
    ck_assert_uint_eq(cede__stack_round(16 * page + 1), 17 * page);
    ck_assert_uint_eq(cede__stack_round(17 * page - 1), 17 * page);
}
END_TEST

/* Equal offsets, or distances that are powers of two, would make stacks evict each other from cache and TLB. */
START_TEST(neighbours_share_no_cache_set)
{
    enum { COUNT = 16 }; /* the first slab */
    char *tops[COUNT];
    struct cede__stack *stack;
    unsigned i, j;

    for (i = 0; i < COUNT; i++) {
        stack = get(sizes[_i]);
        tops[i] = cede__stack_top(stack);
        ck_assert_uint_eq((uintptr_t)tops[i] % 16, 0);
        ck_assert_uint_eq(stack->pool->slot / page_bytes() % 2, 1);
        for (j = 0; j < i; j++)
            ck_assert_uint_ne((uintptr_t)tops[i] % page_bytes() / 64, (uintptr_t)tops[j] % page_bytes() / 64);
    }
}
END_TEST

START_TEST(the_last_one_put_is_the_first_one_got)
{
    struct cede__stack *a = get(CEDE_STACK_DEFAULT), *b = get(CEDE_STACK_DEFAULT), *other = get(CEDE_STACK_MIN);

    ck_assert_ptr_ne(a, b);
    cede__stack_put(a);
    cede__stack_put(b);
    cede__stack_put(other);
    ck_assert_ptr_eq(get(CEDE_STACK_DEFAULT), b);
    ck_assert_ptr_eq(get(CEDE_STACK_MIN), other);
    ck_assert_ptr_eq(get(CEDE_STACK_DEFAULT), a);
    ck_assert_ptr_ne(get(CEDE_STACK_DEFAULT), a);
}
END_TEST

START_TEST(stacks_do_not_overlap)
{
    enum { COUNT = 100 };
    struct cede__stack *got[COUNT];
    unsigned i;

    for (i = 0; i < COUNT; i++) {
        got[i] = get(CEDE_STACK_MIN);
        memset(got[i]->bottom, (int)i, (size_t)((char *)cede__stack_top(got[i]) - got[i]->bottom));
    }
    for (i = 0; i < COUNT; i++) {
        ck_assert_int_eq(*got[i]->bottom, (char)i);
        ck_assert_int_eq(((char *)cede__stack_top(got[i]))[-1], (char)i);
        ck_assert_ptr_eq(got[i]->pool, got[0]->pool);
    }
}
END_TEST

START_TEST(the_high_water_mark_is_the_deepest_page)
{
    struct cede__stack *stack = get(CEDE_STACK_DEFAULT);
    char *top = cede__stack_top(stack);
    size_t page = page_bytes();

    ck_assert_uint_le(cede__stack_high_water(stack), 2 * page);
    *(volatile char *)(top - 100 * 1024) = 1;
    ck_assert_uint_ge(cede__stack_high_water(stack), 100 * 1024);
    ck_assert_uint_le(cede__stack_high_water(stack), 100 * 1024 + 2 * page);
    *(volatile char *)(top - 10 * 1024) = 1;
    ck_assert_uint_ge(cede__stack_high_water(stack), 100 * 1024);
    *(volatile char *)stack->bottom = 1;
    ck_assert_uint_ge(cede__stack_high_water(stack), CEDE_STACK_DEFAULT);
    ck_assert_uint_le(cede__stack_high_water(stack), CEDE_STACK_DEFAULT + 2 * page);
}
END_TEST

START_TEST(an_untouched_stack_costs_no_more_than_a_page)
{
    enum { COUNT = 256 };
    unsigned char resident[1024];
    struct cede__stack *stack;
    size_t pages, touched = 0, i, n;

    for (n = 0; n < COUNT; n++) {
        stack = get(CEDE_STACK_DEFAULT);
        pages = stack->pool->size / page_bytes();
        ck_assert_int_eq(mincore(stack->bottom, stack->pool->size, resident), 0);
        for (i = 0; i < pages; i++)
            touched += resident[i] & 1;
    }
    ck_assert_uint_le(touched, COUNT);
}
END_TEST

#ifndef HARNESS_SANITIZED
START_TEST(no_address_space_is_ENOMEM_and_not_for_ever)
{
    struct rlimit limit = {(rlim_t)400 << 20, (rlim_t)400 << 20};
    struct cede__stack *stack, *last = NULL;
    unsigned count = 0;

    if (harness_emulated("limit on memory"))
        return;
    open_files();
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    while ((stack = cede__stack_get(&stacks, cede__stack_round(CEDE_STACK_DEFAULT)))) {
        last = stack;
        ck_assert_uint_lt(++count, 2000);
    }
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_gt(count, 600); /* slabs got smaller as room got scarce: nearly all of it was used */
    check_guard(last);
    cede__stack_put(last);
    ck_assert_ptr_eq(cede__stack_get(&stacks, cede__stack_round(CEDE_STACK_DEFAULT)), last);
    ck_assert_ptr_null(cede__stack_get(&stacks, cede__stack_round((size_t)8 << 20)));
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* All of vm.max_map_count is used up, without which mprotect cannot guard: no stack may be handed out unguarded, and
 * the report must name the cause. */
START_TEST(no_mappings_left_is_ENOMEM_and_names_the_sysctl)
{
    struct cede__stack *stack, *last = NULL;
    char said[4096] = "";
    long maximum = 0;
    size_t count = 0;
    ssize_t length;
    int error, copy, fds[2];
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld", &maximum), 1);
    fclose(file);
    if (maximum > 300000) {
        fprintf(stderr, "skipped: vm.max_map_count is %ld, too many to use up here\n", maximum);
        return;
    }
    open_files();
    setenv("CEDE_GUARD", "protect", 1);
    ck_assert_int_eq(pipe(fds), 0);
    copy = dup(2);
    dup2(fds[1], 2);
    while ((stack = cede__stack_get(&stacks, cede__stack_round(CEDE_STACK_MIN)))) {
        last = stack;
        if (++count > (size_t)maximum)
            break;
    }
    error = errno;
    ck_assert_ptr_null(cede__stack_get(&stacks, cede__stack_round(CEDE_STACK_MIN)));
    dup2(copy, 2);
    ck_assert_int_eq(error, ENOMEM);
    ck_assert_uint_gt(count, (size_t)maximum / 3);
    check_guard(last);
    length = read(fds[0], said, sizeof said - 1);
    ck_assert_int_gt(length, 0);
    ck_assert_ptr_nonnull(strstr(said, "vm.max_map_count"));
    ck_assert_ptr_null(strstr(strstr(said, "no memory") + 1, "no memory")); /* once */
}
END_TEST
#endif

Suite *suite(void)
{
    enum { SIZES = sizeof sizes / sizeof *sizes };
    Suite *suite = suite_create("stack");
    TCase *cases = tcase_create("stack");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_stack_is_guarded, 0, SIZES);
    tcase_add_loop_test(cases, every_stack_is_guarded_by_mprotect_too, 0, SIZES);
    tcase_add_test(cases, sizes_are_rounded_up_and_bounded);
    tcase_add_loop_test(cases, neighbours_share_no_cache_set, 0, SIZES);
    tcase_add_test(cases, the_last_one_put_is_the_first_one_got);
    tcase_add_test(cases, stacks_do_not_overlap);
    tcase_add_test(cases, the_high_water_mark_is_the_deepest_page);
    tcase_add_test(cases, an_untouched_stack_costs_no_more_than_a_page);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, no_address_space_is_ENOMEM_and_not_for_ever);
    if (!harness_valgrind())
        tcase_add_test(cases, no_mappings_left_is_ENOMEM_and_names_the_sysctl);
#endif
    suite_add_tcase(suite, cases);
    return suite;
}
