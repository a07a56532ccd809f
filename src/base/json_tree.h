/* json_tree.h - JSON text from a file that nobody has checked, as a cJSON tree that can be walked safely.
 *
 * cJSON alone accepts too much for that and stumbles over some of it, so every text first passes a scan of
 * our own (json_scan.c says what for). */
#ifndef LL_JSON_TREE_H
#define LL_JSON_TREE_H
#include "fail.h"

#include <stddef.h>

struct cJSON;

/* How strictly a text is read. */
enum ll_json_keys {
    /* as Python's json reads it: of equal keys in an object the last one stays; NaN, Infinity and halves of
     * surrogate pairs pass (ll_json_scan_python) */
    LL_KEYS_LAST,
    LL_KEYS_UNIQUE, /* JSON and no more; equal keys are an error */
};
enum { LL_JSON_DEPTH = 64 }; /* objects and arrays inside each other; real configurations stay below 10 */
#define LL_JSON_EXACT 9007199254740992.0 /* 2^53: the largest range in which doubles hold every integer */

/* Is text[n] one JSON document: UTF-8, nested at most LL_JSON_DEPTH deep, at most 8 million values, no NUL in
 * strings? LL_OK, or LL_EUSAGE: "NAME: line L, column C: not valid JSON: what is wrong" (columns count
 * characters, both from 1). */
int ll_json_scan(const char *name, const char *text, size_t n, struct ll_err *err);

/* The same, but as much as Python's json accepts: the literals NaN, Infinity and -Infinity, halves of
 * surrogate pairs in escapes, numbers of any length. Where a text has some, *out becomes the text in plain
 * JSON (else it stays empty): the literals as texts, "NaN", so that they are no numbers where one is wanted,
 * and are shown as they are written; a half as U+FFFD; a long number cut to what a double holds. LL_EFAIL
 * without memory. */
struct ll_buf;
int ll_json_scan_python(const char *name, const char *text, size_t n, struct ll_buf *out, struct ll_err *err);

/* Scan and parse n bytes. name: used in messages. On success *tree is owned by the caller (cJSON_Delete).
 * Returns LL_OK, or LL_EUSAGE as ll_json_scan() or for equal keys, or LL_EFAIL (memory). */
int ll_json_tree(struct cJSON **tree, const char *name, const char *text, size_t n, enum ll_json_keys keys,
                 struct ll_err *err);

/* The line (from 1) where the value at a dotted path begins (its key, in an object), or the innermost part of
 * the path that is there. text[n] must have passed ll_json_scan. Keys written with escapes are not
 * recognised. */
size_t ll_json_line(const char *text, size_t n, const char *path);

/* The value as an integer in lo..hi (both within +-2^53). Returns 1 and *out, or 0. NULL is fine. */
int ll_json_get_integer(const struct cJSON *v, long long lo, long long hi, long long *out);

/* How a message shows a value: a number or a short string as JSON text, else "an object", "nothing" (NULL),
 * ... Writes at most 64 bytes to out and returns it. */
const char *ll_json_show(const struct cJSON *v, char out[64]);
/* Have every failed allocation of cJSON noted (base/memory.h): a tree or a text that lacks something for want
 * of memory looks like one that never had it. Once, at the start of the program. */
void ll_json_watch_memory(void);
#endif
