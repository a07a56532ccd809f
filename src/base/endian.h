/* endian.h - whole numbers as bytes, the lowest first, on any machine. */
#ifndef LL_ENDIAN_H
#define LL_ENDIAN_H
#include <stdint.h>

/* The lowest n (1..8) bytes of v. */
static inline void ll_le_put(unsigned char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}
static inline uint64_t ll_le_get(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}
#endif
