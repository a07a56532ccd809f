/* test_tokenizers.c - ids, pieces and decoded texts against the reference library, for every vocabulary in
 * shared/tokenizers, the 21 variants made from them, the byte strings, and the tiny tokenizers of
 * shared/oracle. Prints the counts of each. Exit 77 without the shared folder. Usage: oracle_test_tokenizers
 * [part of a name]. */
#include "stats.h"
#include "tokens.h"
#include "utf8.h"

#include <dirent.h>

/* The reference shows an added token as it was matched: with the white space its lstrip or rstrip took, or
 * normalized. */
static int is_added_within(const struct ll_tokenizer *tok, int id, const char *want)
{
    const char *s = ll_vocab_piece(&tok->vocab, id, NULL);
    return s && strstr(want, s);
}

static int check_pieces(const struct ll_tokenizer *tok, const struct ll_ids *ids, const cJSON *want)
{
    const cJSON *v;
    int i = 0;
    size_t n;
    if (cJSON_GetArraySize(want) != ids->n)
        return n_bad++, 0;
    cJSON_ArrayForEach(v, want)
    {
        const char *s = ll_tokenizer_piece(tok, ids->v[i], &n);
        if (is_added_within(tok, ids->v[i++], v->valuestring))
            continue;
        if (!s || n != strlen(v->valuestring) || memcmp(s, v->valuestring, n))
            return n_bad++, 0;
    }
    return 1;
}

static void check_vectors(const char *name, const struct ll_tokenizer *tok, const char *path, double load_s)
{
    cJSON *list = read_json(path), *e;
    int n = 0, ids_ok = 0, special_ok = 0, pieces_ok = 0, decoded_ok = 0;
    struct ll_ids ids = {0};
    double t0 = ll_now_s();
    cJSON_ArrayForEach(e, list)
    {
        const char *text = str(e, "text");
        n++;
        special_ok += check_ids(tok, text, strlen(text), LL_ENC_BOS,
                                cJSON_GetObjectItem(e, "ids_with_special"), "ids_with_special", &ids);
        ids_ok += check_ids(tok, text, strlen(text), 0, cJSON_GetObjectItem(e, "ids"), "ids", &ids);
        pieces_ok += check_pieces(tok, &ids, cJSON_GetObjectItem(e, "tokens"));
        decoded_ok += check_decoded(tok, &ids, 0, str(e, "decoded"));
    }
    printf("%-32s of %3d: ids %3d, with special %3d, tokens %3d, decoded %3d; loaded in %5.1f ms, checked in "
           "%.1f ms\n",
           name, n, ids_ok, special_ok, pieces_ok, decoded_ok, load_s * 1e3, (ll_now_s() - t0) * 1e3);
    n_checked += n;
    n_bad += !n;
    ll_ids_free(&ids);
    cJSON_Delete(list);
}

/* bytes.json: raw bytes are refused at the right offset when ill-formed; their replaced form gives the
 * ids. */
static void check_bytes(const struct ll_tokenizer *tok, const char *path)
{
    cJSON *list = read_json(path), *e;
    int n = 0, ok = 0;
    struct ll_ids ids = {0};
    cJSON_ArrayForEach(e, list)
    {
        struct ll_buf raw = {0}, clean = {0};
        struct ll_err err = {0};
        put_hex(str(e, "hex"), &raw);
        ll_put_lossy(&clean, raw.s, raw.len);
        size_t good = ll_utf8_check(raw.s, raw.len);
        ids.n = 0;
        int rc = ll_tokenizer_encode(tok, raw.s, raw.len, 0, &ids, &err),
            fine = good == raw.len ? !rc : rc == LL_EUSAGE;
        char offset[40];
        snprintf(offset, sizeof offset, "offset %zu", good);
        if (rc && !strstr(err.msg, offset))
            fine = 0;
        fine &=
            check_ids(tok, ll_buf_str(&clean), clean.len, 0, cJSON_GetObjectItem(e, "ids"), "bytes", &ids);
        n_bad += !fine;
        ok += fine;
        n++;
        ll_buf_free(&raw);
        ll_buf_free(&clean);
    }
    printf("%-32s of %3d: byte strings %3d\n", "", n, ok);
    n_checked += n;
    ll_ids_free(&ids);
    cJSON_Delete(list);
}

/* What must go first as prompt text: tokenizer.json with some top-level keys replaced, and keys of the
 * model. */
static char *changed(const struct ll_buf *base, const cJSON *set, size_t *n)
{
    cJSON *j = cJSON_ParseWithLength(base->s, base->len), *model = cJSON_GetObjectItem(j, "model");
    const cJSON *v, *m;
    cJSON_ArrayForEach(v, set)
    {
        if (strcmp(v->string, "model")) {
            cJSON_ReplaceItemInObjectCaseSensitive(j, v->string, cJSON_Duplicate(v, 1));
            continue;
        }
        cJSON_ArrayForEach(m, v)
        {
            if (cJSON_HasObjectItem(model, m->string))
                cJSON_ReplaceItemInObjectCaseSensitive(model, m->string, cJSON_Duplicate(m, 1));
            else
                cJSON_AddItemToObject(model, m->string, cJSON_Duplicate(m, 1));
        }
    }
    char *text = cJSON_PrintUnformatted(j);
    cJSON_Delete(j);
    *n = text ? strlen(text) : 0;
    return text;
}

static void check_json(const char *name, const char *json, size_t n, const char *vectors, const char *bytes)
{
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    double t0 = ll_now_s();
    if (ll_tokenizer_open_mem(&tok, "tokenizer.json", json, n, NULL, 0, &err)) {
        printf("%s: %s\n", name, err.msg);
        n_bad++;
        return;
    }
    double load = ll_now_s() - t0;
    check_vectors(name, tok, vectors, load);
    if (bytes)
        check_bytes(tok, bytes);
    ll_tokenizer_close(tok);
}

static void check_vocabulary(const char *name, const cJSON *variants)
{
    char xz[1100], vectors[1100], bytes[1100];
    struct ll_buf json = {0};
    const cJSON *v;
    snprintf(xz, sizeof xz, "%s/tokenizers/%s/tokenizer.json.xz", LL_SHARED_DIR, name);
    snprintf(vectors, sizeof vectors, "%s/tokenizers/%s/vectors.json", LL_SHARED_DIR, name);
    snprintf(bytes, sizeof bytes, "%s/tokenizers/%s/bytes.json", LL_SHARED_DIR, name);
    if (unpack(xz, &json)) {
        printf("%s: cannot unpack\n", xz);
        n_bad++;
    } else {
        check_json(name, json.s, json.len, vectors, bytes);
    }
    cJSON_ArrayForEach(v, variants)
    {
        size_t n;
        if (strcmp(str(v, "base"), name) || !json.len)
            continue;
        char *text = changed(&json, cJSON_GetObjectItem(v, "set"), &n);
        snprintf(vectors, sizeof vectors, "%s/tokenizers/variants/%s.json", LL_SHARED_DIR, str(v, "name"));
        check_json(str(v, "name"), text, n, vectors, NULL);
        free(text);
    }
    ll_buf_free(&json);
}

/* A folder with tokenizer.json and tokenizer_reference.json: our public way of opening, with the settings
 * file. */
static void check_folder(const char *dir, const char *name)
{
    char path[1200];
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    struct ll_ids ids = {0};
    double t0 = ll_now_s();
    int rc = ll_tokenizer_open(&tok, dir, &err), n = 0, ok[4] = {0};
    double load = ll_now_s() - t0;
    if (rc) {
        printf("%s: %s\n", name, err.msg);
        n_bad++;
        return;
    }
    snprintf(path, sizeof path, "%s/tokenizer_reference.json", dir);
    cJSON *list = read_json(path), *e;
    cJSON_ArrayForEach(e, list)
    {
        const char *text = str(e, "text");
        n++;
        ok[0] += check_ids(tok, text, strlen(text), 0, cJSON_GetObjectItem(e, "ids_without_specials"),
                           "ids_without_specials", &ids);
        ok[1] += check_ids(tok, text, strlen(text), LL_ENC_BOS, cJSON_GetObjectItem(e, "ids"), "ids", &ids);
        ok[2] += check_decoded(tok, &ids, 0, str(e, "decoded"));
        ok[3] += check_decoded(tok, &ids, 1, str(e, "decoded_skip_specials"));
    }
    printf("%-32s of %3d: ids %3d, with special %3d, decoded %3d, decoded without special %3d; loaded in "
           "%.1f ms\n",
           name, n, ok[0], ok[1], ok[2], ok[3], load * 1e3);
    n_checked += n;
    n_bad += !n;
    cJSON_Delete(list);
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
}

static void each_folder(const char *root, const char *only)
{
    struct dirent **list;
    int n = scandir(root, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char dir[1100];
        snprintf(dir, sizeof dir, "%s/%s", root, list[i]->d_name);
        if (list[i]->d_name[0] != '.' && (!only || strstr(list[i]->d_name, only)))
            check_folder(dir, list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    if (!ll_is_dir(LL_SHARED_DIR "/tokenizers")) {
        puts("skipped: no shared folder");
        return 77;
    }
    cJSON *manifest = read_json(LL_SHARED_DIR "/tokenizers/manifest.json"),
          *variants = read_json(LL_SHARED_DIR "/tokenizers/variants.json"), *v;
    cJSON_ArrayForEach(v, manifest) if (!only || strstr(v->string, only))
        check_vocabulary(v->string, variants);
    each_folder(LL_SHARED_DIR "/oracle/tokenizers", only);
    each_folder(LL_SHARED_DIR "/oracle/models", only);
    cJSON_Delete(manifest);
    cJSON_Delete(variants);
    printf("%d texts, %d differences\n", n_checked, n_bad);
    return n_bad || !n_checked;
}
