/* predictions.h - an output distribution of the model as the document lists it, with its texts. */
#ifndef LL_PREDICTIONS_H
#define LL_PREDICTIONS_H
#include "record.h"
#include "token.h"
#include "topk.h"

/* A prediction that owns its texts. */
struct ll_kept_prediction {
    struct ll_prediction p;
    struct ll_top *top;
    char *texts;
};
struct ll_prediction_given {
    const struct ll_tokenizer *tok; /* NULL: no texts */
    const char *prompt;             /* NULL: the main prompt; borrowed for the life of the prediction */
    double temperature;             /* 0: as the model says it */
    double entropy_bits, lse;       /* of the logits divided by the temperature */
    const struct ll_hit *top;       /* [n_top] logits */
    int n_top;
};
/* LL_OK or LL_EFAIL (memory), *k then empty. */
int ll_prediction_keep(struct ll_kept_prediction *k, const struct ll_prediction_given *g, struct ll_err *err);
void ll_prediction_free(struct ll_kept_prediction *k);
#endif
