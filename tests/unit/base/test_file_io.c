/* test_file_io.c - mapped files, files that appear whole or not at all, full disks, paths. */
#define _GNU_SOURCE
#include "buf.h"
#include "fail.h"
#include "map.h"
#include "outfile.h"
#include "sha256.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_a_file),
        cmocka_unit_test(map_what_is_no_file),
        cmocka_unit_test(dropping_pages_keeps_neighbours),
        cmocka_unit_test(read_with_a_limit),
        cmocka_unit_test(nothing_appears_before_commit),
        cmocka_unit_test(a_folder_that_takes_no_files),
        cmocka_unit_test(a_commit_that_cannot_rename),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(folders_and_paths),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
