/* index_passes.c - the passes that a document names, with the milestones it states; see index_load.h
 *
 * Ours lists its passes. The original names its main pass in `prompt`, and in the late era all of them in
 * diagnostics.gold_alignment_prompts. Milestones stand in `diagnostics` (main pass), in our passes, and in
 * the summaries of the micro suite, the ablation and the control. */
#include "index_db.h"
#include "index_json.h"
#include "index_load.h"
#include "index_milestones.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

struct pass_values {
    const char *key, *fact_key, *prompt_id, *variant;
    long long fact_index; /* -1: none */
    int is_main;
    const cJSON *prompt, *gold, *gold_text, *milestones, *ids;
};

static void bind_ids(sqlite3_stmt *st, int nr, const cJSON *ids)
{
    struct ll_buf b = {0};
    const cJSON *v;
    cJSON_ArrayForEach(v, ids) ll_buf_addf(&b, "%s%.0f", b.len ? " " : "", v->valuedouble);
    if (ids && cJSON_IsArray(ids))
        sqlite3_bind_text64(st, nr, ll_buf_str(&b), b.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, nr);
    ll_buf_free(&b);
}

/* ---- milestones ------------------------------------------------------------------------------ */
/* v a whole number or null; NULL: the document does not say, nothing is stored. What was said first stays. */
static int store_milestone(struct ll_load *l, long long pass, const char *name, const cJSON *v,
                           struct ll_err *err)
{
    sqlite3_stmt *st;
    if (!v || !pass || !(cJSON_IsNull(v) || cJSON_IsNumber(v)))
        return LL_OK;
    int rc = ll_db_prepare(l->db, &st, "INSERT OR IGNORE INTO stored_milestones VALUES (?, ?, ?)", err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, pass);
    ll_db_bind_cstr(st, 2, name);
    ll_j_bind_int(st, 3, v);
    rc = ll_db_run(l->db, st, err);
    sqlite3_finalize(st);
    return rc;
}

/* A member by up to three names; null counts as there. */
static const cJSON *member(const cJSON *v, const char *const path[3])
{
    for (int i = 0; i < 3 && path[i] && v; i++)
        v = cJSON_GetObjectItemCaseSensitive(v, path[i]);
    return v;
}

/* The copy layers by threshold: L_copy_strict@0.95, L_copy_soft_k1@0.5, ... */
static int store_copy_layers(struct ll_load *l, long long pass, const cJSON *object, struct ll_err *err)
{
    const cJSON *v, *soft = ll_j_get(object, "copy_soft_threshold", NULL);
    char name[80];
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_get(object, "copy_thresholds", "L_copy_strict", NULL))
    {
        snprintf(name, sizeof name, "L_copy_strict@%.40s", v->string ? v->string : "");
        if ((rc = store_milestone(l, pass, name, v, err)))
            return rc;
    }
    if (!soft || !cJSON_IsNumber(soft))
        return LL_OK;
    cJSON_ArrayForEach(v, ll_j_get(object, "L_copy_soft", NULL))
    {
        snprintf(name, sizeof name, "L_copy_soft_k%.20s@%g",
                 v->string ? v->string + (v->string[0] == 'k') : "", soft->valuedouble);
        if ((rc = store_milestone(l, pass, name, v, err)))
            return rc;
    }
    return rc;
}

static int store_milestones(struct ll_load *l, long long pass, const cJSON *object, struct ll_err *err)
{
    int rc = LL_OK;
    for (const struct ll_milestone *m = ll_milestone_list; m->name && !rc && object; m++) {
        const cJSON *v = member(object, m->path[0]);
        if (!v && m->path[1][0])
            v = member(object, m->path[1]);
        rc = store_milestone(l, pass, m->name, v, err);
    }
    return rc ? rc : store_copy_layers(l, pass, object, err);
}

/* Sections about a pass that is not the main one: which pass, which member, which milestone. */
static const struct {
    const char *pass_key, *section, *member, *milestone;
} summaries[] = {
    {"pos.no_filler.0", "ablation_summary", "L_copy_nf", "L_copy"},
    {"pos.no_filler.0", "ablation_summary", "L_sem_nf", "L_semantic"},
    {"ctl.orig", "control_summary", "first_control_margin_pos", "first_control_margin_pos"},
    {"ctl.orig", "control_summary", "first_control_strong_pos", "first_control_strong_pos"},
};
static const struct {
    const char *member, *milestone;
} fact_members[] = {
    {"L_copy_strict", "L_copy"},
    {"L_semantic_norm", "L_semantic"},
    {"L_semantic_margin_ok_norm", "L_semantic_margin_ok"},
};

static int pass_of(struct ll_load *l, const char *key, long long *pass, struct ll_err *err)
{
    return ll_db_get(l->db, pass, 0, err, "SELECT id FROM passes WHERE run_model = ? AND pass_key = ?", "is",
                     l->run_model, key);
}

static int store_summaries(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const cJSON *fact;
    long long pass;
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof summaries / sizeof summaries[0] && !rc; i++) {
        const cJSON *section = ll_j_get(doc, summaries[i].section, NULL);
        if (section && !(rc = pass_of(l, summaries[i].pass_key, &pass, err)))
            rc = store_milestone(l, pass, summaries[i].milestone,
                                 cJSON_GetObjectItemCaseSensitive(section, summaries[i].member), err);
    }
    cJSON_ArrayForEach(fact, ll_j_get(doc, "micro_suite", "facts", NULL))
    {
        const cJSON *index = ll_j_get(fact, "fact_index", NULL);
        char key[40];
        if (!index || !cJSON_IsNumber(index) || index->valuedouble < 0 || index->valuedouble > 1e9)
            continue;
        snprintf(key, sizeof key, "pos.orig.%.0f", index->valuedouble);
        rc = pass_of(l, key, &pass, err);
        for (size_t i = 0; i < sizeof fact_members / sizeof fact_members[0] && !rc; i++)
            rc = store_milestone(l, pass, fact_members[i].milestone,
                                 cJSON_GetObjectItemCaseSensitive(fact, fact_members[i].member), err);
        if (rc)
            break;
    }
    return rc;
}

/* ---- passes ---------------------------------------------------------------------------------- */
static int put_pass(struct ll_load *l, const struct pass_values *p, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st,
                           "INSERT INTO passes (run_model, pass_key, is_main, fact_key, fact_index, "
                           "prompt_id, prompt_variant, prompt_text, token_ids, n_pos,"
                           " gold_text, gold_first_id, gold_status)"
                           " VALUES (?1, ?2, ?3, ?4, nullif(?5, -1), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                           err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, l->run_model);
    ll_db_bind_cstr(st, 2, p->key);
    sqlite3_bind_int(st, 3, p->is_main);
    ll_db_bind_cstr(st, 4, p->fact_key);
    sqlite3_bind_int64(st, 5, p->fact_index);
    ll_db_bind_cstr(st, 6, p->prompt_id);
    ll_db_bind_cstr(st, 7, p->variant);
    ll_j_bind_text(st, 8, p->prompt);
    bind_ids(st, 9, p->ids);
    if (cJSON_IsArray(p->ids))
        sqlite3_bind_int(st, 10, cJSON_GetArraySize(p->ids));
    ll_j_bind_text(st, 11, p->gold_text);
    ll_j_bind_int(st, 12, ll_j_get(p->gold, "first_id", NULL));
    ll_j_bind_text(st, 13, ll_j_get(p->gold, "variant", NULL));
    if (sqlite3_step(st) != SQLITE_DONE)
        rc = sqlite3_extended_errcode(l->db) == SQLITE_CONSTRAINT_UNIQUE
            ? ll_fail(err, LL_EUSAGE, "passes: pass_key %.100s stands there twice", p->key)
            : ll_db_fail(l->db, "cannot write", err);
    sqlite3_finalize(st);
    return rc ? rc : store_milestones(l, sqlite3_last_insert_rowid(l->db), p->milestones, err);
}

static long long index_of(const cJSON *v)
{
    return v && cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e9 ? (long long)v->valuedouble
                                                                                 : -1;
}

static int put_our_passes(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *main_key = ll_j_text(ll_j_get(doc, "main_pass", NULL));
    const cJSON *v;
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_get(doc, "passes", NULL))
    {
        struct pass_values p = {
            .key = ll_j_text(ll_j_get(v, "pass_key", NULL)),
            .fact_key = ll_j_text(ll_j_get(v, "fact_key", NULL)),
            .prompt_id = ll_j_text(ll_j_get(v, "prompt_id", NULL)),
            .variant = ll_j_text(ll_j_get(v, "prompt_variant", NULL)),
            .fact_index = index_of(ll_j_get(v, "fact_index", NULL)),
            .prompt = ll_j_get(v, "prompt", NULL),
            .gold = ll_j_get(v, "gold_answer", NULL),
            .gold_text = ll_j_get(v, "gold_answer", "string", NULL),
            .milestones = ll_j_get(v, "milestones", NULL),
            .ids = ll_j_get(v, "token_ids", NULL),
        };
        if (!p.key)
            return ll_fail(err, LL_EUSAGE, "passes: expected a text pass_key in each");
        p.is_main = main_key && !strcmp(main_key, p.key);
        if ((rc = put_pass(l, &p, err)))
            break;
    }
    return rc;
}

static int put_old_main(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *fact = ll_j_text(ll_j_get(doc, "prompt", "fact_key", NULL)),
               *gold = ll_j_text(ll_j_get(doc, "prompt", "ground_truth", NULL));
    struct pass_values p = {
        .key = "pos.orig.0",
        .fact_key = fact                      ? fact
            : gold && !strcmp(gold, "Berlin") ? "Germany→Berlin"
                                              : NULL,
        .fact_index = 0,
        .prompt_id = "pos",
        .variant = "orig",
        .is_main = 1,
        .prompt = ll_j_get(doc, "prompt", "context_prompt", NULL),
        .gold = ll_j_get(doc, "gold_answer", NULL),
        .gold_text = ll_j_get(doc, "prompt", "ground_truth", NULL),
    };
    return put_pass(l, &p, err);
}

/* The others of the late era; their prompts' texts are not recorded, but for the control's. */
static int put_old_others(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const cJSON *v;
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_get(doc, "diagnostics", "gold_alignment_prompts", NULL))
    {
        char key[160];
        struct pass_values p = {
            .key = key,
            .fact_key = ll_j_text(ll_j_get(v, "fact_key", NULL)),
            .prompt_id = ll_j_text(ll_j_get(v, "prompt_id", NULL)),
            .variant = ll_j_text(ll_j_get(v, "prompt_variant", NULL)),
            .fact_index = index_of(ll_j_get(v, "fact_index", NULL)),
            .gold = v,
            .gold_text = ll_j_get(v, "string", NULL),
        };
        if (!p.prompt_id || !p.variant)
            continue;
        int n = snprintf(key, sizeof key, "%.60s.%.60s", p.prompt_id, p.variant);
        if (p.fact_index >= 0)
            snprintf(key + n, sizeof key - (size_t)n, ".%lld", p.fact_index);
        if (!strcmp(p.prompt_id, "ctl"))
            p.prompt = ll_j_get(doc, "control_prompt", "context_prompt", NULL);
        long long there = 0;
        if ((rc = pass_of(l, key, &there, err)) || (!there && (rc = put_pass(l, &p, err))))
            break;
    }
    return rc;
}

int ll_load_passes(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    long long pass = 0;
    int rc = LL_OK;
    if (ll_j_get(doc, "passes", NULL))
        rc = put_our_passes(l, doc, err);
    else if (ll_j_get(doc, "prompt", NULL) && !(rc = put_old_main(l, doc, err)))
        rc = put_old_others(l, doc, err);
    if (!rc)
        rc = ll_db_get(l->db, &pass, 0, err, "SELECT id FROM passes WHERE run_model = ? AND is_main", "i",
                       l->run_model);
    if (!rc)
        rc = store_milestones(l, pass, ll_j_get(doc, "diagnostics", NULL), err);
    return rc ? rc : store_summaries(l, doc, err);
}
