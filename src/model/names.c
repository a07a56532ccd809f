/* names.c - see names.h */
#include "names.h"

#include <stdio.h>
#include <string.h>

/* The table's pattern with its first %d the layer, its second the expert. */
static void fill_name(const char *pattern, size_t n, int layer, int expert, char out[LL_NAME_BYTES])
{
    int numbers[2] = {layer, expert}, used = 0;
    size_t at = 0;
    for (size_t i = 0; i < n && at + 12 < LL_NAME_BYTES; i++)
        if (pattern[i] == '%' && i + 1 < n && pattern[i + 1] == 'd' && used < 2) {
            at += (size_t)snprintf(out + at, LL_NAME_BYTES - at, "%d", numbers[used++]);
            i++;
        } else
            out[at++] = pattern[i];
    out[at] = 0;
}

/* Name patterns of a role: the family's, or what GGUF calls it. NULL: the family has no such tensor. */
static const char *patterns(const struct ll_model *m, enum ll_role role)
{
    return m->ckpt->gguf && m->family->names[role] ? ll_gguf_names[role] : m->family->names[role];
}

static const struct ll_tensor *find_prefixed(const struct ll_model *m, const char *name)
{
    const struct ll_tensor *t = ll_ckpt_find(m->ckpt, name);
    char other[256];
    for (const struct ll_prefix *p = m->family->prefixes; !t && p && p->strip; p++)
        if (!strncmp(name, p->strip, strlen(p->strip))) {
            snprintf(other, sizeof other, "%s%s", p->put, name + strlen(p->strip));
            t = ll_ckpt_find(m->ckpt, other);
        }
    return t;
}

const struct ll_tensor *ll_role_tensor(const struct ll_model *m, enum ll_role role, int layer, int expert)
{
    const struct ll_tensor *t = NULL;
    const char *at = patterns(m, role);
    char name[LL_NAME_BYTES];
    while (at && !t) {
        size_t n = strcspn(at, "|");
        fill_name(at, n, layer, expert, name);
        t = find_prefixed(m, name);
        at = at[n] ? at + n + 1 : NULL;
    }
    return t;
}

int ll_role_name(const struct ll_model *m, enum ll_role role, int layer, int expert, char out[LL_NAME_BYTES])
{
    const char *pattern = patterns(m, role);
    out[0] = 0;
    if (pattern)
        fill_name(pattern, strcspn(pattern, "|"), layer, expert, out);
    return pattern != NULL;
}

int ll_role_is_layered(const struct ll_model *m, enum ll_role role)
{
    const char *pattern = patterns(m, role);
    return pattern && strstr(pattern, "%d");
}

/* name = before + number + "." + *rest; the number, or -1. */
static int number_after(const char *name, const char *before, size_t n, const char **rest)
{
    int number = 0, digits = 0;
    if (strncmp(name, before, n))
        return -1;
    for (name += n; *name >= '0' && *name <= '9' && digits < 5; name++, digits++)
        number = 10 * number + (*name - '0');
    *rest = name + 1;
    return digits && *name == '.' && number < 4096 ? number : -1;
}

int ll_name_layer(const struct ll_model *m, const char *name, const char **rest)
{
    for (int r = 0; r < LL_N_ROLES; r++) {
        const char *pattern = patterns(m, (enum ll_role)r), *number = pattern ? strstr(pattern, "%d") : NULL;
        if (!number)
            continue;
        size_t n = (size_t)(number - pattern);
        int layer = number_after(name, pattern, n, rest);
        for (const struct ll_prefix *p = m->family->prefixes; layer < 0 && p && p->strip; p++) {
            char other[256];
            size_t cut = strlen(p->strip);
            if (strncmp(pattern, p->strip, cut))
                continue;
            int len = snprintf(other, sizeof other, "%s%.*s", p->put, (int)(n - cut), pattern + cut);
            layer = number_after(name, other, (size_t)len, rest);
        }
        if (layer >= 0)
            return layer;
    }
    return -1;
}
