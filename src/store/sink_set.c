/* sink_set.c - see sink_set.h */
#include "sink_set.h"

int ll_sink_set_open(struct ll_sink_set *all, const char *folder, struct ll_err *err)
{
    for (all->n = 0; ll_sinks[all->n] && all->n < LL_MAX_SINKS; all->n++) {
        int rc = ll_sinks[all->n]->open(&all->s[all->n], folder, err);
        if (rc)
            return rc;
    }
    return LL_OK;
}

int ll_sink_set_begin(struct ll_sink_set *all, const struct ll_model_info *model, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->begin_model(all->s[i], model, err);
    return rc;
}

int ll_sink_set_row(struct ll_sink_set *all, const struct ll_row *row, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->row(all->s[i], row, err);
    return rc;
}

static int take_row(void *all, const struct ll_row *row, struct ll_err *err)
{
    return ll_sink_set_row(all, row, err);
}

struct ll_row_taker ll_sink_set_rows(struct ll_sink_set *all) { return (struct ll_row_taker){take_row, all}; }

int ll_sink_set_end(struct ll_sink_set *all, const struct ll_model_end *end, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->end_model(all->s[i], end, err);
    return rc;
}

void ll_sink_set_abort(struct ll_sink_set *all)
{
    for (int i = 0; i < all->n; i++)
        all->s[i]->type->abort_model(all->s[i]);
}

void ll_sink_set_close(struct ll_sink_set *all)
{
    for (int i = 0; i < all->n; i++)
        all->s[i]->type->close(all->s[i]);
    all->n = 0;
}
