/* csv_sink.c - output-<clean>-records.csv and output-<clean>-pure-next-token.csv: the record of a run, row by row.
 *
 * RFC 4180, LF line ends (spec 10). A file begins with the first row of its schema, so a sweep that keeps only the last
 * position writes no records file; it gets its name when the model is complete. */
#include "csv_row.h"
#include "map.h"
#include "sinks.h"
#include "stem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ll_schema *const schemas[] = {&ll_schema_records, &ll_schema_pure};
enum { N_FILES = sizeof schemas / sizeof schemas[0] };

struct csv_sink {
    struct ll_sink sink;
    char *folder;                /* owned */
    struct ll_stems stems;
    const char *stem;            /* of the model being written; NULL between models */
    struct ll_outfile out[N_FILES];
    struct ll_buf line;          /* owned */
};

static int csv_open(struct ll_sink **sink, const char *folder, const struct ll_run_info *run, struct ll_err *err)
{
    (void)run; /* provenance is the JSON file's */
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
    for (int i = 0; i < N_FILES; i++)
        ll_outfile_abort(&s->out[i]);
    if (s->stem)
        ll_stem_give_back(&s->stems);
    s->stem = NULL;
}

static int csv_begin_model(struct ll_sink *sink, const struct ll_model_info *model, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    csv_abort_model(sink);
    s->stem = ll_stem_take(&s->stems, model->clean, err);
    return s->stem ? LL_OK : LL_EFAIL;
}

static int write_line(struct csv_sink *s, struct ll_outfile *out, struct ll_err *err)
{
    int rc = ll_buf_ok(&s->line, err);
    if (!rc && fwrite(s->line.s, 1, s->line.len, out->f) != s->line.len)
        rc = ll_fail(err, LL_EFAIL, "%s: write failed: %s", out->path, strerror(errno));
    ll_buf_reset(&s->line);
    return rc;
}

static int file_path(const struct csv_sink *s, int which, struct ll_buf *path, struct ll_err *err)
{
    ll_buf_addf(path, "%s/output-%s%s", s->folder, s->stem, schemas[which]->file_suffix);
    return ll_buf_ok(path, err);
}

static int start_file(struct csv_sink *s, int which, struct ll_err *err)
{
    struct ll_buf path = {0};
    int rc = file_path(s, which, &path, err);
    if (!rc)
        rc = ll_outfile_open(&s->out[which], path.s, err);
    ll_buf_free(&path);
    if (rc)
        return rc;
    ll_csv_header(&s->line, schemas[which]);
    return write_line(s, &s->out[which], err);
}

static int csv_row(struct ll_sink *sink, const struct ll_row *row, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    int which = 0;
    while (which < N_FILES && schemas[which] != row->schema)
        which++;
    if (which == N_FILES)
        return LL_OK; /* a table that this format does not keep */
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "csv sink: row without a model");
    int rc = ll_buf_ok(&row->text, err);
    if (!rc && !s->out[which].f)
        rc = start_file(s, which, err);
    if (rc)
        return rc;
    ll_csv_row(&s->line, row);
    return write_line(s, &s->out[which], err);
}

/* One file of a pair is no result: when the second cannot be finished, the first goes too. */
static void take_back(const struct csv_sink *s, int which)
{
    struct ll_buf path = {0};
    if (!file_path(s, which, &path, NULL))
        unlink(path.s);
    ll_buf_free(&path);
}

static int csv_end_model(struct ll_sink *sink, const struct ll_model_doc *doc, struct ll_err *err)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    int rc = LL_OK, done[N_FILES] = {0};
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "csv sink: end without a model");
    for (int i = 0; i < N_FILES && !rc; i++) {
        if (!s->out[i].f)
            continue;
        if (strcmp(doc->status, "ok")) { /* rows of a model that failed on the way tell nothing */
            ll_outfile_abort(&s->out[i]);
            continue;
        }
        rc = ll_outfile_commit(&s->out[i], err);
        done[i] = !rc;
    }
    for (int i = 0; i < N_FILES && rc; i++)
        if (done[i])
            take_back(s, i);
    if (!rc)
        s->stem = NULL; /* keeps its place in the list; after a failure abort_model frees it */
    return rc;
}

static void csv_close(struct ll_sink *sink)
{
    struct csv_sink *s = (struct csv_sink *)sink;
    if (!s)
        return;
    csv_abort_model(sink);
    ll_stems_free(&s->stems);
    ll_buf_free(&s->line);
    free(s->folder);
    free(s);
}

const struct ll_sink_type ll_sink_csv = {
    "csv", "records and pure-next-token tables, one CSV file each a model",
    csv_open, csv_begin_model, csv_row, csv_end_model, csv_abort_model, csv_close,
};
