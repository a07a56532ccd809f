/* reader.h - a tokenizer.json being read; private to token_json.c, tables_json.c and sections_json.c. */
#ifndef LL_READER_H
#define LL_READER_H
#include "json_stream.h"
#include "token_internal.h"

struct section {
    const char *s; /* NULL: absent */
    size_t n;
    int read; /* already */
};
struct reader {
    struct ll_tokenizer *tok;
    struct ll_js js;
    const char *name; /* of the file, for messages */
    long long max_id;
    int last_joined; /* id of the last merge's result */
    int unk_id;      /* of a Unigram model, -1: none */
    struct section normalizer, pretok, post, decoder, vocab, merges, type;
    struct section unsupported;  /* a setting of the model that is not supported, */
    const char *unsupported_key; /* and its name */
};

int ll_reader_equal(const char *s, size_t n, const char *word); /* s[0..n) is word */
/* Note where a value lies and pass over it; a second value is refused. */
int ll_reader_once(struct reader *r, struct section *sec, const char *key);

/* tables_json.c: the model's settings (and its tables, where they can be read at once); the tables that had
 * to wait; the added tokens (at js.pos). */
int ll_read_model(struct reader *r);
int ll_read_tables(struct reader *r);
int ll_read_vocab(struct reader *r); /* {"token": id, ...} at js.pos */
/* One merge of merges.txt: its two tokens, and where they stand, for messages. All borrowed. */
struct merge_line {
    struct {
        const char *s;
        size_t n;
    } half[2];
    const char *file;
    size_t line;
};
/* Add it; joined is scratch. */
int ll_reader_merge(struct reader *r, const struct merge_line *m, struct ll_buf *joined);
long long ll_reader_max_id(size_t file_size); /* ids may be sparse, but not beyond this */
int ll_read_added(struct reader *r);
/* sections_json.c: the four small sections. */
int ll_read_sections(struct reader *r);
#endif
