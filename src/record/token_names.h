/* token_names.h - how whoever writes outputs asks for a token's text without knowing a tokenizer. */
#ifndef LL_TOKEN_NAMES_H
#define LL_TOKEN_NAMES_H
#include "buf.h"

struct ll_token_names {
    /* Append the display text of an id: its text, or "<id N>" without a tokenizer. */
    void (*show)(const void *source, int id, struct ll_buf *out);
    /* Append the raw bytes of an id: what joins to text; a special token's own spelling; "<id N>". */
    void (*bytes)(const void *source, int id, struct ll_buf *out);
    const void *source; /* borrowed */
};
static inline void ll_token_name(const struct ll_token_names *n, int id, struct ll_buf *out)
{
    n->show(n->source, id, out);
}
static inline void ll_token_bytes(const struct ll_token_names *n, int id, struct ll_buf *out)
{
    n->bytes(n->source, id, out);
}
#endif
