/* test_tokenizers_gguf.c - ids and texts of GGUF vocabularies against llama.cpp, for every vocab.gguf in
 * shared/tokenizers, and of the GGUF models in shared/oracle. Prints the counts of each. Exit 77 without the
 * shared folder. Usage: oracle_test_tokenizers_gguf [part of a name].
 *
 * Byte strings that are no UTF-8 have llama.cpp ids in bytes.json too; here such a text is refused, at its
 * first bad byte. */
#include "gguf.h"
#include "stats.h"
#include "tokens.h"
#include "utf8.h"

#include <dirent.h>

/* The reference leaves a BOS out and then keeps the space in front; ours shows a BOS as any special token. */
static int check_text(const struct ll_tokenizer *tok, const struct ll_ids *ids, const char *want)
{
    struct ll_buf text = {0};
    int has_bos = tok->before.n && ids->n && ids->v[0] == tok->before.v[0];
    if (has_bos)
        ll_buf_adds(&text, ll_tokenizer_piece(tok, ids->v[0], NULL));
    ll_buf_adds(&text, want);
    int ok = check_decoded(tok, ids, 0, ll_buf_str(&text));
    ll_buf_free(&text);
    return ok;
}

static void check_vectors(const char *name, const struct ll_tokenizer *tok, const char *path, double load_s)
{
    cJSON *list = read_json(path), *e;
    int n = 0, ok[4] = {0};
    struct ll_ids ids = {0};
    double t0 = ll_now_s();
    cJSON_ArrayForEach(e, list)
    {
        const char *text = str(e, "text");
        size_t len = strlen(text);
        n++;
        ok[0] +=
            check_ids(tok, text, len, LL_ENC_SPECIAL_AS_TEXT, cJSON_GetObjectItem(e, "ids"), "ids", &ids);
        ok[1] += check_ids(tok, text, len, 0, cJSON_GetObjectItem(e, "ids_parse"), "ids_parse", &ids);
        ok[2] += check_ids(tok, text, len, LL_ENC_BOS, cJSON_GetObjectItem(e, "ids_with_special"),
                           "ids_with_special", &ids);
        ok[3] += check_text(tok, &ids, str(e, "decoded"));
    }
    printf("%-14s of %3d: ids %3d, parsed %3d, with special %3d, decoded %3d; loaded in %5.1f ms, checked in "
           "%.1f ms\n",
           name, n, ok[0], ok[1], ok[2], ok[3], load_s * 1e3, (ll_now_s() - t0) * 1e3);
    printf("%-14s %s; %s\n", "", ll_tokenizer_kind(tok), ll_tokenizer_bos_policy(tok));
    n_checked += n;
    n_bad += !n;
    ll_ids_free(&ids);
    cJSON_Delete(list);
}

static void check_bytes(const struct ll_tokenizer *tok, const char *path)
{
    cJSON *list = read_json(path), *e;
    int ok = 0, refused = 0, n = 0;
    struct ll_ids ids = {0};
    cJSON_ArrayForEach(e, list)
    {
        struct ll_buf raw = {0};
        struct ll_err err = {0};
        put_hex(str(e, "hex"), &raw);
        size_t good = raw.len ? ll_utf8_check(raw.s, raw.len) : 0;
        n++;
        if (good == raw.len) {
            ok += check_ids(tok, ll_buf_str(&raw), raw.len, LL_ENC_SPECIAL_AS_TEXT,
                            cJSON_GetObjectItem(e, "llamacpp_ids"), "bytes", &ids);
        } else if (ll_tokenizer_encode(tok, raw.s, raw.len, 0, &ids, &err) == LL_EUSAGE
                   && strstr(err.msg, "expected UTF-8")) {
            refused++;
        } else {
            printf("    %s: expected a refusal\n", str(e, "hex"));
            n_bad++;
        }
        ll_buf_free(&raw);
    }
    printf("%-14s of %3d byte strings: %d well-formed ones right, %d refused\n", "", n, ok, refused);
    ll_ids_free(&ids);
    cJSON_Delete(list);
}

static void check_vocabulary(const char *name)
{
    char path[1100];
    struct ll_buf raw = {0};
    struct ll_gguf *g = NULL;
    struct ll_tokenizer *tok = NULL;
    struct ll_err err = {0};
    snprintf(path, sizeof path, "%s/tokenizers/%s/vocab.gguf.xz", LL_SHARED_DIR, name);
    if (!ll_is_file(path))
        return;
    if (unpack(path, &raw)) {
        printf("%s: cannot unpack\n", path);
        n_bad++;
        return;
    }
    double t0 = ll_now_s();
    int rc = ll_gguf_parse(&g, "vocab.gguf", (const uint8_t *)raw.s, raw.len, &err);
    if (!rc)
        rc = ll_tokenizer_open_gguf(&tok, g, "vocab.gguf", &err);
    double load = ll_now_s() - t0;
    ll_gguf_close(g);
    ll_buf_free(&raw); /* nothing may be borrowed from the file */
    if (rc) {
        printf("%s: %s\n", name, err.msg);
        n_bad++;
        return;
    }
    snprintf(path, sizeof path, "%s/tokenizers/%s/llamacpp.json", LL_SHARED_DIR, name);
    check_vectors(name, tok, path, load);
    snprintf(path, sizeof path, "%s/tokenizers/%s/bytes.json", LL_SHARED_DIR, name);
    check_bytes(tok, path);
    ll_tokenizer_close(tok);
}

/* X.gguf with X.tokenizer_reference.json, which llama.cpp and the reference library agree on. */
static void check_model(const char *dir, const char *file)
{
    static const struct {
        const char *begin, *as;
    } same[] = {/* files without an own reference hold the tokenizer of another */
                {"llama_k_mixture", "llama31_f16"},
                {"llama_", "llama_f32"},
                {"mistral_", "llama_f32"},
                {"qwen3_", "qwen2_q8_0"}};
    char path[1200], reference[1200];
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    struct ll_ids ids = {0};
    int n = 0, ok[2] = {0};
    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(reference, sizeof reference, "%s/%.*s.tokenizer_reference.json", dir, (int)(strlen(file) - 5),
             file);
    for (size_t i = 0; i < sizeof same / sizeof same[0] && !ll_is_file(reference); i++)
        if (!strncmp(file, same[i].begin, strlen(same[i].begin)))
            snprintf(reference, sizeof reference, "%s/%s.tokenizer_reference.json", dir, same[i].as);
    double t0 = ll_now_s();
    if (ll_tokenizer_open(&tok, path, &err)) {
        printf("%s: %s\n", file, err.msg);
        n_bad++;
        return;
    }
    double load = ll_now_s() - t0;
    cJSON *list = ll_is_file(reference) ? read_json(reference) : NULL, *e;
    cJSON_ArrayForEach(e, list)
    {
        const char *text = str(e, "text");
        n++;
        ok[0] += check_ids(tok, text, strlen(text), 0, cJSON_GetObjectItem(e, "ids_without_specials"),
                           "ids_without_specials", &ids);
        ok[1] += check_ids(tok, text, strlen(text), LL_ENC_BOS, cJSON_GetObjectItem(e, "ids"), "ids", &ids);
    }
    printf("%-24s of %3d: ids %3d, with special %3d; loaded in %.1f ms%s\n", file, n, ok[0], ok[1],
           load * 1e3, list ? "" : " (no reference)");
    n_checked += n;
    cJSON_Delete(list);
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL, *models = LL_SHARED_DIR "/oracle/gguf";
    if (!ll_is_dir(LL_SHARED_DIR "/tokenizers")) {
        puts("skipped: no shared folder");
        return 77;
    }
    cJSON *manifest = read_json(LL_SHARED_DIR "/tokenizers/manifest.json"), *v;
    cJSON_ArrayForEach(v, manifest) if (!only || strstr(v->string, only)) check_vocabulary(v->string);
    cJSON_Delete(manifest);
    struct dirent **list;
    int n = scandir(models, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(list[i]->d_name);
        if (len > 5 && !strcmp(list[i]->d_name + len - 5, ".gguf")
            && (!only || strstr(list[i]->d_name, only)))
            check_model(models, list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    printf("%d texts, %d differences\n", n_checked, n_bad);
    return n_bad || !n_checked;
}
