/* families.c - the list of families, in the order in which help and messages name them. */
#include "family.h"

/* clang-format off */
#define FAMILIES(X) \
    X(llama) X(mistral) X(mistral3) X(mixtral) X(qwen2) X(qwen2_moe) \
    X(qwen3) X(qwen3_moe) X(gemma) X(gemma2) X(gemma3) X(gemma3_wrapped) \
    X(phi) X(phi3) X(olmo2) X(smollm3) X(granite) X(cohere) \
    X(cohere2) X(stablelm) X(falcon) X(gpt2) X(gpt_neo) X(gpt_neox)
/* clang-format on */

#define X(name) extern const struct ll_family ll_family_##name;
FAMILIES(X)
#undef X

#define X(name) &ll_family_##name,
const struct ll_family *const ll_families[] = {FAMILIES(X) NULL};
