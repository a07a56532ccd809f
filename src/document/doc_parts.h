/* doc_parts.h - what the files of the document share: what is kept of each pass, and how a section is
 * written. Private to doc*.c. Each ll_doc_put_* writes the sections of one topic from a complete document. */
#ifndef LL_DOC_PARTS_H
#define LL_DOC_PARTS_H
#include "copy_mask.h"
#include "doc.h"
#include "json_write.h"
#include "raw_checks.h"
#include "row_health.h"
#include "suite.h"

/* A reading without its list. */
struct ll_doc_reading {
    double p_top1, p_answer;
    int top_id, answer_rank;
};
struct ll_doc_raw_row {
    int layer;
    struct ll_doc_reading norm, raw;
    double kl_bits;
};

struct ll_doc_pass { /* kept of every pass; all owned */
    char *fact_key, *prompt_id, *variant, *text;
    size_t text_len;
    int fact_index, n_ids, is_control;
    struct ll_gold gold; /* variant and reason are constants of prompts.c */
    long long first_row;
    struct ll_pass_milestones m;
    struct ll_control control;
    struct ll_raw_sampled sampled;
    struct ll_doc_raw_row samples[LL_RAW_SAMPLES];
    int n_samples;
    struct ll_doc_raw_row *window;
    int n_window;
};

enum { LL_DOC_POINTS = 6, LL_DOC_SECTIONS = 120 };
struct ll_doc_target {
    const char *name;
    int layer;
};

/* The second forward pass against the first (docs/experiment.md 9.3). */
enum { LL_REPEAT_LAYERS = 1, LL_REPEAT_TOP = 10 };
#define LL_REPEAT_JACCARD 0.5
struct ll_doc_forward {
    int is_run;
    int layer;
    const char *name; /* its preferred semantic layer */
    double jaccard10; /* of both passes' top lists at the first one's; NAN: none */
    int is_equal;     /* every row's list, rank, entropy and log-sum-exp, to the bit */
    int agrees;       /* same name, layers within 1, jaccard at least 0.5 */
};

struct ll_doc {
    struct ll_doc_setup set;
    struct ll_milestone_rules rules; /* raw_radius: of the main pass, for all (docs/experiment.md 8.4) */
    struct ll_doc_pass *passes;
    int n_passes;              /* [set.n_passes] */
    struct ll_pass_stats main; /* copy of the main pass's statistics; owned */
    enum ll_raw_mode raw_mode;
    struct ll_doc_target targets[LL_DOC_POINTS];
    struct ll_decoding_point points[LL_DOC_POINTS];
    int n_points;
    struct ll_last_row last;
    struct ll_repeatability repeat;
    struct ll_doc_forward forward;
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n_at, target[LL_N_POS_FRACS]; /* n_at 0: not swept */
    int *at_rank;                     /* [n_at, n_layers + 1]; owned */
    double *scratch;                  /* [larger of n_layers + 1 and n_passes] */
    /* made at the end from the above */
    struct ll_raw_full full;
    struct ll_fact *facts;
    int *fact_pass, n_facts; /* the micro-suite; fact_pass: its pass */
    struct ll_suite suite;
    struct ll_trajectory trajectory;
    struct ll_numeric_health health;
    struct ll_target agree_at[LL_MAX_TARGETS];
    int n_agree;
    struct ll_agreement agree_raw, agree_tuned;
    int is_low_agreement;
    struct ll_gate gates[LL_N_GATES];
    int n_gates;
    double least_gate;
    int points_consistent; /* 1, 0, -1: nothing tested */
    double alignment_rate; /* NAN: no pass asks for an answer */
    struct ll_ids mask;    /* the copy mask */
    int warn_last_layer, is_repeatable;
    double tuned_gain_p50; /* NAN: no tuned lens */
    /* sections */
    struct ll_doc_section sections[LL_DOC_SECTIONS];
    struct ll_buf texts[LL_DOC_SECTIONS];
    int n_sections;
    struct ll_json j;
};

/* Begin a section: write one value with key NULL into the writer returned. parent as in struct
 * ll_doc_section. */
struct ll_json *ll_doc_value(struct ll_doc *d, const char *parent, const char *key);
void ll_doc_layer(struct ll_doc *d, const char *key, int layer); /* member of "diagnostics" */
void ll_doc_num(struct ll_doc *d, const char *key, double v);    /* likewise */
void ll_doc_tri(struct ll_json *j, const char *key, int v);      /* true, false, -1: null */
void ll_doc_quartiles(struct ll_json *j, const char *key, const double v[3]);
const struct ll_doc_pass *ll_doc_find(const struct ll_doc *d, const char *prompt_id, const char *fact_key,
                                      const char *variant);       /* NULL: none */
const struct ll_doc_pass *ll_doc_control(const struct ll_doc *d); /* the first control pass; NULL: none */
int ll_doc_is_near_uniform(const struct ll_doc *d); /* L_semantic is there, but its margin over 1/V is not */
/* Objects that stand in several places of the document. */
void ll_doc_semantic_margin(struct ll_doc *d, struct ll_json *j, const char *key);
void ll_doc_semantic_gate(struct ll_doc *d, struct ll_json *j, const char *key);
void ll_doc_aggregates(struct ll_doc *d, struct ll_json *j, const char *key);
void ll_doc_fact_rows(struct ll_doc *d, struct ll_json *j, const char *key);
void ll_doc_position_window(struct ll_doc *d, struct ll_json *j, const char *key);
#define LL_POSITION_FRAGILE 0.5 /* docs/experiment.md 9.5 */
double ll_doc_rank1_frac(const struct ll_doc *d,
                         int layer); /* share of the positions with a target; NAN: none, or no such layer */
const char *ll_doc_preferred_lens(const struct ll_doc *d);

void ll_doc_put_milestones(struct ll_doc *d); /* doc_milestones.c: docs/experiment.md 7 */
void ll_doc_put_raw(struct ll_doc *d);        /* doc_raw.c: docs/experiment.md 8 */
void ll_doc_put_trust(struct ll_doc *d);      /* doc_trust.c: docs/experiment.md 9 */
void ll_doc_put_lens(
    struct ll_doc *d); /* doc_lens.c: which norm where, agreement of lenses, decoding points, calibration */
void ll_doc_put_suite(struct ll_doc *d); /* doc_suite.c: docs/experiment.md 12, prompts and answers */
void ll_doc_put_copy(struct ll_doc *d);  /* doc_suite.c: the copy rules */
void ll_doc_put_guide(struct ll_doc *d); /* doc_guide.c: docs/experiment.md 13.2, 13.3 */
int ll_doc_tables(struct ll_doc *d, struct ll_sink_set *sinks,
                  struct ll_err *err); /* doc_tables.c: docs/experiment.md 7.7, 8.4, 8.5 */
#endif
