/* pass_tables.c - see pass_tables.h */
#include "pass_tables.h"

#include "sidecar_cols.h"
#include "pos_frac.h"

#include <stdlib.h>
#include <string.h>

static int make_schemas(struct ll_pass_tables *t, const struct ll_copy_labels *l, struct ll_err *err)
{
    char text[LL_MAX_STRICT + LL_MAX_SOFT][64];
    const char *names[LL_MAX_STRICT + LL_MAX_SOFT];
    int n = 0;
    for (int i = 0; i < l->n_strict; i++)
        ll_copy_strict_name(l, i, text[n++]);
    for (int i = 0; i < l->n_soft; i++)
        ll_copy_soft_name(l, i, text[n++]);
    for (int i = 0; i < n; i++)
        names[i] = text[i];
    int rc = ll_pure_schema_init(&t->pure_schema, names, n, err);
    t->records_tuned = ll_schema_records;
    t->records_tuned.table = "records_tuned";
    t->records_tuned.file_suffix = LL_RECORDS_FILE "-tuned.csv";
    t->pure_tuned = t->pure_schema.schema;
    t->pure_tuned.table = "pure_tuned";
    t->pure_tuned.file_suffix = LL_PURE_FILE "-tuned.csv";
    return rc;
}

int ll_pass_tables_init(struct ll_pass_tables *t, const struct ll_row_rules *rules, struct ll_row_taker out,
                        int n_rows, struct ll_err *err)
{
    memset(t, 0, sizeof *t);
    t->rules = rules;
    t->out = out;
    int rc = make_schemas(t, rules->labels, err);
    const struct {
        struct ll_row *row;
        const struct ll_schema *schema;
    } rows[] = {{&t->record, &ll_schema_records},     {&t->pure, &t->pure_schema.schema},
                {&t->rawlens, &ll_schema_rawlens},    {&t->answers, &ll_schema_answers},
                {&t->position, &ll_schema_positions}, {&t->record_tuned, &t->records_tuned},
                {&t->pure_tuned_row, &t->pure_tuned}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !rc; i++)
        rc = ll_row_init(rows[i].row, rows[i].schema, err);
    if (!rc && !(t->flags = calloc((size_t)n_rows, sizeof *t->flags)))
        rc = ll_fail_mem(err, "flags", sizeof *t->flags * (size_t)n_rows);
    if (rc)
        ll_pass_tables_free(t);
    return rc;
}

void ll_pass_tables_free(struct ll_pass_tables *t)
{
    struct ll_row *rows[] = {&t->record,   &t->pure,         &t->rawlens,       &t->answers,
                             &t->position, &t->record_tuned, &t->pure_tuned_row};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ll_row_free(rows[i]);
    ll_pure_schema_free(&t->pure_schema);
    free(t->flags);
    memset(t, 0, sizeof *t);
}

/* Rows of a result at the last position; of a tuned one only those with a translator. */
struct last_rows {
    const struct ll_sweep_result *r;
    const struct ll_tuned *tuned;
};

static const struct ll_head_out *last_of(const struct ll_sweep_result *r, int layer)
{
    return &r->rows[(size_t)(layer + 1) * (size_t)r->n_pos - 1];
}

static int n_of(const struct last_rows *l)
{
    int n = 0;
    for (int i = 0; i < l->r->n_rows; i++)
        n += !l->tuned || ll_tuned_has(l->tuned, i);
    return n;
}

static int layer_of(const struct last_rows *l, int i)
{
    int layer = 0;
    for (;; layer++)
        if ((!l->tuned || ll_tuned_has(l->tuned, layer)) && !i--)
            return layer;
}

static const struct ll_head_out *row_at(void *arg, int i)
{
    const struct last_rows *l = arg;
    return last_of(l->r, l->tuned ? layer_of(l, i) : i);
}

int ll_pass_tables_flags(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_sweep_result *r,
                         struct ll_err *err)
{
    struct last_rows l = {r, NULL};
    return ll_pass_flags(c, row_at, &l, r->n_rows, t->flags, err);
}

static int put_records(struct ll_pass_tables *t, struct ll_row *row, struct ll_row_context *c,
                       const struct ll_tuned *tuned, const struct ll_sweep_result *r, struct ll_err *err)
{
    int rc = LL_OK;
    for (int l = 0; l < r->n_rows && !rc; l++)
        for (int i = 0; i < r->n_pos && !rc && (!tuned || ll_tuned_has(tuned, l)); i++) {
            ll_row_clear(row);
            ll_fill_record(row, c, l, r->pos0 + i, &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)i]);
            rc = t->out.take(t->out.arg, row, err);
        }
    return rc;
}

static int put_positions(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_sweep_result *r,
                         struct ll_err *err)
{
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n = ll_position_fractions(c->info->n_ids, at), rc = LL_OK;
    for (int l = 0; l < r->n_rows && !rc; l++)
        for (int i = 0; i < n && !rc; i++) {
            ll_row_clear(&t->position);
            ll_fill_position(&t->position, c, l, at[i].frac, at[i].pos,
                             &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)(at[i].pos - r->pos0)]);
            rc = t->out.take(t->out.arg, &t->position, err);
        }
    return rc;
}

int ll_pass_tables_write(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_sweep_result *r,
                         struct ll_err *err)
{
    int rc = t->rules->last_only ? LL_OK : put_records(t, &t->record, c, NULL, r, err);
    if (!rc && !t->rules->last_only)
        rc = put_positions(t, c, r, err);
    for (int l = 0; l < r->n_rows && !rc; l++, t->n_pure++) {
        ll_row_clear(&t->pure);
        ll_fill_pure(&t->pure, c, LL_ROW_NORM, l, last_of(r, l), &t->flags[l]);
        rc = t->out.take(t->out.arg, &t->pure, err);
    }
    for (int l = 0; c->stats && l < r->n_rows && !rc; l++)
        if (c->stats->rows[l].raw.is_set) {
            ll_row_clear(&t->rawlens);
            ll_fill_rawlens(&t->rawlens, c, l);
            rc = t->out.take(t->out.arg, &t->rawlens, err);
        }
    for (int l = 0; l < r->n_rows && !rc; l++)
        for (int i = 0; i < c->n_answers && !rc; i++) {
            ll_row_clear(&t->answers);
            ll_fill_answer(&t->answers, c, l, i, last_of(r, l));
            rc = t->out.take(t->out.arg, &t->answers, err);
        }
    return rc;
}

int ll_pass_tables_tuned(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_tuned *tuned,
                         const struct ll_sweep_result *r, struct ll_err *err)
{
    struct last_rows rows = {r, tuned};
    int n = n_of(&rows), rc = ll_pass_flags(c, row_at, &rows, n, t->flags, err);
    if (!rc && !t->rules->last_only)
        rc = put_records(t, &t->record_tuned, c, tuned, r, err);
    for (int i = 0; i < n && !rc; i++) {
        int layer = layer_of(&rows, i);
        ll_row_clear(&t->pure_tuned_row);
        ll_fill_pure(&t->pure_tuned_row, c, LL_ROW_TUNED, layer, last_of(r, layer), &t->flags[i]);
        rc = t->out.take(t->out.arg, &t->pure_tuned_row, err);
    }
    return rc;
}
