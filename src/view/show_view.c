/* show_view.c - see show_view.h */
#include "show_view.h"

#include "cells.h"
#include "human.h"

#include <string.h>

static void put_windows(const struct ll_model *m, struct ll_buf *out)
{
    int windowed = 0, width = 0;
    for (int l = 0; l < m->n_layers; l++)
        if (m->layers[l].window) {
            windowed++;
            width = m->layers[l].window;
        }
    if (windowed)
        ll_buf_addf(out, ", sliding window %d in %d of %d layers", width, windowed, m->n_layers);
}

static void put_norms(const struct ll_model *m, struct ll_buf *out)
{
    const struct ll_layer *L = &m->layers[0];
    static const char *const of_qk[] = {[LL_QK_NONE] = "",
                                        [LL_QK_HEAD_ONE_GAIN] = ", and of each head of q and k",
                                        [LL_QK_HEAD_OWN_GAIN] =
                                            ", and of each head of q and k, each with its gain",
                                        [LL_QK_ALL_HEADS] = ", and of q and k over their full width"};
    const char *where = L->ln1.w && L->ln1_post.w ? "before and after attention and MLP"
        : L->ln1.w                                ? "before attention and MLP"
                                                  : "after attention and MLP";
    if (L->parallel)
        where = L->ln2.w ? "one each before attention and MLP, which read the block's input in parallel"
                         : "one before attention and MLP, which read it in parallel";
    ll_buf_addf(out, "%s%s\n", where, L->q_norm.w ? of_qk[m->family->qk_norm] : "");
}

static void put_rope(const struct ll_rope *r, int d_head, const char *of, struct ll_buf *out)
{
    ll_buf_addf(out, "%s%s scaling", of, r->kind);
    if (r->d_rot < d_head)
        ll_buf_addf(out, ", the first %d of a head's %d", r->d_rot, d_head);
    if (r->interleaved)
        ll_buf_adds(out, ", pairs of neighbours");
    if (r->long_freq)
        ll_buf_addf(out, ", other frequencies in prompts longer than %d, cos and sin times %g",
                    r->short_up_to, (double)r->attn_factor);
}

static void put_positions(const struct ll_model *m, struct ll_buf *out)
{
    int still = 0;
    for (int l = 0; l < m->n_layers; l++)
        still += !m->layers[l].rope;
    if (m->n_positions) {
        ll_buf_addf(out, "\npositions learned, %d of them, added to the embedding\n", m->n_positions);
        return;
    }
    ll_buf_adds(out, "\nrotary   ");
    put_rope(&m->ropes[LL_ROPE_MAIN], m->d_head, "", out);
    if (m->ropes[LL_ROPE_LOCAL].d_rot)
        put_rope(&m->ropes[LL_ROPE_LOCAL], m->d_head, "; in layers with a window ", out);
    if (still)
        ll_buf_addf(out, "; none in %d of %d layers", still, m->n_layers);
    ll_buf_addc(out, '\n');
}

static void put_mlp(const struct ll_model *m, struct ll_buf *out)
{
    int with_experts = 0;
    const struct ll_experts *moe = NULL;
    for (int l = 0; l < m->n_layers; l++)
        if (m->layers[l].experts.n) {
            with_experts++;
            moe = &m->layers[l].experts;
        }
    int gated = moe ? moe->mlps[0].W_gate.n : m->layers[0].mlp.W_gate.n;
    ll_buf_addf(out, gated ? "MLP      %s(gate) * up\n" : "MLP      %s(up), no gate\n", ll_act_name(m->act));
    if (!moe)
        return;
    ll_buf_addf(out, "experts  %d of width %d in %d of %d layers, %d a token, weights %s", moe->n,
                m->d_expert, with_experts, m->n_layers, moe->top_k,
                moe->renormalised ? "divided by their sum" : "as the router gives them");
    if (m->d_shared)
        ll_buf_addf(out, "; one of width %d for every token", m->d_shared);
    ll_buf_addc(out, '\n');
}

void ll_show_text(struct ll_buf *out, const struct ll_model *m, const struct ll_model_info *i,
                  const char *tokens)
{
    const struct ll_layer *L = &m->layers[0];
    char a[24], b[24];
    ll_buf_addf(out, "model    %s\n", i->model_id);
    const char *arch = m->ckpt->gguf ? m->family->gguf.arch : NULL;
    ll_buf_addf(out, "family   %s, because %s \"%s\"; the row covers %s\n", i->family,
                arch ? "the metadata say general.architecture" : "config.json says model_type",
                arch ? arch : ll_settings_str(m->ckpt->settings, "model_type", ""), m->family->covers);
    ll_buf_addf(out, "files    %d %s, %d tensors (%d not read by the pass), stored as %s\n", m->ckpt->n_files,
                m->ckpt->container, m->ckpt->n_tensors, ll_model_n_unused(m), i->stored_types);
    ll_buf_addf(out, "size     %s parameters, %s of weights\n", ll_human_count((double)i->n_params, a),
                ll_human_bytes((double)ll_model_weight_bytes(m), b));
    ll_buf_addf(out,
                "shape    %d layers, width %d, %d heads of %d (%d for keys and values), MLP %d, vocabulary "
                "%d, context %lld\n",
                m->n_layers, m->d_model, m->n_heads, m->d_head, m->n_kv_heads, m->d_mlp, m->d_vocab,
                m->n_ctx);
    ll_buf_addf(out, "norms    %s, eps %g, ", i->norm_kind, i->norm_eps);
    put_norms(m, out);
    ll_buf_addf(out, "attends  scores times %g%s", (double)m->attn_scale,
                L->b_Q || L->b_QKV ? ", biases on q, k, v" : "");
    if (m->attn_cap > 0)
        ll_buf_addf(out, ", soft cap %g", (double)m->attn_cap);
    put_windows(m, out);
    put_positions(m, out);
    put_mlp(m, out);
    ll_buf_addf(out, "head     %s", m->tied ? "tied to the embedding" : "own matrix");
    if (m->emb_scale != 1.0f)
        ll_buf_addf(out, ", embedding times %g", (double)m->emb_scale);
    if (m->resid_scale != 1.0f)
        ll_buf_addf(out, ", additions to the stream times %g", (double)m->resid_scale);
    if (m->b_U)
        ll_buf_adds(out, ", with a bias");
    if (m->logit_scale != 1.0f)
        ll_buf_addf(out, ", logits times %g", (double)m->logit_scale);
    if (m->logit_cap > 0)
        ll_buf_addf(out, ", soft cap %g", (double)m->logit_cap);
    ll_buf_addf(out, "\ntokens   %s; %s\nidentity %s\n", tokens, i->bos_policy, i->identity);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void put_dims(const struct ll_tensor *t, struct ll_buf *out)
{
    ll_buf_addc(out, '[');
    for (int i = 0; i < t->n_dims; i++)
        ll_buf_addf(out, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    ll_buf_addc(out, ']');
}

void ll_show_tensors(struct ll_buf *out, const struct ll_model *m)
{
    ll_buf_adds(out, "\ntensors\n");
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        int n = (int)strlen(t->name);
        ll_buf_adds(out, "  ");
        ll_put_cell(out, t->name, (size_t)n, n > 48 ? n : 48, 1);
        ll_buf_addf(out, " %-5s ", ll_tensor_type(t));
        put_dims(t, out);
        ll_buf_addf(out, "%s\n", m->layer_of[i] == LL_UNUSED ? "  not read by the pass" : "");
    }
}
