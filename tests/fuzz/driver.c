/* driver.c - a small fuzzer for the parsers: changes seed files at random and hands them to fuzz_one().
 *
 *     fuzz_<parser> [ROUNDS [SEED]]     default 2000 rounds, seed 316; the same numbers give the same inputs
 *
 * No crash is a pass; run it in a sanitizer build to make crashes of mistakes. A fuzz entry defines
 *     int fuzz_one(const uint8_t *data, size_t n);     parse, and release all; the result does not matter
 *     const char *const *fuzz_seeds(void);             NULL-terminated: paths below the source folder, or
 *                                                      '=' and the seed itself
 * Before each call the input is copied to a block of exactly its size, so that reading one byte too far is
 * seen. After a crash the last input can be had again: LL_FUZZ_SAVE=FILE writes each input there before it is
 * tried. With -DLL_LIBFUZZER the entry becomes LLVMFuzzerTestOneInput instead. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

#ifdef LL_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return fuzz_one(data, n), 0; }

#else

enum { MAX_SEED = 64 << 10, MAX_INPUT = 2 * MAX_SEED, MAX_SEEDS = 64, MAX_CHANGES = 8 };

struct seed {
    uint8_t *p; /* owned */
    size_t n;
};

struct input {
    uint8_t *p; /* MAX_INPUT bytes */
    size_t n;
    const struct seed *seeds;
    int n_seeds;
};

/* ---- random numbers: xorshift64 -------------------------------------------------------------- */

static uint64_t rng;

static uint64_t next(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

/* 0..n-1; 0 when n is 0. */
static size_t below(size_t n) { return n ? (size_t)(next() >> 11) % n : 0; }

/* ---- changes --------------------------------------------------------------------------------- */

/* Replace `cut` bytes at `at` by m bytes from p (which may lie inside the input), as far as there is room. */
static void replace(struct input *in, size_t at, size_t cut, const void *p, size_t m)
{
    uint8_t copy[256];
    if (m > sizeof copy)
        m = sizeof copy;
    if (cut > in->n - at)
        cut = in->n - at;
    if (in->n - cut + m > MAX_INPUT)
        return;
    memcpy(copy, p, m);
    memmove(in->p + at + m, in->p + at + cut, in->n - at - cut);
    memcpy(in->p + at, copy, m);
    in->n += m - cut;
}

static void flip_bit(struct input *in)
{
    if (in->n)
        in->p[below(in->n)] ^= (uint8_t)(1u << below(8));
}

static void random_byte(struct input *in)
{
    if (in->n)
        in->p[below(in->n)] = (uint8_t)next();
}

static void drop_bytes(struct input *in) { replace(in, below(in->n), 1 + below(16), "", 0); }
static void cut_end(struct input *in) { in->n = below(in->n + 1); }

static void double_chunk(struct input *in)
{
    size_t from = below(in->n), m = below(256);
    if (m > in->n - from)
        m = in->n - from;
    replace(in, below(in->n + 1), 0, in->p + from, m);
}

static void splice_seed(struct input *in)
{
    const struct seed *s = &in->seeds[below((size_t)in->n_seeds)];
    size_t from = below(s->n), m = below(256);
    if (m > s->n - from)
        m = s->n - from;
    replace(in, below(in->n + 1), below(m + 1), s->p + from, m);
}

/* Integers at the edges of types, little-endian, 1 to 8 bytes wide. */
static void edge_integer(struct input *in)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     7,
                                     8,
                                     127,
                                     128,
                                     255,
                                     256,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     100000000,
                                     100000001,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xffffffffffffffff};
    uint64_t v = edges[below(sizeof edges / sizeof edges[0])];
    size_t w = (size_t)1 << below(4), at = below(4) ? below(in->n) : 0; /* the head of a file decides most */
    for (size_t i = 0; i < w && at + i < in->n; i++)
        in->p[at + i] = (uint8_t)(v >> 8 * i);
}

/* A run of digits becomes another number. */
static void other_number(struct input *in)
{
    static const char *const numbers[] = {
        "0",
        "-1",
        "1",
        "4",
        "5",
        "255",
        "65536",
        "2147483647",
        "2147483648",
        "4294967296",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775807",
        "18446744073709551616",
        "1e400",
        "-1e400",
        "0.5",
        "1e-400",
        "1e15",
        "null",
        "true",
        "\"x\"",
        "[]",
        "{}",
        "-",
        "00",
        "1111111111111111111111111111111111111111111111111111111111111111111111"};
    size_t at = below(in->n), end;
    while (at < in->n && (in->p[at] < '0' || in->p[at] > '9'))
        at++;
    for (end = at; end < in->n && in->p[end] >= '0' && in->p[end] <= '9';)
        end++;
    const char *s = numbers[below(sizeof numbers / sizeof numbers[0])];
    if (end > at)
        replace(in, at, end - at, s, strlen(s));
}

/* What JSON and UTF-8 are made of, and what breaks them. */
static void insert_syntax(struct input *in)
{
    static const char *const bits[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       "[[[[[[[[[[[[[[[[",
                                       "]]]]]]]]",
                                       "\"",
                                       "\\",
                                       "\\u0000",
                                       "\\ud800",
                                       "\\ud83d\\ude00",
                                       ":",
                                       ",",
                                       " ",
                                       "\n",
                                       "\xef\xbb\xbf",
                                       "\xc0\x80",
                                       "\xed\xa0\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xe2\x82",
                                       "\x80",
                                       "//",
                                       "NaN",
                                       "{}",
                                       "\"a\":"};
    const char *s = bits[below(sizeof bits / sizeof bits[0])];
    replace(in, below(in->n + 1), 0, s, strlen(s));
}

static void insert_nul(struct input *in) { replace(in, below(in->n + 1), 0, "\0\0\0\0", 1 + below(4)); }

static void (*const changes[])(struct input *) = {
    flip_bit,     random_byte,  drop_bytes,    double_chunk, splice_seed, edge_integer,
    other_number, other_number, insert_syntax, insert_nul,   cut_end,
};

/* ---- seeds ----------------------------------------------------------------------------------- */

static int load_seed(struct seed *s, const char *text)
{
    char path[1024];
    s->p = malloc(MAX_SEED);
    if (!s->p)
        return -1;
    if (text[0] == '=') {
        s->n = strlen(text + 1) < MAX_SEED ? strlen(text + 1) : MAX_SEED;
        memcpy(s->p, text + 1, s->n);
        return 0;
    }
    snprintf(path, sizeof path, "%s/%s", LL_SOURCE_DIR, text);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s: seed not found\n", path);
        free(s->p);
        return -1;
    }
    s->n = fread(s->p, 1, MAX_SEED, f);
    fclose(f);
    return 0;
}

static void try_input(const struct input *in, const char *save)
{
    uint8_t *exact = malloc(in->n ? in->n : 1);
    if (!exact)
        abort();
    memcpy(exact, in->p, in->n);
    FILE *f = save ? fopen(save, "wb") : NULL;
    if (f) {
        fwrite(exact, 1, in->n, f);
        fclose(f);
    }
    fuzz_one(exact, in->n);
    free(exact);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 2000;
    rng = argc > 2 ? strtoull(argv[2], NULL, 10) : 316;
    rng = rng * 0x9e3779b97f4a7c15u | 1; /* never 0, and neighbours far apart */
    struct seed seeds[MAX_SEEDS];
    struct input in = {malloc(MAX_INPUT), 0, seeds, 0};
    const char *save = getenv("LL_FUZZ_SAVE");
    clock_t start = clock();
    if (!in.p)
        return 1;
    for (const char *const *s = fuzz_seeds(); *s && in.n_seeds < MAX_SEEDS; s++)
        in.n_seeds += load_seed(&seeds[in.n_seeds], *s) == 0;
    if (!in.n_seeds)
        in.n_seeds += load_seed(&seeds[0], "=") == 0;
    for (int i = 0; i < in.n_seeds; i++) { /* each seed as it is, first */
        memcpy(in.p, seeds[i].p, in.n = seeds[i].n);
        try_input(&in, save);
    }
    for (long r = 0; r < rounds; r++) {
        const struct seed *s = &seeds[below((size_t)in.n_seeds)];
        memcpy(in.p, s->p, in.n = s->n);
        for (size_t k = 1 + below(MAX_CHANGES); k; k--)
            changes[below(sizeof changes / sizeof changes[0])](&in);
        try_input(&in, save);
    }
    printf("%s: %ld rounds from %d seeds without a crash, %.1f s\n", argv[0], rounds, in.n_seeds,
           (double)(clock() - start) / CLOCKS_PER_SEC);
    for (int i = 0; i < in.n_seeds; i++)
        free(seeds[i].p);
    free(in.p);
    return 0;
}

#endif
