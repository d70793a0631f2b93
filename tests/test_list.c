/* SPDX-License-Identifier: MIT */
#include "list.h"

#include "harness.h"

START_TEST(zero_is_an_empty_list)
{
    struct cede__list head = {0}, link = {0};

    ck_assert(cede__list_empty(&head));
    ck_assert_ptr_null(cede__list_take(&head));
    cede__list_remove(&link);
    ck_assert(!cede__list_linked(&link));
}
END_TEST

START_TEST(links_come_out_in_order_and_can_leave_early)
{
    struct cede__list head = {0}, a = {0}, b = {0}, c = {0};

    cede__list_append(&head, &a);
    cede__list_append(&head, &b);
    cede__list_append(&head, &c);
    cede__list_remove(&b);
    ck_assert(!cede__list_linked(&b));
    ck_assert_ptr_eq(cede__list_take(&head), &a);
    ck_assert_ptr_eq(cede__list_take(&head), &c);
    ck_assert(cede__list_empty(&head));
    cede__list_append(&head, &b);
    ck_assert_ptr_eq(cede__list_take(&head), &b);
}
END_TEST

START_TEST(what_is_prepended_comes_out_first)
{
    struct cede__list head = {0}, a = {0}, b = {0}, c = {0};

    cede__list_prepend(&head, &b);
    cede__list_prepend(&head, &a);
    cede__list_append(&head, &c);
    ck_assert_ptr_eq(cede__list_take(&head), &a);
    cede__list_unlink(&b);
    ck_assert(!cede__list_linked(&b));
    ck_assert_ptr_eq(cede__list_take(&head), &c);
    ck_assert(cede__list_empty(&head));
    cede__list_prepend(&head, &b);
    ck_assert_ptr_eq(cede__list_take(&head), &b);
}
END_TEST

Suite *suite(void)
{
    Suite *list = suite_create("list");
    TCase *cases = tcase_create("list");

    tcase_add_test(cases, zero_is_an_empty_list);
    tcase_add_test(cases, links_come_out_in_order_and_can_leave_early);
    tcase_add_test(cases, what_is_prepended_comes_out_first);
    suite_add_tcase(list, cases);
    return list;
}
