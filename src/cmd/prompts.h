/* prompts.h - a prompt ready for the pass: ids as fed, ids without specials, the answer's ids (spec 5). */
#ifndef LL_PROMPTS_H
#define LL_PROMPTS_H
#include "record.h"
#include "session.h"

enum { LL_GOLD_PIECES = 4 };

struct ll_prompt {
    struct ll_ids ids;        /* as fed to the model; owned */
    struct ll_ids ctx;        /* without special tokens; owned */
    struct ll_ids answer;     /* the answer's ids; empty: unresolved or none asked for; owned */
    const char *variant;      /* "with_space", "no_space", "unresolved"; NULL: no answer asked for */
    const char *reason;       /* why unresolved, else NULL */
    char *pieces[LL_GOLD_PIECES]; int n_pieces; /* owned */
};
/* From text. answer may be NULL. An empty text is LL_EUSAGE; a missing tokenizer says why. */
int ll_prompt_from_text(struct ll_prompt *p, const struct ll_session *s, const char *text, size_t n, const char *answer, struct ll_err *err);
/* The ids of an answer behind a prompt of text (spec 5.3): appended to ids (empty before) when *variant becomes "with_space" or
 * "no_space"; "unresolved" says why in *reason. ctx: the prompt's ids without specials. */
int ll_prompt_resolve(const struct ll_session *s, const char *text, size_t n, const struct ll_ids *ctx, const char *answer, struct ll_ids *ids, const char **variant,
                      const char **reason, struct ll_err *err);
/* From ids (no tokenizer needed); answer_id -1: none. */
int ll_prompt_from_ids(struct ll_prompt *p, const struct ll_session *s, const int *ids, int n, int answer_id, struct ll_err *err);
/* Follow this id as the answer of a prompt that has none. LL_EUSAGE when it lies outside the vocabulary. */
int ll_prompt_follow(struct ll_prompt *p, const struct ll_session *s, int answer_id, struct ll_err *err);
/* From a command line: the ids of --ids when given (NULL: none), else TEXT, else standard input. answer NULL, answer_id
 * -1: none. LL_EUSAGE for what contradicts itself: ids and text, an answer's text without a prompt's, both answers. */
int ll_prompt_read(struct ll_prompt *p, const struct ll_session *s, const char *ids, const char *text, const char *answer, int answer_id, struct ll_err *err);
void ll_prompt_free(struct ll_prompt *p);
/* The gold part of a pass (borrowed from p and answer). */
struct ll_gold ll_prompt_gold(const struct ll_prompt *p, const char *answer);
#endif
