/* gguf_pre.h - what a GGUF file leaves to its reader: for each `tokenizer.ggml.pre`, the patterns that cut a
 * text and the settings that the file does not store. A row for each name (TABLE). Source: llama.cpp
 * (llama-vocab.cpp), whose results, approximations included, are the reference for GGUF files. */
#ifndef LL_GGUF_PRE_H
#define LL_GGUF_PRE_H
#include "pattern.h"

#include <stddef.h>

/* The patterns that words.c matches by hand, as llama.cpp spells them. The last two approximate case: a
 * capital is any letter but a-z, a small letter any letter but A-Z. */
#define LL_PRE_TAIL "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LL_PRE_SYMBOLS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define LL_PRE_NEWS "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define LL_PRE_LETTERS "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define LL_PRE_UPPER "((?=[\\p{L}])([^a-z]))"
#define LL_PRE_LOWER "((?=[\\p{L}])([^A-Z]))"
#define LL_PRE_SMALL_WORD "[^\\r\\n\\p{L}\\p{N}]?" LL_PRE_UPPER "*" LL_PRE_LOWER "+"
#define LL_PRE_CAPITALS "[^\\r\\n\\p{L}\\p{N}]?" LL_PRE_UPPER "+" LL_PRE_LOWER "*"
#define LL_PRE_PATHS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" LL_PRE_TAIL
#define LL_PRE_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define LL_PRE_LLAMA3 LL_PRE_NEWS "|" LL_PRE_LETTERS "|\\p{N}{1,3}" LL_PRE_SYMBOLS LL_PRE_TAIL
#define LL_PRE_QWEN2 LL_PRE_NEWS "|" LL_PRE_LETTERS "|\\p{N}" LL_PRE_SYMBOLS LL_PRE_TAIL
#define LL_PRE_QWEN35 \
    LL_PRE_NEWS \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" LL_PRE_TAIL
#define LL_PRE_UFAKZEKA LL_PRE_LETTERS "|\\p{N}" LL_PRE_SYMBOLS LL_PRE_TAIL
#define LL_PRE_TEKKEN LL_PRE_SMALL_WORD "|" LL_PRE_CAPITALS "|\\p{N}" LL_PRE_PATHS
#define LL_PRE_GPT4O \
    LL_PRE_SMALL_WORD LL_PRE_NEWS "?|" LL_PRE_CAPITALS LL_PRE_NEWS "?|\\p{N}{1,3}" LL_PRE_PATHS

enum { LL_PRE_PATTERNS = 6 };
struct ll_gguf_pre {
    const char *names;                         /* each followed by a space */
    const char *patterns[LL_PRE_PATTERNS + 1]; /* applied one after the other, NULL-terminated */
    int ignore_merges;                         /* a piece that is a token is taken whole */
    int add_bos;                               /* when the file does not say */
    int keep_spaces;                           /* decoding does not clean up spaces before punctuation */
};

const struct ll_gguf_pre *ll_gguf_pre(const char *name, size_t n); /* NULL when unknown */
const struct ll_gguf_pre *ll_gguf_pre_row(size_t i);               /* NULL past the last */
/* One pattern of a row: a hand-written matcher where there is one. *behavior: how a Split takes its
 * matches. */
int ll_gguf_pre_pattern(const char *expr, struct ll_pattern *p, int *behavior, struct ll_err *err);
#endif
