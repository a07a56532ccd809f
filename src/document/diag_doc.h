/* diag_doc.h - the one JSON document of every diagnostic.
 *
 *     ll_diag_doc_begin(&d, "depth", &info);                opens it
 *     ll_json_*(&d.j, ...)                                  the diagnostic's own members
 *     ll_json_arr(&d.j, "rows") ... flat objects ... end     figures that the index keeps, one object a row
 *     ll_diag_doc_end(&d, &criteria);                       criteria, verdict, end
 *
 * {schema_version, command, provenance {tool, engine, seed}, model {id, identity, ...}, ..., rows [...],
 * criteria [{name, status, detail}], verdict}. A row is a flat object; the index files it by its members
 * "layer" and "step" (both optional) and keeps the rest as JSON, so that SQL can ask. No machine paths, no
 * clock: two runs are compared. */
#ifndef LL_DIAG_DOC_H
#define LL_DIAG_DOC_H
#include "criteria.h"
#include "json_write.h"
#include "record.h"

struct ll_diag_doc {
    struct ll_json j;   /* at the level of the document's members */
    struct ll_buf text; /* the JSON; owned: ll_buf_free */
};
/* info may be NULL (a check without a model). */
void ll_diag_doc_begin(struct ll_diag_doc *d, const char *command, const struct ll_model_info *info);
/* All the caller's containers must be closed. */
void ll_diag_doc_end(struct ll_diag_doc *d, const struct ll_criteria *c);
/* Member "token_ids" of the open object. */
void ll_token_ids_json(struct ll_json *j, const int *ids, int n);
#endif
