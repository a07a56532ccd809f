/* test_doc_keys.c - the keys of whole documents, as runs over the demo models write them, against the table
 * of keys (doc_keys.h): every member of every object is in the table and of its kind, every key that is
 * always there is there, and every key of the table is written by one of these runs or named here */
#include "unit/base/files.h"

#include "doc_keys.h"
#include "record_cols.h"
#include "sidecar_cols.h"

#include <cjson/cJSON.h>

#define EXPERIMENT LL_SOURCE_DIR "/experiments/001_layers_and_logits/experiment.json"
#define DEMO LL_SOURCE_DIR "/experiments/demo_models/demo-llama"
#define DEMO2 LL_SOURCE_DIR "/experiments/demo_models/demo-gemma2"

static int seen[LL_N_DOC_KEYS];

/* What the demo models give no reason for. */
static const enum ll_doc_key not_made[] = {LL_K_GOLD_REASON,    LL_K_ALIGNMENT_REASON,
                                           LL_K_FLAGS_VARIANCE, LL_K_FLAGS_FORWARD,
                                           LL_K_FLAGS_HEALTH,   LL_K_FLAGS_NEAR_UNIFORM,
                                           LL_K_FLAGS_POSITIONS};

static void sh(const char *fmt, const char *folder, const char *options)
{
    char command[2000];
    snprintf(command, sizeof command, fmt, folder, options);
    if (system(command))
        fail_msg("%s", command);
}

/* ---- the table ------------------------------------------------------------------------------- */
/* Does the name fit, where a '*' stands for one or more characters? */
static int fits(const char *name, const char *known)
{
    size_t head = strcspn(known, "*");
    if (!known[head])
        return !strcmp(name, known);
    size_t tail = strlen(known + head + 1), n = strlen(name);
    return n > head + tail && !strncmp(name, known, head) && !strcmp(name + n - tail, known + head + 1);
}

/* The key of that name in an object; -1: none. */
static int find_key(enum ll_doc_object in, const char *name)
{
    for (int pass = 0; pass < 2; pass++) /* exact names first */
        for (int k = 0; k < LL_N_DOC_KEYS; k++) {
            struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
            if (row.in == in && (pass ? fits(name, row.name) : !strcmp(name, row.name)))
                return k;
        }
    return -1;
}

/* ---- the walk -------------------------------------------------------------------------------- */
static int is_of_kind(const cJSON *v, enum ll_key_kind kind)
{
    switch (kind) {
    case LL_KEY_TEXT: return cJSON_IsString(v);
    case LL_KEY_INT: return cJSON_IsNumber(v) && v->valuedouble == (double)(long long)v->valuedouble;
    case LL_KEY_REAL: return cJSON_IsNumber(v);
    case LL_KEY_BOOL: return cJSON_IsBool(v);
    case LL_KEY_LIST:
    case LL_KEY_OBJECTS: return cJSON_IsArray(v);
    case LL_KEY_MAP:
    case LL_KEY_OBJECT: return cJSON_IsObject(v);
    case LL_KEY_ANY: return 1;
    }
    return 0;
}

static void walk(const cJSON *object, enum ll_doc_object o);

static void check_member(const cJSON *v, enum ll_doc_object o)
{
    int k = find_key(o, v->string);
    if (k < 0)
        fail_msg("%s: no such key in: %s", v->string, ll_doc_object_doc(o));
    struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
    const cJSON *item;
    seen[k]++;
    if (cJSON_IsNull(v))
        return;
    if (!is_of_kind(v, row.kind))
        fail_msg("%s: expected %s", v->string, ll_key_kind_name(row.kind));
    if (row.kind == LL_KEY_OBJECT)
        walk(v, row.of);
    cJSON_ArrayForEach(item, v) if (row.kind == LL_KEY_OBJECTS || (row.kind == LL_KEY_MAP && row.of))
        walk(item, row.of);
}

static void walk(const cJSON *object, enum ll_doc_object o)
{
    const cJSON *v;
    assert_true(cJSON_IsObject(object));
    cJSON_ArrayForEach(v, object) check_member(v, o);
    for (int k = 0; k < LL_N_DOC_KEYS; k++) {
        struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
        if (row.in == o && !row.when && !cJSON_GetObjectItemCaseSensitive(object, row.name))
            fail_msg("%s: not in: %s", row.name, ll_doc_object_doc(o));
    }
}

static void check_document(const char *run, const char *name, enum ll_doc_object o)
{
    struct ll_buf text = slurp(run, name);
    cJSON *j = cJSON_ParseWithLength(text.s, text.len);
    assert_non_null(j);
    walk(j, o);
    cJSON_Delete(j);
    ll_buf_free(&text);
}

static void documents_have_these_keys(void **state)
{
    static const char *const options[] = {"--tuned lens --repeat-forward always",
                                          "--repeat-forward off --raw-lens sample",
                                          "--no-analysis --last-position-only", "--last-position-only"};
    char *dir = tmp_folder(), *run = path2(dir, "out/run-latest");
    (void)state;
    sh("cd %s && " LL_BUILD_DIR "/logitlens tune " DEMO " " LL_SOURCE_DIR
       "/README.md --out lens --quiet %s >/dev/null",
       dir, "");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        sh("cd %s && rm -rf out && " LL_BUILD_DIR "/logitlens run " EXPERIMENT " " DEMO " " DEMO2
           " --root out --quiet %s >/dev/null",
           dir, options[i]);
        check_document(run, "output-demo-llama.json", LL_OBJ_ROOT);
        check_document(run, "output-demo-gemma2.json", LL_OBJ_ROOT);
    }
    sh("cd %s && rm -rf out && ! " LL_BUILD_DIR "/logitlens run " EXPERIMENT " " DEMO
       " /nothing/there --root out --quiet %s >/dev/null 2>&1",
       dir, "");
    check_document(run, "output-there.json", LL_OBJ_FAILED);
    for (int k = 0; k < LL_N_DOC_KEYS; k++) {
        int is_named = 0;
        for (size_t i = 0; i < sizeof not_made / sizeof *not_made; i++)
            is_named |= (int)not_made[i] == k;
        struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
        if (is_named ? !row.when || seen[k] : !seen[k])
            fail_msg("%s (%s): %s", row.name, ll_doc_object_doc(row.in),
                     is_named ? "written" : "never written");
    }
    remove_tree(dir);
    free(dir);
    free(run);
}

static int is_column(const char *name)
{
    static const struct ll_schema *const tables[] = {&ll_schema_records,    &ll_schema_pure,
                                                     &ll_schema_rawlens,    &ll_schema_answers,
                                                     &ll_schema_positions,  &ll_schema_window,
                                                     &ll_schema_milestones, &ll_schema_artifact};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (ll_schema_find(tables[i], name) >= 0)
            return 1;
    return 0;
}

/* Names are unique in their object, and those of columns are the columns'; each key has a sentence that ends,
 * and a kind of object where it needs one. */
static void the_table_is_whole(void **state)
{
    (void)state;
    for (int k = 0; k < LL_N_DOC_KEYS; k++) {
        struct ll_doc_key_row row = ll_doc_key((enum ll_doc_key)k);
        int has_object = row.kind == LL_KEY_OBJECT || row.kind == LL_KEY_OBJECTS;
        assert_non_null(row.name);
        assert_non_null(row.doc);
        assert_non_null(strchr(".?", row.doc[strlen(row.doc) - 1]));
        assert_true(row.kind == LL_KEY_MAP || has_object == (row.of != LL_OBJ_NONE));
        assert_int_equal(find_key(row.in, row.name), k);
        if (!row.schema && !has_object && is_column(row.name))
            fail_msg("%s: a column has this name, typed again", row.name);
        assert_true(*ll_doc_object_doc(row.in) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_table_is_whole),
                                       cmocka_unit_test(documents_have_these_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
