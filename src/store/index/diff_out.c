/* diff_out.c - see diff_out.h */
#include "diff_out.h"
#include "csv_row.h"
#include "index_diff.h"
#include "outfile.h"
#include "sha256.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ll_diff_out {
    struct ll_outfile csv;     /* f NULL: not wanted, or standard output */
    FILE *to;                  /* where lines go, NULL: nowhere */
    struct ll_diff_load index; /* db NULL: not wanted */
    struct ll_sha256 sha;
    struct ll_buf line; /* owned */
};

static int put_line(struct ll_diff_out *o, struct ll_err *err)
{
    int rc = ll_buf_ok(&o->line, err);
    if (!rc) {
        ll_sha256_add(&o->sha, o->line.s, o->line.len);
        if (o->to && fwrite(o->line.s, 1, o->line.len, o->to) != o->line.len)
            rc = ll_fail(err, LL_EFAIL, "%s: write failed: %s", o->csv.f ? o->csv.path : "standard output",
                         strerror(errno));
    }
    ll_buf_reset(&o->line);
    return rc;
}

int ll_diff_out_open(struct ll_diff_out **out, const char *csv, const char *index, struct ll_err *err)
{
    struct ll_diff_out *o = *out = calloc(1, sizeof *o);
    int rc = o ? LL_OK : ll_fail_mem(err, "diff output", sizeof *o);
    if (!rc && csv && strcmp(csv, "-"))
        rc = ll_outfile_open(&o->csv, csv, err);
    if (!rc)
        o->to = !csv ? NULL : o->csv.f ? o->csv.f : stdout;
    if (!rc && index)
        rc = ll_diff_load_begin(&o->index, index, err);
    if (!rc) {
        ll_sha256_init(&o->sha);
        ll_csv_header(&o->line, &ll_schema_diff);
        rc = put_line(o, err);
    }
    if (rc) {
        ll_diff_out_close(o);
        *out = NULL;
    }
    return rc;
}

int ll_diff_out_row(struct ll_diff_out *o, const struct ll_row *row, struct ll_err *err)
{
    int rc = ll_buf_ok(&row->text, err);
    if (rc)
        return rc;
    ll_csv_row(&o->line, row);
    rc = put_line(o, err);
    return rc || !o->index.db ? rc : ll_diff_load_row(&o->index, row, err);
}

static void hash_text(struct ll_sha256 *sha, const char *s)
{
    ll_sha256_add(sha, s ? s : "", s ? strlen(s) + 1 : 1);
}

int ll_diff_out_finish(struct ll_diff_out *o, const struct ll_diff_doc *doc, char key[65], int *added,
                       struct ll_err *err)
{
    const char *const facts[] = {doc->a->model_id, doc->a->identity,  doc->b->model_id,
                                 doc->b->identity, doc->a->lens_norm, doc->positions};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash_text(&o->sha, facts[i]);
    for (int i = 0; i < doc->n_prompts; i++)
        ll_sha256_add(&o->sha, doc->prompts[i].ids,
                      sizeof *doc->prompts[i].ids * (size_t)doc->prompts[i].n_ids);
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++)
        ll_sha256_add(&o->sha, &doc->tolerance[t], sizeof doc->tolerance[t]);
    ll_sha256_hex(&o->sha, key);
    *added = 0;
    int rc = o->csv.f ? ll_outfile_commit(&o->csv, err) : LL_OK;
    if (!rc && o->to == stdout && fflush(stdout))
        rc = ll_fail(err, LL_EFAIL, "standard output: %s", strerror(errno));
    o->to = NULL;
    return rc || !o->index.db ? rc : ll_diff_load_finish(&o->index, doc, key, added, err);
}

void ll_diff_out_close(struct ll_diff_out *o)
{
    if (!o)
        return;
    ll_outfile_abort(&o->csv);
    ll_diff_load_close(&o->index);
    ll_buf_free(&o->line);
    free(o);
}
