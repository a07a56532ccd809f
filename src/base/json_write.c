/* json_write.c - see json_write.h */
#include "json_write.h"

#include "utf8.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = sizeof((struct ll_json *)0)->is_arr };

static void new_line(struct ll_json *j, int depth)
{
    ll_buf_addc(j->out, '\n');
    for (int i = 0; i < depth; i++)
        ll_buf_adds(j->out, "  ");
}

/* What stands before a value: the comma after its predecessor, the line, the key. */
static void begin(struct ll_json *j, const char *key)
{
    if (j->depth > 0) {
        unsigned char *count = &j->count[j->depth - 1];
        if (*count)
            ll_buf_addc(j->out, ',');
        if (!j->flat)
            new_line(j, j->depth);
        else if (*count && !j->tight)
            ll_buf_addc(j->out, ' ');
        *count = 1;
    }
    if (key) {
        ll_json_quote(j->out, key, strlen(key));
        ll_buf_adds(j->out, j->tight ? ":" : ": ");
    }
}

static void open_container(struct ll_json *j, const char *key, int is_arr, int flat)
{
    assert(j->depth < MAX_DEPTH);
    begin(j, key);
    ll_buf_addc(j->out, is_arr ? '[' : '{');
    j->is_arr[j->depth] = (unsigned char)is_arr;
    j->count[j->depth] = 0;
    j->depth++;
    if (flat || j->flat)
        j->flat++; /* everything inside a flat container is flat */
}

void ll_json_init(struct ll_json *j, struct ll_buf *out)
{
    memset(j, 0, sizeof *j);
    j->out = out;
}

void ll_json_obj(struct ll_json *j, const char *key) { open_container(j, key, 0, 0); }
void ll_json_arr(struct ll_json *j, const char *key) { open_container(j, key, 1, 0); }
void ll_json_arr_flat(struct ll_json *j, const char *key) { open_container(j, key, 1, 1); }
void ll_json_obj_flat(struct ll_json *j, const char *key) { open_container(j, key, 0, 1); }

static void open_tight(struct ll_json *j, const char *key, int is_arr)
{
    open_container(j, key, is_arr, 1);
    if (!j->tight)
        j->tight = j->depth;
}
void ll_json_obj_tight(struct ll_json *j, const char *key) { open_tight(j, key, 0); }
void ll_json_arr_tight(struct ll_json *j, const char *key) { open_tight(j, key, 1); }

void ll_json_end(struct ll_json *j)
{
    assert(j->depth > 0);
    j->depth--;
    if (j->count[j->depth] && !j->flat)
        new_line(j, j->depth);
    if (j->flat)
        j->flat--;
    if (j->depth < j->tight)
        j->tight = 0;
    ll_buf_addc(j->out, j->is_arr[j->depth] ? ']' : '}');
    if (!j->depth)
        ll_buf_addc(j->out, '\n');
}

/* A value that is not a text. */
static void put_word(struct ll_json *j, const char *key, const char *word)
{
    begin(j, key);
    ll_buf_adds(j->out, word);
}

void ll_json_str(struct ll_json *j, const char *key, const char *s, size_t n)
{
    begin(j, key);
    if (s)
        ll_json_quote(j->out, s, n);
    else
        ll_buf_adds(j->out, "null");
}

void ll_json_cstr(struct ll_json *j, const char *key, const char *s)
{
    ll_json_str(j, key, s, s ? strlen(s) : 0);
}

/* 15 digits say a number in most cases. */
static void fmt_15_or_17(char text[32], double v)
{
    snprintf(text, 32, "%1.15g", v);
    double back = strtod(text, NULL), larger = fmax(fabs(v), fabs(back));
    if (!(fabs(v - back) <= larger * DBL_EPSILON))
        snprintf(text, 32, "%1.17g", v);
}

void ll_json_num(struct ll_json *j, const char *key, double v)
{
    char text[32] = "null";
    if (isfinite(v))
        j->tight ? fmt_15_or_17(text, v) : (void)ll_fmt_double(text, v);
    put_word(j, key, text);
}

void ll_json_int(struct ll_json *j, const char *key, long long v)
{
    begin(j, key);
    ll_buf_addf(j->out, "%lld", v);
}

void ll_json_layer(struct ll_json *j, const char *key, long long v)
{
    if (v < 0)
        ll_json_null(j, key);
    else
        ll_json_int(j, key, v);
}

void ll_json_bool(struct ll_json *j, const char *key, int v) { put_word(j, key, v ? "true" : "false"); }
void ll_json_null(struct ll_json *j, const char *key) { put_word(j, key, "null"); }

void ll_json_quote(struct ll_buf *out, const char *s, size_t n)
{
    static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* character, letter after the backslash */
    ll_buf_addc(out, '"');
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0xfffd;
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        const char *e = NULL;
        for (size_t k = 0; len == 1 && k + 1 < sizeof short_form && !e; k += 2)
            if (s[i] == short_form[k])
                e = short_form + k + 1;
        if (!len)
            ll_utf8_put(out, 0xfffd);
        else if (e)
            ll_buf_add(out, (char[]){'\\', *e}, 2);
        else if (cp < 0x20)
            ll_buf_addf(out, "\\u%04x", (unsigned)cp);
        else
            ll_buf_add(out, s + i, (size_t)len);
        i += (size_t)(len ? len : bad);
    }
    ll_buf_addc(out, '"');
}
