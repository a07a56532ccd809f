/* index_tokens.c - see index_tokens.h */
#include "index_tokens.h"
#include "index_db.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *s, size_t n, long long id)
{
    uint64_t h = 14695981039346656037u ^ (uint64_t)id; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return h ^ h >> 29;
}

int ll_tokens_init(struct ll_tokens *t, sqlite3 *db, struct ll_err *err)
{
    memset(t, 0, sizeof *t);
    t->db = db;
    int rc = ll_db_prepare(db, &t->find, "SELECT id FROM tokens WHERE text = ?1 AND token_id IS ?2", err);
    if (!rc)
        rc = ll_db_prepare(db, &t->insert, "INSERT INTO tokens (text, token_id) VALUES (?1, ?2)", err);
    return rc;
}

void ll_tokens_free(struct ll_tokens *t)
{
    sqlite3_finalize(t->find);
    sqlite3_finalize(t->insert);
    free(t->slot);
    ll_buf_free(&t->text);
    memset(t, 0, sizeof *t);
}

static int grow(struct ll_tokens *t, struct ll_err *err)
{
    size_t n = t->n_slots ? 2 * t->n_slots : 4096;
    struct ll_token_slot *slot = calloc(n, sizeof *slot);
    if (!slot)
        return ll_fail_mem(err, "token table", n * sizeof *slot);
    for (size_t i = 0; i < t->n_slots; i++) {
        size_t k = t->slot[i].hash & (n - 1);
        if (!t->slot[i].row)
            continue;
        while (slot[k].row)
            k = (k + 1) & (n - 1);
        slot[k] = t->slot[i];
    }
    free(t->slot);
    t->slot = slot;
    t->n_slots = n;
    return LL_OK;
}

static void bind(sqlite3_stmt *st, const char *text, size_t n, long long token_id)
{
    ll_db_bind_text(st, 1, text, n);
    if (token_id == LL_NO_TOKEN_ID)
        sqlite3_bind_null(st, 2);
    else
        sqlite3_bind_int64(st, 2, token_id);
}

static int row_in_db(struct ll_tokens *t, const char *text, size_t n, long long token_id, long long *row, struct ll_err *err)
{
    bind(t->find, text, n, token_id);
    int step = sqlite3_step(t->find);
    *row = step == SQLITE_ROW ? sqlite3_column_int64(t->find, 0) : 0;
    sqlite3_reset(t->find);
    if (step == SQLITE_ROW)
        return LL_OK;
    if (step != SQLITE_DONE)
        return ll_db_fail(t->db, "cannot read tokens", err);
    bind(t->insert, text, n, token_id);
    int rc = ll_db_run(t->db, t->insert, err);
    *row = sqlite3_last_insert_rowid(t->db);
    return rc;
}

int ll_tokens_row(struct ll_tokens *t, const char *text, size_t n, long long token_id, long long *row, struct ll_err *err)
{
    int rc;
    if (2 * (t->n_used + 1) > t->n_slots && (rc = grow(t, err)))
        return rc;
    uint64_t h = hash_of(text, n, token_id);
    size_t k = h & (t->n_slots - 1);
    for (; t->slot[k].row; k = (k + 1) & (t->n_slots - 1)) {
        const struct ll_token_slot *s = &t->slot[k];
        if (s->hash == h && s->token_id == token_id && s->n == n && (!n || !memcmp(t->text.s + s->at, text, n))) {
            *row = s->row;
            return LL_OK;
        }
    }
    if ((rc = row_in_db(t, text, n, token_id, row, err)))
        return rc;
    t->slot[k] = (struct ll_token_slot){*row, token_id, t->text.len, n, h};
    t->n_used++;
    ll_buf_add(&t->text, text, n);
    return ll_buf_ok(&t->text, err);
}
