/* families.c - the list of families, in the order in which help and messages name them. */
#include "family.h"

extern const struct ll_family ll_family_llama, ll_family_mistral, ll_family_mistral3, ll_family_mixtral,
    ll_family_qwen2, ll_family_qwen2_moe, ll_family_qwen3, ll_family_qwen3_moe, ll_family_gemma,
    ll_family_gemma2, ll_family_gemma3, ll_family_gemma3_wrapped, ll_family_phi, ll_family_phi3,
    ll_family_olmo2, ll_family_smollm3, ll_family_granite, ll_family_cohere, ll_family_cohere2,
    ll_family_stablelm, ll_family_falcon, ll_family_gpt2, ll_family_gpt_neo, ll_family_gpt_neox;

const struct ll_family *const ll_families[] = {
    &ll_family_llama,
    &ll_family_mistral,
    &ll_family_mistral3,
    &ll_family_mixtral,
    &ll_family_qwen2,
    &ll_family_qwen2_moe,
    &ll_family_qwen3,
    &ll_family_qwen3_moe,
    &ll_family_gemma,
    &ll_family_gemma2,
    &ll_family_gemma3,
    &ll_family_gemma3_wrapped,
    &ll_family_phi,
    &ll_family_phi3,
    &ll_family_olmo2,
    &ll_family_smollm3,
    &ll_family_granite,
    &ll_family_cohere,
    &ll_family_cohere2,
    &ll_family_stablelm,
    &ll_family_falcon,
    &ll_family_gpt2,
    &ll_family_gpt_neo,
    &ll_family_gpt_neox,
    NULL,
};
