/* fuzz_spm.c - tokenizer.model from hostile bytes, read for a class and by its own settings; what opens must
 * also encode and decode without harm. */
#include "token.h"
#include "token_files.h"

#include <stdint.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

#define FOLDER "tests/fixtures/tokenizers/folders/"

const char *const *fuzz_seeds(void)
{
    static const char *const seeds[] = {FOLDER "spm-llama/tokenizer.model",
                                        FOLDER "spm-llama-user/tokenizer.model",
                                        FOLDER "spm-general-unigram-bytes/tokenizer.model",
                                        FOLDER "spm-gemma/tokenizer.model",
                                        "=\n\x05\n\x01"
                                        "a\x18\x01\n\x0B\n\x02"
                                        "ab\x15\0\0\x80\x3F\x18\x04\x12\x04\x18\x02\x98\x02\x01",
                                        NULL};
    return seeds;
}

static int try_class(const char *config, const uint8_t *data, size_t n)
{
    static const char *const texts[] = {
        "", " the keeper's  12345 boats\n\n",
        "<s>x</s> <sep>\xC3\x89l\xC3\xA8ve e\xCC\xA7\xCC\x81 \xF0\x9F\x98\x80\xE2\x96\x81y", "ab  a\t!?"};
    struct ll_buf text = {(char *)(uintptr_t)config, strlen(config), 0, 0}, out = {0};
    const struct ll_config_texts files = {.tokenizer_config = &text};
    struct ll_token_config c = {0};
    struct ll_err err = {0};
    struct ll_tokenizer *tok = ll_tokenizer_new(&err);
    int rc = tok ? ll_token_config_read(&c, &files, &err) : -1;
    if (!rc)
        rc = ll_tokenizer_read_spm(tok, "tokenizer.model", (const char *)data, n, &c, &err);
    for (size_t i = 0; !rc && i < sizeof texts / sizeof texts[0]; i++) {
        struct ll_ids ids = {0};
        if (!ll_tokenizer_encode(tok, texts[i], strlen(texts[i]), i % 2 ? LL_ENC_BOS : LL_ENC_SPECIAL_AS_TEXT,
                                 &ids, &err))
            ll_tokenizer_decode(tok, ids.v, ids.n, (int)i % 2, &out, &err);
        for (int k = 0; k < ids.n; k++)
            ll_tokenizer_show(tok, ids.v[k], &out);
        ll_ids_free(&ids);
    }
    ll_buf_free(&out);
    ll_token_config_free(&c);
    ll_tokenizer_close(tok);
    return rc && !*err.msg;
}

int fuzz_one(const uint8_t *data, size_t n)
{
    int bad =
        try_class("{\"tokenizer_class\": \"LlamaTokenizer\", \"add_bos_token\": true, \"legacy\": true}",
                  data, n);
    return bad
        | try_class(
               "{\"added_tokens_decoder\": {\"3\": {\"content\": \"<x>\"}, \"4\": {\"content\": \"a\"}}}",
               data, n);
}
