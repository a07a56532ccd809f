/* diag_out.h - where a diagnostic's report goes: standard output, files, the index; and the options that say
 * so. */
#ifndef LL_DIAG_OUT_H
#define LL_DIAG_OUT_H
#include "diag_doc.h"
#include "opt.h"

/* Option targets of every diagnostic command. */
struct ll_diag_opts {
    int json;
    const char *out, *markdown, *index;
};
#define LL_OPT_DIAG(o) \
    {"--json", LL_OPT_FLAG, &(o).json, NULL, "JSON on stdout instead of the table", 0, 0, NULL}, \
        {"--out", LL_OPT_STR, &(o).out, "FILE", "also write the JSON to FILE", 0, 0, NULL}, \
        {"--markdown", LL_OPT_STR, &(o).markdown, "FILE", "also write the report as Markdown to FILE", 0, 0, \
         NULL}, \
    { \
        "--index", LL_OPT_STR, &(o).index, "FILE", "also add the figures to this SQLite index", 0, 0, NULL \
    }
enum { LL_N_DIAG_OPTS = 4 };

/* ll_diag_close, then writes the files that were asked for and prints. Returns LL_OK, LL_EFAIL (I/O), or
 * LL_ECHECK: "<command>: <k> of <n> criteria failed: <first>". */
int ll_diag_finish(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err);
#endif
