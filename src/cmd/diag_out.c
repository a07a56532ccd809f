/* diag_out.c - see diag_out.h */
#include "diag_out.h"

#include "index_diag.h"
#include "outfile.h"
#include "print.h"

#include <string.h>

int ll_diag_begin(struct ll_diag *d, const char *command, const struct ll_session *s, struct ll_err *err)
{
    memset(d, 0, sizeof *d);
    d->command = command;
    d->has_model = s != NULL;
    int rc = s ? ll_session_info(s, LL_LENS_FINAL, &d->info, &d->info_text, err) : LL_OK;
    if (!rc)
        ll_diag_doc_begin(&d->doc, command, s ? &d->info : NULL);
    return rc;
}

static int is_whole(const struct ll_diag *d, struct ll_err *err)
{
    int rc = ll_criteria_ok(&d->criteria, err);
    if (!rc)
        rc = ll_buf_ok(&d->doc.text, err);
    return rc ? rc : ll_report_text_ok(&d->text, err);
}

static int write_files(const struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err)
{
    const struct ll_buf *json = &d->doc.text, *markdown = &d->text.markdown;
    int rc = LL_OK;
    if (o->out)
        rc = ll_file_write(o->out, ll_buf_str(json), json->len, err);
    if (!rc && o->markdown)
        rc = ll_file_write(o->markdown, ll_buf_str(markdown), markdown->len, err);
    if (!rc && o->index)
        rc = ll_index_diag(o->index, ll_buf_str(json), json->len, NULL, err);
    return rc;
}

int ll_diag_finish(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err)
{
    int failed = ll_criteria_count(&d->criteria, LL_CRIT_FAIL), rc;
    ll_diag_doc_end(&d->doc, &d->criteria);
    if ((rc = is_whole(d, err)) || (rc = write_files(d, o, err))
        || (rc = o->json ? ll_print(&d->doc.text, err) : ll_print_text(&d->text.screen, err)))
        return rc;
    return failed ? ll_fail(err, LL_ECHECK, "%s: %d of %d criteria failed (see above)", d->command, failed,
                            d->criteria.n)
                  : LL_OK;
}

void ll_diag_free(struct ll_diag *d)
{
    ll_criteria_free(&d->criteria);
    ll_buf_free(&d->doc.text);
    ll_report_text_free(&d->text);
}
