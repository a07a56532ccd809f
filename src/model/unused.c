/* unused.c - see unused.h */
#include "unused.h"

#include "buf.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* ---- kinds of names -------------------------------------------------------------------------- */

/* Last parts that are buffers, not weights: made anew from the settings, or used only for quantised
 * activations. */
static const char *const buffers[] = {
    "inv_freq",       "masked_bias", "position_ids",        "attn.bias", "attn.attention.bias",
    "attention.bias", "input_scale", "output_scale",        "k_scale",   "v_scale",
    "q_scale",        "prob_scale",  "num_batches_tracked", NULL,
};

static int is_buffer(const struct ll_tensor *t)
{
    size_t len = strlen(t->name);
    for (int i = 0; buffers[i]; i++) {
        size_t n = strlen(buffers[i]);
        if (len >= n && !strcmp(t->name + len - n, buffers[i]) && (len == n || t->name[len - n - 1] == '.'))
            return strcmp(buffers[i] + n - 4, "bias")
                || t->n_dims == 4; /* a mask [1, 1, n, n]; a bias has one dimension */
    }
    return 0;
}

static int is_adapter(const char *name)
{
    return strstr(name, ".lora_") || strstr(name, ".lora_magnitude") || strstr(name, ".modules_to_save.");
}

/* ---- groups: names that differ in numbers only ----------------------------------------------- */

struct group {
    char *pattern;
    int n;
};

/* "model.layers.3.x" as "model.layers.N.x". */
static void put_pattern(const char *name, struct ll_buf *out)
{
    for (int begins = 1; *name; begins = *name == '.', name++) {
        size_t digits = begins ? strspn(name, "0123456789") : 0;
        if (digits && (name[digits] == '.' || !name[digits])) {
            ll_buf_addc(out, 'N');
            name += digits - 1;
        } else
            ll_buf_addc(out, *name);
    }
}

enum { SHOWN = 4 };
struct list {
    struct group g[SHOWN];
    int n_groups, n;
};

static void add(struct list *l, const char *name)
{
    struct ll_buf pattern = {0};
    put_pattern(name, &pattern);
    l->n++;
    int i = 0;
    while (i < l->n_groups && strcmp(l->g[i].pattern, ll_buf_str(&pattern)))
        i++;
    if (i < l->n_groups)
        l->g[i].n++;
    else if (i < SHOWN && !pattern.failed && pattern.s) {
        l->g[l->n_groups++] = (struct group){pattern.s, 1};
        return;
    }
    ll_buf_free(&pattern);
}

/* "a.N.b (24), c and 3 more" */
static void put_list(const struct list *l, struct ll_buf *out)
{
    int left = l->n;
    for (int i = 0; i < l->n_groups; i++) {
        ll_buf_addf(out, "%s%.120s", i ? ", " : "", l->g[i].pattern);
        if (l->g[i].n > 1)
            ll_buf_addf(out, " (%d)", l->g[i].n);
        left -= l->g[i].n;
    }
    if (left)
        ll_buf_addf(out, " and %d more", left);
}

static int note(struct ll_model *m, struct list *l, const char *what, struct ll_err *err)
{
    struct ll_buf names = {0};
    put_list(l, &names);
    int rc = ll_buf_ok(&names, err);
    if (!rc && l->n)
        rc = ll_ckpt_note(m->ckpt, err, "%d tensor%s: %s", l->n, what, ll_buf_str(&names));
    ll_buf_free(&names);
    for (int i = 0; i < l->n_groups; i++)
        free(l->g[i].pattern);
    return rc;
}

/* ---- public ---------------------------------------------------------------------------------- */

static int is_head(const struct ll_model *m, const char *name)
{
    char own[LL_NAME_BYTES];
    return ll_role_name(m, LL_R_W_U, 0, 0, own) && !strcmp(own, name);
}

int ll_note_unused(struct ll_model *m, struct ll_err *err)
{
    struct list adapters = {0}, others = {0};
    unsigned char seen[LL_MAX_LAYERS] = {0};
    int more = 0, rc = LL_OK, rc2;
    const char *body = m->names.body ? m->names.body : "";
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        const char *rest;
        if (m->layer_of[i] != LL_UNUSED || t->consulted || (!m->ckpt->gguf && is_buffer(t))
            || (m->tied && is_head(m, t->name)))
            continue;
        int layer = ll_name_layer(m, t->name, &rest);
        if (is_adapter(t->name))
            add(&adapters, t->name);
        else if (layer >= m->n_layers && layer < LL_MAX_LAYERS) {
            more += !seen[layer];
            seen[layer] = 1;
        } else if (layer >= 0 || !m->family->wraps || (*body && !strncmp(t->name, body, strlen(body))))
            add(&others, t->name);
    }
    if (more)
        rc = ll_ckpt_note(
            m->ckpt, err,
            "the settings ask for %d layers, but tensors of %d more are stored: the pass ends after %d",
            m->n_layers, more, m->n_layers);
    rc2 = note(m, &adapters,
               adapters.n == 1
                   ? " of an adapter is not applied, this is the base model without it (merge it first)"
                   : "s of an adapter are not applied, this is the base model without it (merge it first)",
               err);
    rc = rc ? rc : rc2;
    rc2 = note(m, &others, others.n == 1 ? " that the pass does not read" : "s that the pass does not read",
               err);
    return rc ? rc : rc2;
}
