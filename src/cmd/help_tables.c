/* help_tables.c - see help.h */
#include "help.h"

#include "diff_record.h"
#include "doc_keys.h"
#include "dtype.h"
#include "family.h"
#include "hook.h"
#include "index.h"
#include "lens_cols.h"
#include "schema_text.h"
#include "sink.h"
#include "sidecar_cols.h"
#include "tuned_cols.h"

static void put_families(struct ll_buf *out)
{
    ll_buf_adds(out, "### Model families\n\n| family | model_type | covers |\n| --- | --- | --- |\n");
    for (const struct ll_family *const *all = ll_families; *all; all++) {
        const struct ll_family *f = *all;
        ll_buf_addf(out, "| %s | ", f->name);
        for (const char *const *t = f->model_types; *t; t++)
            ll_buf_addf(out, "%s%s", t == f->model_types ? "" : ", ", *t);
        ll_buf_addf(out, " | %s |\n", f->covers);
    }
}

static const struct {
    const char *name, *what;
} containers[] = {
    {"Hugging Face folder",
     "config.json with model.safetensors, or shards with model.safetensors.index.json; beside it "
     "tokenizer.json, tekken.json, tokenizer.model, or vocab.json with merges.txt"},
    {"safetensors, FP8",
     "quantization_config fp8, fbgemm_fp8 or compressed-tensors (float): scales per tensor, row or block"},
    {"safetensors, four bits",
     "quantization_config gptq (4 bits, also act-order, formats 1 and 2) or awq (gemm)"},
    {"GGUF", "versions 2 and 3, little-endian, one file or split; metadata, tensors and tokenizer"},
    {"hub cache",
     "org/name[@rev] under HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub; never downloaded"},
};

static void put_containers(struct ll_buf *out)
{
    ll_buf_adds(out, "\n### Containers\n\n| container | what |\n| --- | --- |\n");
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        ll_buf_addf(out, "| %s | %s |\n", containers[i].name, containers[i].what);
    ll_buf_adds(out, "\nGGUF architectures read: ");
    ll_gguf_list_architectures(out);
    ll_buf_adds(out, ".\n");
}

static void put_types(struct ll_buf *out)
{
    ll_buf_adds(
        out,
        "\n### Storage types\n\nWeights may be stored as the types marked so; the others occur in files "
        "beside them.\n\n| type | weights | values a block | bytes a block |\n| --- | --- | --- | --- |\n");
    for (int t = 0; t < LL_N_DTYPES; t++) {
        const struct ll_dtype_info *d = ll_dtype_info((enum ll_dtype)t);
        ll_buf_addf(out, "| %s | %s | %d | %d |\n", d->name, d->is_float ? "yes" : "", d->block,
                    d->block_bytes);
    }
}

static void put_hooks(struct ll_buf *out)
{
    static const char *const widths[] = {[LL_WIDTH_ONE] = "",
                                         [LL_WIDTH_D_MODEL] = "d_model",
                                         [LL_WIDTH_HEADS] = "n_heads, d_head",
                                         [LL_WIDTH_KV_HEADS] = "n_kv_heads, d_head",
                                         [LL_WIDTH_D_MLP] = "d_mlp",
                                         [LL_WIDTH_D_VOCAB] = "d_vocab",
                                         [LL_WIDTH_POS_POS] = "n_pos"};
    ll_buf_adds(
        out,
        "\n### Hook points, in order of the pass\n\n| hook | full name | shape |\n| --- | --- | --- |\n");
    for (int h = 0; h < LL_N_HOOKS; h++) {
        const struct ll_hook_info *info = ll_hook_info((enum ll_hook)h);
        char full[64];
        ll_hook_full_name((enum ll_hook)h, 0, full);
        ll_buf_addf(out, "| %s | %s | [%sn_pos%s%s] |\n", info->name, full,
                    info->width == LL_WIDTH_POS_POS ? "n_heads, " : "", *widths[info->width] ? ", " : "",
                    widths[info->width]);
    }
}

static void put_answers_columns(struct ll_buf *out)
{
    ll_buf_addf(out, "\n### Columns of output-MODEL%s\n\nOne row a pass, layer and accepted answer.\n\n",
                ll_schema_answers.file_suffix);
    ll_schema_put_columns(out, &ll_schema_answers);
}

static void put_positions_columns(struct ll_buf *out)
{
    ll_buf_addf(out,
                "\n### Columns of output-MODEL%s\n\nOne row a pass, layer and share of the prompt; only "
                "where all positions are swept.\n\n",
                ll_schema_positions.file_suffix);
    ll_schema_put_columns(out, &ll_schema_positions);
}

static void put_lens_columns(struct ll_buf *out)
{
    struct ll_lens_schema s;
    ll_buf_adds(out,
                "\n### Columns of lens --csv\n\nOne row a layer and listed token. The last five are there "
                "once for each answer beside the first, N = 2, 3, ...\n\n");
    if (!ll_lens_schema_init(&s, 1, NULL))
        ll_schema_put_columns(out, &s.schema);
    ll_lens_schema_free(&s);
}

static void put_diff_columns(struct ll_buf *out)
{
    ll_buf_adds(out,
                "\n### Columns of diff --csv, and of diff_rows in the index\n\nOne row a prompt, position "
                "and layer; a and b are the first and second model named.\n\n");
    ll_schema_put_columns(out, &ll_schema_diff);
}

static void put_sinks(struct ll_buf *out)
{
    ll_buf_adds(out, "\n### Output formats of a run\n\n| format | what |\n| --- | --- |\n");
    for (int i = 0; ll_sinks[i]; i++)
        ll_buf_addf(out, "| %s | %s |\n", ll_sinks[i]->name, ll_sinks[i]->help);
}

static void put_index(struct ll_buf *out)
{
    ll_buf_adds(out, "\n### Index: tables, views, files\n\n");
    ll_index_put_tables(out);
    ll_buf_adds(out, "\n### Named queries\n\n| query | answers | parameters |\n| --- | --- | --- |\n");
    for (const struct ll_query *q = ll_queries; q->name; q++)
        ll_buf_addf(out, "| %s | %s | %s |\n", q->name, q->help, q->params);
}

void ll_help_tables(struct ll_buf *out)
{
    put_families(out);
    put_containers(out);
    put_types(out);
    put_hooks(out);
    put_sinks(out);
    ll_schema_put_run_file(out, &ll_schema_records);
    ll_schema_put_run_file(out, &ll_schema_pure);
    ll_schema_put_run_file(out, &ll_schema_rawlens);
    put_answers_columns(out);
    put_positions_columns(out);
    ll_schema_put_run_file(out, &ll_schema_window);
    ll_schema_put_run_file(out, &ll_schema_milestones);
    ll_schema_put_run_file(out, &ll_schema_artifact);
    ll_schema_put_run_file(out, &ll_schema_tuned_variants);
    ll_schema_put_run_file(out, &ll_schema_pos_audit);
    ll_doc_keys_put(out);
    put_lens_columns(out);
    put_diff_columns(out);
    put_index(out);
}
