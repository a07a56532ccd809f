/* double_policy.c - see double_policy.h */
#include "double_policy.h"

#include <math.h>
#include <stdlib.h>

struct product_job {
    struct ll_double_policy *policy;
    const struct ll_product *op;
};

static void product_some(void *arg, int n0, int n1)
{
    const struct product_job *j = arg;
    const struct ll_product *op = j->op;
    float *row = malloc(sizeof *row * (size_t)op->w->k);
    if (!row)
        j->policy->no_memory = 1;
    for (int n = n0; n < n1 && row; n++) {
        ll_mat_row(op->w, n, row);
        for (int r = 0; r < op->x.n; r++) {
            double sum = 0;
            for (int k = 0; k < op->w->k; k++)
                sum += (double)op->x.x[r * op->x.ld + k] * (double)row[k];
            op->y.x[r * op->y.ld + n] = (float)(sum + (op->bias ? (double)op->bias[n] : 0));
        }
    }
    free(row);
}

static void linear(struct ll_pass *p, const struct ll_chunk *c, const struct ll_product *op)
{
    struct product_job j = {p->ops->own, op};
    (void)c;
    ll_engine_rows(p->engine, op->w->n, product_some, &j);
}

struct heads {
    struct ll_double_policy *p;
    const struct ll_attn *a;
};

static double score(const struct ll_attn *a, int h, int t, int s)
{
    const float *q = a->q + t * a->ldq + (long)h * a->d_head,
                *k = a->k + s * a->ldkv + (long)(h / (a->n_heads / a->n_kv_heads)) * a->d_head;
    double sum = 0, cap = (double)a->cap;
    for (int i = 0; i < a->d_head; i++)
        sum += (double)q[i] * (double)k[i];
    sum *= (double)a->scale;
    return cap > 0 ? cap * (1 - 2 / (ll_exp(2 * sum / cap) + 1)) : sum;
}

static void attend_some(void *arg, int h0, int h1)
{
    const struct heads *j = arg;
    const struct ll_attn *a = j->a;
    double *p = malloc(sizeof *p * (size_t)a->n_pos);
    if (!p)
        j->p->no_memory = 1;
    for (int h = h0; h < h1 && p; h++)
        for (int t = 0; t < a->n_pos; t++) {
            int from = a->window && t - a->window + 1 > 0 ? t - a->window + 1 : 0;
            double max = -INFINITY, sum = 0;
            for (int s = from; s <= t; s++) {
                p[s] = score(a, h, t, s);
                max = p[s] > max ? p[s] : max;
            }
            for (int s = from; s <= t; s++)
                sum += p[s] = ll_exp(p[s] - max);
            for (int i = 0; i < a->d_head; i++) {
                double z = 0;
                for (int s = from; s <= t; s++)
                    z += p[s] / sum
                        * (double)
                              a->v[s * a->ldkv + (long)(h / (a->n_heads / a->n_kv_heads)) * a->d_head + i];
                a->z[t * a->ldz + (long)h * a->d_head + i] = (float)z;
            }
        }
    free(p);
}

static void attend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_attn *a, int n)
{
    (void)c;
    for (int i = 0; i < n; i++) {
        struct heads j = {p->ops->own, &a[i]};
        ll_engine_rows(p->engine, a[i].n_heads, attend_some, &j);
    }
}

void ll_double_policy_init(struct ll_double_policy *p)
{
    p->no_memory = 0;
    p->ops = ll_pass_ops_plain;
    p->ops.own = p;
    p->ops.hides_scores = 1;
    p->ops.linear = linear;
    p->ops.attend = attend;
}
