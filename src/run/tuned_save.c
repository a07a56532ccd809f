/* tuned_save.c - see tuned_save.h */
#include "tuned_save.h"

#include "buf.h"
#include "map.h"
#include "outfile.h"
#include "torch_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ll_tuned_can_save(const char *dir, struct ll_err *err)
{
    struct stat st;
    if (*dir && (lstat(dir, &st) || ll_is_empty_dir(dir)))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE,
                   "--out %s: expected a folder that is absent or empty, found something there", dir);
}

static int write_params(const char *path, const struct ll_tuned_new *lens, struct ll_err *err)
{
    const int n = lens->n_layers, d = lens->d_model;
    struct ll_torch_new *t = calloc(2 * (size_t)n, sizeof *t);
    if (!t)
        return ll_fail_mem(err, path, 2 * (size_t)n * sizeof *t);
    for (int l = 0; l < n; l++) {
        t[2 * l] = (struct ll_torch_new){.data = lens->W + (size_t)l * (size_t)d * (size_t)d,
                                         .n_dims = 2,
                                         .dims = {d, d}};
        t[2 * l + 1] =
            (struct ll_torch_new){.data = lens->b + (size_t)l * (size_t)d, .n_dims = 1, .dims = {d}};
        snprintf(t[2 * l].name, sizeof t->name, "%d.weight", l);
        snprintf(t[2 * l + 1].name, sizeof t->name, "%d.bias", l);
    }
    int rc = ll_torch_write(path, t, 2 * n, err);
    free(t);
    return rc;
}

int ll_tuned_save(const char *dir, const struct ll_tuned_new *lens, struct ll_err *err)
{
    struct ll_buf tmp = {0};
    int rc = ll_tuned_can_save(dir, err);
    if (rc)
        return rc;
    char *there = realpath(dir, NULL); /* an empty folder may be a link: what it leads to is replaced */
    dir = there ? there : dir;
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    ll_buf_add(&tmp, dir, n);
    ll_buf_addf(&tmp, ".partial%ld", (long)getpid());
    char *json = ll_path_join(ll_buf_str(&tmp), "config.json"),
         *params = ll_path_join(ll_buf_str(&tmp), "params.pt");
    rc = json && params ? ll_buf_ok(&tmp, err) : ll_fail_mem(err, "path", n);
    if (!rc && !(rc = ll_make_dirs(ll_buf_str(&tmp), err)) && !(rc = write_params(params, lens, err)))
        rc = ll_file_write(json, lens->config, lens->n_config, err);
    if (!rc && rename(ll_buf_str(&tmp), dir))
        rc =
            ll_fail(err, LL_EFAIL, "%s: cannot be renamed to %s: %s", ll_buf_str(&tmp), dir, strerror(errno));
    if (rc && json && params) {
        unlink(json);
        unlink(params);
        rmdir(ll_buf_str(&tmp));
    }
    free(json);
    free(params);
    free(there);
    ll_buf_free(&tmp);
    return rc;
}
