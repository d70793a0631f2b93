/* SPDX-License-Identifier: MIT */
/* arch/<cpu>/patch.c: functions whose entry is replaced, and what it was before. The functions are written byte by
 * byte. */
#include <string.h>
#include <sys/mman.h>

#include "../arch/patch.h"
#include "harness.h"
#include PATCH_CASES

enum { PAGE = 65536 }; /* at least; holds the function and its island */

typedef int function(int x);

static unsigned char *memory;

static void map(void)
{
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
}

static void unmap(void)
{
    munmap(memory, PAGE);
}

static function *at(unsigned char *code)
{
    __builtin___clear_cache((char *)memory, (char *)memory + PAGE);
    return (function *)(uintptr_t)code;
}

static int negated(int x)
{
    return -x;
}

static const char *plan(struct cede__patch *patch, size_t size)
{
    return cede__patch_plan(patch, memory, size, memory + PAGE / 2, (void (*)(void))negated);
}

START_TEST(entries_lead_elsewhere_and_originals_stay)
{
    const struct good *one = &good[_i];
    struct cede__patch patch;
    const char *why;

    memcpy(memory, one->code, sizeof one->code);
    ck_assert_msg(at(memory)(41) == 42, "%s: the case itself is wrong", one->what);
    why = plan(&patch, sizeof one->code);
    ck_assert_msg(!why, "%s: %s", one->what, why);
    ck_assert_msg(memcmp(memory, one->code, sizeof one->code) == 0, "%s: planning has changed it", one->what);
    ck_assert_uint_le(patch.bytes, sizeof patch.code);
    memcpy(patch.at, patch.code, patch.bytes);
    ck_assert_msg(at(memory)(41) == -41, "%s: the new entry", one->what);
    ck_assert_msg(at(memory + PAGE / 2 + CEDE__PATCH_ORIGINAL)(41) == 42, "%s: the original", one->what);
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
    const struct bad *one = &bad[_i];
    struct cede__patch patch;
    const char *why;

    memcpy(memory, one->code, sizeof one->code);
    why = plan(&patch, one->size);
    ck_assert_msg(why && strstr(why, one->why), "%s: expected '%s', got '%s'", one->what, one->why,
                  why ? why : "a plan");
    ck_assert_mem_eq(memory, one->code, sizeof one->code);
}
END_TEST

/* Whatever the bytes are: a plan or a refusal, and never a write outside the island. */
START_TEST(random_bytes_do_no_harm)
{
    enum { ROUNDS = 50000, SIZE = 64 };
    unsigned char *island = memory + PAGE / 2;
    unsigned state = 12345, planned = 0;
    struct cede__patch patch;
    int round, i;

    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < SIZE; i++)
            memory[i] = (unsigned char)harness_random(&state);
        memset(island, 0x5a, CEDE__PATCH_ISLAND_BYTES + 64);
        if (plan(&patch, SIZE))
            continue;
        planned++;
        ck_assert(patch.at >= memory);
        ck_assert(patch.at + patch.bytes <= memory + SIZE);
        ck_assert_uint_le(patch.bytes, CEDE__PATCH_MOST_BYTES);
        for (i = 0; i < 64 && island[CEDE__PATCH_ISLAND_BYTES + i] == 0x5a; i++)
            ;
        ck_assert_int_eq(i, 64);
    }
    ck_assert_uint_gt(planned, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *patch = suite_create("posix_patch");
    TCase *cases = tcase_create("patch");

    tcase_add_checked_fixture(cases, map, unmap);
    tcase_add_loop_test(cases, entries_lead_elsewhere_and_originals_stay, 0, sizeof good / sizeof good[0]);
    tcase_add_loop_test(cases, what_is_not_understood_is_refused, 0, sizeof bad / sizeof bad[0]);
    tcase_add_test(cases, random_bytes_do_no_harm);
    suite_add_tcase(patch, cases);
    return patch;
}
