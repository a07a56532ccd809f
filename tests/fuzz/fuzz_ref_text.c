/* fuzz_ref_text.c - what llama.cpp's evaluation callback prints, .bin dumps, and name maps. */
#include "ref_place.h"

#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "=x: Vcur-0 (view) = (f32) ADD(a{2, 2, 1, 1}, b{1, 1, 1, 1}}) = {2, 2, 1, 1}\n [ [ [ 1.0000, -2.0000], "
    "[3.5, nan] ], ]\n sum = 2.5\n",
    "=ggml_debug: l_out-1 = (f32) ADD(a{8, 1, 1, 1}}) = {8, 1, 1, 1}\n [ [ 1.0, 2.0, 3.0, ..., 6.0, 7.0, 8.0 "
    "] ]\n sum = 36.0\nx: a = (f32) M() = {1, 1, 1, 1}\n[1]\n",
    "=# names\nl_out-%d\tresid_post\nQcur-%d@ROPE\tblocks.0.attn.hook_rot_q\nx\t-\n",
    "=\x02\x01\x01\x01",
    "tests/fixtures/refs/callback.txt",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile float sink;

static void check(struct ll_ref *r, int rc, const struct ll_err *err)
{
    if (rc && (!err->code || !err->msg[0]))
        abort();
    for (int i = 0; i < r->n; i++) {
        if (r->a[i].x)
            sink = r->a[i].x[r->a[i].n - 1];
        for (const char *c = r->a[i].name; *c; c++)
            if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
                abort();
    }
    ll_ref_free(r);
}

int fuzz_one(const uint8_t *data, size_t n)
{
    struct ll_ref r = {0};
    struct ll_ref_map map;
    struct ll_err a = {0}, b = {0}, c = {0};
    check(&r, ll_ref_parse_text(&r, "fuzz", data, n, &a), &a);
    check(&r, ll_ref_parse_bin(&r, "fuzz", "fuzz", data, n, &b), &b);
    if (!ll_ref_map_parse(&map, "fuzz", (const char *)data, n, &c))
        for (int i = 0; i < map.n; i++)
            if (map.rows[i].hook < 0 || map.rows[i].hook >= LL_N_HOOKS)
                abort();
    ll_ref_map_free(&map);
    return 0;
}
