/* plan_view.c - see plan_view.h */
#include "plan_view.h"

#include "human.h"

static void put_policy(const struct ll_plan *p, struct ll_buf *out)
{
    char a[24], b[24];
    ll_buf_addf(out,
                "\nthe original's estimate (all weights copied to one device; decides nothing here)\n  "
                "parameters      %s counted in the tensors",
                ll_human_count(p->fit[0].params, a));
    ll_buf_addf(out, p->params_by_name > 0 ? ", %s by name\n" : ", unknown by name\n",
                ll_human_count(p->params_by_name, b));
    for (int d = 0; d < LL_N_DEVICES; d++) {
        const struct ll_device_estimate *f = &p->fit[d];
        ll_buf_addf(out, "  %-15s %s in %s", ll_device_name(f->device),
                    ll_human_bytes((double)f->peak_bytes, a), f->dtype);
        ll_buf_addf(out, f->free_bytes < 0 ? ", no such device\n" : ", %s free%s\n",
                    ll_human_bytes((double)f->free_bytes, b),
                    (int)f->device == p->chosen ? ": chosen"
                        : f->fits               ? ""
                                                : ": does not fit");
    }
    if (p->chosen < 0)
        ll_buf_adds(out, "  fits nowhere: the original would have skipped this model\n");
}

void ll_plan_text(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_buf *out)
{
    char a[24], b[24], c[24];
    long long need = p->p.pass_bytes + p->p.stack_bytes + p->p.head_bytes;
    ll_buf_addf(out, "\nplan     %d prompts of %d tokens, every layer and position\n", o->prompts, o->tokens);
    ll_buf_addf(out, "  batches         %d, the largest of %d token rows\n", p->p.n_batches, p->p.batch_rows);
    ll_buf_addf(out, "  memory          %s: activations %s, ", ll_human_bytes((double)need, a),
                ll_human_bytes((double)p->p.pass_bytes, b));
    ll_buf_addf(out, "residuals %s, head %s\n", ll_human_bytes((double)p->p.stack_bytes, a),
                ll_human_bytes((double)p->p.head_bytes, b));
    ll_buf_addf(out, "  available now   %s%s\n",
                p->available > 0 ? ll_human_bytes((double)p->available, a) : "unknown",
                p->available > 0 && need > p->available ? ": does not fit" : "");
    ll_buf_addf(out, "  weights read    %s, mapped, not copied\n",
                ll_human_bytes((double)p->p.weight_bytes_read, a));
    ll_buf_addf(out, "  arithmetic      %sFLOP in the pass, %sFLOP in the head\n",
                ll_human_count(p->p.flops_pass, a), ll_human_count(p->p.flops_head, b));
    ll_buf_addf(out, "  time            about %s at %sFLOP/s (measured just now)\n",
                ll_human_time(p->seconds, b), ll_human_count(p->rate, c));
    put_policy(p, out);
}
