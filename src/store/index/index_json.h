/* index_json.h - members of a JSON document by path, and their way into a statement; a member that is absent
 * gives null. For src/store only. */
#ifndef LL_INDEX_JSON_H
#define LL_INDEX_JSON_H
#include <sqlite3.h>

struct cJSON;
/* A member's member by the keys' numbers (index_keys.h: LL_PATH); NULL when any is absent. */
const struct cJSON *ll_j_member(const struct cJSON *v, const int *path);
const struct cJSON *ll_j_at(const struct cJSON *v, const int *path); /* the same; NULL for null, too */
const char *ll_j_text(const struct cJSON *v);                        /* NULL: no text */
void ll_j_bind_text(sqlite3_stmt *st, int nr, const struct cJSON *v);
void ll_j_bind_int(sqlite3_stmt *st, int nr, const struct cJSON *v);  /* whole numbers and booleans */
void ll_j_bind_real(sqlite3_stmt *st, int nr, const struct cJSON *v); /* finite numbers */
void ll_j_bind_json(sqlite3_stmt *st, int nr, const struct cJSON *v); /* anything, as text */
#endif
