/* ref_modules.c - outputs of transformers' modules, by the names of named_modules() (ref_place.h).
 *
 * A wrapper's prefixes are taken off first, whichever come ("_orig_mod.model.language_model.layers.3" is
 * "layers.3"), so the table has the bare names that base models use. Keys of numpy.savez are often written
 * with other separators: ".", "_", "/" and "-" count as equal once a prefix was there. An ending "_output" or
 * "_out" is taken off, too. Of rows with one pattern the first one counts that is a point of this model.
 * Source: transformers' modeling_*.py, the class of each decoder layer. */
#include "ref_place.h"

#include <string.h>

enum { HALF = LL_REF_NO_POST | LL_REF_UNSCALED, ATTN = LL_HOOK_ATTN_OUT, MLP = LL_HOOK_MLP_OUT };

const struct ll_ref_name ll_ref_modules[] = {
    {"embed_tokens", LL_HOOK_EMBED, LL_REF_RAW_EMBED},
    {"wte", LL_HOOK_EMBED, LL_REF_RAW_EMBED},
    {"embed_in", LL_HOOK_EMBED, LL_REF_RAW_EMBED},
    {"word_embeddings", LL_HOOK_EMBED, LL_REF_RAW_EMBED},
    {"wpe", 0, LL_REF_IGNORE},
    {"embed_positions", 0, LL_REF_IGNORE},
    {"rotary_emb", 0, LL_REF_IGNORE},
    {"rotary_emb_local", 0, LL_REF_IGNORE},
    {"drop", LL_HOOK_EMBED, 0},
    {"emb_dropout", LL_HOOK_EMBED, 0},
    {"embed_dropout", LL_HOOK_EMBED, 0},
    {"norm", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"ln_f", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"final_layer_norm", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"final_layernorm", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"lm_head", LL_HOOK_LOGITS, LL_REF_RAW_LOGITS},
    {"embed_out", LL_HOOK_LOGITS, LL_REF_RAW_LOGITS},

    {"layers.%d", LL_HOOK_RESID_POST, 0},
    {"layers.%d.input_layernorm", LL_HOOK_LN1_NORMALIZED, 0},
    {"layers.%d.self_attn.q_proj", LL_HOOK_Q, 0},
    {"layers.%d.self_attn.k_proj", LL_HOOK_K, 0},
    {"layers.%d.self_attn.v_proj", LL_HOOK_V, 0},
    {"layers.%d.self_attn.qkv_proj", 0, LL_REF_QKV},
    {"layers.%d.self_attn.q_norm", 0, LL_REF_IGNORE},
    {"layers.%d.self_attn.k_norm", 0, LL_REF_IGNORE},
    {"layers.%d.self_attn.o_proj", ATTN, HALF},
    {"layers.%d.self_attn.dense", ATTN, HALF},
    {"layers.%d.self_attn", ATTN, HALF},
    {"layers.%d.post_attention_layernorm", LL_HOOK_LN2_NORMALIZED, LL_REF_NO_POST},
    {"layers.%d.post_attention_layernorm", ATTN, LL_REF_POST | LL_REF_UNSCALED},
    {"layers.%d.post_self_attn_layernorm", ATTN, LL_REF_POST | LL_REF_UNSCALED},
    {"layers.%d.pre_feedforward_layernorm", LL_HOOK_LN2_NORMALIZED, 0},
    {"layers.%d.post_feedforward_layernorm", MLP, LL_REF_POST | LL_REF_UNSCALED},
    {"layers.%d.post_mlp_layernorm", MLP, LL_REF_POST | LL_REF_UNSCALED},
    {"layers.%d.mlp.gate_proj", LL_HOOK_PRE, 0},
    {"layers.%d.mlp.up_proj", 0, LL_REF_UP},
    {"layers.%d.mlp.gate_up_proj", 0, LL_REF_GATE_UP},
    {"layers.%d.mlp.fc1", 0, LL_REF_UP},
    {"layers.%d.mlp.act_fn", LL_HOOK_POST, LL_REF_UNGATED},
    {"layers.%d.mlp.activation_fn", LL_HOOK_POST, LL_REF_UNGATED},
    {"layers.%d.mlp.down_proj", MLP, HALF},
    {"layers.%d.mlp.fc2", MLP, HALF},
    {"layers.%d.mlp", MLP, HALF},
    {"layers.%d.block_sparse_moe", MLP, HALF},

    {"layers.%d.attention.query_key_value", 0, LL_REF_QKV | LL_REF_GROUPED},
    {"layers.%d.attention.dense", ATTN, HALF},
    {"layers.%d.attention", ATTN, HALF},
    {"layers.%d.mlp.dense_h_to_4h", 0, LL_REF_UP},
    {"layers.%d.mlp.act", LL_HOOK_POST, LL_REF_UNGATED},
    {"layers.%d.mlp.dense_4h_to_h", MLP, HALF},

    {"h.%d", LL_HOOK_RESID_POST, 0},
    {"h.%d.ln_1", LL_HOOK_LN1_NORMALIZED, 0},
    {"h.%d.input_layernorm", LL_HOOK_LN1_NORMALIZED, 0},
    {"h.%d.ln_attn", LL_HOOK_LN1_NORMALIZED, 0},
    {"h.%d.attn.c_attn", 0, LL_REF_QKV},
    {"h.%d.attn.c_proj", ATTN, HALF},
    {"h.%d.attn", ATTN, HALF},
    {"h.%d.attn.attention.q_proj", LL_HOOK_Q, 0},
    {"h.%d.attn.attention.k_proj", LL_HOOK_K, 0},
    {"h.%d.attn.attention.v_proj", LL_HOOK_V, 0},
    {"h.%d.attn.attention.attn_dropout", LL_HOOK_PATTERN, 0},
    {"h.%d.attn.attn_dropout", LL_HOOK_PATTERN, 0},
    {"h.%d.attn.attention.out_proj", ATTN, HALF},
    {"h.%d.attn.attention", ATTN, HALF},
    {"h.%d.self_attention.query_key_value", 0, LL_REF_QKV | LL_REF_GROUPED},
    {"h.%d.self_attention.dense", ATTN, HALF},
    {"h.%d.self_attention", ATTN, HALF},
    {"h.%d.ln_2", LL_HOOK_LN2_NORMALIZED, 0},
    {"h.%d.ln_mlp", LL_HOOK_LN2_NORMALIZED, 0},
    {"h.%d.post_attention_layernorm", LL_HOOK_LN2_NORMALIZED, 0},
    {"h.%d.mlp.c_fc", 0, LL_REF_UP},
    {"h.%d.mlp.dense_h_to_4h", 0, LL_REF_UP},
    {"h.%d.mlp.act", LL_HOOK_POST, LL_REF_UNGATED},
    {"h.%d.mlp.c_proj", MLP, HALF},
    {"h.%d.mlp.dense_4h_to_h", MLP, HALF},
    {"h.%d.mlp", MLP, HALF},
    {NULL, 0, 0},
};

static const char *const prefixes[] = {"_orig_mod",      "module",     "base_model",  "model",
                                       "language_model", "text_model", "transformer", "gpt_neox",
                                       "backbone",       "decoder",    NULL};

static int is_separator(char c) { return c == '.' || c == '_' || c == '/' || c == '-'; }

const char *ll_ref_bare_name(const char *name)
{
    for (int i = 0; prefixes[i]; i++) {
        size_t n = strlen(prefixes[i]);
        if (!strncmp(name, prefixes[i], n) && is_separator(name[n]) && name[n + 1])
            return ll_ref_bare_name(name + n + 1);
    }
    return name;
}

int ll_ref_same_separator(char a, char b) { return a == b || (is_separator(a) && is_separator(b)); }
