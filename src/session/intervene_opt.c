/* intervene_opt.c - see intervene_opt.h */
#include "intervene_opt.h"

#include "literal.h"
#include "map.h"
#include "prompts.h"

#include <stdlib.h>
#include <string.h>

struct source {
    const struct ll_session *s;
    int quiet;
};

/* "ids:1,2,3", or text with the start token the tokenizer adds. */
static int encode(void *arg, const char *text, size_t n, int **ids, int *n_ids, struct ll_err *err)
{
    const struct source *from = arg;
    const struct ll_session *s = from->s;
    struct ll_prompt p = {0};
    char *copy = strndup(text, n);
    int rc = copy ? LL_OK : ll_fail_mem(err, "prompt", n);
    if (!rc && LL_BEGINS(copy, "ids:")) {
        struct ll_ids list = {0};
        if (!(rc = ll_parse_ids(copy + 4, &list, err)))
            rc = ll_prompt_from_ids(&p, s, list.v, list.n, -1, err);
        ll_ids_free(&list);
    } else if (!rc)
        rc = ll_prompt_from_text(&p, s, copy, n, NULL, LL_SPELL_AUTO, err);
    free(copy);
    if (rc)
        return rc;
    ll_prompts_warn(s, &p, 1, from->quiet);
    *n_ids = p.ids.n;
    *ids = p.ids.v; /* taken over */
    p.ids = (struct ll_ids){0};
    ll_prompt_free(&p);
    return LL_OK;
}

int ll_intervene_open(struct ll_intervene *iv, const struct ll_session *s, const char *const *specs, int n,
                      int quiet, struct ll_err *err)
{
    struct source from = {s, quiet};
    struct ll_intervene_prompts prompts = {encode, &from};
    int rc = LL_OK;
    memset(iv, 0, sizeof *iv);
    for (int i = 0; i < n && !rc; i++)
        rc = ll_intervene_parse(iv, specs[i], err);
    return rc ? rc : ll_intervene_ready(iv, s->model, s->engine, &prompts, err);
}

int ll_intervene_check_files(const char *spec, struct ll_err *err)
{
    struct ll_intervene iv = {0};
    struct ll_map map = {0};
    int rc = ll_intervene_parse(&iv, spec, err);
    if (!rc && ll_intervene_is_file(&iv.v[0])) {
        char *path = strndup(iv.v[0].source, iv.v[0].n_source);
        if (!(rc = path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", iv.v[0].n_source)))
            ll_map_close(&map);
        else if (path)
            ll_context(err, "intervention \"%s\"", spec);
        free(path);
    }
    ll_intervene_free(&iv);
    return rc;
}

void ll_intervene_help(struct ll_buf *out)
{
    ll_buf_adds(out,
                "\ninterventions (--intervene):\n"
                "  zero:POINT               becomes 0\n"
                "  mean:POINT               becomes its mean over the prompt's positions\n"
                "  patch:POINT=SOURCE       becomes the source's activation, position by position\n"
                "  steer:POINT=SOURCE*F     F times the source's last position is added\n"
                "  skip:L  swap:A,B         a block left out, two blocks exchanged\n"
                "POINT: blocks.3.hook_attn_out, blocks.3.attn.hook_z[HEAD],\n"
                "blocks.3.mlp.hook_post[NEURON], attn_out (in every block); with @pos=P one\n"
                "position, -1 the last. SOURCE: a prompt, ids:1,2,3, diff:PROMPT|PROMPT (at\n"
                "their last positions), or a file: *.safetensors of logitlens dump, *.bin\n");
}
