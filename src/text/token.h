/* token.h - text <-> token ids, from a tokenizer.json, the older vocabulary files, or GGUF metadata.
 *
 * The container decides whose ids they are: with tokenizer.json those of the `tokenizers` library, with GGUF
 * those of llama.cpp (no normal forms, its own patterns, special tokens longest first). The two differ for
 * some texts. A tokenizer is read-only after opening and may be used by several threads. Text is UTF-8 with
 * explicit lengths; NUL is an ordinary character. */
#ifndef LL_TOKEN_H
#define LL_TOKEN_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>

struct ll_tokenizer;
struct ll_gguf;

struct ll_ids { /* a growable list of ids; {0} is empty and owns nothing */
    int *v;     /* owned */
    int n, cap;
};
void ll_ids_free(struct ll_ids *ids);
int ll_ids_add(struct ll_ids *ids, int id, struct ll_err *err);

enum ll_encode_flags {
    LL_ENC_BOS = 1, /* add what the post-processor adds (BOS, EOS, ...) */
    LL_ENC_SPECIAL_AS_TEXT =
        2, /* special tokens spelled in the text stay text (other added tokens are still found) */
};

/* path: a tokenizer.json, tekken.json, tokenizer.model, vocab.json (with merges.txt beside it), a .gguf file
 * (of a split one the first part), or a folder: the first of these files that it holds, in this order, else
 * its one .gguf file, split or not. The settings files of the folder count too (token_config.h). Returns
 * LL_OK, or LL_EUSAGE (missing or broken; file, key, expected, found), LL_EUNSUP (a kind of model,
 * normalizer, pre-tokenizer or decoder this program does not know, by name), LL_EFAIL. */
int ll_tokenizer_open(struct ll_tokenizer **tok, const char *path, struct ll_err *err);
/* The same from an open file, which may be closed afterwards. name: of the file, for messages. */
int ll_tokenizer_open_gguf(struct ll_tokenizer **tok, const struct ll_gguf *g, const char *name,
                           struct ll_err *err);
void ll_tokenizer_close(struct ll_tokenizer *tok); /* NULL is fine */

/* Append the ids of text. Ill-formed UTF-8: LL_EUSAGE naming the byte offset. flags: ll_encode_flags. */
int ll_tokenizer_encode(const struct ll_tokenizer *tok, const char *text, size_t n, int flags,
                        struct ll_ids *ids, struct ll_err *err);
/* Append the decoded text of a sequence, as the file's decoder (GGUF: llama.cpp, its cleaning of spaces
 * before punctuation included) makes it. skip_special: leave special tokens out. The result is valid UTF-8
 * (cut characters give U+FFFD). Unknown ids are left out. */
int ll_tokenizer_decode(const struct ll_tokenizer *tok, const int *ids, int n, int skip_special,
                        struct ll_buf *out, struct ll_err *err);
/* Append the display text of one id: its own bytes, word marks shown as spaces, without stripping; valid
 * UTF-8 (a cut character gives U+FFFD). An id without text (beyond the vocabulary) gives "<id N>". */
void ll_tokenizer_show(const struct ll_tokenizer *tok, int id, struct ll_buf *out);
/* The same; without a tokenizer (NULL) "<id N>". */
void ll_token_show(const struct ll_tokenizer *tok, int id, struct ll_buf *out);
/* Append the raw bytes one id stands for (may be no valid UTF-8). Nothing for unknown ids. */
void ll_tokenizer_bytes(const struct ll_tokenizer *tok, int id, struct ll_buf *out);
/* The vocabulary string of an id as the file has it ("ĠBerlin", "▁Berlin"), borrowed; NULL when unknown. */
const char *ll_tokenizer_piece(const struct ll_tokenizer *tok, int id, size_t *n);
/* Id of a vocabulary string, or -1. */
int ll_tokenizer_id(const struct ll_tokenizer *tok, const char *piece, size_t n);
int ll_tokenizer_size(const struct ll_tokenizer *tok); /* highest id + 1 */
int ll_tokenizer_is_special(const struct ll_tokenizer *tok, int id);

/* One line each for `tokens` and `show`: kind ("BPE, byte level"), where the BOS policy came from and what it
 * is
 * ("tokenizer.json post_processor adds <bos>", "x.gguf: tokenizer.ggml.add_bos_token is true: <s> in front"),
 * both borrowed. */
const char *ll_tokenizer_kind(const struct ll_tokenizer *tok);
/* The files read, "tokenizer.json, tokenizer_config.json"; "" for one opened from memory. */
const char *ll_tokenizer_files(const struct ll_tokenizer *tok);
const char *ll_tokenizer_bos_policy(const struct ll_tokenizer *tok);
#endif
