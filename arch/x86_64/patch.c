/* SPDX-License-Identifier: MIT */
/*
 * Entries of functions on x86_64; see patch.h. Five bytes are replaced by a jump, which reaches 2 GiB, and with them
 * the rest of the last instruction that they are part of.
 *
 * What is decoded is what compilers begin functions with; anything else is refused. Opcodes as in the Intel SDM, volume
 * 2, appendix A.
 */
#include "../patch.h"

#include <stdbool.h>
#include <string.h>

enum { JUMP_BYTES = 5, PAD_BYTES = 4 };

static const unsigned char landing_pad[PAD_BYTES] = {0xf3, 0x0f, 0x1e, 0xfa}; /* endbr64 */

/* Islands hold two branches of their own, and the plan must stay right at both of their ends. */
const uint64_t cede__patch_reach = (UINT64_C(1) << 31) - (1 << 20);

/* One instruction. */
struct instruction {
    size_t bytes;
    size_t opcode_at;               /* behind the prefixes */
    size_t relative_at;             /* where its displacement relative to the next instruction stands; 0: it has none */
    size_t relative_bytes;          /* of it */
    /* CONDITIONAL, JUMP and CALL go by that displacement, JUMP always. FIXED: known, but not moved. */
    enum { PLAIN, CONDITIONAL, JUMP, CALL, FIXED } kind;
};

static int32_t displacement(const unsigned char *code, const struct instruction *one)
{
    int32_t wide;

    if (one->relative_bytes == 1)
        return (int8_t)code[one->relative_at];
    memcpy(&wide, code + one->relative_at, sizeof wide);
    return wide;
}

/* ---- decoding ---- */

/* What follows an opcode. */
enum { UNKNOWN, NOTHING, IMM8, IMM32, MODRM, MODRM_IMM8, MODRM_IMM32, MODRM_TEST8, MODRM_TEST32, REL8, REL32 };

static int shape_of_one(unsigned char opcode)
{
    if (opcode < 0x40 && (opcode & 7) < 4)
        return MODRM; /* add, or, adc, sbb, and, sub, xor, cmp */
    if (opcode < 0x40 && (opcode & 7) < 6)
        return (opcode & 7) == 4 ? IMM8 : IMM32;
    if (opcode >= 0x50 && opcode < 0x60)
        return NOTHING; /* push, pop */
    if (opcode >= 0x70 && opcode < 0x80)
        return REL8;
    if (opcode >= 0x84 && opcode < 0x8c)
        return MODRM; /* test, xchg, mov */
    if (opcode >= 0xb0 && opcode < 0xb8)
        return IMM8;
    if (opcode >= 0xb8 && opcode < 0xc0)
        return IMM32;
    switch (opcode) {
    case 0x63: /* movsxd */
    case 0x8d: /* lea */
        return MODRM;
    case 0x80:
    case 0x83:
    case 0xc0:
    case 0xc1:
    case 0xc6:
        return MODRM_IMM8;
    case 0x81:
    case 0xc7:
        return MODRM_IMM32;
    case 0x90: /* nop */
    case 0x98: /* cdqe */
    case 0x99: /* cqo */
    case 0xc3: /* ret */
    case 0xc9: /* leave */
        return NOTHING;
    case 0x6a: /* push */
        return IMM8;
    case 0x68:
        return IMM32;
    case 0xff: /* inc, dec, push, and calls and jumps by a pointer */
        return MODRM;
    case 0xe8: /* call */
        return REL32;
    case 0xa8:
        return IMM8;
    case 0xa9:
        return IMM32;
    case 0xeb:
        return REL8;
    case 0xe9:
        return REL32;
    case 0xf6:
        return MODRM_TEST8;
    case 0xf7:
        return MODRM_TEST32;
    default:
        return UNKNOWN;
    }
}

/* Opcodes after 0f. */
static int shape_of_two(unsigned char opcode)
{
    if (opcode >= 0x80 && opcode < 0x90)
        return REL32;
    if (opcode >= 0x40 && opcode < 0x50)
        return MODRM; /* cmov */
    if (opcode >= 0x90 && opcode < 0xa0)
        return MODRM; /* setcc */
    switch (opcode) {
    case 0x05: /* syscall */
        return NOTHING;
    case 0x10: /* movups and the like */
    case 0x11:
    case 0x1e: /* nop, endbr64 */
    case 0x1f: /* nop */
    case 0x28: /* movaps */
    case 0x29:
    case 0x57: /* xorps */
    case 0x6f: /* movdqa */
    case 0x7f:
    case 0xaf: /* imul */
    case 0xb6: /* movzx, movsx */
    case 0xb7:
    case 0xbe:
    case 0xbf:
    case 0xef: /* pxor */
        return MODRM;
    default:
        return UNKNOWN;
    }
}

/* ModRM, SIB and displacement at code[at]: returns how many bytes. */
static size_t modrm_bytes(const unsigned char *code, size_t at, struct instruction *one)
{
    unsigned mod = code[at] >> 6, rm = code[at] & 7;
    size_t bytes = 1;

    if (mod == 3)
        return 1;
    if (rm == 4) {
        bytes++;
        if (mod == 0 && (code[at + 1] & 7) == 5)
            return bytes + 4;
    }
    if (mod == 0 && rm == 5) { /* relative to rip */
        one->relative_at = at + 1;
        one->relative_bytes = 4;
        return bytes + 4;
    }
    return bytes + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* Whether it is understood. Reads up to 15 bytes, the longest that there is. */
static bool decode(const unsigned char *code, struct instruction *one)
{
    size_t at = 0, immediate = 0;
    bool operand16 = false, wide = false;
    int shape;

    *one = (struct instruction){0};
    for (; code[at] == 0x66 || code[at] == 0xf2 || code[at] == 0xf3 || code[at] == 0x64; at++)
        operand16 |= code[at] == 0x66;
    if ((code[at] & 0xf0) == 0x40)
        wide = code[at++] & 8;
    one->opcode_at = at;
    if (code[at] == 0x0f)
        shape = shape_of_two(code[++at]);
    else
        shape = shape_of_one(code[at]);
    at++;
    switch (shape) {
    case UNKNOWN:
        return false;
    case REL8:
    case REL32:
        one->relative_at = at;
        one->relative_bytes = immediate = shape == REL8 ? 1 : 4;
        one->kind = code[one->opcode_at] == 0xeb || code[one->opcode_at] == 0xe9 ? JUMP
                    : code[one->opcode_at] == 0xe8                               ? CALL
                                                                                 : CONDITIONAL;
        break;
    case MODRM_TEST8: /* only test has an operand there, not, neg, mul have none */
    case MODRM_TEST32:
        if ((code[at] & 0x30) == 0)
            immediate = shape == MODRM_TEST8 ? 1 : 4;
        at += modrm_bytes(code, at, one);
        break;
    case MODRM:
    case MODRM_IMM8:
    case MODRM_IMM32:
        at += modrm_bytes(code, at, one);
        immediate = shape == MODRM_IMM8 ? 1 : shape == MODRM_IMM32 ? 4 : 0;
        break;
    case IMM8:
        immediate = 1;
        break;
    case IMM32:
        immediate = wide && (code[one->opcode_at] & 0xf8) == 0xb8 ? 8 : 4;
        break;
    }
    if (operand16 && immediate == 4)
        return false;
    if (code[one->opcode_at] == 0xc3 || code[one->opcode_at] == 0xc9 || code[one->opcode_at] == 0xff)
        one->kind = FIXED;
    one->bytes = at + immediate;
    return true;
}

/* ---- what jumps into the entry ---- */

static bool within(const unsigned char *target, const unsigned char *begin, const unsigned char *end)
{
    return target > begin && target < end;
}

/* Whether a jump that begins at this byte, if one does, leads between begin and end. */
static bool byte_jumps_into(const unsigned char *at, size_t left, const unsigned char *begin, const unsigned char *end)
{
    int32_t wide;

    if (left >= 2 && ((*at & 0xf0) == 0x70 || *at == 0xeb || (*at & 0xfc) == 0xe0)
        && within(at + 2 + (int8_t)at[1], begin, end))
        return true;
    if (left >= 5 && (*at & 0xfe) == 0xe8) {
        memcpy(&wide, at + 1, sizeof wide);
        return within(at + 5 + wide, begin, end);
    }
    if (left >= 6 && *at == 0x0f && (at[1] & 0xf0) == 0x80) {
        memcpy(&wide, at + 2, sizeof wide);
        return within(at + 6 + wide, begin, end);
    }
    return false;
}

/* Goes from instruction to instruction as far as they are understood; from then on any byte is looked at as if a jump
 * began there, so what is found may be none; what is not found is not there. (A jump from outside the function into its
 * middle is something that no compiler writes.) */
static bool jumps_into(const unsigned char *function, size_t size, const unsigned char *begin, const unsigned char *end)
{
    const unsigned char *at = begin, *stop = function + size;
    struct instruction one;

    while (at < stop && decode(at, &one)) {
        if (one.kind != PLAIN && one.relative_at && within(at + one.bytes + displacement(at, &one), begin, end))
            return true;
        at += one.bytes;
    }
    for (; at < stop; at++)
        if (byte_jumps_into(at, (size_t)(stop - at), begin, end))
            return true;
    return false;
}

/* ---- moving ---- */

/* Writes to `out` a relative jump (opcode of one or two bytes) from `from` to `to`. Returns what follows, or NULL if it
 * is too far. */
static unsigned char *put_jump_from(const unsigned char *from, unsigned char *out, const unsigned char *opcode,
                                    size_t opcode_bytes, const unsigned char *to)
{
    unsigned char *next = out + opcode_bytes + sizeof(int32_t);
    int64_t far = (intptr_t)to - (intptr_t)from - (intptr_t)(opcode_bytes + sizeof(int32_t));
    int32_t near = (int32_t)far;

    if (near != far)
        return NULL;
    memcpy(out, opcode, opcode_bytes);
    memcpy(out + opcode_bytes, &near, sizeof near);
    return next;
}

static unsigned char *put_jump(unsigned char *out, const unsigned char *opcode, size_t opcode_bytes,
                               const unsigned char *to)
{
    return put_jump_from(out, out, opcode, opcode_bytes, to);
}

/* Whether the CPU watches over return addresses: then none can be put on the stack but by a call. */
static bool has_shadow_stack(void)
{
    uint64_t pointer = 0;

    __asm__ volatile("rdsspq %0" : "+r"(pointer)); /* does nothing if not */
    return pointer != 0;
}

/* A call that returns to where it always did, not to the island: unwinding through it finds what it knows. It is the
 * last that is moved, for it is as long as what is replaced. */
static unsigned char *put_call(unsigned char *out, const unsigned char *to, const unsigned char *back)
{
    static const unsigned char room[] = {0x48, 0x8d, 0x64, 0x24, 0xf8}; /* lea rsp, [rsp - 8] */
    static const unsigned char low[] = {0xc7, 0x04, 0x24}, high[] = {0xc7, 0x44, 0x24, 0x04}; /* mov dword [rsp ..], */
    uint64_t address = (uintptr_t)back;

    memcpy(out, room, sizeof room);
    out += sizeof room;
    memcpy(out, low, sizeof low);
    memcpy(out + sizeof low, &address, 4);
    out += sizeof low + 4;
    memcpy(out, high, sizeof high);
    memcpy(out + sizeof high, (unsigned char *)&address + 4, 4);
    return put_jump(out + sizeof high + 4, (const unsigned char[]){0xe9}, 1, to);
}

/* Copies an instruction so that it means the same at `out`. Returns what follows, or NULL. */
static unsigned char *move(unsigned char *out, const unsigned char *code, const struct instruction *one)
{
    const unsigned char *to = code + one->bytes + displacement(code, one);
    unsigned char condition[2] = {0x0f, 0x80};
    int64_t far;
    int32_t near;

    if (one->kind == CALL)
        return put_call(out, to, code + one->bytes);
    if (one->kind == JUMP)
        return put_jump(out, (const unsigned char[]){0xe9}, 1, to);
    if (one->kind == CONDITIONAL) {
        condition[1] |= code[one->relative_at - 1] & 0x0f;
        return put_jump(out, condition, sizeof condition, to);
    }
    memcpy(out, code, one->bytes);
    if (one->relative_at) {
        far = (int64_t)((intptr_t)to - (intptr_t)(out + one->bytes));
        near = (int32_t)far;
        if (near != far)
            return NULL;
        memcpy(out + one->relative_at, &near, sizeof near);
    }
    return out + one->bytes;
}

const char *cede__patch_plan(struct cede__patch *patch, unsigned char *function, size_t size, unsigned char *island,
                             void (*target)(void))
{
    static const unsigned char far_jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp [rip] */
    unsigned char *out = island + CEDE__PATCH_ORIGINAL, *end = function + size, *code = function;
    struct instruction one = {0};

    if (size >= PAD_BYTES && memcmp(function, landing_pad, PAD_BYTES) == 0)
        code += PAD_BYTES;
    patch->at = code;
    memcpy(out, landing_pad, PAD_BYTES); /* it is called through a pointer */
    out += PAD_BYTES;
    while (code < patch->at + JUMP_BYTES && one.kind != JUMP) {
        if (!decode(code, &one) || one.kind == FIXED)
            return "its first instructions are not understood";
        if (one.kind == CALL && has_shadow_stack())
            return "it calls in its first instructions, and the CPU watches over return addresses";
        if (code + one.bytes > end)
            return "it is too short";
        out = move(out, code, &one);
        if (!out)
            return "it refers to something too far away";
        code += one.bytes;
    }
    patch->bytes = (size_t)(code - patch->at);
    if (patch->bytes < JUMP_BYTES)
        return "it is too short";
    if (jumps_into(function, size, patch->at, code))
        return "it jumps back to its first instructions";
    if (one.kind != JUMP && one.kind != CALL && !put_jump(out, (const unsigned char[]){0xe9}, 1, code))
        return "it is too far away";
    memcpy(island, far_jump, sizeof far_jump);
    memcpy(island + sizeof far_jump, &target, sizeof target);
    memset(patch->code, 0xcc, sizeof patch->code); /* int3: what jumps there all the same is told, not let through */
    return put_jump_from(patch->at, patch->code, (const unsigned char[]){0xe9}, 1, island) ? NULL
                                                                                           : "it is too far away";
}
