/* family.h - what distinguishes the model families, one row each. Mathematics lives in forward.c; a row says which of
 * it applies and where the numbers are found. Names of weights and norms follow the field (W_Q, ln1, ln2_post, ...). */
#ifndef LL_FAMILY_H
#define LL_FAMILY_H
#include "settings.h"

enum ll_norm_kind { LL_NORM_RMS, LL_NORM_RMS_PLUS_ONE };  /* x/rms * w; x/rms * (1 + w) */
enum ll_act { LL_ACT_SILU, LL_ACT_GELU_TANH, LL_ACT_GELU_ERF };

/* Roles of tensors; a family's name table gives each role's name, %d being the layer. */
enum ll_role {
    LL_R_W_E, LL_R_W_U, LL_R_LN_FINAL,
    LL_R_LN1, LL_R_LN1_POST, LL_R_LN2, LL_R_LN2_POST,
    LL_R_W_Q, LL_R_W_K, LL_R_W_V, LL_R_W_O, LL_R_B_Q, LL_R_B_K, LL_R_B_V, LL_R_B_O, LL_R_Q_NORM, LL_R_K_NORM,
    LL_R_W_GATE, LL_R_W_IN, LL_R_W_OUT, LL_R_B_GATE, LL_R_B_IN, LL_R_B_OUT,
    LL_N_ROLES
};

enum ll_when { LL_NEVER, LL_ALWAYS, LL_IF_KEY };  /* is a part there? LL_IF_KEY: where the setting says so */

struct ll_family {
    const char *name;               /* "llama" */
    const char *const *model_types; /* config.json model_type values, NULL at the end */
    const char *covers;             /* for `show` and the documentation */
    const char *const *names;       /* [LL_N_ROLES], NULL: the family has no such tensor */
    enum ll_norm_kind norm;
    enum ll_when qkv_bias, o_bias;  /* LL_IF_KEY: attention_bias */
    enum ll_when mlp_bias;          /* LL_IF_KEY: mlp_bias */
    int post_norms;                 /* norms after attention and MLP, before adding: a "post_norm" block */
    int qk_norm;                    /* RMS norm of each head of q and k before rotation */
    int emb_scale_sqrt_d;           /* embedding times sqrt(d_model) */
    int tied_by_default;            /* when tie_word_embeddings is absent */
    int d_head_default;             /* when head_dim is absent; 0: d_model / n_heads */
    enum ll_act act_default;
    const char *act_key;            /* setting that names the activation */
    const char *attn_scale_key;     /* scores times 1/sqrt(of this setting); NULL: of d_head */
    const char *attn_cap_key, *logit_cap_key; /* soft caps; NULL: none */
    /* Sliding window of a layer in positions, 0 = all; for configs that do not list layer_types. */
    int (*window)(const struct ll_settings *s, int layer);
    int layer_types;                /* honours settings "layer_types" */
};

/* Names of the roles in GGUF files, the same for all families; NULL: none. gguf_names.c */
extern const char *const ll_gguf_names[LL_N_ROLES];
extern const struct ll_family ll_families[];  /* name NULL at the end */
/* The row for these settings (model_type), or NULL. */
const struct ll_family *ll_family_find(const struct ll_settings *s);
/* Names of all known model types, separated by ", " (for the message about an unknown one). */
void ll_family_list(char *out, int size);
#endif
