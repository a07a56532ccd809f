/* settings.h - read access to a JSON document (config.json, tokenizer_config.json, an experiment file) by
 * dotted path, e.g. "rope_parameters.rope_theta", "layer_types.3", "eos_token_id.0" (array elements by
 * number).
 *
 * Numbers of any spelling (1e6 is an integer), integers exact up to 2^53; a key whose value is JSON null
 * counts as absent; of equal keys in an object the last one counts, as in Python's json. A key may itself
 * hold dots: every key that the path starts with is tried. The document is checked when it is read: UTF-8, no
 * NUL in strings, at most 64 levels, 8 million values and 64 MB. As Python's json, readers of outside files
 * take NaN and Infinity, which are no numbers here: where one is wanted they are refused as the texts "NaN"
 * and "Infinity". */
#ifndef LL_SETTINGS_H
#define LL_SETTINGS_H
#include "fail.h"
#include "json_write.h"

#include <stddef.h>

struct ll_settings;

/* name: used in messages ("config.json"). Returns LL_OK, LL_EUSAGE (bad JSON: file, line, column) or LL_EFAIL
 * (memory). */
int ll_settings_parse(struct ll_settings **s, const char *name, const char *text, size_t n,
                      struct ll_err *err);
int ll_settings_read(struct ll_settings **s, const char *path, struct ll_err *err);
/* The same for what a user writes by hand: a byte order mark and equal keys in an object are LL_EUSAGE, too,
 * and messages about a value name its line: "experiment.json: line 3: top_k.record: expected ...". */
int ll_settings_read_strict(struct ll_settings **s, const char *path, struct ll_err *err);
void ll_settings_free(struct ll_settings *s); /* NULL is fine */

int ll_settings_has(const struct ll_settings *s, const char *path);     /* present and not null */
int ll_settings_is_null(const struct ll_settings *s, const char *path); /* written down as null */
/* The value, or `fallback` when absent or of another type (so only for what has been checked, or may be
 * anything). */
double ll_settings_num(const struct ll_settings *s, const char *path, double fallback);
long long ll_settings_int(const struct ll_settings *s, const char *path, long long fallback);
int ll_settings_bool(const struct ll_settings *s, const char *path, int fallback);
const char *ll_settings_str(const struct ll_settings *s, const char *path,
                            const char *fallback); /* borrowed */
/* Length of the array or number of keys of the object at path ("" = the document); -1 for anything else. */
int ll_settings_len(const struct ll_settings *s, const char *path);
int ll_settings_is_array(const struct ll_settings *s, const char *path);
/* i-th key of the object at path, borrowed, or NULL. */
const char *ll_settings_key(const struct ll_settings *s, const char *path, int i);
/* Must be there and an integer in lo..hi; else LL_EUSAGE naming document, key, expected, found. */
int ll_settings_need_int(const struct ll_settings *s, const char *path, long long lo, long long hi,
                         long long *out, struct ll_err *err);
int ll_settings_need_num(const struct ll_settings *s, const char *path, double lo, double hi, double *out,
                         struct ll_err *err);
int ll_settings_need_str(const struct ll_settings *s, const char *path, const char **out, struct ll_err *err);
/* The same for a setting that may be absent (or null): then *inout stays, and LL_OK. path NULL: absent. Of
 * another type: LL_EUSAGE, "config.json: attention_bias: expected true or false, found 3". */
int ll_settings_opt_bool(const struct ll_settings *s, const char *path, int *inout, struct ll_err *err);
int ll_settings_opt_str(const struct ll_settings *s, const char *path, const char **inout,
                        struct ll_err *err); /* borrowed */
int ll_settings_opt_object(const struct ll_settings *s, const char *path, struct ll_err *err);

/* What the value of one key of an object must be. lo..hi: the range of a number, the bytes of a text, the
 * entries of a list; both 0: any. */
enum ll_settings_kind { LL_SET_INT, LL_SET_NUM, LL_SET_BOOL, LL_SET_STR, LL_SET_LIST, LL_SET_OBJECT };
struct ll_settings_row {
    const char *key;
    enum ll_settings_kind kind;
    double lo, hi;
    int required;
};
enum ll_settings_others { LL_OTHERS_PASS, LL_OTHERS_REFUSED };

/* Is the value at `at` ("" = the document) an object whose keys are as in rows (key NULL at the end)? Null
 * counts as absent. Keys without a row pass or are LL_EUSAGE (the known ones are listed), as `others` says.
 * LL_OK, or LL_EUSAGE naming document, key, expected, found. */
int ll_settings_check(const struct ll_settings *s, const char *at, const struct ll_settings_row *rows,
                      enum ll_settings_others others, struct ll_err *err);
/* LL_EUSAGE with a reason of the caller's own about the value at path: "NAME: [line N: ]PATH: reason". */
int ll_settings_fail(const struct ll_settings *s, const char *path, struct ll_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The value at path as a member of a document that is being written, in the compact form (json_write.h,
 * tight); null when absent. */
void ll_settings_put(const struct ll_settings *s, const char *path, struct ll_json *j, const char *key);
#endif
