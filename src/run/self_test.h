/* self_test.h - run --self-test: a minute's reason to trust the numbers (docs/experiment.md 14.9). Writes no
 * files. */
#ifndef LL_SELF_TEST_H
#define LL_SELF_TEST_H
#include "criteria.h"
#include "engine.h"

/* Norms against golden vectors; and for each model: the last lens row equals the model's output bit for bit,
 * a norm without gain gives rows of rms 1, and eight times the residual reads the same. A criterion each.
 * LL_OK, also when one fails; else a model could not be opened. */
int ll_self_test(struct ll_engine *engine, char **models, int n_models, struct ll_criteria *c,
                 struct ll_err *err);
#endif
