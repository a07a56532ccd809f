/* ref_tell.c - what a reference holds that is not compared, in words (ref_place.h). */
#include "ref_place.h"

#include "memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the nearest points ---------------------------------------------------------------------- */

enum { MOST = 64, N_NEAREST = 3, MOST_ASKED = 16 };

/* Levenshtein's distance of two names, digits all alike, letters in either case. Longer names than MOST are
 * far from everything. */
static int distance(const char *a, const char *b)
{
    int row[MOST + 1], n = (int)strlen(b);
    if (strlen(a) > MOST || n > MOST)
        return MOST;
    for (int i = 0; i <= n; i++)
        row[i] = i;
    for (; *a; a++) {
        int diagonal = row[0]++;
        for (int i = 1; i <= n; i++) {
            int same = tolower((unsigned char)*a) == tolower((unsigned char)b[i - 1])
                || (isdigit((unsigned char)*a) && isdigit((unsigned char)b[i - 1]));
            int best = diagonal + !same;
            diagonal = row[i];
            best = row[i] + 1 < best ? row[i] + 1 : best;
            row[i] = row[i - 1] + 1 < best ? row[i - 1] + 1 : best;
        }
    }
    return row[n];
}

/* The name of a pattern with 0 for %d. */
static void example(const char *pattern, char out[MOST + 1])
{
    const char *at = strstr(pattern, "%d");
    snprintf(out, MOST + 1, "%.*s%s%s", at ? (int)(at - pattern) : (int)strcspn(pattern, "@"), pattern,
             at ? "0" : "", at ? at + 2 : "");
    out[strcspn(out, "@")] = 0;
}

struct near {
    char name[MOST + 1];
    int off;
};

static void offer(struct near best[N_NEAREST], const char *name, const char *want)
{
    int length = (int)(strlen(want) > strlen(name) ? strlen(want) : strlen(name)),
        off = 100 * distance(want, name) / (length ? length : 1), i = N_NEAREST;
    for (int k = 0; k < N_NEAREST; k++)
        if (!strcmp(best[k].name, name))
            return;
    while (i > 0 && off < best[i - 1].off)
        i--;
    if (i == N_NEAREST)
        return;
    memmove(best + i + 1, best + i, sizeof *best * (size_t)(N_NEAREST - 1 - i));
    snprintf(best[i].name, sizeof best[i].name, "%s", name);
    best[i].off = off;
}

/* Hook points, in both spellings, and the other names that have a meaning. */
static void offer_all(struct near best[N_NEAREST], const char *want)
{
    char name[MOST + 1];
    for (int h = 0; h < LL_N_HOOKS; h++) {
        char full[64];
        ll_hook_full_name((enum ll_hook)h, ll_hook_info((enum ll_hook)h)->per_layer ? 0 : -1, full);
        offer(best, full, want);
    }
    for (int t = 0; t < 2; t++)
        for (const struct ll_ref_name *r = t ? ll_ref_modules : ll_ref_names; r->pattern; r++) {
            if (r->flags & LL_REF_IGNORE)
                continue;
            example(r->pattern, name);
            offer(best, name, want);
        }
}

void ll_ref_nearest(const struct ll_ref_place *p, struct ll_buf *out)
{
    struct near best[N_NEAREST] = {{"", 101}, {"", 101}, {"", 101}};
    const char *line = ll_buf_str(&p->unknown);
    for (int n = 0; *line && n < MOST_ASKED; n++) {
        char want[MOST + 1];
        size_t len = strcspn(line, "\n");
        snprintf(want, sizeof want, "%.*s", (int)len, line);
        offer_all(best, want);
        line += len + (line[len] == '\n');
    }
    for (int i = 0; i < N_NEAREST && *best[i].name; i++)
        ll_buf_addf(out, "%s%s", i ? ", " : "", best[i].name);
}

/* ---- many layers, one line ------------------------------------------------------------------- */

/* A line with each number of its name as %d, into out. */
static void fold_line(const char *line, size_t n, char out[512])
{
    size_t at = 0, name = 0;
    while (name < n && !(line[name] == ':' && name + 1 < n && line[name + 1] == ' '))
        name++;
    for (size_t i = 0; i < n && at + 3 < 512; i++) {
        if (i >= name || !isdigit((unsigned char)line[i]) || (i && isalpha((unsigned char)line[i - 1]))) {
            out[at++] = line[i];
            continue;
        }
        out[at++] = '%';
        out[at++] = 'd';
        while (i + 1 < name && isdigit((unsigned char)line[i + 1]))
            i++;
    }
    out[at] = 0;
}

struct kind {
    char line[512], first[512];
    int n;
}; /* folded, and the first one as it is */

static const char *reason(const struct kind *k)
{
    const char *why = strstr(k->line, ": ");
    return why ? why : k->line + strlen(k->line);
}

/* All names of one reason, where k is the first of them. */
static void put_reason(const struct kind *kinds, int n, int k, struct ll_buf *out)
{
    const char *why = reason(&kinds[k]);
    for (int i = 0; i < k; i++)
        if (!strcmp(reason(&kinds[i]), why))
            return;
    for (int i = k; i < n; i++) {
        const char *end = reason(&kinds[i]);
        if (strcmp(end, why) != 0)
            continue;
        ll_buf_adds(out, i > k ? ", " : k ? "; " : "");
        if (kinds[i].n > 1)
            ll_buf_addf(out, "%.*s (%d)", (int)(end - kinds[i].line), kinds[i].line, kinds[i].n);
        else
            ll_buf_addf(out, "%.*s", (int)strcspn(kinds[i].first, ":"), kinds[i].first);
    }
    ll_buf_adds(out, why);
}

void ll_ref_fold(const struct ll_buf *lines, struct ll_buf *out)
{
    struct kind *kinds = NULL;
    int n = 0;
    for (const char *p = ll_buf_str(lines); *p;) {
        size_t len = strcspn(p, "\n");
        char line[512];
        int k = 0;
        fold_line(p, len, line);
        while (k < n && strcmp(kinds[k].line, line) != 0)
            k++;
        if (k == n) {
            struct kind *grown = realloc(kinds, sizeof *kinds * (size_t)(n + 1));
            if (!grown) {
                ll_memory_note(); /* the reason goes no further */
                break;
            }
            kinds = grown;
            memcpy(kinds[n].line, line, sizeof line);
            snprintf(kinds[n].first, sizeof kinds[n].first, "%.*s", (int)len, p);
            kinds[n++].n = 0;
        }
        kinds[k].n++;
        p += len + (p[len] == '\n');
    }
    for (int k = 0; k < n; k++)
        put_reason(kinds, n, k, out);
    free(kinds);
}
