/* test_store_rundir.c - the run folder: temporary, named when complete, older ones rotated */
#include "unit/base/files.h"
#include "rundir.h"

static void one_run(const char *root, const char *content)
{
    struct ll_err err = {0};
    struct ll_rundir d;
    OK(ll_rundir_begin(&d, root, NULL, &err), &err);
    assert_non_null(strstr(d.work, ".partial"));
    spill(d.work, "content", content, strlen(content));
    OK(ll_rundir_finish(&d, &err), &err);
    assert_null(d.work);
    assert_true(ll_is_dir(d.final));
    ll_rundir_abort(&d);
    ll_rundir_abort(&d);
}

static void check_content(const char *root, const char *run, const char *content)
{
    char *folder = path2(root, run);
    struct ll_buf b = slurp(folder, "content");
    assert_string_equal(b.s, content);
    ll_buf_free(&b);
    free(folder);
}

/* A run-latest with a stamp of our choice. */
static void old_run(const char *root, const char *stamp, const char *content)
{
    struct ll_err err = {0};
    char *latest = path2(root, "run-latest"), name[64];
    OK(ll_make_dirs(latest, &err), &err);
    snprintf(name, sizeof name, "timestamp-%s", stamp);
    if (*stamp)
        spill(latest, name, "x\n", 2);
    spill(latest, "content", content, strlen(content));
    free(latest);
}

static void the_timestamp_file_says_when(void **state)
{
    (void)state;
    char *root = tmp_folder(), name[64];
    struct ll_err err = {0};
    struct ll_rundir d;
    OK(ll_rundir_begin(&d, root, NULL, &err), &err);
    snprintf(name, sizeof name, "timestamp-%s", d.stamp);
    struct ll_buf b = slurp(d.work, name);
    int y, mo, da, h, mi, s;
    char end;
    assert_int_equal(sscanf(b.s, "Experiment started: %4d-%2d-%2d %2d:%2d:%2d%c", &y, &mo, &da, &h, &mi, &s,
                            &end),
                     7);
    assert_int_equal(end, '\n');
    assert_int_equal(b.len, strlen("Experiment started: YYYY-MM-DD HH:MM:SS\n"));
    snprintf(name, sizeof name, "%04d%02d%02d-%02d%02d", y, mo, da, h, mi);
    assert_string_equal(name, d.stamp);
    assert_false(has_file(root, "run-latest"));
    ll_buf_free(&b);
    ll_rundir_abort(&d);
    assert_int_equal(count_entries(root), 0);
    ll_rundir_abort(&d);
    remove_tree(root);
    free(root);
}

static void older_runs_are_rotated(void **state)
{
    (void)state;
    char *root = tmp_folder();
    old_run(root, "20250824-1549", "first");
    one_run(root, "second");
    check_content(root, "run-20250824-1549", "first");
    check_content(root, "run-latest", "second");
    remove_tree(root);

    mkdir(root, 0777); /* two of one minute, and a third */
    old_run(root, "20250824-1549", "a");
    one_run(root, "x");
    char *latest = path2(root, "run-latest");
    remove_tree(latest);
    old_run(root, "20250824-1549", "b");
    one_run(root, "x");
    remove_tree(latest);
    old_run(root, "20250824-1549", "c");
    one_run(root, "x");
    check_content(root, "run-20250824-1549", "a");
    check_content(root, "run-20250824-1549-2", "b");
    check_content(root, "run-20250824-1549-3", "c");
    free(latest);
    remove_tree(root);
    free(root);
}

static void a_run_without_stamp_is_rotated_too(void **state)
{
    (void)state;
    char *root = tmp_folder();
    old_run(root, "", "no stamp");
    one_run(root, "new");
    assert_int_equal(count_entries(root), 2);
    DIR *d = opendir(root);
    int found = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, "run-2", 5) && strstr(e->d_name, "-rotated")) {
            found++;
            check_content(root, e->d_name, "no stamp");
        }
    closedir(d);
    assert_int_equal(found, 1);
    remove_tree(root);
    free(root);
}

static void partial_folders_of_others_are_left_alone(void **state)
{
    (void)state;
    char *root = tmp_folder();
    struct ll_err err = {0};
    struct ll_rundir a, b;
    OK(ll_rundir_begin(&a, root, NULL, &err), &err); /* stands for a killed run, or one going on */
    spill(a.work, "content", "a", 1);
    OK(ll_rundir_begin(&b, root, NULL, &err), &err);
    assert_string_not_equal(a.work, b.work);
    spill(b.work, "content", "b", 1);
    OK(ll_rundir_finish(&b, &err), &err);
    check_content(root, "run-latest", "b");
    ll_rundir_abort(&b);                  /* lets the other have the root */
    OK(ll_rundir_finish(&a, &err), &err); /* both of one minute */
    check_content(root, "run-latest", "a");
    assert_int_equal(count_entries(root), 2);
    ll_rundir_abort(&a);
    ll_rundir_abort(&b);
    remove_tree(root);
    free(root);
}

static void an_out_dir_must_be_empty(void **state)
{
    (void)state;
    char *root = tmp_folder(), *out = path2(root, "deep/er/out/");
    struct ll_err err = {0};
    struct ll_rundir d;
    OK(ll_rundir_begin(&d, NULL, out, &err), &err);
    assert_null(d.root);
    assert_false(ll_is_dir(out));
    spill(d.work, "content", "1", 1);
    OK(ll_rundir_finish(&d, &err), &err);
    check_content(out, "", "1");
    ll_rundir_abort(&d);
    assert_int_equal(ll_rundir_begin(&d, NULL, out, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "absent or empty"));
    ll_rundir_abort(&d);
    char *empty = path2(root, "empty");
    mkdir(empty, 0777);
    OK(ll_rundir_begin(&d, NULL, empty, &err), &err);
    spill(d.work, "content", "2", 1);
    OK(ll_rundir_finish(&d, &err), &err);
    check_content(empty, "", "2");
    ll_rundir_abort(&d);
    remove_tree(root);
    free(root);
    free(out);
    free(empty);
}

static void results_are_kept_when_the_name_is_taken_meanwhile(void **state)
{
    (void)state;
    char *root = tmp_folder(), *out = path2(root, "out");
    struct ll_err err = {0};
    struct ll_rundir d;
    OK(ll_rundir_begin(&d, NULL, out, &err), &err);
    spill(d.work, "content", "1", 1);
    mkdir(out, 0777);
    spill(out, "theirs", "x", 1);
    assert_int_equal(ll_rundir_finish(&d, &err), LL_EFAIL);
    assert_non_null(strstr(err.msg, "the results stay in"));
    ll_rundir_abort(&d);
    check_content(root, "out.partial", "1");
    remove_tree(root);
    free(root);
    free(out);
}

static void a_root_that_cannot_be_written_is_one_clear_error(void **state)
{
    (void)state;
    struct ll_err err = {0};
    struct ll_rundir d;
    assert_int_equal(ll_rundir_begin(&d, "/proc/logitlens", NULL, &err), LL_EFAIL);
    assert_non_null(strstr(err.msg, "/proc/logitlens"));
    err.code = 0;
    assert_int_equal(ll_rundir_begin(&d, "/dev/null", NULL, &err), LL_EUSAGE); /* no folder */
    err.code = 0;
    assert_int_equal(ll_rundir_begin(&d, "", NULL, &err), LL_EUSAGE);
    if (geteuid()) { /* permissions do not bind root */
        char *root = tmp_folder();
        chmod(root, 0555);
        err.code = 0;
        assert_int_equal(ll_rundir_begin(&d, root, NULL, &err), LL_EFAIL);
        assert_int_equal(count_entries(root), 0);
        remove_tree(root);
        free(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timestamp_file_says_when),
        cmocka_unit_test(older_runs_are_rotated),
        cmocka_unit_test(a_run_without_stamp_is_rotated_too),
        cmocka_unit_test(partial_folders_of_others_are_left_alone),
        cmocka_unit_test(an_out_dir_must_be_empty),
        cmocka_unit_test(results_are_kept_when_the_name_is_taken_meanwhile),
        cmocka_unit_test(a_root_that_cannot_be_written_is_one_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
