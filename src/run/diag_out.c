/* diag_out.c - see diag_out.h */
#include "diag_out.h"

#include "index_diag.h"
#include "outfile.h"
#include "print.h"

static int write_files(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err)
{
    int rc = LL_OK;
    if (o->out)
        rc = ll_file_write(o->out, ll_buf_str(&d->text), d->text.len, err);
    if (!rc && o->markdown)
        rc = ll_file_write(o->markdown, ll_buf_str(&d->markdown), d->markdown.len, err);
    if (!rc && o->index)
        rc = ll_index_diag(o->index, ll_buf_str(&d->text), d->text.len, NULL, err);
    return rc;
}

int ll_diag_finish(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err)
{
    int n = d->count[LL_CRIT_PASS] + d->count[LL_CRIT_WARN] + d->count[LL_CRIT_FAIL]
        + d->count[LL_CRIT_NOT_RUN],
        rc;
    if ((rc = ll_diag_close(d, err)) || (rc = write_files(d, o, err))
        || (rc = o->json ? ll_print(&d->text, err) : ll_print_text(&d->table, err)))
        return rc;
    return d->count[LL_CRIT_FAIL] ? ll_fail(err, LL_ECHECK, "%s: %d of %d criteria failed (see above)",
                                            d->command, d->count[LL_CRIT_FAIL], n)
                                  : LL_OK;
}
