/* cmd.c - see cmd.h */
#include "cmd.h"

#include "json_tree.h"
#include "memory.h"
#include "provenance.h"
#include "shown.h"
#include "tables.h"
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static const struct ll_cmd *find(const char *name)
{
    for (const struct ll_cmd *c = ll_cmds; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static void overview(struct ll_buf *out)
{
    ll_buf_addf(out,
                "%s - what a language model would say if it stopped after each layer\n\nusage: logitlens "
                "COMMAND [OPTIONS]\n\n",
                ll_tool_version());
    for (const struct ll_cmd *c = ll_cmds; c->name; c++)
        ll_buf_addf(out, "  %-8s %s\n", c->name, c->summary);
    ll_buf_adds(out,
                "\nlogitlens help COMMAND explains one; help tables lists families, storage types, hook\n"
                "points and columns. MODEL is a Hugging Face folder, a GGUF file or safetensors\n"
                "file of any name, an index file, or org/name[@rev] in the local hub cache;\n"
                "nothing is downloaded.\n");
}

static void explain(const struct ll_cmd *c, struct ll_buf *out)
{
    ll_buf_addf(out, "logitlens %s %s\n  %s\n\noptions [default]:\n", c->name, c->args, c->summary);
    c->options(out);
    ll_buf_addf(out, "\nexample:\n");
    for (const char *p = c->example; *p;) {
        size_t n = strcspn(p, "\n");
        ll_buf_addf(out, "  %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

static int help(int argc, char **argv, struct ll_err *err)
{
    struct ll_buf out = {0};
    const struct ll_cmd *c = argc > 1 ? find(argv[1]) : NULL;
    int rc = LL_OK;
    if (argc > 1 && !strcmp(argv[1], "help"))
        overview(&out);
    else if (argc > 1 && !strcmp(argv[1], "tables"))
        ll_put_tables(&out);
    else if (argc > 1 && !c)
        rc = ll_fail(err, LL_EUSAGE, "unknown command \"%s\" (see: logitlens help)", argv[1]);
    else if (c)
        explain(c, &out);
    else
        overview(&out);
    if (!rc)
        rc = ll_print_text(&out, err);
    ll_buf_free(&out);
    return rc;
}

static int version(struct ll_err *err)
{
    struct ll_buf out = {0};
    ll_buf_addf(&out, "%s\n", ll_tool_version());
    int rc = ll_print_text(&out, err);
    ll_buf_free(&out);
    return rc;
}

static int wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return 1;
    return 0;
}

static int dispatch(int argc, char **argv, struct ll_err *err)
{
    if (argc < 2) {
        help(1, argv, err);
        return ll_fail(err, LL_EUSAGE, "expected a command");
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return help(argc - 1, argv + 1, err);
    if (!strcmp(name, "--version") || !strcmp(name, "version"))
        return version(err);
    const struct ll_cmd *c = find(name);
    if (!c)
        return ll_fail(err, LL_EUSAGE, "unknown command \"%s\" (see: logitlens help)", name);
    if (wants_help(argc - 1, argv + 1)) {
        char *for_help[] = {argv[0], argv[1], NULL};
        return help(2, for_help, err);
    }
    return c->run(argc - 1, argv + 1, err);
}

/* A file that we open must not get the number of a standard stream that the caller closed: what is printed
 * would go into it. The places are taken by descriptors that fail when they are used. */
static void take_closed_streams(void)
{
    static const int flags[] = {O_WRONLY, O_RDONLY, O_WRONLY /* nobody reads what is said there */};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
            break;
}

int ll_main(int argc, char **argv)
{
    struct ll_err err = {0};
    take_closed_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is then a failed write like a full disk */
    ll_json_watch_memory();
    int rc = dispatch(argc, argv, &err);
    if (!rc && (fflush(stdout) || ferror(stdout))) /* whatever printed it */
        rc = ll_fail(&err, LL_EFAIL, "standard output: %s", strerror(errno));
    if (ll_memory_ran_out() && rc != LL_EFAIL) { /* whatever else was said follows from what is missing */
        struct ll_err short_of = {0};
        rc = ll_memory_ok(&short_of);
        err = short_of;
    }
    if (rc)
        ll_say_line("logitlens: %s", *err.msg ? err.msg : "failed without a reason");
    return ll_exit_code(rc);
}
