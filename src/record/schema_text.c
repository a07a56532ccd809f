/* schema_text.c - see schema_text.h */
#include "schema_text.h"

void ll_schema_put_columns(struct ll_buf *out, const struct ll_schema *s)
{
    ll_buf_adds(out, "| column | unit | meaning |\n| --- | --- | --- |\n");
    for (int i = 0; i < s->n_cols; i++)
        ll_buf_addf(out, "| %s | %s | %s |\n", s->cols[i].name, s->cols[i].unit, s->cols[i].doc);
}

void ll_schema_put_run_file(struct ll_buf *out, const struct ll_schema *s)
{
    ll_buf_addf(out, "\n### Columns of output-MODEL%s\n\nThe first %d are the original experiment's.\n\n",
                s->file_suffix, s->n_seed);
    ll_schema_put_columns(out, s);
}
