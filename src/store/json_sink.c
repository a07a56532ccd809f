/* json_sink.c - output-<stem>.json: the document of a model, whose text others make (src/document). */
#include "outfile.h"
#include "sinks.h"

#include <stdlib.h>
#include <string.h>

struct json_sink {
    struct ll_sink sink;
    char *folder;     /* owned */
    const char *stem; /* borrowed: of the model being written; NULL between models */
};

static int json_open(struct ll_sink **sink, const char *folder, struct ll_err *err)
{
    struct json_sink *s = calloc(1, sizeof *s);
    *sink = NULL;
    if (!s || !(s->folder = strdup(folder))) {
        free(s);
        return ll_fail_mem(err, "json sink", sizeof *s);
    }
    s->sink.type = &ll_sink_json;
    *sink = &s->sink;
    return LL_OK;
}

static void json_abort_model(struct ll_sink *sink) { ((struct json_sink *)sink)->stem = NULL; }

static int json_begin_model(struct ll_sink *sink, const struct ll_model_info *model, struct ll_err *err)
{
    struct json_sink *s = (struct json_sink *)sink;
    s->stem = model->stem;
    return s->stem ? LL_OK : ll_fail(err, LL_EFAIL, "json sink: a model without a stem");
}

static int json_row(struct ll_sink *sink, const struct ll_row *row, struct ll_err *err)
{
    (void)sink, (void)row, (void)err; /* rows are the CSV files' */
    return LL_OK;
}

static int json_end_model(struct ll_sink *sink, const struct ll_model_end *end, struct ll_err *err)
{
    struct json_sink *s = (struct json_sink *)sink;
    struct ll_buf path = {0};
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "json sink: end without a model");
    ll_buf_addf(&path, "%s/output-%s.json", s->folder, s->stem);
    int rc = ll_buf_ok(&path, err);
    if (!rc)
        rc = ll_file_write(path.s, end->json, end->json_len, err);
    if (!rc)
        s->stem = NULL;
    ll_buf_free(&path);
    return rc;
}

static void json_close(struct ll_sink *sink)
{
    struct json_sink *s = (struct json_sink *)sink;
    if (!s)
        return;
    free(s->folder);
    free(s);
}

const struct ll_sink_type ll_sink_json = {
    "json",           "what was run, milestones, predictions and provenance, one JSON file a model",
    json_open,        json_begin_model,
    json_row,         json_end_model,
    json_abort_model, json_close,
};
