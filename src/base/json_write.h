/* json_write.h - JSON text written front to back: two-space indent, UTF-8 kept, non-finite numbers as null.
 *
 *     struct ll_json j; ll_json_init(&j, &buf);
 *     ll_json_obj(&j, NULL);
 *     ll_json_str(&j, "model", "x", 1);
 *     ll_json_arr(&j, "ids"); ... ll_json_end(&j);
 *     ll_json_end(&j);
 *
 * key is NULL inside arrays and at the top. Text that is not UTF-8 is cleaned (U+FFFD). At most 128 levels.
 */
#ifndef LL_JSON_WRITE_H
#define LL_JSON_WRITE_H
#include "buf.h"

struct ll_json {
    struct ll_buf *out; /* borrowed */
    int depth;
    unsigned char is_arr[128], count[128]; /* count: 0 = nothing yet */
    int flat;                              /* > 0: inside a container written on one line */
    int tight;                             /* the depth from which on no space is written; 0: nowhere */
};
void ll_json_init(struct ll_json *j, struct ll_buf *out);
void ll_json_obj(struct ll_json *j, const char *key);
void ll_json_arr(struct ll_json *j, const char *key);
void ll_json_arr_flat(struct ll_json *j, const char *key); /* the whole array on one line */
void ll_json_obj_flat(struct ll_json *j, const char *key);
/* On one line without any space, numbers with 15 digits or, where these do not read back, 17: as cJSON prints
 * what it has read (settings.h). */
void ll_json_obj_tight(struct ll_json *j, const char *key);
void ll_json_arr_tight(struct ll_json *j, const char *key);
void ll_json_end(struct ll_json *j); /* closes the innermost; at depth 0 adds a line end */
void ll_json_str(struct ll_json *j, const char *key, const char *s, size_t n); /* s NULL: null */
void ll_json_cstr(struct ll_json *j, const char *key, const char *s);
void ll_json_num(struct ll_json *j, const char *key, double v);
void ll_json_int(struct ll_json *j, const char *key, long long v);
void ll_json_layer(struct ll_json *j, const char *key, long long v); /* an index; negative: null */
void ll_json_bool(struct ll_json *j, const char *key, int v);
void ll_json_null(struct ll_json *j, const char *key);
/* Append s as a quoted JSON string. */
void ll_json_quote(struct ll_buf *out, const char *s, size_t n);
#endif
