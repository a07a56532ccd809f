/* names.c - see names.h
 *
 * A family's names have a root ("model.", "transformer.", none) in front of all that belongs to the body; the
 * head stands outside of it. Checkpoints of the bare body lack the root, wrappers put more in front. So one
 * look at the whole list, when the model is opened, finds what stands in front of the embedding and the
 * blocks, and every name is made with that. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts that wrappers put into names ------------------------------------------------------ */

/* torch.compile, FSDP, activation checkpointing, PEFT: the module that they wrap is meant. */
static const char *const wrappers[] = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
                                       "base_layer"};

/* Bytes of the wrapper's part that begins here, its dot included; 0: none. */
static size_t wrapper_at(const char *s)
{
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        size_t n = strlen(wrappers[i]);
        if (!strncmp(s, wrappers[i], n) && s[n] == '.')
            return n + 1;
    }
    return 0;
}

/* name without wrappers' parts into out (NULL: only counted). Bytes of it. */
static size_t put_clean(const char *name, char *out)
{
    size_t n = 0, skip;
    for (int begins = 1; *name;) {
        if (begins && (skip = wrapper_at(name))) {
            name += skip;
            continue;
        }
        begins = *name == '.';
        if (out)
            out[n] = *name;
        n++;
        name++;
    }
    if (out)
        out[n] = 0;
    return n;
}

static int has_wrapper(const char *name)
{
    int found = wrapper_at(name) > 0;
    for (const char *dot = name; !found && (dot = strchr(dot, '.')); dot++)
        found = wrapper_at(dot + 1) > 0;
    return found;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ll_alias *)a)->name, ((const struct ll_alias *)b)->name);
}

/* The list of names without wrappers' parts, where some have them. */
static int read_through(struct ll_model *m, struct ll_err *err)
{
    const struct ll_ckpt *c = m->ckpt;
    struct ll_tensor_names *x = &m->names;
    size_t bytes = 0;
    int any = 0;
    for (int i = 0; i < c->n_tensors; i++) {
        any |= has_wrapper(c->tensors[i].name);
        bytes += strlen(c->tensors[i].name) + 1;
    }
    if (!any)
        return LL_OK;
    x->alias = calloc((size_t)c->n_tensors, sizeof *x->alias);
    x->text = malloc(bytes);
    if (!x->alias || !x->text)
        return ll_fail_mem(err, "names of tensors", bytes);
    char *at = x->text;
    for (int i = 0; i < c->n_tensors; i++) {
        size_t n = put_clean(c->tensors[i].name, at);
        x->alias[i] = (struct ll_alias){at, &c->tensors[i]};
        at += n + 1;
    }
    x->n_alias = c->n_tensors;
    qsort(x->alias, (size_t)x->n_alias, sizeof *x->alias, by_name);
    for (int i = 0; i + 1 < x->n_alias; i++)
        if (!by_name(&x->alias[i], &x->alias[i + 1]))
            return ll_fail(
                err, LL_EUSAGE,
                "%s: tensors %.200s and %.200s: expected one of that name without wrappers, found both",
                c->clean, x->alias[i].tensor->name, x->alias[i + 1].tensor->name);
    return LL_OK;
}

/* ---- the list as it is read ------------------------------------------------------------------ */

static int n_names(const struct ll_model *m)
{
    return m->names.alias ? m->names.n_alias : m->ckpt->n_tensors;
}
static const char *name_at(const struct ll_model *m, int i)
{
    return m->names.alias ? m->names.alias[i].name : m->ckpt->tensors[i].name;
}

static const struct ll_tensor *find(const struct ll_model *m, const char *name)
{
    const struct ll_tensor_names *x = &m->names;
    if (!x->alias)
        return ll_ckpt_find(m->ckpt, name);
    const struct ll_alias key = {name, NULL},
                          *a = bsearch(&key, x->alias, (size_t)x->n_alias, sizeof key, by_name);
    return a ? a->tensor : NULL;
}

/* Does any name begin so? */
static int any_begins(const struct ll_model *m, const char *before)
{
    int lo = 0, hi = n_names(m);
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (strcmp(name_at(m, mid), before) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n_names(m) && !strncmp(name_at(m, lo), before, strlen(before));
}

/* ---- patterns -------------------------------------------------------------------------------- */

/* Name patterns of a role: the family's, or what GGUF calls it. NULL: the family has no such tensor. */
static const char *patterns(const struct ll_model *m, enum ll_role role)
{
    return m->ckpt->gguf && m->family->names[role] ? ll_gguf_names[role] : m->family->names[role];
}

static int of_head(enum ll_role role) { return role == LL_R_W_U || role == LL_R_B_U; }

/* The pattern in the checkpoint's words, with its first %d the layer, its second the expert. */
static void fill_name(const struct ll_model *m, enum ll_role role, const char *pattern, size_t n, int layer,
                      int expert, char out[LL_NAME_BYTES])
{
    int numbers[2] = {layer, expert}, used = 0;
    const char *before = of_head(role) ? m->names.head : m->names.body;
    size_t at = 0, skip = before && !of_head(role) ? m->names.root : 0;
    if (before)
        at = (size_t)snprintf(out, LL_NAME_BYTES, "%.*s", LL_NAME_BYTES / 2, before);
    for (size_t i = skip; i < n && at + 12 < LL_NAME_BYTES; i++)
        if (pattern[i] == '%' && i + 1 < n && pattern[i + 1] == 'd' && used < 2) {
            at += (size_t)snprintf(out + at, LL_NAME_BYTES - at, "%d", numbers[used++]);
            i++;
        } else
            out[at++] = pattern[i];
    out[at] = 0;
}

/* ---- what stands in front -------------------------------------------------------------------- */

/* The first layered pattern of the family: "model.layers.%d.input_layernorm.weight". */
static const char *some_layered(const struct ll_model *m)
{
    for (int r = 0; r < LL_N_ROLES; r++)
        if (m->family->names[r] && strstr(m->family->names[r], "%d"))
            return m->family->names[r];
    return "%d";
}

/* Bytes of the family's root: the longest run of whole parts that the embedding, the final norm and the
 * blocks begin with. */
static size_t find_root(const struct ll_model *m)
{
    const char *emb = m->family->names[LL_R_W_E], *norm = m->family->names[LL_R_LN_FINAL],
               *block = some_layered(m);
    size_t root = 0;
    for (size_t i = 0; emb[i] && emb[i] == norm[i] && emb[i] == block[i]; i++)
        if (emb[i] == '.')
            root = i + 1;
    return root;
}

/* Are there blocks below `before` (n bytes)? */
static int has_blocks(const struct ll_model *m, const char *before, size_t n, size_t root)
{
    char name[LL_NAME_BYTES];
    const char *block = some_layered(m);
    int len = snprintf(name, sizeof name, "%.*s%.*s", (int)n, before,
                       (int)(strstr(block, "%d") - block - (ptrdiff_t)root), block + root);
    return len < (int)sizeof name && any_begins(m, name);
}

/* The head stands beside the body's root or further out: the innermost place that has one; else beside the
 * root. */
static char *find_head(const struct ll_model *m, const char *body, size_t root)
{
    size_t n = strlen(body);
    const char *emb = m->family->names[LL_R_W_E], *head = m->family->names[LL_R_W_U];
    char name[LL_NAME_BYTES];
    if (root && n >= root && !strncmp(body + n - root, emb, root) && (n == root || body[n - root - 1] == '.'))
        n -= root;
    for (size_t at = n; head;) {
        snprintf(name, sizeof name, "%.*s%.*s", (int)at, body, (int)strcspn(head, "|"), head);
        if (find(m, name))
            return strndup(body, at);
        if (!at)
            break;
        for (at--; at > 0 && body[at - 1] != '.'; at--)
            ;
    }
    return strndup(body, n);
}

/* What stands in front of a tensor of the body (the family's own root first, else the one prefix that also
 * has blocks), owned; NULL: *err is set, or there is no such tensor. */
static char *find_before(const struct ll_model *m, enum ll_role role, size_t root, struct ll_err *err)
{
    const char *own = m->family->names[role], *name = own + root, *found = NULL, *second = NULL;
    size_t n = strcspn(name, "|"), found_n = 0, second_n = 0;
    for (int i = 0; i < n_names(m); i++) {
        const char *at = name_at(m, i);
        size_t len = strlen(at), before = len - n;
        if (len < n || strncmp(at + before, name, n) || (before && at[before - 1] != '.')
            || before >= LL_NAME_BYTES / 2 || !has_blocks(m, at, before, root))
            continue;
        if (before == root && !strncmp(at, own, root))
            return strndup(own, root);
        if (found) {
            second = at;
            second_n = before;
        } else {
            found = at;
            found_n = before;
        }
    }
    if (second)
        return ll_fail(
                   err, LL_EUSAGE,
                   "%s: expected one model, found the tensors of several, below \"%.*s\" and below \"%.*s\"",
                   m->ckpt->clean, (int)found_n, found, (int)second_n, second),
               NULL;
    return found ? strndup(found, found_n) : NULL;
}

/* What stands in front of the embedding, or where that is missing (a tied head alone serves as both) of the
 * final norm; owned. */
static char *find_body(const struct ll_model *m, size_t root, struct ll_err *err)
{
    char *body = find_before(m, LL_R_W_E, root, err);
    if (!body && !err->code)
        body = find_before(m, LL_R_LN_FINAL, root, err);
    if (!body && !err->code && !(body = strndup(m->family->names[LL_R_W_E], root)))
        ll_fail_mem(err, "names of tensors", root);
    return body;
}

int ll_tensor_names_open(struct ll_model *m, struct ll_err *err)
{
    struct ll_tensor_names *x = &m->names;
    if (m->ckpt->gguf) /* one standard, no wrappers */
        return LL_OK;
    struct ll_err own = {0};
    err = err ? err : &own;
    int rc = read_through(m, err);
    if (rc)
        return rc;
    x->root = find_root(m);
    if (!(x->body = find_body(m, x->root, err)))
        return err->code;
    x->head = find_head(m, x->body, x->root);
    return x->head ? LL_OK : ll_fail_mem(err, "names of tensors", strlen(x->body));
}

void ll_tensor_names_close(struct ll_tensor_names *x)
{
    free(x->body);
    free(x->head);
    free(x->alias);
    free(x->text);
    memset(x, 0, sizeof *x);
}

/* ---- public ---------------------------------------------------------------------------------- */

const struct ll_tensor *ll_role_tensor(const struct ll_model *m, enum ll_role role, int layer, int expert)
{
    const struct ll_tensor *t = NULL;
    const char *at = patterns(m, role);
    char name[LL_NAME_BYTES];
    while (at && !t) {
        size_t n = strcspn(at, "|");
        fill_name(m, role, at, n, layer, expert, name);
        t = find(m, name);
        at = at[n] ? at + n + 1 : NULL;
    }
    return t;
}

int ll_role_name(const struct ll_model *m, enum ll_role role, int layer, int expert, char out[LL_NAME_BYTES])
{
    const char *pattern = patterns(m, role);
    out[0] = 0;
    if (pattern)
        fill_name(m, role, pattern, strcspn(pattern, "|"), layer, expert, out);
    return pattern != NULL;
}

/* The last two parts of a name: "embed_tokens.weight". */
static const char *tail_of(const char *name)
{
    const char *last = strrchr(name, '.'), *tail = last ? last : name;
    while (tail > name && tail[-1] != '.')
        tail--;
    return tail;
}

int ll_role_missing(const struct ll_model *m, enum ll_role role, int layer, int expert, struct ll_err *err)
{
    enum { SHOWN = 3 };
    char name[LL_NAME_BYTES];
    struct ll_buf some = {0};
    int n = 0, all = m->ckpt->n_tensors;
    if (!ll_role_name(m, role, layer, expert, name))
        return ll_fail(err, LL_EFAIL, "family %s has no name for role %d", m->family->name, (int)role);
    const char *tail = tail_of(name);
    for (int like = 1; like >= 0 && !n; like--) /* names that end alike; else the first ones */
        for (int i = 0; i < all && n < SHOWN; i++) {
            const char *found = m->ckpt->tensors[i].name;
            size_t len = strlen(found), t = strlen(tail);
            if (!like || (len > t && !strcmp(found + len - t, tail)))
                ll_buf_addf(&some, "%s%.100s", n++ ? ", " : "", found);
        }
    const char *why = role == LL_R_W_U && !m->ckpt->gguf
        ? "; tie_word_embeddings is not true, so that the model needs a head of its own (is this a body "
          "without its head?)"
        : "";
    ll_fail(err, LL_EUSAGE, "%s: tensor %s is missing%s; there are %d tensors%s%s", m->ckpt->clean, name, why,
            all, n ? ", such as " : "", ll_buf_str(&some));
    ll_buf_free(&some);
    return LL_EUSAGE;
}

int ll_role_is_layered(const struct ll_model *m, enum ll_role role)
{
    const char *pattern = patterns(m, role);
    return pattern && strstr(pattern, "%d");
}

/* name = before + number + "." + *rest; the number, or -1. */
static int number_after(const char *name, const char *before, size_t n, const char **rest)
{
    int number = 0, digits = 0;
    if (strncmp(name, before, n))
        return -1;
    for (name += n; *name >= '0' && *name <= '9' && digits < 5; name++, digits++)
        number = 10 * number + (*name - '0');
    *rest = name + 1;
    return digits && *name == '.' && number < 4096 ? number : -1;
}

/* Where byte n of the name without wrappers' parts stands in the name. */
static const char *stored_at(const char *name, size_t n)
{
    size_t skip;
    for (int begins = 1; *name; begins = *name == '.', name++) {
        while (begins && (skip = wrapper_at(name)))
            name += skip;
        if (!n--)
            break;
    }
    return name;
}

int ll_name_layer(const struct ll_model *m, const char *name, const char **rest)
{
    const char *before = m->names.body ? m->names.body : "", *clean_rest = NULL;
    size_t len = strlen(before), root = m->names.body ? m->names.root : 0;
    char own[512], *clean = NULL;
    const char *at = name;
    if (m->names.alias && has_wrapper(name)) {
        if (put_clean(name, NULL) >= sizeof own)
            return -1;
        put_clean(name, own);
        at = clean = own;
    }
    if (strncmp(at, before, len))
        return -1;
    for (int r = 0; r < LL_N_ROLES; r++) {
        const char *pattern = of_head((enum ll_role)r) ? NULL : patterns(m, (enum ll_role)r),
                   *number = pattern ? strstr(pattern, "%d") : NULL;
        int layer = number
            ? number_after(at + len, pattern + root, (size_t)(number - pattern) - root, &clean_rest)
            : -1;
        if (layer < 0)
            continue;
        *rest = clean ? stored_at(name, (size_t)(clean_rest - at)) : clean_rest;
        return layer;
    }
    return -1;
}
