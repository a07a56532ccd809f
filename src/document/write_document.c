/* write_document.c - see document.h: the order of everything */
#include "doc_head.h"

#include "provenance.h"

#include <string.h>

static void put_diagnostics(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h)
{
    const struct ll_doc_figures *f = d->figures;
    ll_key_open(o, LL_K_ROOT_DIAGNOSTICS);
    ll_put_labels(o, h, d->model);
    if (f) {
        ll_put_suite_diag(o, &f->suite);
        ll_put_copy_diag(o, &f->copy);
        ll_put_milestones(o, &f->milestones);
        ll_put_raw_diag(o, &f->raw);
        ll_put_lens(o, &f->lens);
        ll_put_trust(o, &f->trust);
        ll_put_positions(o, LL_K_DIAG_POSITION_WINDOW, &f->positions);
        ll_put_health(o, &f->trust);
        ll_put_flags(o, f);
        ll_put_skips(o, &f->tuned);
    }
    ll_key_end(o);
}

static void put_figures(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    ll_put_suite(o, &f->suite);
    ll_put_copy_columns(o, &f->copy);
    ll_put_raw_check(o, &f->raw);
    ll_put_tuned(o, &f->tuned);
    ll_put_guide(o, f);
    ll_put_pack(o, f);
}

static void put_done(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h)
{
    ll_put_prompt(o, d, h);
    ll_put_predictions(o, d);
    put_diagnostics(o, d, h);
    ll_put_final_prediction(o, d);
    ll_put_stats(o, d->model);
    ll_key_int(o, LL_K_ROOT_SCHEMA_VERSION, LL_SCHEMA_VERSION);
    ll_key_text(o, LL_K_ROOT_STATUS, d->status);
    ll_put_passes(o, d, h);
    ll_put_provenance(o, d, LL_K_ROOT_PROVENANCE);
    ll_key_open(o, LL_K_ROOT_WARNINGS);
    for (int i = 0; i < d->n_warnings; i++)
        ll_json_cstr(&o->j, NULL, d->warnings[i]);
    ll_key_end(o);
    if (d->figures)
        put_figures(o, d->figures);
    ll_key_bool(o, LL_K_ROOT_LAST_ROW_EQUALS_MODEL, d->last_row_equal);
}

static void put_not_done(struct ll_key_out *o, const struct ll_document *d)
{
    ll_key_text(o, LL_K_FAILED_STATUS, d->status);
    ll_key_text(o, LL_K_FAILED_MODEL, d->model->model_id);
    ll_key_text(o, LL_K_FAILED_REASON, d->reason);
    ll_key_int(o, LL_K_FAILED_SCHEMA_VERSION, LL_SCHEMA_VERSION);
    ll_put_provenance(o, d, LL_K_FAILED_PROVENANCE);
}

int ll_document_write(struct ll_buf *out, const struct ll_document *d, struct ll_err *err)
{
    struct ll_key_out o;
    struct ll_doc_head head;
    int is_done = !strcmp(d->status, "ok"), rc = ll_doc_head_of(&head, d, err);
    if (!rc) {
        ll_key_begin(&o, out, is_done ? LL_OBJ_ROOT : LL_OBJ_FAILED);
        if (is_done)
            put_done(&o, d, &head);
        else
            put_not_done(&o, d);
        ll_key_end(&o);
        rc = ll_buf_ok(out, err);
    }
    ll_doc_head_free(&head);
    return rc;
}
