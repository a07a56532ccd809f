/* gguf_vocab.c - see gguf_vocab.h */
#include "gguf_vocab.h"

#include "literal.h"
#include "token_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MARK LL_WORD_MARK

/* ---- attributes by text ---------------------------------------------------------------------- */

/* These end a generation, so they are control tokens even if their type says otherwise. */
static const char *const ends[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<\xEF\xBD\x9C"
    "end" MARK "of" MARK "sentence\xEF\xBD\x9C>",
    "[e~[",
};
#define FIM(what) \
    "<\xEF\xBD\x9C" \
    "fim" MARK what "\xEF\xBD\x9C>"
/* Fill-in-the-middle tokens of the kinds that the file does not name: of each kind the one of the lowest id
 * (llama.cpp: any). */
static const struct {
    int kind;
    const char *text;
} fims[] = {
    {0, "<|fim_prefix|>"}, {0, "<fim-prefix>"}, {0, "<fim_prefix>"},    {0, FIM("begin")},
    {0, "<PRE>"},          {0, MARK "<PRE>"},   {0, "<|code_prefix|>"}, {0, "<|prefix|>"},
    {1, "<|fim_suffix|>"}, {1, "<fim-suffix>"}, {1, "<fim_suffix>"},    {1, FIM("hole")},
    {1, "<SUF>"},          {1, MARK "<SUF>"},   {1, "<|code_suffix|>"}, {1, "<|suffix|>"},
    {2, "<|fim_middle|>"}, {2, "<fim-middle>"}, {2, "<fim_middle>"},    {2, FIM("end")},
    {2, "<MID>"},          {2, MARK "<MID>"},   {2, "<|code_middle|>"}, {2, "<|middle|>"},
    {3, "<|fim_pad|>"},    {3, "<fim-pad>"},    {3, "<fim_pad>"},       {3, "<PAD>"},
    {3, "[PAD]"},          {4, "<|fim_repo|>"}, {4, "<|repo_name|>"},   {4, "<fim-repo>"},
    {4, "<REPO>"},         {4, "<reponame>"},   {5, "<|file_sep|>"},
};
enum { N_FIM_KINDS = 6 };
static const char *const always_user[] = {"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"};
static const char *const phi3_keeps_space[] = {"<unk>", "<s>", "<|endoftext|>"};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static int find(const struct ll_gguf_vocab *v, const char *text)
{
    return ll_vocab_find(v->vocab, text, strlen(text));
}

static void set(struct ll_gguf_vocab *v, const char *text, unsigned attr)
{
    int id = find(v, text);
    if (id >= 0)
        v->attr[id] = (unsigned char)attr;
}

static void correct_by_text(struct ll_gguf_vocab *v, unsigned taken)
{
    int fim[N_FIM_KINDS] = {-1, -1, -1, -1, -1, -1}, id;
    for (size_t i = 0; i < COUNT(fims); i++)
        if (!(taken >> fims[i].kind & 1) && (id = find(v, fims[i].text)) >= 0
            && (fim[fims[i].kind] < 0 || id < fim[fims[i].kind]))
            fim[fims[i].kind] = id;
    for (int k = 0; k < N_FIM_KINDS; k++)
        if (fim[k] >= 0)
            v->attr[fim[k]] |= LL_TOKEN_CONTROL;
    for (size_t i = 0; i < COUNT(ends); i++)
        if ((id = find(v, ends[i])) >= 0)
            v->attr[id] |= LL_TOKEN_CONTROL;
    for (size_t i = 0; i < COUNT(always_user); i++)
        set(v, always_user[i], LL_TOKEN_USER);
    int call = find(v, "<|call|>") >= 0,
        calls = find(v, "<|calls|>") >= 0; /* gpt-oss, solar-open: <|end|> ends only a message */
    if ((call || calls) && (find(v, "<|return|>") >= 0 || find(v, "<|flush|>") >= 0))
        set(v, "<|end|>", LL_TOKEN_USER);
    if (find(v, "<|tool_response>") >= 0 || find(v, "<|plamo:eos|>") >= 0) /* Gemma 4: an HTML tag */
        set(v, "</s>", LL_TOKEN_NORMAL);
}

static int contains(const char *s, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= n; i++) {
        size_t k = 0;
        while (k < len && (s[i + k] >= 'A' && s[i + k] <= 'Z' ? s[i + k] + 32 : s[i + k]) == word[k])
            k++;
        if (k == len)
            return 1;
    }
    return 0;
}

int ll_gguf_vocab_ready(struct ll_gguf_vocab *v, unsigned taken, const char *name, size_t name_n,
                        struct ll_err *err)
{
    int rc = LL_OK, id, phi3 = name && (contains(name, name_n, "phi-3") || contains(name, name_n, "phi3"));
    correct_by_text(v, taken);
    for (size_t i = 0; i < v->n && !rc; i++) {
        size_t n;
        if (!(v->attr[i] & (LL_TOKEN_SPECIAL | LL_TOKEN_USER)))
            continue;
        const char *s = ll_vocab_piece(v->vocab, (int)i, &n);
        rc = ll_trie_add(&v->trie, s, n, (int)i, err);
        v->longest = n > v->longest ? n : v->longest;
        if (phi3)
            v->attr[i] |= LL_TOKEN_RSTRIP;
    }
    for (size_t i = 0; i < COUNT(phi3_keeps_space); i++)
        if ((id = find(v, phi3_keeps_space[i])) >= 0)
            v->attr[id] &= (unsigned char)~LL_TOKEN_RSTRIP;
    return rc;
}

void ll_gguf_vocab_free(struct ll_gguf_vocab *v)
{
    free(v->attr);
    ll_trie_free(&v->trie);
    memset(v, 0, sizeof *v);
}

/* ---- special tokens in a text ---------------------------------------------------------------- */

/* The token of exactly len bytes at s that may be taken, or -1. */
static int token_at(const struct ll_gguf_vocab *v, const char *s, size_t len, int as_text)
{
    int node = 0;
    for (size_t i = 0; i < len; i++)
        if (!(node = ll_trie_step(&v->trie, node, (unsigned char)s[i])))
            return -1;
    int id = v->trie.v[node].token;
    return id >= 0 && as_text && (v->attr[id] & LL_TOKEN_SPECIAL) ? -1 : id;
}

/* seen[len] = 1 for the length of each token that lies anywhere in the text; returns whether there is one. */
static int lengths_in(const struct ll_gguf_vocab *v, const char *s, size_t n, int as_text,
                      unsigned char *seen)
{
    int any = 0;
    for (size_t i = 0; i < n; i++) {
        int node = 0;
        for (size_t k = i; k < n && (node = ll_trie_step(&v->trie, node, (unsigned char)s[k])); k++) {
            int id = v->trie.v[node].token;
            if (id >= 0 && !(as_text && (v->attr[id] & LL_TOKEN_SPECIAL)))
                any = seen[k - i + 1] = 1;
        }
    }
    return any;
}

/* owner[i]: 0 free, id + 1 where a token begins, -1 what it covers or swallows. */
static void take(const struct ll_gguf_vocab *v, const char *s, size_t n, int as_text, size_t len, int *owner)
{
    for (size_t i = 0; i + len <= n; i++) {
        size_t k = 0;
        while (k < len && !owner[i + k])
            k++;
        int id = k == len ? token_at(v, s + i, len, as_text) : -1;
        if (id < 0) {
            i += k < len ? k : 0; /* no token ends before the taken part does */
            continue;
        }
        for (k = i; k < i + len; k++)
            owner[k] = -1;
        owner[i] = id + 1;
        for (; (v->attr[id] & LL_TOKEN_RSTRIP) && k < n && !owner[k]
             && (s[k] == ' ' || (s[k] >= '\t' && s[k] <= '\r'));
             k++)
            owner[k] = -1;
        i = k - 1;
    }
}

int ll_gguf_vocab_cut(const struct ll_gguf_vocab *v, const char *s, size_t n, int as_text,
                      struct ll_hits *hits, struct ll_err *err)
{
    hits->n = 0;
    unsigned char *seen = v->trie.n && n ? calloc(v->longest + 1, 1) : NULL;
    if (v->trie.n && n && !seen)
        return ll_fail_mem(err, "special tokens", v->longest + 1);
    if (!seen || !lengths_in(v, s, n, as_text, seen)) {
        free(seen);
        return n ? ll_hits_add(hits, 0, n, -1, err) : LL_OK;
    }
    int *owner = calloc(n, sizeof *owner),
        rc = owner ? LL_OK : ll_fail_mem(err, "special tokens", n * sizeof *owner);
    for (size_t len = v->longest; owner && len; len--)
        if (seen[len])
            take(v, s, n, as_text, len, owner);
    for (size_t i = 0, end; i < n && !rc; i = end) {
        end = i + 1;
        if (owner[i] > 0) {
            rc = ll_hits_add(hits, i, end, owner[i] - 1, err);
        } else if (!owner[i]) {
            while (end < n && !owner[end])
                end++;
            rc = ll_hits_add(hits, i, end, -1, err);
        }
    }
    free(owner);
    free(seen);
    return rc;
}

/* ---- text of ids ----------------------------------------------------------------------------- */

static void put_unmarked(const char *s, size_t n, struct ll_buf *out)
{
    for (size_t i = 0; i < n;) {
        const size_t len = strlen(MARK);
        int mark = n - i >= len && LL_BYTES_ARE(s + i, MARK);
        ll_buf_addc(out, mark ? ' ' : s[i]);
        i += mark ? len : 1;
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

void ll_gguf_vocab_bytes(const struct ll_gguf_vocab *v, int id, struct ll_buf *out)
{
    size_t n;
    const char *s = ll_vocab_piece(v->vocab, id, &n);
    unsigned attr = s ? v->attr[id] : 0;
    if (attr & (LL_TOKEN_SPECIAL | LL_TOKEN_USER)) {
        ll_buf_add(out, s, n);
    } else if (attr & LL_TOKEN_NORMAL) {
        if (v->marks)
            put_unmarked(s, n, out);
        else if (!ll_byte_level_bytes(out, s, n))
            ll_buf_add(out, s, n);
    } else if (attr & LL_TOKEN_BYTE) {
        int is_hex = n == 6 && hex(s[3]) >= 0 && hex(s[4]) >= 0;
        if (is_hex)
            ll_buf_addc(out, (char)(hex(s[3]) << 4 | hex(s[4])));
        else
            ll_buf_add(out, s, n);
    }
}

/* " ?" " !" " ." " ," lose the space; then " ' " both spaces; then the space goes before 's 'm 're 've. Each
 * pass reads what the one before left, and, as llama.cpp's does, sees its own changes: it works in place. */
static size_t clean_punctuation(char *s, size_t n)
{
    size_t to = n ? 1 : 0;
    for (size_t i = 1; i < n; i++) {
        char c = s[i];
        if (s[i - 1] == ' ' && (c == '?' || c == '!' || c == '.' || c == ','))
            to--;
        s[to++] = c;
    }
    return to;
}

static size_t clean_lone_quotes(char *s, size_t n)
{
    size_t to = n ? 1 : 0;
    for (size_t i = 1; i < n; i++) {
        char c = s[i];
        if (c == '\'' && i + 1 < n && s[i - 1] == ' ' && s[i + 1] == ' ') {
            to--;
            s[++i] = 0;
        }
        s[to++] = c;
    }
    return to;
}

static size_t clean_contractions(char *s, size_t n)
{
    size_t to = n ? 1 : 0;
    for (size_t i = 1; i < n; i++) {
        char c = s[i], a = i + 1 < n ? s[i + 1] : 0, b = i + 2 < n ? s[i + 2] : 0;
        if (s[i - 1] == ' ' && c == '\'' && (a == 's' || a == 'm' || ((a == 'r' || a == 'v') && b == 'e')))
            to--;
        s[to++] = c;
    }
    return to;
}

int ll_gguf_vocab_decode(const struct ll_gguf_vocab *v, const int *ids, int n, int skip_special,
                         struct ll_buf *out, struct ll_err *err)
{
    struct ll_buf bytes = {0}, piece = {0};
    for (int i = 0; i < n; i++) {
        ll_buf_reset(&piece);
        if (ids[i] < 0 || (size_t)ids[i] >= v->n || (skip_special && (v->attr[ids[i]] & LL_TOKEN_SPECIAL)))
            continue;
        ll_gguf_vocab_bytes(v, ids[i], &piece);
        size_t drop = !i && v->strip_first && piece.len && piece.s[0] == ' ';
        ll_buf_add(&bytes, ll_buf_str(&piece) + drop, piece.len - drop);
    }
    int rc = ll_buf_ok(&piece, err) || ll_buf_ok(&bytes, err) ? LL_EFAIL : LL_OK;
    if (!rc && v->clean_spaces && bytes.len) {
        bytes.len = clean_punctuation(bytes.s, bytes.len);
        bytes.len = clean_lone_quotes(bytes.s, bytes.len);
        bytes.len = clean_contractions(bytes.s, bytes.len);
    }
    if (!rc) {
        ll_put_lossy(out, ll_buf_str(&bytes), bytes.len);
        rc = ll_buf_ok(out, err);
    }
    ll_buf_free(&bytes);
    ll_buf_free(&piece);
    return rc;
}
