/* family.h - what distinguishes the model families: a file each in families/, which holds all of it.
 * Mathematics lives in forward.c and blocks/; a family says which of it applies, and under which names
 * its settings (setting.h) and tensors are found. Names of weights and norms follow the field (W_Q, ln1,
 * ln2_post, ...). Sources: transformers' configuration and modeling code of each family; checked against
 * reference activations (tests/oracle). */
#ifndef LL_FAMILY_H
#define LL_FAMILY_H
#include "gguf_setting.h"
#include "setting.h"
#include "settings.h"

enum {
    LL_MAX_LAYERS = 4096,
    LL_MAX_WIDTH = 1 << 20,
    LL_MAX_VOCAB = 1 << 24,
    LL_MAX_EXPERTS = 4096,
    LL_MAX_D_HEAD = 1024
};

enum ll_norm_kind {
    LL_NORM_RMS,           /* x / rms * w */
    LL_NORM_RMS_PLUS_ONE,  /* x / rms * (1 + w) */
    LL_NORM_LAYER,         /* (x - mean) / std * w + b */
    LL_NORM_LAYER_NO_BIAS, /* (x - mean) / std * w */
};
enum ll_act { LL_ACT_SILU, LL_ACT_GELU_TANH, LL_ACT_GELU_ERF, LL_ACT_QUICK_GELU, LL_ACT_RELU, LL_ACT_RELU2 };
/* Norm of q and k before rotation. */
enum ll_qk_norm {
    LL_QK_NONE,
    LL_QK_HEAD_ONE_GAIN, /* each head, one gain [d_head] for all heads */
    LL_QK_HEAD_OWN_GAIN, /* each head, each with its own gain: [n_heads, d_head] */
    LL_QK_ALL_HEADS,     /* all heads of a row together: [n_heads * d_head] */
};
/* How W_Q, W_K, W_V lie in the checkpoint. */
enum ll_qkv {
    LL_QKV_APART,   /* three matrices */
    LL_QKV_STACKED, /* one: the rows of q, then k, then v */
    LL_QKV_GROUPED, /* one: for each key/value head the rows of its query heads, its k, its v */
};

/* Roles of tensors; a family's name table gives each role's name, the first %d being the layer, the second
 * the expert. "a|b": whichever the checkpoint holds. */
enum ll_role {
    LL_R_W_E,
    LL_R_W_POS,
    LL_R_W_U,
    LL_R_B_U,
    LL_R_LN_FINAL,
    LL_R_LN_FINAL_B,
    LL_R_LN1,
    LL_R_LN1_B,
    LL_R_LN1_POST,
    LL_R_LN2,
    LL_R_LN2_B,
    LL_R_LN2_POST,
    LL_R_W_Q,
    LL_R_W_K,
    LL_R_W_V,
    LL_R_W_O,
    LL_R_B_Q,
    LL_R_B_K,
    LL_R_B_V,
    LL_R_B_O,
    LL_R_Q_NORM,
    LL_R_K_NORM,
    LL_R_W_QKV,
    LL_R_B_QKV, /* where row->qkv is not LL_QKV_APART */
    LL_R_W_GATE,
    LL_R_W_IN,
    LL_R_W_OUT,
    LL_R_B_GATE,
    LL_R_B_IN,
    LL_R_B_OUT,
    LL_R_W_GATE_IN, /* the rows of W_gate, then of W_in */
    LL_R_ROUTER,
    LL_R_X_GATE,
    LL_R_X_IN,
    LL_R_X_OUT, /* experts */
    LL_R_SHARED_ROUTER,
    LL_R_SHARED_GATE,
    LL_R_SHARED_IN,
    LL_R_SHARED_OUT,
    LL_N_ROLES
};

/* Is a part there? Never (all zero), always, where a setting is true, or where the checkpoint holds its
 * tensor. */
enum ll_when { LL_NEVER, LL_ALWAYS, LL_IF_SET, LL_IF_STORED };
struct ll_part {
    enum ll_when when;
    enum ll_setting what;
};

/* Another name of a kind of rotary scaling. */
struct ll_rope_alias {
    const char *name, *kind;
};

/* What layer_types calls a layer with a window. */
#define LL_SLIDING "sliding_attention"

struct ll_family {
    const char *name;               /* "llama" */
    const char *const *model_types; /* config.json model_type values, NULL at the end */
    const char *covers;             /* for `show` and the documentation */
    const char *wraps; /* object that holds the text model's settings ("text_config"); NULL: they stand at top
                          level */
    const char *const *wrapped_types;      /* what model_type may say inside, if anything */
    const struct ll_setting_row *settings; /* what is read of config.json, n_settings rows */
    int n_settings;
    int (*check)(const struct ll_model *m,
                 struct ll_err *err); /* what the rows cannot say, once dimensions are known; NULL: nothing */
    const char *const *names; /* [LL_N_ROLES], NULL: the family has no such tensor; what stands in front of
                               * them or inside (wrappers, a body without its root) is found by names.h */

    enum ll_norm_kind norm;
    int post_norms; /* norms after attention and MLP, before adding: a "post_norm" block */
    enum ll_qk_norm qk_norm;
    struct ll_part qk_norm_if;   /* when it is there; all zero: always */
    struct ll_part parallel;     /* attention and MLP both read the block's input */
    struct ll_part parallel_ln2; /* a parallel block's MLP has its own norm; else it reads ln1's output */

    enum ll_qkv qkv;
    struct ll_part qkv_bias, o_bias, mlp_bias, head_bias;
    int transposed;                              /* matrices of the blocks stored [k, n] (GPT-2's Conv1D) */
    int (*n_kv_heads)(const struct ll_model *m); /* NULL: the setting, else n_heads */
    int mlp_times;                               /* d_mlp in d_models when its setting is absent */
    int gelu_means_tanh;                         /* the activation called gelu is the tanh form here */

    int positions;                            /* learned positions, added to the embedding */
    int interleaved;                          /* rotary pairs (2i, 2i+1) */
    int rope_by_type;                         /* layers with a window have their own rotary settings */
    const struct ll_rope_alias *rope_aliases; /* name NULL at the end; NULL: none */
    int (*no_rope)(const struct ll_model *m, int layer); /* layers without rotation; NULL: none are */
    /* Sliding window of a layer in positions, 0 = all; where no layer_types are given. NULL: no layer has
     * one. */
    int (*window)(const struct ll_model *m, int layer);

    int emb_scale_sqrt_d; /* embedding times sqrt(d_model) */
    int scores_unscaled;  /* scores are not divided by sqrt(d_head) */
    int (*experts)(const struct ll_model *m,
                   int layer);   /* has this layer experts in place of an MLP? NULL: none has */
    struct ll_part renormalised; /* the chosen experts' weights divided by their sum */
    struct ll_gguf_family gguf;  /* how GGUF files of it are read */
};

/* Names of the roles in GGUF files, the same for all families; NULL: none. gguf_names.c */
extern const char *const ll_gguf_names[LL_N_ROLES];
extern const struct ll_family *const ll_families[]; /* families/families.c; NULL at the end */
/* The family of a model_type, or NULL. */
const struct ll_family *ll_family_find(const char *model_type);
/* Names of all known model types, separated by ", " (for the message about an unknown one). */
void ll_family_list(char *out, int size);
#endif
