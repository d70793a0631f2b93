/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "arch_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory, processes ---- */

char *arch_stack_new(void)
{
    const size_t guard = (size_t)64 * 1024;
    char *map = mmap(NULL, ARCH_STACK_BYTES + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + guard, ARCH_STACK_BYTES, PROT_READ | PROT_WRITE), 0);
    return map + guard + ARCH_STACK_BYTES;
}

int arch_run_in_child(void (*body)(void *), void *arg)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        body(arg);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- findings ---- */

struct arch_findings *arch_findings_new(void)
{
    void *map = mmap(NULL, sizeof(struct arch_findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(map, MAP_FAILED);
    return map;
}

void arch_note(struct arch_findings *findings, int i, const char *where, uint64_t want, uint64_t got)
{
    char name[16], *known;
    size_t length;

    snprintf(name, sizeof name, " %s", arch_registers[i].name);
    if (!findings->first[0])
        snprintf(findings->first, sizeof findings->first, "%s is %#llx instead of %#llx %s", name + 1,
                 (unsigned long long)got, (unsigned long long)want, where);
    known = strstr(findings->names, name);
    length = strlen(name);
    if (!known || (known[length] != ' ' && known[length] != '\0'))
        strcat(findings->names, name);
}

void arch_compare(struct arch_findings *findings, const char *where, const uint64_t *want, const uint64_t *got)
{
    for (int i = 0; arch_registers[i].name[0]; i++) {
        uint64_t known = arch_registers[i].vary | arch_registers[i].fixed;

        if ((want[i] ^ got[i]) & known)
            arch_note(findings, i, where, want[i], got[i] & known);
    }
}

void arch_assert_nothing_found(const struct arch_findings *findings)
{
    ck_assert_msg(!findings->names[0], "registers changed:%s (%s)", findings->names, findings->first);
}

/* ---- seeds ---- */

void arch_seed(uint64_t *values, unsigned round, enum arch_side side)
{
    uint64_t state = round;

    for (unsigned i = 0; arch_registers[i].name[0]; i++) {
        const struct arch_register *r = &arch_registers[i];
        bool same = r->is_control && (round + i) % 3 == 0;
        uint64_t bits;

        state += 0x9e3779b97f4a7c15u;
        bits = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
        bits ^= bits >> 31;
        values[i] = ((side == FAR_SIDE && !same ? ~bits : bits) & r->vary) | r->fixed;
    }
}

void arch_switch_inline(void **save, void *to)
{
    cede__switch_inline(save, to);
}

void arch_seeded_switch(const uint64_t *in, uint64_t *out, void **save, void *to, uint64_t garbage)
{
    static uint32_t turn;
    bool is_inline = ++turn * 0x9e3779b9u >> 31;

    arch_seeded_call(in, out, (void (*)(void))(is_inline ? arch_switch_inline : cede__switch),
                     (void *[4]){save, to, ADDRESS(garbage), ADDRESS(garbage)});
}

void arch_seeded_start(const uint64_t *in, uint64_t *out, void **save, void *top, void *(*entry)(void *), void *arg)
{
    arch_seeded_call(in, out, (void (*)(void))cede__start, (void *[4]){save, top, ADDRESS(entry), arg});
}

void arch_seeded_inspect(const uint64_t *in, uint64_t *out, void *on, void (*fn)(void *), void *arg)
{
    arch_seeded_call(in, out, (void (*)(void))cede__inspect, (void *[4]){on, ADDRESS(fn), arg});
}

void *arch_far_side(void *arg)
{
    struct arch_far *far = arg;

    for (;;)
        arch_seeded_switch(far->in, far->out, &far->context, far->main, far->garbage);
}

/* ---- the suite ---- */

Suite *arch_suite(const char *name, const TTest *const *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases;

    setenv("CK_DEFAULT_TIMEOUT", "30", 0); /* seconds per test; libcheck's 4 are short for an emulator */
    cases = tcase_create(CEDE__FRAME_CPU);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, *tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
