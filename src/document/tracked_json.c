/* tracked_json.c - see tracked_json.h */
#include "tracked_json.h"

static void put_answer(struct ll_json *j, const struct ll_tracked *v)
{
    ll_json_cstr(j, "text", v->text);
    ll_json_cstr(j, "spelling", v->variant);
    ll_json_cstr(j, "reason", v->reason);
    ll_json_bool(j, "is_followed", !v->is_other && v->n_ids);
    ll_json_arr_flat(j, "ids");
    for (int i = 0; i < v->n_ids; i++)
        ll_json_int(j, NULL, v->ids[i]);
    ll_json_end(j);
}

void ll_tracked_set_json(struct ll_json *j, const struct ll_tracked_set *f)
{
    ll_json_arr(j, "answers");
    for (int i = 0; i < f->n; i++) {
        ll_json_obj_flat(j, NULL);
        put_answer(j, &f->v[i]);
        ll_json_end(j);
    }
    ll_json_end(j);
}
