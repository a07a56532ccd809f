/* setting.h - what a family reads of its settings: meanings, the names they have in the family's config.json,
 * and the values that hold where a key is absent.
 *
 * A setting is read because the family has a row for its meaning; a key without a row has no effect, whatever
 * it says. One table (meaning.h) says of each meaning what kind of value it is and in which range, so a
 * family's rows hold names and defaults only. Readers ask by meaning and never by key: where a value comes
 * from (config.json; GGUF metadata: gguf_setting.h) is known here alone. Defaults and the order of two names:
 * the configuration classes of transformers 5.24. */
#ifndef LL_MODEL_SETTING_H
#define LL_MODEL_SETTING_H
#include "fail.h"

struct ll_model;

enum ll_setting {
    /* dimensions */
    LL_S_VOCAB,
    LL_S_D_MODEL,
    LL_S_D_MLP,
    LL_S_N_LAYERS,
    LL_S_N_HEADS,
    LL_S_N_KV_HEADS,
    LL_S_D_HEAD,
    LL_S_N_CTX,
    /* blocks */
    LL_S_EPS,
    LL_S_ACT,
    LL_S_TIED,
    LL_S_ATTN_BIAS,
    LL_S_MLP_BIAS,
    LL_S_PARALLEL,
    LL_S_QK_NORM,
    LL_S_NEW_DECODER,
    LL_S_MULTI_QUERY, /* Falcon's two older and newer layouts of heads */
    /* windows */
    LL_S_WINDOW,
    LL_S_USE_WINDOW,
    LL_S_WINDOW_LAYERS,
    LL_S_WINDOW_PATTERN,
    LL_S_LAYER_TYPES,
    LL_S_ATTENTION_TYPES,
    LL_S_ATTENTION_LAYERS, /* [[["global", "local"], 6], ...]; the same written out */
    /* positions */
    LL_S_ROPE,
    LL_S_ROPE_OLD,
    LL_S_ROPE_THETA,
    LL_S_ROPE_THETA_LOCAL,
    LL_S_ROPE_PART,
    LL_S_ROPE_ORIGINAL,
    LL_S_ROPE_DIMS, /* these six in GGUF only: values of a head that turn; in layers with a window, */
    LL_S_ROPE_DIMS_LOCAL,
    LL_S_ROPE_KIND, /* and how rotation is scaled */
    LL_S_ROPE_FACTOR,
    LL_S_ROPE_GAIN,
    LL_S_ROTATES, /* does anything turn at all? */
    LL_S_NO_ROPE_LAYERS,
    LL_S_NO_ROPE_EVERY,
    /* multipliers and caps */
    LL_S_EMB_SCALE,
    LL_S_RESID_SCALE,
    LL_S_ATTN_MULT,
    LL_S_ATTN_UNDER_ROOT,
    LL_S_LOGIT_SCALE,
    LL_S_LOGIT_DIV,
    LL_S_ATTN_CAP,
    LL_S_LOGIT_CAP,
    /* experts */
    LL_S_N_EXPERTS,
    LL_S_TOP_K,
    LL_S_D_EXPERT,
    LL_S_D_SHARED,
    LL_S_RENORMALISED,
    LL_S_EXPERT_STEP,
    LL_S_MLP_ONLY,
    /* switches to mathematics that is not here: rows of these are ONLY (families/rows.h) */
    LL_S_ALIBI,
    LL_S_QK_LAYERNORM,
    LL_S_BIDIRECTIONAL,
    LL_S_SCALE_BY_LAYER,
    LL_S_SCALE_SCORES,
    LL_S_CROSS_ATTENTION,
    LL_N_SETTINGS
};

/* What a key written down as null means. */
enum ll_null {
    LL_NULL_REFUSED, /* nothing: the family's configuration class refuses it */
    LL_NULL_NONE,    /* that there is no such value, even where a default exists */
};

/* One row of a family: written with the macros of families/rows.h. */
struct ll_setting_row {
    enum ll_setting what;
    const char
        *keys; /* names in config.json, "a|b": the first one that is there counts; NULL: the usual name */
    int has_default;  /* 0: absent means that there is no such value */
    double value;     /* the default: a number, or true or false as 1 or 0 */
    const char *text; /* the default of a text */
    enum ll_null null;
    int only_default; /* another value asks for mathematics that is not here */
    int outside;      /* in a wrapped model: stands in the outer object */
};

enum { LL_SETTING_PATH = 192 };

/* Are all values under the family's keys of the right kind, in range, and none that asks for what is not
 * here? Call it once m->ckpt, m->family and m->root are set; the readers below rely on it. LL_EUSAGE or
 * LL_EUNSUP naming the key. */
int ll_settings_of_family(const struct ll_model *m, struct ll_err *err);

/* The value of a meaning: what is stored, else the family's default. Return 1 and set *out; 0 (and *out as it
 * was) where the family has no such setting, or there is no value. Texts are borrowed from the model. */
int ll_setting_int(const struct ll_model *m, enum ll_setting what, int *out);
int ll_setting_num(const struct ll_model *m, enum ll_setting what, double *out);
const char *ll_setting_str(const struct ll_model *m, enum ll_setting what); /* NULL: none */
int ll_setting_on(const struct ll_model *m, enum ll_setting what);          /* 0 where there is no value */
/* Does the family have such a setting at all? */
int ll_setting_has(const struct ll_model *m, enum ll_setting what);
/* Stored (and not null)? */
int ll_setting_given(const struct ll_model *m, enum ll_setting what);
/* Lists: entries (-1: no list is stored), and one entry; the text "" or the number `fallback` where it is of
 * another kind. */
int ll_setting_len(const struct ll_model *m, enum ll_setting what);
const char *ll_setting_item_str(const struct ll_model *m, enum ll_setting what, int i);
long long ll_setting_item_int(const struct ll_model *m, enum ll_setting what, int i, long long fallback);
/* The key of a meaning as the container names it: the one that is stored, else the first that could be. For
 * messages and for what lies inside an object. */
const char *ll_setting_key(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PATH]);
/* Where it stands, in the container's words: "config.json: head_dim", "m.gguf: key
 * llama.attention.key_length". */
enum { LL_SETTING_PLACE = LL_SETTING_PATH + 300 };
const char *ll_setting_place(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PLACE]);
/* LL_EUSAGE or LL_EUNSUP: the place and a reason. */
int ll_setting_fail(const struct ll_model *m, enum ll_setting what, struct ll_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int ll_setting_refuse(const struct ll_model *m, enum ll_setting what, struct ll_err *err, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));
#endif
