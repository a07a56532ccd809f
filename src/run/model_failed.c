/* model_failed.c - what is left of a model that could not be run (model_run.h). */
#include "model_run.h"

#include "document.h"
#include "kept.h"
#include "map.h"
#include "rundir.h"

#include <stdlib.h>
#include <string.h>

/* How many bytes of the text at p are this path; 0: none of it. */
static size_t path_at(const char *p, const char *path)
{
    size_t n = path ? strlen(path) : 0;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n && !strncmp(p, path, n) ? n : 0;
}

void ll_put_reason(struct ll_buf *out, const char *why, const char *model, const char *clean,
                   const char *tuned_dir)
{
    char *lens = tuned_dir ? ll_path_base(tuned_dir) : NULL;
    out->failed |= tuned_dir && !lens;
    for (const char *p = why; *p;) {
        int at_start = p == why || strchr(" (\"'", p[-1]);
        size_t n = path_at(p, model), n_lens = lens && at_start ? path_at(p, tuned_dir) : 0;
        if (n_lens && n_lens >= n) {
            ll_buf_adds(out, lens);
            p += n_lens;
        } else if (n) {
            ll_buf_adds(out, clean);
            p += n;
        } else if (at_start && *p == '/') {
            size_t len = strcspn(p, " ,;:)\"'"), last = len;
            while (last && p[last - 1] != '/')
                last--;
            ll_buf_add(out, p + last, len - last);
            p += len;
        } else
            ll_buf_addc(out, *p++);
    }
    free(lens);
}

/* "org/name" as asked for, when that is no path; else the name. */
static const char *id_of(const char *model, const char *clean)
{
    const char *slash = strchr(model, '/');
    int is_hub = slash && slash != model && slash[1] && !strchr(slash + 1, '/') && *model != '.'
        && !ll_is_there(model);
    return is_hub ? model : clean;
}

int ll_model_run_failed(const struct ll_run_env *env, int nr, struct ll_err *err)
{
    int rc = ll_run_models_name(env->models, nr, env->models->v[nr].name, err);
    const struct ll_run_model *m = &env->models->v[nr];
    struct ll_buf reason = {0}, text = {0};
    char mark[64];
    if (rc || m->fate == LL_MODEL_DENIED)
        return rc;
    ll_put_reason(&reason, m->reason, m->asked, m->name, env->e->tuned_dir);
    struct ll_model_info info = {.model_id = id_of(m->asked, m->name), .clean = m->name, .stem = m->stem};
    const struct ll_document doc = {.run = env->info,
                                    .model = &info,
                                    .status = ll_model_fate_name(m->fate),
                                    .reason = ll_buf_str(&reason)};
    if (!(rc = ll_buf_ok(&reason, err)) && !(rc = ll_sink_set_begin(env->sinks, &info, err))) {
        ll_rundir_part(mark, LL_PART_DONE, nr);
        if (env->keep_dir)
            ll_kept_drop(env->keep_dir, mark);
        if (!(rc = ll_document_write(&text, &doc, err))) {
            const struct ll_model_end end = {.json = text.s, .json_len = text.len};
            rc = ll_sink_set_end(env->sinks, &end, err);
        }
    }
    ll_buf_free(&reason);
    ll_buf_free(&text);
    return rc;
}
