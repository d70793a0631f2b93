/* SPDX-License-Identifier: MIT */
/*
 * Calls that libc makes inside itself, where its entries are patched: stdio on sockets and pipes, popen, and several
 * tasks at one stream.
 */
#include <cede/posix.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix_ticks.h"

static int pair[2];
static FILE *stream;

static void open_pair(const char *mode, int end)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    stream = fdopen(pair[end], mode);
    ck_assert_ptr_nonnull(stream);
}

static int late_line(void *unused)
{
    (void)unused;
    usleep(DELAY_US);
    return write(pair[1], "a line\n", 7) == 7 ? 0 : -1;
}

/* ---- what was patched ---- */

START_TEST(every_entry_is_patched)
{
    const char *name, *why;
    size_t i;

    ck_assert_msg(!cede_posix_symbols_only(), "symbols only: %s", cede_posix_symbols_only());
    for (i = 0; (name = cede_posix_name(i)); i++) {
        why = cede_posix_unpatched(i);
        ck_assert_msg(!why || strstr(why, "no such function") || strstr(why, "must not park"), "%s: %s", name, why);
    }
    ck_assert_ptr_nonnull(cede_posix_unpatched(i));
}
END_TEST

/* ---- one task at a stream ---- */

TASK_TEST(fgets_on_a_socket_yields)
{
    struct cede_task *ticker, *writer;
    char line[32];

    open_pair("r", 0);
    ticker = start_ticks();
    writer = cede_spawn(late_line, NULL);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stream));
    ck_assert_str_eq(line, "a line\n");
    assert_ticked(ticker, "fgets");
    ck_assert_int_eq(cede_await(writer), 0);
    fclose(stream);
}

TASK_TEST(getc_and_fread_on_a_socket_yield)
{
    struct cede_task *ticker, *writer;
    char rest[6];

    open_pair("r", 0);
    ticker = start_ticks();
    writer = cede_spawn(late_line, NULL);
    ck_assert_int_eq(getc(stream), 'a');
    assert_ticked(ticker, "getc");
    ck_assert_int_eq(cede_await(writer), 0);
    ck_assert_uint_eq(fread(rest, 1, sizeof rest, stream), sizeof rest);
    ck_assert_mem_eq(rest, " line\n", sizeof rest);
    fclose(stream);
}

static int drain_late(void *unused)
{
    static char sink[1 << 16];
    ssize_t n;
    int total = 0;

    (void)unused;
    usleep(DELAY_US);
    while ((n = read(pair[0], sink, sizeof sink)) > 0)
        total += (int)n;
    return total;
}

TASK_TEST(fwrite_to_a_full_socket_yields)
{
    enum { SIZE = 1 << 20 };
    static char data[SIZE];
    struct cede_task *ticker, *reader;

    open_pair("w", 1);
    ticker = start_ticks();
    reader = cede_spawn(drain_late, NULL);
    ck_assert_uint_eq(fwrite(data, 1, SIZE, stream), SIZE);
    ck_assert_int_eq(fclose(stream), 0);
    assert_ticked(ticker, "fwrite");
    ck_assert_int_eq(cede_await(reader), SIZE);
}

TASK_TEST(popen_yields)
{
    struct cede_task *ticker;
    char line[32];

    stream = popen("sleep 0.05; echo done; exec >&-; sleep 0.05; exit 7", "r");
    ck_assert_ptr_nonnull(stream);
    ticker = start_ticks();
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stream));
    ck_assert_str_eq(line, "done\n");
    assert_ticked(ticker, "fgets of popen");
    ck_assert_int_eq(pclose(stream), 7 << 8);
}

/* ---- the early end ---- */

TASK_TEST(a_deadline_ends_fgets)
{
    char line[32];

    open_pair("r", 0);
    cede_timeout (CEDE_MILLISECOND) {
        errno = 0;
        ck_assert_ptr_null(fgets(line, sizeof line, stream));
        ck_assert_int_eq(errno, ETIMEDOUT);
    }
    ck_assert(ferror(stream));
    clearerr(stream);
    ck_assert_int_eq(write(pair[1], "b\n", 2), 2);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stream));
    ck_assert_str_eq(line, "b\n");
    fclose(stream);
}

static int get_a_line(void *unused)
{
    char line[32];

    (void)unused;
    return fgets(line, sizeof line, stream) ? 0 : -1;
}

TASK_TEST(cancellation_ends_fgets)
{
    struct cede_task *reader;

    open_pair("r", 0);
    reader = cede_spawn(get_a_line, NULL);
    usleep(TICK_US);
    ck_assert_int_eq(cede_cancel(reader), 0);
    ck_assert_fails(cede_await(reader), ECANCELED);
    fclose(stream);
}

/* ---- several tasks at one stream ---- */

enum { TASKS = 8, LINES = 200, LONGEST = 300 };

struct say {
    int who;
    unsigned seed;
};

static int say(struct say *arg)
{
    char filling[LONGEST + 1];
    int i, length;

    for (i = 0; i < LINES; i++) {
        length = (int)(harness_random(&arg->seed) % LONGEST);
        memset(filling, 'a' + arg->who, (size_t)length);
        filling[length] = '\0';
        if (fprintf(stream, "%d %d %s\n", arg->who, length, filling) < 0)
            return -1;
        if (harness_random(&arg->seed) % 8 == 0 && fflush(stream) != 0)
            return -1;
    }
    return 0;
}

/* Whether the line is as one of the tasks wrote it. */
static bool whole(const char *line)
{
    int who, length, begin;

    if (sscanf(line, "%d %d%n", &who, &length, &begin) != 2)
        return false;
    begin++; /* the space */
    return strspn(line + begin, (char[]){(char)('a' + who), '\0'}) == (size_t)length
           && strcmp(line + begin + length, "\n") == 0;
}

/* How many lines came, or -1 if one was torn. (Nothing is asserted here: libcheck takes a lock to do so.) */
static int read_lines(void *unused)
{
    FILE *other = fdopen(pair[0], "r");
    char line[LONGEST + 64];
    int count;

    (void)unused;
    for (count = 0; fgets(line, sizeof line, other) && whole(line); count++)
        if (count % 16 == 0)
            cede_yield();
    if (!feof(other))
        count = -1;
    fclose(other);
    return count;
}

/* The pipe is full most of the time, so that writers park with the stream's lock. */
static void assert_lines_stay_whole(void)
{
    struct cede_task *writers[TASKS], *reader;
    int i;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_gt(fcntl(pair[1], F_SETPIPE_SZ, 4096), 0);
    stream = fdopen(pair[1], "w");
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_nonnull(writers[i] = cede_go(say, .who = i, .seed = (unsigned)i + 1));
    reader = cede_spawn(read_lines, NULL);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_await(writers[i]), 0);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_int_eq(cede_await(reader), TASKS * LINES);
}

TASK_TEST(writers_of_one_stream_take_turns)
{
    assert_lines_stay_whole();
}

static void *idle_thread(void *unused)
{
    return unused;
}

/* libc's locks take other ways as soon as a process has had a second thread. */
TASK_TEST(writers_of_one_stream_take_turns_in_a_process_with_threads)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, idle_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    assert_lines_stay_whole();
}

static char collected[TASKS * LINES][8];
static int collected_count;

static int collect(void *unused)
{
    char line[8];

    (void)unused;
    while (fgets(line, sizeof line, stream)) {
        line[strcspn(line, "\n")] = '\0';
        strcpy(collected[collected_count++], line);
    }
    return 0;
}

TASK_TEST(readers_of_one_stream_take_turns)
{
    struct cede_task *readers[TASKS];
    bool seen[TASKS * LINES] = {false};
    char line[16];
    int i;

    open_pair("r", 0);
    collected_count = 0;
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_nonnull(readers[i] = cede_spawn(collect, NULL));
    for (i = 0; i < TASKS * LINES; i++) {
        snprintf(line, sizeof line, "%d\n", i);
        ck_assert_int_eq(write(pair[1], line, strlen(line)), (int)strlen(line));
        if (i % 3 == 0)
            cede_yield();
    }
    close(pair[1]);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_await(readers[i]), 0);
    ck_assert_int_eq(collected_count, TASKS * LINES);
    for (i = 0; i < TASKS * LINES; i++)
        seen[atoi(collected[i])] = true;
    for (i = 0; i < TASKS * LINES; i++)
        ck_assert_msg(seen[i], "line %d is lost", i);
    fclose(stream);
}

/* Bytes, not lines: none is lost, none comes twice. */
static int sums[256];

static int count_bytes(void *unused)
{
    int character;

    (void)unused;
    while ((character = getc(stream)) != EOF)
        sums[character]++;
    return 0;
}

TASK_TEST(getc_of_many_tasks_loses_nothing)
{
    struct cede_task *readers[TASKS];
    unsigned char bytes[64];
    int i, round;

    open_pair("r", 0);
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_nonnull(readers[i] = cede_spawn(count_bytes, NULL));
    for (round = 0; round < 40; round++) {
        for (i = 0; i < 64; i++)
            bytes[i] = (unsigned char)(round % 4 * 64 + i);
        ck_assert_int_eq(write(pair[1], bytes, sizeof bytes), sizeof bytes);
        cede_yield();
    }
    close(pair[1]);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_await(readers[i]), 0);
    for (i = 0; i < 256; i++)
        ck_assert_int_eq(sums[i], 10);
    fclose(stream);
}

static void *write_in_thread(void *arg)
{
    return say(arg) == 0 ? arg : NULL;
}

/* A plain thread waits for the stream as ever, while a task is in it; and the other way round. */
TASK_TEST(threads_and_tasks_share_a_stream)
{
    struct say by_thread[2] = {{.who = 10, .seed = 7}, {.who = 11, .seed = 8}};
    struct cede_task *writers[2], *reader;
    pthread_t threads[2];
    void *result;
    int i;

    ck_assert_int_eq(pipe(pair), 0);
    stream = fdopen(pair[1], "w");
    reader = cede_spawn(read_lines, NULL);
    for (i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_thread, &by_thread[i]), 0);
    for (i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(writers[i] = cede_go(say, .who = i, .seed = (unsigned)i + 1));
    for (i = 0; i < 2; i++)
        ck_assert_int_eq(cede_await(writers[i]), 0);
    for (i = 0; i < 2; i++) {
        while (pthread_tryjoin_np(threads[i], &result) != 0)
            usleep(TICK_US);
        ck_assert_ptr_eq(result, &by_thread[i]);
    }
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_int_eq(cede_await(reader), 4 * LINES);
}

Suite *suite(void)
{
    Suite *inside = suite_create("posix_stdio");
    TCase *cases = tcase_create("stdio");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_entry_is_patched);
    tcase_add_test(cases, fgets_on_a_socket_yields);
    tcase_add_test(cases, getc_and_fread_on_a_socket_yield);
    tcase_add_test(cases, fwrite_to_a_full_socket_yields);
    tcase_add_test(cases, popen_yields);
    tcase_add_test(cases, a_deadline_ends_fgets);
    tcase_add_test(cases, cancellation_ends_fgets);
    tcase_add_test(cases, writers_of_one_stream_take_turns);
    tcase_add_test(cases, writers_of_one_stream_take_turns_in_a_process_with_threads);
    tcase_add_test(cases, readers_of_one_stream_take_turns);
    tcase_add_test(cases, getc_of_many_tasks_loses_nothing);
    tcase_add_test(cases, threads_and_tasks_share_a_stream);
    suite_add_tcase(inside, cases);
    return inside;
}
