/* test_analysis.c - the last position of a pass: demo-llama against tests/fixtures/analysis/expected.json
 * (float64, numpy, from the weights), then what must hold of any family without a reference. Caught: KL the
 * wrong way round, nats for bits, a raw row that was normed, tau and its inverse, ln1 and ln2 swapped, a head
 * transform forgotten or doubled, results that depend on threads or on how many rows fit the buffer. */
#include "unit/lens/logits.h"
#include "analysis.h"
#include "settings.h"
#include "sweep.h"
#include "unit/base/files.h"
#include "unit/lens/walked.h"

#include <math.h>

#define DEMOS LL_SOURCE_DIR "/experiments/demo_models/"
#define OWN LL_SOURCE_DIR "/tests/fixtures/models/"
#define EXPECTED LL_SOURCE_DIR "/tests/fixtures/analysis/expected.json"
enum { MAX_PROMPTS = 3, MAX_IDS = 32, MAX_ROWS = 64 };

static const char *const families[] = {DEMOS "demo-llama", DEMOS "demo-gemma2", OWN "gemma2_caps",
                                       OWN "cohere_pairs", OWN "cohere2",       OWN "granite_scales",
                                       OWN "phi_parallel", OWN "gpt2_conv1d",   OWN "olmo2_norms",
                                       OWN "mixtral_top2", OWN "qwen3_tied",    OWN "stablelm_parallel"};
enum { N_FAMILIES = sizeof families / sizeof *families };

/* ---- a model with the last position of some prompts kept ------------------------------------- */

struct world {
    struct ll_model *m;
    struct ll_engine *eng;
    int n, len[MAX_PROMPTS], ids[MAX_PROMPTS][MAX_IDS];
    float *resid[MAX_PROMPTS], *final[MAX_PROMPTS];
    const float *rows[MAX_PROMPTS][MAX_ROWS];
    struct walked walked;
};

static int keep(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct world *w = arg;
    const size_t d = (size_t)w->m->d_model, p = (size_t)r->prompt;
    (void)err;
    assert_in_range(r->n_rows, 2, MAX_ROWS);
    w->resid[p] = malloc(sizeof(float) * d * (size_t)r->n_rows);
    w->final[p] = malloc(sizeof(float) * d);
    memcpy(w->final[p], r->final_last, sizeof(float) * d);
    for (int l = 0; l < r->n_rows; l++) {
        w->rows[p][l] = memcpy(w->resid[p] + (size_t)l * d, r->resid_last[l], sizeof(float) * d);
    }
    return LL_OK;
}

static void run_sweep(struct world *w)
{
    struct ll_err err = {0};
    struct ll_sweep_prompt prompts[MAX_PROMPTS];
    for (int p = 0; p < w->n; p++)
        prompts[p] = (struct ll_sweep_prompt){.ids = w->ids[p], .n_ids = w->len[p], .want = LL_SWEEP_LAST};
    struct ll_sweep s = {.model = w->m,
                         .engine = w->eng,
                         .k = 1,
                         .prompts = prompts,
                         .n_prompts = w->n,
                         .result = keep,
                         .result_arg = w};
    OK(ll_sweep_run(&s, &err), &err);
}

static void open_model(struct world *w, const char *path, int threads)
{
    struct ll_err err = {0};
    memset(w, 0, sizeof *w);
    OK(ll_model_open(&w->m, path, &err), &err);
    OK(ll_engine_init(&w->eng, threads, &err), &err);
}

static void drop_rows(struct world *w)
{
    for (int p = 0; p < w->n; p++) {
        free(w->resid[p]);
        free(w->final[p]);
    }
}

static void world_close(struct world *w)
{
    drop_rows(w);
    ll_engine_free(w->eng);
    ll_model_close(w->m);
}

static void world_of_family(struct world *w, const char *path, int threads)
{
    open_model(w, path, threads);
    w->n = 1;
    w->len[0] = 9;
    for (int i = 0; i < 9; i++)
        w->ids[0][i] = (i * 29 + 11) % w->m->d_vocab;
    run_sweep(w);
}

static struct ll_analysis job_of(const struct world *w, int p)
{
    return (struct ll_analysis){.model = w->m,
                                .engine = w->eng,
                                .raw = LL_RAW_FULL,
                                .resid = w->rows[p],
                                .final_normed = w->final[p],
                                .prompt_vocab = w->ids[p] + 1,
                                .n_prompt_vocab = w->len[p] - 1,
                                .answer_id = 7,
                                .control_id = -1};
}

/* ---- numbers by name ------------------------------------------------------------------------- */

#define ROW(name) \
    { \
#name, offsetof(struct ll_row_stats, name) \
    }
#define READ(prefix, lens, name) \
    { \
        prefix #name, offsetof(struct ll_row_stats, lens.name) \
    }
#define READING(prefix, lens) \
    READ(prefix, lens, lse), READ(prefix, lens, entropy_bits), READ(prefix, lens, p_top1), \
        READ(prefix, lens, p_top2), READ(prefix, lens, p_top5), READ(prefix, lens, p_answer), \
        READ(prefix, lens, answer_logit), READ(prefix, lens, kl_to_final_bits), READ(prefix, lens, norm)
static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    READING("", norm),
    READING("raw_", raw),
    READING("tuned_", tuned),
    READING("tuned_temp_", tuned_temp),
    ROW(kl_norm_raw_bits),
    ROW(kl_raw_norm_bits),
    ROW(js_bits),
    ROW(l1),
    ROW(jaccard10_raw),
    ROW(jaccard50_raw),
    ROW(spearman50_raw),
    ROW(jaccard10_tuned),
    ROW(jaccard50_tuned),
    ROW(spearman50_tuned),
    ROW(jaccard50_previous),
    ROW(jaccard50_previous_raw),
    ROW(cos_to_final),
    ROW(cos_to_answer),
    ROW(cos_to_prompt_max),
    ROW(resid_norm),
    ROW(resid_norm_ratio),
    ROW(delta_resid_cos),
    ROW(echo_mass_prompt),
    ROW(topk_prompt_mass50),
    ROW(p_control),
    ROW(tau),
    ROW(kl_to_final_norm_temp_bits),
    ROW(max_abs_logit),
    ROW(min_p),
    {"tuned_cos_to_final", offsetof(struct ll_row_stats, tuned_cells.cos_to_final)},
    {"tuned_cos_to_answer", offsetof(struct ll_row_stats, tuned_cells.cos_to_answer)},
    {"tuned_cos_to_prompt_max", offsetof(struct ll_row_stats, tuned_cells.cos_to_prompt_max)},
    {"tuned_echo", offsetof(struct ll_row_stats, tuned_cells.echo_mass_prompt)},
    {"tuned_topk_mass", offsetof(struct ll_row_stats, tuned_cells.topk_prompt_mass50)},
    {"scaled_0", offsetof(struct ll_row_stats, scaled_p_answer)},
    {"scaled_1", offsetof(struct ll_row_stats, scaled_p_answer[1])},
    {"scaled_2", offsetof(struct ll_row_stats, scaled_p_answer[2])},
    {"scaled_3", offsetof(struct ll_row_stats, scaled_p_answer[3])},
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };
static double number(const struct ll_row_stats *r, int i)
{
    return *(const double *)(const void *)((const char *)r + numbers[i].at);
}

/* Every number and list of two runs, to the bit. */
static void same_stats(const struct ll_pass_stats *a, const struct ll_pass_stats *b)
{
    for (int r = 0; r < a->n_rows; r++) {
        const struct ll_row_stats *x = &a->rows[r], *y = &b->rows[r];
        for (int i = 0; i < N_NUMBERS; i++) {
            double u = number(x, i), v = number(y, i);
            if (memcmp(&u, &v, sizeof u) && !(isnan(u) && isnan(v)))
                fail_msg("row %d: %s: %.17g and %.17g", r, numbers[i].name, u, v);
        }
        const struct ll_reading *of[][2] = {{&x->norm, &y->norm},
                                            {&x->raw, &y->raw},
                                            {&x->tuned, &y->tuned},
                                            {&x->tuned_temp, &y->tuned_temp}};
        for (int k = 0; k < 4; k++) {
            assert_int_equal(of[k][0]->is_set, of[k][1]->is_set);
            assert_int_equal(of[k][0]->n_top, of[k][1]->n_top);
            assert_int_equal(of[k][0]->answer_rank, of[k][1]->answer_rank);
            assert_memory_equal(of[k][0]->top, of[k][1]->top,
                                sizeof(struct ll_hit) * (size_t)of[k][0]->n_top);
        }
    }
}

/* A tuned lens by the rule of make.py. */
static struct ll_tuned *make_tuned(const struct ll_model *m, float *W, float *b)
{
    struct ll_translator *layers = calloc((size_t)m->n_layers, sizeof *layers);
    struct ll_tuned *t;
    struct ll_err err = {0};
    const int d = m->d_model;
    for (int i = 0; i < d; i++) {
        b[i] = (float)((5 * i) % 7 - 3) / 16;
        for (int j = 0; j < d; j++)
            W[(size_t)i * (size_t)d + (size_t)j] = (float)((7 * i + 3 * j) % 11 - 5) / 512;
    }
    for (int l = 1; l < m->n_layers; l += 4) {
        layers[l].W = (struct ll_mat){
            .type = LL_F32, .data = (const uint8_t *)W, .row_bytes = sizeof *W * (size_t)d, .n = d, .k = d};
        layers[l].b = b;
    }
    OK(ll_tuned_make(&t, m, layers, m->n_layers, NULL, NULL, &err), &err);
    free(layers);
    return t;
}

/* ---- demo-llama against float64 -------------------------------------------------------------- */

struct demo {
    struct world w;
    struct ll_settings *s;
    struct ll_tuned *tuned;
    float *W, *b;
    double tau[MAX_ROWS];
    struct ll_analysis job;
    struct ll_pass_stats stats;
};

static void demo_open(struct demo *d, int threads, long long buffer)
{
    struct ll_err err = {0};
    struct ll_analysis passes[MAX_PROMPTS];
    static int words[MAX_IDS];
    char path[64];
    OK(ll_settings_read(&d->s, EXPECTED, &err), &err);
    open_model(&d->w, DEMOS "demo-llama", threads);
    d->w.n = ll_settings_len(d->s, "prompts");
    assert_in_range(d->w.n, 1, MAX_PROMPTS);
    for (int p = 0; p < d->w.n; p++) {
        snprintf(path, sizeof path, "prompts.%d", p);
        d->w.len[p] = ll_settings_len(d->s, path);
        assert_in_range(d->w.len[p], 1, MAX_IDS);
        for (int i = 0; i < d->w.len[p]; i++) {
            snprintf(path, sizeof path, "prompts.%d.%d", p, i);
            d->w.ids[p][i] = (int)ll_settings_int(d->s, path, -1);
        }
    }
    run_sweep(&d->w);
    for (int p = 0; p < d->w.n; p++) {
        passes[p] = job_of(&d->w, p);
        passes[p].buffer_bytes = buffer;
    }
    OK(ll_calibrate(passes, d->w.n, d->tau, &err), &err);
    d->job = passes[0];
    d->job.n_prompt_vocab = ll_settings_len(d->s, "prompt_vocab");
    for (int i = 0; i < d->job.n_prompt_vocab; i++) {
        snprintf(path, sizeof path, "prompt_vocab.%d", i);
        words[i] = (int)ll_settings_int(d->s, path, -1);
    }
    const size_t width = (size_t)d->w.m->d_model;
    d->W = malloc(sizeof(float) * width * width);
    d->b = malloc(sizeof(float) * width);
    d->tuned = make_tuned(d->w.m, d->W, d->b);
    d->job.prompt_vocab = words;
    d->job.answer_id = (int)ll_settings_int(d->s, "answer", -1);
    d->job.control_id = (int)ll_settings_int(d->s, "control", -1);
    d->job.tau = d->tau;
    d->job.tuned = d->tuned;
    walk_rows(&d->w.walked, &d->job);
    OK(ll_pass_stats_init(&d->stats, d->w.m, &err), &err);
    OK(ll_analysis_run(&d->job, &d->stats, &err), &err);
}

static void demo_close(struct demo *d)
{
    ll_pass_stats_free(&d->stats);
    ll_tuned_free(d->tuned);
    free(d->W);
    free(d->b);
    world_close(&d->w);
    ll_settings_free(d->s);
}

static double expected(const struct ll_settings *s, const char *list, int row, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s.%d.%s", list, row, name);
    return ll_settings_num(s, path, NAN);
}

/* Logits of a float32 pass are off by about 1e-6 of their size (tests/oracle). */
static void close_to(const char *name, int row, double got, double want)
{
    double tol = 1e-5 * (1 + fabs(want));
    if (strstr(name, "jaccard") || strstr(name, "spearman") || strstr(name, "rank"))
        tol = 1e-9;
    if (!strcmp(name, "min_p"))
        tol = 1e-4 * want;
    if (!(fabs(got - want) <= tol))
        fail_msg("row %d: %s: got %.12g, expected %.12g", row, name, got, want);
}

static void against_numpy(void **state)
{
    struct demo d;
    int checked = 0;
    (void)state;
    demo_open(&d, 2, 0);
    assert_int_equal(ll_settings_len(d.s, "rows"), d.stats.n_rows);
    close_to("teacher_entropy_bits", -1, d.stats.teacher_entropy_bits,
             ll_settings_num(d.s, "teacher_entropy_bits", NAN));
    for (int r = 0; r < d.stats.n_rows; r++) {
        const struct ll_row_stats *row = &d.stats.rows[r];
        char path[64];
        snprintf(path, sizeof path, "tau.%d", r);
        close_to("tau", r, row->tau, ll_settings_num(d.s, path, NAN));
        for (int i = 0; i < N_NUMBERS; i++) {
            double want = expected(d.s, "rows", r, numbers[i].name);
            if (isnan(want))
                continue;
            close_to(numbers[i].name, r, number(row, i), want);
            checked++;
        }
        assert_int_equal(row->norm.answer_rank, (int)expected(d.s, "rows", r, "answer_rank"));
        assert_int_equal(row->raw.answer_rank, (int)expected(d.s, "rows", r, "raw_answer_rank"));
        assert_int_equal(row->norm.top[0].id, (int)expected(d.s, "rows", r, "top1"));
        assert_int_equal(row->tuned.is_set, r == 1 || r == 5);
        assert_false(row->tuned_temp.is_set); /* its temperatures are 1 */
        if (row->tuned.is_set)
            assert_int_equal(row->tuned.answer_rank, (int)expected(d.s, "rows", r, "tuned_answer_rank"));
    }
    assert_true(checked > 9 * 30);
    print_message("%d numbers of %d rows\n", checked, d.stats.n_rows);
    demo_close(&d);
}

static void decoding_points(void **state)
{
    struct demo d;
    struct ll_decoding_point p[MAX_ROWS];
    struct ll_err err = {0};
    int rows[MAX_ROWS];
    (void)state;
    demo_open(&d, 2, 1); /* room for one pair at a time */
    for (int r = 0; r < d.stats.n_rows; r++)
        rows[r] = r;
    assert_true(ll_decoding_points_exist(d.w.m));
    OK(ll_decoding_points(&d.job, rows, d.stats.n_rows, p, &err), &err);
    for (int r = 0; r < d.stats.n_rows; r++) {
        assert_int_equal(p[r].row, r);
        assert_int_equal(p[r].ln1.answer_rank, (int)expected(d.s, "points", r, "rank1"));
        assert_int_equal(p[r].ln2.answer_rank, (int)expected(d.s, "points", r, "rank2"));
        close_to("entropy1", r, p[r].ln1.entropy_bits, expected(d.s, "points", r, "entropy1"));
        close_to("entropy2", r, p[r].ln2.entropy_bits, expected(d.s, "points", r, "entropy2"));
        close_to("jaccard10", r, p[r].jaccard10, expected(d.s, "points", r, "jaccard10"));
        close_to("jaccard50", r, p[r].jaccard50, expected(d.s, "points", r, "jaccard50"));
        close_to("spearman50", r, p[r].spearman50, expected(d.s, "points", r, "spearman50"));
    }
    rows[0] = d.stats.n_rows;
    assert_int_equal(ll_decoding_points(&d.job, rows, 1, p, NULL), LL_EUSAGE);
    demo_close(&d);
}

static void threads_and_buffers(void **state)
{
    struct demo a, b;
    (void)state;
    demo_open(&a, 1, 0);
    for (int threads = 1; threads <= 3; threads++)
        for (long long buffer = 1; buffer < 100000;
             buffer = buffer * 40000 + 1) { /* one row at a time, a few, all */
            demo_open(&b, threads, buffer);
            assert_memory_equal(a.tau, b.tau, sizeof *a.tau * (size_t)a.stats.n_rows);
            same_stats(&a.stats, &b.stats);
            b.job.buffer_bytes = buffer;
            OK(ll_analysis_run(&b.job, &b.stats, &(struct ll_err){0}), &(struct ll_err){0});
            same_stats(&a.stats, &b.stats);
            demo_close(&b);
        }
    demo_close(&a);
}

static void repeatability(void **state)
{
    struct demo d;
    struct ll_repeatability r;
    struct ll_err err = {0};
    (void)state;
    demo_open(&d, 2, 0);
    OK(ll_analysis_repeat(&d.job, &d.stats, &r, &err), &err);
    assert_true(r.max_rank_dev == 0 && r.p95_rank_dev == 0 && r.top1_flip_rate == 0);
    d.stats.rows[3].norm.answer_rank += 4; /* and it does compare */
    d.stats.rows[4].norm.top[0].id ^= 1;
    OK(ll_analysis_repeat(&d.job, &d.stats, &r, &err), &err);
    assert_true(r.max_rank_dev == 4 && r.p95_rank_dev > 2
                && fabs(r.top1_flip_rate - 1.0 / d.stats.n_rows) < 1e-15);
    demo_close(&d);
}

/* ---- any family ------------------------------------------------------------------------------ */

static void close_enough(const char *what, int row, double a, double b, double tol)
{
    if (!(fabs(a - b) <= tol))
        fail_msg("row %d: %s: %.15g and %.15g", row, what, a, b);
}

/* Against the plain functions on the head's own logits, and against the head pass. */
static void identities(void **state)
{
    double worst = 0;
    (void)state;
    for (int f = 0; f < N_FAMILIES; f++) {
        struct world w;
        struct ll_pass_stats s;
        struct ll_err err = {0};
        world_of_family(&w, families[f], 2);
        struct ll_analysis job = job_of(&w, 0);
        const int n = w.m->n_layers, V = w.m->d_vocab;
        float *x = malloc(sizeof *x * (size_t)w.m->d_model), *z = malloc(sizeof *z * (size_t)V),
              *own = malloc(sizeof *own * (size_t)V);
        OK(ll_pass_stats_init(&s, w.m, &err), &err);
        walk_rows(&w.walked, &job);
        OK(ll_analysis_run(&job, &s, &err), &err);
        ll_head_logits(w.m, w.eng, w.final[0], own);
        double lse_own = logits_lse(own, V);
        for (int r = 0; r <= n; r++) {
            const struct ll_row_stats *row = &s.rows[r];
            ll_lens_normalize(w.m, ll_engine_vec(w.eng), LL_LENS_FINAL, 0, r, w.rows[0][r], x);
            ll_head_logits(w.m, w.eng, x, z);
            double lse = logits_lse(z, V), mass = 0;
            const struct ll_head_out *o = &w.walked.out[r];
            assert_true(row->norm.lse == o->lse && row->norm.entropy_bits == o->entropy_bits
                        && row->norm.kl_to_final_bits == o->kl_to_final_bits);
            assert_memory_equal(row->norm.top, o->top, sizeof *o->top * (size_t)o->n_top);
            const double off[3] = {fabs(o->lse - lse), fabs(o->entropy_bits - logits_entropy_bits(z, V, lse)),
                                   fabs(o->kl_to_final_bits - ll_dist_kl_bits(z, lse, own, lse_own, V))};
            for (int k = 0; k < 3; k++)
                worst = off[k] > worst ? off[k] : worst;
            close_enough("cos_to_final", r, row->cos_to_final, ll_dist_cosine_without(z, own, w.m->b_U, V),
                         1e-12);
            assert_int_equal(row->norm.answer_rank, logits_rank(z, V, 7));
            for (int v = 0; v < V; v++)
                mass += ll_exp((double)z[v] - row->norm.lse);
            close_enough("sum of p", r, mass, 1, 1e-6); /* float sums within a tile */
            ll_head_logits(w.m, w.eng, w.rows[0][r],
                           own); /* raw: no norm at any row, the last too; own is made anew below */
            double lse_raw = logits_lse(own, V);
            close_enough("raw entropy", r, row->raw.entropy_bits, logits_entropy_bits(own, V, lse_raw),
                         1e-11);
            close_enough("KL(norm || raw)", r, row->kl_norm_raw_bits,
                         ll_dist_kl_bits(z, lse, own, lse_raw, V), 1e-11);
            close_enough("KL(raw || norm)", r, row->kl_raw_norm_bits,
                         ll_dist_kl_bits(own, lse_raw, z, lse, V), 1e-11);
            close_enough("js", r, row->js_bits, logits_js_bits(ll_engine_vec(w.eng), z, lse, own, lse_raw, V),
                         1e-12);
            close_enough("l1", r, row->l1, logits_l1(z, lse, own, lse_raw, V), 1e-12);
            ll_head_logits(w.m, w.eng, w.final[0], own);
            assert_true(row->norm.entropy_bits >= 0 && row->norm.entropy_bits <= log2(V) + 1e-12
                        && row->js_bits >= 0 && row->js_bits <= 1 && row->l1 <= 2 + 1e-12);
        }
        const struct ll_reading *last = &s.rows[n].norm;
        assert_true(last->kl_to_final_bits == 0 && last->entropy_bits == s.own.entropy_bits
                    && last->lse == s.own.lse && last->norm == s.own.norm);
        assert_int_equal(last->answer_rank, s.own.answer_rank);
        assert_memory_equal(last->top, s.own.top, sizeof *last->top * (size_t)last->n_top);
        close_enough("cos_to_final", n, s.rows[n].cos_to_final, 1, 1e-12);
        ll_pass_stats_free(&s);
        free(x);
        free(z);
        free(own);
        world_close(&w);
    }
    print_message("the walk beside double sums: at most %.2g\n", worst);
    assert_true(worst < 5e-6);
}

static void last_row(void **state)
{
    int capped = 0, scaled = 0;
    (void)state;
    for (int f = 0; f < N_FAMILIES; f++) {
        struct world w;
        struct ll_last_row o;
        struct ll_pass_stats s;
        struct ll_err err = {0};
        double tau[MAX_ROWS];
        world_of_family(&w, families[f], 2);
        struct ll_analysis job = job_of(&w, 0);
        const int n = w.m->n_layers, caps = w.m->logit_cap > 0, scales = w.m->logit_scale != 1.0f;
        walk_rows(&w.walked, &job);
        OK(ll_last_row_check(&job, &o, &err), &err);
        assert_true(o.kl_to_final_bits == 0 && o.top1_agree && o.temp_est == 1 && o.kl_after_temp_bits == 0
                    && o.p_top1_lens == o.p_top1_model);
        OK(ll_calibrate(&job, 1, tau, &err), &err);
        assert_true(tau[n] == 1);
        job.bare_head = 1; /* the walk allows the difference */
        walk_rows(&w.walked, &job);
        OK(ll_last_row_check(&job, &o, &err), &err);
        assert_true(isnan(o.softcap) == !caps && isnan(o.kl_after_softcap_bits) == !caps
                    && isnan(o.scale) == !scales && isnan(o.kl_after_scale_bits) == !scales);
        OK(ll_pass_stats_init(&s, w.m, &err), &err);
        OK(ll_analysis_run(&job, &s, &err), &err);
        assert_true(o.kl_to_final_bits == s.rows[n].norm.kl_to_final_bits);
        if (!caps && !scales)
            assert_true(o.kl_to_final_bits == 0 && o.temp_est == 1 && o.kl_after_temp_bits == 0);
        else
            assert_true(o.kl_to_final_bits > 1e-6
                        && (caps ? o.kl_after_softcap_bits : o.kl_after_scale_bits) == 0
                        && o.kl_after_temp_bits < o.kl_to_final_bits);
        capped += caps;
        scaled += scales;
        ll_pass_stats_free(&s);
        world_close(&w);
    }
    assert_true(capped >= 2 && scaled >= 3);
}

static void refused(void **state)
{
    struct world w;
    struct ll_pass_stats s;
    struct ll_err err = {0};
    struct ll_decoding_point p;
    double tau[MAX_ROWS];
    (void)state;
    world_of_family(&w, OWN "olmo2_norms", 1);
    struct ll_analysis job = job_of(&w, 0);
    const int bad = w.m->d_vocab;
    OK(ll_pass_stats_init(&s, w.m, &err), &err);
    assert_false(ll_decoding_points_exist(w.m)); /* norms after the blocks only */
    assert_int_equal(ll_decoding_points(&job, &(int){1}, 1, &p, NULL), LL_EUNSUP);
    assert_int_equal(ll_calibrate(&job, 0, tau, NULL), LL_EUSAGE);
    walk_rows(&w.walked, &job);
    w.walked.out[1].n_top--; /* a list too short to be compared */
    assert_int_equal(ll_analysis_run(&job, &s, NULL), LL_EUSAGE);
    job.answer_id = bad;
    assert_int_equal(ll_analysis_run(&job, &s, NULL), LL_EUSAGE);
    job.answer_id = -1;
    job.prompt_vocab = &bad;
    job.n_prompt_vocab = 1;
    assert_int_equal(ll_analysis_run(&job, &s, NULL), LL_EUSAGE);
    job.n_prompt_vocab = 0;
    job.raw = LL_RAW_SAMPLE;
    walk_rows(&w.walked, &job);
    OK(ll_analysis_run(&job, &s, &err), &err); /* no answer, no words: unknown, not 0 */
    assert_true(s.rows[0].norm.answer_rank == -1 && isnan(s.rows[0].norm.p_answer)
                && isnan(s.rows[0].cos_to_answer) && isnan(s.rows[0].cos_to_prompt_max));
    assert_true(isnan(s.rows[0].scaled_p_answer[0]) && isnan(s.rows[0].p_control) && isnan(s.rows[0].tau)
                && s.rows[0].echo_mass_prompt == 0);
    ((float *)w.rows[0][1])[3] = NAN; /* a broken residual: its row says so, the others stand */
    OK(ll_analysis_run(&job, &s, &err), &err);
    assert_true(s.rows[1].n_nan == w.m->d_vocab && s.rows[1].echo_mass_prompt == 0
                && isnan(s.rows[1].delta_resid_cos) && isnan(s.rows[1].cos_to_final)
                && !isnan(s.rows[2].cos_to_final));
    ll_pass_stats_free(&s);
    world_close(&w);
}

/* A tuned row is the plain lens of the translated residual: every angle to the bit, and every mass
 * but for its divisor, which the walk sums in floats within a tile. Where there is
 * no translator nothing is known. */
static void tuned_cells(void **state)
{
    struct demo d;
    struct ll_pass_stats plain;
    struct ll_err err = {0};
    float *moved[MAX_ROWS];
    int n_tuned = 0;
    (void)state;
    demo_open(&d, 2, 0);
    int words[200]; /* so many that the two top lists hold different ones */
    for (int i = 0; i < 200; i++)
        words[i] = (i * 7 + 3) % d.w.m->d_vocab;
    d.job.prompt_vocab = words;
    d.job.n_prompt_vocab = 200;
    walk_rows(&d.w.walked, &d.job);
    OK(ll_analysis_run(&d.job, &d.stats, &err), &err);
    struct ll_analysis job = d.job;
    for (int r = 0; r < d.stats.n_rows; r++) {
        moved[r] = malloc(sizeof(float) * (size_t)d.w.m->d_model);
        OK(ll_tuned_apply(d.tuned, d.w.eng, r, d.w.rows[0][r], 1, moved[r], &err), &err);
    }
    job.resid = (const float *const *)moved;
    job.tuned = NULL;
    walk_rows(&d.w.walked, &job);
    OK(ll_pass_stats_init(&plain, d.w.m, &err), &err);
    OK(ll_analysis_run(&job, &plain, &err), &err);
    for (int r = 0; r < d.stats.n_rows; r++) {
        const struct ll_row_stats *a = &d.stats.rows[r], *b = &plain.rows[r];
        const struct ll_lens_cells want = {b->cos_to_final, b->cos_to_answer, b->cos_to_prompt_max,
                                           b->echo_mass_prompt, b->topk_prompt_mass50};
        assert_true(isnan(b->tuned_cells.echo_mass_prompt));
        if (a->tuned.is_set) {
            assert_memory_equal(&a->tuned_cells, &want, offsetof(struct ll_lens_cells, echo_mass_prompt));
            close_enough("echo mass", r, a->tuned_cells.echo_mass_prompt, want.echo_mass_prompt, 1e-6);
            close_enough("mass at 50", r, a->tuned_cells.topk_prompt_mass50, want.topk_prompt_mass50, 1e-6);
            assert_true(a->tuned_cells.cos_to_answer < a->cos_to_answer
                        || a->tuned_cells.cos_to_answer > a->cos_to_answer);
            n_tuned++;
        } else
            assert_true(isnan(a->tuned_cells.cos_to_final) && isnan(a->tuned_cells.cos_to_answer)
                        && isnan(a->tuned_cells.cos_to_prompt_max)
                        && isnan(a->tuned_cells.topk_prompt_mass50));
        free(moved[r]);
    }
    assert_int_equal(n_tuned, 2);
    ll_pass_stats_free(&plain);
    demo_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_numpy),
        cmocka_unit_test(decoding_points),
        cmocka_unit_test(threads_and_buffers),
        cmocka_unit_test(repeatability),
        cmocka_unit_test(identities),
        cmocka_unit_test(last_row),
        cmocka_unit_test(refused),
        cmocka_unit_test(tuned_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
