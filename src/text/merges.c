/* merges.c - see merges.h */
#include "merges.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TOKEN = 1 << 16 }; /* bytes; published ones have up to about 500 */

struct cut {
    int left, right;
};

static int by_ids(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;
    return x->left != y->left ? (x->left < y->left ? -1 : 1) : (x->right > y->right) - (x->right < y->right);
}

static int part(const struct ll_bpe *bpe, const struct ll_merge_rule *rule, const char *s, size_t n)
{
    int id = ll_vocab_find(&bpe->vocab, s, n);
    return id >= 0 && rule->takes_part && !rule->takes_part[id] ? -1 : id;
}

/* All cuts of one token, between characters. has_length: lengths that some token has, which spares most
 * look-ups. */
static size_t cuts_of(const struct ll_bpe *bpe, const struct ll_merge_rule *rule,
                      const unsigned char *has_length, const char *s, size_t n, struct cut *cuts)
{
    size_t n_cuts = 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xC0) == 0x80 || !has_length[i] || !has_length[n - i])
            continue;
        int left = part(bpe, rule, s, i), right = left < 0 ? -1 : part(bpe, rule, s + i, n - i);
        if (right >= 0)
            cuts[n_cuts++] = (struct cut){left, right};
    }
    if (rule->by_ids && n_cuts > 1)
        qsort(cuts, n_cuts, sizeof *cuts, by_ids);
    return n_cuts;
}

int ll_merges_make(struct ll_bpe *bpe, const struct ll_merge_rule *rule, const char *what, struct ll_err *err)
{
    unsigned char *has_length = calloc(MAX_TOKEN + 1, 1);
    struct cut *cuts = malloc(MAX_TOKEN * sizeof *cuts);
    int rc = has_length && cuts ? LL_OK : ll_fail_mem(err, "merges", MAX_TOKEN * sizeof *cuts);
    size_t n;
    for (size_t k = 0; k < rule->n && !rc; k++)
        if (ll_vocab_piece(&bpe->vocab, rule->order[k], &n)) {
            if (n > MAX_TOKEN)
                rc = ll_fail(err, LL_EUSAGE, "%s: token %d has %zu bytes, more than the %d supported", what,
                             rule->order[k], n, MAX_TOKEN);
            else
                has_length[n] = 1;
        }
    for (size_t k = 0; k < rule->n && !rc; k++) {
        int id = rule->order[k];
        const char *s = ll_vocab_piece(&bpe->vocab, id, &n);
        size_t n_cuts = s && !(rule->takes_part && !rule->takes_part[id])
            ? cuts_of(bpe, rule, has_length, s, n, cuts)
            : 0;
        for (size_t i = 0; i < n_cuts && !rc; i++)
            if (ll_bpe_add_merge(bpe, cuts[i].left, cuts[i].right, id))
                rc = ll_fail_mem(err, "merges", sizeof(struct ll_merge) * bpe->n_merges);
    }
    free(has_length);
    free(cuts);
    return rc;
}
