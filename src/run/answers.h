/* answers.h - the accepted answers of one prompt: ids, which of them are tracked at the last position, and
 * the probability of whole answers at every lens row by teacher forcing.
 *
 *     ln p(a_1 .. a_m | prompt) at row l = sum over i of ln p_l(a_i | prompt a_1 .. a_(i-1))
 *
 * each factor read at row l of the position before a_i. Where appended tokens change no earlier row
 * (attention is causal), prompt and the answer's first m-1 tokens run once and the last m positions are read.
 * Where they do (a rotation that depends on the length), each factor has a run of its own, so that it is what
 * the model says at that length. One token needs no run. Source: the usual scoring of continuations (Brown et
 * al. 2020, section 2.4), here at every layer. */
#ifndef LL_ANSWERS_H
#define LL_ANSWERS_H
#include "experiment.h"
#include "prompts.h"
#include "answer_figures.h"
#include "sweep.h"

struct ll_answer {
    struct ll_ids ids;   /* owned; empty: unresolved */
    struct ll_ids run;   /* owned; prompt and answer without its last token; empty: needs no run */
    int n_runs, n_taken; /* 1, or one a token; how many of them have been taken */
    double *logprob;     /* [n_rows] owned; summed over its runs, NULL before the first */
};
struct ll_answers {
    struct ll_answer *v;
    struct ll_answer_figures *figures; /* [n] what is known of each so far; texts borrowed from the ask */
    int n;                             /* both owned; 0: none asked for; the first is the main one */
    int tracked[LL_MAX_TRACKED],
        n_tracked;    /* distinct first ids, the main answer's first, then the control's */
    int control_slot; /* of the id that a control's answer is held against; -1: none */
};
/* p: made from ask a. control_id: the other prompt's first answer id, -1: none. e: are whole answers wanted,
 * how are they spelled. Returns LL_OK,
 * LL_EUSAGE or LL_EFAIL, *out then empty. */
int ll_answers_init(struct ll_answers *out, const struct ll_session *s, const struct ll_prompt *p,
                    const struct ll_ask *a, int control_id, const struct ll_experiment *e,
                    struct ll_err *err);
void ll_answers_free(struct ll_answers *a);

/* Run number `run` (from 0) of answer i in a sweep: 0 when it has no such run, else 1 and *prompt (borrowed
 * from a). */
int ll_answers_prompt(const struct ll_answers *a, int i, int run, struct ll_sweep_prompt *prompt);
/* Keep what the next of its runs says. */
int ll_answers_take(struct ll_answers *a, int i, const struct ll_sweep_result *r, struct ll_err *err);
#endif
