/* cmd_show.c - what a checkpoint is, which family row reads it, and what a run over it would take. */
#include "cmd.h"
#include "json_write.h"
#include "plan_view.h"
#include "provenance.h"
#include "session.h"
#include "human.h"
#include "cells.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct show_opts {
    struct ll_common common;
    int plan, tensors, json;
    struct ll_plan_opts plan_for;
};
static const struct show_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                          .plan_for = {.prompts = 25, .tokens = 20, .device = "auto"}};
enum { N_OPTS = 10 };

static void opt_table(struct show_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--plan", LL_OPT_FLAG, &o->plan, NULL, "memory, bytes read and time of a sweep", 0, 0, NULL},
        {"--prompts", LL_OPT_INT, &o->plan_for.prompts, "N", "for --plan: prompts", 1, 100000, NULL},
        {"--tokens", LL_OPT_INT, &o->plan_for.tokens, "N", "for --plan: tokens a prompt", 1, 1000000, NULL},
        {"--device", LL_OPT_STR, &o->plan_for.device, "WHERE",
         "for --plan: device the original's policy may choose", 0, 0, "auto|cuda|mps|cpu"},
        {"--capacity", LL_OPT_STR, &o->plan_for.capacity, "LIST",
         "for --plan: free memory, such as cuda=24GiB,cpu=64GiB", 0, 0, NULL},
        {"--tensors", LL_OPT_FLAG, &o->tensors, NULL,
         "list every tensor: type, shape, size, read by the pass or not", 0, 0, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of text", 0, 0, NULL},
        LL_OPT_THREADS(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_show_options(struct ll_buf *out)
{
    struct show_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

/* ---- the model ------------------------------------------------------------------------------- */

static void put_dims(const struct ll_tensor *t, struct ll_buf *out)
{
    ll_buf_addc(out, '[');
    for (int i = 0; i < t->n_dims; i++)
        ll_buf_addf(out, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    ll_buf_addc(out, ']');
}

static void put_tensors(const struct ll_model *m, struct ll_buf *out)
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

static int count_unused(const struct ll_model *m)
{
    int n = 0;
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        n += m->layer_of[i] == LL_UNUSED;
    return n;
}

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

static void put_text(const struct ll_session *s, const struct ll_model_info *i, struct ll_buf *out)
{
    const struct ll_model *m = s->model;
    const struct ll_layer *L = &m->layers[0];
    char a[24], b[24];
    ll_buf_addf(out, "model    %s\n", i->model_id);
    const char *arch = m->ckpt->gguf ? m->family->gguf.arch : NULL;
    ll_buf_addf(out, "family   %s, because %s \"%s\"; the row covers %s\n", i->family,
                arch ? "the metadata say general.architecture" : "config.json says model_type",
                arch ? arch : ll_settings_str(m->ckpt->settings, "model_type", ""), m->family->covers);
    ll_buf_addf(out, "files    %d %s, %d tensors (%d not read by the pass), stored as %s\n", m->ckpt->n_files,
                m->ckpt->container, m->ckpt->n_tensors, count_unused(m), i->stored_types);
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
    ll_buf_addf(out, "\ntokens   %s; %s\nidentity %s\n", s->tok ? ll_tokenizer_kind(s->tok) : s->tok_err.msg,
                i->bos_policy, i->identity);
}

static void put_json(const struct ll_session *s, const struct ll_model_info *i, const struct ll_plan *p,
                     const struct show_opts *o, struct ll_buf *out)
{
    const struct ll_model *m = s->model;
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_json_cstr(&j, "model", i->model_id);
    ll_json_cstr(&j, "identity", i->identity);
    ll_json_cstr(&j, "family", i->family);
    ll_json_cstr(&j, "architecture", i->architecture);
    ll_json_cstr(&j, "container", i->container);
    ll_json_cstr(&j, "stored_types", i->stored_types);
    const struct {
        const char *key;
        long long v;
    } ints[] = {{"n_layers", m->n_layers},
                {"d_model", m->d_model},
                {"n_heads", m->n_heads},
                {"n_kv_heads", m->n_kv_heads},
                {"d_head", m->d_head},
                {"d_mlp", m->d_mlp},
                {"d_vocab", m->d_vocab},
                {"n_ctx", m->n_ctx},
                {"n_params", m->n_params},
                {"weight_bytes", ll_model_weight_bytes(m)},
                {"n_files", m->ckpt->n_files},
                {"n_tensors", m->ckpt->n_tensors},
                {"n_tensors_unused", count_unused(m)}};
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
        ll_json_int(&j, ints[k].key, ints[k].v);
    ll_json_cstr(&j, "norm", i->norm_kind);
    ll_json_num(&j, "norm_eps", i->norm_eps);
    ll_json_bool(&j, "tied", m->tied);
    ll_json_bool(&j, "parallel", m->layers[0].parallel);
    ll_json_cstr(&j, "rope", m->ropes[LL_ROPE_MAIN].kind);
    ll_json_int(&j, "d_rot", m->ropes[LL_ROPE_MAIN].d_rot);
    ll_json_int(&j, "learned_positions", m->n_positions);
    ll_json_int(&j, "n_experts", m->n_experts);
    ll_json_int(&j, "experts_per_token", m->top_k);
    ll_json_cstr(&j, "activation", ll_act_name(m->act));
    ll_json_num(&j, "attn_scale", (double)m->attn_scale);
    ll_json_num(&j, "attn_cap", (double)m->attn_cap);
    ll_json_num(&j, "logit_cap", (double)m->logit_cap);
    ll_json_num(&j, "emb_scale", (double)m->emb_scale);
    ll_json_num(&j, "resid_scale", (double)m->resid_scale);
    ll_json_num(&j, "logit_scale", (double)m->logit_scale);
    ll_json_bool(&j, "head_bias", m->b_U != NULL);
    ll_json_cstr(&j, "bos_policy", i->bos_policy);
    ll_json_arr(&j, "warnings");
    for (int k = 0; k < m->ckpt->n_notes; k++)
        ll_json_cstr(&j, NULL, m->ckpt->notes[k]);
    ll_json_end(&j);
    if (p)
        ll_plan_json(p, &o->plan_for, &j);
    ll_json_end(&j);
}

int ll_cmd_show(int argc, char **argv, struct ll_err *err)
{
    struct show_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_session s = {0};
    struct ll_model_info info;
    struct ll_info_text keep;
    struct ll_plan plan;
    struct ll_buf out = {0};
    const char *args[1];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 1, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "show: expected a model (see: logitlens help show)");
    if ((rc = ll_session_open(&s, args[0], NULL, o.common.threads, err)))
        return rc;
    rc = ll_session_info(&s, LL_LENS_FINAL, &info, &keep, err);
    if (!rc && o.plan)
        rc = ll_plan_make(&plan, &s, info.model_id, &o.plan_for, err);
    if (!rc && o.json)
        put_json(&s, &info, o.plan ? &plan : NULL, &o, &out);
    else if (!rc) {
        put_text(&s, &info, &out);
        if (o.tensors)
            put_tensors(s.model, &out);
        if (o.plan)
            ll_plan_text(&plan, &o.plan_for, &out);
    }
    if (!rc && !o.json)
        ll_warn_notes(s.model, o.common.quiet);
    if (!rc)
        rc = (o.json ? ll_print : ll_print_text)(&out, err);
    ll_buf_free(&out);
    ll_session_close(&s);
    return rc;
}
