/* topk.h - the k best (value, id) pairs of a stream, by value, ties to the lower id.
 *
 * The order is total, so the outcome does not depend on the order of arrival: lists of different threads
 * merge to the same result. Kept as a heap with the worst pair on top. */
#ifndef LL_TOPK_H
#define LL_TOPK_H

struct ll_hit {
    float v;
    int id;
};

/* Offer one pair to the list h[0..*n) that holds at most k. */
void ll_topk_add(struct ll_hit *h, int *n, int k, struct ll_hit hit);
/* Value that a later pair must reach to have a chance; -inf while the list is not full. */
float ll_topk_floor(const struct ll_hit *h, int n, int k);
/* Best first. The list is no heap afterwards. */
void ll_topk_sort(struct ll_hit *h, int n);
#endif
