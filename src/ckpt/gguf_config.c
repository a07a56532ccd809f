/* gguf_config.c - a GGUF model's metadata under the names of config.json (see gguf.h), by three tables: architectures,
 * keys, and what the presence of a tensor says. Source: ggml's docs/gguf.md; llama.cpp's convert_hf_to_gguf.py (what it
 * writes for which setting) and llama-model.cpp (what it takes for granted where the file is silent). */
#include "ckpt.h"
#include "gguf.h"
#include "json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct arch {
    const char *name;          /* general.architecture */
    const char *model_type;    /* of config.json */
    const char *windowed_type; /* the same with attention.sliding_window present; NULL: no other */
    const char *experts_type;  /* the same with experts; NULL: not read */
    int paired_rows;           /* the converter reorders W_Q and W_K for rotation of neighbouring rows */
    int norms_complete;        /* it adds 1 to the norms' weights */
    int wide_scale_layers;     /* with so many layers queries are scaled by 1/sqrt(width / heads): Gemma's 27B */
    const char *silent;        /* members of a JSON object: what the file does not say because llama.cpp knows it */
} archs[] = {
    {"llama", "llama", "mistral", "mixtral", 1, 0, 0, ""}, /* Llama 1 to 3, Mistral, Yi, TinyLlama, ... */
    {"qwen2", "qwen2", NULL, NULL, 0, 0, 0, ""},
    {"qwen3", "qwen3", NULL, NULL, 0, 0, 0, ""},
    {"gemma", "gemma", NULL, NULL, 0, 1, 0, ""},
    {"gemma2", "gemma2", NULL, NULL, 0, 1, 46, ""},
    {"gemma3", "gemma3_text", NULL, NULL, 0, 1, 62, "\"sliding_window_pattern\":6,\"rope_local_base_freq\":10000"},
    {"phi3", "phi3", NULL, NULL, 0, 0, 0, ""},
    {"olmo2", "olmo2", NULL, NULL, 0, 0, 0, ""},
    {"granite", "granite", NULL, NULL, 1, 0, 0, ""},
    {"gpt2", "gpt2", NULL, NULL, 0, 0, 0, ""},
    {"phi2", "phi", NULL, NULL, 0, 0, 0, ""},
    {"stablelm", "stablelm", NULL, NULL, 0, 0, 0, ""},
    {"qwen3moe", "qwen3_moe", NULL, "qwen3_moe", 0, 0, 0, "\"norm_topk_prob\":true"},
};

const char *ll_gguf_architecture(int i) { return i >= 0 && (size_t)i < sizeof archs / sizeof *archs ? archs[i].name : NULL; }

enum need { OPTIONAL, REQUIRED };
static const struct row {
    const char *gguf, *hf; /* after "<architecture>."; setting */
    enum need need;
} rows[] = {
    {"block_count", "num_hidden_layers", REQUIRED},
    {"embedding_length", "hidden_size", REQUIRED},
    {"feed_forward_length", "intermediate_size", REQUIRED},
    {"attention.head_count", "num_attention_heads", REQUIRED},
    {"attention.head_count_kv", "num_key_value_heads", OPTIONAL},
    {"attention.key_length", "head_dim", OPTIONAL},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", OPTIONAL},
    {"attention.layer_norm_epsilon", "layer_norm_eps", OPTIONAL},
    {"attention.layer_norm_rms_epsilon", "norm_eps", OPTIONAL}, /* the name under which either is read */
    {"attention.layer_norm_epsilon", "norm_eps", OPTIONAL},
    {"attention.sliding_window", "sliding_window", OPTIONAL},
    {"attn_logit_softcapping", "attn_logit_softcapping", OPTIONAL},
    {"final_logit_softcapping", "final_logit_softcapping", OPTIONAL},
    {"context_length", "max_position_embeddings", OPTIONAL},
    {"rope.freq_base", "rope_theta", OPTIONAL},
    {"rope.freq_base_swa", "rope_local_base_freq", OPTIONAL},
    {"attention.sliding_window_pattern", "sliding_window_pattern", OPTIONAL},
    {"expert_count", "num_experts", OPTIONAL},
    {"expert_used_count", "num_experts_per_tok", OPTIONAL},
    {"expert_feed_forward_length", "moe_intermediate_size", OPTIONAL},
    {"embedding_scale", "embedding_multiplier", OPTIONAL},
    {"residual_scale", "residual_multiplier", OPTIONAL},
    {"attention.scale", "attention_multiplier", OPTIONAL},
    {"logit_scale", "logits_scaling", OPTIONAL}, /* Granite's: logits are divided by it */
    {"rope.scaling.original_context_length", "original_max_position_embeddings", OPTIONAL},
};

/* Settings that follow from a tensor's being there. */
static const struct { const char *tensor, *hf; int when_there; } signs[] = {
    {"output.weight", "tie_word_embeddings", 0},
    {"blk.0.attn_q.bias", "attention_bias", 1},
    {"blk.0.attn_q.bias", "use_qkv_bias", 1},
    {"blk.0.ffn_up.bias", "mlp_bias", 1},
};

struct work {
    const struct ll_gguf *g;
    const char *file;
    const struct arch *arch;
    struct ll_json *j;
    struct ll_err *err;
};

/* "<architecture>.<suffix>" or, for suffixes with their own prefix, as it is. */
static const struct ll_gguf_kv *find(const struct work *w, const char *suffix)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", w->arch->name, suffix);
    return ll_gguf_find(w->g, key);
}

/* float32 numbers as the shortest decimal that reads back to them: 1e-05, not 9.99999974737875e-06. */
static double as_written(const struct ll_gguf_kv *kv, double v)
{
    char text[40];
    for (int digits = 1; kv->type == LL_GGUF_F32 && digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtof(text, NULL) == (float)v)
            return strtod(text, NULL);
    }
    return v;
}

/* The number at a key; of a list (one a layer) the number they all are. */
static int one_number(const struct work *w, const char *suffix, const struct ll_gguf_kv *kv, double *out)
{
    double v;
    for (uint64_t i = 0; i < kv->n; i++) {
        if (!ll_gguf_num(kv, i, &v) || !isfinite(v))
            return ll_fail(w->err, LL_EUSAGE, "%s: key %s.%s: expected a number, found %s%s", w->file, w->arch->name, suffix, kv->type == LL_GGUF_F32 ? "none in " : "",
                           ll_gguf_type_name(kv->type));
        if (i && v != *out)
            return ll_fail(w->err, LL_EUNSUP, "%s: key %s.%s: values that differ between layers are not supported", w->file, w->arch->name, suffix);
        *out = v;
    }
    if (!kv->n)
        return ll_fail(w->err, LL_EUSAGE, "%s: key %s.%s: expected a number, found an empty list", w->file, w->arch->name, suffix);
    return LL_OK;
}

static int put_row(const struct work *w, const struct row *r)
{
    const struct ll_gguf_kv *kv = find(w, r->gguf);
    double v = 0;
    if (!kv)
        return r->need == REQUIRED ? ll_fail(w->err, LL_EUSAGE, "%s: key %s.%s: expected a number, found no such key", w->file, w->arch->name, r->gguf) : LL_OK;
    int rc = one_number(w, r->gguf, kv, &v);
    if (!rc)
        ll_json_num(w->j, r->hf, as_written(kv, v));
    return rc;
}

/* A tensor of a few numbers as a list, each times `factor`. */
static int put_list(const struct work *w, const char *key, const struct ll_tensor *t, double factor)
{
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    if (t->n_dims != 1 || d->block != 1 || t->dims[0] > 4096)
        return ll_fail(w->err, LL_EUSAGE, "%s: tensor %s: expected a short list of numbers, found %d dimensions of %s", w->file, t->name, t->n_dims, d->name);
    ll_json_arr_flat(w->j, key);
    for (int64_t i = 0; i < t->dims[0]; i++) {
        float v;
        d->to_f32(t->data + i * d->block_bytes, &v, 1);
        ll_json_num(w->j, NULL, (double)v * factor);
    }
    ll_json_end(w->j);
    return LL_OK;
}

/* Rotation: divisors stored as a tensor (each times the factor of linear scaling), or as two (long and short sequences), or
 * a kind that rope.c knows by name. */
static int put_rope(const struct work *w, ll_gguf_lookup *tensor, const void *arg)
{
    const struct ll_tensor *divisors = tensor(arg, "rope_freqs.weight"), *longs = tensor(arg, "rope_factors_long.weight"), *shorts = tensor(arg, "rope_factors_short.weight");
    const struct ll_gguf_kv *kv = find(w, "rope.scaling.factor"), *gain = find(w, "rope.scaling.attn_factor");
    const char *kind = "none";
    size_t len = 4;
    double factor = 1, v = 0;
    int rc = kv ? one_number(w, "rope.scaling.factor", kv, &factor) : LL_OK;
    if (rc)
        return rc;
    ll_gguf_str(find(w, "rope.scaling.type"), 0, &kind, &len);
    int plain = len == 4 && !memcmp(kind, "none", 4), linear = len == 6 && !memcmp(kind, "linear", 6);
    if (plain && !divisors && !(longs && shorts))
        return LL_OK;
    if (divisors && !plain && !linear)
        return ll_fail(w->err, LL_EUNSUP, "%s: rope_freqs.weight together with rope scaling \"%.*s\" is not supported", w->file, (int)(len < 40 ? len : 40), kind);
    ll_json_obj(w->j, "rope_scaling");
    if (divisors) {
        ll_json_cstr(w->j, "rope_type", "divisors");
        rc = put_list(w, "divisors", divisors, linear ? factor : 1);
    } else if (longs && shorts) {
        ll_json_cstr(w->j, "rope_type", "longrope");
        rc = put_list(w, "long_factor", longs, 1);
        rc = rc ? rc : put_list(w, "short_factor", shorts, 1);
        if (ll_gguf_num(gain, 0, &v) && isfinite(v))
            ll_json_num(w->j, "attention_factor", as_written(gain, v));
    } else {
        ll_json_str(w->j, "rope_type", kind, len);
        ll_json_num(w->j, "factor", kv ? as_written(kv, factor) : factor);
    }
    ll_json_end(w->j);
    return rc;
}

/* What is not read from GGUF; and how much of a head turns, which follows from the same numbers. */
static int check_widths(const struct work *w)
{
    double k = 0, v = 0, experts = 0, rot = 0;
    const struct ll_gguf_kv *kk = find(w, "attention.key_length"), *kv = find(w, "attention.value_length"), *ke = find(w, "expert_count"), *kr = find(w, "rope.dimension_count");
    const struct ll_gguf_kv *kd = find(w, "embedding_length"), *kh = find(w, "attention.head_count");
    double d = 0, h = 0;
    if (ll_gguf_num(ke, 0, &experts) && experts > 0 && !w->arch->experts_type)
        return ll_fail(w->err, LL_EUNSUP, "%s: key %s.expert_count: a mixture of experts is not supported here (found %g)", w->file, w->arch->name, experts);
    if (ll_gguf_num(kk, 0, &k) && ll_gguf_num(kv, 0, &v) && k != v)
        return ll_fail(w->err, LL_EUNSUP, "%s: key %s.attention.value_length: expected that of keys, %g, found %g", w->file, w->arch->name, k, v);
    if (!kk && ll_gguf_num(kd, 0, &d) && ll_gguf_num(kh, 0, &h) && h > 0)
        k = d / h;
    if (ll_gguf_num(kr, 0, &rot) && k > 0 && rot != k)
        ll_json_num(w->j, "partial_rotary_factor", rot / k);
    return LL_OK;
}

static int put_all(struct work *w, ll_gguf_lookup *tensor, const void *arg)
{
    const struct ll_gguf_kv *window = find(w, "attention.sliding_window");
    const struct ll_tensor *emb = tensor(arg, "token_embd.weight");
    double width = 0;
    int rc = check_widths(w);
    if (rc)
        return rc;
    int windowed = w->arch->windowed_type && ll_gguf_num(window, 0, &width) && width > 0;
    double experts = 0;
    int mixed = w->arch->experts_type && ll_gguf_num(find(w, "expert_count"), 0, &experts) && experts > 0;
    ll_json_cstr(w->j, "model_type", mixed ? w->arch->experts_type : windowed ? w->arch->windowed_type : w->arch->model_type);
    if (*w->arch->silent)
        ll_buf_addf(w->j->out, ",%s", w->arch->silent); /* in front: of equal keys the last one counts */
    double context = 0;
    ll_json_num(w->j, "rope_theta", 10000); /* llama.cpp's own, whatever the model: a stored one comes later and counts */
    if (ll_gguf_num(find(w, "context_length"), 0, &context) && context >= 1 && context <= 2147483647.0)
        ll_json_num(w->j, "original_max_position_embeddings", context);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !rc; i++)
        rc = put_row(w, &rows[i]);
    if (rc)
        return rc;
    if (!find(w, "attention.layer_norm_rms_epsilon") && !find(w, "attention.layer_norm_epsilon"))
        return ll_fail(w->err, LL_EUSAGE, "%s: key %s.attention.layer_norm_rms_epsilon or .layer_norm_epsilon: expected a number, found neither", w->file, w->arch->name);
    if (emb && emb->n_dims == 2)
        ll_json_int(w->j, "vocab_size", emb->dims[0]);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        ll_json_bool(w->j, signs[i].hf, (tensor(arg, signs[i].tensor) != NULL) == signs[i].when_there);
    int parallel;
    if (ll_gguf_bool(find(w, "use_parallel_residual"), 0, &parallel))
        ll_json_bool(w->j, "use_parallel_residual", parallel);
    double layers = 0, d = 0, heads = 0, width_k = 0;
    if (w->arch->wide_scale_layers && ll_gguf_num(find(w, "block_count"), 0, &layers) && ll_gguf_num(find(w, "embedding_length"), 0, &d) &&
        ll_gguf_num(find(w, "attention.head_count"), 0, &heads) && heads > 0) {
        if (layers == w->arch->wide_scale_layers)
            ll_json_num(w->j, "query_pre_attn_scalar", d / heads);
        else if (ll_gguf_num(find(w, "attention.key_length"), 0, &width_k))
            ll_json_num(w->j, "query_pre_attn_scalar", width_k);
    }
    if ((rc = put_rope(w, tensor, arg)))
        return rc;
    ll_json_obj(w->j, "gguf");
    ll_json_cstr(w->j, "architecture", w->arch->name);
    ll_json_bool(w->j, "paired_rows", w->arch->paired_rows);
    ll_json_bool(w->j, "norms_complete", w->arch->norms_complete);
    ll_json_end(w->j);
    return LL_OK;
}

static int find_arch(struct work *w)
{
    const char *name;
    size_t len;
    char known[256] = "";
    if (!ll_gguf_get_str(w->g, "general.architecture", &name, &len))
        return ll_fail(w->err, LL_EUSAGE, "%s: key general.architecture: expected a string, found none", w->file);
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        if (len == strlen(archs[i].name) && !memcmp(name, archs[i].name, len))
            return w->arch = &archs[i], LL_OK;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", archs[i].name);
    }
    struct ll_buf shown = {0};
    ll_json_quote(&shown, name, len < 60 ? len : 60);
    ll_fail(w->err, LL_EUNSUP, "%s: general.architecture %s is not supported; known: %s", w->file, ll_buf_str(&shown), known);
    ll_buf_free(&shown);
    return LL_EUNSUP;
}

int ll_gguf_settings(struct ll_settings **s, const struct ll_gguf *g, const char *file, ll_gguf_lookup *tensor, const void *arg, struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_json j;
    struct work w = {.g = g, .file = file, .j = &j, .err = err};
    *s = NULL;
    int rc = find_arch(&w);
    if (!rc) {
        ll_json_init(&j, &text);
        ll_json_obj(&j, NULL);
        rc = put_all(&w, tensor, arg);
    }
    if (!rc) {
        ll_json_end(&j);
        rc = ll_buf_ok(&text, err);
    }
    if (!rc)
        rc = ll_settings_parse(s, file, ll_buf_str(&text), text.len, err);
    ll_buf_free(&text);
    return rc;
}
