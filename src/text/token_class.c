/* token_class.c - see token_class.h */
#include "token_class.h"

#include "literal.h"
#include "reader.h"
#include "token_files.h"

#include <stdlib.h>
#include <string.h>

#define BYTE_LEVEL(use_regex) \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":@PREFIX,\"trim_offsets\":true,\"use_regex\":" use_regex "}"
#define BYTE_DECODER "{\"type\":\"ByteLevel\"}"
#define NFC "{\"type\":\"NFC\"}"
#define SPLIT_QWEN2 \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}" \
    "]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+" \
    "[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":" \
    "false}"
#define SEQUENCE(stage, items) "{\"type\":\"Sequence\",\"" stage "\":[" items "]}"
#define UNMARK \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" LL_WORD_MARK \
    "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}"
#define STRIP ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
#define ENDOFTEXT "<|endoftext|>"

static const struct ll_token_class classes[] = {
    {.name = "GPT2Tokenizer",
     .files = LL_FILES_MERGES,
     .pretok = BYTE_LEVEL("true"),
     .decoder = BYTE_DECODER,
     .roles = {[LL_ROLE_BOS] = ENDOFTEXT, [LL_ROLE_EOS] = ENDOFTEXT, [LL_ROLE_UNK] = ENDOFTEXT}},
    {.name = "CodeGenTokenizer",
     .files = LL_FILES_MERGES,
     .pretok = BYTE_LEVEL("true"),
     .decoder = BYTE_DECODER,
     .roles = {[LL_ROLE_BOS] = ENDOFTEXT, [LL_ROLE_EOS] = ENDOFTEXT, [LL_ROLE_UNK] = ENDOFTEXT}},
    {.name = "GPTNeoXTokenizer",
     .files = LL_FILES_MERGES,
     .normalizer = NFC,
     .pretok = BYTE_LEVEL("true"),
     .decoder = BYTE_DECODER,
     .roles = {[LL_ROLE_BOS] = ENDOFTEXT,
               [LL_ROLE_EOS] = ENDOFTEXT,
               [LL_ROLE_UNK] = ENDOFTEXT,
               [LL_ROLE_PAD] = "<|padding|>"}},
    {.name = "Qwen2Tokenizer",
     .files = LL_FILES_MERGES,
     .normalizer = NFC,
     .pretok = SEQUENCE("pretokenizers", SPLIT_QWEN2 "," BYTE_LEVEL("false")),
     .decoder = BYTE_DECODER,
     .roles = {[LL_ROLE_EOS] = ENDOFTEXT, [LL_ROLE_UNK] = ENDOFTEXT, [LL_ROLE_PAD] = ENDOFTEXT},
     .plain_specials = 1},
    {.name = "CohereTokenizer",
     .files = LL_FILES_MERGES,
     .normalizer = NFC,
     .pretok =
         SEQUENCE("pretokenizers", "{\"type\":\"Digits\",\"individual_digits\":true}," BYTE_LEVEL("true")),
     .decoder = BYTE_DECODER,
     .roles = {[LL_ROLE_BOS] = "<BOS_TOKEN>",
               [LL_ROLE_EOS] = "<|END_OF_TURN_TOKEN|>",
               [LL_ROLE_UNK] = "<UNK>",
               [LL_ROLE_SEP] = "<SEP>",
               [LL_ROLE_PAD] = "<PAD>",
               [LL_ROLE_CLS] = "<CLS>",
               [LL_ROLE_MASK] = "<MASK_TOKEN>"}},
    {.name = "RobertaTokenizer",
     .files = LL_FILES_MERGES,
     .pretok = BYTE_LEVEL("true"),
     .decoder = BYTE_DECODER,
     .cls_and_sep = 1,
     .roles = {[LL_ROLE_BOS] = "<s>",
               [LL_ROLE_EOS] = "</s>",
               [LL_ROLE_UNK] = "<unk>",
               [LL_ROLE_SEP] = "</s>",
               [LL_ROLE_PAD] = "<pad>",
               [LL_ROLE_CLS] = "<s>",
               [LL_ROLE_MASK] = "<mask>"}},
    {.name = "LlamaTokenizer",
     .files = LL_FILES_SENTENCEPIECE,
     .pretok = "{\"type\":\"Metaspace\",\"replacement\":\"" LL_WORD_MARK
               "\",\"prepend_scheme\":\"@SCHEME\",\"split\":false}",
     .decoder = SEQUENCE("decoders", UNMARK),
     .prefix_decoder = SEQUENCE("decoders", UNMARK STRIP),
     .prefix_by_default = 1,
     .roles = {[LL_ROLE_BOS] = "<s>", [LL_ROLE_EOS] = "</s>", [LL_ROLE_UNK] = "<unk>"},
     .fuse_unk = 1,
     .byte_fallback = 1},
    {.name = "GemmaTokenizer",
     .files = LL_FILES_SENTENCEPIECE,
     .normalizer = "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" LL_WORD_MARK "\"}",
     .pretok = "{\"type\":\"Split\",\"pattern\":{\"String\":\" "
               "\"},\"behavior\":\"MergedWithPrevious\",\"invert\":false}",
     .decoder = SEQUENCE("decoders", UNMARK),
     .has_unk = 1,
     .fuse_unk = 1,
     .byte_fallback = 1,
     .roles = {[LL_ROLE_BOS] = "<bos>",
               [LL_ROLE_EOS] = "<eos>",
               [LL_ROLE_UNK] = "<unk>",
               [LL_ROLE_PAD] = "<pad>",
               [LL_ROLE_MASK] = "<mask>"}},
    {.name = "TokenizersBackend", .files = 0},
};

/* Other names of a class; "" ends a name that transformers reads as the general one. */
static const struct {
    const char *name, *is;
} aliases[] = {
    {"PreTrainedTokenizer", "TokenizersBackend"}, {"PythonBackend", "TokenizersBackend"},
    {"BloomTokenizer", "TokenizersBackend"},      {"Phi3Tokenizer", "LlamaTokenizer"},
    {"BartTokenizer", "RobertaTokenizer"},
};

/* What AutoTokenizer has registered for a kind of model. wrong_hub: the class that its folders name is not
 * followed. */
static const struct registered {
    const char *type, *class_name;
    int wrong_hub;
} registered[] = {
    {"codegen", "GPT2Tokenizer", 0},
    {"cohere", "CohereTokenizer", 0},
    {"cohere2", "CohereTokenizer", 0},
    {"gemma", "GemmaTokenizer", 0},
    {"gemma2", "GemmaTokenizer", 0},
    {"gemma3", "GemmaTokenizer", 0},
    {"gemma3_text", "GemmaTokenizer", 0},
    {"gemma3n", "GemmaTokenizer", 0},
    {"gemma3n_text", "GemmaTokenizer", 0},
    {"glm", "TokenizersBackend", 0},
    {"glm4", "TokenizersBackend", 0},
    {"gpt2", "GPT2Tokenizer", 0},
    {"gpt_bigcode", "TokenizersBackend", 0},
    {"gpt_neo", "GPT2Tokenizer", 0},
    {"gpt_neox", "GPTNeoXTokenizer", 0},
    {"gptj", "GPT2Tokenizer", 0},
    {"granite", "TokenizersBackend", 0},
    {"granitemoe", "TokenizersBackend", 0},
    {"internlm2", "TokenizersBackend", 1},
    {"internlm3", "TokenizersBackend", 1},
    {"mamba", "GPTNeoXTokenizer", 0},
    {"mamba2", "GPTNeoXTokenizer", 0},
    {"minicpm3", "TokenizersBackend", 1},
    {"ministral", "TokenizersBackend", 0},
    {"ministral3", "TokenizersBackend", 0},
    {"mistral", "TokenizersBackend", 0},
    {"mistral3", "TokenizersBackend", 0},
    {"mixtral", "TokenizersBackend", 0},
    {"mpt", "GPTNeoXTokenizer", 0},
    {"nemotron", "TokenizersBackend", 1},
    {"olmo", "GPTNeoXTokenizer", 0},
    {"olmo2", "TokenizersBackend", 0},
    {"olmo3", "TokenizersBackend", 0},
    {"olmoe", "GPTNeoXTokenizer", 0},
    {"opt", "GPT2Tokenizer", 0},
    {"persimmon", "TokenizersBackend", 0},
    {"phi", "GPT2Tokenizer", 0},
    {"phi3", "TokenizersBackend", 1},
    {"phimoe", "TokenizersBackend", 1},
    {"pixtral", "TokenizersBackend", 0},
    {"qwen2", "Qwen2Tokenizer", 1},
    {"qwen2_moe", "Qwen2Tokenizer", 0},
    {"qwen3", "Qwen2Tokenizer", 0},
    {"qwen3_moe", "Qwen2Tokenizer", 0},
    {"qwen3_next", "Qwen2Tokenizer", 0},
    {"recurrent_gemma", "GemmaTokenizer", 0},
    {"rwkv", "GPTNeoXTokenizer", 0},
    {"stablelm", "TokenizersBackend", 0},
    {"starcoder2", "GPT2Tokenizer", 0},
};

static const struct ll_token_class *by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (ll_reader_equal(name, n, aliases[i].name))
            return by_name(aliases[i].is, strlen(aliases[i].is));
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (ll_reader_equal(name, n, classes[i].name))
            return &classes[i];
    return NULL;
}

static const struct registered *registered_for(const struct ll_buf *type)
{
    for (size_t i = 0; i < sizeof registered / sizeof registered[0]; i++)
        if (ll_reader_equal(ll_buf_str(type), type->len, registered[i].type))
            return &registered[i];
    return NULL;
}

/* The name without "Fast". */
static size_t bare(const struct ll_buf *name)
{
    const size_t end = strlen("Fast");
    return name->len > end && !strcmp(ll_buf_str(name) + name->len - end, "Fast") ? name->len - end
                                                                                  : name->len;
}

int ll_token_class_choose(const struct ll_token_config *c, enum ll_vocab_files files, const char *what,
                          const struct ll_token_class **row, struct ll_err *err)
{
    const struct registered *reg = registered_for(&c->model_type);
    const char *name = ll_buf_str(&c->tokenizer_class);
    size_t n = bare(&c->tokenizer_class);
    const char *general = "TokenizersBackend",
               *of = c->class_of_model ? "config.json" : "tokenizer_config.json";
    if (!n || (reg && (reg->wrong_hub || !strcmp(reg->class_name, general)))) {
        name = reg ? reg->class_name : general;
        n = strlen(name);
        of = reg ? "config.json's model_type" : "no file names a class";
    }
    *row = by_name(name, n);
    if (!*row)
        return ll_fail(err, LL_EUNSUP,
                       "%s: tokenizer_class \"%.*s\" (%s) is not supported without a tokenizer.json", what,
                       n > 60 ? 60 : (int)n, name, of);
    if ((*row)->files == 0 ? files != LL_FILES_SENTENCEPIECE : !((*row)->files & files))
        return ll_fail(err, LL_EUNSUP, "%s: tokenizer_class %s (%s) does not read this file", what,
                       (*row)->name, of);
    return LL_OK;
}

static void put_filled(struct ll_buf *out, const char *json, int prefix, const char *scheme)
{
    for (const char *at; json && (at = strchr(json, '@')); json = at) {
        int is_prefix = LL_BEGINS(at, "@PREFIX");
        ll_buf_add(out, json, (size_t)(at - json));
        ll_buf_adds(out, is_prefix ? prefix ? "true" : "false" : scheme);
        at += strlen(is_prefix ? "@PREFIX" : "@SCHEME");
    }
    if (json)
        ll_buf_adds(out, json);
}

/* The unknown token of the model itself. */
static int take_unk(struct ll_bpe *bpe, const struct ll_token_config *c, struct ll_err *err)
{
    const struct ll_named_token *unk = &c->role[LL_ROLE_UNK];
    if (unk->said != LL_SAID)
        return LL_OK;
    ll_buf_reset(&bpe->unk_token);
    ll_buf_add(&bpe->unk_token, ll_token_text(c, unk), unk->t.len);
    bpe->has_unk = 1;
    return ll_buf_ok(&bpe->unk_token, err);
}

int ll_token_class_apply(struct ll_tokenizer *tok, const struct ll_token_class *row,
                         struct ll_token_config *c, const char *name, struct ll_err *err)
{
    const int prefix = c->add_prefix_space.said == LL_SAID ? c->add_prefix_space.on : row->prefix_by_default;
    const char *scheme = !prefix ? "never" : c->legacy.said == LL_SAID && c->legacy.on ? "always" : "first";
    struct ll_buf normalizer = {0}, pretok = {0}, decoder = {0};
    int rc = LL_OK;
    for (int role = 0; role < LL_N_ROLES && !rc; role++)
        if (row->roles[role])
            rc = ll_role_default(c, role, row->roles[role], strlen(row->roles[role]), err);
    put_filled(&normalizer, row->normalizer, prefix, scheme);
    put_filled(&pretok, row->pretok, prefix, scheme);
    put_filled(&decoder, prefix && row->prefix_decoder ? row->prefix_decoder : row->decoder, prefix, scheme);
    if (!rc)
        rc = ll_tokenizer_sections(tok, name, &normalizer, &pretok, &decoder, err);
    ll_buf_free(&normalizer);
    ll_buf_free(&pretok);
    ll_buf_free(&decoder);
    tok->bpe.fuse_unk = row->fuse_unk;
    tok->bpe.byte_fallback = row->byte_fallback;
    return rc || !row->has_unk ? rc : take_unk(&tok->bpe, c, err);
}
