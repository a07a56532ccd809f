/* prompts.h - a prompt ready for the pass: ids as fed, ids without specials, the answer's ids
 * (docs/experiment.md 3). */
#ifndef LL_PROMPTS_H
#define LL_PROMPTS_H
#include "record.h"
#include "session.h"
#include "text_in.h"

enum { LL_GOLD_PIECES = 4 };

struct ll_prompt {
    struct ll_ids ids;    /* as fed to the model; owned */
    struct ll_ids ctx;    /* without special tokens; owned */
    struct ll_ids answer; /* the answer's ids; empty: unresolved or none asked for; owned */
    const char *variant;  /* as ll_prompt_resolve; "ids": given as an id; NULL: no answer asked for */
    const char *reason;   /* NULL: nothing to say */
    char *pieces[LL_GOLD_PIECES];
    int n_pieces;     /* owned */
    int starts_twice; /* the text spells the start token that the tokenizer adds */
};
/* How an answer is written behind a prompt: with a space where a writer would put one (spacing.h; never
 * behind a special token; an answer that brings its own space keeps it), the other way, or as it is. */
enum ll_spelling { LL_SPELL_AUTO, LL_SPELL_OTHER, LL_SPELL_EXACT };

/* From text. answer may be NULL. An empty text is LL_EUSAGE; a missing tokenizer says why. */
int ll_prompt_from_text(struct ll_prompt *p, const struct ll_session *s, const char *text, size_t n,
                        const char *answer, enum ll_spelling how, struct ll_err *err);
/* A text behind which answers are asked for; all borrowed. */
struct ll_prompt_text {
    const char *s;
    size_t n;
    const struct ll_ids *ctx; /* its ids without specials */
};
struct ll_spelled {
    struct ll_ids ids;   /* owned; empty: unresolved */
    const char *variant; /* "with_space", "no_space", "exact" or "unresolved" */
    const char *reason;  /* "no_new_token", "prefix_changed"; NULL: nothing to say */
};
/* The ids of an answer behind a prompt of text (docs/experiment.md 3.2): what prompt + answer have past the
 * prompt's ids. Where joining them would change the prompt's own ids (it ends in a space, say) the answer is
 * encoded for itself and the reason is "prefix_changed". LL_OK, also where it is unresolved, or LL_EFAIL. The
 * ids are to be freed in any case. */
int ll_prompt_resolve(const struct ll_session *s, const struct ll_prompt_text *behind, const char *answer,
                      enum ll_spelling how, struct ll_spelled *out, struct ll_err *err);
/* From ids (no tokenizer needed); answer_id -1: none. */
int ll_prompt_from_ids(struct ll_prompt *p, const struct ll_session *s, const int *ids, int n, int answer_id,
                       struct ll_err *err);
/* Track this id as the answer of a prompt that has none. LL_EUSAGE when it lies outside the vocabulary. */
int ll_prompt_follow(struct ll_prompt *p, const struct ll_session *s, int answer_id, struct ll_err *err);
/* From a command line: the ids of --ids when given (NULL: none), else TEXT, else standard input; with a line
 * on stderr where the user should know something about it. kept: receives the text (empty before; NULL: not
 * wanted). LL_EUSAGE when there are ids and text. */
int ll_prompt_read(struct ll_prompt *p, const struct ll_session *s, const char *ids, const char *text,
                   const struct ll_text_how *how, struct ll_buf *kept, struct ll_err *err);
/* One warning on stderr when prompts of n spell a start token that the tokenizer adds as well. */
void ll_prompts_warn(const struct ll_session *s, const struct ll_prompt *p, int n, int quiet);
void ll_prompt_free(struct ll_prompt *p);
/* The gold part of a pass (borrowed from p and answer). */
struct ll_gold ll_prompt_gold(const struct ll_prompt *p, const char *answer);
#endif
