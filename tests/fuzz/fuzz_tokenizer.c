/* fuzz_tokenizer.c - tokenizer.json from hostile bytes; what opens must also encode, decode and show without
 * harm. */
#include "token.h"
#include "token_internal.h"

#include <stdint.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

const char *const *fuzz_seeds(void)
{
#define MODEL \
    "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"b\",\"fuse_unk\":true,\"vocab\":{\"a\":0,\"b\":1,\"ab\":" \
    "2,\"<0x41>\":5},\"merges\":[\"a b\"]}"
    static const char *const seeds[] = {
        "=" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:[sdmt]|ll)|[^\\\\p{L}"
        "\\\\S]+\\\\w*?|\\\\P{N}{1,3}\"},\"behavior\":\"MergedWithNext\",\"invert\":true}}",
        "=" MODEL ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKD\"},{\"type\":"
        "\"Lowercase\"},{\"type\":\"Strip\",\"strip_left\":true,"
        "\"strip_right\":true},{\"type\":\"StripAccents\"},{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a-"
        "c]*\"},\"content\":\"xx\"},{\"type\":\"ByteLevel\"}]}}",
        "=" MODEL ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Whitespace\"},{"
        "\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"},"
        "{\"type\":\"Digits\",\"individual_digits\":true},{\"type\":\"CharDelimiterSplit\",\"delimiter\":"
        "\"x\"},{\"type\":\"Metaspace\",\"add_prefix_space\":true}]}}",
        "=" MODEL ",\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Metaspace\"},{\"type\":"
        "\"ByteFallback\"},{\"type\":\"Strip\",\"content\":\"a\",\"start\":2,\"stop\":3}]},"
        "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1]},\"added_"
        "tokens\":[{\"id\":9,\"content\":\" x\",\"lstrip\":true,\"rstrip\":true,\"normalized\":true}]}",
        "tests/fixtures/tokenizers/llama3/tokenizer.json",
        "tests/fixtures/tokenizers/gpt2/tokenizer.json",
        "tests/fixtures/tokenizers/llama2/tokenizer.json",
        "tests/fixtures/tokenizers/metaspace/tokenizer.json",
        NULL,
    };
    return seeds;
}

int fuzz_one(const uint8_t *data, size_t n)
{
    static const char *const texts[] = {
        "", " the keeper's  12345 boats\n\n",
        "<s>x</s> <think>\xC3\x89l\xC3\xA8ve e\xCC\xA7\xCC\x81 \xF0\x9F\x98\x80\xE2\x96\x81y",
        "[W] <l> <n>\t!?"};
    static const char config[] = "{\"add_bos_token\": true, \"bos_token\": \"<s>\"}";
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    if (ll_tokenizer_open_mem(&tok, "tokenizer.json", (const char *)data, n, config, sizeof config - 1, &err))
        return err.code == LL_OK || !*err.msg; /* a refusal has a reason */
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
