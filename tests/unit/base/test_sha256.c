/* test_sha256.c - known answers of SHA-256, every length. */
#define _GNU_SOURCE
#include "sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_known_answers),
        cmocka_unit_test(sha_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
