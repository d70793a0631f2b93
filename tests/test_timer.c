/* SPDX-License-Identifier: MIT */
/* The wheel: never early, never lost, never spinning. Time is made up here; nothing sleeps. */
#include "timer.h"

#include "harness.h"
#include "list.h"

#define TICK ((int64_t)1 << CEDE__TIMER_TICK_BITS)

enum { MODEL_TIMERS = 300, MODEL_OPERATIONS = 100000, LEVELS = 1 + CEDE__TIMER_FAR_LEVELS };

struct entry {
    struct cede__timer timer;
    int64_t deadline_ns; /* as armed */
    unsigned fired;
    int64_t now_ns;      /* of the advance that fired it */
    unsigned serial;     /* of arming */
};

static struct cede__timers wheel;
static int64_t advancing_to;   /* of the advance that is going on */
static struct entry *order[MODEL_TIMERS];
static unsigned fired_count;

static void fire(struct cede__timer *timer)
{
    struct entry *entry = CEDE__CONTAINER(timer, struct entry, timer);

    ck_assert(!cede__timer_armed(timer));
    ck_assert_int_ge(advancing_to, entry->deadline_ns);
    entry->fired++;
    entry->now_ns = advancing_to;
    order[fired_count++ % MODEL_TIMERS] = entry;
}

/* One of each tick, of each block of the first far level, and so on. */
static unsigned level_shift(unsigned level)
{
    return level == 0 ? 0 : CEDE__TIMER_NEAR_BITS + (level - 1) * CEDE__TIMER_FAR_BITS;
}

static void start(int64_t now_ns)
{
    wheel = (struct cede__timers){0};
    fired_count = 0;
    cede__timers_start(&wheel, now_ns);
}

static unsigned advance(int64_t now_ns)
{
    advancing_to = now_ns;
    return cede__timers_advance(&wheel, now_ns);
}

static void arm(struct entry *entry, int64_t deadline_ns)
{
    static unsigned serial;

    *entry = (struct entry){.timer.fire = fire, .deadline_ns = deadline_ns, .serial = serial++};
    cede__timer_arm(&wheel, &entry->timer, deadline_ns);
}

/* Turns the wheel as the scheduler does, from one cede__timers_next() to the next, until the timer has fired; the wheel
 * may turn without firing only a few times. */
static void turn_until_fired(struct entry *entry)
{
    unsigned steps;
    int64_t next_ns;

    for (steps = 0; !entry->fired; steps++) {
        next_ns = cede__timers_next(&wheel);
        ck_assert_int_le(next_ns, entry->deadline_ns + TICK);
        ck_assert_uint_lt(steps, 2 * LEVELS);
        advance(next_ns);
    }
    ck_assert_int_ge(entry->now_ns, entry->deadline_ns);
    ck_assert_int_lt(entry->now_ns, entry->deadline_ns + TICK + 1);
}

START_TEST(an_empty_wheel_has_no_next)
{
    start(12345 * TICK);
    ck_assert_int_eq(cede__timers_next(&wheel), INT64_MAX);
    ck_assert_uint_eq(advance(99999 * TICK), 0);
    ck_assert_int_eq(cede__timers_next(&wheel), INT64_MAX);
}
END_TEST

/* Differences at and around the reach of each level, from starts at and around block boundaries of each level. */
START_TEST(every_level_and_boundary_fires_in_its_tick)
{
    unsigned from_level, level;
    int from_off, off;
    struct entry entry;

    for (from_level = 0; from_level < LEVELS; from_level++)
        for (from_off = -1; from_off <= 1; from_off++)
            for (level = 0; level < LEVELS - 1; level++)
                for (off = -2; off <= 2; off++) {
                    int64_t from = (((int64_t)1 << level_shift(from_level)) + from_off) * TICK + 77;
                    int64_t in = (((int64_t)1 << level_shift(level)) + off) * TICK;

                    start(from);
                    arm(&entry, in > 0 ? from + in : from);
                    turn_until_fired(&entry);
                    ck_assert_uint_eq(entry.fired, 1);
                    ck_assert_uint_eq(wheel.count, 0);
                }
}
END_TEST

START_TEST(never_early_to_the_nanosecond)
{
    static const int64_t ins[] = {1, TICK - 1, TICK, TICK + 1, 255 * TICK, 255 * TICK + 1, 256 * TICK - 1, 256 * TICK,
                                  16383 * TICK, 16384 * TICK - 1, 16384 * TICK, 16384 * TICK + 1, 4194304 * TICK,
                                  4194304 * TICK + 1};
    struct entry entry;
    unsigned i;

    for (i = 0; i < sizeof ins / sizeof *ins; i++) {
        start(1000 * TICK + 1);
        arm(&entry, 1000 * TICK + 1 + ins[i]);
        ck_assert_uint_eq(advance(entry.deadline_ns - 1), 0);
        ck_assert_uint_eq(advance(entry.deadline_ns - 1), 0);
        ck_assert(cede__timer_armed(&entry.timer));
        ck_assert_uint_eq(advance(entry.deadline_ns + TICK), 1);
    }
}
END_TEST

START_TEST(what_is_past_fires_at_the_next_tick)
{
    struct entry past, now, zero;

    start(5000 * TICK + 5);
    arm(&past, 100 * TICK);
    arm(&now, 5000 * TICK + 5);
    arm(&zero, 0);
    ck_assert_int_le(cede__timers_next(&wheel), 5001 * TICK);
    ck_assert_uint_eq(advance(5001 * TICK), 3);
}
END_TEST

START_TEST(one_jump_fires_all_in_order_of_ticks)
{
    enum { COUNT = 8 };
    static const int64_t ticks[COUNT] = {300, 2, 65536 + 3, 255, 256, 1, 65535, (int64_t)1 << 30};
    struct entry entries[COUNT];
    unsigned i;

    start(0);
    for (i = 0; i < COUNT; i++)
        arm(&entries[i], ticks[i] * TICK);
    ck_assert_uint_eq(advance(((int64_t)1 << 31) * TICK), COUNT);
    for (i = 1; i < COUNT; i++)
        ck_assert_int_lt(order[i - 1]->deadline_ns, order[i]->deadline_ns);
}
END_TEST

START_TEST(a_disarmed_timer_never_fires)
{
    struct entry a, b, c;

    start(0);
    arm(&a, 10 * TICK);
    arm(&b, 10 * TICK);
    arm(&c, 10 * TICK);
    cede__timer_disarm(&wheel, &b.timer);
    cede__timer_disarm(&wheel, &b.timer);
    ck_assert(!cede__timer_armed(&b.timer));
    ck_assert_uint_eq(wheel.count, 2);
    ck_assert_uint_eq(advance(20 * TICK), 2);
    ck_assert_uint_eq(b.fired, 0);
    cede__timer_disarm(&wheel, &a.timer); /* after it fired */
    ck_assert_uint_eq(wheel.count, 0);
    arm(&b, 30 * TICK);
    ck_assert_uint_eq(advance(30 * TICK), 1);
}
END_TEST

/* Disarming leaves a mark on the slot. Wherever the wheel then stands, no caller who asks for the next time and
 * advances to it may go round without end. */
START_TEST(marks_of_disarmed_timers_do_not_make_it_spin)
{
    unsigned stale, steps;
    struct entry gone, entry;
    int64_t next_ns, now_ns;

    for (stale = 1; stale < 3 * CEDE__TIMER_NEAR_SLOTS; stale += 41) {
        start(0);
        arm(&gone, stale * TICK);
        cede__timer_disarm(&wheel, &gone.timer);
        now_ns = (stale + CEDE__TIMER_NEAR_SLOTS) * TICK; /* the same slot, one round later */
        advance(now_ns);
        arm(&entry, now_ns + 1000 * TICK);
        for (steps = 0; !entry.fired; steps++) {
            ck_assert_uint_lt(steps, 16);
            next_ns = cede__timers_next(&wheel);
            if (next_ns > now_ns)
                now_ns = next_ns;
            advance(now_ns);
        }
    }
}
END_TEST

START_TEST(a_deadline_near_the_end_of_time_is_kept)
{
    struct entry entries[3];
    unsigned i;

    start(cede_now());
    arm(&entries[0], INT64_MAX);
    arm(&entries[1], INT64_MAX - 1);
    arm(&entries[2], INT64_MAX - 3 * TICK);
    for (i = 0; i < 100; i++) {
        int64_t next_ns = cede__timers_next(&wheel);

        if (next_ns == INT64_MAX || entries[2].fired)
            break;
        ck_assert_int_le(next_ns, INT64_MAX - 2 * TICK);
        advance(next_ns);
    }
    ck_assert_uint_lt(i, 100);
    ck_assert_uint_eq(entries[2].fired, 1);
    ck_assert_uint_eq(entries[0].fired + entries[1].fired, 0);
    ck_assert(cede__timer_armed(&entries[0].timer));
    cede__timer_disarm(&wheel, &entries[0].timer);
    cede__timer_disarm(&wheel, &entries[1].timer);
    ck_assert_int_eq(cede__timers_next(&wheel), INT64_MAX);
}
END_TEST

/* ---- what `fire` may do ---- */

static struct entry chain[3];

static void fire_and_arm_again(struct cede__timer *timer)
{
    struct entry *entry = CEDE__CONTAINER(timer, struct entry, timer);

    if (++entry->fired < 5)
        cede__timer_arm(&wheel, timer, entry->deadline_ns += TICK);
}

static void fire_and_disarm_others(struct cede__timer *timer)
{
    unsigned i;

    CEDE__CONTAINER(timer, struct entry, timer)->fired++;
    for (i = 0; i < 3; i++)
        cede__timer_disarm(&wheel, &chain[i].timer);
}

static int seen[32], seen_count;

static void note_order(struct cede__timer *timer)
{
    seen[seen_count++] = (int)(CEDE__CONTAINER(timer, struct entry, timer)->deadline_ns % TICK);
}

START_TEST(equal_deadlines_fire_in_the_order_of_arming)
{
    struct entry entries[8];
    int i;

    /* One tick, near and at two far levels (from where they move down once and twice). */
    const int64_t ticks[] = {5, 20000, 5000000};

    for (unsigned k = 0; k < sizeof ticks / sizeof *ticks; k++) {
        start(0);
        seen_count = 0;
        for (i = 0; i < 8; i++) {
            arm(&entries[i], ticks[k] * TICK - TICK / 2 + i);
            entries[i].timer.fire = note_order;
        }
        for (i = 1; i <= ticks[k]; i++)
            cede__timers_advance(&wheel, i * TICK);
        ck_assert_int_eq(seen_count, 8);
        for (i = 1; i < 8; i++)
            ck_assert_int_eq(seen[i], seen[i - 1] + 1);
    }
}
END_TEST

/* Some are armed while the tick is still far away, some while it is less so, some when it is near. */
START_TEST(equal_deadlines_fire_in_the_order_of_arming_at_whatever_distance)
{
    static const int64_t before[] = {5000000, 4999999, 4194304, 4194303, 300000, 16385, 16384, 16383, 200, 2};
    enum { COUNT = sizeof before / sizeof *before };
    struct entry entries[2 * COUNT];
    const int64_t due = 5000000;
    int i;

    start(0);
    seen_count = 0;
    for (i = 0; i < 2 * COUNT; i++) {
        cede__timers_advance(&wheel, (due - before[i / 2]) * TICK);
        arm(&entries[i], due * TICK - TICK / 2 + i);
        entries[i].timer.fire = note_order;
    }
    ck_assert_uint_eq(cede__timers_advance(&wheel, due * TICK), 2 * COUNT);
    for (i = 1; i < 2 * COUNT; i++)
        ck_assert_int_eq(seen[i], seen[i - 1] + 1);
}
END_TEST

START_TEST(a_wheel_starts_again_where_it_was_left_empty)
{
    struct entry near, far, entry;

    start(0);
    arm(&near, 100 * TICK);
    arm(&far, 100000 * TICK);
    cede__timer_disarm(&wheel, &near.timer);
    cede__timer_disarm(&wheel, &far.timer);
    cede__timers_start(&wheel, 50 * TICK);
    ck_assert_int_eq(cede__timers_next(&wheel), INT64_MAX);
    arm(&entry, 200 * TICK);
    ck_assert_int_eq(cede__timers_next(&wheel), 200 * TICK); /* no mark is left */
    turn_until_fired(&entry);
    ck_assert_uint_eq(near.fired + far.fired, 0);
}
END_TEST

static void disarm_if_even(struct cede__timer *timer, void *visited)
{
    struct entry *entry = CEDE__CONTAINER(timer, struct entry, timer);

    ++*(unsigned *)visited;
    if (entry->deadline_ns / TICK % 2 == 0)
        cede__timer_disarm(&wheel, timer);
}

START_TEST(each_visits_all_and_may_disarm_them)
{
    static const int64_t ticks[] = {1, 1, 2, 2, 16383, 16384, 16384, 4194304, 4194305, (int64_t)1 << 40};
    enum { COUNT = sizeof ticks / sizeof *ticks };
    struct entry entries[COUNT];
    unsigned visited = 0, i;

    start(0);
    for (i = 0; i < COUNT; i++)
        arm(&entries[i], ticks[i] * TICK);
    cede__timers_each(&wheel, disarm_if_even, &visited);
    ck_assert_uint_eq(visited, COUNT);
    for (i = 0; i < COUNT; i++)
        ck_assert_int_eq(cede__timer_armed(&entries[i].timer), ticks[i] % 2);
    ck_assert_uint_eq(wheel.count, 4);
}
END_TEST

START_TEST(fire_may_arm_itself_again)
{
    struct entry entry;

    start(0);
    arm(&entry, 254 * TICK);
    entry.timer.fire = fire_and_arm_again;
    ck_assert_uint_eq(advance(256 * TICK), 3);
    ck_assert_uint_eq(advance(300 * TICK), 2);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(fire_may_disarm_those_of_the_same_tick)
{
    unsigned i;

    start(0);
    for (i = 0; i < 3; i++) {
        arm(&chain[i], 300 * TICK);
        chain[i].timer.fire = fire_and_disarm_others;
    }
    ck_assert_uint_eq(advance(400 * TICK), 1);
    ck_assert_uint_eq(chain[0].fired + chain[1].fired + chain[2].fired, 1);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

/* ---- against a model ---- */

/* A distance that reaches every level, small ones more often. */
static int64_t random_distance(unsigned *seed)
{
    uint64_t wide = (uint64_t)harness_random(seed) << 32 | harness_random(seed);

    return (int64_t)(wide >> (20 + harness_random(seed) % 44));
}

/* Every armed timer that is a tick over its deadline has fired, none before it. */
static void check_model(const struct entry *entries, int64_t now_ns)
{
    int64_t first_ns = INT64_MAX;
    uint64_t armed = 0;
    unsigned i;

    for (i = 0; i < MODEL_TIMERS; i++)
        if (cede__timer_armed(&entries[i].timer)) {
            ck_assert_uint_eq(entries[i].fired, 0);
            ck_assert_int_gt(entries[i].deadline_ns, now_ns - 2 * TICK);
            armed++;
            if (entries[i].deadline_ns < first_ns)
                first_ns = entries[i].deadline_ns;
        }
    ck_assert_uint_eq(wheel.count, armed);
    if (armed) /* what is past is due at the next tick */
        ck_assert_int_le(cede__timers_next(&wheel), (first_ns > now_ns ? first_ns : now_ns) + TICK);
    else
        ck_assert_int_eq(cede__timers_next(&wheel), INT64_MAX);
}

START_TEST(behaves_as_a_sorted_array_does)
{
    static struct entry entries[MODEL_TIMERS];
    unsigned seed = 4711u + 1000003u * (unsigned)_i, operation, i;
    int64_t now_ns = random_distance(&seed), next_ns;

    start(now_ns);
    for (operation = 0; operation < MODEL_OPERATIONS; operation++) {
        struct entry *entry = &entries[harness_random(&seed) % MODEL_TIMERS];

        switch (harness_random(&seed) % 8) {
        case 0: case 1: case 2: case 3:
            if (!cede__timer_armed(&entry->timer) && now_ns < INT64_MAX / 4)
                arm(entry, now_ns + random_distance(&seed) / 4);
            break;
        case 4: case 5:
            cede__timer_disarm(&wheel, &entry->timer);
            break;
        case 6:
            next_ns = cede__timers_next(&wheel);
            if (next_ns > now_ns && next_ns < INT64_MAX / 4)
                now_ns = next_ns;
            break;
        default:
            if (now_ns < INT64_MAX / 4)
                now_ns += random_distance(&seed) >> 8;
        }
        fired_count = 0;
        advance(now_ns);
        for (i = 1; i < fired_count; i++) {
            const struct entry *before = order[i - 1], *after = order[i];

            ck_assert(before->timer.tick < after->timer.tick
                      || (before->timer.tick == after->timer.tick && before->serial < after->serial));
        }
        if (operation % 16 == 0)
            check_model(entries, now_ns);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *timer = suite_create("timer");
    TCase *cases = tcase_create("timer");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, an_empty_wheel_has_no_next);
    tcase_add_test(cases, every_level_and_boundary_fires_in_its_tick);
    tcase_add_test(cases, never_early_to_the_nanosecond);
    tcase_add_test(cases, what_is_past_fires_at_the_next_tick);
    tcase_add_test(cases, one_jump_fires_all_in_order_of_ticks);
    tcase_add_test(cases, a_disarmed_timer_never_fires);
    tcase_add_test(cases, marks_of_disarmed_timers_do_not_make_it_spin);
    tcase_add_test(cases, a_deadline_near_the_end_of_time_is_kept);
    tcase_add_test(cases, equal_deadlines_fire_in_the_order_of_arming);
    tcase_add_test(cases, equal_deadlines_fire_in_the_order_of_arming_at_whatever_distance);
    tcase_add_test(cases, a_wheel_starts_again_where_it_was_left_empty);
    tcase_add_test(cases, each_visits_all_and_may_disarm_them);
    tcase_add_test(cases, fire_may_arm_itself_again);
    tcase_add_test(cases, fire_may_disarm_those_of_the_same_tick);
    tcase_add_loop_test(cases, behaves_as_a_sorted_array_does, 0, 6);
    suite_add_tcase(timer, cases);
    return timer;
}
