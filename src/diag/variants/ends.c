/* ends.c - mistakes in embedding and head. */
#include "edit.h"

#include <math.h>

static int put_scale(float *field, double to)
{
    float was = *field;
    *field = (float)to;
    return *field != was;
}
int ll_edit_emb_scale_off(struct ll_edit *e) { return put_scale(&e->m->emb_scale, 1); }
int ll_edit_emb_scale_root(struct ll_edit *e)
{
    return put_scale(&e->m->emb_scale, sqrt((double)e->m->d_model));
}
int ll_edit_logit_scale_off(struct ll_edit *e) { return put_scale(&e->m->logit_scale, 1); }
int ll_edit_logit_scale_emb(struct ll_edit *e)
{
    return put_scale(&e->m->logit_scale, (double)e->m->logit_scale * (double)e->m->emb_scale);
}
int ll_edit_logit_cap_off(struct ll_edit *e) { return put_scale(&e->m->logit_cap, 0); }
int ll_edit_head_bias_off(struct ll_edit *e)
{
    int there = e->m->b_U != NULL;
    e->m->b_U = NULL;
    return there;
}
