/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static struct cede__report report;
static int pipe_fds[2];

static void begin(void)
{
    ck_assert_int_eq(pipe(pipe_fds), 0);
    cede__report_begin(&report, pipe_fds[1]);
}

/* Asserts what has been written since begin(). */
static void expect(const char *text)
{
    char buffer[4096];
    ssize_t count;

    ck_assert_int_eq(cede__report_end(&report), 0);
    close(pipe_fds[1]);
    count = read(pipe_fds[0], buffer, sizeof buffer - 1);
    ck_assert_int_ge(count, 0);
    buffer[count] = '\0';
    close(pipe_fds[0]);
    ck_assert_str_eq(buffer, text);
}

START_TEST(numbers)
{
    begin();
    cede__report_decimal(&report, 0);
    cede__report_text(&report, " ");
    cede__report_decimal(&report, INT64_MAX);
    cede__report_text(&report, " ");
    cede__report_decimal(&report, INT64_MIN);
    cede__report_text(&report, " ");
    cede__report_hex(&report, 0);
    cede__report_text(&report, " ");
    cede__report_hex(&report, 0xdeadbeef);
    expect("0 9223372036854775807 -9223372036854775808 0x0 0xdeadbeef");
}
END_TEST

START_TEST(names_cannot_spoil_the_line)
{
    begin();
    cede__report_quoted(&report, "a\n\x1b[31m\xff z");
    expect("\"a??[31m? z\"");
}
END_TEST

static const struct {
    int64_t ns;
    const char *text;
} durations[] = {
    {-5, "0 us"},
    {999, "0 us"},
    {999999, "999 us"},
    {CEDE_MILLISECOND, "1.0 ms"},
    {850 * CEDE_MILLISECOND, "850 ms"},
    {3299 * CEDE_MILLISECOND, "3.2 s"},
    {59 * CEDE_SECOND, "59 s"},
    {9 * CEDE_MINUTE, "540 s"},
    {10 * CEDE_MINUTE, "10 min"},
    {10 * CEDE_HOUR, "10 h"},
    {INT64_MAX, "2562047 h"},
};

START_TEST(durations_carry_their_unit)
{
    begin();
    cede__report_duration(&report, durations[_i].ns);
    expect(durations[_i].text);
}
END_TEST

START_TEST(long_reports_are_written_in_parts)
{
    char text[3001];

    memset(text, 'x', 3000);
    text[3000] = '\0';
    begin();
    cede__report_text(&report, text);
    expect(text);
}
END_TEST

START_TEST(a_failed_write_is_told_at_the_end)
{
    int i;

    cede__report_begin(&report, -1);
    errno = 0;
    for (i = 0; i < 200; i++)
        cede__report_text(&report, "0123456789");
    ck_assert_int_eq(errno, 0);
    ck_assert_fails(cede__report_end(&report), EBADF);
}
END_TEST

START_TEST(a_full_pipe_is_given_up)
{
    char block[4096] = {0};

    ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    while (write(pipe_fds[1], block, sizeof block) > 0)
        ;
    cede__report_begin(&report, pipe_fds[1]);
    cede__report_text(&report, "text");
    ck_assert_fails(cede__report_end(&report), EAGAIN);
}
END_TEST

Suite *suite(void)
{
    Suite *reports = suite_create("report");
    TCase *cases = tcase_create("report");

    tcase_add_test(cases, numbers);
    tcase_add_test(cases, names_cannot_spoil_the_line);
    tcase_add_loop_test(cases, durations_carry_their_unit, 0, sizeof durations / sizeof *durations);
    tcase_add_test(cases, long_reports_are_written_in_parts);
    tcase_add_test(cases, a_failed_write_is_told_at_the_end);
    tcase_add_test(cases, a_full_pipe_is_given_up);
    suite_add_tcase(reports, cases);
    return reports;
}
