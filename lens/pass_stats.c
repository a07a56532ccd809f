/* pass_stats.c - see pass_stats.h */
#include "pass_stats.h"

#include "buf.h"
#include "rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AND_NEXT(x) x,
const double ll_gate_scales[LL_GATE_SCALES] = {LL_GATE_SCALE_LIST(AND_NEXT)};
#undef AND_NEXT

int ll_pass_stats_init(struct ll_pass_stats *s, const struct ll_model *model, struct ll_err *err)
{
    memset(s, 0, sizeof *s);
    s->n_layers = model->n_layers;
    s->d_vocab = model->d_vocab;
    s->answer_id = s->control_id = -1;
    s->n_rows = model->n_layers + 1;
    s->rows = calloc((size_t)s->n_rows, sizeof *s->rows);
    if (!s->rows) {
        int rc = ll_fail_mem(err, "statistics of a pass", sizeof *s->rows * (size_t)s->n_rows);
        memset(s, 0, sizeof *s);
        return rc;
    }
    return LL_OK;
}

void ll_pass_stats_free(struct ll_pass_stats *s)
{
    free(s->rows);
    memset(s, 0, sizeof *s);
}

void ll_reading_clear(struct ll_reading *out, int is_set)
{
    *out = (struct ll_reading){.is_set = is_set,
                               .lse = NAN,
                               .entropy_bits = NAN,
                               .p_top1 = NAN,
                               .p_top2 = NAN,
                               .p_top5 = NAN,
                               .p_answer = NAN,
                               .answer_rank = -1,
                               .answer_logit = NAN,
                               .kl_to_final_bits = NAN,
                               .norm = NAN};
}

void ll_reading_from_walk(struct ll_reading *r, const struct ll_head_out *o, int answer)
{
    ll_reading_clear(r, 1);
    r->lse = o->lse;
    r->entropy_bits = o->entropy_bits;
    r->kl_to_final_bits = o->kl_to_final_bits;
    r->n_top = o->n_top < LL_TOP_COMPARED ? o->n_top : LL_TOP_COMPARED;
    if (r->n_top)
        memcpy(r->top, o->top, sizeof *r->top * (size_t)r->n_top);
    r->p_top1 = r->n_top > 0 ? ll_head_p(o, o->top[0].v) : NAN;
    r->p_top2 = r->n_top > 1 ? ll_head_p(o, o->top[1].v) : 0;
    r->p_top5 = 0;
    for (int i = 0; i < o->n_top && i < 5; i++)
        r->p_top5 += ll_head_p(o, o->top[i].v);
    if (answer >= 0) {
        r->answer_logit = (double)o->tracked_logit[answer];
        r->answer_rank = o->tracked_rank[answer];
        r->p_answer = ll_head_p(o, o->tracked_logit[answer]);
    }
}

struct ll_lens_cells ll_norm_cells(const struct ll_row_stats *r)
{
    return (struct ll_lens_cells){r->cos_to_final, r->cos_to_answer, r->cos_to_prompt_max,
                                  r->echo_mass_prompt, r->topk_prompt_mass50};
}

void ll_copy_strict_name(const struct ll_copy_labels *l, int i, char out[64])
{
    char t[32];
    ll_fmt_double(t, l->strict[i]);
    snprintf(out, 64, "copy_strict@%s", t);
}

void ll_copy_soft_name(const struct ll_copy_labels *l, int i, char out[64])
{
    char t[32];
    ll_fmt_double(t, l->soft[i].threshold);
    snprintf(out, 64, "copy_soft_k%d@%s", l->soft[i].k, t);
}
