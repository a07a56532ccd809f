/* blame.h - has the pass met a NaN or an infinity, and which tensor caused it?
 *
 * The one at fault belongs to the first operation whose result is not finite although what it reads is: what
 * a pass has not reached (a word that the prompt lacks, an expert that no row chose) is not to blame, and
 * neither is a tensor further on. The pass looks at every addend of the stream, so that all steps of the half
 * block that made it are still in its buffers. Where no tensor that the operation reads holds a NaN or an
 * infinity, the numbers grew too large by themselves. */
#ifndef LL_BLAME_H
#define LL_BLAME_H
#include "pass.h"

/* Each returns LL_OK where all is finite, and always when p->allow_nonfinite is set; else LL_EUSAGE with the
 * tensor and value in *err, or that the stream is not finite where no tensor is to blame (p->met_nonfinite
 * says which). */
int ll_check_embedding(struct ll_pass *p, const struct ll_chunk *all, struct ll_rows x, struct ll_err *err);
/* What a norm before a half block divided by: p->scale. hook: its point, for the reason. */
int ll_check_scale(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook hook, struct ll_err *err);
/* What attention (hook LL_HOOK_ATTN_OUT) or MLP (LL_HOOK_MLP_OUT), which read x, adds to the stream. */
int ll_check_addend(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook hook, struct ll_rows x,
                    struct ll_rows out, struct ll_err *err);
int ll_check_final(struct ll_pass *p, const struct ll_chunk *all, struct ll_rows final, struct ll_err *err);
int ll_check_logits(struct ll_pass *p, struct ll_rows logits, struct ll_err *err);
#endif
