/* test_families.c - every hook of every family against activations that PyTorch computed from the same files.
 *
 * Fixtures are found by listing tests/fixtures/models (made by make_models.py there) and, where it is there,
 * ../shared/oracle/models; a folder whose architecture has no row is named and passed over, but the families
 * this program claims must all be there. Exit 77 with neither folder. A hook must fire exactly where the
 * reference holds its step. Tolerances: ../shared/oracle/README.md (5e-5 of the rms for the stream, 2e-5 of
 * the largest logit, 5e-5 nats, 2e-5 probability; or 8 noise floors of the file at hand). Caught: a wrong
 * norm offset, epsilon, rotary pairing or base, window off by one, a soft cap or bias left out, GELU forms
 * mixed up, heads grouped wrongly, hooks at the wrong place. */
#include "capture.h"
#include "head_pass.h"
#include "ops.h"
#include "reference.h"
#include "settings.h"
#include "sweep.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

/* What must be compared in each folder. */
static const char *const must_own[] = {"qwen2_moe",        "gpt_neo",
                                       "falcon_groups",    "cohere_qk_norm",
                                       "cohere2",          "stablelm_parallel",
                                       "neox_sequential",  "gemma3_wrapped",
                                       "mistral3_wrapped", "llama3_gqa",
                                       "mistral_head_dim", "qwen2_tied",
                                       "qwen3_tied",       "gemma2_caps",
                                       "phi3_fused",       "gpt2_conv1d",
                                       "olmo2_norms",      "mixtral_top2",
                                       "granite_scales",   "smollm3_no_rope",
                                       "phi_parallel",     "cohere_pairs",
                                       "llama_yarn",       "qwen2_dynamic",
                                       "llama3_no_length", NULL};
static const char *const must_shared[] = {"llama_mha",
                                          "llama_gqa_tied",
                                          "llama31_rope",
                                          "llama32_rope_tied",
                                          "llama_bias",
                                          "llama_linear_rope",
                                          "tinyllama",
                                          "yi",
                                          "mistral_window",
                                          "mistral_nemo",
                                          "qwen2",
                                          "qwen2_window_tied",
                                          "qwen3",
                                          "gemma",
                                          "gemma2",
                                          "gemma3",
                                          "gemma3_scaled",
                                          "granite",
                                          "smollm3",
                                          "phi3",
                                          "phi3_longrope",
                                          "olmo2",
                                          "mixtral",
                                          "qwen3_moe",
                                          "cohere",
                                          "phi",
                                          "stablelm",
                                          "pythia",
                                          "falcon",
                                          "gpt2",
                                          NULL};
static const char *const sequences[] = {"len1", "len5", "len17", "text", NULL};

struct tolerance {
    double hidden, logits, entropy, p;
    int recorded;
}; /* recorded: layers whose steps the reference holds */

/* The larger of the README's and 8 noise floors. */
static struct tolerance read_tolerance(const char *dir)
{
    struct ll_settings *s = NULL;
    struct ll_err err = {0};
    char *path = ll_path_join(dir, "reference.json");
    assert_int_equal(ll_settings_read(&s, path, &err), LL_OK);
    struct tolerance t = {fmax(5e-5, 8 * ll_settings_num(s, "float32_noise_floor.hidden_relative", 0)),
                          fmax(2e-5, 8 * ll_settings_num(s, "float32_noise_floor.lens_logits_relative", 0)),
                          fmax(5e-5, 8 * ll_settings_num(s, "float32_noise_floor.entropy_absolute", 0)),
                          fmax(2e-5, 8 * ll_settings_num(s, "float32_noise_floor.probability_absolute", 0)),
                          ll_settings_len(s, "detail.layers")};
    ll_settings_free(s);
    free(path);
    return t;
}

/* ---- hooks against the recorded steps -------------------------------------------------------- */

/* `then`, `other`: the step to compare with if the reference holds it in place of `step`. */
struct step {
    const char *hook_name;
    enum ll_hook hook;
    const char *step, *then, *other;
    int heads_first, is_addend;
};
static const struct step steps[] = {
    {"ln1.normalized", LL_HOOK_LN1_NORMALIZED, "attn_norm", NULL, NULL, 0, 0},
    {"rot_q", LL_HOOK_ROT_Q, "q", NULL, NULL, 1, 0},
    {"rot_k", LL_HOOK_ROT_K, "k", NULL, NULL, 1, 0},
    {"v", LL_HOOK_V, "v", NULL, NULL, 1, 0},
    {"pattern", LL_HOOK_PATTERN, "attn_probs", NULL, NULL, 2, 0},
    {"z", LL_HOOK_Z, "attn_ctx", NULL, NULL, 0, 0},
    {"attn_out", LL_HOOK_ATTN_OUT, "attn_out", "post_attn_norm", NULL, 0, 1},
    {"resid_mid", LL_HOOK_RESID_MID, "resid_mid", NULL, NULL, 0, 0},
    {"ln2.normalized", LL_HOOK_LN2_NORMALIZED, "mlp_norm", NULL, NULL, 0, 0},
    {"pre", LL_HOOK_PRE, "gate", NULL, "up", 0, 0}, /* without a gate, the only projection */
    {"pre_linear", LL_HOOK_PRE_LINEAR, "up", NULL, NULL, 0, 0},
    {"post", LL_HOOK_POST, "mlp_act", NULL, NULL, 0, 0},
    {"mlp_out", LL_HOOK_MLP_OUT, "mlp_out", "post_mlp_norm", NULL, 0, 1},
};
enum { N_STEPS = sizeof steps / sizeof *steps };

struct watch {
    const struct reference *ref;
    const struct ll_model *m;
    double tol;
    struct worst worst;
    int seen[N_STEPS][64];
};

static void compare_step(struct watch *w, const struct step *s, const struct ll_tensor *t,
                         const struct ll_hook_visit *v)
{
    int dh = w->m->d_head;
    size_t total = t->size / 4;
    double sq = 0,
           factor =
               s->is_addend ? (double)w->m->resid_scale : 1; /* the hook shows what is added to the stream */
    for (size_t i = 0; i < total; i++)
        sq += (double)reference_f32(t, i) * (double)reference_f32(t, i);
    double tol = w->tol * fmax(sqrt(sq / (double)total), 1e-3);
    if (s->heads_first == 2) { /* [heads, T, T] on both sides */
        for (size_t i = 0; i < total; i++)
            worst_add(&w->worst, (double)v->data[i], (double)reference_f32(t, i), 2e-5, s->hook_name,
                      v->layer, (int)(i / (size_t)v->n_rows) % v->n_rows);
        return;
    }
    assert_int_equal((size_t)v->n_rows * (size_t)v->width, total);
    for (int r = 0; r < v->n_rows; r++)
        for (int c = 0; c < v->width; c++) {
            size_t at = s->heads_first
                ? ((size_t)(c / dh) * (size_t)v->n_rows + (size_t)r) * (size_t)dh + (size_t)(c % dh)
                : (size_t)r * (size_t)v->width + (size_t)c;
            worst_add(&w->worst, (double)v->data[r * v->stride + c], factor * (double)reference_f32(t, at),
                      tol, s->hook_name, v->layer, r);
        }
}

static const struct ll_tensor *step_tensor(const struct reference *ref, int layer, const char *step)
{
    char name[96];
    snprintf(name, sizeof name, "len17.layer%d.%s", layer, step ? step : "");
    return step ? reference_find(ref, name) : NULL;
}

/* What a hook is compared with in this layer, or NULL. */
static const struct ll_tensor *wanted_step(const struct reference *ref, int layer, const struct step *s)
{
    const struct ll_tensor *t = step_tensor(ref, layer, s->then);
    if (!t)
        t = step_tensor(ref, layer, s->step);
    if (s->hook == LL_HOOK_PRE_LINEAR && !step_tensor(ref, layer, "gate"))
        return NULL; /* a lone `up` is what TransformerLens calls pre */
    return t ? t : step_tensor(ref, layer, s->other);
}

static int on_hook(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct watch *w = arg;
    (void)err;
    for (int i = 0; i < N_STEPS; i++)
        if (steps[i].hook == v->hook) {
            const struct ll_tensor *t = wanted_step(w->ref, v->layer, &steps[i]);
            if (t)
                compare_step(w, &steps[i], t, v);
            w->seen[i][v->layer]++;
        }
    return LL_OK;
}

/* In the recorded layers every hook fired once where the reference holds its step, and nowhere else. */
static void check_seen(const struct watch *w, int want_recorded)
{
    int recorded = 0;
    for (int l = 0; l < w->m->n_layers; l++) {
        recorded += step_tensor(w->ref, l, "q") != NULL;
        for (int i = 0; i < N_STEPS && step_tensor(w->ref, l, "q"); i++) {
            int want = wanted_step(w->ref, l, &steps[i]) != NULL;
            if (w->seen[i][l] != want)
                fail_msg("%s: hook %s of layer %d fired %d times, the reference has %d of it",
                         w->m->ckpt->clean, steps[i].hook_name, l, w->seen[i][l], want);
        }
    }
    assert_int_equal(recorded, want_recorded);
}

/* ---- one sequence ---------------------------------------------------------------------------- */

struct results {
    struct worst hooks, hidden, logits, entropy, p;
};

static int *read_ids(const struct reference *ref, const char *seq, int *n)
{
    char name[64];
    snprintf(name, sizeof name, "%s.input_ids", seq);
    const struct ll_tensor *t = reference_find(ref, name);
    assert_non_null(t);
    *n = (int)t->dims[0];
    int *ids = malloc(sizeof *ids * (size_t)*n);
    for (int i = 0; i < *n; i++)
        ids[i] = reference_i32(t, (size_t)i);
    return ids;
}

static const struct ll_tensor *get(const struct reference *ref, const char *seq, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", seq, what);
    const struct ll_tensor *t = reference_find(ref, name);
    assert_non_null(t);
    return t;
}

static void compare_hidden(const struct reference *ref, const char *seq, const struct ll_stack *st, int n,
                           const struct tolerance *tol, struct results *res)
{
    const struct ll_tensor *t = get(ref, seq, "hidden");
    size_t d = (size_t)st->d_model, at = 0;
    for (int l = 0; l <= st->n_layers; l++)
        for (int p = 0; p < n; p++, at += d) {
            double sq = 0;
            for (size_t i = 0; i < d; i++)
                sq += (double)reference_f32(t, at + i) * (double)reference_f32(t, at + i);
            for (size_t i = 0; i < d; i++)
                worst_add(&res->hidden, (double)ll_stack_row(st, l, p)[i], (double)reference_f32(t, at + i),
                          tol->hidden * sqrt(sq / (double)d), seq, l, p);
        }
}

static void compare_logits(const struct reference *ref, const char *seq, const struct ll_model *m,
                           struct ll_engine *eng, const struct ll_stack *st, int n,
                           const struct tolerance *tol, struct results *res)
{
    const struct ll_tensor *t = get(ref, seq, "lens_logits");
    size_t V = (size_t)m->d_vocab, total = t->size / 4, at = 0;
    float *x = malloc(sizeof *x * (size_t)m->d_model), *logits = malloc(sizeof *logits * V);
    double largest = 0;
    for (size_t i = 0; i < total; i++)
        largest = fmax(largest, fabs((double)reference_f32(t, i)));
    for (int l = 0; l <= m->n_layers; l++)
        for (int p = 0; p < n; p++, at += V) {
            ll_lens_normalize(m, ll_engine_vec(eng), LL_LENS_FINAL, 0, l, ll_stack_row(st, l, p), x);
            ll_head_logits(m, eng, x, logits);
            for (size_t v = 0; v < V; v++)
                worst_add(&res->logits, (double)logits[v], (double)reference_f32(t, at + v),
                          tol->logits * largest, seq, l, p);
        }
    free(x);
    free(logits);
}

struct lens_check {
    const struct reference *ref;
    const char *seq;
    int n;
    const struct tolerance *tol;
    struct results *res;
};

/* Entropy and the probabilities of the reported tokens, from the streaming walk. */
static int on_lens(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct lens_check *c = arg;
    const struct ll_tensor *h = get(c->ref, c->seq, "entropy"), *p = get(c->ref, c->seq, "top5_probs"),
                           *ids = get(c->ref, c->seq, "top5_ids"), *lg = get(c->ref, c->seq, "lens_logits");
    size_t V = (size_t)lg->dims[2];
    (void)err;
    for (int l = 0; l < r->n_rows; l++)
        for (int i = 0; i < c->n; i++) {
            const struct ll_head_out *o = &r->rows[(size_t)l * (size_t)c->n + (size_t)i];
            size_t at = (size_t)l * (size_t)c->n + (size_t)i;
            worst_add(&c->res->entropy, o->entropy_bits / 1.4426950408889634, (double)reference_f32(h, at),
                      c->tol->entropy, c->seq, l, i);
            for (int k = 0; k < 5;
                 k++) { /* near ties may swap places: the k-th probability, and that of the k-th token */
                worst_add(&c->res->p, ll_head_p(o, o->top[k].v), (double)reference_f32(p, at * 5 + (size_t)k),
                          c->tol->p, c->seq, l, i);
                double want = (double)reference_f32(lg, at * V + (size_t)o->top[k].id)
                    - (double)reference_f32(lg, at * V + (size_t)reference_i32(ids, at * 5));
                worst_add(&c->res->p, ll_head_p(o, o->top[k].v), (double)reference_f32(p, at * 5) * exp(want),
                          c->tol->p, c->seq, l, i);
            }
        }
    return LL_OK;
}

static void check_sequence(const struct ll_model *m, struct ll_engine *eng, const struct reference *ref,
                           const char *seq, const struct tolerance *tol, struct results *res)
{
    struct ll_err err = {0};
    int n, start[2] = {0, 0}, is_detail = !strcmp(seq, "len17");
    int *ids = read_ids(ref, seq, &n);
    struct ll_stack st;
    struct ll_pass pass;
    struct watch w = {.ref = ref, .m = m, .tol = tol->hidden};
    start[1] = n;
    assert_int_equal(ll_stack_init(&st, m, n, NULL, 0, &err), LL_OK);
    struct ll_listener listeners[2] = {ll_stack_listener(&st), {0, on_hook, &w}};
    for (int i = 0; i < N_STEPS; i++)
        listeners[1].hooks |= LL_HOOK_BIT(steps[i].hook);
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, n, n, listeners, is_detail ? 2 : 1}, eng,
                                  &err),
                     LL_OK);
    struct ll_batch batch = {1, start, ids};
    if (ll_forward(&pass, &batch, 0, m->n_layers, &err))
        fail_msg("%s", err.msg);
    compare_hidden(ref, seq, &st, n, tol, res);
    ll_engine_reserve(eng, n, m->d_model, n, m->d_head, &err);
    compare_logits(ref, seq, m, eng, &st, n, tol, res);
    if (is_detail) {
        check_seen(&w, tol->recorded);
        res->hooks = w.worst;
    }
    struct lens_check c = {ref, seq, n, tol, res};
    struct ll_sweep_prompt prompt = {.ids = ids, .n_ids = n, .want = LL_SWEEP_ALL};
    struct ll_sweep sweep = {.model = m,
                             .engine = eng,
                             .k = 5,
                             .prompts = &prompt,
                             .n_prompts = 1,
                             .result = on_lens,
                             .result_arg = &c};
    if (ll_sweep_run(&sweep, &err))
        fail_msg("%s: %s", m->ckpt->clean, err.msg);
    ll_pass_free(&pass);
    ll_stack_free(&st);
    free(ids);
}

/* ---- all folders ----------------------------------------------------------------------------- */

static int report(const char *name, const struct results *r)
{
    const struct {
        const char *what;
        const struct worst *w;
    } all[] = {{"hooks", &r->hooks},
               {"hidden", &r->hidden},
               {"logits", &r->logits},
               {"entropy", &r->entropy},
               {"p", &r->p}};
    int bad = 0;
    printf("%-20s", name);
    for (int i = 0; i < 5; i++) {
        printf(" %s %.3f", all[i].what, all[i].w->ratio);
        bad |= !(all[i].w->ratio <= 1);
    }
    printf("\n");
    for (int i = 0; i < 5 && bad; i++)
        if (!(all[i].w->ratio <= 1))
            printf("    %s beyond tolerance: %s: got %.9g, expected %.9g, difference %.3g\n", all[i].what,
                   all[i].w->at, all[i].w->got, all[i].w->want, all[i].w->diff);
    return bad;
}

/* Own fixtures are small and hold fewer sequences. */
static int holds(const struct reference *ref, const char *seq)
{
    char name[64];
    snprintf(name, sizeof name, "%s.input_ids", seq);
    return reference_find(ref, name) != NULL;
}

static int check_folder(const char *folder, const char *name, struct ll_engine *eng, const char *const *must,
                        int *done)
{
    char dir[1024], file[1100];
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    struct reference ref;
    struct results res = {0};
    snprintf(dir, sizeof dir, "%s/%s", folder, name);
    snprintf(file, sizeof file, "%s/reference.safetensors", dir);
    if (name[0] == '.' || !ll_is_file(file))
        return 0;
    int rc = ll_model_open(&m, dir, &err);
    if (rc == LL_EUNSUP) {
        printf("%-20s no row yet: %s\n", name, err.msg);
        return 0;
    }
    if (rc)
        fail_msg("%s: %s", name, err.msg);
    if (reference_open(&ref, file, &err))
        fail_msg("%s", err.msg);
    struct tolerance tol = read_tolerance(dir);
    int n_seen = 0;
    for (int i = 0; sequences[i]; i++)
        if (holds(&ref, sequences[i])) {
            check_sequence(m, eng, &ref, sequences[i], &tol, &res);
            n_seen++;
        }
    assert_true(n_seen >= 2);
    reference_close(&ref);
    ll_model_close(m);
    for (int i = 0; must[i]; i++)
        done[i] |= !strcmp(must[i], name);
    return report(name, &res);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int check_all(const char *folder, struct ll_engine *eng, const char *const *must)
{
    char *names[256];
    int n = 0, bad = 0, done[64] = {0};
    DIR *d = opendir(folder);
    for (struct dirent *e; d && n < 256 && (e = readdir(d));)
        names[n++] = strdup(e->d_name);
    if (d)
        closedir(d);
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        bad += check_folder(folder, names[i], eng, must, done);
        free(names[i]);
    }
    for (int i = 0; must[i]; i++)
        if (!done[i])
            fail_msg("%s/%s was not compared", folder, must[i]);
    return bad;
}

static const char *const shared = LL_SHARED_DIR "/oracle/models",
                         *const own = LL_SOURCE_DIR "/tests/fixtures/models";

static void families(void **state)
{
    int bad = 0;
    struct ll_engine *eng;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    printf("worst deviation in units of the tolerance (1 = at the limit)\n");
    bad += check_all(own, eng, must_own);
    if (ll_is_dir(shared))
        bad += check_all(shared, eng, must_shared);
    else
        printf("shared folder: absent\n");
    ll_engine_free(eng);
    assert_int_equal(bad, 0);
}

int main(void)
{
    if (!ll_is_dir(own) && !ll_is_dir(shared)) {
        printf("skipped: no fixtures\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(families)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
