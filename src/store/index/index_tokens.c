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
    return ll_db_prepare(db, &t->insert, "INSERT INTO tokens (text, token_id) VALUES (?1, ?2)", err);
}

void ll_tokens_free(struct ll_tokens *t)
{
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

/* The slot of a token, or the free one where it belongs. */
static struct ll_token_slot *slot_of(const struct ll_tokens *t, const char *text, size_t n,
                                     long long token_id, uint64_t h)
{
    size_t k = h & (t->n_slots - 1);
    for (; t->slot[k].row; k = (k + 1) & (t->n_slots - 1)) {
        const struct ll_token_slot *s = &t->slot[k];
        if (s->hash == h && s->token_id == token_id && s->n == n
            && (!n || !memcmp(t->text.s + s->at, text, n)))
            break;
    }
    return &t->slot[k];
}

/* Fill a free slot: `token` but for its place in the table's text, and that text. */
static int remember(struct ll_tokens *t, struct ll_token_slot *slot, struct ll_token_slot token,
                    const char *text, struct ll_err *err)
{
    *slot = token;
    slot->at = t->text.len;
    t->n_used++;
    ll_buf_add(&t->text, text, token.n);
    return ll_buf_ok(&t->text, err);
}

static int make_room(struct ll_tokens *t, struct ll_err *err)
{
    return 2 * (t->n_used + 1) > t->n_slots ? grow(t, err) : LL_OK;
}

/* What the index holds already: read once, so that the table needs no index of its own, which would double
 * it. */
static int read_all(struct ll_tokens *t, struct ll_err *err)
{
    sqlite3_stmt *st;
    int step = SQLITE_DONE, rc = ll_db_prepare(t->db, &st, "SELECT id, text, token_id FROM tokens", err);
    while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW && !(rc = make_room(t, err))) {
        const char *text = (const char *)sqlite3_column_text(st, 1);
        size_t n = (size_t)sqlite3_column_bytes(st, 1);
        long long id =
            sqlite3_column_type(st, 2) == SQLITE_NULL ? LL_NO_TOKEN_ID : sqlite3_column_int64(st, 2);
        uint64_t h = hash_of(text ? text : "", n, id);
        struct ll_token_slot *slot = slot_of(t, text ? text : "", n, id, h);
        if (!slot->row)
            rc = remember(t, slot, (struct ll_token_slot){sqlite3_column_int64(st, 0), id, 0, n, h},
                          text ? text : "", err);
    }
    if (!rc && step != SQLITE_DONE)
        rc = ll_db_fail(t->db, "cannot read tokens", err);
    sqlite3_finalize(st);
    t->is_read = !rc;
    return rc;
}

int ll_tokens_row(struct ll_tokens *t, const char *text, size_t n, long long token_id, long long *row,
                  struct ll_err *err)
{
    int rc = t->is_read ? LL_OK : read_all(t, err);
    if (rc || (rc = make_room(t, err)))
        return rc;
    uint64_t h = hash_of(text, n, token_id);
    struct ll_token_slot *slot = slot_of(t, text, n, token_id, h);
    if (!slot->row) {
        ll_db_bind_text(t->insert, 1, text, n);
        if (token_id == LL_NO_TOKEN_ID)
            sqlite3_bind_null(t->insert, 2);
        else
            sqlite3_bind_int64(t->insert, 2, token_id);
        rc = ll_db_run(t->db, t->insert, err);
        if (!rc)
            rc =
                remember(t, slot, (struct ll_token_slot){sqlite3_last_insert_rowid(t->db), token_id, 0, n, h},
                         text, err);
    }
    *row = slot->row;
    return rc;
}
