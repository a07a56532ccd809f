/* write_positions.c - see doc_positions.h */
#include "doc_positions.h"

static void put_choices(struct ll_key_out *o, enum ll_doc_key k, const int *v, int n)
{
    ll_key_open_flat(o, k);
    for (int i = 0; i < n; i++)
        ll_json_choice(&o->j, NULL, v[i]);
    ll_key_end(o);
}

static void put_targets(struct ll_key_out *o, const struct ll_doc_positions *p)
{
    const struct ll_doc_swept *s = &p->swept;
    ll_key_open_flat(o, LL_K_POSITIONS_POSITIONS);
    for (int i = 0; i < s->n; i++)
        ll_json_int(&o->j, NULL, s->at[i].pos);
    ll_key_end(o);
    ll_key_open_flat(o, LL_K_POSITIONS_TARGET_IDS);
    for (int i = 0; i < s->n; i++)
        ll_json_layer(&o->j, NULL, s->target[i]);
    ll_key_end(o);
    put_choices(o, LL_K_POSITIONS_AT_SEMANTIC, p->at_semantic, p->has_semantic ? s->n : 0);
    put_choices(o, LL_K_POSITIONS_AT_STRONG, p->at_strong, p->has_strong ? s->n : 0);
    ll_key_text(o, LL_K_POSITIONS_TARGET, "the prompt's next token, at the last position the answer");
}

void ll_put_positions(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_positions *p)
{
    ll_key_open(o, k);
    ll_key_open_flat(o, LL_K_POSITIONS_GRID);
    for (int i = 0; i < p->n; i++)
        ll_json_num(&o->j, NULL, p->grid[i].frac);
    ll_key_end(o);
    ll_key_layer(o, LL_K_POSITIONS_L_SEMANTIC, p->L_semantic);
    ll_key_real(o, LL_K_POSITIONS_RANK1, p->rank1);
    ll_key_int(o, LL_K_POSITIONS_N, p->n);
    ll_key_real(o, LL_K_POSITIONS_RANK1_STRONG, p->rank1_strong);
    ll_key_choice(o, LL_K_POSITIONS_FRAGILE, p->is_fragile);
    if (p->swept.n)
        put_targets(o, p);
    else
        ll_key_text(o, LL_K_POSITIONS_OMITTED, "rank1_frac: only the last position was swept");
    ll_key_end(o);
}
