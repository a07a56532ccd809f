/* index_tokens.h - (text, vocabulary id) -> row of `tokens`, remembered in memory; for src/store only. */
#ifndef LL_INDEX_TOKENS_H
#define LL_INDEX_TOKENS_H
#include "buf.h"
#include "fail.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct ll_token_slot {
    long long row, token_id;
    size_t at, n;
    uint64_t hash;
}; /* row 0: free */
struct ll_tokens {
    sqlite3 *db;                /* borrowed */
    sqlite3_stmt *insert;       /* owned */
    int is_read;                /* the slots hold what the table holds */
    struct ll_token_slot *slot; /* owned, [n_slots], a power of two */
    size_t n_slots, n_used;
    struct ll_buf text; /* owned: the texts, one behind the other */
};
#define LL_NO_TOKEN_ID (-1LL)

/* One set serves one transaction: after a rollback its rows do not exist. */
int ll_tokens_init(struct ll_tokens *t, sqlite3 *db, struct ll_err *err);
void ll_tokens_free(struct ll_tokens *t);
/* *row: the token's row, made when new. token_id: LL_NO_TOKEN_ID when unknown. */
int ll_tokens_row(struct ll_tokens *t, const char *text, size_t n, long long token_id, long long *row,
                  struct ll_err *err);
#endif
