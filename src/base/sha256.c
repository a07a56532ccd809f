/* sha256.c - see sha256.h. FIPS 180-4 section 6.2, eight rounds unrolled with the variables renamed instead
 * of moved. */
#include "sha256.h"

#include <string.h>

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static inline uint32_t load_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#define ROUND(a, b, c, d, e, f, g, h, i) \
    do { \
        uint32_t t = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + K[i] + w[(i)&15]; \
        d += t; \
        h = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b))); \
    } while (0)

static void blocks(uint32_t h[8], const uint8_t *p, size_t n)
{
    for (; n; n--, p += 64) {
        uint32_t w[16];
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
        for (int i = 0; i < 16; i++)
            w[i] = load_be(p + 4 * i);
        for (int i = 0; i < 64; i += 16) {
            if (i) /* the next 16 words of the schedule, in place */
                for (int t = 0; t < 16; t++) {
                    uint32_t x = w[(t + 1) & 15], y = w[(t + 14) & 15];
                    w[t] += (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[(t + 9) & 15]
                        + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
                }
            for (int r = i; r < i + 16; r += 8) {
                ROUND(a, b, c, d, e, f, g, k, r);
                ROUND(k, a, b, c, d, e, f, g, r + 1);
                ROUND(g, k, a, b, c, d, e, f, r + 2);
                ROUND(f, g, k, a, b, c, d, e, r + 3);
                ROUND(e, f, g, k, a, b, c, d, r + 4);
                ROUND(d, e, f, g, k, a, b, c, r + 5);
                ROUND(c, d, e, f, g, k, a, b, r + 6);
                ROUND(b, c, d, e, f, g, k, a, r + 7);
            }
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
    }
}

void ll_sha256_init(struct ll_sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(s, 0, sizeof *s);
    memcpy(s->h, start, sizeof start);
}

void ll_sha256_add(struct ll_sha256 *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t have = s->n % 64;
    s->n += n;
    if (have) {
        size_t take = n < 64 - have ? n : 64 - have;
        if (take)
            memcpy(s->block + have, p, take);
        p += take;
        n -= take;
        if (have + take < 64)
            return;
        blocks(s->h, s->block, 1);
    }
    blocks(s->h, p, n / 64);
    if (n % 64)
        memcpy(s->block, p + n / 64 * 64, n % 64);
}

void ll_sha256_hex(struct ll_sha256 *s, char hex[65])
{
    static const uint8_t pad[64] = {0x80};
    uint64_t bits = s->n * 8;
    uint8_t len[8];
    for (int i = 0; i < 8; i++)
        len[i] = (uint8_t)(bits >> (56 - 8 * i));
    ll_sha256_add(s, pad, 1 + (119 - s->n % 64) % 64); /* until 8 bytes are left in the block */
    ll_sha256_add(s, len, 8);
    for (int i = 0; i < 64; i++)
        hex[i] = "0123456789abcdef"[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = 0;
}
