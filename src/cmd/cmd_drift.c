/* cmd_drift.c - our pass against activations from elsewhere: where they part, and which mistake explains it.
 */
#include "cmd.h"
#include "diag_out.h"
#include "drift_case.h"
#include "drift_json.h"
#include "drift_view.h"
#include "layer_list.h"
#include "opened.h"
#include "print.h"
#include "variant.h"

#include <stdlib.h>
#include <string.h>

struct drift_opts {
    struct ll_common common;
    struct ll_diag_opts diag;
    const char *ids, *sequence, *map, *raw, *isolate, *parts, *try_list, *broken;
    int pos, explain, expect, exact;
    double tol, eps;
};
static const struct drift_opts defaults = {.common = LL_COMMON_DEFAULTS, .pos = -1, .expect = -1, .eps = -1};
enum { N_OPTS = 21 };

static void opt_table(struct drift_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids, where the reference does not say them: 1,2,3", 0,
         0, NULL},
        {"--sequence", LL_OPT_STR, &o->sequence, "NAME", "of a reference with several sequences, this one", 0,
         0, NULL},
        {"--pos", LL_OPT_INT, &o->pos, "P",
         "position of the one token that the reference holds; -1: it holds all (llama.cpp: all, or the last)",
         -1, 0x7fffffff, NULL},
        {"--map", LL_OPT_STR, &o->map, "FILE",
         "names of the reference: PATTERN<tab>HOOK a line, %d for the layer, - to pass over", 0, 0, NULL},
        {"--raw", LL_OPT_STR, &o->raw, "TYPE",
         "type of values alone in .bin files: float32, float64, float16, bfloat16; without it the size "
         "tells, if one fits",
         0, 0, NULL},
        {"--tol", LL_OPT_NUM, &o->tol, "E",
         "tolerance of an isolated operation, relative to its rms; 0: 1e-4, or 2e-2 for half precision", 0,
         10, NULL},
        {"--isolate", LL_OPT_STR, &o->isolate, "LIST",
         "layers alone, on the reference's input: all, or 2,22,23", 0, 0, NULL},
        {"--parts", LL_OPT_STR, &o->parts, "LIST",
         "components of these layers; those without reference against double precision", 0, 0, NULL},
        {"--try", LL_OPT_STR, &o->try_list, "LIST",
         "which mistake explains the first divergence: all, or switches like rope=interleaved,eps=x10@2", 0,
         0, NULL},
        {"--explain", LL_OPT_FLAG, &o->explain, NULL,
         "the table symptom, likely cause, with what was seen here", 0, 0, NULL},
        {"--eps-override", LL_OPT_NUM, &o->eps, "E",
         "use this epsilon in every norm, and say whether errors fall; -1: the checkpoint's", -1, 1, NULL},
        {"--expect-token", LL_OPT_INT, &o->expect, "ID",
         "token that the reference predicted; -1: from its logits", -1, 0x7fffffff, NULL},
        {"--break", LL_OPT_STR, &o->broken, "LIST",
         "break the pass on purpose with these switches, to see what drift says", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_DIAG(o->diag),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    _Static_assert(sizeof rows / sizeof *rows == N_OPTS, "N_OPTS");
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_drift_options(struct ll_buf *out)
{
    struct drift_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out,
                "\nREF: a safetensors file, an .npz (numpy.savez, savez_compressed), a .pt of\n"
                "torch.save (a tensor, or dictionaries, lists and tuples of tensors), a folder of\n"
                ".npy, .pt and .bin files, one such file, or what llama.cpp's evaluation\n"
                "callback prints.\n"
                ".bin: values alone as numpy's tofile writes them, or behind a count of 4 bytes.\n"
                "A leading batch dimension of 1 does not matter. Names of arrays:\n"
                "  blocks.3.hook_resid_pre, blocks.3.attn.hook_q, ...   hook points (TransformerLens;\n"
                "                          logitlens help dump lists them)\n"
                "  hidden_states           [layers + 1, tokens, d_model], as transformers gives them: the\n"
                "                          first is the embedding, the last is after the final norm\n"
                "  hidden_states_0, ...    the same, one by one\n"
                "  model.layers.3.self_attn.o_proj, model.layers.3, transformer.h.3.mlp.c_proj,\n"
                "  gpt_neox.layers.3.attention.dense, ...   outputs of transformers' modules; _ for . is\n"
                "                          as good, and what wraps the model does not matter\n"
                "  logits, input_ids       (input_ids says the tokens; else --ids)\n"
                "  after_embeddings, after_layer_3, after_final_norm, final_logits, layer3_q_proj, ...\n"
                "                          (logitlens dump --bin)\n"
                "What is not compared is listed with the reason. docs/diagnostics.md has scripts.\n"
                "Switches of --try and --break (one layer with @L):\n");
    for (int i = 0, at = 100; i < ll_n_switches(); i++) {
        const char *name = ll_switch_row(i)->name;
        if (at + (int)strlen(name) > 76) {
            ll_buf_adds(out, i ? "\n " : " ");
            at = 1;
        }
        ll_buf_addf(out, " %s", name);
        at += (int)strlen(name) + 1;
    }
    ll_buf_addc(out, '\n');
}

static void warn_of_other_checkpoint(const struct ll_ref *ref, const struct ll_model_info *info, int quiet)
{
    if (*ref->identity && strcmp(ref->identity, info->identity) && !quiet)
        ll_say_line("logitlens: warning: the reference was made by %s, another checkpoint than %s",
                    *ref->model ? ref->model : "a model", info->clean);
}

static int report(const struct ll_drift_report *r, const struct ll_session *s, const struct drift_opts *o,
                  struct ll_err *err)
{
    struct ll_diag d;
    int rc = ll_diag_begin(&d, "drift", s, err);
    if (!rc) {
        warn_of_other_checkpoint(r->ref, &d.info, o->common.quiet);
        ll_drift_judge(r, &d.criteria);
        ll_drift_json(&d.doc.j, r, d.info.identity);
        ll_drift_view(&d.text, r);
        ll_report_criteria(&d.text, &d.criteria, 0);
        rc = ll_diag_finish(&d, &o->diag, err);
    }
    ll_diag_free(&d);
    return rc;
}

/* The comparison, what was asked beside it, the report. */
static int compare(struct ll_drift_case *k, const struct ll_opened *x, struct ll_drift_report *r,
                   const struct drift_opts *o, struct ll_err *err)
{
    struct ll_drift d = {.m = k->m,
                         .eng = x->s.engine,
                         .ids = x->p.ids.v,
                         .n = x->p.ids.n,
                         .ref = &k->acts,
                         .tol = o->tol,
                         .self_layers = r->parts};
    const struct ll_drift_questions q = {x->s.model, k->switches, o->try_list, o->expect};
    int rc = ll_drift_run(&d, err);
    r->d = &d;
    r->ref = &k->ref;
    r->place = &k->place;
    r->ids_from_reference = k->ids_from_reference;
    r->ids_proven = k->ids_proven;
    r->order = k->order;
    r->quantised = ll_has_blocks(x->s.model);
    r->settings_eps = x->s.model->norm_eps;
    if (!rc) {
        ll_drift_case_note_unused(k, &d.ours);
        rc = ll_drift_answer(r, &q, err);
    }
    if (!rc)
        rc = report(r, &x->s, o, err);
    ll_drift_free(&d);
    return rc;
}

int ll_cmd_drift(int argc, char **argv, struct ll_err *err)
{
    struct drift_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[3] = {NULL, NULL, NULL};
    struct ll_args args = {.v = v, .least = 2, .most = 3, .expected = "a model and a reference"};
    struct ll_opened x = {0};
    struct ll_drift_case k = {0};
    unsigned char *isolate = NULL, *parts = NULL;
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    const struct ll_open_ask ask = {v[0], o.ids, v[2], o.common.threads, o.common.quiet, o.exact};
    const struct ll_drift_ask of = {v[1], o.sequence, o.map, o.raw, o.pos, o.broken, o.eps, &ask};
    if (!(rc = ll_open_model(&x.s, &ask, err))
        && !(rc = ll_layers_chosen("--isolate", o.isolate, x.s.model->n_layers, &isolate, err))
        && !(rc = ll_layers_chosen("--parts", o.parts, x.s.model->n_layers, &parts, err))
        && !(rc = ll_drift_case_open(&k, &x, &of, err))) {
        struct ll_drift_report r = {
            .isolate = isolate, .parts = parts, .explain = o.explain, .broken = o.broken, .eps = o.eps};
        rc = compare(&k, &x, &r, &o, err);
        ll_drift_report_free(&r);
    }
    ll_drift_case_close(&k);
    free(isolate);
    free(parts);
    ll_opened_close(&x);
    return rc;
}
