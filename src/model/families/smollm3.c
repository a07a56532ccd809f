/* smollm3.c - SmolLM3: every fourth layer does not rotate; windows, where they are used, belong to those
 * layers. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(128256, 2048, 11008, 36, 16),
    NUM_OR_NULL(N_KV_HEADS, 4),
    NONE(D_HEAD),
    NUM(N_CTX, 32768),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 1),
    ROPE(2000000),
    NUM(ATTN_BIAS, 0),
    NUM(MLP_BIAS, 0),
    NUM(USE_WINDOW, 0),
    NONE(WINDOW),
    NONE(LAYER_TYPES),
    NONE(NO_ROPE_LAYERS),
    NUM(NO_ROPE_EVERY, 4),
};

/* no_rope_layers: 1 where a layer rotates, in spite of its name. */
static int no_rope(const struct ll_model *m, int layer)
{
    int every = 1;
    if (ll_setting_len(m, LL_S_NO_ROPE_LAYERS) >= 0)
        return !ll_setting_item_int(m, LL_S_NO_ROPE_LAYERS, layer, 1);
    ll_setting_int(m, LL_S_NO_ROPE_EVERY, &every);
    return (layer + 1) % every == 0;
}

static int window(const struct ll_model *m, int layer)
{
    return no_rope(m, layer) ? ll_window_where_used(m, layer) : 0;
}

static int check(const struct ll_model *m, struct ll_err *err)
{
    int n = ll_setting_len(m, LL_S_NO_ROPE_LAYERS);
    if (n >= 0 && n < m->n_layers)
        return ll_setting_fail(m, LL_S_NO_ROPE_LAYERS, err,
                               "expected an entry for each of %d layers, found %d", m->n_layers, n);
    return LL_OK;
}

const struct ll_family ll_family_smollm3 = {
    .name = "smollm3",
    .model_types = TYPES("smollm3"),
    .covers = "SmolLM3",
    SETTINGS(settings),
    .check = check,
    .names = names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .mlp_bias = IF_SET(MLP_BIAS),
    .no_rope = no_rope,
    .window = window,
};
