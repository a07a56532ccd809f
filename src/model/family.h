/* family.h - what distinguishes the model families, one row each. Mathematics lives in forward.c and its neighbours; a
 * row says which of it applies and where the numbers are found. Names of weights and norms follow the field (W_Q, ln1,
 * ln2_post, ...). */
#ifndef LL_FAMILY_H
#define LL_FAMILY_H
#include "settings.h"

enum ll_norm_kind {
    LL_NORM_RMS,            /* x / rms * w */
    LL_NORM_RMS_PLUS_ONE,   /* x / rms * (1 + w) */
    LL_NORM_LAYER,          /* (x - mean) / std * w + b */
    LL_NORM_LAYER_NO_BIAS,  /* (x - mean) / std * w */
};
enum ll_act { LL_ACT_SILU, LL_ACT_GELU_TANH, LL_ACT_GELU_ERF };
/* Norm of q and k before rotation. */
enum ll_qk_norm {
    LL_QK_NONE,
    LL_QK_HEAD,             /* each head, one gain [d_head] for all */
    LL_QK_OWN,              /* each head, its own gain: [n_heads, d_head] */
    LL_QK_WIDE,             /* all heads of a row together: [n_heads * d_head] */
};
/* How W_Q, W_K, W_V lie in the checkpoint. */
enum ll_qkv {
    LL_QKV_APART,           /* three matrices */
    LL_QKV_STACKED,         /* one: the rows of q, then k, then v */
    LL_QKV_GROUPED,         /* one: for each key/value head the rows of its query heads, its k, its v */
};

/* Roles of tensors; a family's name table gives each role's name, the first %d being the layer, the second the expert.
 * "a|b": whichever the checkpoint holds. */
enum ll_role {
    LL_R_W_E, LL_R_W_POS, LL_R_W_U, LL_R_B_U, LL_R_LN_FINAL, LL_R_LN_FINAL_B,
    LL_R_LN1, LL_R_LN1_B, LL_R_LN1_POST, LL_R_LN2, LL_R_LN2_B, LL_R_LN2_POST,
    LL_R_W_Q, LL_R_W_K, LL_R_W_V, LL_R_W_O, LL_R_B_Q, LL_R_B_K, LL_R_B_V, LL_R_B_O, LL_R_Q_NORM, LL_R_K_NORM,
    LL_R_W_QKV, LL_R_B_QKV,                                   /* where row->qkv is not LL_QKV_APART */
    LL_R_W_GATE, LL_R_W_IN, LL_R_W_OUT, LL_R_B_GATE, LL_R_B_IN, LL_R_B_OUT,
    LL_R_W_GATE_IN,                                           /* the rows of W_gate, then of W_in */
    LL_R_ROUTER, LL_R_X_GATE, LL_R_X_IN, LL_R_X_OUT,          /* experts */
    LL_R_SHARED_MIX, LL_R_SHARED_GATE, LL_R_SHARED_IN, LL_R_SHARED_OUT,
    LL_N_ROLES
};

/* Is a part there? Never (all zero), always, where the setting `key` is true, or where the checkpoint holds its tensor. */
enum ll_when { LL_NEVER, LL_ALWAYS, LL_IF_KEY, LL_IF_STORED };
struct ll_part { enum ll_when when; const char *key; };

/* Names of the settings that hold the dimensions. */
struct ll_dim_keys { const char *n_layers, *d_model, *n_heads, *n_kv_heads, *d_mlp, *n_ctx; };

/* A tensor "strip..." may be stored as "put..." (wrappers, tools that keep or drop a prefix). */
struct ll_prefix { const char *strip, *put; };

struct ll_family {
    const char *name;               /* "llama" */
    const char *const *model_types; /* config.json model_type values, NULL at the end */
    const char *covers;             /* for `show` and the documentation */
    const char *wraps;              /* setting that holds the text model's settings in a multimodal checkpoint ("text_config") */
    const char *defaults;           /* members of a JSON object: settings the published configs leave out */
    const char *const *refused;     /* settings that, when true ("!key": when false), ask for mathematics not here; NULL: none */
    const struct ll_dim_keys *keys; /* NULL: the usual names */
    const struct ll_prefix *prefixes; /* tried in order, strip NULL at the end; NULL: names as they are */
    const char *const *names;       /* [LL_N_ROLES], NULL: the family has no such tensor */

    enum ll_norm_kind norm;
    int post_norms;                 /* norms after attention and MLP, before adding: a "post_norm" block */
    enum ll_qk_norm qk_norm;
    struct ll_part qk_norm_if;      /* when it is there; all zero: always */
    struct ll_part parallel;        /* attention and MLP both read the block's input */
    struct ll_part parallel_ln2;    /* a parallel block's MLP has its own norm; else it reads ln1's output */

    enum ll_qkv qkv;
    struct ll_part qkv_bias, o_bias, mlp_bias, head_bias;
    int transposed;                 /* matrices of the blocks stored [k, n] (GPT-2's Conv1D) */
    int (*n_kv_heads)(const struct ll_settings *s, int n_heads); /* NULL: keys->n_kv_heads, else n_heads */
    int d_head_default;             /* when head_dim is absent; 0: d_model / n_heads */
    int mlp_times;                  /* d_mlp in d_models when its setting is absent; 0: it must be there */
    enum ll_act act_default;
    const char *act_key;            /* setting that names the activation; NULL: act_default */

    int positions;                  /* learned positions, added to the embedding */
    int interleaved;                /* rotary pairs (2i, 2i+1) */
    int rope_by_type;               /* layers with a window have their own rotary settings */
    int (*no_rope)(const struct ll_settings *s, int layer); /* layers without rotation; NULL: none are */
    /* Sliding window of a layer in positions, 0 = all; for configs that do not list layer_types. */
    int (*window)(const struct ll_settings *s, int layer);
    int layer_types;                /* honours settings "layer_types" */

    int tied_by_default;            /* when tie_word_embeddings is absent */
    int emb_scale_sqrt_d;           /* embedding times sqrt(d_model) */
    const char *emb_scale_key, *resid_scale_key, *logit_scale_key; /* multipliers; NULL: none */
    const char *logit_div_key;      /* logits divided by this setting */
    const char *attn_scale_key;     /* scores times 1/sqrt(of this setting); NULL: of d_head */
    const char *attn_mult_key;      /* scores times this setting instead */
    const char *attn_cap_key, *logit_cap_key; /* soft caps; NULL: none */

    int (*experts)(const struct ll_settings *s, int layer); /* is this layer's MLP a mixture? NULL: none is */
    const char *d_expert_key;       /* setting with the width of an expert */
    const char *d_shared_key;       /* with that of the shared expert; NULL: no such */
    struct ll_part renormalised;    /* the chosen experts' weights divided by their sum */
};

/* Names of the roles in GGUF files, the same for all families; NULL: none. gguf_names.c */
extern const char *const ll_gguf_names[LL_N_ROLES];
extern const struct ll_family ll_families[];  /* name NULL at the end */
/* The row for these settings (model_type), or NULL. */
const struct ll_family *ll_family_find(const struct ll_settings *s);
/* Names of all known model types, separated by ", " (for the message about an unknown one). */
void ll_family_list(char *out, int size);
#endif
