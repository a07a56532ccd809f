/* sha256.h - SHA-256 (FIPS 180-4), for identities of checkpoints and files. */
#ifndef LL_SHA256_H
#define LL_SHA256_H
#include <stddef.h>
#include <stdint.h>

struct ll_sha256 {
    uint32_t h[8];
    uint64_t n; /* bytes so far */
    uint8_t block[64];
};
void ll_sha256_init(struct ll_sha256 *s);
void ll_sha256_add(struct ll_sha256 *s, const void *bytes, size_t n);
/* hex: 65 bytes, lower case, NUL at the end. The state is spent afterwards. */
void ll_sha256_hex(struct ll_sha256 *s, char hex[65]);
#endif
