/* dump_files.c - activations as files for other programs (dump.h). */
#include "dump.h"

#include "dump_json.h"
#include "map.h"
#include "npz_write.h"
#include "outfile.h"
#include "provenance.h"
#include "ref_place.h"
#include "sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one file -------------------------------------------------------------------------------- */

static const char *ending(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return dot && dot > base ? dot : "";
}

int ll_dump_check_name(const char *path, struct ll_err *err)
{
    const char *end = ending(path);
    if (!*end || !strcmp(end, ".safetensors") || !strcmp(end, ".npz"))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "--out: expected a name ending in .safetensors or .npz, found \"%.40s\"",
                   end);
}

static int write_npz(const char *path, const struct ll_array *all, int n, struct ll_err *err)
{
    struct ll_npz_array *a = malloc(sizeof *a * (size_t)n);
    if (!a)
        return ll_fail_mem(err, "dump", sizeof *a * (size_t)n);
    for (int i = 0; i < n; i++) {
        a[i] =
            (struct ll_npz_array){all[i].name, all[i].type == LL_ARRAY_I32, all[i].n_dims, {0}, all[i].data};
        memcpy(a[i].dims, all[i].dims, sizeof a[i].dims);
    }
    int rc = ll_npz_write(path, a, n, err);
    free(a);
    return rc;
}

int ll_dump_write(const char *path, const struct ll_dump *d, const struct ll_opened *x, struct ll_err *err)
{
    const struct ll_model *m = x->s.model;
    char identity[65];
    int rc = ll_ckpt_identity(m->ckpt, identity, err);
    const char *meta[] = {"tool",   ll_tool_version(), "model", m->ckpt->clean, "identity", identity,
                          "engine", LL_ENGINE_RULE,    NULL};
    struct ll_array *all = rc ? NULL : malloc(sizeof *all * (size_t)(d->n + 1));
    if (!rc && !all)
        rc = ll_fail_mem(err, "dump", sizeof *all * (size_t)d->n);
    if (!rc) {
        char ids_name[] = "input_ids";
        all[0] = (struct ll_array){
            .name = ids_name, .type = LL_ARRAY_I32, .n_dims = 1, .dims = {x->p.ids.n}, .data = x->p.ids.v};
        memcpy(all + 1, d->arrays, sizeof *all * (size_t)d->n);
        rc = !strcmp(ending(path), ".npz") ? write_npz(path, all, d->n + 1, err)
                                           : ll_safetensors_write(path, all, d->n + 1, meta, err);
    }
    free(all);
    return rc;
}

/* ---- a folder -------------------------------------------------------------------------------- */

/* Values alone, as numpy's tofile and fromfile have them; hex (65 bytes) gets the SHA-256. */
static int write_values(const char *folder, const char *name, const float *x, int64_t n, char hex[65],
                        struct ll_err *err)
{
    struct ll_sha256 sha;
    char *path = ll_path_join(folder, name);
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, x, sizeof *x * (size_t)n);
    ll_sha256_hex(&sha, hex);
    int rc =
        path ? ll_file_write(path, x, sizeof *x * (size_t)n, err) : ll_fail_mem(err, "path", strlen(folder));
    free(path);
    return rc;
}

static int64_t n_values(const struct ll_array *a)
{
    int64_t n = 1;
    for (int dim = 0; dim < a->n_dims; dim++)
        n *= a->dims[dim];
    return n;
}

/* One array's file, where its point has one: then *f is filled in and *n_files counted up. */
static int write_bin(const char *folder, int counted, const struct ll_model *m, const struct ll_array *a,
                     struct ll_dump_file *f, int *n_files, struct ll_err *err)
{
    char buf[64];
    int layer, hook = ll_hook_parse(a->name, &layer);
    const char *name = ll_ref_bin_name(m, hook, layer, buf);
    if (!name)
        return LL_OK;
    snprintf(f->name, sizeof f->name, "%s", name);
    f->n_dims = a->n_dims;
    memcpy(f->dims, a->dims, sizeof f->dims);
    ++*n_files;
    return counted ? ll_bin_write(folder, name, a->data, n_values(a), f->sha256, err)
                   : write_values(folder, name, a->data, n_values(a), f->sha256, err);
}

static int write_manifest(const char *folder, const struct ll_dump_manifest *m, struct ll_err *err)
{
    struct ll_buf text = {0};
    char *path = ll_path_join(folder, "manifest.json");
    ll_dump_manifest_json(&text, m);
    int rc = path && !text.failed ? ll_file_write(path, text.s, text.len, err)
                                  : ll_fail_mem(err, "manifest", text.len);
    free(path);
    ll_buf_free(&text);
    return rc;
}

int ll_dump_write_bins(const char *folder, int counted, const struct ll_dump *d, const struct ll_opened *x,
                       struct ll_err *err)
{
    const struct ll_token_names names = ll_session_names(&x->s);
    struct ll_dump_file *files = calloc((size_t)d->n, sizeof *files);
    struct ll_dump_manifest m = {.model = x->s.model->ckpt->clean,
                                 .ids = x->p.ids.v,
                                 .n_ids = x->p.ids.n,
                                 .d_model = x->s.model->d_model,
                                 .counted = counted,
                                 .names = &names,
                                 .files = files};
    int rc = files ? ll_make_dirs(folder, err) : ll_fail_mem(err, "dump", sizeof *files * (size_t)d->n);
    for (int i = 0; i < d->n && !rc; i++)
        rc = write_bin(folder, counted, x->s.model, &d->arrays[i], &files[m.n_files], &m.n_files, err);
    if (!rc && !m.n_files)
        rc = ll_fail(err, LL_EUSAGE,
                     "--bin: none of the hook points has such a file (the scales and resid_pre have none)");
    if (!rc)
        rc = write_manifest(folder, &m, err);
    free(files);
    return rc;
}
