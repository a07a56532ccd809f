/* tokens_json.c - see tokens_json.h */
#include "tokens_json.h"

#include "provenance.h"
#include "tracked_json.h"

static void put_token(struct ll_json *j, const struct ll_token_line *t)
{
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "id", t->id);
    ll_json_str(j, "text", ll_buf_str(&t->text), t->text.len);
    ll_json_str(j, "piece", t->piece, t->n_piece);
    ll_json_cstr(j, "bytes", ll_buf_str(&t->bytes));
    ll_json_bool(j, "special", t->is_special);
    ll_json_end(j);
}

/* The first answer by itself, beside the list: its member is older than the list. */
static void put_first(struct ll_json *j, const struct ll_tracked *a)
{
    ll_json_obj(j, "answer");
    ll_json_cstr(j, "variant", a->variant);
    ll_json_cstr(j, "reason", a->reason);
    ll_json_arr_flat(j, "ids");
    for (int i = 0; i < a->n_ids; i++)
        ll_json_int(j, NULL, a->ids[i]);
    ll_json_end(j);
    ll_json_end(j);
}

void ll_tokens_json(struct ll_buf *out, const struct ll_token_list *l, const struct ll_tracked_set *answers)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "kind", l->kind);
    ll_json_cstr(&j, "files", l->files);
    ll_json_cstr(&j, "bos_policy", l->bos_policy);
    ll_json_arr_flat(&j, "ids");
    for (int i = 0; i < l->n; i++)
        ll_json_int(&j, NULL, l->v[i].id);
    ll_json_end(&j);
    ll_json_arr(&j, "tokens");
    for (int i = 0; i < l->n; i++)
        put_token(&j, &l->v[i]);
    ll_json_end(&j);
    if (answers->n) {
        put_first(&j, &answers->v[0]);
        ll_tracked_set_json(&j, answers);
    }
    ll_json_end(&j);
}
