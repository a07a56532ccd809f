/* fuzz_gguf_tokenizer.c - tokenizer.ggml.* metadata from hostile bytes; what opens must also encode, decode
 * and show.
 *
 * Of files with random changes 1 in 50 gets past the counts and lengths of the header. So each input is also
 * read as a list of bytes to overwrite in the last good one, where most changes hit tokens, scores, types and
 * merges. */
#include "gguf.h"
#include "token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

const char *const *fuzz_seeds(void)
{
#define SEED(name) "tests/fixtures/tokenizers/gguf/" name ".gguf"
    static const char *const seeds[] = {
        SEED("llama"),       SEED("phi3"),       SEED("gemma4"),    SEED("gpt2-llama-bpe"),
        SEED("gpt2-tekken"), SEED("gpt2-gpt-2"), SEED("gpt2-none"), NULL,
    };
    return seeds;
}

/* 0, or 1 when it was refused without a reason; *opened. */
static int try_file(const uint8_t *data, size_t n, int *opened)
{
    static const char *const texts[] = {
        "", " the keeper's  12345 boats\n\n",
        "<s>x</s> <think>\xC3\x89l\xC3\xA8ve e\xCC\xA7\xCC\x81 \xF0\x9F\x98\x80\xE2\x96\x81y",
        "<n>\n\n\n<sep> \t!?"};
    struct ll_gguf *g;
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    int rc = ll_gguf_parse(&g, "x.gguf", data, n, &err);
    if (!rc)
        rc = ll_tokenizer_open_gguf(&tok, g, "x.gguf", &err);
    else
        g = NULL;
    ll_gguf_close(g); /* the tokenizer borrows nothing */
    *opened = !rc;
    if (rc)
        return !*err.msg; /* a refusal has a reason */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ll_ids ids = {0};
        if (!ll_tokenizer_encode(tok, texts[i], strlen(texts[i]), i % 2 ? LL_ENC_BOS : LL_ENC_SPECIAL_AS_TEXT,
                                 &ids, &err))
            ll_tokenizer_decode(tok, ids.v, ids.n, (int)i % 2, &out, &err);
        for (int k = 0; k < ids.n; k++)
            ll_tokenizer_show(tok, ids.v[k], &out);
        ll_ids_free(&ids);
    }
    ll_tokenizer_id(tok, "the", 3);
    ll_tokenizer_show(tok, ll_tokenizer_size(tok) - 1, &out);
    ll_buf_free(&out);
    ll_tokenizer_close(tok);
    return 0;
}

int fuzz_one(const uint8_t *data, size_t n)
{
    static uint8_t good[1 << 14];
    static size_t good_n;
    int opened = 0, bad = try_file(data, n, &opened);
    if (opened && n <= sizeof good) {
        memcpy(good, data, n);
        good_n = n;
    }
    uint8_t *copy = good_n ? malloc(good_n) : NULL; /* exact size */
    uint32_t h = 2166136261u;
    if (!copy)
        return bad;
    memcpy(copy, good, good_n);
    for (size_t i = 0; i < n; i++)
        h = (h ^ data[i]) * 16777619u;
    for (unsigned k = 1 + h % 6; k; k--) {
        h = h * 1664525u + 1013904223u;
        copy[(size_t)((uint64_t)h * good_n >> 32)] = (uint8_t)(h & 1 ? h >> 8 : (h >> 8) % 8);
    }
    bad |= try_file(copy, good_n, &opened);
    free(copy);
    if (bad)
        abort();
    return 0;
}
