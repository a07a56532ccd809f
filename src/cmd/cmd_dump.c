/* cmd_dump.c - activations of one pass, for comparing with other programs. */
#include "cmd.h"
#include "forward.h"
#include "json_write.h"
#include "map.h"
#include "outfile.h"
#include "npz_write.h"
#include "prompts.h"
#include "provenance.h"
#include "ref_place.h"
#include "refstack.h"
#include "sha256.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump_opts {
    struct ll_common common;
    const char *hooks, *out, *bin, *ids;
    int counted, exact;
};
static const struct dump_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                          .hooks = "embed,resid_post,ln_final.normalized"};
enum { N_OPTS = 9 };

static void opt_table(struct dump_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out", LL_OPT_STR, &o->out, "FILE", "hook names as keys: .safetensors, or .npz for numpy.load", 0,
         0, NULL},
        {"--bin", LL_OPT_STR, &o->bin, "DIR",
         "a folder of after_layer_N.bin and layerN_COMPONENT.bin for numpy.fromfile(f, '<f4'); shapes in "
         "manifest.json",
         0, 0, NULL},
        {"--counted", LL_OPT_FLAG, &o->counted, NULL, "with --bin: a count of 4 bytes before the values", 0,
         0, NULL},
        {"--hooks", LL_OPT_STR, &o->hooks, "LIST",
         "hook points, separated by commas: every layer (resid_post) or one (blocks.3.hook_resid_post); all",
         0, 0, NULL},
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_dump_options(struct ll_buf *out)
{
    struct dump_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out, "\nhook points:");
    for (int h = 0, at = 100; h < LL_N_HOOKS; h++) {
        const char *name = ll_hook_info((enum ll_hook)h)->name;
        if (at + (int)strlen(name) > 70) {
            ll_buf_adds(out, "\n ");
            at = 2;
        }
        ll_buf_addf(out, " %s", name);
        at += (int)strlen(name) + 1;
    }
    ll_buf_addc(out, '\n');
}

/* Which (hook, layer) pairs are wanted: one bit a hook for "every layer", and a list of single ones. */
struct wanted {
    uint32_t every;
    struct {
        int hook, layer;
    } one[256];
    int n_one;
};

static int parse_hooks(const char *list, int n_layers, struct wanted *w, struct ll_err *err)
{
    memset(w, 0, sizeof *w);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        char name[96];
        int layer;
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        int h = ll_hook_parse(name, &layer);
        if (!strcmp(name, "all"))
            w->every = (LL_HOOK_BIT(LL_N_HOOKS)) - 1;
        else if (h < 0)
            return ll_fail(err, LL_EUSAGE, "--hooks: unknown hook point \"%s\" (see: logitlens help dump)",
                           name);
        else if (layer >= n_layers)
            return ll_fail(err, LL_EUSAGE, "--hooks: %s: expected a layer in 0..%d", name, n_layers - 1);
        else if (layer < 0)
            w->every |= LL_HOOK_BIT(h);
        else if (w->n_one == 256)
            return ll_fail(err, LL_EUSAGE, "--hooks: expected at most 256 single points");
        else {
            w->one[w->n_one].hook = h;
            w->one[w->n_one++].layer = layer;
        }
        p += n + (p[n] == ',');
    }
    return w->every || w->n_one ? LL_OK
                                : ll_fail(err, LL_EUSAGE, "--hooks: expected at least one hook point");
}

static int is_wanted(const struct wanted *w, int hook, int layer)
{
    if (w->every & LL_HOOK_BIT(hook))
        return 1;
    for (int i = 0; i < w->n_one; i++)
        if (w->one[i].hook == hook && w->one[i].layer == layer)
            return 1;
    return 0;
}

/* What the listener keeps. A hook may come in several chunks of rows; there is one sequence, so never more
 * than one here. */
struct keep {
    const struct wanted *w;
    const struct ll_model *m;
    struct ll_array *arrays;
    int n, cap;
};

static int shape_of(const struct keep *k, const struct ll_hook_visit *v, struct ll_array *a)
{
    const struct ll_model *m = k->m;
    switch (ll_hook_info(v->hook)->width) {
    case LL_WIDTH_POS_POS:
        a->dims[0] = m->n_heads;
        a->dims[1] = a->dims[2] = v->n_rows;
        return 3;
    case LL_WIDTH_HEADS:
    case LL_WIDTH_KV_HEADS:
        a->dims[0] = v->n_rows;
        a->dims[1] = v->width / m->d_head;
        a->dims[2] = m->d_head;
        return 3;
    case LL_WIDTH_ONE: a->dims[0] = v->n_rows; return 1;
    default:
        a->dims[0] = v->n_rows;
        a->dims[1] = v->width;
        return 2;
    }
}

static int on_hook(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct keep *k = arg;
    if (!is_wanted(k->w, v->hook, v->layer))
        return LL_OK;
    if (k->n == k->cap) {
        int cap = k->cap ? 2 * k->cap : 64;
        struct ll_array *grown = realloc(k->arrays, sizeof *grown * (size_t)cap);
        if (!grown)
            return ll_fail_mem(err, "dump", sizeof *grown * (size_t)cap);
        k->arrays = grown;
        k->cap = cap;
    }
    struct ll_array a = {.type = LL_ARRAY_F32};
    char name[64];
    a.n_dims = shape_of(k, v, &a);
    int square = a.n_dims == 3 && ll_hook_info(v->hook)->width == LL_WIDTH_POS_POS;
    size_t rows = square ? (size_t)k->m->n_heads * (size_t)v->n_rows : (size_t)v->n_rows,
           width = (size_t)v->width;
    float *x = malloc(sizeof *x * rows * width);
    ll_hook_full_name(v->hook, v->layer, name);
    a.name = strdup(name);
    if (!x || !a.name) {
        free(x);
        free(a.name);
        return ll_fail_mem(err, "dump", sizeof *x * rows * width);
    }
    for (size_t r = 0; r < rows; r++)
        memcpy(x + r * width, v->data + r * (size_t)v->stride, sizeof *x * width);
    a.data = x;
    k->arrays[k->n++] = a;
    return LL_OK;
}

/* .npz, or (with any other name that does not promise another format) safetensors. */
static const char *ending(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return dot && dot > base ? dot : "";
}

static int check_ending(const char *path, struct ll_err *err)
{
    const char *end = ending(path);
    if (!*end || !strcmp(end, ".safetensors") || !strcmp(end, ".npz"))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "--out: expected a name ending in .safetensors or .npz, found \"%.40s\"",
                   end);
}

static int write_npz(const char *path, const struct ll_array *all, int n, struct ll_err *err)
{
    struct ll_npz_array *a = malloc(sizeof *a * (size_t)n);
    if (!a)
        return ll_fail_mem(err, "dump", sizeof *a * (size_t)n);
    for (int i = 0; i < n; i++) {
        a[i] =
            (struct ll_npz_array){all[i].name, all[i].type == LL_ARRAY_I32, all[i].n_dims, {0}, all[i].data};
        memcpy(a[i].dims, all[i].dims, sizeof a[i].dims);
    }
    int rc = ll_npz_write(path, a, n, err);
    free(a);
    return rc;
}

static int write_one(const struct dump_opts *o, const struct ll_session *s, const struct ll_prompt *p,
                     struct keep *k, struct ll_err *err)
{
    char identity[65];
    int rc = ll_ckpt_identity(s->model->ckpt, identity, err);
    const char *meta[] = {"tool",   ll_tool_version(), "model", s->model->ckpt->clean, "identity", identity,
                          "engine", LL_ENGINE_RULE,    NULL};
    struct ll_array *all = rc ? NULL : malloc(sizeof *all * (size_t)(k->n + 1));
    if (!rc && !all)
        rc = ll_fail_mem(err, "dump", sizeof *all * (size_t)k->n);
    if (!rc) {
        char ids_name[] = "input_ids";
        all[0] = (struct ll_array){
            .name = ids_name, .type = LL_ARRAY_I32, .n_dims = 1, .dims = {p->ids.n}, .data = p->ids.v};
        memcpy(all + 1, k->arrays, sizeof *all * (size_t)k->n);
        rc = !strcmp(ending(o->out), ".npz") ? write_npz(o->out, all, k->n + 1, err)
                                             : ll_safetensors_write(o->out, all, k->n + 1, meta, err);
    }
    free(all);
    return rc;
}

/* Values alone, as numpy's tofile and fromfile have them; hex (65 bytes) gets the SHA-256. */
static int write_values(const char *folder, const char *name, const float *x, int64_t n, char hex[65],
                        struct ll_err *err)
{
    struct ll_sha256 sha;
    char *path = ll_path_join(folder, name);
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, x, sizeof *x * (size_t)n);
    ll_sha256_hex(&sha, hex);
    int rc =
        path ? ll_file_write(path, x, sizeof *x * (size_t)n, err) : ll_fail_mem(err, "path", strlen(folder));
    free(path);
    return rc;
}

static void put_shapes(struct ll_json *j, const struct ll_session *s, const struct keep *k)
{
    ll_json_obj(j, "shapes");
    for (int i = 0; i < k->n; i++) {
        char buf[64];
        int layer, hook = ll_hook_parse(k->arrays[i].name, &layer);
        const char *name = ll_ref_bin_name(s->model, hook, layer, buf);
        if (!name)
            continue;
        ll_json_arr_flat(j, name);
        for (int dim = 0; dim < k->arrays[i].n_dims; dim++)
            ll_json_int(j, NULL, k->arrays[i].dims[dim]);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static int write_bins(const struct dump_opts *o, const struct ll_session *s, const struct ll_prompt *p,
                      const struct keep *k, struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_json j;
    int rc = ll_make_dirs(o->bin, err), n_files = 0;
    ll_json_init(&j, &text);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "model", s->model->ckpt->clean);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_json_arr_flat(&j, "token_ids");
    for (int i = 0; i < p->ids.n; i++)
        ll_json_int(&j, NULL, p->ids.v[i]);
    ll_json_end(&j);
    ll_json_arr(&j, "tokens");
    for (int i = 0; i < p->ids.n; i++) {
        struct ll_buf t = {0};
        ll_session_show(s, p->ids.v[i], &t);
        for (size_t c = 0; c < t.len; c++)
            t.s[c] = t.s[c] ? t.s[c] : '?'; /* JSON readers, ours too, end strings there */
        ll_json_str(&j, NULL, ll_buf_str(&t), t.len);
        ll_buf_free(&t);
    }
    ll_json_end(&j);
    ll_json_int(&j, "d", s->model->d_model);
    ll_json_cstr(&j, "dtype", "float32");
    ll_json_int(&j, "bytes_before_values", o->counted ? 4 : 0);
    ll_json_obj(&j, "files");
    for (int i = 0; i < k->n && !rc; i++) {
        char buf[64], hex[65];
        int layer, hook = ll_hook_parse(k->arrays[i].name, &layer);
        const char *name = ll_ref_bin_name(s->model, hook, layer, buf);
        int64_t n = 1;
        for (int dim = 0; dim < k->arrays[i].n_dims; dim++)
            n *= k->arrays[i].dims[dim];
        if (!name)
            continue;
        n_files++;
        if (!(rc = o->counted ? ll_bin_write(o->bin, name, k->arrays[i].data, n, hex, err)
                              : write_values(o->bin, name, k->arrays[i].data, n, hex, err)))
            ll_json_cstr(&j, name, hex);
    }
    ll_json_end(&j);
    put_shapes(&j, s, k);
    ll_json_end(&j);
    if (!rc && !n_files)
        rc = ll_fail(err, LL_EUSAGE,
                     "--bin: none of the hook points has such a file (the scales and resid_pre have none)");
    char *path = ll_path_join(o->bin, "manifest.json");
    if (!rc)
        rc = path && !text.failed ? ll_file_write(path, text.s, text.len, err)
                                  : ll_fail_mem(err, "manifest", text.len);
    free(path);
    ll_buf_free(&text);
    return rc;
}

static int say_how_many(int n, int n_tokens, struct ll_err *err)
{
    struct ll_buf line = {0};
    ll_buf_addf(&line, "%d activations of %d tokens\n", n, n_tokens);
    int rc = ll_print_text(&line, err);
    ll_buf_free(&line);
    return rc;
}

static int run_pass(const struct dump_opts *o, struct ll_session *s, const struct ll_prompt *p,
                    struct ll_err *err)
{
    struct wanted w;
    struct ll_pass pass = {0};
    int start[2] = {0, p->ids.n}, rc = parse_hooks(o->hooks, s->model->n_layers, &w, err);
    struct keep k = {.w = &w, .m = s->model};
    struct ll_listener l = {w.every, on_hook, &k};
    for (int i = 0; i < w.n_one; i++)
        l.hooks |= LL_HOOK_BIT(w.one[i].hook);
    struct ll_batch batch = {1, start, p->ids.v};
    if (!rc
        && !(rc = ll_pass_init(&pass, &(struct ll_pass_plan){s->model, p->ids.n, p->ids.n, &l, 1}, s->engine,
                               err)))
        rc = ll_forward(&pass, &batch, 0, s->model->n_layers, err);
    if (!rc && !k.n)
        rc = ll_fail(err, LL_EUSAGE, "--hooks: the model has none of these points");
    if (!rc && o->out)
        rc = write_one(o, s, p, &k, err);
    if (!rc && o->bin)
        rc = write_bins(o, s, p, &k, err);
    if (!rc)
        rc = say_how_many(k.n, p->ids.n, err);
    for (int i = 0; i < k.n; i++) {
        free((void *)(uintptr_t)k.arrays[i].data);
        free(k.arrays[i].name);
    }
    free(k.arrays);
    ll_pass_free(&pass);
    return rc;
}

int ll_cmd_dump(int argc, char **argv, struct ll_err *err)
{
    struct dump_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_session s = {0};
    struct ll_prompt p = {0};
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args < 1 || (!o.out && !o.bin))
        return ll_fail(err, LL_EUSAGE,
                       "dump: expected a model and --out FILE or --bin DIR (see: logitlens help dump)");
    if (o.out && (rc = check_ending(o.out, err)))
        return rc;
    if ((rc = ll_session_open(&s, args[0], NULL, o.common.threads, err)))
        return rc;
    ll_warn_notes(s.model, o.common.quiet);
    const struct ll_text_how how = {o.exact, o.common.quiet};
    rc = ll_prompt_read(&p, &s, o.ids, n_args > 1 ? args[1] : NULL, &how, NULL, err);
    if (!rc)
        rc = run_pass(&o, &s, &p, err);
    ll_prompt_free(&p);
    ll_session_close(&s);
    return rc;
}
