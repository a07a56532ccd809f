/* pass_memory.c - the working memory of a pass (forward.h): one table of all its buffers. */
#include "pass_ops.h"
#include "rope.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 1024 }; /* rows a block works on at once, unless one sequence is longer */

static uint32_t wanted_hooks(const struct ll_listener *l, int n)
{
    uint32_t all = 0;
    for (int i = 0; i < n; i++)
        all |= l[i].hooks;
    return all;
}

enum { MAX_SLOTS = 20 + 4 * LL_MAX_ROPES };
struct slot {
    void **p;
    size_t bytes;
};

static struct slot floats(float **p, size_t n) { return (struct slot){(void **)p, n * sizeof(float)}; }
static struct slot ints(int **p, size_t n) { return (struct slot){(void **)p, n * sizeof(int)}; }

/* One table of all buffers, for both the sum and the making. */
static int slots(struct ll_pass *p, struct slot out[MAX_SLOTS])
{
    const struct ll_model *m = p->model;
    size_t rows = (size_t)p->max_rows, chunk = (size_t)p->chunk_rows, d = (size_t)m->d_model,
           seq = (size_t)p->max_seq;
    size_t dq = (size_t)m->n_heads * (size_t)m->d_head, dkv = (size_t)m->n_kv_heads * (size_t)m->d_head;
    size_t routed = m->n_experts ? chunk : 0, top_k = (size_t)m->top_k; /* rows of what only experts need */
    uint32_t hooks = wanted_hooks(p->listeners, p->n_listeners);
    size_t square = hooks & (LL_HOOK_BIT(LL_HOOK_ATTN_SCORES) | LL_HOOK_BIT(LL_HOOK_PATTERN))
        ? (size_t)m->n_heads * seq * seq
        : 0;
    size_t full = hooks & LL_HOOK_BIT(LL_HOOK_LOGITS) ? rows * (size_t)m->d_vocab : 0;
    int n = 0;
    out[n++] = floats(&p->resid, rows * d);
    out[n++] = floats(&p->final, rows * d);
    out[n++] = floats(&p->scale, rows);
    out[n++] = floats(&p->normed, chunk * d);
    out[n++] = floats(&p->qkv, chunk * (dq + 2 * dkv));
    out[n++] = floats(&p->fused, m->family->qkv == LL_QKV_GROUPED ? chunk * (dq + 2 * dkv) : 0);
    out[n++] = floats(&p->z, chunk * dq);
    out[n++] = floats(&p->out, chunk * d);
    out[n++] = floats(&p->gate, chunk * (size_t)m->d_mlp_max);
    out[n++] = floats(&p->up, chunk * (size_t)m->d_mlp_max);
    out[n++] = floats(&p->router, routed * (size_t)m->n_experts);
    out[n++] = floats(&p->weight, routed * top_k);
    out[n++] = ints(&p->chosen, routed * top_k);
    out[n++] = floats(&p->share, routed);
    out[n++] = ints(&p->taken, routed);
    out[n++] = floats(&p->gathered, routed * d);
    out[n++] = floats(&p->expert_out, routed * d);
    for (int i = 0; i < m->n_ropes; i++)
        for (int is_long = 0; is_long < 2; is_long++) {
            const struct ll_rope *r = &m->ropes[i];
            size_t values = is_long && !r->long_freq ? 0 : seq * (size_t)(r->d_rot / 2);
            out[n++] = floats(&p->rope_rows[i][is_long].cos, values);
            out[n++] = floats(&p->rope_rows[i][is_long].sin, values);
        }
    out[n++] = floats(&p->scores, square);
    out[n++] = floats(&p->pattern, square);
    out[n++] = floats(&p->logits, full);
    return n;
}

static void set_sizes(struct ll_pass *p, const struct ll_pass_plan *plan)
{
    int rows = plan->max_rows, seq = plan->max_seq;
    *p = (struct ll_pass){.model = plan->model,
                          .max_rows = rows,
                          .max_seq = seq,
                          .chunk_rows = rows < CHUNK_ROWS ? rows
                              : seq > CHUNK_ROWS          ? seq
                                                          : CHUNK_ROWS,
                          .listeners = plan->listeners,
                          .n_listeners = plan->n_listeners};
}

long long ll_pass_bytes(const struct ll_pass_plan *plan)
{
    struct ll_pass p;
    struct slot s[MAX_SLOTS];
    long long sum = 0;
    set_sizes(&p, plan);
    for (int i = 0, k = slots(&p, s); i < k; i++)
        sum += (long long)s[i].bytes;
    return sum + (long long)sizeof(struct ll_attn) * p.chunk_rows;
}

static int make_buffers(struct ll_pass *p, struct ll_err *err)
{
    struct slot s[MAX_SLOTS];
    for (int i = 0, k = slots(p, s); i < k; i++) {
        /* 64-byte lines: rows of x and y meet vector loads */
        if (s[i].bytes && !(*s[i].p = ll_lines_alloc(s[i].bytes)))
            return ll_fail_mem(err, "working memory of the pass", s[i].bytes);
    }
    p->attn = calloc((size_t)p->chunk_rows, sizeof *p->attn);
    return p->attn ? LL_OK
                   : ll_fail_mem(err, "working memory of the pass", sizeof *p->attn * (size_t)p->chunk_rows);
}

/* The widest row that the engine multiplies. */
static int widest(const struct ll_model *m)
{
    int most = m->d_mlp_max > m->d_model ? m->d_mlp_max : m->d_model, heads = m->n_heads * m->d_head;
    return most > heads ? most : heads;
}

static void make_rope_tables(struct ll_pass *p)
{
    for (int i = 0; i < p->model->n_ropes; i++)
        for (int is_long = 0; is_long < 2; is_long++) {
            struct ll_rope_rows *to = &p->rope_rows[i][is_long];
            if (to->cos)
                ll_rope_table(&p->model->ropes[i], is_long, p->max_seq, to->cos, to->sin);
        }
}

int ll_pass_init(struct ll_pass *p, const struct ll_pass_plan *plan, struct ll_engine *engine,
                 struct ll_err *err)
{
    const struct ll_model *m = plan->model;
    if (plan->max_rows < 1 || plan->max_seq < 1 || plan->max_seq > plan->max_rows) {
        *p = (struct ll_pass){0};
        return ll_fail(err, LL_EUSAGE, "pass: expected 1 <= longest sequence <= rows, found %d and %d",
                       plan->max_seq, plan->max_rows);
    }
    set_sizes(p, plan);
    p->engine = engine;
    p->ops = m->ops ? m->ops : &ll_pass_ops_plain;
    int rc = make_buffers(p, err);
    if (!rc)
        rc = ll_engine_reserve(engine, p->chunk_rows, widest(m), p->max_seq, m->d_head, err);
    if (rc)
        ll_pass_free(p);
    else
        make_rope_tables(p);
    return rc;
}

void ll_pass_free(struct ll_pass *p)
{
    struct slot s[MAX_SLOTS];
    if (!p->model)
        return;
    p->n_listeners = 0; /* sizes do not matter here, and the listeners may be gone */
    for (int i = 0, k = slots(p, s); i < k; i++)
        free(*s[i].p);
    free(p->attn);
    memset(p, 0, sizeof *p);
}
