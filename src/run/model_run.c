/* model_run.c - the life of one model in a run: prepare, passes, finish. */
#include "model_run.h"

#include "keep_resid.h"
#include "map.h"
#include "model_finish.h"
#include "outfile.h"

#include <string.h>

/* evaluation-<stem>.md, to which evaluations append: a title and when the run was (docs/experiment.md 14.1).
 * One that is there stays. */
static int write_stub(const struct ll_model_prepared *m, struct ll_err *err)
{
    struct ll_buf name = {0}, text = {0};
    const char *t = m->env->stamp;
    if (!m->env->keep_dir || !t || strlen(t) < 13)
        return LL_OK;
    ll_buf_addf(&name, "%s/evaluation-%s.md", m->env->keep_dir, m->me->stem);
    ll_buf_addf(&text, "# Evaluation Report: %s\n\nRun of %.4s-%.2s-%.2s %.2s:%.2s\n", m->info.model_id, t,
                t + 4, t + 6, t + 9, t + 11);
    int rc = ll_buf_ok(&name, err);
    if (!rc && !(rc = ll_buf_ok(&text, err)) && !ll_is_file(name.s))
        rc = ll_file_write(name.s, text.s, text.len, err);
    ll_buf_free(&name);
    ll_buf_free(&text);
    return rc;
}

int ll_model_run(const struct ll_run_env *env, int nr, int *fatal, struct ll_err *err)
{
    struct ll_model_prepared m;
    struct ll_model_passes passes = {0};
    int sinks_failed = 0, rc = ll_model_prepare(&m, env, nr, err);
    if (!rc && !m.is_done) {
        sinks_failed = (rc = ll_sink_set_begin(env->sinks, &m.info, err)) != LL_OK;
        if (!rc && !(rc = write_stub(&m, err)) && !(rc = ll_model_passes_run(&passes, &m, err)))
            rc = ll_model_finish(&passes, err);
    }
    if (rc) {
        ll_sink_set_abort(env->sinks);
        if (m.info.stem && env->resid_dir) /* the journal keeps what they are made of */
            ll_drop_resid(env->resid_dir, m.info.stem, m.s.model->n_layers + 1);
    }
    *fatal = sinks_failed || passes.rows_failed || m.resume.failed;
    ll_model_passes_free(&passes);
    ll_model_prepared_free(&m);
    return rc;
}
