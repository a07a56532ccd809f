/* fuzz_index.c - files of a run folder into an index in memory: the first byte says which kind, the rest is
 * the file. Whatever they hold, they are loaded or refused with one line; the database never fails, and a
 * refusal leaves nothing behind. */
#include "index_db.h"
#include "index_load.h"
#include "index_schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "=B{\"model_stats\": {\"num_layers\": 1}, \"passes\": [{\"pass_key\": \"a.b\", \"token_ids\": [1, 2], "
    "\"milestones\": {\"L_copy\": null, \"L_semantic\": 1}}], \"main_pass\": \"a.b\"}",
    "=B{\"prompt\": {\"ground_truth\": \"Berlin\"}, \"diagnostics\": {\"L_copy\": 3, "
    "\"copy_soft_threshold\": 0.5, \"L_copy_soft\": {\"1\": null}, \"copy_thresholds\": {\"L_copy_strict\": "
    "{\"0.7\": 2}}},"
    " \"micro_suite\": {\"facts\": [{\"fact_index\": 0, \"L_semantic_norm\": 2}]}, \"test_prompts\": "
    "[{\"prompt\": \"x\", \"topk\": [[\"a\", 0.5]]}]}",
    "=BSkipped: too large\nfor this device\n\n",
    "=Clayer,pos,token,entropy,top1,prob1,rest_mass,copy_collapse,copy_strict@0.95,fact_index,prompt_id,"
    "prompt_variant,odd\n0,1,x,1.5, "
    "a,0.5,0.5,True,False,0,pos,orig,1\n1,1,x,1.5,\"\\\\\"\"\n\",0.5,0.5,True,,0,pos,orig,\n",
    "=Dlayer,pos,token,entropy,top1,prob1,top2,prob2,top3,prob3,top4,prob4,top5,prob5,top6,prob6,rest_mass,"
    "token_id,top_ids,row_id\n"
    "0,0, x,1.5,a,0.5,b,0.1,c,0.1,d,0.1,e,0.1,f,0.05,0.05,7,1 2 3 4 5 6,p.q:L000:P0000\n1,0, "
    "x,1.5,,,,,,,,,,,,,1,7,,p.q:L001:P0000\n",
    "=Ifact_index,prompt_id,prompt_variant,layer,answer_index,answer,first_rank,logprob\n0,pos,orig,0,0,"
    "Berlin,1,-0.5\n0,pos,orig,0,1,Bonn,9,-5e-1\n",
    "=Jfact_index,prompt_id,prompt_variant,layer,p_top1_raw,norm_only_semantics,row_id\n0,pos,orig,0,0.5,"
    "True,p.q:L000:P0003\n0,pos,orig,1,0.5,False,p.q:L001\n",
    "=Kprompt_id,prompt_variant,layer,lens,p_top1\npos,orig,3,raw,0.5\npos,orig,3,norm,0.25\n",
    "=Nlayer,csv_row_index,is_copy_strict,is_copy_soft_k,lens\n,,False,,norm\n25,25,True,2,norm\n",
    "=Olayer,js_divergence,risk_tier\n_summary,0.5,high\n0,1,\n1,2e0,\n",
    NULL,
};
const char *const *fuzz_seeds(void) { return seeds; }

static sqlite3 *open_index(void)
{
    static sqlite3 *db; /* made once: the schema takes longer than a file */
    struct ll_buf sql = {0};
    if (db)
        return db;
    ll_index_put_schema(&sql);
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, sql.s, NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_exec(db, "PRAGMA foreign_keys = ON; INSERT INTO runs (stamp, era) VALUES ('', 'unknown')",
                        NULL, NULL, NULL)
            != SQLITE_OK)
        abort();
    ll_buf_free(&sql);
    return db;
}

static void must(int rc)
{
    if (rc)
        abort();
}

int fuzz_one(const uint8_t *data, size_t n)
{
    int n_kinds = ll_n_file_kinds;
    struct ll_load l = {.db = open_index(), .run = 1};
    struct ll_csv_size size = {0};
    struct ll_err err = {0};
    long long left = 1;
    if (!n)
        return 0;
    const struct ll_file_kind *kind = &ll_file_kinds[(data[0] - 'B' + 256 * n_kinds) % n_kinds];
    must(ll_db_exec(l.db, "BEGIN", NULL));
    must(ll_tokens_init(&l.tokens, l.db, NULL));
    int rc;
    if (kind->shape == LL_SHAPE_DOC) {
        rc = ll_load_doc(&l, "fuzz.json", "fuzz", data + 1, n - 1, &err);
    } else {
        must(ll_load_no_doc(&l, "fuzz", "none", NULL));
        must(ll_db_do(l.db, NULL,
                      "INSERT INTO files (run, run_model, name, sha256, bytes) VALUES (1, ?, 'fuzz', '', 0)",
                      "i", l.run_model));
        l.file = sqlite3_last_insert_rowid(l.db);
        rc =
            ll_load_csv(&l, kind,
                        &(struct ll_csv_file){"fuzz.csv", data + 1, n - 1, ll_guess_dialect(data + 1, n - 1)},
                        &size, &err);
    }
    if (rc && (rc != LL_EUSAGE || !err.msg[0]))
        abort();
    ll_tokens_free(&l.tokens);
    must(ll_db_exec(l.db, "DELETE FROM run_models", NULL)); /* everything hangs on it */
    must(ll_db_get(l.db, &left, 1, NULL,
                   "SELECT (SELECT count(*) FROM pure) + (SELECT count(*) FROM records) + (SELECT count(*) "
                   "FROM extra) + (SELECT count(*) FROM passes)",
                   ""));
    if (left)
        abort();
    must(ll_db_exec(l.db, "ROLLBACK", NULL));
    return 0;
}
