/* family.c - see family.h */
#include "family.h"

#include <stdio.h>
#include <string.h>

const struct ll_family *ll_family_find(const char *model_type)
{
    for (const struct ll_family *const *f = ll_families; *f; f++)
        for (const char *const *t = (*f)->model_types; *t; t++)
            if (!strcmp(*t, model_type))
                return *f;
    return NULL;
}

void ll_family_list(char *out, int size)
{
    int at = 0;
    out[0] = 0;
    for (const struct ll_family *const *f = ll_families; *f; f++)
        for (const char *const *t = (*f)->model_types; *t && at < size - 1; t++) {
            int n = snprintf(out + at, (size_t)(size - at), "%s%s", at ? ", " : "", *t);
            if (n > 0)
                at += n;
        }
}
