/* SPDX-License-Identifier: MIT */
/* Rounds, turns, processes, options; see harness.h. */
#include "harness.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "results.h"

enum {
    TEXT_BYTES = 64,       /* a unit, an aspect */
    QUESTION_BYTES = 512,
    LIMIT_SECONDS = 300, /* for one measurement or turn: longer than any, so that one that hangs is noticed */
    /* A quick run, unless told how many rounds, does no third one of a case that has taken longer, and no second. */
    NO_THIRD_AFTER_SECONDS = 1,
    NO_SECOND_AFTER_SECONDS = 3,
};

/* A subject that measures. */
struct measurement {
    const struct bench_subject *subject;
    pid_t process;
    FILE *reports; /* both ways: a byte goes there for each turn; reports come, and a line that ends the turn */
    bool ended;    /* before its last turn: it failed, which finish() tells */
};

static struct {
    enum bench_size size;
    int rounds, cpu, other_cpu, n; /* n: of the cases that are asked; 0: any */
    bool all_rounds; /* however long they take */
    const char *only, *subject, *json;
} options = {.size = BENCH_NORMAL, .cpu = -1, .other_cpu = -1};

static struct bench_subject *subjects; /* cede first, then by name */
static int round_now, turn_now;
static int turns = 1; /* of each subject in a round */
static const int turns_of_size[] = {[BENCH_TINY] = 2, [BENCH_QUICK] = 5, [BENCH_NORMAL] = RESULTS_TURNS,
                                    [BENCH_FULL] = RESULTS_TURNS};
static bool takes_turns;
static bool failed;
static int report_fd = -1;                 /* in a measurement: a socket */
static const struct bench_subject *measured; /* in a measurement */

void bench_subject_add(struct bench_subject *subject)
{
    struct bench_subject **link = &subjects;

    if (strcmp(subject->name, "cede") != 0)
        while (*link && (strcmp((*link)->name, "cede") == 0 || strcmp((*link)->name, subject->name) < 0))
            link = &(*link)->next;
    subject->next = *link;
    *link = subject;
}

/* ---- for measurements ---- */

void bench_fail(const char *what)
{
    perror(what);
    exit(1);
}

int64_t bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t bench_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

enum bench_size bench_size(void)
{
    return options.size;
}

long bench_count(long normal)
{
    static const int divisor[] = {[BENCH_TINY] = 2000, [BENCH_QUICK] = 4, [BENCH_NORMAL] = 1, [BENCH_FULL] = 1};
    long count = normal / divisor[options.size];

    return count > 0 ? count : 1;
}

int bench_cpu(void)
{
    return options.cpu;
}

int bench_other_cpu(void)
{
    return options.other_cpu;
}

void bench_pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        bench_fail("sched_setaffinity");
}

void bench_report(const char *aspect, const char *unit, double value)
{
    if (dprintf(report_fd, "%s\t%s\t%.9g\n", aspect ? aspect : "", unit, value) < 0)
        bench_fail("bench_report");
}

bool bench_turn(void)
{
    char go;

    if (send(report_fd, ".\n", 2, MSG_NOSIGNAL) != 2)
        bench_fail("bench_turn");
    alarm(0); /* others' turns take time as well */
    if (recv(report_fd, &go, 1, 0) != 1)
        return false;
    alarm(LIMIT_SECONDS);
    return true;
}

void bench_take_turns(void)
{
    takes_turns = true;
}

const char *bench_program(void)
{
    return measured->program;
}

/* ---- subjects that are programs ---- */

/* The default: the program measures, and prints where bench_report() would write. */
static void measure_by_program(const struct bench_case *which)
{
    char n[32], size[32];

    snprintf(n, sizeof n, "%ld", which->n);
    snprintf(size, sizeof size, "%d", (int)options.size);
    if (dup2(report_fd, STDOUT_FILENO) < 0)
        bench_fail("dup2");
    execl(measured->program, measured->program, BENCH_FAMILY, which->question, n, size, (char *)NULL);
    bench_fail(measured->program);
}

static void (*program_measure)(const struct bench_case *which) = measure_by_program;

void bench_programs_measure(void (*measure)(const struct bench_case *which))
{
    program_measure = measure;
}

/* BENCH_PROGRAMS is {"go", "/where/bench_go"}, ... as CMake found them. */
static void add_programs(void)
{
    static const struct {
        const char *name, *file;
    } programs[] = {BENCH_PROGRAMS{NULL, NULL}};
    static struct bench_subject added[sizeof programs / sizeof *programs];
    size_t at;

    for (at = 0; programs[at].name; at++) {
        added[at] = (struct bench_subject){.name = programs[at].name, .measure = program_measure, .max_n = LONG_MAX,
                                           .program = programs[at].file};
        bench_subject_add(&added[at]);
    }
}

/* ---- rounds ---- */

static void take_report(const struct bench_case *which, const struct bench_subject *subject, char *line)
{
    char question[QUESTION_BYTES], *unit = strchr(line, '\t'), *value = strrchr(line, '\t');

    if (!unit || unit == value) {
        fprintf(stderr, "bench: %s of %s: not a report: %s", which->question, subject->name, line);
        failed = true;
        return;
    }
    *unit++ = *value++ = '\0';
    snprintf(question, sizeof question, "%s%s%s", which->question, *line ? ", " : "", line);
    results_add(question, subject->name, which->n, unit, round_now, turn_now, strtod(value, NULL));
}

static void start(struct measurement *measurement, const struct bench_case *which, const struct bench_subject *subject)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        bench_fail("socketpair");
    fflush(NULL);
    *measurement = (struct measurement){subject, fork(), fdopen(ends[0], "r+"), false};
    if (measurement->process < 0 || !measurement->reports)
        bench_fail("fork");
    if (measurement->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        report_fd = ends[1];
        measured = subject;
        alarm(LIMIT_SECONDS);
        bench_pin(options.cpu);
        subject->measure(which);
        exit(0);
    }
    close(ends[1]);
}

/* Takes reports until the turn ends. Returns false when the measurement has ended instead. */
static bool take_reports(const struct bench_case *which, struct measurement *measurement)
{
    char line[4 * TEXT_BYTES];

    while (fgets(line, sizeof line, measurement->reports)) {
        if (strcmp(line, ".\n") == 0)
            return true;
        take_report(which, measurement->subject, line);
    }
    return false;
}

/* Lets the measurement end, takes what it still reports, and waits for it. */
static void finish(const struct bench_case *which, struct measurement *measurement)
{
    int status;

    shutdown(fileno(measurement->reports), SHUT_WR);
    take_reports(which, measurement);
    fclose(measurement->reports);
    if (waitpid(measurement->process, &status, 0) != measurement->process || status != 0) {
        fprintf(stderr, "bench: %s, n = %ld: %s failed (%s %d)\n", which->question, which->n,
                measurement->subject->name, WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        failed = true;
    }
}

/* Whether a subject is asked for: any, or one of the texts between commas is "=" and its name, or in its name. */
static bool wanted(const struct bench_subject *subject)
{
    const char *text = options.subject, *end;
    size_t length;

    for (; text; text = *end ? end + 1 : NULL) {
        length = strcspn(text, ",");
        end = text + length;
        if (*text == '=' ? strlen(subject->name) == length - 1 && memcmp(subject->name, text + 1, length - 1) == 0
                         : memmem(subject->name, strlen(subject->name), text, length) != NULL)
            return true;
    }
    return !options.subject;
}

static bool is_asked(const struct bench_subject *subject, const struct bench_case *which)
{
    return which->n <= subject->max_n && wanted(subject);
}

/* One after the other; one whose process has ended has no more turns. */
static void give_turns(const struct bench_case *which, struct measurement *measurements, int count)
{
    int i, at;

    for (turn_now = 0; turn_now < turns; turn_now++)
        for (i = 0; i < count; i++) {
            at = turn_now % 2 ? count - 1 - i : i; /* back and forth: nobody comes always behind the same other */
            measurements[at].ended = measurements[at].ended
                || send(fileno(measurements[at].reports), "t", 1, MSG_NOSIGNAL) != 1
                || !take_reports(which, &measurements[at]);
        }
    turn_now = 0;
}

static void measure_in_turns(const struct bench_case *which)
{
    const struct bench_subject *subject;
    struct measurement *measurements;
    int count = 0, at;

    for (subject = subjects; subject; subject = subject->next)
        count += is_asked(subject, which);
    measurements = calloc((size_t)count + 1, sizeof *measurements);
    if (!measurements)
        bench_fail("calloc");
    for (subject = subjects, at = 0; subject; subject = subject->next)
        if (is_asked(subject, which)) {
            start(&measurements[at], which, subject);
            measurements[at].ended = !take_reports(which, &measurements[at]); /* at once: it is ready now */
            at++;
        }
    give_turns(which, measurements, count);
    for (at = 0; at < count; at++)
        finish(which, &measurements[at]);
    free(measurements);
}

static void measure_once(const struct bench_case *which)
{
    const struct bench_subject *subject;
    struct measurement measurement;

    for (subject = subjects; subject; subject = subject->next)
        if (is_asked(subject, which)) {
            start(&measurement, which, subject);
            finish(which, &measurement);
        }
}

static void run_case(const struct bench_case *which)
{
    int64_t start_ns = bench_now(), limit_ns;

    for (round_now = 0; round_now < options.rounds; round_now++) {
        limit_ns = (round_now == 1 ? NO_SECOND_AFTER_SECONDS : NO_THIRD_AFTER_SECONDS) * 1000000000LL;
        if (options.size == BENCH_QUICK && !options.all_rounds && round_now > 0 && bench_now() - start_ns > limit_ns)
            break;
        if (takes_turns)
            measure_in_turns(which);
        else
            measure_once(which);
    }
}

static bool asks(const struct bench_case *which)
{
    if ((options.n && which->n != options.n) || (options.only && !strstr(which->question, options.only)))
        return false;
    return which->from == BENCH_TINY_ONLY ? options.size == BENCH_TINY : which->from <= options.size;
}

/* ---- the machine ---- */

/* The rest of the first line of a stream that begins with key. */
static bool find_line(FILE *in, const char *key, char *text, size_t bytes)
{
    char line[512];

    while (fgets(line, sizeof line, in))
        if (strncmp(line, key, strlen(key)) == 0) {
            snprintf(text, bytes, "%.*s", (int)strcspn(line + strlen(key), "\n"), line + strlen(key));
            return true;
        }
    return false;
}

static void print_machine(void)
{
    char cpu[256] = "", commit[256] = "unknown";
    struct utsname system;
    FILE *in;

    uname(&system);
    if ((in = fopen("/proc/cpuinfo", "r"))) {
        find_line(in, "model name\t: ", cpu, sizeof cpu);
        fclose(in);
    }
    if ((in = popen("git -C '" BENCH_SOURCE "' describe --always --dirty 2>/dev/null", "r"))) {
        find_line(in, "", commit, sizeof commit);
        pclose(in);
    }
    printf("cpu       %s (%s), %ld online, on number %d\n", cpu[0] ? cpu : "unknown", system.machine,
           sysconf(_SC_NPROCESSORS_ONLN), options.cpu);
    printf("kernel    %s %s\n", system.sysname, system.release);
#ifdef __clang__
    printf("compiler  %s, %s\n", __VERSION__, BENCH_FLAGS);
#else
    printf("compiler  gcc %s, %s\n", __VERSION__, BENCH_FLAGS);
#endif
    printf("commit    %s\nrounds    %d\n", commit, options.rounds);
}

/* ---- options ---- */

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--tiny | --quick | --full] [--rounds N] [--only TEXT] [--n N]\n"
            "       [--subject TEXT,...] [--cpu N] [--json FILE]\n"
            "  --tiny         does it still work? figures mean nothing\n"
            "  --quick        fewer and shorter rounds\n"
            "  --full         also what takes long\n"
            "  --rounds N     measurements of each figure (quick 3, else 7)\n"
            "  --only TEXT    questions that contain TEXT\n"
            "  --n N          questions about so many tasks, contexts or connections\n"
            "  --subject TEXT subjects whose names contain TEXT, or one of several: raw,cede-io; =cede: only that one\n"
            "  --cpu N        the CPU to run on, -1: any (default: the last one allowed)\n"
            "  --json FILE    writes the results there as well\n", program);
    return 2;
}

static bool parse_number(const char *text, long lowest, int *number)
{
    char *end;
    long value = text ? strtol(text, &end, 10) : 0;

    if (!text || *end || end == text || value < lowest || value > INT_MAX)
        return false;
    *number = (int)value;
    return true;
}

static bool parse(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--tiny") == 0)
            options.size = BENCH_TINY;
        else if (strcmp(argv[i], "--quick") == 0)
            options.size = BENCH_QUICK;
        else if (strcmp(argv[i], "--full") == 0)
            options.size = BENCH_FULL;
        else if (strcmp(argv[i], "--rounds") == 0 && parse_number(value, 1, &options.rounds))
            i++, options.all_rounds = true;
        else if (strcmp(argv[i], "--n") == 0 && parse_number(value, 1, &options.n))
            i++;
        else if (strcmp(argv[i], "--cpu") == 0 && parse_number(value, -1, &options.cpu))
            i++;
        else if (strcmp(argv[i], "--only") == 0 && (options.only = value))
            i++;
        else if (strcmp(argv[i], "--subject") == 0 && (options.subject = value))
            i++;
        else if (strcmp(argv[i], "--json") == 0 && (options.json = value))
            i++;
        else
            return false;
    }
    if (!options.rounds)
        options.rounds = options.size == BENCH_TINY ? 1 : options.size == BENCH_QUICK ? 3 : 7;
    return true;
}

/* The last two CPUs that we may use: the first one has most of the interrupts. */
static void choose_cpus(void)
{
    cpu_set_t set;
    int cpu;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        options.other_cpu = options.cpu;
        options.cpu = cpu;
    }
    if (options.other_cpu < 0)
        options.other_cpu = options.cpu;
}

int bench_main(int argc, char **argv, const struct bench_case *cases, size_t count)
{
    int last;
    size_t at;

    choose_cpus();
    last = options.cpu;
    if (!parse(argc, argv))
        return usage(argv[0]);
    if (takes_turns)
        turns = turns_of_size[options.size];
    if (options.cpu == options.other_cpu)
        options.other_cpu = last;
    print_machine();
    add_programs();
    results_begin(options.rounds, turns);
    for (at = 0; at < count; at++)
        if (asks(&cases[at]))
            run_case(&cases[at]);
    results_print();
    if (options.json)
        results_write_json(options.json);
    if (failed || results_are_there())
        return failed ? 1 : 0;
    fprintf(stderr, "%s: nothing was measured: no such question or subject\n", argv[0]);
    return 3;
}
