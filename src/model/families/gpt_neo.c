/* gpt_neo.c - GPT-Neo: learned positions, scores not scaled, every second layer local. */
#include "rows.h"

#define H "h.%d."
static const char *const names[LL_N_ROLES] = {
    [LL_R_W_E] = "wte.weight",
    [LL_R_W_POS] = "wpe.weight",
    [LL_R_W_U] = "lm_head.weight",
    LN(LL_R_LN_FINAL, "ln_f"),
    LN(LL_R_LN1, H "ln_1"),
    LN(LL_R_LN2, H "ln_2"),
    [LL_R_W_Q] = H "attn.attention.q_proj.weight",
    [LL_R_W_K] = H "attn.attention.k_proj.weight",
    [LL_R_W_V] = H "attn.attention.v_proj.weight",
    LINEAR(LL_R_W_O, LL_R_B_O, H "attn.attention.out_proj"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, H "mlp.c_fc"),
    LINEAR(LL_R_W_OUT, LL_R_B_OUT, H "mlp.c_proj"),
};

static const struct ll_setting_row settings[] = {
    NUM(VOCAB, 50257),
    NUM(D_MODEL, 2048),
    NUM_AT(N_LAYERS, "num_hidden_layers|num_layers", 24),
    NUM_AT(N_HEADS, "num_attention_heads|num_heads", 16),
    NONE(D_MLP),
    NUM(N_CTX, 2048),
    NUM_AT(EPS, "layer_norm_epsilon", 1e-5),
    STR_AT(ACT, "activation_function", "gelu_new"),
    NUM(TIED, 1),
    NUM_AT(WINDOW, "window_size", 256),
    {.what = LL_S_ATTENTION_TYPES},
    {.what = LL_S_ATTENTION_LAYERS},
};

static const char local[] = "local", global[] = "global";
enum { SILENT_LAYERS = 24 }; /* what an absent attention_types stands for: ["global", "local"] twelve times */

/* "attention_types.i.1" and so on: paths inside the list. */
static const char *in_types(const struct ll_model *m, char out[LL_SETTING_PATH + 32], int i, const char *rest)
{
    char key[LL_SETTING_PATH];
    snprintf(out, LL_SETTING_PATH + 32, "%s.%d.%s", ll_setting_key(m, LL_S_ATTENTION_TYPES, key), i, rest);
    return out;
}

/* attention_types: [[["global", "local"], 6], ...], each list repeated so many times; attention_layers,
 * written out, counts before it. */
static const char *kind_of(const struct ll_model *m, int layer)
{
    const struct ll_settings *s = m->ckpt->settings;
    char key[LL_SETTING_PATH + 32], entry[24];
    if (ll_setting_len(m, LL_S_ATTENTION_LAYERS) >= 0)
        return ll_setting_item_str(m, LL_S_ATTENTION_LAYERS, layer);
    if (ll_setting_len(m, LL_S_ATTENTION_TYPES) < 0)
        return layer % 2 ? local : global;
    for (int i = 0, left = layer; i < ll_setting_len(m, LL_S_ATTENTION_TYPES); i++) {
        int n = ll_settings_len(s, in_types(m, key, i, "0"));
        long long all = n > 0 ? n * ll_settings_int(s, in_types(m, key, i, "1"), 0) : 0;
        if (left < all) {
            snprintf(entry, sizeof entry, "0.%d", left % n);
            return ll_settings_str(s, in_types(m, key, i, entry), global);
        }
        left -= (int)all;
    }
    return global;
}

static int window_of_local_layers(const struct ll_model *m, int layer)
{
    return strcmp(kind_of(m, layer), local) ? 0 : ll_window_every_layer(m, layer);
}

/* Types inside attention_types, and how many layers they make. */
static int check_types(const struct ll_model *m, long long *layers, struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    int rc = LL_OK;
    *layers = 0;
    for (int i = 0; i < ll_setting_len(m, LL_S_ATTENTION_TYPES) && !rc; i++) {
        char key[LL_SETTING_PATH + 32], entry[24];
        const char *text;
        long long times = 0;
        rc = ll_settings_need_int(s, in_types(m, key, i, "1"), 1, LL_MAX_LAYERS, &times, err);
        int n = ll_settings_len(s, in_types(m, key, i, "0"));
        if (!rc && (!ll_settings_is_array(s, key) || n < 1))
            rc = ll_fail(err, LL_EUSAGE, "config.json: %s: expected a list of \"global\" and \"local\"", key);
        for (int k = 0; k < n && !rc; k++) {
            snprintf(entry, sizeof entry, "0.%d", k);
            rc = ll_settings_need_str(s, in_types(m, key, i, entry), &text, err);
        }
        *layers += n * times;
    }
    return rc;
}

static int check(const struct ll_model *m, struct ll_err *err)
{
    int written = ll_setting_len(m, LL_S_ATTENTION_LAYERS),
        typed = ll_setting_len(m, LL_S_ATTENTION_TYPES) >= 0;
    enum ll_setting what = written >= 0 ? LL_S_ATTENTION_LAYERS : LL_S_ATTENTION_TYPES;
    long long layers;
    int rc = check_types(m, &layers, err);
    if (rc)
        return rc;
    layers = written >= 0 ? written : typed ? layers : SILENT_LAYERS;
    if (layers != m->n_layers)
        return ll_setting_fail(m, what, err, "expected kinds for %d layers, found %lld%s", m->n_layers,
                               layers, written < 0 && !typed ? " (where it is absent)" : "");
    for (int l = 0; l < m->n_layers; l++)
        if (strcmp(kind_of(m, l), local) && strcmp(kind_of(m, l), global))
            return ll_setting_fail(m, what, err,
                                   "layer %d: expected \"global\" or \"local\", found \"%.40s\"", l,
                                   kind_of(m, l));
    return LL_OK;
}

const struct ll_family ll_family_gpt_neo = {
    .name = "gpt_neo",
    .model_types = TYPES("gpt_neo"),
    .covers = "GPT-Neo, TinyStories",
    SETTINGS(settings),
    .check = check,
    .names = names,
    .norm = LL_NORM_LAYER,
    .o_bias = ALWAYS,
    .mlp_bias = ALWAYS,
    .mlp_times = 4,
    .positions = 1,
    .scores_unscaled = 1,
    .window = window_of_local_layers,
};
