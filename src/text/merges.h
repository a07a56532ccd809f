/* merges.h - the merges of a vocabulary that has scores or ranks instead of a list: every cut of a token into
 * two tokens is a merge, ranked by the joined token. Follows transformers' generate_merges, its Mistral
 * converter and build_tokenizer_from_spm_proto, which differ in the order of tokens and in which may take
 * part. */
#ifndef LL_MERGES_H
#define LL_MERGES_H
#include "bpe.h"

struct ll_merge_rule {
    const int *order; /* [n] ids of bpe->vocab, the first merged first */
    size_t n;
    const unsigned char *takes_part; /* by id: it may be a part or the result of a merge; NULL: all may */
    int by_ids; /* cuts of one token in order of (left id, right id), else the shorter left first */
};
/* Append the merges to bpe. LL_EUSAGE when a token is longer than 64 KiB; what: the file, for messages. */
int ll_merges_make(struct ll_bpe *bpe, const struct ll_merge_rule *rule, const char *what,
                   struct ll_err *err);
#endif
