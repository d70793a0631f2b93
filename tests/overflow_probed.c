/* SPDX-License-Identifier: MIT */
/* Built with -fstack-clash-protection: every page of a frame is touched, from the top down. */
#include "overflow_probed.h"

#include <alloca.h>

__attribute__((noinline)) void overflow_probed(size_t bytes)
{
    volatile char *frame = alloca(bytes);

    frame[0] = 1;
}
