/* run_key.c - see run_key.h
 *
 * Every piece is preceded by its name and length, so that no two things asked feed the hash the same bytes.
 */
#include "run_key.h"

#include "intervene.h"
#include "map.h"
#include "provenance.h"
#include "run_settings.h"
#include "run_tables.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_EXPERIMENT = 1 << 28 };

/* A member was added or went? Put it into the key (put_asked, put_ask), or say there why no output depends on
 * it; then count again. */
#if defined(__LP64__)
_Static_assert(sizeof(struct ll_experiment) == 1616,
               "struct ll_experiment has changed: what does the key of kept results say of it?");
_Static_assert(sizeof(struct ll_ask) == 96,
               "struct ll_ask has changed: what does the key of kept results say of it?");
#endif

/* ---- pieces ---------------------------------------------------------------------------------- */

static void put(struct ll_sha256 *sha, const char *name, const void *bytes, size_t n)
{
    char head[64];
    int len = snprintf(head, sizeof head, "%.40s %zu\n", name, n);
    ll_sha256_add(sha, head, (size_t)len);
    if (n)
        ll_sha256_add(sha, bytes, n);
}

/* An absent text is another thing than an empty one. */
static void put_text(struct ll_sha256 *sha, const char *name, const char *s)
{
    put(sha, s ? name : "absent", s ? s : name, strlen(s ? s : name));
}
static void put_int(struct ll_sha256 *sha, const char *name, long long v) { put(sha, name, &v, sizeof v); }
static void put_num(struct ll_sha256 *sha, const char *name, double v) { put(sha, name, &v, sizeof v); }

static void put_texts(struct ll_sha256 *sha, const char *name, char *const *v, int n)
{
    put_int(sha, name, n);
    for (int i = 0; i < n; i++)
        put_text(sha, name, v[i]);
}

static void put_nums(struct ll_sha256 *sha, const char *name, const double *v, int n)
{
    put(sha, name, v, sizeof *v * (size_t)n);
}

/* ---- the run's part -------------------------------------------------------------------------- */

static void put_ask(struct ll_sha256 *sha, const struct ll_ask *a)
{
    put_text(sha, "pass_key", a->pass_key);
    put_text(sha, "fact_key", a->fact_key);
    put_text(sha, "prompt_id", a->prompt_id);
    put_text(sha, "variant", a->variant);
    put_text(sha, "text", a->text);
    put_texts(sha, "answers", a->answers, a->n_answers);
    put_int(sha, "fact_index", a->fact_index);
    put(sha, "ids", a->ids, sizeof *a->ids * (size_t)a->n_ids);
    put_int(sha, "answer_id", a->answer_id);
    put_int(sha, "is_control", a->is_control);
    put_text(sha, "control_of", a->control_of);
    put_int(sha, "control_index", a->control_index);
}

static void put_labels(struct ll_sha256 *sha, const struct ll_copy_labels *l)
{
    put_nums(sha, "strict", l->strict, l->n_strict);
    put_num(sha, "margin", l->margin);
    for (int i = 0; i < l->n_soft; i++) {
        put_int(sha, "soft_k", l->soft[i].k);
        put_num(sha, "soft_threshold", l->soft[i].threshold);
    }
}

/* Models by name: their checkpoints are looked at one by one. Not here: models_err (then nothing runs), notes
 * (said on stderr), tuned_dir (a path; what lies there is the model's part). */
static int put_asked(struct ll_sha256 *sha, const struct ll_experiment *e, struct ll_err *err)
{
    put_text(sha, "name", e->name);
    put_int(sha, "n_models", e->n_models);
    for (int i = 0; i < e->n_models; i++) {
        char *name = ll_path_base(e->models[i]);
        if (!name)
            return ll_fail_mem(err, "model name", strlen(e->models[i]));
        put_text(sha, "model", name);
        free(name);
    }
    put_int(sha, "n_asks", e->n_asks);
    for (int i = 0; i < e->n_asks; i++)
        put_ask(sha, &e->asks[i]);
    put_texts(sha, "test_prompts", e->test_prompts, e->n_test_prompts);
    put_texts(sha, "words", e->words, e->n_words);
    put_nums(sha, "temperatures", e->temperatures, e->n_temperatures);
    const char *name;
    for (int nr = 0, v; ll_run_setting_at(e, nr, &name, &v); nr++)
        put_int(sha, name, v);
    put_num(sha, "copy_threshold", e->copy.threshold);
    put_num(sha, "copy_margin", e->copy.margin);
    put_labels(sha, &e->labels);
    put_int(sha, "tuned", e->tuned_dir ? (int)e->tuned : -1);
    put_texts(sha, "interventions", e->interventions, e->n_interventions);
    put_text(sha, "interventions_text", e->interventions_text);
    return LL_OK;
}

/* White space between the words of a JSON text: how it is laid out shapes nothing. */
static void drop_layout(struct ll_buf *json)
{
    size_t n = 0;
    for (size_t i = 0, in_text = 0; i < json->len; i++) {
        char c = json->s[i];
        if (in_text && c == '\\' && i + 1 < json->len) {
            json->s[n++] = c;
            c = json->s[++i];
        } else
            in_text ^= c == '"';
        if (in_text || !strchr(" \t\r\n", c) || !c)
            json->s[n++] = c;
    }
    json->len = n;
}

/* What is kept by an older build has the columns of its time. */
static void put_columns(struct ll_sha256 *sha)
{
    for (const struct ll_schema *const *t = ll_run_tables; *t; t++)
        for (int i = 0; i < (*t)->n_cols; i++)
            put_text(sha, (*t)->table, (*t)->cols[i].name);
}

int ll_run_key(const struct ll_run_asked *asked, char key[65], struct ll_err *err)
{
    struct ll_sha256 sha;
    struct ll_buf text = {0};
    ll_sha256_init(&sha);
    put_text(&sha, "tool", ll_tool_version());
    put_text(&sha, "rule", LL_ENGINE_RULE);
    put_int(&sha, "schema", LL_SCHEMA_VERSION);
    put_columns(&sha);
    for (const char *const *s = asked->settings; s[0]; s += 2) {
        put_text(&sha, "setting", s[0]);
        put_text(&sha, "value", s[1]);
    }
    put_text(&sha, "capacity", asked->capacity);
    put_int(&sha, "keep_resid", asked->keep_resid);
    put_int(&sha, "shard", asked->shard);
    put_int(&sha, "n_shards", asked->n_shards);
    int rc = put_asked(&sha, asked->e, err);
    if (!rc && !(rc = ll_file_read(asked->file, MAX_EXPERIMENT, &text, err))) {
        drop_layout(&text);
        put(&sha, "experiment", ll_buf_str(&text), text.len);
    }
    ll_sha256_hex(&sha, key);
    ll_buf_free(&text);
    return rc;
}

/* ---- the model's part ------------------------------------------------------------------------ */

/* No device number: it is another one on each machine that mounts the same network folder. */
static int put_stamp(struct ll_sha256 *sha, const char *path, struct ll_err *err)
{
    struct stat st;
    if (stat(path, &st))
        return ll_fail(err, LL_EFAIL, "%s: %s", path, strerror(errno));
    const long long facts[] = {(long long)st.st_size,        (long long)st.st_ino,
                               (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                               (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec};
    put(sha, "stamp", facts, sizeof facts);
    return LL_OK;
}

/* What readers of settings, tokens or lenses may open in a folder, whatever it is called. */
static int is_document(const struct dirent *e)
{
    static const char *const ends[] = {".json", ".model", ".txt", ".tiktoken", ".jinja"};
    size_t n = strlen(e->d_name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (n > strlen(ends[i]) && !strcmp(e->d_name + n - strlen(ends[i]), ends[i]))
            return 1;
    return 0;
}

static int is_visible(const struct dirent *e) { return e->d_name[0] != '.'; }

/* look at every file of dir that `wanted` takes, in order of names. */
static int each_file(struct ll_sha256 *sha, const char *dir, int (*wanted)(const struct dirent *),
                     int (*look)(struct ll_sha256 *, const char *, struct ll_err *), struct ll_err *err)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, wanted, alphasort),
        rc = n < 0 ? ll_fail(err, LL_EFAIL, "%s: cannot read the folder: %s", dir, strerror(errno)) : LL_OK;
    for (int i = 0; i < n; i++) {
        char *path = rc ? NULL : ll_path_join(dir, list[i]->d_name);
        if (!rc && !path)
            rc = ll_fail_mem(err, "path", strlen(dir));
        if (path && ll_is_file(path)) {
            put_text(sha, "file", list[i]->d_name);
            rc = look(sha, path, err);
        }
        free(path);
        free(list[i]);
    }
    free(list);
    return rc;
}

static int put_content(struct ll_sha256 *sha, const char *path, struct ll_err *err)
{
    struct ll_map map;
    int rc = ll_map_open(&map, path, err);
    if (!rc)
        put(sha, "content", map.data, map.size);
    ll_map_close(&map);
    return rc;
}

static int put_weights(struct ll_sha256 *sha, const struct ll_ckpt *c, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < c->n_files && !rc; i++) {
        put_text(sha, "file", c->files[i].name);
        rc = put_stamp(sha, c->files[i].path, err);
    }
    return rc;
}

int ll_ckpt_stamp(const struct ll_ckpt *ckpt, char stamp[65], struct ll_err *err)
{
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    int rc = put_weights(&sha, ckpt, err);
    ll_sha256_hex(&sha, stamp);
    return rc;
}

static void put_prompt(struct ll_sha256 *sha, const struct ll_sweep_prompt *p)
{
    int rows = p->want == LL_SWEEP_TAIL ? p->n_tail : 1;
    put_int(sha, "want", p->want);
    put_int(sha, "tail", p->n_tail);
    put(sha, "ids", p->ids, sizeof *p->ids * (size_t)p->n_ids);
    put(sha, "tracked", p->tracked,
        p->n_tracked ? sizeof *p->tracked * (size_t)p->n_tracked * (size_t)rows : 0);
    put(sha, "follow", p->follow, p->follow ? sizeof *p->follow * (size_t)(p->n_ids - 1) : 0);
}

int ll_model_key(const struct ll_model_given *g, char key[65], struct ll_err *err)
{
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    put_text(&sha, "run", g->run_key);
    put_text(&sha, "identity", g->info->identity);
    put_text(&sha, "model_id", g->info->model_id);
    put_text(&sha, "clean", g->info->clean);
    put_text(&sha, "container", g->info->container);
    put_text(&sha, "stem", g->stem);
    put_text(&sha, "memory_fit", g->memory_fit);
    for (int i = 0; i < g->n_prompts; i++)
        put_prompt(&sha, &g->prompts[i]);
    for (int i = 0; i < g->iv->n; i++) {
        const struct ll_intervention *v = &g->iv->v[i];
        put_text(&sha, "intervention", v->spec);
        put(&sha, "values", v->values,
            v->values ? sizeof *v->values * (size_t)v->n_rows * (size_t)v->width : 0);
    }
    put_text(&sha, "no_lens", ll_buf_str(&g->tuned->reason));
    const struct ll_ckpt *c = g->s->model->ckpt;
    int rc = put_weights(&sha, c, err);
    if (!rc && !c->gguf) /* a GGUF file holds settings and tokens itself */
        rc = each_file(&sha, c->dir, is_document, put_stamp, err);
    if (!rc && g->tuned->lens)
        rc = each_file(&sha, g->tuned->dir, is_visible, put_content, err);
    ll_sha256_hex(&sha, key);
    return rc;
}
