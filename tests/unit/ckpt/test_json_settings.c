/* test_json_settings.c - a JSON document read by dotted path (src/ckpt/settings.h): values, refusals, what
 * Python accepts, and documents of many keys. What the families read of it: test_settings.c. */
#define _GNU_SOURCE
#include "buf.h"
#include "settings_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static char hand[] = "/tmp/ll_hand_XXXXXX"; /* a file as a user writes it */

static int make_file(void **state)
{
    int fd = mkstemp(hand);
    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(hand);
}

static void put_file(const char *text)
{
    FILE *f = fopen(hand, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && !fclose(f));
}

static struct ll_settings *parsed(const char *text)
{
    struct ll_settings *s = NULL;
    struct ll_err e = {0};
    if (ll_settings_parse(&s, "config.json", text, strlen(text), &e))
        fail_msg("%s", e.msg);
    return s;
}

static void settings_values(void **state)
{
    (void)state;
    struct ll_settings *s = parsed("{\"a\": {\"b\": [10, {\"c\": \"x\"}, null]}, \"t\": true, \"f\": false, "
                                   "\"n\": null, \"e\": 1e6, \"h\": 0.5,"
                                   " \"big\": 9007199254740992, \"huge\": 9007199254740994, \"inf\": 1e999, "
                                   "\"a.dot\": 3, \"p.q\": {\"r.s\": 4},"
                                   " \"p\": {\"z\": 1}, \"0\": 5, \"\": 6, \"o\": {}}");
    assert_int_equal(ll_settings_int(s, "a.b.0", -1), 10);
    assert_string_equal(ll_settings_str(s, "a.b.1.c", ""), "x");
    assert_false(ll_settings_has(s, "a.b.2"));
    assert_false(ll_settings_has(s, "a.b.3"));
    assert_false(ll_settings_has(s, "a.b.-1"));
    assert_false(ll_settings_has(s, "a.b.0x"));
    assert_false(ll_settings_has(s, "a.b.99999999999999999999"));
    assert_false(ll_settings_has(s, "n"));
    assert_false(ll_settings_has(s, "n.x"));
    assert_false(ll_settings_has(s, "t.x"));
    assert_true(ll_settings_has(s, ""));
    assert_int_equal(ll_settings_int(s, "a.dot", 0), 3); /* keys that hold dots themselves */
    assert_int_equal(ll_settings_int(s, "p.q.r.s", 0), 4);
    assert_int_equal(ll_settings_int(s, "p.z", 0), 1);
    assert_int_equal(ll_settings_int(s, "0", 0), 5);
    assert_int_equal(ll_settings_int(s, "e", 0), 1000000);
    assert_int_equal(ll_settings_int(s, "h", 7), 7);
    assert_true(ll_settings_int(s, "big", 0) == 9007199254740992LL);
    assert_int_equal(ll_settings_int(s, "huge", 7), 7);
    assert_int_equal(ll_settings_int(s, "inf", 7), 7);
    assert_true(ll_settings_num(s, "h", 0) == 0.5);
    assert_true(ll_settings_num(s, "t", 9) == 9);
    assert_int_equal(ll_settings_bool(s, "t", 0), 1);
    assert_int_equal(ll_settings_bool(s, "f", 1), 0);
    assert_int_equal(ll_settings_bool(s, "e", 5), 5);
    assert_null(ll_settings_str(s, "e", NULL));
    assert_int_equal(ll_settings_len(s, "a.b"), 3);
    assert_int_equal(ll_settings_len(s, "o"), 0);
    assert_int_equal(ll_settings_len(s, "e"), -1);
    assert_int_equal(ll_settings_len(s, "absent"), -1);
    assert_true(ll_settings_is_array(s, "a.b") && !ll_settings_is_array(s, "a"));
    assert_string_equal(ll_settings_key(s, "", 0), "a");
    assert_string_equal(ll_settings_key(s, "p.q", 0), "r.s");
    assert_null(ll_settings_key(s, "p.q", 1));
    assert_null(ll_settings_key(s, "p.q", -1));
    assert_null(ll_settings_key(s, "a.b", 0));
    char *text = settings_text(s, "a");
    assert_string_equal(text, "{\"b\":[10,{\"c\":\"x\"},null]}");
    free(text);
    assert_null(settings_text(s, "n"));
    ll_settings_free(s);
    ll_settings_free(NULL);
}

static void of_equal_keys_the_last_stays(void **state)
{
    (void)state;
    struct ll_settings *s = parsed(
        "{\"a\": 1, \"b\": {\"x\": 1, \"x\": null, \"x\": 2}, \"A\": 7, \"a\": {\"y\": 3}, \"\\u0061\": 4}");
    assert_int_equal(ll_settings_len(s, ""), 3);
    assert_int_equal(ll_settings_int(s, "a", 0), 4);
    assert_int_equal(ll_settings_int(s, "A", 0), 7);
    assert_int_equal(ll_settings_int(s, "b.x", 0), 2);
    assert_int_equal(ll_settings_len(s, "b"), 1);
    ll_settings_free(s);
    s = parsed("{\"a\": 1, \"a\": null}");
    assert_false(ll_settings_has(s, "a"));
    ll_settings_free(s);
}

static void settings_needed(void **state)
{
    (void)state;
    struct ll_settings *s =
        parsed("{\"num_hidden_layers\": \"abc\", \"a\": {\"b\": 0}, \"h\": 0.5, \"l\": [1], \"s\": \"text\", "
               "\"t\": true,"
               " \"q\": \"say \\\"hi\\\"\", \"long\": "
               "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}");
    const struct {
        const char *path, *say;
    } ints[] = {
        {"num_hidden_layers",
         "config.json: num_hidden_layers: expected an integer in 1..10000, found \"abc\""},
        {"absent", "config.json: absent: expected an integer in 1..10000, found nothing"},
        {"a.b", "config.json: a.b: expected an integer in 1..10000, found 0"},
        {"h", "found 0.5"},
        {"l", "found an array"},
        {"a", "found an object"},
        {"t", "found true"},
        {"long", "found \"012345678901234567890123456789012345678901234567...\""},
    };
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        struct ll_err e = {0};
        long long v = 42;
        assert_int_equal(ll_settings_need_int(s, ints[i].path, 1, 10000, &v, &e), LL_EUSAGE);
        if (!strstr(e.msg, ints[i].say))
            fail_msg("expected \"%s\" in: %s", ints[i].say, e.msg);
        assert_int_equal(v, 42);
    }
    struct ll_err e = {0};
    long long v = 0;
    double d = 0;
    const char *t = NULL;
    assert_int_equal(ll_settings_need_int(s, "l.0", 1, 1, &v, &e), LL_OK);
    assert_int_equal(v, 1);
    assert_int_equal(ll_settings_need_num(s, "h", 0, 1, &d, &e), LL_OK);
    assert_true(d == 0.5);
    assert_int_equal(ll_settings_need_str(s, "s", &t, &e), LL_OK);
    assert_string_equal(t, "text");
    assert_int_equal(ll_settings_need_num(s, "h", 0.75, 1, &d, &e), LL_EUSAGE);
    assert_string_equal(e.msg, "config.json: h: expected a number in 0.75..1, found 0.5");
    e = (struct ll_err){0};
    assert_int_equal(ll_settings_need_str(s, "h", &t, &e), LL_EUSAGE);
    assert_string_equal(e.msg, "config.json: h: expected a text, found 0.5");
    ll_settings_free(s);
}

static void settings_refused(void **state)
{
    (void)state;
    const char *const rows[][2] = {
        {"", "config.json: expected JSON, found an empty file"},
        {"{\"a\": 1,}", "column 9: not valid JSON: expected a name in quotes"},
        {"{\"\xc3\xa9\": x}", "line 1, column 7: not valid JSON: expected a value"},
        {"{\n\n  \"a\" 1}", "line 3, column 7: not valid JSON: expected :"},
        {"{\"a\": 1} x", "column 10: not valid JSON: expected the end"},
        {"{\"a\": \"\xc0\x80\"}", "column 8: not valid JSON: not UTF-8"},
        {"{\"a\": \"\\u0000\"}", "NUL"},
        {"{\"a\": \"\\x\"}", "column 9: not valid JSON: unknown escape"},
        {"\"\\u12g4\"", "four hex"},
        {"\"\\u12", "four hex"},
        {"{'a': 1}", "column 2"},
        {"-NaN", "expected a digit"},
        {"nan", "expected a value"},
        {"-infinity", "expected a digit"},
        {"Infinit", "expected a value"},
        {"NaNs", "column 4"},
        {"nul", "expected a value"},
        {"truex", "column 5"},
        {"\"abc", "string without an end"},
        {"\"abc\\", "string without an end"},
        {"{\"a\"", "expected :, found the end"},
        {"   ", "expected a value, found the end"},
        {"{\"a\": 1,", "expected a name in quotes, found the end"},
        {"[1,", "expected a value, found the end"},
        {"[1,]", "column 4"},
        {"[1}", "column 3"},
        {"{\"a\": 1]", "column 8"},
        {"]", "column 1"},
        {"{,}", "column 2"},
        {"[1 2]", "column 4: not valid JSON: expected , or"},
        {"{\"a\" : : 1}", "column 8"},
        {"{1: 2}", "column 2"},
        {"{\"a\":\x01 1}", "column 6"},
        {"[01]", "leading zero"},
        {"[-01]", "leading zero"},
        {"-", "expected a digit"},
        {"[1.]", "digit after the point"},
        {"[1e+]", "exponent"},
        {"[.5]", "expected a value"},
        {"[+1]", "expected a value"},
        {"[0x1]", "column 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ll_settings *s = NULL;
        struct ll_err e = {0};
        char *exact = strndup(rows[i][0], strlen(rows[i][0]));
        assert_int_equal(ll_settings_parse(&s, "config.json", exact, strlen(exact), &e), LL_EUSAGE);
        assert_null(s);
        if (!strstr(e.msg, rows[i][1]))
            fail_msg("row %zu: expected \"%s\" in: %s", i, rows[i][1], e.msg);
        free(exact);
    }
}

/* What Python's json reads beside JSON: from outside files it passes, from a user's own it is refused. */
static void settings_as_python(void **state)
{
    (void)state;
    const struct {
        const char *text, *read, *strict;
    } rows[] = {
        {"{\"a\": NaN, \"b\": [Infinity, -Infinity], \"c\": 1}",
         "{\"a\":\"NaN\",\"b\":[\"Infinity\",\"-Infinity\"],\"c\":1}", "expected a value"},
        {"-Infinity", "\"-Infinity\"", "expected a digit"},
        {"[-1e999,1E400]", "[\"-Infinity\",\"Infinity\"]", NULL},
        {"\"\\ud800\"", "\"\xef\xbf\xbd\"", "first half"},
        {"\"\\ud800\\u0041\"",
         "\"\xef\xbf\xbd"
         "A\"",
         "first half"},
        {"{\"\\udc00x\": \"\\ud83d\\ude00\"}", "{\"\xef\xbf\xbdx\":\"\xf0\x9f\x98\x80\"}", "second half"},
        {"\"\\ud800\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"", "first half"},
        {"[1111111111111111111111111111111111111111111111111111111111111111]", "[1.1111111111111112e+63]",
         "more than 63"},
        {"[0.500000000000000000000000000000000000000000000000000000000000000000000000000000]", "[0.5]",
         "more than 63"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ll_settings *s = parsed(rows[i].text);
        char *text = settings_text(s, "");
        assert_string_equal(text, rows[i].read);
        free(text);
        ll_settings_free(s);
        struct ll_err e = {0};
        put_file(rows[i].text);
        if (!rows[i].strict)
            continue;
        assert_int_equal(ll_settings_read_strict(&s, hand, &e), LL_EUSAGE);
        assert_non_null(strstr(e.msg, rows[i].strict));
    }
    struct ll_settings *s = parsed("{\"a\": NaN}");
    struct ll_err e = {0};
    double d = 7;
    assert_int_equal(ll_settings_need_num(s, "a", 0, 1, &d, &e), LL_EUSAGE);
    assert_string_equal(e.msg, "config.json: a: expected a number in 0..1, found \"NaN\"");
    ll_settings_free(s);
}

static void settings_accepted(void **state)
{
    (void)state;
    const char *const rows[][2] = {
        {"\xef\xbb\xbf{}", "{}"},
        {"\xef\xbb\xbf"
         "0",
         "0"},
        {" \r\n\t[ ] ", "[]"},
        {"0", "0"},
        {"-0.5e-1", "-0.05"},
        {"[0,10,1E2,-0]", "[0,10,100,-0]"},
        {"\"\\ud83d\\ude00\\/\\n\"", "\"\xf0\x9f\x98\x80/\\n\""},
        {"[{},[],{\"\":[true,false,null]}]", "[{},[],{\"\":[true,false,null]}]"},
        {"\"\x7f\"", "\"\x7f\""},
        {"111111111111111111111111111111111111111111111111111111111111111", "1.1111111111111112e+62"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ll_settings *s = parsed(rows[i][0]);
        char *text = settings_text(s, "");
        assert_string_equal(text, rows[i][1]);
        free(text);
        ll_settings_free(s);
    }
}

static void settings_depth(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        char text[200];
        struct ll_settings *s = NULL;
        struct ll_err e = {0};
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(ll_settings_parse(&s, "deep", text, 2 * (size_t)depth, &e),
                         depth == 64 ? LL_OK : LL_EUSAGE);
        ll_settings_free(s);
    }
    struct ll_settings *s = NULL; /* brackets inside strings are no nesting, escaped quotes no end */
    const char *text =
        "{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}";
    s = parsed(text);
    ll_settings_free(s);
}

/* Large objects and lists: every member is found, prefixes of each other among them, and a question costs no
 * walk along them (200,000 keys asked 200,000 times: with a walk this test runs into its time limit). */
static void settings_many_keys(void **state)
{
    enum { N = 200000 };
    struct ll_settings *s;
    struct ll_err e = {0};
    struct ll_buf text = {0};
    char key[40];
    (void)state;
    ll_buf_adds(&text, "{\"k1.x\": {\"y\": -1}, \"list\": [");
    for (int i = 0; i < N; i++)
        ll_buf_addf(&text, "%s%d", i ? "," : "", i);
    ll_buf_adds(&text, "], \"o\": {");
    for (int i = 0; i < N; i++)
        ll_buf_addf(&text, "%s\"k%d\": {\"v\": %d}", i ? "," : "", i, i);
    ll_buf_adds(&text, "}, \"k1\": {\"x\": {\"z\": -2}}}");
    assert_int_equal(ll_settings_parse(&s, "many", ll_buf_str(&text), text.len, &e), LL_OK);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "o.k%d.v", i);
        assert_int_equal(ll_settings_int(s, key, -9), i);
        snprintf(key, sizeof key, "list.%d", i);
        assert_int_equal(ll_settings_int(s, key, -9), i);
    }
    assert_int_equal(ll_settings_len(s, "o"), N);
    assert_int_equal(ll_settings_len(s, "list"), N);
    assert_string_equal(ll_settings_key(s, "o", N - 1), "k199999");
    assert_false(ll_settings_has(s, "o.k200000") || ll_settings_has(s, "o.k")
                 || ll_settings_has(s, "list.200000"));
    assert_int_equal(ll_settings_int(s, "k1.x.y", 0),
                     -1); /* a key that holds a dot, and one that is the part before it */
    assert_int_equal(ll_settings_int(s, "k1.x.z", 0), -2);
    ll_settings_free(s);
    ll_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_values),    cmocka_unit_test(of_equal_keys_the_last_stays),
        cmocka_unit_test(settings_needed),    cmocka_unit_test(settings_refused),
        cmocka_unit_test(settings_as_python), cmocka_unit_test(settings_accepted),
        cmocka_unit_test(settings_depth),     cmocka_unit_test(settings_many_keys),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
