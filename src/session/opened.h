/* opened.h - what most commands begin with: a model opened, and the prompt that it is asked. */
#ifndef LL_OPENED_H
#define LL_OPENED_H
#include "prompts.h"

struct ll_open_ask {
    const char *model;
    const char *ids, *text; /* of --ids and of the command line; NULL: none (both: standard input is read) */
    int threads, quiet, exact;
    struct ll_buf *kept; /* gets the text of the prompt (empty before); NULL: not wanted */
};
struct ll_opened {
    struct ll_session s; /* owned, as the next */
    struct ll_prompt p;
};
/* Open the model, with its tokenizer and an engine, and say on stderr what its checkpoint notes. LL_OK, or
 * what ll_session_open returns, *s then empty. */
int ll_open_model(struct ll_session *s, const struct ll_open_ask *ask, struct ll_err *err);
/* The prompt for an opened model: ids, text, or standard input (ll_prompt_read). */
int ll_open_prompt(struct ll_opened *o, const struct ll_open_ask *ask, struct ll_err *err);
/* Both, one after the other. Close *o in any case. */
int ll_open(struct ll_opened *o, const struct ll_open_ask *ask, struct ll_err *err);
void ll_opened_close(struct ll_opened *o);
#endif
