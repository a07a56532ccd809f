/* session.h - what most commands need: a model, its tokenizer, an engine; and the options that choose them.
 */
#ifndef LL_SESSION_H
#define LL_SESSION_H
#include "lens.h"
#include "model.h"
#include "opt.h"
#include "record.h"
#include "token.h"
#include "token_names.h"

struct ll_common { /* option targets, defaults by LL_COMMON_DEFAULTS */
    int threads, quiet;
    const char *norm, *ln_bias, *head, *site;
};
#define LL_COMMON_DEFAULTS \
    { \
        .threads = 0, .quiet = 0, .norm = "final", .ln_bias = "keep", .head = "model", .site = "resid_post" \
    }
#define LL_OPT_THREADS(c) \
    { \
        "--threads", LL_OPT_INT, &(c).threads, "N", "threads, 0: all processors; no result depends on it", \
            0, 256, NULL \
    }
#define LL_OPT_QUIET(c) \
    { \
        "--quiet", LL_OPT_FLAG, &(c).quiet, NULL, "no progress bar and no talk on stderr", 0, 0, NULL \
    }
#define LL_OPT_NORM(c) \
    { \
        "--norm", LL_OPT_STR, &(c).norm, "KIND", "gain of the lens norm", 0, 0, LL_LENS_CHOICES \
    }
#define LL_OPT_LN_BIAS(c) \
    { \
        "--ln-bias", LL_OPT_STR, &(c).ln_bias, "WHAT", "bias of a LayerNorm at the rows before the last", 0, \
            0, "keep|drop" \
    }
#define LL_OPT_HEAD(c) \
    { \
        "--head", LL_OPT_STR, &(c).head, "WHICH", \
            "head of the lens rows: the model's, or without its multiplier and soft cap", 0, 0, "model|bare" \
    }
#define LL_OPT_SITE(c) \
    { \
        "--site", LL_OPT_STR, &(c).site, "POINT", "what rows 1..n decode", 0, 0, LL_SITE_CHOICES \
    }
#define LL_OPT_DEVICE(c) \
    { \
        "--device", LL_OPT_STR, &(c).device, "WHERE", \
            "this build computes on the CPU: cuda and mps are refused (show --plan --device asks about " \
            "them)", \
            0, 0, "auto|cuda|mps|cpu" \
    }
#define LL_OPT_NO_NORM(c) \
    { \
        "--no-norm-lens", LL_OPT_FLAG, &(c).no_norm_lens, NULL, \
            "the same as --norm raw (the original's USE_NORM_LENS off)", 0, 0, NULL \
    }
#define LL_OPT_FP32_UNEMBED(c) \
    { \
        "--fp32-unembed", LL_OPT_FLAG, &(c).fp32_unembed, NULL, \
            "unembed in float32, as is always done here (the original's USE_FP32_UNEMBED)", 0, 0, NULL \
    }
#define LL_OPT_END \
    { \
        NULL, LL_OPT_FLAG, NULL, NULL, NULL, 0, 0, NULL \
    }

struct ll_session {
    struct ll_model *model;   /* owned */
    struct ll_engine *engine; /* owned unless lent */
    struct ll_tokenizer *tok; /* owned; NULL: the checkpoint has none */
    struct ll_err tok_err;    /* why there is no tokenizer */
    int engine_lent;
};
/* engine: use this one (borrowed), or NULL to make one with `threads`. */
int ll_session_open(struct ll_session *s, const char *model, struct ll_engine *engine, int threads,
                    struct ll_err *err);
void ll_session_close(struct ll_session *s);

/* Facts about the model for every output. info's strings are borrowed from the session and from `keep`, which
 * the caller frees with ll_buf_free after use. */
struct ll_info_text {
    char identity[65];
    char types[128];
};
int ll_session_info(const struct ll_session *s, enum ll_lens_kind lens, struct ll_model_info *info,
                    struct ll_info_text *keep, struct ll_err *err);
/* Does what --device says exist here? NULL, auto, cpu: LL_OK; else LL_EFIT. */
int ll_device_check(const char *device, struct ll_err *err);
/* Display text of one id, tokenizer or not; appended. */
void ll_session_show(const struct ll_session *s, int id, struct ll_buf *out);
/* The same for whoever writes outputs; s must outlive it. */
struct ll_token_names ll_session_names(const struct ll_session *s);
/* The raw bytes of one id, appended: what joins to text; a special token's own spelling; "<id N>" without a
 * tokenizer. */
void ll_session_bytes(const struct ll_session *s, int id, struct ll_buf *out);
/* One line on stderr when the lens kind distorts. */
void ll_warn_lens(enum ll_lens_kind lens, int quiet);
/* The notes of the model's checkpoint (ckpt.h), each as one line on stderr. */
void ll_warn_notes(const struct ll_model *m, int quiet);
/* One line on stderr when a prompt of n tokens is longer than the model was made for. */
void ll_warn_length(const struct ll_session *s, int n, int quiet);
/* Lines on stderr about what the numbers will not mean: the checkpoint's notes, a lens kind that distorts, a
 * prompt of n tokens beyond the context. */
void ll_session_warn(const struct ll_session *s, enum ll_lens_kind lens, int n, int quiet);
/* "1,2,3", "1 2 3" or "[1, 2, 3]" -> ids; LL_EUSAGE for anything else. */
int ll_parse_ids(const char *s, struct ll_ids *ids, struct ll_err *err);
#endif
