/* index_passes.c - the passes that a document names, with the milestones it states; see index_load.h
 *
 * Our document lists its passes. The original names its main pass in `prompt`, and in the late era all of
 * them in diagnostics.gold_alignment_prompts. Milestones stand in `diagnostics` (main pass), in our passes,
 * and in the summaries of the micro suite, the ablation and the control. */
#include "index_db.h"
#include "index_json.h"
#include "index_keys.h"
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

/* The copy layers by threshold: L_copy_strict@0.95, L_copy_soft_k1@0.5, ... */
static int store_copy_layers(struct ll_load *l, long long pass, const cJSON *object, struct ll_err *err)
{
    const cJSON *v, *soft = ll_j_at(object, LL_PATH(LL_K_DIAG_COPY_SOFT_THRESHOLD));
    char name[80];
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_at(object, LL_PATH(LL_K_DIAG_COPY_THRESHOLDS, LL_K_COPY_THRESHOLDS_LAYERS)))
    {
        snprintf(name, sizeof name, "L_copy_strict@%.40s", v->string ? v->string : "");
        if ((rc = store_milestone(l, pass, name, v, err)))
            return rc;
    }
    if (!soft || !cJSON_IsNumber(soft))
        return LL_OK;
    cJSON_ArrayForEach(v, ll_j_at(object, LL_PATH(LL_K_DIAG_L_COPY_SOFT)))
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
        const cJSON *v = ll_j_member(object, m->path[0]);
        if (!v && m->path[1])
            v = ll_j_member(object, m->path[1]);
        rc = store_milestone(l, pass, m->name, v, err);
    }
    return rc ? rc : store_copy_layers(l, pass, object, err);
}

/* Sections about a pass that is not the main one: which pass, which member, which milestone. */
static const struct {
    const char *pass_key;
    int section, member, milestone;
} summaries[] = {
    {"pos.no_filler.0", LL_K_ROOT_ABLATION, LL_K_ABLATION_L_COPY_NF, LL_K_DIAG_L_COPY},
    {"pos.no_filler.0", LL_K_ROOT_ABLATION, LL_K_ABLATION_L_SEM_NF, LL_K_DIAG_L_SEMANTIC},
    {"ctl.orig", LL_K_ROOT_CONTROL_SUMMARY, LL_K_CONTROL_SUMMARY_FIRST_MARGIN,
     LL_K_CONTROL_SUMMARY_FIRST_MARGIN},
    {"ctl.orig", LL_K_ROOT_CONTROL_SUMMARY, LL_K_CONTROL_SUMMARY_FIRST_STRONG,
     LL_K_CONTROL_SUMMARY_FIRST_STRONG},
};
static const struct {
    int member, milestone;
} fact_members[] = {
    {LL_K_FACT_L_COPY_STRICT, LL_K_DIAG_L_COPY},
    {LL_K_FACT_L_SEMANTIC, LL_K_DIAG_L_SEMANTIC},
    {LL_K_FACT_L_MARGIN_OK, LL_K_DIAG_L_MARGIN_OK},
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
        const cJSON *section = ll_j_at(doc, LL_PATH(summaries[i].section));
        if (section && !(rc = pass_of(l, summaries[i].pass_key, &pass, err)))
            rc = store_milestone(l, pass, ll_index_key_name(summaries[i].milestone),
                                 ll_j_member(section, LL_PATH(summaries[i].member)), err);
    }
    cJSON_ArrayForEach(fact, ll_j_at(doc, LL_PATH(LL_K_ROOT_MICRO_SUITE, LL_K_SUITE_FACTS)))
    {
        const cJSON *index = ll_j_at(fact, LL_PATH(LL_K_FACT_FACT_INDEX));
        char key[40];
        if (!index || !cJSON_IsNumber(index) || index->valuedouble < 0 || index->valuedouble > 1e9)
            continue;
        snprintf(key, sizeof key, "pos.orig.%.0f", index->valuedouble);
        rc = pass_of(l, key, &pass, err);
        for (size_t i = 0; i < sizeof fact_members / sizeof fact_members[0] && !rc; i++)
            rc = store_milestone(l, pass, ll_index_key_name(fact_members[i].milestone),
                                 ll_j_member(fact, LL_PATH(fact_members[i].member)), err);
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
    ll_j_bind_int(st, 12, ll_j_at(p->gold, LL_PATH(LL_K_GOLD_FIRST_ID)));
    ll_j_bind_text(st, 13, ll_j_at(p->gold, LL_PATH(LL_K_GOLD_VARIANT)));
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
    const char *main_key = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_MAIN_PASS)));
    const cJSON *v;
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_at(doc, LL_PATH(LL_K_ROOT_PASSES)))
    {
        struct pass_values p = {
            .key = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_PASS_KEY))),
            .fact_key = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_FACT_KEY))),
            .prompt_id = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_PROMPT_ID))),
            .variant = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_PROMPT_VARIANT))),
            .fact_index = index_of(ll_j_at(v, LL_PATH(LL_K_PASS_FACT_INDEX))),
            .prompt = ll_j_at(v, LL_PATH(LL_K_PASS_PROMPT)),
            .gold = ll_j_at(v, LL_PATH(LL_K_PASS_GOLD_ANSWER)),
            .gold_text = ll_j_at(v, LL_PATH(LL_K_PASS_GOLD_ANSWER, LL_K_GOLD_STRING)),
            .milestones = ll_j_at(v, LL_PATH(LL_K_PASS_MILESTONES)),
            .ids = ll_j_at(v, LL_PATH(LL_K_PASS_TOKEN_IDS)),
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
    const char *fact = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_PROMPT, LL_K_PROMPT_FACT_KEY))),
               *gold = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_PROMPT, LL_K_PROMPT_GROUND_TRUTH)));
    struct pass_values p = {
        .key = "pos.orig.0",
        .fact_key = fact                      ? fact
            : gold && !strcmp(gold, "Berlin") ? "Germany→Berlin"
                                              : NULL,
        .fact_index = 0,
        .prompt_id = "pos",
        .variant = "orig",
        .is_main = 1,
        .prompt = ll_j_at(doc, LL_PATH(LL_K_ROOT_PROMPT, LL_K_PROMPT_CONTEXT_PROMPT)),
        .gold = ll_j_at(doc, LL_PATH(LL_K_ROOT_GOLD_ANSWER)),
        .gold_text = ll_j_at(doc, LL_PATH(LL_K_ROOT_PROMPT, LL_K_PROMPT_GROUND_TRUTH)),
    };
    return put_pass(l, &p, err);
}

/* The others of the late era; their prompts' texts are not recorded, but for the control's. */
static int put_old_others(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const cJSON *v;
    int rc = LL_OK;
    cJSON_ArrayForEach(v, ll_j_at(doc, LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_ALIGNMENT_PROMPTS)))
    {
        char key[160];
        struct pass_values p = {
            .key = key,
            .fact_key = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_FACT_KEY))),
            .prompt_id = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_PROMPT_ID))),
            .variant = ll_j_text(ll_j_at(v, LL_PATH(LL_K_PASS_PROMPT_VARIANT))),
            .fact_index = index_of(ll_j_at(v, LL_PATH(LL_K_PASS_FACT_INDEX))),
            .gold = v,
            .gold_text = ll_j_at(v, LL_PATH(LL_K_GOLD_STRING)),
        };
        if (!p.prompt_id || !p.variant)
            continue;
        int n = snprintf(key, sizeof key, "%.60s.%.60s", p.prompt_id, p.variant);
        if (p.fact_index >= 0)
            snprintf(key + n, sizeof key - (size_t)n, ".%lld", p.fact_index);
        if (!strcmp(p.prompt_id, "ctl"))
            p.prompt = ll_j_at(doc, LL_PATH(LL_K_ROOT_CONTROL_PROMPT, LL_K_CONTROL_CONTEXT_PROMPT));
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
    if (ll_j_at(doc, LL_PATH(LL_K_ROOT_PASSES)))
        rc = put_our_passes(l, doc, err);
    else if (ll_j_at(doc, LL_PATH(LL_K_ROOT_PROMPT)) && !(rc = put_old_main(l, doc, err)))
        rc = put_old_others(l, doc, err);
    if (!rc)
        rc = ll_db_get(l->db, &pass, 0, err, "SELECT id FROM passes WHERE run_model = ? AND is_main", "i",
                       l->run_model);
    if (!rc)
        rc = store_milestones(l, pass, ll_j_at(doc, LL_PATH(LL_K_ROOT_DIAGNOSTICS)), err);
    return rc ? rc : store_summaries(l, doc, err);
}
