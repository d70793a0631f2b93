/* SPDX-License-Identifier: MIT */
/* Functions for test_posix_patch.c: int f(int x). */

#define WORD(w) (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff
#define ADD_RET WORD(0x11000400), WORD(0xd65f03c0) /* add w0, w0, #1; ret */

/* Beginnings as in glibc, each of a function that answers x + 1. */
static const struct good {
    const char *what;
    unsigned char code[48];
} good[] = {
    {"landing pad", {WORD(0xd503245f), WORD(0xaa0003e1), ADD_RET}},
    {"stp, ldp", {WORD(0xa9bf7bfd), WORD(0xa8c17bfd), ADD_RET}},
    {"cmp", {WORD(0x71000c1f), ADD_RET}},
    {"nop", {WORD(0xd503201f), ADD_RET}},
    {"mov", {WORD(0xd2800003), ADD_RET}},
    {"b", {WORD(0x14000002), WORD(0), ADD_RET}},
    {"cbz, not taken", {WORD(0x34000060), ADD_RET, WORD(0)}},
    {"cbnz, taken", {WORD(0x35000040), WORD(0), ADD_RET}},
    {"b.eq or b.ne", {WORD(0x54000021), ADD_RET}},
    {"tbz, taken: bit 1 of 41 is clear", {WORD(0x36080040), WORD(0), ADD_RET}},
    {"tbnz, taken: bit 0 of 41 is set", {WORD(0x37000040), WORD(0), ADD_RET}},
};

static const struct bad {
    const char *what, *why;
    size_t size;
    unsigned char code[32];
} bad[] = {
    {"nothing", "short", 0, {0}},
    {"a landing pad alone", "short", 4, {WORD(0xd503245f)}},
    {"adrp", "not understood", 16, {WORD(0x90000003), ADD_RET}},
    {"ldr literal", "not understood", 16, {WORD(0x58000043), ADD_RET}},
    {"bl", "not understood", 16, {WORD(0x94000002), ADD_RET}},
    {"ret", "not understood", 16, {WORD(0xd65f03c0), ADD_RET}},
    {"svc", "not understood", 16, {WORD(0xd4000001), ADD_RET}},
    {"loop into the entry", "jumps back", 16, {WORD(0xd503245f), WORD(0x11000400), WORD(0x17ffffff), WORD(0xd65f03c0)}},
};
