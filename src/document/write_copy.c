/* write_copy.c - see doc_copy.h */
#include "doc_copy.h"

static void put_mask(struct ll_key_out *o, const struct ll_copy_mask *m)
{
    if (!m) {
        ll_key_null(o, LL_K_DIAG_COPY_MASK);
        return;
    }
    ll_key_open(o, LL_K_DIAG_COPY_MASK);
    ll_key_ints(o, LL_K_COPY_MASK_IDS, m->ids.v, m->ids.n);
    ll_key_open_flat(o, LL_K_COPY_MASK_SAMPLE);
    for (int i = 0; i < m->n_sample; i++)
        ll_json_str(&o->j, NULL, ll_buf_str(&m->texts) + m->at[i], m->at[i + 1] - m->at[i]);
    ll_key_end(o);
    ll_key_int(o, LL_K_COPY_MASK_SIZE, m->ids.n);
    ll_key_end(o);
}

void ll_put_copy_diag(struct ll_key_out *o, const struct ll_doc_copy *c)
{
    ll_key_open(o, LL_K_DIAG_COPY_SOFT_CONFIG);
    ll_key_real(o, LL_K_SOFT_CONFIG_THRESHOLD, c->soft);
    ll_key_ints(o, LL_K_SOFT_CONFIG_KS, c->ks, c->n_ks);
    ll_key_open_flat(o, LL_K_SOFT_CONFIG_EXTRA);
    for (int i = 0; i < c->n_extra; i++)
        ll_json_num(&o->j, NULL, c->extra[i]);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_real(o, LL_K_DIAG_COPY_SOFT_THRESHOLD, c->soft);
    ll_key_ints(o, LL_K_DIAG_COPY_SOFT_KS, c->ks, c->n_ks);
    put_mask(o, c->mask);
    ll_key_real(o, LL_K_DIAG_COPY_THRESH, c->strict);
    ll_key_int(o, LL_K_DIAG_COPY_WINDOW_K, 1);
    ll_key_text(o, LL_K_DIAG_COPY_MATCH_LEVEL, "id_subsequence");
}

void ll_put_copy_columns(struct ll_key_out *o, const struct ll_doc_copy *c)
{
    ll_key_open_flat(o, LL_K_ROOT_COPY_FLAG_COLUMNS);
    for (int i = 0; i < c->n_names; i++)
        ll_json_cstr(&o->j, NULL, c->names[i]);
    ll_key_end(o);
}
