/* gguf_pre.c - see gguf_pre.h */
#include "gguf_pre.h"

#include "token_internal.h"
#include "unicode_class.h"

#include <string.h>

/* More patterns, as llama.cpp spells them. */
#define TAIL LL_PRE_TAIL
#define SYMBOLS LL_PRE_SYMBOLS
#define NEWS LL_PRE_NEWS
#define LETTERS LL_PRE_LETTERS
#define ASCII_PUNCT "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
/* U+4E00-9FA5 3040-309F 30A0-30FF */
#define KANA "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+"
/* U+4E00-9FA5 0800-4E00 AC00-D7FF, without the white space among them, which llama.cpp turns into a vertical
 * tab first */
#define CJK_HANGUL \
    "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{" \
    "2030}-\\x{205E}\\x{2060}-\\x{2FFF}" \
    "\\x{3001}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"

#define DEEPSEEK3 ASCII_PUNCT "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" TAIL
#define LINES "[^\\n]+|[\\n]+"

enum { WHOLE = 1, BOS = 2, KEEP = 4 };
#define FLAGS(f) ((f)&WHOLE) != 0, ((f)&BOS) != 0, ((f)&KEEP) != 0
static const struct ll_gguf_pre rows[] = {
    {"default ", {"[\\p{P}\\$\\+<=>\\^~\\|]+", LL_PRE_GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}, FLAGS(0)},
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert exaone4 mpt olmo "
     "jais ",
     {LL_PRE_GPT2},
     FLAGS(0)},
    {"trillion granite-docling ", {LL_PRE_GPT2}, FLAGS(KEEP)},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano ",
     {LL_PRE_LLAMA3},
     FLAGS(WHOLE | BOS)},
    {"dbrx smaug-bpe chatglm-bpe ", {LL_PRE_LLAMA3}, FLAGS(0)},
    {"glm4 glm5 ", {LL_PRE_LLAMA3}, FLAGS(WHOLE)},
    {"stablelm2 megrez ", {LL_PRE_QWEN2}, FLAGS(0)},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 hunyuan solar-open grok-2 ", {LL_PRE_QWEN2}, FLAGS(KEEP)},
    {"qwen35 ", {LL_PRE_QWEN35}, FLAGS(KEEP)},
    {"ufakzeka ", {LL_PRE_UFAKZEKA}, FLAGS(KEEP)},
    {"tekken ", {LL_PRE_TEKKEN}, FLAGS(WHOLE | BOS | KEEP)},
    {"gpt-4o llama4 kanana2 talkie minimax-m2 ", {LL_PRE_GPT4O}, FLAGS(KEEP)},
    {"starcoder refact codeshell exaone minerva-7b mellum2 ", {"\\p{N}", LL_PRE_GPT2}, FLAGS(0)},
    {"smollm command-r ", {"\\p{N}", LL_PRE_GPT2}, FLAGS(KEEP)},
    {"falcon ", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", LL_PRE_GPT2, "[0-9][0-9][0-9]"}, FLAGS(0)},
    {"deepseek-coder ", {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK_HANGUL, "\\p{N}"}, FLAGS(KEEP)},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4 ", {"\\p{N}{1,3}", KANA, DEEPSEEK3}, FLAGS(KEEP)},
    {"bailingmoe bailingmoe2 llada-moe ",
     {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" LETTERS "|\\p{N}" SYMBOLS
      "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"},
     FLAGS(KEEP)},
    {"seed-coder ", {NEWS "|" LETTERS "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" TAIL}, FLAGS(KEEP)},
    {"laguna ", {LINES, LL_PRE_QWEN2}, FLAGS(KEEP)},
    {"minicpm5 ", {"\\p{N}{1,3}", NEWS "|" LETTERS "|\\p{N}+" SYMBOLS TAIL}, FLAGS(WHOLE)},
    {"gemma4 ", {LINES}, FLAGS(BOS)},
};

static int is_number(uint32_t cp) { return (LL_BIT(ll_old_category(cp)) & LL_N_BITS) != 0; }
static int is_newline(uint32_t cp) { return cp == '\n'; }
static int is_punct(uint32_t cp)
{
    return (LL_BIT(ll_old_category(cp)) & LL_P_BITS) || (cp < 0x80 && cp && strchr("$+<=>^~|", (int)cp));
}
static int is_punct_or_tick(uint32_t cp) { return cp == '`' || is_punct(cp); }

/* Patterns that ask one character at a time. */
static const struct {
    const char *expr;
    int (*is)(uint32_t cp);
    int behavior;
} classes[] = {
    {"\\p{N}", is_number, LL_ISOLATED},
    {"\\p{N}+", is_number, LL_CONTIGUOUS},
    {LINES, is_newline, LL_CONTIGUOUS},
    {"[\\p{P}\\$\\+<=>\\^~\\|]+", is_punct, LL_CONTIGUOUS},
    {"[\\p{P}\\$\\+<=>\\^~\\|`]+", is_punct_or_tick, LL_CONTIGUOUS},
};

const struct ll_gguf_pre *ll_gguf_pre(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (const char *s = rows[i].names, *end; n && *s; s = end + 1) {
            end = strchr(s, ' ');
            if ((size_t)(end - s) == n && !memcmp(s, name, n))
                return &rows[i];
        }
    return NULL;
}

const struct ll_gguf_pre *ll_gguf_pre_row(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}

int ll_gguf_pre_pattern(const char *expr, struct ll_pattern *p, int *behavior, struct ll_err *err)
{
    *behavior = LL_ISOLATED;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (!strcmp(classes[i].expr, expr)) {
            *behavior = classes[i].behavior;
            *p = (struct ll_pattern){.kind = LL_PATTERN_CHARS, .is = classes[i].is};
            return LL_OK;
        }
    const struct ll_word_rule *rule = ll_llama_word_rule(expr, strlen(expr));
    *p = (struct ll_pattern){.kind = rule ? LL_PATTERN_WORDS : LL_PATTERN_REGEX, .rule = rule};
    return rule ? LL_OK : ll_regex_compile_old(&p->regex, expr, strlen(expr), "tokenizer.ggml.pre", err);
}
