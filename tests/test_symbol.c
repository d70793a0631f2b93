/* SPDX-License-Identifier: MIT */
#include "symbol.h"

#include <string.h>
#include <unistd.h>

#include "harness.h"

static struct cede__symbol symbol;

static __attribute__((noinline)) int a_static_function(int x)
{
    return x + 1;
}

START_TEST(a_static_function_has_a_name)
{
    uintptr_t address = (uintptr_t)a_static_function;

    ck_assert_int_eq(a_static_function(1), 2);
    cede__symbol_find(address + 1, &symbol);
    ck_assert_str_eq(symbol.name, "a_static_function");
    ck_assert_uint_eq(symbol.name_offset, 1);
    ck_assert_str_eq(symbol.module, "test_symbol");
    ck_assert_uint_gt(symbol.offset, 0);
}
END_TEST

START_TEST(a_function_of_a_library_has_a_name)
{
    cede__symbol_find((uintptr_t)memchr + 1, &symbol);
    ck_assert_ptr_nonnull(symbol.module);
    cede__symbol_find((uintptr_t)strerror, &symbol);
    ck_assert_str_eq(symbol.name, "strerror");
    ck_assert_uint_eq(symbol.name_offset, 0);
}
END_TEST

/* ./program, started from elsewhere, or by a shell function: argv[0] need not lead to the file. */
START_TEST(the_folder_does_not_matter)
{
    ck_assert_int_eq(chdir("/"), 0);
    cede__symbol_find((uintptr_t)a_static_function, &symbol);
    ck_assert_str_eq(symbol.name, "a_static_function");
}
END_TEST

START_TEST(data_and_wild_addresses_have_none)
{
    int local;

    errno = 0;
    cede__symbol_find((uintptr_t)&local, &symbol);
    ck_assert_str_eq(symbol.name, "");
    ck_assert_ptr_null(symbol.module);
    cede__symbol_find(0, &symbol);
    ck_assert_str_eq(symbol.name, "");
    cede__symbol_find(UINTPTR_MAX, &symbol);
    ck_assert_str_eq(symbol.name, "");
    ck_assert_int_eq(errno, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *symbols = suite_create("symbol");
    TCase *cases = tcase_create("symbol");

    tcase_add_test(cases, a_static_function_has_a_name);
    tcase_add_test(cases, a_function_of_a_library_has_a_name);
    tcase_add_test(cases, the_folder_does_not_matter);
    tcase_add_test(cases, data_and_wild_addresses_have_none);
    suite_add_tcase(symbols, cases);
    return symbols;
}
