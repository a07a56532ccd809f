/* pass_checks.c - see pass_checks.h */
#include "pass_checks.h"

#include <string.h>

/* A row behind a block, in families with a norm before attention and one before the MLP (Gemma 2, which norms
 * afterwards too, was tested by the original as well). Returns 1 when it was taken. */
static int add_point(struct ll_pass_checks *c, const struct ll_model *m, const char *name, int layer,
                     int rows[LL_MAX_POINTS])
{
    if (layer < 1 || layer > m->n_layers || !ll_decoding_points_exist(m))
        return 0;
    c->point_names[c->n_points] = name;
    rows[c->n_points++] = layer;
    return 1;
}

static int decode_points(struct ll_pass_checks *c, const struct ll_analysis *job,
                         const struct ll_pass_milestones *m, struct ll_err *err)
{
    int rows[LL_MAX_POINTS];
    add_point(c, job->model, "L_semantic_norm", m->L_semantic, rows);
    add_point(c, job->model, "L_semantic_strong", m->strong, rows);
    if (add_point(c, job->model, "L_semantic_strong_run2", m->strong_run2, rows))
        add_point(c, job->model, "L_semantic_strong_run2+1", m->strong_run2 + 1, rows);
    add_point(c, job->model, "first_rank_le_5", m->rank[1], rows);
    return c->n_points ? ll_decoding_points(job, rows, c->n_points, c->points, err) : LL_OK;
}

int ll_pass_checks_run(struct ll_pass_checks *out, const struct ll_analysis *job,
                       const struct ll_pass_stats *s, const struct ll_pass_milestones *m, struct ll_err *err)
{
    memset(out, 0, sizeof *out);
    int rc = decode_points(out, job, m, err);
    if (!rc)
        rc = ll_last_row_check(job, &out->last, err);
    return rc ? rc : ll_analysis_repeat(job, s, &out->repeat, err);
}
