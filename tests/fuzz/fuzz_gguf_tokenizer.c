/* fuzz_gguf_tokenizer.c - tokenizer.ggml.* metadata from hostile bytes; what opens must also encode, decode and show. */
#include "gguf.h"
#include "token.h"

#include <stdint.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

const char *const *fuzz_seeds(void)
{
#define SEED(name) "tests/fixtures/tokenizers/gguf/" name ".gguf"
    static const char *const seeds[] = {
        SEED("llama"), SEED("phi3"), SEED("gemma4"), SEED("gpt2-llama-bpe"), SEED("gpt2-tekken"), SEED("gpt2-gpt-2"), SEED("gpt2-none"), NULL,
    };
    return seeds;
}

int fuzz_one(const uint8_t *data, size_t n)
{
    static const char *const texts[] = {"", " the keeper's  12345 boats\n\n", "<s>x</s> <think>\xC3\x89l\xC3\xA8ve e\xCC\xA7\xCC\x81 \xF0\x9F\x98\x80\xE2\x96\x81y", "<n>\n\n\n<sep> \t!?"};
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
    if (rc)
        return !*err.msg; /* a refusal has a reason */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ll_ids ids = {0};
        if (!ll_tokenizer_encode(tok, texts[i], strlen(texts[i]), i % 2 ? LL_ENC_BOS : LL_ENC_SPECIAL_AS_TEXT, &ids, &err))
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
