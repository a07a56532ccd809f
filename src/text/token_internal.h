/* token_internal.h - what a tokenizer is made of: tables and settings (filled by token_json.c or, from GGUF
 * metadata, by token_gguf.c), apart from the algorithms that use them. Private to src/text and its tests. */
#ifndef LL_TOKEN_INTERNAL_H
#define LL_TOKEN_INTERNAL_H
#include "added.h"
#include "bpe.h"
#include "gguf_vocab.h"
#include "pattern.h"
#include "spm.h"
#include "token.h"
#include "token_config.h"
#include "unigram.h"

/* One step of a normalizer, pre-tokenizer or decoder. Which fields count depends on the kind. */
enum ll_behavior { LL_ISOLATED, LL_REMOVED, LL_CONTIGUOUS, LL_MERGED_WITH_PREVIOUS, LL_MERGED_WITH_NEXT };
enum ll_scheme { LL_ALWAYS, LL_FIRST, LL_NEVER };

struct ll_step {
    int kind;                  /* row of the table of its stage */
    struct ll_pattern pattern; /* owned: Split, Replace; ByteLevel and the like get theirs here too */
    struct ll_buf text; /* owned: Prepend's text, Replace's content, Metaspace's mark, Strip's character */
    int has_text;
    int behavior, scheme; /* enum ll_behavior, enum ll_scheme */
    int invert, split, use_regex, add_prefix_space, individual_digits, strip_left, strip_right;
    int start, stop; /* Strip decoder: at most so many characters */
};
struct ll_steps {
    struct ll_step *v; /* owned */
    size_t n;
};

/* Text cut into pieces, which may have gaps (removed parts) but do not overlap. */
struct ll_pieces {
    struct ll_buf text;    /* owned */
    struct ll_spans spans; /* owned; `match` unused */
    int at_start;          /* the first piece begins at offset 0 of the input */
};

struct ll_scratch { /* of one call of encode */
    struct ll_pieces a, b;
    struct ll_spans found, merged;
    struct ll_buf x, y;
    size_t front; /* after ll_normalize: bytes at its front that come from the first character of the text */
    struct ll_hits hits, inner;
    struct ll_bpe_work work;
    struct ll_spm_work spm;
    struct ll_unigram_work unigram;
};

void ll_scratch_free(struct ll_scratch *x);

/* What the containers treat differently around the model. */
struct ll_container {
    /* Cut a text into plain stretches and the tokens that are found before anything else. */
    int (*cut)(const struct ll_tokenizer *tok, const char *s, size_t n, int as_text, struct ll_hits *hits,
               struct ll_err *err);
    int (*decode)(const struct ll_tokenizer *tok, const int *ids, int n, int skip_special, struct ll_buf *out,
                  struct ll_err *err);
    void (*bytes)(const struct ll_tokenizer *tok, int id, struct ll_buf *out);
    int (*is_special)(const struct ll_tokenizer *tok, int id);
};
extern const struct ll_container ll_json_container, ll_gguf_container;

/* The models of tokenizer.json, and of GGUF; a row without encode is refused by name. */
struct ll_model_kind {
    const char *name;
    int (*encode)(const struct ll_tokenizer *tok, struct ll_scratch *scratch, const char *s, size_t n,
                  struct ll_ids *ids, struct ll_err *err);
};
const struct ll_model_kind *ll_model_kind(const char *name, size_t n); /* NULL when unknown */
const struct ll_model_kind *ll_gguf_model_kind(const char *name, size_t n);

struct ll_tokenizer {
    const struct ll_container *container;
    const struct ll_model_kind *model;
    struct ll_bpe bpe;
    struct ll_spm spm;         /* GGUF's model "llama"; its vocabulary is bpe.vocab */
    struct ll_unigram unigram; /* likewise */
    struct ll_gguf_vocab gguf; /* GGUF only: attributes of the tokens in bpe.vocab */
    struct ll_vocab vocab;     /* tokenizer.json's added tokens; bpe.vocab holds the rest */
    struct ll_vocab
        decoded; /* what the decoder sees for added tokens whose normalized form differs ("▁<s>") */
    struct ll_added added;
    struct ll_steps normalizer, pretok, decoder;
    int has_decoder;                 /* without one, tokens are joined by spaces */
    struct ll_ids before, after;     /* what the post-processor puts around a text */
    char *kind, *bos_policy, *files; /* owned */
};

/* The stages. Every step kind is a row of a table in its file; rows are found by the name in
 * tokenizer.json. */
enum ll_need { LL_NEED_TEXT = 1, LL_NEED_PATTERN = 2 };
struct ll_step_kind {
    const char *name;
    int need;                                                /* enum ll_need */
    int (*finish)(struct ll_step *step, struct ll_err *err); /* after its fields are in; may be NULL */
};
struct ll_stage {               /* normalizer, pre_tokenizer or decoder */
    const char *key, *children; /* "normalizer", and the list inside a Sequence: "normalizers" */
    const struct ll_step_kind *(*kind)(size_t i); /* row i or NULL */
};
extern const struct ll_stage ll_normalizers, ll_pretokenizers, ll_decoders;
/* One more step of a kind that the stage has (zero but for the kind); NULL without memory. Valid until the
 * next one. */
struct ll_step *ll_steps_add(struct ll_steps *steps, const struct ll_stage *stage, const char *name);

/* A step may lengthen a text only so far: a hostile file could make it grow without end. */
int ll_check_growth(size_t now, size_t before, struct ll_err *err);

/* s -> out (replaced). */
int ll_normalize(const struct ll_steps *steps, const char *s, size_t n, struct ll_scratch *scratch,
                 struct ll_buf *out, struct ll_err *err);
/* One stretch of text -> scratch->a. */
int ll_pretokenize(const struct ll_steps *steps, const char *s, size_t n, int at_start,
                   struct ll_scratch *scratch, struct ll_err *err);
/* Decoder over a list of tokens; appended to out. */
int ll_decode(const struct ll_tokenizer *tok, const struct ll_spans *tokens, const char *text,
              struct ll_buf *out, struct ll_err *err);
/* The bytes one token stands for, word marks as spaces; appended. */
void ll_token_bytes(const struct ll_tokenizer *tok, const char *s, size_t n, struct ll_buf *out);

/* Unicode normal forms as the reference makes them (nfc.c). */
int ll_normal_form(const char *s, size_t n, int compose, int compat, struct ll_buf *out, struct ll_err *err);

/* The byte-level alphabet (byte_level.c): each byte a printable character. */
void ll_byte_level_put(struct ll_buf *out, const char *s, size_t n);
/* Inverse; 0 and nothing added when a character lies outside the alphabet. */
int ll_byte_level_bytes(struct ll_buf *out, const char *s, size_t n);
/* Append bytes as UTF-8, one U+FFFD for each maximal ill-formed part. NUL stays. */
void ll_put_lossy(struct ll_buf *out, const char *s, size_t n);

/* Fill an empty tokenizer from the text of a tokenizer.json and what the folder's other files say. name: for
 * messages. The caller closes *tok also after a failure. */
int ll_tokenizer_read(struct ll_tokenizer *tok, const char *name, const char *json, size_t n,
                      const struct ll_token_config *c, struct ll_err *err);
/* Append what is put around a text: "<s> in front and </s> at the end", "nothing in front". */
void ll_put_policy(const struct ll_tokenizer *tok, struct ll_buf *out);
/* ll_tokenizer_open from memory; config: text of tokenizer_config.json or NULL. */
int ll_tokenizer_open_mem(struct ll_tokenizer **tok, const char *name, const char *json, size_t n,
                          const char *config, size_t config_n, struct ll_err *err);
/* An empty one that reads as the tokenizers library does; NULL without memory. */
struct ll_tokenizer *ll_tokenizer_new(struct ll_err *err);
/* After all tables are in: derived tables, normalized added tokens. */
int ll_tokenizer_ready(struct ll_tokenizer *tok, struct ll_err *err);
#endif
