/* reference.h - for tests: tensors of a reference.safetensors, and worst deviations with their places. */
#ifndef LL_TEST_REFERENCE_H
#define LL_TEST_REFERENCE_H
#include "map.h"
#include "safetensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct reference {
    struct ll_map map;
    struct ll_st_header h;
};

static inline int reference_open(struct reference *r, const char *path, struct ll_err *err)
{
    memset(r, 0, sizeof *r);
    int rc = ll_map_open(&r->map, path, err);
    return rc ? rc : ll_st_parse(&r->h, path, r->map.data, r->map.size, err);
}
static inline void reference_close(struct reference *r)
{
    ll_st_free(&r->h);
    ll_map_close(&r->map);
}
static inline const struct ll_tensor *reference_find(const struct reference *r, const char *name)
{
    for (int i = 0; i < r->h.n_tensors; i++)
        if (!strcmp(r->h.tensors[i].name, name))
            return &r->h.tensors[i];
    return NULL;
}
static inline float reference_f32(const struct ll_tensor *t, size_t i)
{
    float v;
    memcpy(&v, t->data + 4 * i, 4);
    return v;
}
static inline int reference_i32(const struct ll_tensor *t, size_t i)
{
    int32_t v;
    memcpy(&v, t->data + 4 * i, 4);
    return v;
}

/* The worst of many comparisons, in units of its tolerance. */
struct worst {
    double ratio, diff, got, want;
    char at[96];
};
static inline void worst_add(struct worst *w, double got, double want, double tolerance, const char *what,
                             int layer, int pos)
{
    double d = fabs(got - want), ratio = d / tolerance;
    if (!(ratio <= w->ratio)) { /* NaN counts as worst */
        *w = (struct worst){ratio, d, got, want, ""};
        snprintf(w->at, sizeof w->at, "%s, layer %d, position %d", what, layer, pos);
    }
}
#endif
