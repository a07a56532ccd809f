/* test_store_util.h - temporary folders, whole files and a small made run for the tests of store. */
#ifndef LL_TEST_STORE_UTIL_H
#define LL_TEST_STORE_UTIL_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "map.h"
#include "outfile.h"
#include "record_cols.h"
#include "sink.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK(call, err) \
    do { \
        (err)->code = 0; \
        (err)->msg[0] = 0; \
        int rc_ = (call); \
        if (rc_) \
            fail_msg("%s: %d %s", #call, rc_, (err)->msg); \
    } while (0)

static inline char *tmp_folder(void)
{
    char *path = strdup("/tmp/ll-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void remove_tree(const char *path)
{
    char cmd[4200];
    snprintf(cmd, sizeof cmd, "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'", path, path);
    assert_int_equal(system(cmd), 0);
}

static inline int count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static inline char *path2(const char *folder, const char *name) /* freed by free() */
{
    char *p = ll_path_join(folder, name);
    assert_non_null(p);
    return p;
}

static inline struct ll_buf slurp(const char *folder, const char *name)
{
    struct ll_buf b = {0};
    struct ll_err err = {0};
    char *p = path2(folder, name);
    OK(ll_file_read(p, 1 << 28, &b, &err), &err);
    free(p);
    return b;
}

static inline void spill(const char *folder, const char *name, const char *s, size_t n)
{
    struct ll_err err = {0};
    char *p = path2(folder, name);
    OK(ll_file_write(p, s, n, &err), &err);
    free(p);
}

static inline int has_file(const char *folder, const char *name)
{
    char *p = path2(folder, name);
    int yes = access(p, F_OK) == 0;
    free(p);
    return yes;
}

/* ---- a made run: 2 layers, 3 positions, two passes; the answer is top-1 at row 2 of the main pass, rows 1
 * and 2 of the other. ---- */
static const int made_ids[] = {1, 7, 9}, made_gold[] = {42};
static const char *const made_pieces[] = {" Berlin"};
static const char *const made_settings[] = {"norm", "final", NULL};
static const struct ll_run_info made_run = {"made", "logitlens run made", "logitlens 0.1.0", 316,
                                            made_settings};
static const struct ll_model_info made_model = {
    .model_id = "org/Made-1",
    .clean = "Made-1",
    .family = "llama",
    .architecture = "pre_norm",
    .container = "safetensors",
    .stored_types = "BF16",
    .identity = "ab12",
    .n_layers = 2,
    .d_model = 8,
    .n_heads = 2,
    .n_kv_heads = 1,
    .d_head = 4,
    .d_mlp = 16,
    .d_vocab = 100,
    .n_ctx = 64,
    .n_params = 1000,
    .norm_kind = "RMSNorm",
    .norm_eps = 1e-5,
    .lens_norm = "final",
    .engine = "L16",
    .logit_scale = 1,
    .bos_policy = "none",
    .emb_scale = 1,
};
#define MADE_GOLD \
    { \
        "Berlin", "with_space", NULL, made_gold, 1, made_pieces, 1 \
    }
static const struct ll_pass_info made_passes[] = {
    {"pos.orig.0", "Germany→Berlin", 0, "pos", "orig", "The capital", 11, made_ids, 3, MADE_GOLD},
    {"ctl.orig", NULL, -1, "ctl", "orig", "The \"other\"\n", 12, made_ids, 3, MADE_GOLD},
};
static const struct ll_milestones made_milestones[] = {{-1, 2, 2}, {0, -1, 1}};
static const struct ll_top made_top[] = {{" Berlin", 7, 42, 0.75}, {"\xff", 1, 3, 0.125}};
static const struct ll_prediction made_final = {NULL, 0, 0, 0.5, made_top, 2};
static const struct ll_prediction made_test = {"Berlin is", 9, 0, 1.5, made_top, 2};
static const struct ll_prediction made_temp = {NULL, 0, 0.1, 0.25, made_top, 1};
static const char *const made_warnings[] = {"a warning"};
static const struct ll_model_doc made_doc = {
    .model = &made_model,
    .status = "ok",
    .main_pass = &made_passes[0],
    .test_prompts = &made_test,
    .n_test_prompts = 1,
    .temperatures = &made_temp,
    .n_temperatures = 1,
    .final_prediction = &made_final,
    .milestones = {-1, 2, 2},
    .passes = made_passes,
    .n_passes = 2,
    .pass_milestones = made_milestones,
    .copy_threshold = 0.95,
    .copy_margin = 0.1,
    .last_row_equal = 1,
    .warnings = made_warnings,
    .n_warnings = 1,
};

static inline void set_text(struct ll_row *row, int col, const char *s)
{
    ll_row_text(row, col, s, strlen(s));
}

static inline void made_record(struct ll_row *row, int pass, int layer, int pos)
{
    const struct ll_pass_info *p = &made_passes[pass];
    int n_top = pos == 2 ? 20 : 5;
    char ids[200] = "";
    ll_row_clear(row);
    ll_row_int(row, LL_REC_LAYER, layer);
    ll_row_int(row, LL_REC_POS, pos);
    set_text(row, LL_REC_TOKEN, pos == 1 ? "a,\"b\"\nc\\" : " the");
    ll_row_int(row, LL_REC_TOKEN_ID, made_ids[pos]);
    ll_row_real(row, LL_REC_ENTROPY, 6.5 - layer);
    ll_row_real(row, LL_REC_ENTROPY_BITS, 6.5 - layer);
    for (int k = 1; k <= n_top; k++) {
        char word[16];
        snprintf(word, sizeof word, " w%d", k);
        set_text(row, LL_REC_TOP(k), word);
        ll_row_real(row, LL_REC_PROB(k), 0.1 / k);
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%d", k > 1 ? " " : "", 50 + k);
    }
    set_text(row, LL_REC_TOP_IDS, ids);
    ll_row_real(row, LL_REC_REST_MASS, 1.0 / 3);
    if (p->fact_key) {
        set_text(row, LL_REC_FACT_KEY, p->fact_key);
        ll_row_int(row, LL_REC_FACT_INDEX, p->fact_index);
    }
    set_text(row, LL_REC_PROMPT_ID, p->prompt_id);
    set_text(row, LL_REC_PROMPT_VARIANT, p->prompt_variant);
    ll_row_id(row, LL_REC_ROW_ID, p->pass_key, layer, pos);
}

static inline void made_pure(struct ll_row *row, int pass, int layer)
{
    const struct ll_milestones *m = &made_milestones[pass];
    const struct ll_pass_info *p = &made_passes[pass];
    int answer = layer >= m->L_semantic;
    ll_row_clear(row);
    ll_row_int(row, LL_PURE_LAYER, layer);
    ll_row_int(row, LL_PURE_POS, 2);
    set_text(row, LL_PURE_TOKEN, LL_NEXT_TOKEN);
    ll_row_real(row, LL_PURE_ENTROPY, layer == 2 ? 0.5 : 6.5 - layer);
    ll_row_real(row, LL_PURE_ENTROPY_BITS, layer == 2 ? 0.5 : 6.5 - layer);
    set_text(row, LL_PURE_TOP(1), answer ? " Berlin" : " the");
    ll_row_real(row, LL_PURE_PROB(1), 0.75);
    set_text(row, LL_PURE_TOP_IDS, answer ? "42" : "7");
    ll_row_real(row, LL_PURE_REST_MASS, 0.25);
    ll_row_bool(row, LL_PURE_COPY_COLLAPSE, m->L_copy == layer);
    ll_row_bool(row, LL_PURE_ENTROPY_COLLAPSE, m->L_copy_H == layer);
    ll_row_bool(row, LL_PURE_IS_ANSWER, answer);
    ll_row_real(row, LL_PURE_P_TOP1, 0.75);
    ll_row_real(row, LL_PURE_P_ANSWER, answer ? 0.75 : 0.01);
    ll_row_int(row, LL_PURE_ANSWER_RANK, answer ? 1 : 9 - layer);
    ll_row_real(row, LL_PURE_KL_TO_FINAL_BITS, 2.0 - layer);
    if (p->fact_key) {
        set_text(row, LL_PURE_FACT_KEY, p->fact_key);
        ll_row_int(row, LL_PURE_FACT_INDEX, p->fact_index);
    }
    set_text(row, LL_PURE_PROMPT_ID, p->prompt_id);
    set_text(row, LL_PURE_PROMPT_VARIANT, p->prompt_variant);
    ll_row_id(row, LL_PURE_ROW_ID, p->pass_key, layer, 2);
}

/* All rows of the made model into an opened, begun sink. */
static inline void made_rows(struct ll_sink *sink)
{
    struct ll_err err = {0};
    struct ll_row rec, pure;
    OK(ll_row_init(&rec, &ll_schema_records, &err), &err);
    OK(ll_row_init(&pure, &ll_schema_pure, &err), &err);
    for (int pass = 0; pass < 2; pass++)
        for (int layer = 0; layer <= 2; layer++) {
            for (int pos = 0; pos < 3; pos++) {
                made_record(&rec, pass, layer, pos);
                OK(sink->type->row(sink, &rec, &err), &err);
            }
            made_pure(&pure, pass, layer);
            OK(sink->type->row(sink, &pure, &err), &err);
        }
    ll_row_free(&rec);
    ll_row_free(&pure);
}

/* The made model through every sink into folder. */
static inline void made_into(const char *folder)
{
    struct ll_err err = {0};
    for (int i = 0; ll_sinks[i]; i++) {
        struct ll_sink *s;
        OK(ll_sinks[i]->open(&s, folder, &made_run, &err), &err);
        OK(s->type->begin_model(s, &made_model, &err), &err);
        made_rows(s);
        OK(s->type->end_model(s, &made_doc, &err), &err);
        s->type->close(s);
    }
}
#endif
