/* keep_resid.c - see keep_resid.h */
#include "keep_resid.h"

#include "buf.h"
#include "refstack.h"

#include <unistd.h>

static void put_name(struct ll_buf *name, const char *stem, int row)
{
    ll_buf_reset(name);
    ll_buf_addf(name, "%s_%02d_resid.bin", stem, row);
}

int ll_keep_resid(const char *folder, const char *stem, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_buf name = {0};
    char hex[65];
    int rc = LL_OK;
    for (int l = 0; l < r->n_rows && !rc; l++) {
        put_name(&name, stem, l);
        if (!(rc = ll_buf_ok(&name, err)))
            rc = ll_bin_write(folder, name.s, ll_stack_row(r->stack, l, r->kept0),
                              (int64_t)r->n_pos * r->stack->d_model, hex, err);
    }
    ll_buf_free(&name);
    if (rc)
        ll_drop_resid(folder, stem, r->n_rows);
    return rc;
}

void ll_drop_resid(const char *folder, const char *stem, int n_rows)
{
    struct ll_buf path = {0};
    for (int l = 0; l < n_rows; l++) {
        ll_buf_reset(&path);
        ll_buf_addf(&path, "%s/%s_%02d_resid.bin", folder, stem, l);
        if (!path.failed)
            unlink(path.s);
    }
    ll_buf_free(&path);
}
