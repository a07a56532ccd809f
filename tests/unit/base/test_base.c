/* test_base.c - the parts below everything: errors, buffers, numbers as text, UTF-8, JSON out, SHA-256,
 * files, threads. */
#define _GNU_SOURCE
#include "buf.h"
#include "fail.h"
#include "json_write.h"
#include "map.h"
#include "memory.h"
#include "outfile.h"
#include "provenance.h"
#include "sha256.h"
#include "shown.h"
#include "stats.h"
#include "thread.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a folder for files, removed at the end -------------------------------------------------- */

static char folder[] = "/tmp/ll_base_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

static const char *at(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- errors and buffers ---------------------------------------------------------------------- */

static void first_reason_stays(void **state)
{
    (void)state;
    struct ll_err e = {0};
    assert_int_equal(ll_fail(&e, LL_EUSAGE, "%s\n\tis bad\x7f", "it"), LL_EUSAGE);
    assert_int_equal(ll_fail(&e, LL_EFAIL, "later"), LL_EFAIL);
    assert_int_equal(e.code, LL_EUSAGE);
    assert_string_equal(e.msg, "it  is bad "); /* one line, whatever went in */
    assert_int_equal(ll_context(&e, "model %d", 3), LL_EUSAGE);
    assert_string_equal(e.msg, "model 3: it  is bad ");
    assert_int_equal(ll_fail(NULL, LL_EFIT, "nobody listens"), LL_EFIT);
    assert_int_equal(ll_context(NULL, "x"), LL_EFAIL);
}

static void long_reasons_are_cut(void **state)
{
    (void)state;
    struct ll_err e = {0};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ll_fail(&e, LL_EFAIL, "%s", text);
    ll_context(&e, "%s", text);
    assert_true(strlen(e.msg) < sizeof e.msg);
}

static void exit_codes(void **state)
{
    (void)state;
    const int codes[][2] = {{LL_OK, 0},     {LL_EFAIL, 1}, {LL_EUSAGE, 2}, {LL_EUNSUP, 3}, {LL_EFIT, 4},
                            {LL_ECHECK, 5}, {-6, 1},       {-99, 1},       {7, 0}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(ll_exit_code(codes[i][0]), codes[i][1]);
    /* what could not be opened: the path's fault, or the machine's */
    assert_true(ll_open_code(ENOENT) == LL_EUSAGE && ll_open_code(EACCES) == LL_EUSAGE
                && ll_open_code(ELOOP) == LL_EUSAGE);
    assert_true(ll_open_code(ENOMEM) == LL_EFAIL && ll_open_code(EMFILE) == LL_EFAIL
                && ll_open_code(ENFILE) == LL_EFAIL);
}

static void buffers_grow(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_err e = {0};
    assert_string_equal(ll_buf_str(&b), "");
    ll_buf_add(&b, NULL, 0);
    for (int i = 0; i < 1000; i++)
        ll_buf_addf(&b, "%03d", i);
    ll_buf_addc(&b, '!');
    ll_buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3004);
    assert_int_equal(b.s[b.len], 0);
    assert_memory_equal(b.s + 2997, "999!a\0b", 7);
    assert_int_equal(ll_buf_ok(&b, &e), LL_OK);
    ll_buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(ll_buf_str(&b), "");
    ll_buf_free(&b);
    assert_null(b.s);
}

static void exact_fill_keeps_the_nul(void **state)
{
    (void)state;
    for (size_t n = 60; n < 70; n++) { /* around the first capacity */
        struct ll_buf b = {0};
        for (size_t i = 0; i < n; i++)
            ll_buf_addc(&b, 'x');
        assert_int_equal(strlen(b.s), n);
        assert_true(b.cap > b.len);
        ll_buf_free(&b);
    }
}

/* In a process of its own: what memory lacked once is not forgotten there. Returns the number of the check
 * that failed, 0: none. */
static int fail_a_buffer(void)
{
    struct ll_buf b = {0}, other = {0};
    struct ll_err e = {0}, of_other = {0};
    ll_buf_adds(&other, "whole");
    if (ll_buf_ok(&other, &of_other) || ll_memory_ran_out())
        return 1;
    ll_buf_add(&b, "x", (size_t)-1 / 2 + 10);
    ll_buf_adds(&b, "more");
    if (!b.failed || ll_buf_ok(&b, &e) != LL_EFAIL || !strstr(e.msg, "out of memory"))
        return 2;
    ll_buf_free(&b);
    if (b.failed || !ll_memory_ran_out())
        return 3;
    if (ll_buf_ok(&other, &of_other) != LL_EFAIL
        || !strstr(of_other.msg, "out of memory")) /* it may hold what b lacks */
        return 4;
    e = (struct ll_err){0};
    if (ll_file_write(at("after"), "x", 1, &e) != LL_EFAIL || ll_is_file(at("after")))
        return 5;
    ll_buf_free(&other);
    return 0;
}

static void a_failed_buffer_stops_every_output(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (!child)
        _exit(fail_a_buffer());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void shown_text_has_no_controls(void **state)
{
    (void)state;
    static const struct {
        const char *s, *keep, *want;
    } rows[] = {
        {"plain \xc3\xa4 \xe4\xb8\xad", "", "plain \xc3\xa4 \xe4\xb8\xad"},
        {"a\033[31mb", "", "a\xc2\xb7[31mb"},
        {"a\nb\tc\rd", "",
         "a\xe2\x86\xb5"
         "b\xe2\x87\xa5"
         "c\xc2\xb7"
         "d"},
        {"a\nb\tc\rd", "\n\t",
         "a\nb\tc\xc2\xb7"
         "d"},
        {"\xc2\x9b"
         "2J\x7f",
         "",
         "\xc2\xb7"
         "2J\xc2\xb7"}, /* C1's own escape */
        {"\x9b"
         "2J\xff",
         "",
         "\xef\xbf\xbd"
         "2J\xef\xbf\xbd"}, /* the same as a bare byte */
        {"x\xe2\x80\xae"
         "y\xe2\x81\xa7z",
         "", "x\xc2\xb7y\xc2\xb7z"}, /* direction */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_buf b = {0};
        ll_shown(&b, rows[i].s, strlen(rows[i].s), rows[i].keep);
        assert_string_equal(ll_buf_str(&b), rows[i].want);
        ll_buf_free(&b);
    }
    struct ll_err e = {0};
    ll_fail(&e, LL_EUSAGE, "%s",
            "a\033[1mb\nc\xc2\x9b"
            "d\xff\xe2\x80\xae\xc3\xa4");
    assert_string_equal(e.msg, "a [1mb c  d?   \xc3\xa4");
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void doubles_as_text(void **state)
{
    (void)state;
    const struct {
        double v;
        const char *s;
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e21, "1e+21"},
        {5e-324, "4.94065645841247e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    char s[32];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ll_fmt_double(s, rows[i].v), (int)strlen(rows[i].s));
        assert_string_equal(s, rows[i].s);
    }
}

static void doubles_read_back(void **state)
{
    (void)state;
    uint64_t x = 316;
    for (int i = 0; i < 200000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double v, w;
        char s[32];
        memcpy(&v, &x, sizeof v);
        if (i % 2)
            v = (double)(float)v;
        if (!isfinite(v))
            continue;
        assert_true(ll_fmt_double(s, v) < 32);
        w = strtod(s, NULL);
        assert_true(v == w);
    }
}

static void percentiles(void **state)
{
    (void)state;
    double v[] = {4, 1, 3, 2}, one[] = {7}, inf[] = {INFINITY, 1, INFINITY};
    assert_true(ll_median(v, 4) == 2.5); /* numpy.percentile([1,2,3,4], 50) */
    assert_true(ll_percentile(v, 4, 0.25) == 1.75);
    assert_true(ll_percentile(v, 4, 0) == 1 && ll_percentile(v, 4, 1) == 4);
    assert_true(ll_percentile(one, 1, 0.9) == 7);
    assert_true(ll_median(inf, 3) == INFINITY);
}

static void clocks_and_memory(void **state)
{
    (void)state;
    double t = ll_now_s();
    assert_true(ll_now_s() >= t);
    assert_true(ll_peak_rss_bytes() > 100000);
#ifdef __linux__
    size_t n = (size_t)64 << 20;
    long long before = ll_anon_bytes();
    char *p = malloc(n);
    assert_non_null(p);
    memset(p, 1, n);
    long long after = ll_anon_bytes();
    free(p);
    assert_true(before > 0 && after - before > (long long)n * 9 / 10);
    assert_true(ll_available_bytes() > 0);
#endif
}

static void provenance(void **state)
{
    (void)state;
    assert_string_equal(ll_tool_version(), "logitlens " LL_VERSION);
    assert_true(strlen(ll_compiler()) > 3);
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        struct ll_buf b = {0};
        uint32_t back = 0;
        ll_utf8_put(&b, cp);
        int want = cp >= 0xd800 && cp < 0xe000 ? 0 : (int)b.len;
        assert_int_equal(ll_utf8_next(b.s, b.len, &back, NULL), want);
        if (want)
            assert_int_equal(back, cp);
        for (size_t cut = 1; cut < b.len && want;
             cut++) { /* cut short: all of what is left is one bad part */
            int bad = 0;
            assert_int_equal(ll_utf8_next(b.s, cut, &back, &bad), 0);
            assert_int_equal(bad, cut);
        }
        ll_buf_free(&b);
    }
}

static void utf8_maximal_parts(void **state)
{
    (void)state;
    const struct {
        const char *in;
        int bad;
    } rows[] = {
        /* Unicode 15, tables 3-8 to 3-11 */
        {"\x80", 1},         {"\xc0\xaf", 1},         {"\xc1\x80", 1},         {"\xe0\x80\xaf", 1},
        {"\xed\xa0\x80", 1}, {"\xf4\x91\x92\x93", 1}, {"\xf5\x80\x80\x80", 1}, {"\xff", 1},
        {"\xe1\x80\xe2", 2}, {"\xf0\x91\x92z", 3},    {"\xf1\xbf", 2},         {"\xc2z", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t cp;
        int bad = 0;
        assert_int_equal(ll_utf8_next(rows[i].in, strlen(rows[i].in), &cp, &bad), 0);
        assert_int_equal(bad, rows[i].bad);
    }
}

static void utf8_check_and_clean(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    assert_int_equal(ll_utf8_check("abcdefgh\xc3\xa9", 10), 10);
    assert_int_equal(ll_utf8_check("abcdefghijk\xc3", 12), 11);
    assert_int_equal(ll_utf8_check("", 0), 0);
    ll_utf8_clean(&b, "a\xf0\x91\x92z\0\xc3\xa9\xff", 9);
    assert_string_equal(b.s, "a\xef\xbf\xbdz\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
    ll_buf_free(&b);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

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
    ll_json_raw(&j, NULL, "{\"k\":1}");
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
                        "    {\"k\":1}\n"
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

/* A value written apart and put in gives the text of one written in place. */
static void put_value(struct ll_json *j, const char *key)
{
    ll_json_obj(j, key);
    ll_json_layer(j, "some", 3);
    ll_json_layer(j, "none", -1);
    ll_json_arr_flat(j, "list");
    ll_json_int(j, NULL, 1);
    ll_json_end(j);
    ll_json_arr(j, "empty");
    ll_json_end(j);
    ll_json_end(j);
}

static void json_apart(void **state)
{
    struct ll_buf in = {0}, apart = {0}, value = {0};
    struct ll_buf *of[2] = {&in, &apart};
    struct ll_json j, v;
    (void)state;
    ll_json_init_at(&v, &value, 2);
    put_value(&v, NULL);
    for (int i = 0; i < 2; i++) {
        ll_json_init(&j, of[i]);
        ll_json_obj(&j, NULL);
        ll_json_obj(&j, "a");
        if (i)
            ll_json_raw(&j, "b", value.s);
        else
            put_value(&j, "b");
        ll_json_int(&j, "c", 1);
        ll_json_end(&j);
        ll_json_end(&j);
    }
    assert_string_equal(in.s, apart.s);
    assert_non_null(strstr(
        in.s,
        "\n      \"some\": 3,\n      \"none\": null,\n      \"list\": [1],\n      \"empty\": []\n    },\n"));
    ll_buf_free(&in);
    ll_buf_free(&apart);
    ll_buf_free(&value);
}

static void json_deep(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_json j;
    ll_json_init(&j, &b);
    for (int i = 0; i < 64; i++)
        ll_json_arr_flat(&j, NULL);
    for (int i = 0; i < 64; i++)
        ll_json_end(&j);
    assert_int_equal(b.len, 129);
    assert_int_equal(b.s[128], '\n');
    ll_buf_free(&b);
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

static void sha_of(const void *p, size_t n, size_t step, char hex[65])
{
    struct ll_sha256 s;
    ll_sha256_init(&s);
    for (size_t i = 0; i < n; i += step)
        ll_sha256_add(&s, (const char *)p + i, n - i < step ? n - i : step);
    ll_sha256_hex(&s, hex);
}

static void sha_known_answers(void **state)
{
    (void)state;
    static char million[1000000];
    memset(million, 'a', sizeof million);
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const struct {
        const char *p;
        size_t n;
        const char *hex;
    } rows[] = {
        /* FIPS 180-2, appendix B */
        {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {two, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {million, sizeof million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    char hex[65];
    for (size_t i = 0; i < 4; i++)
        for (size_t step = 1; step <= 1024; step = step * 3 + 1) {
            sha_of(rows[i].p, rows[i].n, step, hex);
            assert_string_equal(hex, rows[i].hex);
        }
}

static void sha_every_length(void **state)
{
    (void)state;
    char data[200], whole[65],
        parts[65]; /* padding at every place of a block, and every split of the input */
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    for (size_t n = 0; n < sizeof data; n++) {
        sha_of(data, n, sizeof data, whole);
        for (size_t step = 1; step < 130; step += 13) {
            sha_of(data, n, step, parts);
            assert_string_equal(whole, parts);
        }
    }
    sha_of(data, 119, 200, whole); /* hashlib.sha256(bytes(i*7%256 for i in range(119))) */
    assert_string_equal(whole, "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8");
}

/* ---- files ----------------------------------------------------------------------------------- */

static void map_a_file(void **state)
{
    (void)state;
    struct ll_map m;
    struct ll_err e = {0};
    assert_int_equal(ll_file_write(at("a"), "hello", 5, &e), LL_OK);
    assert_int_equal(ll_map_open(&m, at("a"), &e), LL_OK);
    assert_int_equal(m.size, 5);
    assert_memory_equal(m.data, "hello", 5);
    ll_map_will_need(&m, 0, 5);
    ll_map_will_need(&m, 3, (size_t)-1); /* beyond the end: advice only */
    ll_map_dont_need(&m, 99, 1);
    assert_memory_equal(m.data, "hello", 5);
    ll_map_close(&m);
    ll_map_close(&m);
    assert_int_equal(ll_file_write(at("empty"), "", 0, &e), LL_OK);
    assert_int_equal(ll_map_open(&m, at("empty"), &e), LL_OK);
    assert_null(m.data);
    ll_map_close(&m);
}

static void map_what_is_no_file(void **state)
{
    (void)state;
    struct ll_map m;
    struct ll_err e = {0};
    assert_int_equal(ll_map_open(&m, folder, &e), LL_EUSAGE);
    assert_non_null(strstr(e.msg, "regular file"));
    e = (struct ll_err){0};
    assert_int_equal(ll_map_open(&m, at("absent"), &e), LL_EUSAGE);
    assert_non_null(strstr(e.msg, "absent: cannot open"));
}

static void dropping_pages_keeps_neighbours(void **state)
{
    (void)state;
    struct ll_map m;
    struct ll_err e = {0};
    size_t n = 5 * 65536 + 17;
    char *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 >> 3);
    assert_int_equal(ll_file_write(at("big"), p, n, &e), LL_OK);
    assert_int_equal(ll_map_open(&m, at("big"), &e), LL_OK);
    ll_map_dont_need(&m, 100, 3 * 65536);
    ll_map_dont_need(&m, 0, n);
    assert_memory_equal(m.data, p, n); /* pages come back from the file */
    ll_map_close(&m);
    free(p);
}

static void read_with_a_limit(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_err e = {0};
    assert_int_equal(ll_file_write(at("a"), "hello", 5, &e), LL_OK);
    assert_int_equal(ll_file_read(at("a"), 5, &b, &e), LL_OK);
    assert_string_equal(b.s, "hello");
    assert_int_equal(ll_file_read(at("a"), 4, &b, &e), LL_EUSAGE);
    assert_non_null(strstr(e.msg, "5 bytes, expected at most 4"));
    ll_buf_free(&b);
}

static void nothing_appears_before_commit(void **state)
{
    (void)state;
    struct ll_outfile o;
    struct ll_err e = {0};
    assert_int_equal(ll_outfile_open(&o, at("late"), &e), LL_OK);
    fputs("x", o.f);
    assert_false(ll_is_file(at("late")));
    ll_outfile_abort(&o);
    ll_outfile_abort(&o);
    assert_false(ll_is_file(at("late")));
    assert_int_equal(ll_outfile_open(&o, at("late"), &e), LL_OK);
    fputs("x", o.f);
    assert_int_equal(ll_outfile_commit(&o, &e), LL_OK);
    assert_true(ll_is_file(at("late")));
}

static void a_folder_that_takes_no_files(void **state)
{
    (void)state;
    struct ll_outfile o;
    struct ll_err e = {0};
    mkdir(at("ro"), 0555);
    int rc = ll_outfile_open(&o, at("ro/x"), &e);
    if (geteuid() == 0) { /* root writes everywhere, so take one that cannot be written by anybody */
        if (!rc)
            ll_outfile_abort(&o);
        e = (struct ll_err){0};
        rc = ll_outfile_open(&o, "/proc/self/x", &e);
    }
    assert_int_equal(rc, LL_EFAIL);
    assert_non_null(strstr(e.msg, "/x: cannot write"));
    assert_null(o.f);
    assert_null(o.path);
    ll_outfile_abort(&o);
}

static void a_commit_that_cannot_rename(void **state)
{
    (void)state;
    struct ll_outfile o;
    struct ll_err e = {0};
    assert_int_equal(ll_outfile_open(&o, at("taken"), &e), LL_OK);
    mkdir(at("taken"), 0777); /* meanwhile the name is a folder's, not empty */
    mkdir(at("taken/in"), 0777);
    char tmp[300];
    snprintf(tmp, sizeof tmp, "%s", o.tmp);
    assert_int_equal(ll_outfile_commit(&o, &e), LL_EFAIL);
    assert_non_null(strstr(e.msg, "taken: write failed"));
    assert_false(ll_is_file(tmp));
    e = (struct ll_err){0};
    assert_int_equal(ll_outfile_open(&o, at("taken"), &e),
                     LL_EUSAGE); /* and said at once when it was one before */
    assert_non_null(strstr(e.msg, "taken: expected a file, found a folder"));
}

/* A full disk, in a child: files may not grow past 4096 bytes. Exit status 0: all went as it should. */
static int write_on_a_full_disk(void)
{
    struct rlimit r = {4096, 4096};
    struct ll_outfile o;
    struct ll_err e = {0}, e2 = {0};
    static char big[100000];
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &r))
        return 77;
    if (ll_file_write(at("full"), big, sizeof big, &e) != LL_EFAIL || !strstr(e.msg, "full: write failed")
        || ll_is_file(at("full")))
        return 1;
    if (ll_outfile_open(&o, at("full"), &e2)) /* the same, noticed only when the stream is flushed */
        return 2;
    for (int i = 0; i < 5000; i++)
        fputc('x', o.f);
    if (ll_outfile_commit(&o, &e2) != LL_EFAIL || ll_is_file(at("full")) || o.f || o.tmp)
        return 3;
    return 0;
}

static void a_full_disk(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (!pid)
        _exit(write_on_a_full_disk());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "! ls %s | grep -q tmp", folder); /* nothing half written is left */
    assert_int_equal(system(cmd), 0);
}

static void folders_and_paths(void **state)
{
    (void)state;
    struct ll_err e = {0};
    assert_int_equal(ll_make_dirs(at("p/q/r"), &e), LL_OK);
    assert_int_equal(ll_make_dirs(at("p/q/r/"), &e), LL_OK);
    assert_true(ll_is_dir(at("p/q/r")));
    assert_int_equal(ll_file_write(at("plain"), "", 0, &e), LL_OK);
    assert_int_equal(ll_make_dirs(at("plain/x"), &e), LL_EFAIL);
    const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    const char *const bases[][2] = {{"a/b", "b"}, {"a/b/", "b"}, {"b", "b"},
                                    {"/", ""},    {"a//", "a"},  {"", ""}};
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        char *s = ll_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(s, joins[i][2]);
        free(s);
    }
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        char *s = ll_path_base(bases[i][0]);
        assert_string_equal(s, bases[i][1]);
        free(s);
    }
}

/* ---- threads --------------------------------------------------------------------------------- */

struct job {
    _Atomic int next;
    _Atomic int calls;
    unsigned char seen[1000];
    int n;
};

static void take_numbers(void *arg, int tid, int n)
{
    struct job *j = arg;
    assert_true(tid >= 0 && tid < n && n == j->n);
    atomic_fetch_add(&j->calls, 1);
    for (int i; (i = atomic_fetch_add(&j->next, 1)) < 1000;)
        j->seen[i]++;
}

static void every_number_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++) {
        struct ll_pool *p = NULL;
        struct ll_err e = {0};
        assert_int_equal(ll_pool_init(&p, n, &e), LL_OK);
        assert_int_equal(ll_pool_size(p), n);
        for (int round = 0; round < 300; round++) {
            struct job j = {.n = n};
            ll_pool_run(p, take_numbers, &j);
            assert_int_equal(j.calls, n);
            for (int i = 0; i < 1000; i++)
                assert_int_equal(j.seen[i], 1);
        }
        if (n == 3)
            usleep(20000); /* workers fall asleep and are woken again */
        struct job j = {.n = n};
        ll_pool_run(p, take_numbers, &j);
        assert_int_equal(j.calls, n);
        ll_pool_free(p);
    }
}

static void pool_sizes(void **state)
{
    (void)state;
    struct ll_pool *p = NULL;
    struct ll_err e = {0};
    assert_int_equal(ll_pool_init(&p, 0, &e), LL_OK);
    assert_int_equal(ll_pool_size(p), ll_cpu_count() > 256 ? 256 : ll_cpu_count());
    ll_pool_free(p);
    ll_pool_free(NULL);
    assert_int_equal(ll_pool_init(&p, 257, &e), LL_EUSAGE);
    assert_null(p);
    e = (struct ll_err){0};
    assert_int_equal(ll_pool_init(&p, -1, &e), LL_EUSAGE);
    assert_non_null(strstr(e.msg, "found -1"));
}

static void names_to_show(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"Qwen3-0.6B", "Qwen3-0.6B"},
        {"\xe4\xb8\xad \xf0\x9f\x99\x82", "\xe4\xb8\xad \xf0\x9f\x99\x82"},
        {"a\033[2J\nb\177", "a_[2J_b_"},
        {"\xc2\x9b"
         "31m",
         "_31m"},
        {"\xe2\x80\xae"
         "x\xe2\x80\xa8",
         "_x_"},
        {"\xff\xe2\x80", "__"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char s[64];
        snprintf(s, sizeof s, "%s", rows[i].from);
        ll_shown_name(s);
        assert_string_equal(s, rows[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_to_show),
        cmocka_unit_test(first_reason_stays),
        cmocka_unit_test(long_reasons_are_cut),
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(exact_fill_keeps_the_nul),
        cmocka_unit_test(a_failed_buffer_stops_every_output),
        cmocka_unit_test(shown_text_has_no_controls),
        cmocka_unit_test(doubles_as_text),
        cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(percentiles),
        cmocka_unit_test(clocks_and_memory),
        cmocka_unit_test(provenance),
        cmocka_unit_test(utf8_round_trip),
        cmocka_unit_test(utf8_maximal_parts),
        cmocka_unit_test(utf8_check_and_clean),
        cmocka_unit_test(json_document),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(json_apart),
        cmocka_unit_test(json_deep),
        cmocka_unit_test(sha_known_answers),
        cmocka_unit_test(sha_every_length),
        cmocka_unit_test(map_a_file),
        cmocka_unit_test(map_what_is_no_file),
        cmocka_unit_test(dropping_pages_keeps_neighbours),
        cmocka_unit_test(read_with_a_limit),
        cmocka_unit_test(nothing_appears_before_commit),
        cmocka_unit_test(a_folder_that_takes_no_files),
        cmocka_unit_test(a_commit_that_cannot_rename),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(folders_and_paths),
        cmocka_unit_test(every_number_once),
        cmocka_unit_test(pool_sizes),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
