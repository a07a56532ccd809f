/* csv_sink.c - output-<clean>-records.csv, output-<clean>-pure-next-token.csv and so on: the record of a run,
 * row by row.
 *
 * RFC 4180, LF line ends (docs/experiment.md 14.2). Any schema: a file begins with the first row of its
 * schema (told apart by its file suffix), so a sweep that keeps only the last position writes no records
 * file; it gets its name when the model is complete. A schema must live until end_model or abort_model. */
#include "csv_row.h"
#include "outfile.h"
#include "sinks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 32 };

struct csv_file {
    const struct ll_schema *schema;
    struct ll_outfile out;
};
struct csv_sink {
    struct ll_sink sink;
    char *folder;                     /* owned */
    const char *stem;                 /* borrowed: of the model being written; NULL between models */
    struct csv_file files[MAX_FILES]; /* of the model being written, in the order of their first rows */
    int n_files;
    struct ll_buf line; /* owned */
};

static int csv_open(struct ll_sink **sink, const char *folder, struct ll_err *err)
{
    struct csv_sink *s = calloc(1, sizeof *s);
    *sink = NULL;
    if (!s || !(s->folder = strdup(folder))) {
        free(s);
        return ll_fail_mem(err, "csv sink", sizeof *s);
    }
    s->sink.type = &ll_sink_csv;
    *sink = &s->sink;
    return LL_OK;
}

static void csv_abort_model(struct ll_sink *sink)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    for (int i = 0; i < s->n_files; i++)
        ll_outfile_abort(&s->files[i].out);
    s->n_files = 0;
    s->stem = NULL;
}

static int csv_begin_model(struct ll_sink *sink, const struct ll_model_info *model, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    csv_abort_model(sink);
    s->stem = model->stem;
    return s->stem ? LL_OK : ll_fail(err, LL_EFAIL, "csv sink: a model without a stem");
}

static int write_line(struct csv_sink *s, struct ll_outfile *out, struct ll_err *err)
{
    int rc = ll_buf_ok(&s->line, err);
    if (!rc && fwrite(s->line.s, 1, s->line.len, out->f) != s->line.len)
        rc = ll_fail(err, LL_EFAIL, "%s: write failed: %s", out->path, strerror(errno));
    ll_buf_reset(&s->line);
    return rc;
}

static int file_path(const struct csv_sink *s, const struct ll_schema *schema, struct ll_buf *path,
                     struct ll_err *err)
{
    ll_buf_addf(path, "%s/output-%s%s", s->folder, s->stem, schema->file_suffix);
    return ll_buf_ok(path, err);
}

static int start_file(struct csv_sink *s, const struct ll_schema *schema, struct ll_err *err)
{
    struct csv_file *f = &s->files[s->n_files];
    struct ll_buf path = {0};
    if (s->n_files == MAX_FILES)
        return ll_fail(err, LL_EFAIL, "csv sink: more than %d tables", MAX_FILES);
    int rc = file_path(s, schema, &path, err);
    if (!rc)
        rc = ll_outfile_open(&f->out, path.s, err);
    ll_buf_free(&path);
    if (rc)
        return rc;
    f->schema = schema;
    s->n_files++;
    ll_csv_header(&s->line, schema);
    return write_line(s, &f->out, err);
}

static struct csv_file *find_file(struct csv_sink *s, const struct ll_schema *schema)
{
    for (int i = 0; i < s->n_files; i++)
        if (s->files[i].schema == schema || !strcmp(s->files[i].schema->file_suffix, schema->file_suffix))
            return &s->files[i];
    return NULL;
}

static int csv_row(struct ll_sink *sink, const struct ll_row *row, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "csv sink: row without a model");
    int rc = ll_buf_ok(&row->text, err);
    struct csv_file *f = find_file(s, row->schema);
    if (!rc && !f)
        rc = start_file(s, row->schema, err);
    if (rc)
        return rc;
    f = f ? f : &s->files[s->n_files - 1];
    if (f->schema->n_cols != row->schema->n_cols)
        return ll_fail(err, LL_EFAIL, "%s: expected rows of %d columns, found one of %d", f->out.path,
                       f->schema->n_cols, row->schema->n_cols);
    ll_csv_row(&s->line, row);
    return write_line(s, &f->out, err);
}

/* One file of a set is no result: when a later one cannot be finished, those before it go too. */
static void take_back(const struct csv_sink *s, int which)
{
    struct ll_buf path = {0};
    if (!file_path(s, s->files[which].schema, &path, NULL))
        unlink(path.s);
    ll_buf_free(&path);
}

static int csv_end_model(struct ll_sink *sink, const struct ll_model_end *end, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    int rc = LL_OK, done = 0, is_ok = end->is_done;
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "csv sink: end without a model");
    for (int i = 0; i < s->n_files && !is_ok; i++) /* rows of a model that failed on the way tell nothing */
        ll_outfile_abort(&s->files[i].out);
    while (is_ok && done < s->n_files && !rc)
        if (!(rc = ll_outfile_commit(&s->files[done].out, err)))
            done++;
    for (int i = 0; i < done && rc; i++)
        take_back(s, i);
    if (rc)
        return rc; /* abort_model frees what was not committed */
    s->stem = NULL;
    s->n_files = 0;
    return LL_OK;
}

static void csv_close(struct ll_sink *sink)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    if (!s)
        return;
    csv_abort_model(sink);
    ll_buf_free(&s->line);
    free(s->folder);
    free(s);
}

const struct ll_sink_type ll_sink_csv = {
    "csv",           "records, pure-next-token, rawlens, answers, ... tables, one CSV file each a model",
    csv_open,        csv_begin_model,
    csv_row,         csv_end_model,
    csv_abort_model, csv_close,
};
