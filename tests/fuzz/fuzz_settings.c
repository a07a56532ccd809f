/* fuzz_settings.c - a configuration in JSON, read through every function of settings.h. */
#include "json_tree.h"
#include "../settings_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "tests/fixtures/ckpt/config.json",
    "tests/fixtures/ckpt/model.safetensors.index.json",
    "={\"a\": {\"b\": [1, 2.5e3, {\"c\": \"\\u00e9\\ud83d\\ude00\"}]}, \"a\": null, \"t\": true, \"f\": "
    "false, \"d.e\": \"x\"}",
    "=[[[[1, -0, 1e5]]], \"\", {}]",
    "={\"a\": NaN, \"d.e\": [Infinity, -Infinity, "
    "0.50000000000000000000000000000000000000000000000000000000000000000000000], \"\\ud800x\": \"\\udc00\"}",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile double sink;

int fuzz_one(const uint8_t *data, size_t n)
{
    static const char *const paths[] = {"",
                                        "a",
                                        "a.b",
                                        "a.b.2.c",
                                        "d.e",
                                        "0.0.0.1",
                                        "rope_scaling.rope_type",
                                        "eos_token_id.1",
                                        "torch_dtype",
                                        "weight_map",
                                        "..",
                                        "a..b"};
    struct ll_settings *s = NULL;
    struct ll_err err = {0};
    if (ll_settings_parse(&s, "fuzz.json", (const char *)data, n, &err)) {
        if (s || !err.msg[0] || err.code != LL_EUSAGE) /* what passes our scan, cJSON reads */
            abort();
        return 0;
    }
    size_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += data[i] == '\n';
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t line = ll_json_line((const char *)data, n, paths[i]);
        if (line < 1 || line > lines)
            abort();
        const char *p = paths[i], *text = NULL;
        long long v = 0;
        double d = 0;
        struct ll_err e = {0};
        sink += ll_settings_has(s, p) + ll_settings_num(s, p, 0) + (double)ll_settings_int(s, p, 0)
            + ll_settings_bool(s, p, 0);
        sink += (double)strlen(ll_settings_str(s, p, ""));
        ll_settings_need_int(s, p, -5, 5, &v, &e);
        ll_settings_need_num(s, p, -5, 5, &d, &e);
        ll_settings_need_str(s, p, &text, &e);
        for (int k = 0, len = ll_settings_len(s, p); k < len && k < 20; k++) {
            const char *key = ll_settings_key(s, p, k);
            if (!key && !ll_settings_is_array(s, p))
                abort();
        }
        free(settings_text(s, p));
    }
    ll_settings_free(s);
    return 0;
}
