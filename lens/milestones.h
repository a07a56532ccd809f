/* milestones.h - the layers at which a pass first says something (docs/experiment.md 7), from its statistics
 * at the last position.
 *
 * Pure functions of struct ll_pass_stats: no model, no text. A layer that no row reaches is -1, a real that
 * is not known is NAN. The two logit gaps of docs/experiment.md 4.6 are here too, because the columns and the
 * gates must mean the same by them. */
#ifndef LL_MILESTONES_H
#define LL_MILESTONES_H
#include "pass_stats.h"

/* Natural-log units. answer_logit_gap: the answer's lead over the runner-up, where the answer has rank 1 and
 * is the top-1 id (a tie with another id on top has no lead). answer_vs_top1_gap: how far below the top-1 the
 * answer lies (negative), where its rank is above 1. NAN elsewhere, and where answer_id is -1. */
double ll_answer_logit_gap(const struct ll_reading *r, int answer_id);
double ll_answer_vs_top1_gap(const struct ll_reading *r, int answer_id);
double ll_answer_minus_uniform(const struct ll_reading *r, int d_vocab); /* p_answer - 1/V; NAN: not known */

/* Thresholds of the rules; the defaults stand in rules.h. */
struct ll_milestone_rules {
    double margin_delta;  /* semantic_margin_ok asks rank 1 and p_answer - 1/V >= this */
    double top2_gap;      /* logits: top2_ok */
    double surface_delta; /* answer_mass >= echo_mass_prompt + this */
    double geom_gamma;    /* cos_to_answer >= cos_to_prompt_max + this */
    double decay_tau;     /* topk_prompt_mass@50 <= this */
    int confirm_window;   /* 2 layers */
    int raw_radius;       /* layers around a strict copy in which the raw lens is asked for one too */
};
extern const struct ll_milestone_rules ll_milestone_rules_default; /* raw_radius 4 */

int ll_margin_ok(const struct ll_reading *r, int d_vocab,
                 double delta);                                     /* 1, 0, or -1: answer not resolved */
int ll_geom_crossover(const struct ll_lens_cells *c, double gamma); /* 1, 0, or -1: an angle is not known */

enum { LL_N_KL_AT = 2, LL_N_RANK_AT = 3, LL_N_GAP_AT = 2, LL_N_COS_AT = 3 };
extern const double ll_kl_at[LL_N_KL_AT]; /* LL_KL_AT_1, ... of rules.h; bits */
extern const int ll_rank_at[LL_N_RANK_AT];
extern const double ll_gap_at[LL_N_GAP_AT]; /* logits */
extern const double ll_cos_at[LL_N_COS_AT];

enum ll_lens_of { LL_OF_NORM, LL_OF_RAW, LL_OF_TUNED, LL_OF_TUNED_TEMP };
/* A row through a lens; NULL: not read through it. The tuned lens leaves row n as it is: there it gives the
 * norm's reading, when any other row was read through it. */
const struct ll_reading *ll_row_reading(const struct ll_pass_stats *s, int layer, enum ll_lens_of lens);
/* First row, in order, whose answer has at most this rank / whose KL to the model's output is at most this;
 * -1: none. */
int ll_first_rank(const struct ll_pass_stats *s, enum ll_lens_of lens, int rank);
int ll_first_kl(const struct ll_pass_stats *s, enum ll_lens_of lens, double bits);

enum ll_stability { LL_STABILITY_NONE, LL_STABILITY_STABLE, LL_STABILITY_MIXED, LL_STABILITY_FRAGILE };
const char *ll_stability_name(enum ll_stability s); /* "none", "stable", "mixed", "fragile" */

/* Where meaning leaves the surface behind (docs/experiment.md 7.2), and the values there; -1, NAN: nowhere.
 */
struct ll_surface {
    int surface;
    double answer_mass, echo_mass;
    int geom;
    double cos_answer, cos_prompt;
    int decay;
    double decay_mass;
};
/* lens: LL_OF_NORM or LL_OF_TUNED, whose row n is the norm's. */
void ll_surface_of(struct ll_surface *out, const struct ll_pass_stats *s, enum ll_lens_of lens,
                   const struct ll_milestone_rules *rules);

struct ll_pass_milestones {
    int n_layers, d_vocab;
    struct ll_copy_labels labels;
    int L_copy, L_copy_H, L_semantic;
    int kl[LL_N_KL_AT], rank[LL_N_RANK_AT], gap[LL_N_GAP_AT], cos[LL_N_COS_AT];
    int strict[8];    /* in the order of labels; strict[0] is the main threshold's, and L_copy */
    int norm_only[8]; /* 1: the raw lens copies nowhere near it; -1: no such layer, or not read raw */
    enum ll_stability stability;
    int soft[16];
    int soft_first, soft_k; /* the earliest soft copy at the main soft threshold and its k; -1 */
    int margin_ok, top2_ok, run2, strong, strong_run2;
    int margin_ok_at_semantic; /* 1, 0, -1 */
    double p_answer_at_semantic, gap_at_semantic;
    int surface;
    double surface_answer_mass, surface_echo_mass;
    int geom;
    double geom_cos_answer, geom_cos_prompt;
    int decay;
    double decay_mass;
    double entropy_gap_bits[3];
    int n_entropy_gap;            /* p25, p50, p75 of entropy - teacher entropy; rows counted */
    int L_raw, L_tuned;           /* first rank 1 through those lenses */
    int confirmed;                /* L_semantic, if raw or tuned has rank 1 within the window of it */
    const char *confirmed_source; /* "raw", "tuned", "both", "none" */
    int confirmed_margin_ok;      /* confirmed, if the margin holds there */
    int run2_in_confirmed_window; /* 1, 0, -1: one of both is not there */
};
/* prompt_vocab: the prompt's distinct ids that are not blank, for norm_only; may be NULL. Needs rows' flags.
 * scratch: [n_rows]. */
void ll_pass_milestones_find(struct ll_pass_milestones *m, const struct ll_pass_stats *s,
                             const struct ll_copy_labels *labels, const struct ll_milestone_rules *rules,
                             const int *prompt_vocab, int n_prompt_vocab, double *scratch);
/* The layer to report as semantic: strong_run2, else strong, else confirmed, else L_semantic; *name (may be
 * NULL) its name. */
int ll_preferred_semantic(const struct ll_pass_milestones *m, const char **name);
/* layer / n_layers rounded to that many decimals (half to even); NAN for -1. */
double ll_depth_fraction(int layer, int n_layers, int decimals);
double ll_round_even(double v, int decimals);
#endif
