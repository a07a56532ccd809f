/* test_tokenizers_random.c - 10,000 random Unicode texts: ids against digests of the references' (made by
 * tests/fixtures/tokenizers/random_digests.py: `tokenizers` for tokenizer.json, llama.cpp for GGUF), and the
 * way back from ids to the text. Prints a line for each vocabulary. Exit 77 without the shared folder. Usage:
 * oracle_test_tokenizers_random [json:NAME | gguf:NAME [ids | parsed | with_special]]    the latter prints
 * the ids. */
#define _GNU_SOURCE /* memmem */
#include "gguf.h"
#include "random_text.h"
#include "stats.h"
#include "tokens.h"

struct texts {
    struct ll_buf pool;
    size_t start[RANDOM_TEXTS + 1];
};

/* Modes of encoding, by the names in random_digests.json. */
static const struct {
    const char *name;
    int flags[2];
} modes[] = {/* flags: of tokenizer.json, of GGUF */
             {"ids", {0, LL_ENC_SPECIAL_AS_TEXT}},
             {"parsed", {-1, 0}},
             {"with_special", {LL_ENC_BOS, LL_ENC_BOS}}};

static void print_ids(const char *mode, const struct ll_ids *ids)
{
    printf("%s", mode);
    for (int k = 0; k < ids->n; k++)
        printf(" %d", ids->v[k]);
    printf("\n");
}

static uint64_t digest(const struct ll_tokenizer *tok, const struct texts *t, const char *mode, int flags,
                       int print)
{
    uint64_t h = FNV_START;
    struct ll_ids ids = {0};
    struct ll_err err = {0};
    for (int i = 0; i < RANDOM_TEXTS; i++) {
        ids.n = 0;
        if (ll_tokenizer_encode(tok, t->pool.s + t->start[i], t->start[i + 1] - t->start[i], flags, &ids,
                                &err)) {
            printf("    text %d: %s\n", i, err.msg);
            n_bad++;
            break;
        }
        for (int k = 0; k < ids.n; k++)
            digest_add(&h, ids.v[k]);
        digest_add(&h, -1);
        if (print)
            print_ids(mode, &ids);
    }
    ll_ids_free(&ids);
    return h;
}

/* ---- from ids back to the text --------------------------------------------------------------- */

/* Texts that do not come back, in the references neither, and why. */
static const struct {
    const char *name, *part;
    int in_front;
    const char *why;
} lossy[] = {
    {"json:phi3", "</s>", 0, "the added token swallows the white space behind it"},
    {"gguf:phi3", "</s>", 0, "the token swallows the white space behind it"},
    {"json:mistral-v0.3", " ", 1, "Metaspace takes a typed space for its own prefix"},
    {"json:mistral-v0.3", "\xE2\x96\x81", 1, "the same for a typed mark"},
    {"json:unigram", " ", 1, "Metaspace takes a typed space for its own prefix"},
    {"json:unigram", "\xE2\x96\x81", 1, "the same for a typed mark"},
    {"json:unigram", "<0x0A>", 0, "the cut finds the byte token where it is typed, too"},
};

static int is_lossy(const char *name, const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof lossy / sizeof lossy[0]; i++) {
        size_t len = strlen(lossy[i].part);
        if (strcmp(lossy[i].name, name) || n < len)
            continue;
        if (lossy[i].in_front ? !memcmp(s, lossy[i].part, len) : memmem(s, n, lossy[i].part, len) != NULL)
            return 1;
    }
    return 0;
}

/* Some byte-level vocabularies (smollm2, falcon) lack characters for rare bytes, which are then dropped in
 * silence. */
static void find_known_bytes(const struct ll_tokenizer *tok, int byte_level, unsigned char *known)
{
    for (int b = 0; b < 256; b++) {
        struct ll_buf name = {0};
        char c = (char)b;
        ll_byte_level_put(&name, &c, 1);
        known[b] = !byte_level || ll_tokenizer_id(tok, name.s, name.len) >= 0;
        ll_buf_free(&name);
    }
}

/* The text as the normalizer leaves it, word marks as spaces. */
static int expected_text(const struct ll_tokenizer *tok, const char *s, size_t n, int marks,
                         struct ll_buf *want)
{
    struct ll_buf nfc = {0};
    struct ll_err err = {0};
    int is_nfc =
        tok->normalizer.n && !strcmp(ll_normalizers.kind((size_t)tok->normalizer.v[0].kind)->name, "NFC");
    int rc = is_nfc ? ll_normal_form(s, n, 1, 0, &nfc, &err) : LL_OK;
    if (!is_nfc)
        ll_buf_add(&nfc, s, n);
    ll_buf_reset(want);
    for (size_t i = 0; i < nfc.len;) {
        int mark = marks && nfc.len - i >= 3 && !memcmp(nfc.s + i, "\xE2\x96\x81", 3);
        ll_buf_addc(want, mark ? ' ' : nfc.s[i]);
        i += mark ? 3 : 1;
    }
    ll_buf_free(&nfc);
    return rc;
}

static int same_text(const struct ll_tokenizer *tok, const struct ll_ids *ids, const struct ll_buf *want,
                     struct ll_buf *got)
{
    struct ll_err err = {0};
    ll_buf_reset(got);
    if (!tok->gguf.clean_spaces)
        return !ll_tokenizer_decode(tok, ids->v, ids->n, 0, got, &err) && got->len == want->len
            && !memcmp(ll_buf_str(got), ll_buf_str(want), want->len);
    for (int k = 0; k < ids->n; k++) /* decoding drops spaces before punctuation: ask the tokens one by one */
        ll_tokenizer_bytes(tok, ids->v[k], got);
    return got->len == want->len && !memcmp(ll_buf_str(got), ll_buf_str(want), want->len);
}

/* How many texts came back; *left_out: those that cannot. */
static int round_trip(const struct ll_tokenizer *tok, const char *name, const struct texts *t, int *left_out)
{
    struct ll_ids ids = {0};
    struct ll_buf want = {0}, got = {0};
    struct ll_err err = {0};
    unsigned char known[256];
    int ok = 0, marks = tok->gguf.n ? tok->gguf.marks : ll_tokenizer_id(tok, "<0x41>", 6) >= 0;
    find_known_bytes(tok, !marks, known);
    for (int i = 0; i < RANDOM_TEXTS; i++) {
        const char *s = t->pool.s + t->start[i];
        size_t n = t->start[i + 1] - t->start[i], k = 0;
        ids.n = 0;
        if (ll_tokenizer_encode(tok, s, n, LL_ENC_SPECIAL_AS_TEXT, &ids, &err)
            || expected_text(tok, s, n, marks, &want))
            break;
        while (k < want.len && known[(unsigned char)want.s[k]])
            k++;
        if (k < want.len || is_lossy(name, s, n)) {
            ++*left_out;
            continue;
        }
        int same = same_text(tok, &ids, &want, &got);
        ok += same;
        if (!same && n_bad++ < 20)
            printf("    text %d: expected \"%.80s\"\n      found \"%.80s\"\n", i, ll_buf_str(&want),
                   ll_buf_str(&got));
    }
    n_bad += ok + *left_out < RANDOM_TEXTS;
    ll_ids_free(&ids);
    ll_buf_free(&want);
    ll_buf_free(&got);
    return ok;
}

/* ---- vocabularies ---------------------------------------------------------------------------- */

/* A GGUF with another value of tokenizer.ggml.pre: there are no tensors, so nothing needs to keep its
 * place. */
static void change_pre(struct ll_buf *raw, const char *pre)
{
    static const char key[] = "\x12\0\0\0\0\0\0\0tokenizer.ggml.pre\x08\0\0\0";
    struct ll_buf out = {0};
    uint64_t len = strlen(pre), old;
    const char *at = memmem(raw->s, raw->len, key, sizeof key - 1);
    if (!at)
        return;
    at += sizeof key - 1;
    memcpy(&old, at, 8);
    ll_buf_add(&out, raw->s, (size_t)(at - raw->s));
    ll_buf_add(&out, &len, 8);
    ll_buf_adds(&out, pre);
    ll_buf_add(&out, at + 8 + old, raw->len - (size_t)(at - raw->s) - 8 - (size_t)old);
    ll_buf_free(raw);
    *raw = out;
}

static int open_vocabulary(int gguf, const char *name, struct ll_tokenizer **tok, struct ll_err *err)
{
    char path[1100];
    const char *slash = strchr(name, '/');
    struct ll_buf raw = {0};
    struct ll_gguf *g = NULL;
    int rc;
    *tok = NULL;
    if (!strcmp(name, "unigram"))
        return ll_tokenizer_open(tok, LL_SHARED_DIR "/oracle/tokenizers/unigram", err);
    snprintf(path, sizeof path, "%s/tokenizers/%.*s/%s", LL_SHARED_DIR, slash ? (int)(slash - name) : 100,
             name, gguf ? "vocab.gguf.xz" : "tokenizer.json.xz");
    if (unpack(path, &raw))
        rc = ll_fail(err, LL_EUSAGE, "%s: cannot unpack", path);
    else if (!gguf)
        rc = ll_tokenizer_open_mem(tok, "tokenizer.json", raw.s, raw.len, NULL, 0, err);
    else {
        if (slash)
            change_pre(&raw, slash + 1);
        rc = ll_gguf_parse(&g, "vocab.gguf", (const uint8_t *)raw.s, raw.len, err);
        if (!rc)
            rc = ll_tokenizer_open_gguf(tok, g, "vocab.gguf", err);
        ll_gguf_close(g);
    }
    ll_buf_free(&raw);
    return rc;
}

static void check(int gguf, const cJSON *want, const struct texts *t, const char *only, const char *print)
{
    char full[100];
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    snprintf(full, sizeof full, "%s:%s", gguf ? "gguf" : "json", want->string);
    if (only && strcmp(only, full))
        return;
    if (open_vocabulary(gguf, want->string, &tok, &err)) {
        printf("%s: %s\n", full, err.msg);
        n_bad++;
        return;
    }
    double t0 = ll_now_s();
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        const char *hex = str(want, modes[m].name);
        if (!hex || (print && strcmp(print, modes[m].name)))
            continue;
        uint64_t h = digest(tok, t, modes[m].name, modes[m].flags[gguf], print != NULL);
        n_checked++;
        if (h != strtoull(hex, NULL, 16)) {
            printf("%s: %s differ\n", full, modes[m].name);
            n_bad++;
        }
    }
    int left_out = 0, back = print ? 0 : round_trip(tok, full, t, &left_out);
    if (!print)
        printf("%-24s ids of %d texts compared, %5d of %5d come back from their ids; %.1f s\n", full,
               RANDOM_TEXTS, back, RANDOM_TEXTS - left_out, ll_now_s() - t0);
    ll_tokenizer_close(tok);
}

int main(int argc, char **argv)
{
    static struct texts t;
    uint64_t state = RANDOM_SEED;
    const char *only = argc > 1 ? argv[1] : NULL, *print = argc > 2 ? argv[2] : NULL;
    if (!ll_is_dir(LL_SHARED_DIR "/tokenizers")) {
        puts("skipped: no shared folder");
        return 77;
    }
    for (int i = 0; i < RANDOM_TEXTS; i++) {
        random_text(&state, &t.pool);
        t.start[i + 1] = t.pool.len;
    }
    cJSON *all = read_json(LL_SOURCE_DIR "/tests/fixtures/tokenizers/random_digests.json"), *v;
    if ((int)cJSON_GetNumberValue(cJSON_GetObjectItem(all, "bytes")) != (int)t.pool.len) {
        printf("the texts are not those of the digests: %zu bytes\n", t.pool.len);
        n_bad++;
    }
    for (int gguf = 0; gguf < 2; gguf++)
        cJSON_ArrayForEach(v, cJSON_GetObjectItem(all, gguf ? "gguf" : "json"))
            check(gguf, v, &t, only, print);
    cJSON_Delete(all);
    ll_buf_free(&t.pool);
    if (!print)
        printf("%d digests, %d differences\n", n_checked, n_bad);
    return n_bad || !n_checked;
}
