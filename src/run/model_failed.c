/* model_failed.c - what is left of a model that could not be run (model_run.h). */
#include "model_run.h"

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

int ll_model_run_failed(const struct ll_run_env *env, const char *model, int code, const char *why,
                        struct ll_err *err)
{
    char *clean = ll_path_base(model);
    struct ll_buf reason = {0};
    if (!clean)
        return ll_fail_mem(err, "model name", strlen(model));
    ll_put_reason(&reason, why, model, clean, env->e->tuned_dir);
    struct ll_model_info info = {.model_id = id_of(model, clean), .clean = clean};
    struct ll_model_doc doc = {.model = &info,
                               .status = code == LL_EFIT ? "skipped" : "failed",
                               .reason = ll_buf_str(&reason)};
    char mark[64];
    int rc = ll_buf_ok(&reason, err);
    if (!rc)
        rc = ll_sink_set_begin(env->sinks, &info, err);
    if (!rc && code == LL_EFAIL)
        ll_sink_set_keep(env->sinks);
    else if (!rc) {
        ll_rundir_part(mark, LL_PART_DONE, env->model_nr);
        if (env->keep_dir)
            ll_kept_drop(env->keep_dir, mark);
        rc = ll_sink_set_end(env->sinks, &doc, err);
    }
    if (!rc && !ll_stem_take(env->stems, clean, err)) /* keeps in step with the sinks' names */
        rc = LL_EFAIL;
    ll_buf_free(&reason);
    free(clean);
    return rc;
}
