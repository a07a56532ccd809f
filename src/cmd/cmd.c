/* cmd.c - see cmd.h */
#include "cmd.h"

#include <string.h>

#define CMD(n) ll_cmd_##n, ll_cmd_##n##_options
const struct ll_cmd ll_cmds[] = {
    {"run", "EXPERIMENT.json [MODEL...]", "run an experiment over its models: CSV, JSON and the SQLite index",
     "logitlens run experiments/001_layers_and_logits/experiment.json", CMD(run)},
    {"lens", "MODEL [TEXT]", "one model, one text (or standard input): what it would say after each layer",
     "logitlens lens experiments/demo_models/demo-llama --answer Berlin \\\n    \"Give the city name only, "
     "plain text. The capital of Germany is called simply\"",
     CMD(lens)},
    {"tokens", "MODEL [TEXT]", "token ids, bytes and pieces of a text; which start token is added and why",
     "logitlens tokens experiments/demo_models/demo-gemma2 \"The capital of Germany\"", CMD(tokens)},
    {"show", "MODEL", "settings, family, tensors and stored types of a checkpoint; --plan: memory and time",
     "logitlens show experiments/demo_models/demo-llama --plan", CMD(show)},
    {"dump", "MODEL [TEXT]", "activations of a pass as safetensors (hook names as keys) or after_layer_N.bin",
     "logitlens dump experiments/demo_models/demo-llama \"The capital\" --hooks "
     "resid_post,ln_final.normalized --out dump.safetensors",
     CMD(dump)},
    {"diff", "MODEL_A MODEL_B [TEXT...]",
     "two checkpoints on the same prompts, layer by layer: what quantising changed",
     "logitlens diff org/model org/model-quantised --csv diff.csv --json diff.json --fail", CMD(diff)},
    {"tune", "MODEL FILE...", "fit a tuned lens on text files and measure it on what was held out",
     "logitlens tune experiments/demo_models/demo-llama text.txt --out tuned-demo-llama\nlogitlens lens "
     "experiments/demo_models/demo-llama --lens tuned:tuned-demo-llama \"The capital of Germany is\"",
     CMD(tune)},
    {"trace", "MODEL [TEXT]",
     "sizes at every step of a block, explained; the stream through all blocks; stability",
     "logitlens trace experiments/demo_models/demo-llama \"The capital of Germany\" --layer 3\nlogitlens "
     "trace experiments/demo_models/demo-llama \"The capital of Germany\" --sweep --massive",
     CMD(trace)},
    {"drift", "MODEL REF [TEXT]", "the pass against activations from elsewhere: where they part, and why",
     "logitlens drift org/model dumps/ --ids 9707 --isolate all --try all --explain", CMD(drift)},
    {"weights", "MODEL", "weights of every layer: shapes, means, spreads, what is missing, what stands apart",
     "logitlens weights experiments/demo_models/demo-llama --mark 2,5", CMD(weights)},
    {"depth", "MODEL [TEXT]", "what the first k layers alone would say, and whether logits look healthy",
     "logitlens depth experiments/demo_models/demo-llama --layers 0,2,4,n \"The capital of Germany\"",
     CMD(depth)},
    {"check", "[MODEL [TEXT]]",
     "determinism and known answers of every operation, quantised blocks, lower precision",
     "logitlens check experiments/demo_models/demo-llama --runs 3", CMD(check)},
    {"index", "RUN...", "import or refresh run folders, or reports (FILE.json), in the SQLite index",
     "logitlens index output/run-latest", CMD(index)},
    {"query", "[NAME | SQL]", "ask the index: a named query (none given: list them) or read-only SQL",
     "logitlens query first-semantic-layer\nlogitlens query \"select model, count(*) from v_pure group by "
     "model\" --csv",
     CMD(query)},
    {"prompt", "KIND RUN | --check FILE RUN",
     "KIND single, cross or meta: prompts for an evaluating model; --check: its answer",
     "logitlens prompt single output/run-latest --max-tokens 30000\nlogitlens prompt --check "
     "evaluation-demo-llama.md output/run-latest",
     CMD(prompt)},
    {"verify", "RUN [MODEL...]",
     "a run's files against its manifest, and the same command again: same digests?",
     "logitlens verify output/run-latest", CMD(verify)},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct ll_cmd *ll_cmd_find(const char *name)
{
    for (const struct ll_cmd *c = ll_cmds; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}
