/* stem.c - see stem.h */
#include "stem.h"
#include "buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int is_taken(const struct ll_stems *stems, const char *name)
{
    for (int i = 0; i < stems->n; i++)
        if (!strcasecmp(stems->taken[i], name))
            return 1;
    return 0;
}

static void add_safe(struct ll_buf *b, const char *s)
{
    for (; *s; s++)
        ll_buf_addc(b, *s == '/' || *s == '\\' || (unsigned char)*s < 0x20 || *s == 0x7f ? '_' : *s);
}

const char *ll_stem_take(struct ll_stems *stems, const char *clean, struct ll_err *err)
{
    struct ll_buf b = {0};
    char **more = realloc(stems->taken, (size_t)(stems->n + 1) * sizeof *more);
    if (more)
        stems->taken = more;
    for (int nr = 1; more && !b.failed; nr++) {
        ll_buf_reset(&b);
        add_safe(&b, clean && *clean ? clean : "model");
        if (nr > 1)
            ll_buf_addf(&b, "-%d", nr);
        if (!b.failed && !is_taken(stems, b.s))
            return stems->taken[stems->n++] = b.s;
    }
    ll_buf_free(&b);
    ll_fail_mem(err, "file name", 256);
    return NULL;
}

void ll_stem_give_back(struct ll_stems *stems)
{
    if (stems->n)
        free(stems->taken[--stems->n]);
}

void ll_stems_free(struct ll_stems *stems)
{
    while (stems->n)
        ll_stem_give_back(stems);
    free(stems->taken);
    memset(stems, 0, sizeof *stems);
}
