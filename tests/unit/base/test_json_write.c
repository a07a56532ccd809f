/* test_json_write.c - JSON as it is written. */
#define _GNU_SOURCE
#include "buf.h"
#include "fail.h"
#include "json_write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void json_document(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_json j;
    ll_json_init(&j, &b);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "model", "caf\xc3\xa9");
    ll_json_num(&j, "x", 0.5);
    ll_json_num(&j, "nan", NAN);
    ll_json_num(&j, "inf", -INFINITY);
    ll_json_int(&j, "i", -9223372036854775807LL - 1);
    ll_json_bool(&j, "b", 2);
    ll_json_null(&j, "n");
    ll_json_cstr(&j, "s", NULL);
    ll_json_arr_flat(&j, "ids");
    for (int i = 1; i <= 3; i++)
        ll_json_int(&j, NULL, i);
    ll_json_obj(&j, NULL); /* flat because its parent is */
    ll_json_int(&j, "a", 1);
    ll_json_int(&j, "b", 2);
    ll_json_end(&j);
    ll_json_end(&j);
    ll_json_arr(&j, "rows");
    ll_json_obj_flat(&j, NULL);
    ll_json_end(&j);
    ll_json_arr(&j, NULL);
    ll_json_end(&j);
    ll_json_obj_tight(&j, NULL);
    ll_json_int(&j, "k", 1);
    ll_json_arr(&j, "a"); /* tight because its parent is */
    ll_json_num(&j, NULL, 0.1);
    ll_json_num(&j, NULL, 0.19921971394719251);
    ll_json_num(&j, NULL, -0.0);
    ll_json_end(&j);
    ll_json_end(&j);
    ll_json_obj_flat(&j, NULL); /* and no longer */
    ll_json_num(&j, "k", 0.19921971394719251);
    ll_json_end(&j);
    ll_json_end(&j);
    ll_json_obj(&j, "o");
    ll_json_end(&j);
    ll_json_end(&j);
    assert_string_equal(b.s,
                        "{\n"
                        "  \"model\": \"caf\xc3\xa9\",\n"
                        "  \"x\": 0.5,\n"
                        "  \"nan\": null,\n"
                        "  \"inf\": null,\n"
                        "  \"i\": -9223372036854775808,\n"
                        "  \"b\": true,\n"
                        "  \"n\": null,\n"
                        "  \"s\": null,\n"
                        "  \"ids\": [1, 2, 3, {\"a\": 1, \"b\": 2}],\n"
                        "  \"rows\": [\n"
                        "    {},\n"
                        "    [],\n"
                        "    {\"k\":1,\"a\":[0.1,0.19921971394719251,-0]},\n"
                        "    {\"k\": 0.1992197139471925}\n"
                        "  ],\n"
                        "  \"o\": {}\n"
                        "}\n");
    assert_int_equal(j.flat, 0);
    ll_buf_free(&b);
}

static void json_strings(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    ll_json_quote(&b, "\"\\/\b\f\n\r\t\x01\x1f\x7f\0\xe2\x80\xa8\xed\xa0\x80", 18);
    assert_string_equal(
        b.s,
        "\"\\\"\\\\/"
        "\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\xe2\x80\xa8\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    ll_buf_free(&b);
}

static void json_deep(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_json j;
    ll_json_init(&j, &b);
    for (int i = 0; i < 128; i++)
        ll_json_arr_flat(&j, NULL);
    for (int i = 0; i < 128; i++)
        ll_json_end(&j);
    assert_int_equal(b.len, 257);
    assert_int_equal(b.s[256], '\n');
    ll_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_document),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(json_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
