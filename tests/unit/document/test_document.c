/* test_document.c - the document's writer: its sections in order, the made document byte for byte, and what a
 * model that failed leaves */
#include "unit/document/made_document.h"

#include <cjson/cJSON.h>

static const cJSON *need(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!v)
        fail_msg("key %s is missing", key);
    return v;
}

static void check_keys(const cJSON *o, const char *const *keys)
{
    const cJSON *v = o->child;
    for (; *keys; keys++, v = v->next) {
        assert_non_null(v);
        assert_string_equal(v->string, *keys);
    }
}

static void json_has_the_sections(void **state)
{
    (void)state;
    static const char *const top[] = {"prompt",
                                      "test_prompts",
                                      "temperature_exploration",
                                      "diagnostics",
                                      "final_prediction",
                                      "model_stats",
                                      "schema_version",
                                      "status",
                                      "gold_answer",
                                      "main_pass",
                                      "passes",
                                      "provenance",
                                      "warnings",
                                      "last_row_equals_model",
                                      NULL};
    static const char *const diagnostics[] = {"type",
                                              "model",
                                              "device",
                                              "use_norm_lens",
                                              "use_fp32_unembed",
                                              "unembed_dtype",
                                              "first_block_ln1_type",
                                              "final_ln_type",
                                              "layernorm_bias_fix",
                                              "norm_alignment_fix",
                                              "layer0_norm_fix",
                                              "mixed_precision_fix",
                                              "layer0_position_info",
                                              "context_prompt",
                                              "target_prediction",
                                              "L_copy",
                                              "L_copy_H",
                                              "L_semantic",
                                              "delta_layers",
                                              NULL};
    static const char *const stats[] = {"type",    "num_layers", "d_model",      "n_heads",
                                        "d_vocab", "n_ctx",      "architecture", NULL};
    static const char *const gold[] = {"string", "pieces", "first_id", "answer_ids", "variant", NULL};
    struct ll_buf b = {0};
    struct ll_err err = {0};
    OK(ll_document_write(&b, &made_document, &err), &err);
    cJSON *doc = cJSON_Parse(b.s);
    assert_non_null(doc);
    check_keys(doc, top);
    check_keys(need(doc, "diagnostics"), diagnostics);
    check_keys(need(doc, "model_stats"), stats);
    check_keys(need(doc, "gold_answer"), gold);
    assert_string_equal(need(need(doc, "prompt"), "ground_truth")->valuestring, "Berlin");
    assert_true(cJSON_IsNull(need(need(doc, "diagnostics"), "L_copy")));
    assert_true(cJSON_IsNull(need(need(doc, "diagnostics"), "delta_layers")));
    assert_int_equal(need(need(doc, "diagnostics"), "L_semantic")->valueint, 2);
    assert_string_equal(need(need(doc, "diagnostics"), "norm_alignment_fix")->valuestring,
                        "using_ln_final_for_post_block");
    assert_string_equal(need(need(doc, "diagnostics"), "target_prediction")->valuestring,
                        "first unseen token (likely 'Berlin')");
    const cJSON *second =
        cJSON_GetArrayItem(need(cJSON_GetArrayItem(need(doc, "test_prompts"), 0), "topk"), 1);
    assert_string_equal(cJSON_GetArrayItem(second, 0)->valuestring, "\xEF\xBF\xBD");
    assert_true(cJSON_GetArrayItem(second, 1)->valuedouble == 0.125);
    const cJSON *control = cJSON_GetArrayItem(need(doc, "passes"), 1);
    assert_true(cJSON_IsNull(need(control, "fact_index")));
    assert_int_equal(need(need(control, "milestones"), "delta_layers")->valueint, 1);
    assert_string_equal(need(need(need(doc, "provenance"), "settings"), "norm")->valuestring, "final");
    assert_non_null(strstr(b.s, "Germany→Berlin")); /* not escaped */
    assert_null(strstr(b.s, "/tmp/"));              /* no machine paths */
    cJSON_Delete(doc);
    ll_buf_free(&b);
}

/* The file that the tests of store and index take for a document. */
static void the_made_document(void **state)
{
    struct ll_buf b = {0}, want = slurp(LL_SOURCE_DIR "/tests/fixtures/document", "made.json");
    struct ll_err err = {0};
    (void)state;
    OK(ll_document_write(&b, &made_document, &err), &err);
    assert_string_equal(b.s, want.s);
    ll_buf_free(&b);
    ll_buf_free(&want);
}

static void a_failed_model(void **state)
{
    static const char *const keys[] = {"status", "model", "reason", "schema_version", "provenance", NULL};
    const struct ll_model_info bare = {.model_id = "org/Made-1", .clean = "Made-1"};
    const struct ll_document d = {.run = &made_run,
                                  .model = &bare,
                                  .status = "failed",
                                  .reason = "no \"shard\""};
    struct ll_buf b = {0};
    struct ll_err err = {0};
    (void)state;
    OK(ll_document_write(&b, &d, &err), &err);
    cJSON *j = cJSON_Parse(b.s);
    assert_non_null(j);
    check_keys(j, keys);
    assert_int_equal(cJSON_GetArraySize(j), 5);
    assert_string_equal(need(j, "reason")->valuestring, "no \"shard\"");
    assert_int_equal(cJSON_GetArraySize(need(need(j, "provenance"), "model")),
                     1); /* its name, nothing else */
    cJSON_Delete(j);
    ll_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(json_has_the_sections),
                                       cmocka_unit_test(the_made_document), cmocka_unit_test(a_failed_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
