/* diag_out.h - how every diagnostic speaks: a table for people, one JSON envelope, Markdown where asked,
 * criteria, index rows.
 *
 *     struct ll_diag d;
 *     ll_diag_begin(&d, "depth", &session_info);            opens the document
 *     ll_json_*(&d.j, ...)                                  the diagnostic's own members
 *     ll_json_arr(&d.j, "rows") ... flat objects ... end     figures that the index keeps, one object a row
 *     ll_diag_criterion(&d, LL_CRIT_FAIL, "no NaN", "layer %d", 3);
 *     ll_buf_addf(&d.table, ...); ll_buf_addf(&d.markdown, ...);
 *     return ll_diag_finish(&d, &o.out, err);               writes and prints; LL_ECHECK when a criterion
 * failed
 *
 * Envelope: {schema_version, command, provenance {tool, engine, seed}, model {id, identity, ...}, ..., rows
 * [...], criteria [{name, status, detail}], verdict}. A row is a flat object; the index files it by its
 * members "layer" and "step" (both optional) and keeps the rest as JSON, so that SQL can ask. No machine
 * paths, no clock: two runs are compared. */
#ifndef LL_DIAG_OUT_H
#define LL_DIAG_OUT_H
#include "json_write.h"
#include "opt.h"
#include "record.h"

/* "pass", "warn", "fail", "not run". */
enum ll_crit { LL_CRIT_PASS, LL_CRIT_WARN, LL_CRIT_FAIL, LL_CRIT_NOT_RUN };

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

struct ll_diag {
    struct ll_json j;       /* at the level of the document's members */
    struct ll_buf text;     /* the JSON; owned */
    struct ll_buf table;    /* what stdout gets without --json; owned */
    struct ll_buf markdown; /* owned; empty: the table in a code block stands in */
    struct ll_buf criteria; /* JSON members so far; owned */
    int count[4];           /* criteria by enum ll_crit */
    const char *command;
    const char *model_id; /* borrowed */
};
/* info may be NULL (a check without a model). Free with ll_diag_free, also after finish. */
void ll_diag_begin(struct ll_diag *d, const char *command, const struct ll_model_info *info);
void ll_diag_criterion(struct ll_diag *d, enum ll_crit status, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Closes the document (all the caller's containers must be closed), appends the criteria to table and
 * markdown, writes the files that were asked for, prints. Returns LL_OK, LL_EFAIL (I/O), or LL_ECHECK:
 * "<command>: <k> of <n> criteria failed: <first>". */
int ll_diag_finish(struct ll_diag *d, const struct ll_diag_opts *o, struct ll_err *err);
void ll_diag_free(struct ll_diag *d);
#endif
