/* mistral.c - Mistral, and the text part of the multimodal Mistral 3. With layer_types a Mistral is what
 * transformers calls Ministral: only the layers listed as sliding have the window. Inside a wrapper the list
 * has no effect there. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

#define MISTRAL \
    DIMS(32000, 4096, 14336, 32, 32), NUM(N_KV_HEADS, 8), NONE(D_HEAD), NUM(N_CTX, 131072), RMS_EPS(1e-6), \
        STR(ACT, "silu"), ROPE(10000), NUM_OR_NULL(WINDOW, 4096)

static const struct ll_setting_row settings[] = {MISTRAL, NUM(TIED, 0), NONE(LAYER_TYPES)};

static const struct ll_gguf_row gguf[] = {KEY_OR_ZERO(WINDOW)};

const struct ll_family ll_family_mistral = {
    .name = "mistral",
    .model_types = TYPES("mistral"),
    .covers = "Mistral 7B, Nemo, Small; Ministral 8B",
    SETTINGS(settings),
    .names = names,
    .window = ll_window_every_layer,
    GGUF("llama", .with = "attention.sliding_window", GGUF_ROWS(gguf), .paired_rows = 1,
         .window_left_out = 1),
};

static const struct ll_setting_row settings_wrapped[] = {
    MISTRAL,
    {.what = LL_S_TIED, .value = 1, .has_default = 1, .outside = 1},
};

const struct ll_family ll_family_mistral3 = {
    .name = "mistral3",
    .model_types = TYPES("mistral3"),
    .covers = "the text part of Mistral Small 3.1 and later",
    .wraps = "text_config",
    .wrapped_types = TYPES("mistral"),
    SETTINGS(settings_wrapped),
    .names = names,
    .window = ll_window_every_layer,
};
