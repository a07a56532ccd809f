/* key_out.c - see key_out.h */
#include "key_out.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The key's name as it is written; text: room for one with a '*'. */
static const char *name_of(const struct ll_key_out *o, const struct ll_doc_key_row *row, char text[96])
{
    const char *star = strchr(row->name, '*');
    if (!star)
        return row->name;
    assert(o->fill);
    snprintf(text, 96, "%.*s%s%s", (int)(star - row->name), row->name, o->fill, star + 1);
    return text;
}

static struct ll_doc_key_row checked(const struct ll_key_out *o, enum ll_doc_key k, enum ll_key_kind kind)
{
    struct ll_doc_key_row row = ll_doc_key(k);
    assert(o->depth > 0 && o->at[o->depth - 1] == row.in);
    assert(row.kind == kind);
    (void)kind;
    return row;
}

static void push(struct ll_key_out *o, enum ll_doc_object at, enum ll_doc_object items)
{
    assert(o->depth < LL_KEY_DEPTH);
    o->at[o->depth] = at;
    o->items[o->depth++] = items;
}

void ll_key_begin(struct ll_key_out *o, struct ll_buf *out, enum ll_doc_object root)
{
    memset(o, 0, sizeof *o);
    ll_json_init(&o->j, out);
    ll_json_obj(&o->j, NULL);
    push(o, root, LL_OBJ_NONE);
}

enum layout { LINES, FLAT, TIGHT };

static void open_as(struct ll_key_out *o, enum ll_doc_key k, enum layout layout)
{
    static void (*const lists[])(struct ll_json *, const char *) = {ll_json_arr, ll_json_arr_flat,
                                                                    ll_json_arr_tight};
    static void (*const objects[])(struct ll_json *, const char *) = {ll_json_obj, ll_json_obj_flat,
                                                                      ll_json_obj_tight};
    struct ll_doc_key_row row = ll_doc_key(k);
    char text[96];
    checked(o, k, row.kind);
    int is_list = row.kind == LL_KEY_LIST || row.kind == LL_KEY_OBJECTS, is_one = row.kind == LL_KEY_OBJECT;
    assert(is_list || is_one || row.kind == LL_KEY_MAP);
    (is_list ? lists : objects)[layout](&o->j, name_of(o, &row, text));
    push(o, is_one ? row.of : LL_OBJ_NONE, is_one ? LL_OBJ_NONE : row.of);
}

void ll_key_open(struct ll_key_out *o, enum ll_doc_key k) { open_as(o, k, LINES); }
void ll_key_open_flat(struct ll_key_out *o, enum ll_doc_key k) { open_as(o, k, FLAT); }
void ll_key_open_tight(struct ll_key_out *o, enum ll_doc_key k) { open_as(o, k, TIGHT); }

void ll_key_item(struct ll_key_out *o, const char *name)
{
    assert(o->depth > 0 && o->items[o->depth - 1] != LL_OBJ_NONE);
    ll_json_obj(&o->j, name);
    push(o, o->items[o->depth - 1], LL_OBJ_NONE);
}

void ll_key_item_flat(struct ll_key_out *o)
{
    assert(o->depth > 0 && o->items[o->depth - 1] != LL_OBJ_NONE);
    ll_json_obj_flat(&o->j, NULL);
    push(o, o->items[o->depth - 1], LL_OBJ_NONE);
}

void ll_key_end(struct ll_key_out *o)
{
    assert(o->depth > 0);
    o->depth--;
    ll_json_end(&o->j);
}

void ll_key_bytes(struct ll_key_out *o, enum ll_doc_key k, const char *s, size_t n)
{
    struct ll_doc_key_row row = checked(o, k, LL_KEY_TEXT);
    char text[96];
    ll_json_str(&o->j, name_of(o, &row, text), s, n);
}

void ll_key_text(struct ll_key_out *o, enum ll_doc_key k, const char *s)
{
    ll_key_bytes(o, k, s, s ? strlen(s) : 0);
}

void ll_key_real(struct ll_key_out *o, enum ll_doc_key k, double v)
{
    struct ll_doc_key_row row = checked(o, k, LL_KEY_REAL);
    char text[96];
    ll_json_num(&o->j, name_of(o, &row, text), v);
}

void ll_key_int(struct ll_key_out *o, enum ll_doc_key k, long long v)
{
    struct ll_doc_key_row row = checked(o, k, LL_KEY_INT);
    char text[96];
    ll_json_int(&o->j, name_of(o, &row, text), v);
}

void ll_key_layer(struct ll_key_out *o, enum ll_doc_key k, long long v)
{
    if (v < 0)
        ll_key_null(o, k);
    else
        ll_key_int(o, k, v);
}

void ll_key_delta(struct ll_key_out *o, enum ll_doc_key k, int v)
{
    if (v == LL_NO_DELTA)
        ll_key_null(o, k);
    else
        ll_key_int(o, k, v);
}

void ll_key_bool(struct ll_key_out *o, enum ll_doc_key k, int v)
{
    struct ll_doc_key_row row = checked(o, k, LL_KEY_BOOL);
    char text[96];
    ll_json_bool(&o->j, name_of(o, &row, text), v);
}

void ll_key_choice(struct ll_key_out *o, enum ll_doc_key k, int v)
{
    if (v < 0)
        ll_key_null(o, k);
    else
        ll_key_bool(o, k, v);
}

void ll_key_null(struct ll_key_out *o, enum ll_doc_key k)
{
    struct ll_doc_key_row row = ll_doc_key(k);
    char text[96];
    checked(o, k, row.kind);
    ll_json_null(&o->j, name_of(o, &row, text));
}

void ll_key_ints(struct ll_key_out *o, enum ll_doc_key k, const int *v, int n)
{
    ll_key_open_flat(o, k);
    for (int i = 0; i < n; i++)
        ll_json_int(&o->j, NULL, v[i]);
    ll_key_end(o);
}

void ll_key_quartiles(struct ll_key_out *o, enum ll_doc_key k, const double v[3])
{
    ll_key_open(o, k);
    ll_key_real(o, LL_K_QUARTILES_P25, v[0]);
    ll_key_real(o, LL_K_QUARTILES_P50, v[1]);
    ll_key_real(o, LL_K_QUARTILES_P75, v[2]);
    ll_key_end(o);
}

void ll_json_choice(struct ll_json *j, const char *name, int v)
{
    if (v < 0)
        ll_json_null(j, name);
    else
        ll_json_bool(j, name, v);
}

void ll_json_delta(struct ll_json *j, const char *name, int v)
{
    if (v == LL_NO_DELTA)
        ll_json_null(j, name);
    else
        ll_json_int(j, name, v);
}
