/* granite.c - Granite 3: Llama with four multipliers. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(32000, 4096, 11008, 32, 32),
    KV_AS_HEADS,
    NONE(D_HEAD),
    NUM(N_CTX, 2048),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    NUM(MLP_BIAS, 0),
    NUM(EMB_SCALE, 1),
    NUM(LOGIT_DIV, 1),
    NUM(RESID_SCALE, 1),
    NUM(ATTN_MULT, 1),
};

/* rope.scaling.finetuned, in spite of its name, says whether anything turns. */
static const struct ll_gguf_row gguf[] = {
    KEY_NEEDED(LOGIT_DIV),  KEY_OR_ZERO(EMB_SCALE), KEY_OR_ZERO(RESID_SCALE),
    KEY_OR_ZERO(ATTN_MULT), KEY_OR(ROTATES, 1),
};

static int no_rope(const struct ll_model *m, int layer)
{
    (void)layer;
    return ll_setting_given(m, LL_S_ROTATES) && !ll_setting_on(m, LL_S_ROTATES);
}

const struct ll_family ll_family_granite = {
    .name = "granite",
    .model_types = TYPES("granite"),
    .covers = "Granite 3 (dense)",
    SETTINGS(settings),
    .names = names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .mlp_bias = IF_SET(MLP_BIAS),
    .no_rope = no_rope,
    GGUF("granite", GGUF_ROWS(gguf), .paired_rows = 1),
};
