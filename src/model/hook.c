/* hook.c - see hook.h */
#include "hook.h"
#include "literal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ll_hook_info hooks[LL_N_HOOKS] = {
#define X(e, name, layered, width) [LL_HOOK_##e] = {name, layered, LL_WIDTH_##width},
    LL_HOOK_LIST(X)
#undef X
};

const struct ll_hook_info *ll_hook_info(enum ll_hook h) { return &hooks[h]; }

/* Which module of TransformerLens' block owns a point: the part between "blocks.N." and "hook_". */
static const char *owner(enum ll_hook h)
{
    switch (h) {
    case LL_HOOK_Q:
    case LL_HOOK_K:
    case LL_HOOK_V:
    case LL_HOOK_ROT_Q:
    case LL_HOOK_ROT_K:
    case LL_HOOK_ATTN_SCORES:
    case LL_HOOK_PATTERN:
    case LL_HOOK_Z: return "attn.";
    case LL_HOOK_PRE:
    case LL_HOOK_PRE_LINEAR:
    case LL_HOOK_POST: return "mlp.";
    default: return "";
    }
}

void ll_hook_full_name(enum ll_hook h, int layer, char out[64])
{
    const char *dot = strchr(hooks[h].name, '.'); /* "ln1.scale": the norm is the owner */
    char block[24] = "";
    if (hooks[h].per_layer)
        snprintf(block, sizeof block, "blocks.%d.", layer);
    if (dot)
        snprintf(out, 64, "%s%.*s.hook_%s", block, (int)(dot - hooks[h].name), hooks[h].name, dot + 1);
    else
        snprintf(out, 64, "%s%shook_%s", block, owner(h), hooks[h].name);
}

int ll_hook_parse(const char *name, int *layer)
{
    *layer = -1;
    if (LL_BEGINS(name, "blocks.")) {
        char *end;
        long l = strtol(name + 7, &end, 10);
        if (end == name + 7 || *end != '.' || l < 0 || l > 100000)
            return -1;
        *layer = (int)l;
    }
    for (int h = 0; h < LL_N_HOOKS; h++) {
        char full[64];
        ll_hook_full_name((enum ll_hook)h, *layer, full);
        if ((*layer < 0 && !strcmp(name, hooks[h].name))
            || ((*layer >= 0) == (hooks[h].per_layer != 0) && !strcmp(name, full)))
            return h;
    }
    return -1;
}
