/* gguf_setting.h - GGUF metadata as a source of settings: which keys an architecture has, what llama.cpp
 * takes for granted where one is absent, and what the presence of a tensor says.
 *
 * A key belongs to the architecture in front of it ("llama.rope.freq_base"); keys of another one have no
 * effect. All architectures share the rows of gguf_setting.c (dimensions, epsilon, rotation); a family's file
 * adds its own. What GGUF has no word for (the activation) is the family's default. Source: llama.cpp's
 * load_hparams, general and of each architecture; the figures in tests/fixtures/gguf/loader.inc are
 * llama.cpp's own. */
#ifndef LL_MODEL_GGUF_SETTING_H
#define LL_MODEL_GGUF_SETTING_H
#include "setting.h"

/* Where a key is absent: there is no such value, a default holds, the file is refused; or the file cannot say
 * it and the value is fixed. */
enum ll_gguf_absent { LL_GGUF_NONE, LL_GGUF_DEFAULT, LL_GGUF_REQUIRED, LL_GGUF_FIXED };

struct ll_gguf_row {
    enum ll_setting what;
    enum ll_gguf_absent absent;
    double value;       /* the default, or what is fixed */
    int zero_is_absent; /* a stored 0 says that there is no such value */
};

/* Rotation of layers with a window. */
enum ll_gguf_local {
    LL_LOCAL_SAME,     /* as in all layers */
    LL_LOCAL_BASE,     /* its own base where rope.freq_base_swa is stored; scaled as in all layers */
    LL_LOCAL_UNSCALED, /* its own base, not scaled */
};

/* How GGUF files of a family are known and read; arch NULL: the family does not come so. */
struct ll_gguf_family {
    const char *arch;    /* general.architecture */
    const char *with;    /* only files that hold this key, above 0: of several families of an architecture the
                            last one whose key is there is meant; NULL: files without any of those keys */
    const char *without; /* a key that, above 0, asks for mathematics that is not here; NULL: none */
    const struct ll_gguf_row *rows; /* beyond those that all architectures have */
    int n_rows;
    int paired_rows;    /* the converter reorders W_Q and W_K for rotation of neighbouring rows */
    int norms_complete; /* it adds 1 to the norms' weights */
    int experts_share;  /* absent, an expert's width is that of the MLP divided by the experts a token has */
    int own_head;       /* output.weight must be there; else its absence ties the head to the embedding */
    int wide_scale_layers; /* with so many layers scores are divided by sqrt(width / heads), not
                            * sqrt(d_head) */
    int window_left_out;   /* llama.cpp computes the file without its window; the user is told */
    enum ll_gguf_local local;
};

/* The family of a GGUF file into m->family. LL_OK, LL_EUNSUP (lists the architectures known) or LL_EUSAGE
 * (none is named). m->ckpt is open. */
int ll_gguf_find_family(struct ll_model *m, struct ll_err *err);
/* The architectures read, separated by ", ". */
struct ll_buf;
void ll_gguf_list_architectures(struct ll_buf *out);
/* Are the keys of m->family as they must be? LL_EUSAGE or LL_EUNSUP naming file, key, expected, found. */
int ll_gguf_check(const struct ll_model *m, struct ll_err *err);

/* Does GGUF itself answer for a meaning (a key, a tensor's presence, a fixed fact)? Then the readers below
 * do; else the family's default holds. */
int ll_gguf_answers(const struct ll_model *m, enum ll_setting what);
/* The value: stored, by a tensor, or what is taken for granted. 1 and *out, or 0: there is none. */
int ll_gguf_value(const struct ll_model *m, enum ll_setting what, double *out);
/* A text, borrowed, not NUL-terminated; 0: absent. */
int ll_gguf_text(const struct ll_model *m, enum ll_setting what, const char **s, unsigned long *n);
int ll_gguf_given(const struct ll_model *m, enum ll_setting what);
/* Entries of a list (-1: no list is stored), and one of them as a number. */
int ll_gguf_len(const struct ll_model *m, enum ll_setting what);
double ll_gguf_item(const struct ll_model *m, enum ll_setting what, int i);
/* "key llama.rope.freq_base": the one that counts, else the first that could; or "tensor output.weight". */
const char *ll_gguf_place(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PATH]);
#endif
