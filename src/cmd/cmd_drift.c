/* cmd_drift.c - our pass against activations from elsewhere: where they part, and which mistake explains it.
 */
#include "cmd.h"
#include "drift_report.h"
#include "prompts.h"
#include "variant.h"
#include "print.h"
#include "diag_out.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
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
enum { N_OPTS = 21, MOST_TOKENS = 1 << 20 }; /* where a model does not say its longest text */

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

/* ---- what the options mean ------------------------------------------------------------------- */

/* "all" or "2,22,23" -> owned flags [n_layers]; NULL for NULL. */
static int parse_layers(const char *opt, const char *list, int n_layers, unsigned char **out,
                        struct ll_err *err)
{
    *out = NULL;
    if (!list)
        return LL_OK;
    if (!(*out = calloc((size_t)n_layers, 1)))
        return ll_fail_mem(err, "layers", (unsigned long long)n_layers);
    if (!strcmp(list, "all"))
        return memset(*out, 1, (size_t)n_layers), LL_OK;
    for (const char *p = list;;) {
        char *end;
        errno = 0;
        long l = strtol(p, &end, 10);
        if (end == p || errno || l < 0 || l >= n_layers || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE,
                           "%s: expected all or layers in 0..%d separated by commas, found \"%.40s\"", opt,
                           n_layers - 1, list);
        (*out)[l] = 1;
        if (!*end)
            return LL_OK;
        p = end + 1;
    }
}

struct job {
    const struct drift_opts *o;
    struct ll_session s;
    struct ll_model *m; /* the variant that runs */
    char list[1100];    /* its switches */
    struct ll_ref ref;
    struct ll_ref_map map;
    struct ll_ref_place place;
    struct ll_acts acts;
    struct ll_prompt prompt;
    struct ll_drift d;
    struct ll_try *tries;
    unsigned char *isolate, *parts;
    struct ll_drift_report r;
};

/* Token ids: given, or the reference's; when both, they must be equal. */
static int settle_ids(struct job *j, const char *text, struct ll_err *err)
{
    const struct ll_ref_ids *theirs = j->ref.n_seq ? &j->ref.seq[0] : NULL;
    int rc;
    if (!j->o->ids && !text) {
        if (!theirs)
            return ll_fail(err, LL_EUSAGE,
                           "the reference does not say its token ids: expected --ids LIST or a text");
        j->r.ids_from_reference = 1;
        return ll_prompt_from_ids(&j->prompt, &j->s, theirs->v, theirs->n, -1, err);
    }
    const struct ll_text_how how = {j->o->exact, j->o->common.quiet};
    if ((rc = ll_prompt_read(&j->prompt, &j->s, j->o->ids, text, &how, NULL, err)) || !theirs)
        return rc;
    struct ll_buf a = {0}, b = {0};
    int equal =
        theirs->n == j->prompt.ids.n && !memcmp(theirs->v, j->prompt.ids.v, sizeof(int) * (size_t)theirs->n);
    for (int i = 0; i < theirs->n && i < 32; i++)
        ll_buf_addf(&a, "%s%d", i ? "," : "", theirs->v[i]);
    for (int i = 0; i < j->prompt.ids.n && i < 32; i++)
        ll_buf_addf(&b, "%s%d", i ? "," : "", j->prompt.ids.v[i]);
    if (!equal)
        rc = ll_fail(err, LL_EUSAGE, "token ids: the reference has %s, found %s", ll_buf_str(&a),
                     ll_buf_str(&b));
    j->r.ids_proven = equal;
    ll_buf_free(&a);
    ll_buf_free(&b);
    return rc;
}

static int open_variant(struct job *j, struct ll_err *err)
{
    const struct drift_opts *o = j->o;
    size_t n = o->broken ? strlen(o->broken) : 0;
    if (n > 1000)
        return ll_fail(err, LL_EUSAGE, "--break: expected at most 1000 characters, found %zu", n);
    snprintf(j->list, sizeof j->list, "%s", n ? o->broken : "");
    if (o->eps >= 0 && (n || (float)o->eps != j->s.model->ln_final.eps))
        snprintf(j->list + n, sizeof j->list - n, "%seps=%.9g", n ? "," : "", o->eps);
    int rc = ll_variant_make(&j->m, j->s.model, j->list, err);
    return rc == LL_EUNSUP ? err->code = LL_EUSAGE : rc;
}

static int none_known(const struct job *j, const char *path, struct ll_err *err)
{
    struct ll_buf names = {0}, near = {0};
    const struct ll_buf *lines = j->place.unknown.len ? &j->place.unknown : &j->place.passed;
    ll_ref_fold(lines, &names);
    ll_ref_nearest(&j->place, &near);
    ll_fail(err, LL_EUSAGE,
            "%s: none of %d names is known: %.300s%s%s (--map FILE can give them a meaning; logitlens help "
            "drift)",
            path, j->ref.n, ll_buf_str(&names), near.len ? "; nearest: " : "", ll_buf_str(&near));
    ll_buf_free(&names);
    ll_buf_free(&near);
    return LL_EUSAGE;
}

/* What the reference holds and nothing here is compared with. */
static void note_unused(struct job *j)
{
    for (int h = 0; h < LL_N_HOOKS; h++)
        for (int l = -1; l < j->m->n_layers; l++) {
            const struct ll_actv *a = ll_acts_at(&j->acts, h, l), *ours = ll_acts_at(&j->d.ours, h, l);
            if (a->x && !ours->x && a->origin)
                ll_buf_addf(&j->place.passed, "%s: the pass of this model has no such point\n", a->origin);
        }
    if (j->ref.passed.len)
        ll_buf_adds(&j->place.passed, ll_buf_str(&j->ref.passed));
}

static int open_reference(struct job *j, const char *path, const char *text, struct ll_err *err)
{
    const struct drift_opts *o = j->o;
    const struct ll_model *m = j->s.model;
    int rc = ll_ref_open(&j->ref, path, o->sequence,
                         ll_ref_most_values(m, m->n_ctx > 0 ? m->n_ctx : MOST_TOKENS), err);
    if (rc || (rc = settle_ids(j, text, err)))
        return rc;
    if (o->map && (rc = ll_ref_map_read(&j->map, o->map, err)))
        return rc;
    if (o->pos >= j->prompt.ids.n)
        return ll_fail(err, LL_EUSAGE, "--pos: expected a position in 0..%d, found %d", j->prompt.ids.n - 1,
                       o->pos);
    if (o->raw && ll_ref_raw_type(o->raw) < 0)
        return ll_fail(err, LL_EUSAGE,
                       "--raw: expected float32, float64, float16 or bfloat16, found \"%.40s\"", o->raw);
    j->place = (struct ll_ref_place){.m = j->s.model,
                                     .raw = o->raw,
                                     .n_pos = j->prompt.ids.n,
                                     .ids = j->prompt.ids.v,
                                     .pos = o->pos,
                                     .map = o->map ? &j->map : NULL};
    if ((rc = ll_ref_place(&j->place, &j->ref, &j->acts, err)))
        return rc;
    if (!j->place.n_placed && !j->place.n_sums)
        return none_known(j, path, err);
    return ll_ref_settle_order(&j->place, &j->acts, j->s.engine, j->prompt.ids.v, &j->r.order, err);
}

/* ---- what is found out beside ---------------------------------------------------------------- */

static int has_blocks(const struct ll_model *m)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        if (m->layer_of[i] != LL_UNUSED
            && (ll_dtype_info(m->ckpt->tensors[i].dtype)->block > 1 || m->ckpt->tensors[i].packed))
            return 1;
    return 0;
}

static int argmax_last(const struct ll_actv *logits)
{
    const float *x = logits->x + (size_t)(logits->rows - 1) * (size_t)logits->width;
    int best = 0;
    for (int i = 1; i < logits->width; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

static const float *last_row(const struct ll_actv *a)
{
    return a->x + (size_t)(a->rows - 1) * (size_t)a->width;
}

/* Two tokens that both passes hold equal but for the rounding of the reference. */
static int is_tie(const struct job *j, const struct ll_actv *theirs, const struct ll_actv *ours)
{
    return ll_drift_is_tie(last_row(theirs), last_row(ours), theirs->width, j->r.token_ref, j->r.token_ours,
                           theirs->dtype);
}

/* Predicted tokens: ours needs logits, which the running pass made only where the reference has them. */
static int predict(struct job *j, struct ll_err *err)
{
    const struct ll_actv *theirs = ll_acts_good(&j->acts, LL_HOOK_LOGITS, -1);
    struct ll_acts got = {0};
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(LL_HOOK_LOGITS)};
    j->r.token_ours = -1;
    j->r.token_ref = j->o->expect >= 0 ? j->o->expect : theirs ? argmax_last(theirs) : -1;
    if (j->r.token_ref < 0)
        return LL_OK;
    int rc = ll_acts_run(&got, j->m, j->s.engine, j->d.ids, j->d.n, 0, j->m->n_layers, &want, NULL, err);
    if (!rc) {
        j->r.token_ours = argmax_last(ll_acts_at(&got, LL_HOOK_LOGITS, -1));
        j->r.token_tie =
            theirs && j->o->expect < 0 && is_tie(j, theirs, ll_acts_at(&got, LL_HOOK_LOGITS, -1));
    }
    ll_acts_free(&got);
    return rc;
}

static double mean_mae(const struct ll_drift *d)
{
    double sum = 0;
    int n = 0;
    for (int k = 0; k <= d->m->n_layers; k++)
        if (d->depths[k].known) {
            sum += d->depths[k].c.mae;
            n++;
        }
    return n ? sum / n : 0;
}

/* The same comparison with the checkpoint's own epsilon. */
static int compare_eps(struct job *j, struct ll_err *err)
{
    struct ll_model *v;
    j->r.eps = j->o->eps;
    if (j->o->eps < 0)
        return LL_OK;
    int rc = ll_variant_make(&v, j->s.model, j->o->broken, err);
    struct ll_drift plain = {
        .m = v, .eng = j->s.engine, .ids = j->d.ids, .n = j->d.n, .ref = &j->acts, .tol = j->o->tol};
    if (!rc)
        rc = ll_drift_run(&plain, err);
    if (!rc) {
        j->r.eps_mae[0] = mean_mae(&plain);
        j->r.eps_mae[1] = mean_mae(&j->d);
    }
    ll_drift_free(&plain);
    ll_variant_free(v);
    return rc;
}

/* A tenfold wrong epsilon is common, and cheap to look for. */
static void look_for_eps(struct job *j)
{
    static const char *const both[] = {"eps=x10", "eps=/10"};
    for (int i = 0; i < 2 && j->d.first >= 0 && !j->r.eps_hint; i++) {
        struct ll_try *one;
        struct ll_err local = {0}; /* an epsilon of 0 has no tenth */
        int n;
        if (strstr(j->list, both[i])
            || ll_drift_try(&j->d, j->s.model, j->list, both[i], &one, &n,
                            &local)) /* a broken pass is no hint to itself */
            continue;
        if (n && one[0].verdict >= LL_TRY_HERE)
            j->r.eps_hint = both[i];
        free(one);
    }
}

static int explain(struct job *j, struct ll_err *err)
{
    int rc = LL_OK;
    look_for_eps(j);
    if (j->d.first >= 0)
        rc = ll_drift_shape(&j->d, &j->d.points[j->d.first], &j->r.shape, err);
    if (!rc && j->o->try_list
        && !(rc = ll_drift_try(&j->d, j->s.model, j->list, j->o->try_list, &j->tries, &j->r.n_tries, err))) {
        j->r.tries = j->tries;
        j->r.tried = 1;
    }
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int report(struct job *j, struct ll_err *err)
{
    struct ll_model_info info;
    struct ll_info_text keep;
    struct ll_diag out;
    int rc = ll_session_info(&j->s, LL_LENS_FINAL, &info, &keep, err);
    if (rc)
        return rc;
    j->r.s = &j->s;
    j->r.d = &j->d;
    j->r.ref = &j->ref;
    j->r.place = &j->place;
    j->r.isolate = j->isolate;
    j->r.parts = j->parts;
    j->r.explain = j->o->explain;
    j->r.broken = j->o->broken;
    j->r.quantised = has_blocks(j->s.model);
    if (*j->ref.identity && strcmp(j->ref.identity, info.identity) && !j->o->common.quiet)
        ll_say_line("logitlens: warning: the reference was made by %s, another checkpoint than %s",
                    *j->ref.model ? j->ref.model : "a model", info.clean);
    ll_diag_begin(&out, "drift", &info);
    if (*j->ref.model)
        ll_json_cstr(&out.j, "reference_model", j->ref.model);
    if (*j->ref.identity)
        ll_json_bool(&out.j, "reference_is_this_checkpoint", !strcmp(j->ref.identity, info.identity));
    ll_drift_put_json(&out, &j->r);
    ll_drift_put_tables(&out, &j->r);
    ll_drift_put_criteria(&out, &j->r);
    rc = ll_diag_finish(&out, &j->o->diag, err);
    ll_diag_free(&out);
    return rc;
}

static int run(struct job *j, const char *const *args, int n_args, struct ll_err *err)
{
    const struct drift_opts *o = j->o;
    int rc;
    if ((rc = ll_session_open(&j->s, args[0], NULL, o->common.threads, err)))
        return rc;
    ll_warn_notes(j->s.model, o->common.quiet);
    if ((rc = parse_layers("--isolate", o->isolate, j->s.model->n_layers, &j->isolate, err))
        || (rc = parse_layers("--parts", o->parts, j->s.model->n_layers, &j->parts, err))
        || (rc = open_variant(j, err)) || (rc = open_reference(j, args[1], n_args > 2 ? args[2] : NULL, err)))
        return rc;
    j->d = (struct ll_drift){.m = j->m,
                             .eng = j->s.engine,
                             .ids = j->prompt.ids.v,
                             .n = j->prompt.ids.n,
                             .ref = &j->acts,
                             .tol = o->tol,
                             .self_layers = j->parts};
    rc = ll_drift_run(&j->d, err);
    if (!rc)
        note_unused(j);
    if (rc || (rc = predict(j, err)) || (rc = compare_eps(j, err)) || (rc = explain(j, err)))
        return rc;
    return report(j, err);
}

int ll_cmd_drift(int argc, char **argv, struct ll_err *err)
{
    struct drift_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct job j = {.o = &o};
    const char *args[3];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 3, &n_args, err)))
        return rc;
    if (n_args < 2)
        return ll_fail(err, LL_EUSAGE, "drift: expected a model and a reference (see: logitlens help drift)");
    rc = run(&j, args, n_args, err);
    free(j.tries);
    ll_drift_free(&j.d);
    if (j.acts.at)
        ll_acts_free(&j.acts);
    ll_ref_place_free(&j.place);
    ll_ref_map_free(&j.map);
    ll_ref_free(&j.ref);
    ll_prompt_free(&j.prompt);
    ll_variant_free(j.m);
    free(j.isolate);
    free(j.parts);
    ll_session_close(&j.s);
    return rc;
}
