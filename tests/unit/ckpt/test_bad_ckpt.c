/* test_bad_ckpt.c - headers, folders, indexes and settings that are refused, each with its line. */
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

static const struct bad_header {
    const char *header;
    size_t n_data;
    int code;
    const char *say1, *say2;
} bad_headers[] = {
    /* JSON */
    {"[]", 0, LL_EUSAGE, "expected '{' at byte 8", "0x5b"},
    {"  ", 0, LL_EUSAGE, "expected '{' at byte 8", "0x20"},
    {" []", 0, LL_EUSAGE, "expected '{' at byte 9", "0x5b"},
    {"{]", 0, LL_EUSAGE, "line 1, column 2: not valid JSON", "expected a name in quotes or }"},
    {"{} {}", 0, LL_EUSAGE, "expected the end of the document", "column 4"},
    {"{\"a\":", 0, LL_EUSAGE, "expected a value", "found the end of the text"},
    {"{\"a", 0, LL_EUSAGE, "without an end", NULL},
    {"{" T("a\xff", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "column 4: not valid JSON: not UTF-8", NULL},
    {"{" T("a\\ud800", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "surrogate pair", NULL},
    {"{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "NUL", NULL},
    {"{" T("a\nb", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "control character inside a string", NULL},
    {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2, LL_EUSAGE, "\"a\"",
     "found it twice"},
    {"{" T("a", "U8", "[1]", 0, 1) "," T("\\u0061", "U8", "[1]", 1, 2) "}", 2, LL_EUSAGE, "\"a\"",
     "found it twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE,
     "\"dtype\"", "found it twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, LL_EUSAGE, "__metadata__", "found it twice"},
    /* metadata */
    {"{\"__metadata__\":3}", 0, LL_EUSAGE, "__metadata__: expected an object", "found 3"},
    {"{\"__metadata__\":{\"k\":[1]}}", 0, LL_EUSAGE, "__metadata__: k: expected a text", "an array"},
    /* dtype */
    {"{\"a\":7}", 0, LL_EUSAGE, "tensor \"a\": entry", "found 7"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE, "tensor \"a\": dtype", "found nothing"},
    {"{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE, "tensor \"a\": dtype",
     "found 3"},
    {"{" T("a", "F6_E2M3", "[1]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape",
     "no whole number of bytes of F6_E2M3"},
    {"{" T("a", "F4", "[3]", 0, 2) "}", 2, LL_EUSAGE, "tensor \"a\": shape",
     "no whole number of bytes of F4"},
    {"{" T("a", "F4", "[4]", 0, 4) "}", 4, LL_EUSAGE, "tensor \"a\": data_offsets: expected 2 bytes",
     "F4, found 4"},
    {"{" T("a", "C64", "[2]", 0, 8) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets: expected 16 bytes",
     "C64, found 8"},
    {"{" T("a", "float32", "[1]", 0, 4) "}", 4, LL_EUNSUP, "tensor \"a\": dtype", "float32"},
    /* shape */
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, LL_EUSAGE,
     "tensor \"a\": shape: expected a list", "found nothing"},
    {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found -1"},
    {"{" T("a", "U8", "[1.5]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found 1.5"},
    {"{" T("a", "U8", "[\"1\"]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found \"1\""},
    {"{" T("a", "U8", "[9223372036854775807]", 0, 1) "}", 1, LL_EUSAGE,
     "tensor \"a\": shape: expected whole numbers", "found 9.2"},
    {"{" T("a", "U8", "[1e999]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found"},
    {"{" T("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape", "too large"},
    {"{" T("a", "F32", "[4194304,1099511627776]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    {"{" T("a", "U8", "[4503599627370496,4503599627370496,0]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    {"{" T("a", "U8", "[1,1,1,1,1,1,1,4294967296,4294967296]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    /* offsets */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found nothing"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, LL_EUSAGE,
     "tensor \"a\": data_offsets: expected two", "an array"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, LL_EUSAGE,
     "tensor \"a\": data_offsets: expected two", "an array"},
    {"{" T("a", "U8", "[1]", -1, 0) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found -1"},
    {"{" T("a", "U8", "[1]", 0, 0.5) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found 0.5"},
    {"{" T("a", "U8", "[1]", 1, 0) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected begin <= end",
     "[1, 0]"},
    {"{" T("a", "U8", "[9]", 0, 9) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets",
     "within the 8 bytes of data, found 9"},
    {"{" T("a", "BF16", "[2,3]", 0, 11) "}", 11, LL_EUSAGE, "tensor \"a\": data_offsets: expected 12 bytes",
     "BF16, found 11"},
    {"{" T("a", "F32", "[]", 0, 8) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets: expected 4 bytes",
     "F32, found 8"},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 3, 7) "}", 7, LL_EUSAGE, "tensor \"b\"",
     "overlaps \"a\""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 0, 4) "}", 4, LL_EUSAGE, "tensor \"",
     "overlaps \""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[0]", 2, 2) "}", 4, LL_EUSAGE, "tensor \"b\"",
     "overlaps \"a\""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 5, 9) "}", 9, LL_EUSAGE, "tensor \"b\"", "a hole"},
    {"{" T("a", "U8", "[4]", 1, 5) "}", 5, LL_EUSAGE, "tensor \"a\"", "expected a begin at 0, found 1"},
    {"{" T("a", "U8", "[4]", 0, 4) "}", 5, LL_EUSAGE, "expected 4 bytes of data", "found 5"},
    {"{}", 1, LL_EUSAGE, "expected 0 bytes of data", "found 1"},
};

/* What the reference (safetensors 0.8.0, Python) reads, so do we: types without a reader, many dimensions, no
 * metadata. */
static void headers_of_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *type;
        int n_dims;
        size_t size;
    } rows[] = {
        {"{\"__metadata__\":null," T("a", "F32", "[1]", 0, 4) "}", 4, "F32", 1, 4},
        {"  {" T("a", "F32", "[1]", 0, 4) "}  ", 4, "F32", 1, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"foo\":[3]}}", 4, "F32", 1, 4},
        {"{" T("a", "F4", "[2]", 0, 1) "}", 1, "F4", 1, 1},
        {"{" T("a", "F6_E2M3", "[4]", 0, 3) "}", 3, "F6_E2M3", 1, 3},
        {"{" T("a", "F6_E3M2", "[2,2]", 0, 3) "}", 3, "F6_E3M2", 2, 3},
        {"{" T("a", "C64", "[3]", 0, 24) "}", 24, "C64", 1, 24},
        {"{" T("a", "F8_E4M3FNUZ", "[5]", 0, 5) "}", 5, "F8_E4M3FNUZ", 1, 5},
        {"{" T("a", "F8_E5M2FNUZ", "[5]", 0, 5) "}", 5, "F8_E5M2FNUZ", 1, 5},
        {"{" T("a", "I4", "[5]", 0, 3) "}", 3, "I4", 1,
         3}, /* unknown to the reference, too: a later one's, perhaps */
        {"{" T("a", "F16", "[1,1,1,1,3]", 0, 6) "}", 6, "F16", 5, 6},
        {"{" T("a", "F16", "[1,2,1,2,1,2,1,2,1,2]", 0, 64) "}", 64, "F16", 8, 64},
    };
    puts_to("kinds/config.json", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weights("kinds/model.safetensors", rows[i].header, rows[i].data);
        struct ll_ckpt *c = opened(at("kinds"));
        const struct ll_tensor *t = ll_ckpt_find(c, "a");
        assert_string_equal(ll_tensor_type(t), rows[i].type);
        assert_int_equal(t->n_dims, rows[i].n_dims);
        assert_int_equal(t->size, rows[i].size);
        char hex[65];
        struct ll_err e = {0};
        assert_int_equal(ll_ckpt_identity(c, hex, &e), LL_OK);
        ll_ckpt_close(c);
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    puts_to("bad/config.json", "{}");
    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
        const struct bad_header *b = &bad_headers[i];
        weights("bad/model.safetensors", b->header, b->n_data);
        refused(at("bad"), b->code, "/bad: model.safetensors: ", b->say1, b->say2, NULL);
    }
}

static void cut_anywhere(void **state)
{
    (void)state;
    const char *h = "{" T("a", "F32", "[2]", 0, 8) "," T("b", "U8", "[3]", 8, 11) "}";
    size_t n = 8 + strlen(h) + 11;
    puts_to("cut/config.json", "{}");
    weights("cut/model.safetensors", h, 11);
    char *whole = strdup(at("cut/model.safetensors"));
    for (size_t left = n; left-- > 0;) { /* every shorter file is refused, for what it lacks */
        assert_int_equal(truncate(whole, (off_t)left), 0);
        refused(at("cut"), LL_EUSAGE, "model.safetensors: ",
                left < 8                   ? "expected at least the 8 bytes"
                    : left < 8 + strlen(h) ? "header length: expected"
                                           : "data_offsets",
                NULL);
    }
    free(whole);
}

static void lengths_that_lie(void **state)
{
    (void)state;
    const struct {
        uint64_t len;
        const char *say;
    } rows[] = {
        {0, "expected 2..20"},
        {1, "expected 2..20"},
        {21, "found 21"},
        {100000001, "at most 100000000"},
        {UINT64_MAX, "at most 100000000"},
        {UINT64_MAX - 7, "at most"},
        {3, "expected the end of the document"},
    };
    puts_to("lie/config.json", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t b[28] = {0};
        for (int k = 0; k < 8; k++)
            b[k] = (uint8_t)(rows[i].len >> 8 * k);
        memcpy(b + 8, "{}", 2);
        put("lie/model.safetensors", b, sizeof b);
        refused(at("lie"), LL_EUSAGE, "model.safetensors: ", rows[i].say, NULL);
    }
    puts_to("lie/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    refused(at("lie"), LL_EUSAGE, "git-lfs pointer", NULL);
}

static void deep_headers(void **state)
{
    (void)state;
    static char h[200001];
    memset(h, '[', sizeof h - 1);
    memcpy(h, "{\"a\":", 5);
    puts_to("deep/config.json", "{}");
    weights("deep/model.safetensors", h, 0);
    refused(at("deep"), LL_EUSAGE, "nested too deeply", NULL);
}

static void paths_that_are_no_checkpoint(void **state)
{
    (void)state;
    puts_to("none/notes.txt", "");
    refused(at("none"), LL_EUSAGE, "none: no *.safetensors", "Hugging Face folder", NULL);
    refused(at("none/notes.txt"), LL_EUSAGE, "notes.txt: expected a Hugging Face folder", NULL);
    puts_to("none/m.gguf", "GGUF");
    refused(at("none/m.gguf"), LL_EUSAGE, "m.gguf: version at byte 4", "cut short", NULL);
    puts_to("none/m.bad", "GGUF");
    refused(at("none/m.bad"), LL_EUSAGE, "m.bad: version at byte 4", "cut short",
            NULL); /* the first bytes count, not the name */
    puts_to("none/m.bad", "GGU");
    refused(at("none/m.bad"), LL_EUSAGE,
            "m.bad: expected a Hugging Face folder, a .safetensors file, an index", NULL);
    weights("none/model.safetensors", "{}", 0);
    refused(at("none"), LL_EUSAGE, "none: no config.json", NULL);
    refused(at("none/model.safetensors"), LL_EUSAGE, "none: no config.json", NULL);
    refused(at("gone"), LL_EUSAGE, "gone: no such file or folder", NULL);
    refused("", LL_EUSAGE, "no such file or folder", NULL);
    puts_to("fold/config.json", "{}");
    assert_int_equal(mkdir(at("fold/model.safetensors"), 0777), 0);
    refused(at("fold"), LL_EUSAGE, "model.safetensors: expected a regular file, found a folder", NULL);
}

/* A FIFO, socket, folder or link to nothing in the place of each file of a checkpoint: said in one line,
 * without waiting. */
static void files_that_are_none(void **state)
{
    (void)state;
    static const char *const places[] = {
        "odd/config.json",   "odd/model.safetensors", "odd/model.safetensors.index.json",
        "odd/a.safetensors", "odd/tokenizer.json",    "odd/m.gguf"};
    static const struct {
        const char *make, *said;
    } kinds[] = {
        {"mkfifo", "found a FIFO"},
        {"mkdir", "found a folder"},
        {"ln -s ../blobs/0", "where nothing is"},
        {"python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'",
         "found a socket"},
    };
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            char cmd[700];
            struct ll_buf b = {0};
            struct ll_err e = {0};
            snprintf(cmd, sizeof cmd, "rm -rf '%s' && mkdir '%s' && %s '%s'", at("odd"), at("odd"),
                     kinds[k].make, at(places[p]));
            if (system(cmd)) /* no Python: no sockets */
                continue;
            assert_int_equal(ll_file_read(at(places[p]), 100, &b, &e), LL_EUSAGE);
            assert_non_null(strstr(e.msg, kinds[k].said));
            if (p != 0)
                puts_to("odd/config.json", "{}");
            if (p == 0)
                weights("odd/model.safetensors", "{}", 0);
            if (p == 3) {
                puts_to("odd/model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\"}}");
                refused(at("odd"), LL_EUSAGE, "a.safetensors",
                        k == 2 ? "a link to nothing (incomplete download?)" : kinds[k].said, NULL);
            } else if (p != 4)
                refused(p == 5 ? at(places[p]) : at("odd"), LL_EUSAGE, strrchr(places[p], '/') + 1,
                        p == 5 && k == 1 ? "no *.safetensors" : kinds[k].said, NULL);
        }
}

/* A Git LFS pointer in the place of each file. */
static void pointers(void **state)
{
    (void)state;
    static const char text[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1234567\n";
    static const char *const places[] = {"lfs/config.json", "lfs/model.safetensors",
                                         "lfs/model.safetensors.index.json", "lfs/a.safetensors",
                                         "lfs/m.gguf"};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        char cmd[700];
        snprintf(cmd, sizeof cmd, "rm -rf '%s'", at("lfs"));
        assert_int_equal(system(cmd), 0);
        puts_to("lfs/config.json", "{}");
        if (p == 0)
            weights("lfs/model.safetensors", "{}", 0);
        if (p == 3)
            puts_to("lfs/model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\"}}");
        puts_to(places[p], text);
        refused(at("lfs"), LL_EUSAGE, strrchr(places[p], '/') + 1, "git-lfs pointer", "git lfs pull", NULL);
    }
}

/* A file that is written to, cut or replaced after it was mapped. */
static void files_that_change(void **state)
{
    (void)state;
    struct ll_map m;
    struct ll_err e = {0};
    puts_to("chg/a", "0123456789");
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_OK);
    assert_int_equal(truncate(at("chg/a"), 4), 0);
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_EFAIL);
    assert_non_null(strstr(e.msg, "10 bytes when opened, 4 now"));
    ll_map_close(&m);
    e = (struct ll_err){0};
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    puts_to("chg/a", "another"); /* by rename: what is mapped stays */
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_OK);
    assert_memory_equal(m.data, "0123", 4);
    ll_map_close(&m);
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    usleep(20000); /* beyond the clock of the file system */
    FILE *f = fopen(at("chg/a"), "r+");
    assert_true(f && fputs("X", f) >= 0 && !fclose(f));
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_EFAIL);
    assert_non_null(strstr(e.msg, "written to"));
    ll_map_close(&m);
}

static void pickles(void **state)
{
    (void)state;
    puts_to("pkl/config.json", "{}");
    puts_to("pkl/pytorch_model.bin", "x");
    refused(at("pkl"), LL_EUNSUP, "pkl: holds only pytorch_model.bin; pickles are not read", NULL);
}

static void bad_configs(void **state)
{
    (void)state;
    weights("cfg/model.safetensors", "{}", 0);
    const char *const rows[][2] = {
        {"", "config.json: expected JSON, found an empty file"},
        {"{\n \"a\": }", "config.json: line 2, column 7: not valid JSON"},
        {"[1]", "config.json: expected an object"},
        {"3", "config.json: expected an object"},
        {"{\"a\": 1", "expected , or the end of the object or array, found the end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        puts_to("cfg/config.json", rows[i][0]);
        refused(at("cfg"), LL_EUSAGE, "/cfg: config.json", rows[i][1], NULL);
    }
}

/* A tensor in another shard than the index says, but in one: read there, with a word. */
static void index_that_errs(void **state)
{
    (void)state;
    puts_to("err/config.json", "{}");
    weights("err/x.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    weights("err/y.safetensors", "{" T("b", "U8", "[1]", 0, 1) "," T("c", "U8", "[1]", 1, 2) "}", 2);
    put_index("err", "{\"a\": \"x.safetensors\", \"b\": \"x.safetensors\", \"c\": \"y.safetensors\"}");
    struct ll_ckpt *c = opened(at("err"));
    assert_int_equal(c->n_tensors, 3);
    assert_string_equal(c->files[ll_ckpt_find(c, "b")->file].name, "y.safetensors");
    assert_int_equal(c->n_notes, 1);
    assert_string_equal(c->notes[0],
                        "model.safetensors.index.json names the wrong file for 1 of its tensors: \"b\" is in "
                        "y.safetensors, not in x.safetensors; read where they are");
    ll_ckpt_close(c);
}

/* PEFT adapters: alone they are no model, beside one they are mentioned. */
static void adapters(void **state)
{
    (void)state;
    puts_to("lora/adapter_config.json",
            "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"org/base\"}");
    weights("lora/adapter_model.safetensors",
            "{" T("base_model.model.a.lora_A.weight", "U8", "[1]", 0, 1) "}", 1);
    refused(at("lora"), LL_EUNSUP,
            "lora: a LoRA adapter (adapter_config.json), not a whole model: merge it into its base model "
            "org/base first",
            "merge_and_unload", NULL);
    refused(at("lora/adapter_model.safetensors"), LL_EUNSUP, "a LoRA adapter", NULL);
    puts_to("lora/config.json", "{}"); /* as some trainers leave it */
    refused(at("lora"), LL_EUNSUP, "a LoRA adapter", NULL);
    puts_to("lora/adapter_config.json", "{\"peft_type\": \"IA3\"");
    refused(at("lora"), LL_EUNSUP, "a LoRA adapter (adapter_config.json)", NULL);
    puts_to("lora/adapter_config.json", "{\"peft_type\": \"IA3\"}");
    refused(at("lora"), LL_EUNSUP, "an IA3 adapter (adapter_config.json)", NULL);
    weights("lora/model.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    struct ll_ckpt *c = opened(at("lora"));
    assert_int_equal(c->n_files, 1);
    assert_int_equal(c->n_notes, 1);
    assert_non_null(
        strstr(c->notes[0], "an adapter (adapter_config.json) lies beside the model: it is not applied"));
    ll_ckpt_close(c);
    refused(at("lora/adapter_model.safetensors"), LL_EUNSUP, "adapter", NULL);
}

/* A file is known by its first bytes, whatever its name. */
static void files_by_content(void **state)
{
    (void)state;
    puts_to("blob/config.json", "{}");
    weights("blob/sha256-00", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    struct ll_ckpt *c = opened(at("blob/sha256-00"));
    assert_string_equal(c->clean, "sha256-00");
    assert_string_equal(c->container, "safetensors");
    ll_ckpt_close(c);
    puts_to("blob/x.safetensors", "GGUF\x03");
    refused(at("blob/x.safetensors"), LL_EUSAGE, "x.safetensors: version at byte 4", NULL);
    puts_to("blob/notes", "no model, but long enough {");
    refused(at("blob/notes"), LL_EUSAGE, "expected a Hugging Face folder", NULL);
}

static void bad_indexes(void **state)
{
    (void)state;
    const struct {
        const char *map, *say1, *say2;
    } rows[] = {
        {"{\"a\": \"../x.safetensors\"}", "index.json: weight_map: a: expected the name", "../x.safetensors"},
        {"{\"a\": \"/etc/x.safetensors\"}", "weight_map: a: expected the name", "/etc"},
        {"{\"a\": \"sub/x.safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \"..\\\\x.safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \".safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \"pytorch_model.bin\"}", "weight_map: a: expected the name of a .safetensors",
         "pytorch_model.bin"},
        {"{\"a\": 3}", "weight_map: a: expected the name", "found 3"},
        {"{}", "weight_map: expected an object", "an empty one"},
        {"[]", "weight_map: expected an object", "an array"},
        {"{\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}", "\"a\"", "found it twice"},
        {"{\"a\": \"x.safetensors\", \"b\": \"z.safetensors\", \"c\": \"w.safetensors\"}",
         "2 of the 3 shards listed in model.safetensors.index.json missing", "w.safetensors"},
        {"{\"a\": \"x.safetensors\", \"q\": \"x.safetensors\"}",
         "tensor \"q\": model.safetensors.index.json expects it in x.safetensors", "nowhere"},
        {"{\"a\": \"x.safetensors\", \"b\": \"two.safetensors\"}", "tensor \"a\": expected in one file",
         "two.safetensors and x.safetensors"},
        {"{\"a\": \"x.safetensors\"", "not valid JSON", "index.json: line 1"},
    };
    puts_to("idx/config.json", "{}");
    weights("idx/x.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    weights("idx/y.safetensors", "{" T("b", "U8", "[1]", 0, 1) "," T("c", "U8", "[1]", 1, 2) "}", 2);
    weights("idx/two.safetensors", "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 1, 2) "}", 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_index("idx", rows[i].map);
        refused(at("idx"), LL_EUSAGE, rows[i].say1, rows[i].say2, NULL);
    }
    puts_to("idx/model.safetensors.index.json", "{}");
    refused(at("idx"), LL_EUSAGE, "weight_map: expected an object", "found nothing", NULL);
    puts_to("idx/model.safetensors.index.json", "7");
    refused(at("idx"), LL_EUSAGE, "weight_map: expected an object", "found nothing", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_other_kinds),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(deep_headers),
        cmocka_unit_test(paths_that_are_no_checkpoint),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(pointers),
        cmocka_unit_test(files_that_change),
        cmocka_unit_test(pickles),
        cmocka_unit_test(bad_configs),
        cmocka_unit_test(index_that_errs),
        cmocka_unit_test(adapters),
        cmocka_unit_test(files_by_content),
        cmocka_unit_test(bad_indexes),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
