/* eval_index.c - see eval_index.h */
#include "eval_index.h"

#include "index.h"
#include "literal.h"
#include "map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int on_stem(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct ll_eval_index *x = arg;
    (void)n, (void)names;
    if (x->n_stems == LL_EVAL_MAX_STEMS)
        return ll_fail(err, LL_EUSAGE, "prompt: more than %d models in the run", LL_EVAL_MAX_STEMS);
    x->stems[x->n_stems] = strdup(v->s ? v->s : "");
    return x->stems[x->n_stems++] ? LL_OK : ll_fail_mem(err, "model name", v->n);
}

int ll_eval_index_open(struct ll_eval_index *x, const char *run, void (*talk)(void *arg, const char *line),
                       void *arg, struct ll_err *err)
{
    memset(x, 0, sizeof *x);
    if (ll_make_temp_dir(x->dir))
        return ll_fail(err, LL_EFAIL, "prompt: cannot make a temporary folder for the index");
    x->db = ll_path_join(x->dir, "index.sqlite");
    int rc = x->db ? ll_index_import(x->db, run, NULL, talk, arg, err) : ll_fail_mem(err, "path", 64);
    if (!rc && !(rc = ll_reader_open(&x->reader, x->db, err)))
        rc = ll_reader_each(x->reader,
                            "SELECT stem FROM run_models WHERE status IN ('ok', 'unknown') ORDER BY id", NULL,
                            0, on_stem, x, err);
    return rc;
}

void ll_eval_index_close(struct ll_eval_index *x)
{
    ll_reader_close(x->reader);
    if (x->db)
        unlink(x->db);
    if (*x->dir)
        rmdir(x->dir);
    free(x->db);
    for (int i = 0; i < x->n_stems; i++)
        free(x->stems[i]);
    memset(x, 0, sizeof *x);
}

int ll_eval_index_has(const struct ll_eval_index *x, const char *stem)
{
    for (int i = 0; i < x->n_stems; i++)
        if (!strcmp(stem, x->stems[i]))
            return 1;
    return 0;
}

const char *ll_eval_index_subject(const struct ll_eval_index *x, const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    for (int i = 0; i < x->n_stems; i++) {
        size_t n = strlen(x->stems[i]);
        if (LL_BEGINS(base, "evaluation-") && !strncmp(base + 11, x->stems[i], n)
            && !strcmp(base + 11 + n, ".md"))
            return x->stems[i];
    }
    return x->n_stems == 1 ? x->stems[0] : NULL;
}
