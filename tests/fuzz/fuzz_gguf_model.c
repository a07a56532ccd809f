/* fuzz_gguf_model.c - the settings of a model from a hostile GGUF file: which family, every key, rotation;
 * what is accepted must hold together. Seeds: a tiny model of an architecture, and the same with more of its
 * keys. */
#include "model.h"

#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "tests/fixtures/gguf/settings/llama.gguf",
    "tests/fixtures/gguf/settings/gemma3.gguf",
    "tests/fixtures/gguf/settings/qwen3moe.gguf",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static void check_rope(const struct ll_model *m, const struct ll_rope *r)
{
    if (r->d_rot < 0 || r->d_rot > m->d_head || r->d_rot % 2)
        abort();
    for (int i = 0; i < r->d_rot / 2; i++)
        if (isnan(ll_rope_freq(r, 1, i)) || isnan(ll_rope_freq(r, 1 << 20, i)))
            abort();
}

int fuzz_one(const uint8_t *data, size_t n)
{
    char path[] = "/tmp/ll_fuzz_model_XXXXXX";
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    close(fd);
    int rc = ll_model_open_settings(&m, path, &err);
    unlink(path);
    if (rc && (!err.code || !err.msg[0]))
        abort();
    if (rc)
        return 0;
    if (m->n_heads < 1 || m->n_kv_heads < 1 || m->n_heads % m->n_kv_heads || m->d_head < 1 || m->d_vocab < 1)
        abort();
    if (m->n_experts && (m->top_k < 1 || m->top_k > m->n_experts || m->d_expert < 1))
        abort();
    for (int l = 0; l < m->n_layers; l++)
        if (ll_layer_window(m, l) < 0)
            abort();
    check_rope(m, &m->ropes[LL_ROPE_MAIN]);
    check_rope(m, &m->ropes[LL_ROPE_LOCAL]);
    ll_model_close(m);
    return 0;
}
