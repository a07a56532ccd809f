/* dump_json.c - see dump_json.h */
#include "dump_json.h"

#include "diag_doc.h"
#include "json_write.h"
#include "provenance.h"

static void put_tokens(struct ll_json *j, const struct ll_dump_manifest *m)
{
    ll_json_arr(j, "tokens");
    for (int i = 0; i < m->n_ids; i++) {
        struct ll_buf t = {0};
        ll_token_name(m->names, m->ids[i], &t);
        for (size_t c = 0; c < t.len; c++)
            t.s[c] = t.s[c] ? t.s[c] : '?'; /* JSON readers, ours too, end strings there */
        ll_json_str(j, NULL, ll_buf_str(&t), t.len);
        ll_buf_free(&t);
    }
    ll_json_end(j);
}

static void put_files(struct ll_json *j, const struct ll_dump_manifest *m)
{
    ll_json_obj(j, "files");
    for (int i = 0; i < m->n_files; i++)
        ll_json_cstr(j, m->files[i].name, m->files[i].sha256);
    ll_json_end(j);
    ll_json_obj(j, "shapes");
    for (int i = 0; i < m->n_files; i++) {
        ll_json_arr_flat(j, m->files[i].name);
        for (int dim = 0; dim < m->files[i].n_dims; dim++)
            ll_json_int(j, NULL, m->files[i].dims[dim]);
        ll_json_end(j);
    }
    ll_json_end(j);
}

void ll_dump_manifest_json(struct ll_buf *out, const struct ll_dump_manifest *m)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "model", m->model);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_token_ids_json(&j, m->ids, m->n_ids);
    put_tokens(&j, m);
    ll_json_int(&j, "d", m->d_model);
    ll_json_cstr(&j, "dtype", "float32");
    ll_json_int(&j, "bytes_before_values", m->counted ? 4 : 0);
    put_files(&j, m);
    ll_json_end(&j);
}
