/* diag_doc.h - how every diagnostic speaks: a table for people, one JSON envelope, Markdown, criteria.
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
#ifndef LL_DIAG_DOC_H
#define LL_DIAG_DOC_H
#include "json_write.h"
#include "record.h"

/* "pass", "warn", "fail", "not run". */
enum ll_crit { LL_CRIT_PASS, LL_CRIT_WARN, LL_CRIT_FAIL, LL_CRIT_NOT_RUN };

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
/* Ends the document with the criteria and the verdict; all the caller's containers must be closed. LL_OK or
 * LL_EFAIL (memory). */
int ll_diag_close(struct ll_diag *d, struct ll_err *err);
void ll_diag_free(struct ll_diag *d);
#endif
