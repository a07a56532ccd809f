/* tuned_facts.c - see tuned_facts.h */
#include "tuned_facts.h"

#include "map.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

static int keep(char **out, const char *s, struct ll_err *err)
{
    *out = s ? strdup(s) : NULL;
    return s && !*out ? ll_fail_mem(err, "tuned lens", strlen(s)) : LL_OK;
}

static int read_facts(struct ll_tuned_facts *f, const struct ll_settings *s, struct ll_err *err)
{
    const struct {
        char **to;
        const char *key;
    } texts[] = {{&f->base_model, "base_model_name_or_path"},
                 {&f->revision, "base_model_revision"},
                 {&f->unembed_hash, "unembed_hash"},
                 {&f->lens_type, "lens_type"},
                 {&f->identity, "logitlens.identity"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int rc = keep(texts[i].to, ll_settings_str(s, texts[i].key, NULL), err);
        if (rc)
            return rc;
    }
    f->d_model = (int)ll_settings_int(s, "d_model", 0);
    f->n_layers = (int)ll_settings_int(s, "num_hidden_layers", 0);
    f->has_bias = ll_settings_bool(s, "bias", 1);
    return LL_OK;
}

int ll_tuned_facts_read(struct ll_tuned_facts *f, const char *dir, struct ll_err *err)
{
    char *path = ll_path_join(dir, "config.json");
    memset(f, 0, sizeof *f);
    f->name = ll_path_base(dir);
    int rc =
        path && f->name ? ll_settings_read(&f->config, path, err) : ll_fail_mem(err, "path", strlen(dir));
    if (!rc)
        rc = read_facts(f, f->config, err);
    if (rc)
        ll_tuned_facts_free(f);
    free(path);
    return rc;
}

void ll_tuned_facts_free(struct ll_tuned_facts *f)
{
    char *owned[] = {f->name, f->base_model, f->revision, f->unembed_hash, f->lens_type, f->identity};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    ll_settings_free(f->config);
    memset(f, 0, sizeof *f);
}

void ll_tuned_warn(const struct ll_tuned_facts *f, const char *identity, int quiet)
{
    if (!quiet && f->identity && strcmp(f->identity, identity))
        ll_say_line("logitlens: warning: %s was fitted to another checkpoint (%s)", f->name,
                    f->base_model ? f->base_model : "unnamed");
}
