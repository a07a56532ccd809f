/* test_copy_mask.c - how many ids of the published vocabularies are white space or punctuation only: the
 * counts the original's documents store (docs/experiment.md 5.1). Exit 77 without the shared folder or xz. */
#include "copy_mask.h"
#include "outfile.h"
#include "tokens.h"

#include <unistd.h>

static const struct {
    const char *name;
    int d_vocab, want;
} cases[] = {{"llama3", 128256, 6022},
             {"mistral-v0.1", 32000, 1179},
             {"qwen3", 151936, 6112 /* 267 of them beyond the vocabulary */},
             {"gemma2", 256000, 4668}};

int main(void)
{
    int n = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char xz[600], file[] = "/tmp/ll-mask-XXXXXX.json";
        struct ll_buf json = {0};
        struct ll_err err = {0};
        struct ll_tokenizer *tok = NULL;
        struct ll_copy_mask mask = {0};
        snprintf(xz, sizeof xz, "%s/tokenizers/%s/tokenizer.json.xz", LL_SHARED_DIR, cases[i].name);
        if (!ll_is_file(xz) || unpack(xz, &json)) {
            ll_buf_free(&json);
            continue;
        }
        close(mkstemps(file, 5));
        if (ll_file_write(file, json.s, json.len, &err) || ll_tokenizer_open(&tok, file, &err)
            || ll_copy_mask_of(&mask, tok, cases[i].d_vocab, &err))
            printf("%s: %s\n", cases[i].name, err.msg), n_bad++;
        else
            printf("%s: %d ids, expected %d\n", cases[i].name, mask.ids.n, cases[i].want);
        n_bad += mask.ids.n != cases[i].want;
        n++;
        unlink(file);
        ll_copy_mask_free(&mask);
        ll_tokenizer_close(tok);
        ll_buf_free(&json);
    }
    if (!n)
        printf("no shared/tokenizers\n");
    return !n ? 77 : n_bad ? 1 : 0;
}
