/* layer_list.c - see layer_list.h */
#include "layer_list.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int ll_layers_chosen(const char *opt, const char *list, int n_layers, unsigned char **out, struct ll_err *err)
{
    *out = NULL;
    if (!list)
        return LL_OK;
    if (!(*out = calloc((size_t)n_layers, 1)))
        return ll_fail_mem(err, "layers", (unsigned long long)n_layers);
    if (!strcmp(list, "all"))
        return memset(*out, 1, (size_t)n_layers), LL_OK;
    for (const char *p = list;;) {
        char *end;
        errno = 0;
        long l = strtol(p, &end, 10);
        if (end == p || errno || l < 0 || l >= n_layers || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE,
                           "%s: expected all or layers in 0..%d separated by commas, found \"%.40s\"", opt,
                           n_layers - 1, list);
        (*out)[l] = 1;
        if (!*end)
            return LL_OK;
        p = end + 1;
    }
}

int ll_layers_marked(const char *list, int n_layers, int marks[LL_MAX_MARKS], int *n, struct ll_err *err)
{
    *n = 0;
    for (const char *p = list; p && *p;) {
        char *end;
        long v = strtol(p, &end, 10);
        if (end == p || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE, "--mark: expected layers separated by commas, found \"%.20s\"", p);
        if (v < 0 || v >= n_layers)
            return ll_fail(err, LL_EUSAGE, "--mark: expected layers in 0..%d, found %ld", n_layers - 1, v);
        if (*n == LL_MAX_MARKS)
            return ll_fail(err, LL_EUSAGE, "--mark: expected at most %d layers", LL_MAX_MARKS);
        marks[(*n)++] = (int)v;
        p = end + (*end == ',');
    }
    return LL_OK;
}

/* ---- depths ---------------------------------------------------------------------------------- */

static int add_depth(int *k, int *n, long depth, int n_layers, struct ll_err *err)
{
    if (depth < 0 || depth > n_layers)
        return ll_fail(err, LL_EUSAGE, "--layers: expected 0..%d, found %ld", n_layers, depth);
    for (int i = 0; i < *n; i++)
        if (k[i] == depth)
            return ll_fail(err, LL_EUSAGE, "--layers: %ld is there twice", depth);
    k[(*n)++] = (int)depth;
    return LL_OK;
}

static int all_depths(int n_layers, int *k, int *n, struct ll_err *err)
{
    int rc = LL_OK;
    for (int depth = 0; depth <= n_layers && !rc; depth++)
        rc = add_depth(k, n, depth, n_layers, err);
    return rc;
}

int ll_depths_read(const char *list, int usual, int n_layers, int k[LL_MAX_DEPTHS], int *n,
                   struct ll_err *err)
{
    int rc = LL_OK;
    *n = 0;
    if (!strcmp(list, "all"))
        return all_depths(n_layers, k, n, err);
    if (!*list)
        return ll_fail(err, LL_EUSAGE, "--layers: expected at least one depth, found an empty list");
    for (const char *p = list; !rc; p++) {
        char *end = (char *)(uintptr_t)p + 1;
        errno = 0;
        long depth = *p == 'n' ? n_layers : strtol(p, &end, 10);
        if (end == p || errno || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE,
                           "--layers: expected numbers or n separated by commas, found \"%.20s\"", p);
        if (!usual || *p == 'n' || depth < n_layers)
            rc = add_depth(k, n, depth, n_layers, err);
        p = end;
        if (!*p)
            break;
    }
    return rc;
}
