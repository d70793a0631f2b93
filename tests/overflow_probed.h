/* SPDX-License-Identifier: MIT */
#ifndef CEDE_TESTS_OVERFLOW_PROBED_H
#define CEDE_TESTS_OVERFLOW_PROBED_H

#include <stddef.h>

/* Makes a frame of so many bytes. */
void overflow_probed(size_t bytes);

#endif
