/* result_pack.h - a sweep's result, and the statistics made of it, as bytes and back: what a journal keeps of
 * an unfinished run.
 *
 * The bytes are this program's own memory, for the same build on the same kind of machine: sizes of the
 * structs stand at the front, anything else is refused. The bytes are never part of a result file. */
#ifndef LL_RESULT_PACK_H
#define LL_RESULT_PACK_H
#include "buf.h"
#include "pass_stats.h"
#include "sweep.h"

/* Which residual rows go along: none, those of the last position, those of all positions that were read. */
enum ll_pack_resid { LL_PACK_NONE, LL_PACK_LAST, LL_PACK_ALL };
/* Append r, and stats when not NULL. */
void ll_result_pack(struct ll_buf *out, const struct ll_model *model, const struct ll_sweep_result *r,
                    enum ll_pack_resid which, const struct ll_pass_stats *stats);

struct ll_unpacked {
    struct ll_sweep_result
        r;                   /* points into what follows; resid_last and stack NULL when they were not kept */
    struct ll_head_out *out; /* owned */
    struct ll_hit *hits;     /* owned */
    float *floats;           /* owned */
    const float **resid;     /* owned */
    struct ll_stack stack;   /* x lies in floats */
    int has_stats;
};
/* stats: made for the model (ll_pass_stats_init), gets them when they were kept. LL_EUSAGE: bytes of another
 * build or model, or harmed; *u is then empty. */
int ll_result_unpack(struct ll_unpacked *u, const struct ll_model *model, const void *bytes, size_t n,
                     struct ll_pass_stats *stats, struct ll_err *err);
void ll_unpacked_free(struct ll_unpacked *u); /* {0} and twice are fine */
#endif
