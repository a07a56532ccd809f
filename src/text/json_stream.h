/* json_stream.h - JSON read front to back from memory, without a tree: for tables of hundreds of thousands of
 * entries.
 *
 *     int first = 1, r;
 *     ll_js_open(&js, '{');
 *     while ((r = ll_js_key(&js, &first, &key, &n)) > 0)
 *         ... read exactly one value ...
 *
 * Every function returns LL_OK (or what it says) or a negative code with *js->err filled in: file, where,
 * byte, expected, found. Strings are checked for UTF-8 and escapes; nothing recurses; nesting ends at
 * LL_JS_DEPTH. */
#ifndef LL_JSON_STREAM_H
#define LL_JSON_STREAM_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>

enum { LL_JS_DEPTH = 64 };

struct ll_js {
    const char *s; /* borrowed: the whole document */
    size_t n, pos;
    const char *file;   /* borrowed, for messages */
    const char *where;  /* borrowed, for messages: the key being read, e.g. "model.vocab" */
    struct ll_buf text; /* owned: the last string that held an escape */
    struct ll_err *err; /* borrowed */
};

void ll_js_init(struct ll_js *js, const char *file, const char *s, size_t n, struct ll_err *err);
void ll_js_free(struct ll_js *js);
/* "file: where (byte N): <printf text>" */
int ll_js_fail(struct ll_js *js, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* First character of the next value, not consumed; 0 at the end of the text. */
char ll_js_peek(struct ll_js *js);
/* Consume '{' or '['. */
int ll_js_open(struct ll_js *js, char bracket);
/* The next key of the open object with its colon: 1; 0 after consuming '}'. Valid until the next string is
 * read. */
int ll_js_key(struct ll_js *js, int *first, const char **s, size_t *n);
/* 1 when another item of the open array follows, 0 after consuming ']'. */
int ll_js_item(struct ll_js *js, int *first);
/* A string without its quotes and escapes; valid until the next string is read. */
int ll_js_string(struct ll_js *js, const char **s, size_t *n);
int ll_js_int(struct ll_js *js, long long lo, long long hi, long long *v);
/* Any finite number. */
int ll_js_number(struct ll_js *js, double *v);
int ll_js_bool(struct ll_js *js, int *v);
/* Consume a null: 1 if there was one, 0 (nothing consumed) if not. */
int ll_js_null(struct ll_js *js);
/* Pass over one value of any kind, checking brackets and strings; its text in *s, *n (both may be NULL). */
int ll_js_skip(struct ll_js *js, const char **s, size_t *n);
/* Nothing but white space may follow. */
int ll_js_end(struct ll_js *js);
#endif
