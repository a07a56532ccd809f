/* doc_keys_text.c - the keys of the document as docs/tables.md has them, see doc_keys.h */
#include "doc_keys.h"

/* Where an object stands in the document: "diagnostics.copy_mask"; "" for the whole. */
static void put_place(struct ll_buf *out, enum ll_doc_object o)
{
    for (int k = 0; k < LL_N_DOC_KEYS; k++) {
        struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
        if (row.of != o)
            continue;
        put_place(out, row.in);
        ll_buf_addf(out, "%s%s%s", out->len && out->s[out->len - 1] != '`' ? "." : "", row.name,
                    row.kind == LL_KEY_OBJECTS   ? "[]"
                        : row.kind == LL_KEY_MAP ? ".*"
                                                 : "");
        return;
    }
}

static void put_object(struct ll_buf *out, enum ll_doc_object o)
{
    struct ll_buf place = {0};
    ll_buf_addc(&place, '`');
    put_place(&place, o);
    if (place.len > 1)
        ll_buf_addf(out, "\n%s`: ", ll_buf_str(&place));
    else
        ll_buf_adds(out, "\n");
    ll_buf_free(&place);
    ll_buf_addf(out, "%s\n\n| key | kind | unit | when | meaning |\n| --- | --- | --- | --- | --- |\n",
                ll_doc_object_doc(o));
    for (int k = 0; k < LL_N_DOC_KEYS; k++) {
        struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
        if (row.in == o)
            ll_buf_addf(out, "| %s | %s | %s | %s | %s |\n", row.name, ll_key_kind_name(row.kind), row.unit,
                        row.when ? row.when : "", row.doc);
    }
}

void ll_doc_keys_put(struct ll_buf *out)
{
    ll_buf_adds(out,
                "\n### Keys of the JSON document, output-MODEL.json\n\n"
                "Any value may be null: not known. An object that stands in several places is described "
                "once, at the first. A key without a \"when\" is always there.\n");
    for (int o = LL_OBJ_NONE + 1; o < LL_N_OBJECTS; o++)
        put_object(out, (enum ll_doc_object)o);
}
