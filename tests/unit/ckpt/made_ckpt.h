/* made_ckpt.h - checkpoints written into a folder of the test's own, and what is said of bad ones. */
#ifndef LL_TEST_MADE_CKPT_H
#define LL_TEST_MADE_CKPT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ckpt.h"
#include "outfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ll_ckpt_XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int drop_folder(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

/* folder/name; valid until the eighth next call. */
static inline const char *at(const char *name)
{
    static char path[8][512];
    static int turn;
    char *p = path[turn++ % 8];
    snprintf(p, 512, "%s/%s", folder, name);
    return p;
}

static inline void put(const char *name, const void *bytes, size_t n)
{
    struct ll_err e = {0};
    char *path = strdup(at(name)), *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(ll_make_dirs(path, &e), LL_OK);
    *slash = '/';
    assert_int_equal(ll_file_write(path, bytes, n, &e), LL_OK);
    free(path);
}

static inline void puts_to(const char *name, const char *text) { put(name, text, strlen(text)); }

/* A safetensors file: length, header, n bytes of data that count up from 1. */
static inline void put_weights(const char *name, const char *header, size_t n_header, size_t n_data)
{
    size_t n = 8 + n_header + n_data;
    uint8_t *b = calloc(n, 1);
    assert_non_null(b);
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)((uint64_t)n_header >> 8 * i);
    memcpy(b + 8, header, n_header);
    for (size_t i = 0; i < n_data; i++)
        b[8 + n_header + i] = (uint8_t)(i + 1);
    put(name, b, n);
    free(b);
}

static inline void weights(const char *name, const char *header, size_t n_data)
{
    put_weights(name, header, strlen(header), n_data);
}

#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

/* Opening `model` fails with `code`, and the message names all of the rest (up to NULL). */
static inline void refused(const char *model, int code, ...)
{
    struct ll_ckpt *c = NULL;
    struct ll_err e = {0};
    int rc = ll_ckpt_open(&c, model, &e);
    if (rc != code)
        fail_msg("%s: expected code %d, found %d (%s)", model, code, rc, e.msg);
    assert_null(c);
    assert_int_equal(e.code, code);
    va_list ap;
    va_start(ap, code);
    for (const char *s; (s = va_arg(ap, const char *));)
        if (!strstr(e.msg, s))
            fail_msg("expected \"%s\" in: %s", s, e.msg);
    va_end(ap);
}

static inline struct ll_ckpt *opened(const char *model)
{
    struct ll_ckpt *c = NULL;
    struct ll_err e = {0};
    if (ll_ckpt_open(&c, model, &e))
        fail_msg("%s", e.msg);
    return c;
}

static inline void put_index(const char *dir, const char *map)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "%s/model.safetensors.index.json", dir);
    snprintf(text, sizeof text, "{\"metadata\": {\"total_size\": 8}, \"weight_map\": %s}", map);
    puts_to(name, text);
}
#endif
