/* spm_model.h - a sentencepiece model file (tokenizer.model): a protocol buffer read by hand, nothing copied.
 *
 * Message ModelProto of sentencepiece_model.proto: 1 pieces {1 piece, 2 score, 3 type}, 2 trainer_spec {3
 * model_type, 35 byte_fallback, 40 unk_id, 41 bos_id, 42 eos_id, 45 unk_piece, 46 bos_piece, 47 eos_piece}, 3
 * normalizer_spec {2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces, 5
 * escape_whitespaces}; everything else is passed over. A field that is absent has the default of the
 * proto. */
#ifndef LL_SPM_MODEL_H
#define LL_SPM_MODEL_H
#include "fail.h"

#include <stddef.h>

enum ll_spm_kind { LL_SPM_UNIGRAM = 1, LL_SPM_BPE = 2, LL_SPM_WORD = 3, LL_SPM_CHAR = 4 };
enum ll_spm_type {
    LL_SPM_NORMAL = 1,
    LL_SPM_UNKNOWN = 2,
    LL_SPM_CONTROL = 3,
    LL_SPM_USER = 4,
    LL_SPM_UNUSED = 5,
    LL_SPM_BYTE = 6
};

struct ll_spm_text { /* borrowed from the file; valid UTF-8 but for the charsmap */
    const char *s;
    size_t n;
};
struct ll_spm_piece {
    struct ll_spm_text text; /* not empty */
    float score;             /* finite */
    int type;                /* enum ll_spm_type */
};
struct ll_spm_model {
    struct ll_spm_piece *pieces; /* owned */
    size_t n, cap;
    int kind;                         /* enum ll_spm_kind */
    int unk_id, bos_id, eos_id;       /* -1: none */
    struct ll_spm_text unk, bos, eos; /* their pieces */
    int byte_fallback;
    int add_dummy_prefix, remove_extra_spaces, escape_spaces;
    struct ll_spm_text charsmap; /* n 0: none */
};

/* bytes must outlive the model. LL_EUSAGE: file, what, byte; LL_EUNSUP: a text file in tiktoken's form, a
 * kind of model beyond unigram and BPE. Free it also after a failure. */
int ll_spm_model_read(struct ll_spm_model *m, const char *file, const char *bytes, size_t n,
                      struct ll_err *err);
void ll_spm_model_free(struct ll_spm_model *m);
#endif
