/* lens.c - see lens.h */
#include "lens.h"

#include "ops.h"

#include <string.h>

static const struct ll_lens_info kinds[LL_N_LENSES] = {
    [LL_LENS_FINAL] = {"final", NULL},
    [LL_LENS_NEXT_LN1] =
        {"next-ln1",
         "the next block's ln1 gain does not belong to the unembedding: inner rows come out nearly uniform"},
    [LL_LENS_POST_LN2] =
        {"post-ln2",
         "the block's ln2 gain does not belong to the unembedding: inner rows come out nearly uniform"},
    [LL_LENS_RAW] = {"raw", "rows are decoded without a norm: entropies reflect the residual's size"},
};

static const enum ll_hook sites[LL_N_SITES] = {
    [LL_SITE_RESID_POST] = LL_HOOK_RESID_POST,
    [LL_SITE_RESID_MID] = LL_HOOK_RESID_MID,
    [LL_SITE_ATTN_OUT] = LL_HOOK_ATTN_OUT,
    [LL_SITE_MLP_OUT] = LL_HOOK_MLP_OUT,
};

enum ll_hook ll_site_hook(enum ll_lens_site site) { return sites[site]; }
const char *ll_site_name(enum ll_lens_site site) { return ll_hook_info(sites[site])->name; }

int ll_site_by_name(const char *name)
{
    for (int i = 0; i < LL_N_SITES; i++)
        if (!strcmp(ll_site_name((enum ll_lens_site)i), name))
            return i;
    return -1;
}

int ll_site_check(const struct ll_model *m, enum ll_lens_site site, struct ll_err *err)
{
    for (int l = 0; l < m->n_layers && site == LL_SITE_RESID_MID; l++)
        if (m->layers[l].parallel)
            return ll_fail(err, LL_EUNSUP,
                           "%s: site resid_mid: the blocks of family %s add attention and MLP side by side: "
                           "expected resid_post, attn_out or mlp_out",
                           m->ckpt->clean, m->family->name);
    return LL_OK;
}

int ll_last_row_is_own(const struct ll_model *m, enum ll_lens_site site, int bare_head)
{
    return site == LL_SITE_RESID_POST && !(bare_head && ll_head_transforms(m));
}

const struct ll_lens_info *ll_lens_info(enum ll_lens_kind kind) { return &kinds[kind]; }

int ll_lens_by_name(const char *name)
{
    for (int i = 0; i < LL_N_LENSES; i++)
        if (!strcmp(kinds[i].name, name))
            return i;
    return -1;
}

const struct ll_norm *ll_lens_norm(const struct ll_model *m, enum ll_lens_kind kind, int row)
{
    if (row == m->n_layers || kind == LL_LENS_FINAL)
        return &m->ln_final;
    if (kind == LL_LENS_RAW)
        return NULL;
    const struct ll_layer *L = &m->layers[row == 0 || kind == LL_LENS_NEXT_LN1 ? row : row - 1];
    const struct ll_norm *norm = row == 0 || kind == LL_LENS_NEXT_LN1 ? &L->ln1
        : L->ln2.w                                                    ? &L->ln2
        : L->ln2_post.w                                               ? &L->ln2_post
                                                                      : &L->ln1;
    return norm->w ? norm : NULL;
}

void ll_lens_normalize(const struct ll_model *m, const struct ll_vec *vec, enum ll_lens_kind kind,
                       int ln_bias_drop, int row, const float *x, float *y)
{
    const struct ll_norm *norm = ll_lens_norm(m, kind, row);
    if (!norm) {
        memcpy(y, x, sizeof *y * (size_t)m->d_model);
        return;
    }
    struct ll_norm used = *norm;
    if (ln_bias_drop && row < m->n_layers)
        used.b = NULL;
    ll_norm_row(vec, &used, x, y);
}
