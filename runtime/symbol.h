/* SPDX-License-Identifier: MIT */
/* Names for addresses of code, static functions included. */
#ifndef CEDE_RUNTIME_SYMBOL_H
#define CEDE_RUNTIME_SYMBOL_H

#include <stdint.h>

struct cede__symbol {
    const char *module;     /* file name of the program or library, without its folders; NULL: in none */
    uintptr_t offset;       /* of the address in it, as addr2line(1) takes it */
    char name[80];          /* of the function, cut if need be; "": unknown */
    uintptr_t name_offset;  /* of the address in the function */
};

/*
 * Looks the address up: first by dladdr(3), which knows exported functions only, then in the symbol table of the
 * module's file, if that has not been stripped. Opens and maps the file each time and keeps nothing: about 20 us.
 * As fit for a signal handler as dladdr(3) is: not while the same thread is inside dlopen(3).
 */
void cede__symbol_find(uintptr_t address, struct cede__symbol *symbol);

#endif
