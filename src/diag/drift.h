/* drift.h - where our pass and a reference part, and why (docs/diagnostics.md 4).
 *
 * Two passes give everything: the running one (ours alone) and the isolated one, in which each operation
 * works on the reference's input (acts.h). Per point: running and isolated error, and a verdict:
 *   same         isolated and running error within tolerance
 *   accumulated  only the running error is beyond it: the operation is right, its input was off already
 *   here         the isolated error is beyond it: this operation (with the ones since the last known point)
 *   small        within tolerance, but far above the rounding that double precision finds on our side:
 *                another epsilon, say
 *   noise        beyond it, but a double-precision run of the operation lies between the two: rounding, not a
 *                mistake
 *   (self)       no reference: our own result against the double-precision one of our own input
 * Tolerance of a point: isolated rmse over the reference's rms, 1e-4 for float32 references, 2e-2 for half
 * precision and text (more where many operations lie between two known points: drift_rounding.c). */
#ifndef LL_DRIFT_H
#define LL_DRIFT_H
#include "compare.h"

#define LL_DRIFT_TOL_F32 1e-4
#define LL_DRIFT_TOL_HALF 2e-2
/* below this a difference to a float32 reference is not looked at; PyTorch's own rounding: 1e-6 */
#define LL_DRIFT_FINE 5e-6
#define LL_DRIFT_GROWTH 1.2   /* per layer */
#define LL_DRIFT_JUMP 2.0     /* from here on a jump, below it moderate growth */
#define LL_DRIFT_ANOMALY 10.0 /* std of the reference times or divided by this from one layer to the next */
/* mean absolute error of an isolated layer, where rounding does not explain more */
#define LL_DRIFT_ISOLATED 0.01
#define LL_DRIFT_BLOCK_OPS 12 /* operations of a block, about */
/* share of a difference that a setting read off the reference may leave unexplained */
#define LL_DRIFT_LEFT 0.02
/* other experts chosen because of a tiny difference: at most one row in so many */
#define LL_DRIFT_FEW_ROWS 4

enum ll_drift_verdict { LL_DRIFT_SAME, LL_DRIFT_ACCUMULATED, LL_DRIFT_HERE, LL_DRIFT_SMALL, LL_DRIFT_NOISE };
const char *ll_drift_verdict_name(enum ll_drift_verdict v);

/* The one suspicious operation once more, in double, from the reference's input; relative to the reference's
 * rms. */
struct ll_drift_rerun {
    int done;
    double ours, ref;
}; /* rms of ours (isolated) - exact, of reference - exact */

struct ll_drift_point {
    int hook, layer;
    int self; /* no reference: compared with double precision */
    struct ll_cmp running, isolated;
    struct ll_cmp running_x, isolated_x; /* the same without the first token and massive dimensions */
    int has_isolated;
    double tol;
    double off; /* what is judged: ll_drift_off of the isolated, else the running error */
    int routed; /* rows off because experts were chosen otherwise by a hair; 0: none, or it is no rounding */
    struct ll_drift_rerun rerun;
    enum ll_drift_verdict verdict;
};

/* One row of the accumulation table: depth k is what leaves block k-1. */
struct ll_drift_depth {
    int known;           /* the reference has it, finite */
    double tol;          /* relative, by its type */
    const char *dtype;   /* of the reference; static */
    int normed;          /* it turned out to be the output of the final norm */
    struct ll_cmp c, cx; /* cx: without the first token and massive dimensions */
    double floor;        /* mae up to which rounding since the embedding explains the error */
    int own;             /* the layer alone: 0 not known, 1 off by no more than rounding, 2 by more */
    double growth;       /* mae / that of the depth before; 1 for the first; 0: one of them is missing */
    int judged, jump;    /* jump 0: below LL_DRIFT_GROWTH, 1: moderate, 2: from LL_DRIFT_JUMP on */
    /* this layer alone on the reference's input; iso_x: without the first token and massive dimensions */
    struct ll_cmp iso, iso_x;
    int has_iso;
    double std_ratio; /* of the reference's std to the depth before; 0: unknown */
    double our_ratio; /* the same of ours */
};

struct ll_drift {
    /* given; all borrowed */
    const struct ll_model *m;
    struct ll_engine *eng;
    const int *ids;
    int n;
    struct ll_acts *ref; /* the trap test may move its last entry */
    double tol;          /* 0: by the type of the reference */
    const unsigned char
        *self_layers; /* [n_layers] 1: also points without reference, as self-checks; NULL: none */
    /* found; owned */
    struct ll_acts ours, iso;
    struct ll_drift_point *points;
    int n_points;                  /* in the order of the pass */
    struct ll_drift_depth *depths; /* [n_layers + 1]; 0 is the embedding */
    int first;    /* first point whose verdict is "here", else the first "small" one; -1: none */
    int isolated; /* 0: the reference has too few positions for an isolated pass */
    int trap;     /* 1: the last dump is after the final norm */
    int trap_tested;
    double trap_raw, trap_normed; /* relative errors of the two readings */
    unsigned char *skip_rows, *skip_cols;
    int n_skip_cols; /* [n], [d_model] left out of the _x figures */
};
/* Fills everything below "found". Returns LL_OK, LL_EUSAGE or LL_EFAIL; ll_drift_free in any case. */
int ll_drift_run(struct ll_drift *d, struct ll_err *err);
void ll_drift_free(struct ll_drift *d);

/* The pass of all layers of d->m over its ids. given NULL: the running pass. */
struct ll_acts_pass ll_drift_pass(const struct ll_drift *d, const struct ll_acts_want *want,
                                  const struct ll_acts *given);

/* The relative error that rounding explains after n_ops operations against a reference of this type, see
 * drift_rounding.c. */
double ll_drift_rounding(const char *dtype, int n_ops);
int ll_drift_is_half(const char *dtype); /* float16, bfloat16 and text */
/* 1: logits [n] whose best tokens differ, but which in both are equal within the rounding of that type. */
int ll_drift_is_tie(const float *theirs, const float *ours, int n, int best_theirs, int best_ours,
                    const char *dtype);
/* Of a point n_ops operations behind what both sides know: given, or by the type where that is 0. */
double ll_drift_tolerance(double given, const char *dtype, int n_ops);
/* The relative error that is judged: over all values, or without the first token and massive dimensions where
 * that is larger: a few huge values must not hide the others. */
double ll_drift_off(const struct ll_cmp *c, const struct ll_cmp *without);
/* The same of two activations of one point. */
int ll_drift_measure(const struct ll_drift *d, int hook, const struct ll_actv *ours,
                     const struct ll_actv *ref, struct ll_cmp *c, struct ll_cmp *without, struct ll_err *err);
/* Rows of which the error's rms is beyond tol times the row's own rms. ours holds all rows, ref those from
 * row0 on. */
int ll_drift_rows_beyond(const struct ll_actv *ours, const struct ll_actv *ref, double tol);
/* Operations between a point and what the reference knows before it. */
int ll_drift_between(const struct ll_drift *d, int hook, int layer);

/* growth, judged and jump of depths 1..n from their c.mae, known, floor and own; std_ratio of all. Plain
 * arithmetic, for the tests too. Growth is judged where the layer alone is off by more than rounding; where
 * that is not known, above the floor. */
void ll_drift_growth(struct ll_drift_depth *depths, int n);
/* The error at a depth in a word (docs/diagnostics.md 4.4): excellent, good, acceptable, degraded, poor; and
 * that of the layer alone: excellent, good, warning, bug. Both "rounding" where the error is 0.01 or more and
 * no more than rounding does in so large a stream. */
const char *ll_drift_depth_status(const struct ll_drift_depth *d);
const char *ll_drift_isolated_status(const struct ll_drift_depth *d);
int ll_drift_is_anomaly(
    const struct ll_drift_depth *d); /* the reference's std jumps LL_DRIFT_ANOMALY times, up or down */
int ll_drift_is_shared(const struct ll_drift_depth *d); /* ours by the same factor: the model is so */
int ll_drift_layer_fails(
    const struct ll_drift_depth *d); /* 1: alone off by LL_DRIFT_ISOLATED or more, and that is no rounding */
struct ll_drift_summary {
    double first, last, mean_growth, geometric_growth, total_growth;
    int n_known, n_judged, n_jumps, n_moderate;
};
struct ll_drift_summary ll_drift_summarise(const struct ll_drift_depth *depths, int n);

/* What the operation that makes a point is called: "rotation of q". */
const char *ll_drift_operation(int hook);
/* The points that an operation reads (hooks; layer -1: of the layer before or outside), at most 3; returns
 * how many. */
struct ll_drift_input {
    int hook, layer;
};
int ll_drift_inputs(const struct ll_model *m, int hook, int layer, struct ll_drift_input in[3]);
/* "from blocks.1.ln1.hook_normalized; between them and it: projection of q": what the reference knows before
 * the point, and which operations lie between. Returns how many do. */
int ll_drift_describe(const struct ll_drift *d, int hook, int layer, struct ll_buf *out);
/* The points in the order of the pass: embed, the blocks, the end. Start with *hook = -1; 0: that was the
 * last. */
int ll_drift_next(const struct ll_model *m, int *hook, int *layer);
/* 1: the reference shows all that the point's operation reads. */
int ll_drift_is_alone(const struct ll_drift *d, const struct ll_drift_point *p);

/* ---- which mistake explains it --------------------------------------------------------------- */

enum ll_try_verdict { LL_TRY_NO, LL_TRY_SMALLER, LL_TRY_HERE, LL_TRY_ALL };
const char *ll_try_verdict_name(enum ll_try_verdict v);
struct ll_try {
    char name[96]; /* "rope=interleaved@2" */
    double rel;    /* isolated error of the suspicious point with the switch, over the reference's rms */
    int n_beyond;  /* points beyond tolerance in the whole isolated pass; -1: not run */
    enum ll_try_verdict
        verdict; /* ALL: no point is left beyond; HERE: this one no more; SMALLER: to a tenth or less */
};
/* Try switches on the first point beyond tolerance: list "all", or names with or without @L. base: the list
 * that made d->m from root (NULL: none); a switch in it is tried by leaving it out. tries: owned by the
 * caller (free), best first. Returns LL_OK, LL_EUSAGE (unknown switch) or LL_EFAIL. */
int ll_drift_try(const struct ll_drift *d, const struct ll_model *root, const char *base, const char *list,
                 struct ll_try **tries, int *n, struct ll_err *err);

/* ---- what the difference looks like ---------------------------------------------------------- */

/* All relative to the rms of the whole difference (1: explains nothing, 0: all), positions counted from 0. */
struct ll_drift_shape {
    double first_row;           /* rms of the difference at position 0 over its rms everywhere */
    int first_bad_row;          /* first position beyond tolerance, -1: none */
    double last_over_first;     /* rms of the last half of positions over that of the first half */
    double factor, factor_left; /* best single factor ours = factor * reference, and the difference left */
    double constant_left;       /* left after taking off the mean difference of each column */
    double sorted_left; /* left when both are sorted within each row: near 0, the values are only in another
                           order */
    double columns3;    /* share of the squared difference in three columns */
};
int ll_drift_shape(const struct ll_drift *d, const struct ll_drift_point *p, struct ll_drift_shape *s,
                   struct ll_err *err);
/* What the reference must have used, in words, where one number explains the difference but for
 * LL_DRIFT_LEFT: the epsilon of a norm, the parts of an addition, the scale of scores, base and direction of
 * a rotation; rows of a matrix or tokens that differ; weight on later tokens. Appends nothing where nothing
 * fits. */
void ll_drift_read_off(const struct ll_drift *d, const struct ll_drift_point *p, struct ll_buf *out);
/* The table symptom -> likely cause. */
struct ll_drift_symptom {
    const char *symptom, *cause, *tries; /* tries: switches worth trying, separated by commas; "" none */
    int (*seen)(const struct ll_drift *d, const struct ll_drift_point *p,
                const struct ll_drift_shape *s); /* p NULL: nothing beyond tolerance */
};
extern const struct ll_drift_symptom ll_drift_symptoms[]; /* symptom NULL at the end */
#endif
