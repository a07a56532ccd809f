/* cmd_list.h - the commands, a row each: X(name, arguments, what it does in one line, one worked example).
 * The command is ll_cmd_NAME in cmd_NAME.c. */
#ifndef LL_CMD_LIST_H
#define LL_CMD_LIST_H

/* clang-format off */
#define LL_CMD_LIST(X) \
    X(run, "EXPERIMENT.json [MODEL...]", \
      "run an experiment over its models: CSV, JSON and the SQLite index", \
      "logitlens run experiments/001_layers_and_logits/experiment.json") \
    X(lens, "MODEL [TEXT]", \
      "one model, one text (or standard input): what it would say after each layer", \
      "logitlens lens experiments/demo_models/demo-llama --answer Berlin \\\n    \"Give the city " \
      "name only, plain text. The capital of Germany is called simply\"") \
    X(tokens, "MODEL [TEXT]", \
      "token ids, bytes and pieces of a text; which start token is added and why", \
      "logitlens tokens experiments/demo_models/demo-gemma2 \"The capital of Germany\"") \
    X(show, "MODEL", \
      "settings, family, tensors and stored types of a checkpoint; --plan: memory and time", \
      "logitlens show experiments/demo_models/demo-llama --plan") \
    X(dump, "MODEL [TEXT]", \
      "activations of a pass as safetensors (hook names as keys) or after_layer_N.bin", \
      "logitlens dump experiments/demo_models/demo-llama \"The capital\" --hooks " \
      "resid_post,ln_final.normalized --out dump.safetensors") \
    X(diff, "MODEL_A MODEL_B [TEXT...]", \
      "two checkpoints on the same prompts, layer by layer: what quantising changed", \
      "logitlens diff org/model org/model-quantised --csv diff.csv --json diff.json --fail") \
    X(tune, "MODEL FILE...", \
      "fit a tuned lens on text files and measure it on what was held out", \
      "logitlens tune experiments/demo_models/demo-llama text.txt --out " \
      "tuned-demo-llama\nlogitlens lens experiments/demo_models/demo-llama --lens " \
      "tuned:tuned-demo-llama \"The capital of Germany is\"") \
    X(trace, "MODEL [TEXT]", \
      "sizes at every step of a block, explained; the stream through all blocks; stability", \
      "logitlens trace experiments/demo_models/demo-llama \"The capital of Germany\" --layer " \
      "3\nlogitlens trace experiments/demo_models/demo-llama \"The capital of Germany\" --sweep " \
      "--massive") \
    X(drift, "MODEL REF [TEXT]", \
      "the pass against activations from elsewhere: where they part, and why", \
      "logitlens drift org/model dumps/ --ids 9707 --isolate all --try all --explain") \
    X(weights, "MODEL", \
      "weights of every layer: shapes, means, spreads, what is missing, what stands apart", \
      "logitlens weights experiments/demo_models/demo-llama --mark 2,5") \
    X(depth, "MODEL [TEXT]", \
      "what the first k layers alone would say, and whether logits look healthy", \
      "logitlens depth experiments/demo_models/demo-llama --layers 0,2,4,n \"The capital of " \
      "Germany\"") \
    X(check, "[MODEL [TEXT]]", \
      "determinism and known answers of every operation, quantised blocks, lower precision", \
      "logitlens check experiments/demo_models/demo-llama --runs 3") \
    X(index, "RUN...", \
      "import or refresh run folders, or reports (FILE.json), in the SQLite index", \
      "logitlens index output/run-latest") \
    X(query, "[NAME | SQL]", \
      "ask the index: a named query (none given: list them) or read-only SQL", \
      "logitlens query first-semantic-layer\nlogitlens query \"select model, count(*) from v_pure " \
      "group by model\" --csv") \
    X(prompt, "KIND RUN | --check FILE RUN", \
      "KIND single, cross or meta: prompts for an evaluating model; --check: its answer", \
      "logitlens prompt single output/run-latest --max-tokens 30000\nlogitlens prompt --check " \
      "evaluation-demo-llama.md output/run-latest") \
    X(verify, "RUN [MODEL...]", \
      "a run's files against its manifest, and the same command again: same digests?", \
      "logitlens verify output/run-latest")
/* clang-format on */
#endif
