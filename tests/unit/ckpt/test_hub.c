/* test_hub.c - checkpoints by name in the local hub cache. */
#define _GNU_SOURCE
#include "unit/ckpt/made_ckpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void put_snapshot(const char *repo, const char *hash)
{
    char name[256], blob[256], link[256];
    snprintf(name, sizeof name, "hub/%s/snapshots/%s/config.json", repo, hash);
    snprintf(blob, sizeof blob, "hub/%s/blobs/b0", repo);
    snprintf(link, sizeof link, "hub/%s/snapshots/%s/model.safetensors", repo, hash);
    puts_to(name, "{}");
    weights(blob, "{" T("x", "U8", "[1]", 0, 1) "}", 1);
    unlink(at(link));
    assert_int_equal(symlink("../../blobs/b0", at(link)), 0);
}

static void check_hub(const char *asked, const char *id, const char *clean, const char *hash)
{
    char snap[128];
    struct ll_ckpt *c = opened(asked);
    assert_string_equal(c->model_id, id);
    assert_string_equal(c->clean, clean);
    snprintf(snap, sizeof snap, "/snapshots/%s", hash);
    assert_true(strlen(c->path) > strlen(snap) && !strcmp(c->path + strlen(c->path) - strlen(snap), snap));
    assert_int_equal(c->n_tensors, 1);
    ll_ckpt_close(c);
}

static void hub_cache(void **state)
{
    (void)state;
    setenv("HF_HUB_CACHE", at("hub"), 1);
    put_snapshot("models--Org--Some-Model.1", "aaaa");
    put_snapshot("models--Org--Some-Model.1", "bbbb");
    refused("Org/Some-Model.1", LL_EUSAGE, "no snapshot of revision main", "models--Org--Some-Model.1",
            "nothing is downloaded", NULL);
    puts_to("hub/models--Org--Some-Model.1/refs/main", "aaaa");
    puts_to("hub/models--Org--Some-Model.1/refs/v1", "bbbb\n");
    puts_to("hub/models--Org--Some-Model.1/refs/refs/pr/3", "bbbb");
    puts_to("hub/models--Org--Some-Model.1/refs/evil", "../../../../one");
    check_hub("Org/Some-Model.1", "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub("Org/Some-Model.1@main", "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub("Org/Some-Model.1@v1", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub("Org/Some-Model.1@refs/pr/3", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub("Org/Some-Model.1@bbbb", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub(at("hub/models--Org--Some-Model.1/snapshots/bbbb/"), "Org/Some-Model.1", "Some-Model.1",
              "bbbb");
    check_hub(at("hub/models--Org--Some-Model.1"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub(at("hub/models--Org--Some-Model.1/"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub(at("hub/models--Org--Some-Model.1/snapshots//"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    puts_to("hub/models--Org--Broken/refs/main", "dddd");
    assert_int_equal(mkdir(at("hub/models--Org--Broken/snapshots"), 0777), 0);
    refused(at("hub/models--Org--Broken"), LL_EUSAGE,
            "models--Org--Broken: this folder of the hub cache holds no snapshot", NULL);
    put_snapshot("models--Org--Gone", "eeee");
    assert_int_equal(unlink(at("hub/models--Org--Gone/blobs/b0")), 0);
    refused("Org/Gone", LL_EUSAGE, "eeee/model.safetensors: expected a regular file, found a link to ",
            "blobs/b0, where nothing is (incomplete download?)", NULL);
    put_snapshot("models--gpt2", "cccc"); /* no refs: the only snapshot is the one; no organisation */
    check_hub("gpt2", "gpt2", "gpt2", "cccc");
    refused("gpt2@v9", LL_EUSAGE, "no snapshot of revision v9", NULL);
    refused("Org/Some-Model.1@evil", LL_EUSAGE, "no snapshot of revision evil", NULL);
    refused("Org/Other", LL_EUSAGE, "Org/Other: no such file or folder", "models--Org--Other",
            "nothing is downloaded", NULL);
    const char *const bad[] = {"Org/Some-Model.1@../x",
                               "Org/Some-Model.1@/x",
                               "Org/Some-Model.1@",
                               "../x",
                               "a/b/c",
                               "a//b",
                               "Org/",
                               "/Org",
                               "a--b",
                               "a b",
                               "@x",
                               "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(bad[i], "a/.."))
            refused(bad[i], LL_EUSAGE, "no such file or folder", NULL);
}

static void hub_places(void **state)
{
    (void)state;
    const char *const vars[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"};
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    setenv("HOME", "/h", 1);
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    setenv("HF_HOME", "/hf", 1);
    setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
    setenv("HF_HUB_CACHE", "/hub", 1);
    const char *const want[] = {"/hub/models--o--n", "/old/models--o--n", "/hf/hub/models--o--n",
                                "/xdg/huggingface/hub/models--o--n",
                                "/h/.cache/huggingface/hub/models--o--n"};
    /* as Python's expanduser and expandvars: in the value of each, a variable that is not set stays as it
     * is */
    const char *const spelled[][2] = {{"~", "/h/models--o--n"},
                                      {"~/x", "/h/x/models--o--n"},
                                      {"$HF_HOME/c", "/hf/c/models--o--n"},
                                      {"${HF_HOME}/c", "/hf/c/models--o--n"},
                                      {"~nobody_here/x", "~nobody_here/x/models--o--n"},
                                      {"/a/~/$LL_UNSET/${LL_UNSET", "/a/~/$LL_UNSET/${LL_UNSET/models--o--n"},
                                      {"/a$", "/a$/models--o--n"}};
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        char looked[128];
        setenv("HF_HUB_CACHE", spelled[i][0], 1);
        snprintf(looked, sizeof looked, "(looked for %s)", spelled[i][1]);
        refused("o/n", LL_EUSAGE, looked, NULL);
    }
    setenv("HF_HUB_CACHE", "/hub", 1);
    for (int i = 0; i < 5; i++) {
        char looked[128];
        snprintf(looked, sizeof looked, "(looked for %s)", want[i]);
        refused("o/n", LL_EUSAGE, looked, NULL);
        if (i < 4)
            unsetenv(vars[i]);
    }
    unsetenv("HOME");
    refused("o/n", LL_EUSAGE, "HF_HOME", NULL);
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hub_cache),
        cmocka_unit_test(hub_places),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
