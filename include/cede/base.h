/* SPDX-License-Identifier: MIT */
/* What every public header needs: linkage, visibility, and the helpers of the scope macros. */
#ifndef CEDE_BASE_H
#define CEDE_BASE_H

#ifdef __cplusplus
#define CEDE_BEGIN_DECLS extern "C" {
#define CEDE_END_DECLS   }
#else
#define CEDE_BEGIN_DECLS
#define CEDE_END_DECLS
#endif

/* The library is built with -fvisibility=hidden: what carries this mark is the interface. */
#define CEDE_API __attribute__((visibility("default")))

/* A name that is unique on its line, for variables that a scope macro must declare. */
#define CEDE__CONCAT_(a, b) a##b
#define CEDE__CONCAT(a, b)  CEDE__CONCAT_(a, b)
#define CEDE__UNIQUE(name)  CEDE__CONCAT(name, __LINE__)

/* The size of a structure of arguments, which are copied to an address that is a multiple of 16: one that needs more
 * does not compile. */
#define CEDE__ARGS_SIZE(type) (sizeof(type) + 0 * sizeof(char[_Alignof(type) <= 16 ? 1 : -1]))

#endif
