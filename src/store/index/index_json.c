/* index_json.c - see index_json.h */
#include "index_json.h"
#include "index_db.h"
#include "index_keys.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

const cJSON *ll_j_member(const cJSON *v, const int *path)
{
    for (; v && *path != LL_PATH_END; path++)
        v = cJSON_GetObjectItemCaseSensitive(v, ll_index_key_name(*path));
    return v;
}

const cJSON *ll_j_at(const cJSON *v, const int *path)
{
    const cJSON *at = ll_j_member(v, path);
    return at && !cJSON_IsNull(at) ? at : NULL;
}

const char *ll_j_text(const cJSON *v) { return v && cJSON_IsString(v) ? v->valuestring : NULL; }

void ll_j_bind_text(sqlite3_stmt *st, int nr, const cJSON *v)
{
    const char *s = ll_j_text(v);
    ll_db_bind_text(st, nr, s, s ? strlen(s) : 0);
}

void ll_j_bind_int(sqlite3_stmt *st, int nr, const cJSON *v)
{
    if (v && cJSON_IsNumber(v) && fabs(v->valuedouble) < 9e15 && v->valuedouble == floor(v->valuedouble))
        sqlite3_bind_int64(st, nr, (sqlite3_int64)v->valuedouble);
    else if (v && cJSON_IsBool(v))
        sqlite3_bind_int(st, nr, cJSON_IsTrue(v));
    else
        sqlite3_bind_null(st, nr);
}

void ll_j_bind_real(sqlite3_stmt *st, int nr, const cJSON *v)
{
    if (v && cJSON_IsNumber(v) && isfinite(v->valuedouble))
        sqlite3_bind_double(st, nr, v->valuedouble);
    else
        sqlite3_bind_null(st, nr);
}

void ll_j_bind_json(sqlite3_stmt *st, int nr, const cJSON *v)
{
    char *s = v ? cJSON_PrintUnformatted(v) : NULL;
    if (s)
        sqlite3_bind_text64(st, nr, s, strlen(s), SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, nr);
    cJSON_free(s);
}
