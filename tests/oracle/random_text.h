/* random_text.h - random Unicode texts, the same as tests/fixtures/tokenizers/random_digests.py makes from
 * the same seed, and a digest of their ids: FNV-1a (64 bits) over the bytes of each id (four, little-endian),
 * after each text those of -1. */
#ifndef LL_TEST_RANDOM_TEXT_H
#define LL_TEST_RANDOM_TEXT_H
#include "buf.h"
#include "utf8.h"

#include <stdint.h>

enum { RANDOM_TEXTS = 10000, RANDOM_SEED = 316 };
#define FNV_START 0xCBF29CE484222325u

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

/* The texts: 1 to 40 parts; a part is a snippet, or one to six characters of one range. */
static inline void random_text(uint64_t *state, struct ll_buf *out)
{
    static const char *const snippets[] = {
        " ",
        " ",
        "  ",
        "   ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "\t\t",
        " the",
        "The ",
        " of",
        "'s",
        "'S",
        "'re",
        "'LL",
        "n't",
        " 'm",
        "camelCase",
        "HTTPServer",
        "1",
        "12",
        "123",
        "1234567",
        "3.14",
        "...",
        "//",
        " #",
        "://",
        "<s>",
        "</s>",
        "<unk>",
        "<|im_end|>",
        "<|endoftext|>",
        "[INST]",
        "<pad>",
        "<bos>",
        "<|end|>",
        "\xE2\x96\x81",
        "\xE2\x96\x81\xE2\x96\x81",
        "\xC2\xA0",
        "\xE3\x80\x80",
        "\xE2\x80\x8B",
        "\xC5\xBF",
        "'\xC5\xBF",
        "e\xCC\x81",
        "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
        "\xEF\xBF\xBD",
        "<0x0A>",
        "\xEF\xBB\xBF",
    };
    static const uint32_t ranges[][2] = {
        {'a', 'z'},         {'a', 'z'},       {'a', 'z'},       {'A', 'Z'},       {'0', '9'},
        {0x21, 0x7E},       {0x00, 0x20},     {0xA0, 0x17F},    {0x180, 0x36F},   {0x370, 0x52F},
        {0x590, 0x7BF},     {0x900, 0xDFF},   {0xE00, 0xFFF},   {0x1E00, 0x1FFF}, {0x2000, 0x2BFF},
        {0x3040, 0x30FF},   {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0xF900, 0xFFFD}, {0x10000, 0x1FFFF},
        {0x1F300, 0x1FAFF}, {0x0, 0x10FFFF},
    };
    for (uint32_t parts = 1 + random_below(state, 40); parts; parts--) {
        if (random_below(state, 2)) {
            ll_buf_adds(out, snippets[random_below(state, sizeof snippets / sizeof snippets[0])]);
            continue;
        }
        const uint32_t *r = ranges[random_below(state, sizeof ranges / sizeof ranges[0])];
        for (uint32_t k = 1 + random_below(state, 6); k; k--) {
            uint32_t cp = r[0] + random_below(state, r[1] - r[0] + 1);
            ll_utf8_put(out, cp >= 0xD800 && cp < 0xE000 ? 'x' : cp);
        }
    }
}

static inline void digest_add(uint64_t *h, int id)
{
    for (int k = 0; k < 4; k++)
        *h = (*h ^ ((uint32_t)id >> 8 * k & 255)) * 0x100000001B3u;
}
#endif
