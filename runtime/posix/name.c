/* SPDX-License-Identifier: MIT */
/* What there is to know of the table of names; see name.h and cede/posix.h. */
#include "name.h"

#include <cede/posix.h>

#include "patch.h"

static const struct cede__posix_name *name_at(size_t index)
{
    return index < (size_t)(__stop_cede_posix_names - __start_cede_posix_names) ? &__start_cede_posix_names[index]
                                                                                  : NULL;
}

const char *cede_posix_name(size_t index)
{
    const struct cede__posix_name *name = name_at(index);

    return name ? name->name : NULL;
}

const char *cede_posix_unpatched(size_t index)
{
    const struct cede__posix_name *name = name_at(index);

    return name ? name->unpatched : "there is no such name";
}

const char *cede_posix_symbols_only(void)
{
    return cede__posix_patch_refusal();
}
