/* followed.h - the answers that `lens` and `tokens` follow: each by its first token, in the spelling that
 * belongs behind the text and in the other one (with the space, or without) where its ids differ. */
#ifndef LL_FOLLOWED_H
#define LL_FOLLOWED_H
#include "json_write.h"
#include "metrics.h"
#include "prompts.h"

struct ll_followed {
    const char *text;             /* borrowed; NULL: given as an id */
    struct ll_ids ids;            /* owned; empty: unresolved */
    const char *variant, *reason; /* as ll_prompt_resolve; "ids" for an id */
    int is_other;                 /* the other spelling of the entry before */
    int slot;                     /* which followed id is its first; -1: unresolved */
};
struct ll_follows {
    struct ll_followed *v;
    int n;                                  /* owned */
    int tracked[LL_MAX_TRACKED], n_tracked; /* distinct first ids in that order */
};
/* The place of id among the *n ids that a walk follows, made when it is new; -1 when there is none left. */
int ll_follow_slot(int tracked[LL_MAX_TRACKED], int *n, int id);
/* Answers by text behind text[n], whose ids without specials are ctx; exact: taken as they are, no other
 * spelling. Then answers by id ("719"). Other spellings are followed as long as there is room for their ids.
 * LL_OK; LL_EUSAGE: more than LL_MAX_TRACKED answers, an empty one, no number, an id outside the vocabulary;
 * LL_EFAIL. Free with ll_follows_free, also after a failure. */
struct ll_follow_ask {
    const struct ll_opt_list *answers, *answer_ids;
    int exact;
};
int ll_follows_make(struct ll_follows *f, const struct ll_session *s, const char *text, size_t n,
                    const struct ll_ids *ctx, const struct ll_follow_ask *ask, struct ll_err *err);
void ll_follows_free(struct ll_follows *f);
/* Members text, spelling, reason, ids, is_followed of the open object: how an answer was understood. */
void ll_followed_json(struct ll_json *j, const struct ll_followed *v);
/* "with the space", "without the space", … */
const char *ll_followed_spelling(const struct ll_followed *v);
#endif
