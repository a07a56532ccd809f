/* made_run.h - the made run of record/made_rows.h through the sinks. */
#ifndef LL_TEST_MADE_RUN_H
#define LL_TEST_MADE_RUN_H
#include "unit/record/made_rows.h"

#include "sink.h"

/* All rows of the made model into an opened, begun sink. */
static inline void made_rows(struct ll_sink *sink)
{
    struct ll_err err = {0};
    struct ll_row rec, pure;
    OK(ll_row_init(&rec, &ll_schema_records, &err), &err);
    OK(ll_row_init(&pure, &ll_schema_pure, &err), &err);
    for (int pass = 0; pass < 2; pass++)
        for (int layer = 0; layer <= 2; layer++) {
            for (int pos = 0; pos < 3; pos++) {
                made_record(&rec, pass, layer, pos);
                OK(sink->type->row(sink, &rec, &err), &err);
            }
            made_pure(&pure, pass, layer);
            OK(sink->type->row(sink, &pure, &err), &err);
        }
    ll_row_free(&rec);
    ll_row_free(&pure);
}

/* The end of the made model: its document, which document/test_document.c keeps equal to what is written.
 * Text to be freed by the caller. */
static inline struct ll_model_end made_end(struct ll_buf *text)
{
    *text = slurp(LL_SOURCE_DIR "/tests/fixtures/document", "made.json");
    return (struct ll_model_end){.is_done = 1, .json = text->s, .json_len = text->len};
}

static inline int end_made(struct ll_sink *sink, struct ll_err *err)
{
    struct ll_buf text;
    const struct ll_model_end end = made_end(&text);
    int rc = sink->type->end_model(sink, &end, err);
    ll_buf_free(&text);
    return rc;
}

/* The made model through every sink into folder. */
static inline void made_into(const char *folder)
{
    struct ll_err err = {0};
    for (int i = 0; ll_sinks[i]; i++) {
        struct ll_sink *s;
        OK(ll_sinks[i]->open(&s, folder, &err), &err);
        OK(s->type->begin_model(s, &made_model, &err), &err);
        made_rows(s);
        OK(end_made(s, &err), &err);
        s->type->close(s);
    }
}
#endif
