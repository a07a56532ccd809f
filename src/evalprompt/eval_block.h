/* eval_block.h - a piece of data in an evaluation prompt: a head, lines that may be cut one by one, and what
 * to say then.
 *
 * Lines with the smallest rank stay longest; equal ranks are cut from the end. A block of importance 0 is
 * never cut, of the others the least important (greatest number) is cut first. */
#ifndef LL_EVAL_BLOCK_H
#define LL_EVAL_BLOCK_H
#include "index_each.h"

#include "buf.h"

struct ll_eval_line {
    char *s;
    size_t n;
    double rank;
    int is_cut;
};
struct ll_eval_block {
    const char *name;         /* "layers"; borrowed */
    char *head;               /* line above the rows, owned; NULL: none */
    const char *source;       /* where the whole is: "output-M-records.csv"; owned by the caller */
    int importance, is_table; /* is_table: printed in a fence */
    struct ll_eval_line *lines;
    int n, cap; /* owned */
    int n_cut;
    size_t bytes; /* of head and the lines not cut, their line ends included */
};
void ll_eval_block_free(struct ll_eval_block *b);
/* Append a line (no line end), copied. */
int ll_eval_block_add(struct ll_eval_block *b, const char *s, size_t n, double rank, struct ll_err *err);
/* The rows of a SELECT as comma-separated lines, text as JSON strings, null as nothing; a column called _rank
 * ranks and is not printed. */
int ll_eval_block_query(struct ll_eval_block *b, struct ll_reader *r, const char *sql,
                        const char *const *binds, int n_binds, struct ll_err *err);
/* The rows of a SELECT of one row as "- name: value" lines, nulls left out. */
int ll_eval_block_facts(struct ll_eval_block *b, struct ll_reader *r, const char *sql,
                        const char *const *binds, int n_binds, struct ll_err *err);
/* Cut lines until about `bytes` are gone or none are left; returns the bytes gone. */
size_t ll_eval_block_cut(struct ll_eval_block *b, size_t bytes);
void ll_eval_block_put(const struct ll_eval_block *b, struct ll_buf *out);
#endif
