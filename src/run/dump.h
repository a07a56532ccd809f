/* dump.h - activations of one pass, kept under their hooks' names: chosen, captured, and written for other
 * programs. */
#ifndef LL_DUMP_H
#define LL_DUMP_H
#include "hook.h"
#include "opened.h"
#include "refstack.h"

/* ---- which points ---------------------------------------------------------------------------- */

enum { LL_DUMP_MAX_SINGLE = 256 };
/* One bit a hook for "in every layer", and a list of single points. */
struct ll_dump_points {
    uint32_t every;
    struct {
        int hook, layer;
    } one[LL_DUMP_MAX_SINGLE];
    int n_one;
};
/* "resid_post,blocks.3.hook_q", or "all". LL_EUSAGE names what is unknown. */
int ll_dump_choose(struct ll_dump_points *w, const char *list, int n_layers, struct ll_err *err);

/* ---- what they held -------------------------------------------------------------------------- */

/* {0} before. */
struct ll_dump {
    struct ll_array *arrays; /* their names and data are owned, too */
    int n, cap;
};
/* One pass over the opened prompt. LL_OK, LL_EUSAGE (ids; the model has none of the points) or LL_EFAIL. Free
 * with ll_dump_free, also after a failure. */
int ll_dump_capture(struct ll_dump *d, const struct ll_opened *x, const struct ll_dump_points *w,
                    struct ll_err *err);
void ll_dump_free(struct ll_dump *d);

/* ---- files ----------------------------------------------------------------------------------- */

/* Does a file's name promise a format that can be written? LL_EUSAGE otherwise. */
int ll_dump_check_name(const char *path, struct ll_err *err);
/* All arrays and input_ids as one file: .npz, or safetensors with any other name. */
int ll_dump_write(const char *path, const struct ll_dump *d, const struct ll_opened *x, struct ll_err *err);
/* A folder of .bin files, one an array, with manifest.json; counted: a count of 4 bytes before the values.
 * LL_EUSAGE: none of the points has such a file. */
int ll_dump_write_bins(const char *folder, int counted, const struct ll_dump *d, const struct ll_opened *x,
                       struct ll_err *err);
#endif
