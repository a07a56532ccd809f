/* diff_prompts.h - what two models are asked when they are compared: the same ids for both. */
#ifndef LL_DIFF_PROMPTS_H
#define LL_DIFF_PROMPTS_H
#include "diff_record.h"
#include "prompts.h"

struct ll_diff_prompts {
    struct ll_prompt *v;
    int n, cap;   /* owned */
    char **texts; /* [n] NULL where ids were given; owned */
    struct ll_diff_prompt
        *list;        /* [n] the same for records, borrowing from v and texts; owned; after finish */
    const char *from; /* "text", "ids", "built-in sentences", or the file's name (borrowed) */
};
/* Where prompts come from: texts (n_texts of them; "-": standard input), else ids ("1,2,3"), else file (an
 * experiment's prompts and test prompts, or plain text, one prompt a line), else a few plain English
 * sentences. More than one of these is LL_EUSAGE. */
struct ll_diff_asked {
    const char *const *texts;
    int n_texts;
    const char *ids, *file;
    struct ll_text_how how;
};

/* Text is encoded by both tokenizers (by one, where only one is there); ids that differ, or stand for
 * different tokens, are LL_EUSAGE naming both models: no vocabulary in common. Free with
 * ll_diff_prompts_free, also after a failure. */
int ll_diff_prompts_make(struct ll_diff_prompts *p, const struct ll_diff_asked *asked,
                         const struct ll_session *a, const struct ll_session *b, struct ll_err *err);
void ll_diff_prompts_free(struct ll_diff_prompts *p);
#endif
