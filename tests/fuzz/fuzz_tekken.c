/* fuzz_tekken.c - tekken.json, vocab.json and tokenizer_config.json from hostile bytes: the input is read as
 * each of them. */
#include "token.h"
#include "token_files.h"

#include <stdint.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

#define FOLDER "tests/fixtures/tokenizers/folders/"

const char *const *fuzz_seeds(void)
{
    static const char *const seeds[] = {
        "={\"config\":{\"pattern\":\"\\\\p{L}+|\\\\s+\",\"default_vocab_size\":6,\"default_num_special_"
        "tokens\":3,\"version\":\"v3\"},\"vocab\":[{\"rank\":0,\"token_bytes\":\"YQ==\"},"
        "{\"rank\":1,\"token_bytes\":\"Yg==\"},{\"rank\":2,\"token_bytes\":\"YWI=\"}],\"special_tokens\":[{"
        "\"rank\":0,\"token_str\":\"<s>\"},{\"rank\":1,\"token_str\":\"</s>\"}]}",
        "={\"a\":0,\"b\":1,\"ab\":2,\"<|endoftext|>\":3}",
        "={\"tokenizer_class\":\"GPT2Tokenizer\",\"bos_token\":{\"content\":\"<s>\",\"lstrip\":true},\"added_"
        "tokens_decoder\":{\"4\":{\"content\":\"x\",\"special\":true}},"
        "\"extra_special_tokens\":[\"y\",{\"content\":\"z\"}],\"image_token\":\"<i>\",\"add_bos_token\":"
        "true}",
        FOLDER "merges-qwen2/tokenizer_config.json",
        FOLDER "tekken/tekken.json",
        FOLDER "merges-gpt2/vocab.json",
        NULL,
    };
    return seeds;
}

typedef int (*read_fn)(struct ll_tokenizer *tok, const struct ll_buf *text, struct ll_token_config *c,
                       struct ll_err *err);

static int as_tekken(struct ll_tokenizer *tok, const struct ll_buf *text, struct ll_token_config *c,
                     struct ll_err *err)
{
    return ll_tokenizer_read_tekken(tok, "tekken.json", ll_buf_str(text), text->len, c, err);
}

static int as_vocab(struct ll_tokenizer *tok, const struct ll_buf *text, struct ll_token_config *c,
                    struct ll_err *err)
{
    const struct ll_buf merges = {(char *)(uintptr_t) "#version: 0.2\na b\r\n\n",
                                  strlen("#version: 0.2\na b\r\n\n"), 0, 0};
    return ll_tokenizer_read_merges(tok, "vocab.json", text, &merges, c, err);
}

/* The settings of a folder with a small vocabulary. */
static int as_config(struct ll_tokenizer *tok, const struct ll_buf *text, struct ll_token_config *c,
                     struct ll_err *err)
{
    static const char vocab[] = "{\"a\":0,\"b\":1,\"ab\":2,\"x\":9}";
    const struct ll_buf v = {(char *)(uintptr_t)vocab, sizeof vocab - 1, 0, 0};
    const struct ll_config_texts files = {.tokenizer_config = text,
                                          .special_tokens_map = text,
                                          .added_tokens = text,
                                          .config = text};
    int rc = ll_token_config_read(c, &files, err);
    return rc ? rc : as_vocab(tok, &v, c, err);
}

static int try_as(read_fn read, const uint8_t *data, size_t n)
{
    static const char *const texts[] = {"", " ab the <s> x\n", "<|endoftext|>ab</s> \xC3\x89 12"};
    const struct ll_buf text = {(char *)(uintptr_t)data, n, 0, 0};
    struct ll_buf out = {0};
    struct ll_token_config c = {0};
    struct ll_err err = {0};
    struct ll_tokenizer *tok = ll_tokenizer_new(&err);
    ll_buf_reset(&c.model_type);
    int rc = tok ? LL_OK : LL_EFAIL;
    if (!rc && read != as_config)
        ll_buf_adds(&c.model_type, "gpt2");
    if (!rc)
        rc = read(tok, &text, &c, &err);
    for (size_t i = 0; !rc && i < sizeof texts / sizeof texts[0]; i++) {
        struct ll_ids ids = {0};
        if (!ll_tokenizer_encode(tok, texts[i], strlen(texts[i]), LL_ENC_BOS, &ids, &err))
            ll_tokenizer_decode(tok, ids.v, ids.n, (int)i % 2, &out, &err);
        ll_ids_free(&ids);
    }
    ll_buf_free(&out);
    ll_token_config_free(&c);
    ll_tokenizer_close(tok);
    return rc && !*err.msg;
}

int fuzz_one(const uint8_t *data, size_t n)
{
    return try_as(as_tekken, data, n) | try_as(as_vocab, data, n) | try_as(as_config, data, n);
}
