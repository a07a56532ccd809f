/* intervene_opt.h - interventions of a command: --intervene SPEC, as often as wanted; prompts in them through
 * the session's tokenizer. Syntax: src/diag/intervene.h. */
#ifndef LL_INTERVENE_OPT_H
#define LL_INTERVENE_OPT_H
#include "intervene.h"
#include "session.h"

#define LL_OPT_INTERVENE(list) \
    { \
        "--intervene", LL_OPT_LIST, &(list), "WHAT", \
            "change the pass; may be given several times (see below)", 0, 0, NULL \
    }

/* Parse n texts and make them ready for the session's model. n 0: iv->model is the model. quiet: no warnings
 * about prompts in them. Free with ll_intervene_free, also after a failure. LL_OK, LL_EUSAGE, LL_EUNSUP or
 * LL_EFAIL. */
int ll_intervene_open(struct ll_intervene *iv, const struct ll_session *s, const char *const *specs, int n,
                      int quiet, struct ll_err *err);
/* Is the file that a text names as its source there? LL_OK (also when it names none), LL_EUSAGE or LL_EFAIL.
 */
int ll_intervene_check_files(const char *spec, struct ll_err *err);
/* The syntax, for the help below the options. */
void ll_intervene_help(struct ll_buf *out);
#endif
