/* pass_kept.h - what the document keeps of each pass, as it comes: rows without their top lists. */
#ifndef LL_PASS_KEPT_H
#define LL_PASS_KEPT_H
#include "raw_checks.h"
#include "record.h"
#include "suite.h"

/* A reading without its list. */
struct ll_doc_reading {
    double p_top1, p_answer;
    int top_id, answer_rank, is_answer; /* is_answer: the rank is 1 */
};
/* A row that was read raw as well. */
struct ll_doc_raw_row {
    int layer;
    struct ll_doc_reading norm, raw;
    double kl_bits;
    int top1_agree, norm_only; /* norm_only: 1, 0, -1 (raw_checks.h) */
};
/* Were the tokens of an answer found? */
struct ll_doc_alignment {
    int is_asked, ok;
    const char *status; /* "ok", "unresolved", "none" */
};

struct ll_doc_pass { /* all owned */
    char *fact_key, *prompt_id, *variant, *text;
    size_t text_len;
    int fact_index, n_ids, is_control;
    struct ll_gold gold; /* variant and reason are constants */
    struct ll_doc_alignment alignment;
    long long first_row; /* data row of its row 0 in the pure table */
    struct ll_pass_milestones m;
    struct ll_control control;
    struct ll_raw_sampled sampled;
    struct ll_doc_raw_row samples[LL_RAW_SAMPLES];
    int n_samples;
    struct ll_doc_raw_row *window;
    int n_window;
};

/* A pass as it is handed over; borrowed for the call. */
struct ll_doc_pass_given {
    const struct ll_pass_info *info;
    const struct ll_pass_stats *stats;
    const int *prompt_vocab;
    int n_prompt_vocab;  /* as in struct ll_analysis */
    long long first_row; /* data row (0-based) of its row 0 in the pure table */
    int has_control;     /* its answer is held against another pass's */
};

/* Texts and answer of a pass. LL_OK or LL_EFAIL (memory); free with ll_doc_pass_free, also after a failure.
 */
int ll_doc_pass_keep_info(struct ll_doc_pass *p, const struct ll_doc_pass_given *g, struct ll_err *err);
/* The sampled rows, before the milestones; the rows around the milestones, once p->m is known. */
void ll_doc_pass_keep_samples(struct ll_doc_pass *p, const struct ll_pass_stats *s);
int ll_doc_pass_keep_window(struct ll_doc_pass *p, const struct ll_pass_stats *s, int radius,
                            struct ll_err *err);
void ll_doc_pass_free(struct ll_doc_pass *p);
int ll_same_text(const char *a, const char *b); /* both NULL, or equal */
#endif
