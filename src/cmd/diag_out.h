/* diag_out.h - where a diagnostic's report goes: standard output, files, the index; and the options that say
 * so. */
#ifndef LL_DIAG_OUT_H
#define LL_DIAG_OUT_H
#include "diag_doc.h"
#include "opt.h"
#include "report_text.h"
#include "session.h"

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

/* One diagnostic's report: who asks, the figures as JSON and as text, and the criteria. */
struct ll_diag {
    const char *command;
    int has_model;
    struct ll_model_info info; /* with a model */
    struct ll_info_text info_text;
    struct ll_criteria criteria; /* owned, as the next two */
    struct ll_diag_doc doc;
    struct ll_report_text text;
};
/* s: whose model it is about; NULL: none. Opens the document. Returns LL_OK or LL_EFAIL, *d then empty. */
int ll_diag_begin(struct ll_diag *d, const char *command, const struct ll_session *s, struct ll_err *err);
/* Ends the document, writes the files that were asked for and prints. Returns LL_OK, LL_EFAIL (I/O), or
 * LL_ECHECK: "<command>: <k> of <n> criteria failed". */
int ll_diag_finish(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err);
void ll_diag_free(struct ll_diag *d);
#endif
