/* track.h - the answers that a command line asks to track (tracked.h), resolved behind its text. */
#ifndef LL_TRACK_H
#define LL_TRACK_H
#include "prompts.h"
#include "tracked.h"

struct ll_track_ask {
    const struct ll_opt_list *answers, *answer_ids;
    int exact; /* answers as they are written, no other spelling */
};
/* Answers by text behind text[n], whose ids without specials are ctx. Then answers by id ("719"). Other
 * spellings are tracked as long as there is room for their ids. LL_OK; LL_EUSAGE: more than LL_MAX_TRACKED
 * answers, an empty one, no number, an id outside the vocabulary; LL_EFAIL. Free with ll_tracked_free, also
 * after a failure. */
int ll_track_answers(struct ll_tracked_set *f, const struct ll_session *s, const char *text, size_t n,
                     const struct ll_ids *ctx, const struct ll_track_ask *ask, struct ll_err *err);
/* The same behind prompt p, which was read from text, as far as position pos: answers by text are resolved
 * behind what its tokens up to there spell. */
int ll_track_answers_at(struct ll_tracked_set *f, const struct ll_session *s, const struct ll_prompt *p,
                        const struct ll_buf *text, int pos, const struct ll_track_ask *ask,
                        struct ll_err *err);
#endif
