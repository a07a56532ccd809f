/* cmd_help.c - see help.h */
#include "help.h"

#include "cmd.h"
#include "print.h"
#include "provenance.h"

#include <string.h>

static void overview(struct ll_buf *out)
{
    ll_buf_addf(out,
                "%s - what a language model would say if it stopped after each layer\n\nusage: logitlens "
                "COMMAND [OPTIONS]\n\n",
                ll_tool_version());
    for (const struct ll_cmd *c = ll_cmds; c->name; c++)
        ll_buf_addf(out, "  %-8s %s\n", c->name, c->summary);
    ll_buf_adds(out,
                "\nlogitlens help COMMAND explains one; help tables lists families, storage types, hook\n"
                "points and columns. MODEL is a Hugging Face folder, a GGUF file or safetensors\n"
                "file of any name, an index file, or org/name[@rev] in the local hub cache;\n"
                "nothing is downloaded.\n");
}

static void explain(const struct ll_cmd *c, struct ll_buf *out)
{
    ll_buf_addf(out, "logitlens %s %s\n  %s\n\noptions [default]:\n", c->name, c->args, c->summary);
    c->options(out);
    ll_buf_addf(out, "\nexample:\n");
    for (const char *p = c->example; *p;) {
        size_t n = strcspn(p, "\n");
        ll_buf_addf(out, "  %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

int ll_help(const char *name, struct ll_err *err)
{
    struct ll_buf out = {0};
    const struct ll_cmd *c = name ? ll_cmd_find(name) : NULL;
    int rc = LL_OK;
    if (!name || !strcmp(name, "help"))
        overview(&out);
    else if (!strcmp(name, "tables"))
        ll_help_tables(&out);
    else if (c)
        explain(c, &out);
    else
        rc = ll_fail(err, LL_EUSAGE, "unknown command \"%s\" (see: logitlens help)", name);
    if (!rc)
        rc = ll_print_text(&out, err);
    ll_buf_free(&out);
    return rc;
}

int ll_help_version(struct ll_err *err)
{
    struct ll_buf out = {0};
    ll_buf_addf(&out, "%s\n", ll_tool_version());
    int rc = ll_print_text(&out, err);
    ll_buf_free(&out);
    return rc;
}
