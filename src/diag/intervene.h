/* intervene.h - listeners that write: what does the model do when part of it is silenced, replaced or pushed?
 *
 * One intervention is one line of text:
 *     zero:POINT                 what the point shows becomes 0
 *     mean:POINT                 each value becomes its mean over the positions of its own sequence
 *     patch:POINT=SOURCE         replaced by the source's activation at the same point and position
 *     steer:POINT=SOURCE*F       F times the source's last position is added to each (F 1 when left out); F 0
 *                                changes no bit
 *     skip:L                     block L passes the stream through unchanged
 *     swap:A,B                   blocks A and B trade places
 * POINT is a name of hook.h with what part of it:
 *     blocks.3.hook_attn_out     attn_out (without a layer: in every block)
 *     blocks.3.attn.hook_z[2]    one head (q, k, v, rot_q, rot_k, z, attn_scores, pattern), one neuron (pre,
 *                                pre_linear, post) or one dimension (points of width d_model)
 *     ...@pos=4                  one position; -1: the last of each sequence
 * SOURCE is a file (*.safetensors with the point's full name as key, or with one tensor only; *.bin as `dump
 * --bin` writes), "diff:PROMPT|PROMPT" (the first's last position minus the second's), "ids:1,2,3" or
 * anything else: a prompt. steer takes one row (of a prompt its last position); patch as many as the sequence
 * has positions, or at @pos one.
 *
 * Points after the last residual (ln_final, logits) are refused, because the lens's last row would no longer
 * be the model's own output; so are the norms' scales, which nothing reads. attn_scores and pattern take zero
 * only, where a query may look. Interventions apply in the order given. They work in batches of sequences
 * (sweep.h, extra) and leave the model alone.
 *
 *     struct ll_intervene iv = {0};
 *     ll_intervene_parse(&iv, "zero:blocks.3.hook_attn_out", err);    as often as wanted
 *     ll_intervene_ready(&iv, model, engine, &prompts, err);          reads sources, checks all
 *     sweep.model = iv.model; extra[0] = ll_intervene_listener(&iv);
 *
 * iv.model is the model, with swapped blocks if any. */
#ifndef LL_INTERVENE_H
#define LL_INTERVENE_H
#include "forward.h"

enum ll_intervene_kind { LL_IV_ZERO, LL_IV_MEAN, LL_IV_PATCH, LL_IV_STEER, LL_IV_SKIP, LL_IV_SWAP, LL_N_IV };

struct ll_intervention {
    char *spec; /* as given; owned */
    enum ll_intervene_kind kind;
    int hook, layer; /* layer -1: every block, or a point outside. skip, swap: layer, other */
    int other;
    int index;          /* head, neuron or dimension; -1: all */
    int has_pos, pos;   /* has_pos 0: all positions; pos < 0 counts from the end */
    const char *source; /* inside spec; NULL: none */
    size_t n_source;    /* its length, without the factor */
    double factor;
    float *values; /* [n_rows, width] from the source; owned */
    int n_rows, width;
};

struct ll_intervene {
    struct ll_intervention *v;
    int n;                        /* owned */
    const struct ll_model *model; /* what to run: the model given, or the copy below; borrowed or own */
    struct ll_model *copy;        /* owned: a variant that shares all weights */
    float *saved;
    size_t n_saved; /* rows of a skipped block on their way round it; owned */
    double *mean;
    size_t n_mean; /* owned */
};

/* How prompts in sources become ids (diag knows no tokenizer). *ids: allocated with malloc, freed by the
 * caller. */
struct ll_intervene_prompts {
    int (*encode)(void *arg, const char *text, size_t n, int **ids, int *n_ids, struct ll_err *err);
    void *arg;
};

/* Add one. Reads the text only. LL_OK, LL_EUSAGE (names the part at fault, expected and found), LL_EFAIL. */
int ll_intervene_parse(struct ll_intervene *iv, const char *spec, struct ll_err *err);
/* 1: its source is a file (source[0..n_source) is the path). */
int ll_intervene_is_file(const struct ll_intervention *v);
/* Check all against the model, read files, run source prompts through the model as it is (no other
 * interventions). prompts may be NULL: then a source that needs them is refused. LL_OK, LL_EUSAGE, LL_EUNSUP,
 * LL_EFAIL. Once. */
int ll_intervene_ready(struct ll_intervene *iv, const struct ll_model *model, struct ll_engine *engine,
                       const struct ll_intervene_prompts *prompts, struct ll_err *err);
/* Does every intervention meet a sequence of n_ids tokens (positions, rows of sources)? LL_OK or LL_EUSAGE. A
 * sweep over prompts of many lengths need not ask: what lies outside a sequence is left alone there. */
int ll_intervene_fits(const struct ll_intervene *iv, int n_ids, struct ll_err *err);
/* hooks 0 when there is nothing to do. Borrows iv; one pass at a time. */
struct ll_listener ll_intervene_listener(struct ll_intervene *iv);
void ll_intervene_free(struct ll_intervene *iv); /* {0} is fine */
#endif
