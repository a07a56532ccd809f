/* drift_case.h - both sides of a comparison, ready: the model that runs (the checkpoint's, or one broken on
 * purpose), the reference's activations at their places, and the token ids that both had. */
#ifndef LL_DRIFT_CASE_H
#define LL_DRIFT_CASE_H
#include "drift_report.h"
#include "opened.h"

struct ll_drift_ask {
    const char *reference; /* path */
    const char *sequence;  /* of several in the reference, this one; NULL: the only one */
    const char *map, *raw; /* of --map and --raw; NULL: none */
    int pos;               /* position of the one token that the reference holds; -1: it holds all */
    const char *broken;    /* switches of --break; NULL: none */
    double eps;            /* of --eps-override; negative: none */
    const struct ll_open_ask *prompt; /* ids or text; both NULL: the reference must say its ids */
};
/* {0} before; everything is owned. */
struct ll_drift_case {
    struct ll_model *m;  /* the variant that runs */
    char switches[1100]; /* that made it; "": none */
    struct ll_ref ref;
    struct ll_ref_map map;
    struct ll_ref_place place;
    struct ll_acts acts;
    int ids_from_reference, ids_proven; /* taken from it; or given and equal to its own */
    int order;                          /* of q and k: ll_ref_settle_order */
};
/* x: the model opened; gets the prompt. Returns LL_OK, LL_EUSAGE, LL_EUNSUP or LL_EFAIL; close in any case,
 * before x. */
int ll_drift_case_open(struct ll_drift_case *k, struct ll_opened *x, const struct ll_drift_ask *ask,
                       struct ll_err *err);
/* After the comparison: add to the places those tensors of the reference for which the pass has no point. */
void ll_drift_case_note_unused(struct ll_drift_case *k, const struct ll_acts *ours);
void ll_drift_case_close(struct ll_drift_case *k);
#endif
