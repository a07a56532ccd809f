/* ref_place.h - what the names of a reference mean: each array to its hook point and layer, in the pass' own
 * layout.
 *
 * A name is looked up in the map file's rows, then as a hook point (short or TransformerLens name), then in
 * the table of ref_names.c: our .bin files and the component names beside them, llama.cpp's graph nodes,
 * entries of transformers' hidden_states, the steps of logitlens' test references; at last among
 * transformers' modules (ref_modules.c). A pattern holds at most one "%d", the layer, and may end with "@OP":
 * only nodes made by OP. Of several arrays for one point the last one stays (llama.cpp names each step of q
 * alike). */
#ifndef LL_REF_PLACE_H
#define LL_REF_PLACE_H
#include "acts.h"
#include "ref.h"

enum ll_ref_flag {
    LL_REF_HEADS_FIRST = 1,   /* [heads, pos, d_head] */
    LL_REF_NO_POST = 2,       /* before the norm after the half block: a point only where there is none */
    LL_REF_UNSCALED = 4,      /* before the residual multiplier */
    LL_REF_STACK = 8,         /* [n_layers + 1, pos, d_model]: embed, then resid_post of every layer */
    LL_REF_LAST = 16,         /* [n_layers + 1, pos, d_vocab]: its last entry */
    LL_REF_UP = 32,           /* pre_linear, or pre in an MLP without a gate */
    LL_REF_IGNORE = 64,       /* known, not compared */
    LL_REF_ROWS_PAIRED = 128, /* q, k: heads may lie in GGUF's order, neighbouring values rotating together */
    LL_REF_RAW_EMBED = 256,   /* before the embedding's multiplier and positions */
    LL_REF_LAST_ROW = 512,    /* may hold the last token only */
    LL_REF_STREAM = 1024,     /* "%d" counts the stream: 0 the embedding, k what leaves layer k - 1 */
    LL_REF_POST = 2048,       /* after the norm after the half block: a point only where there is one */
    LL_REF_UNGATED =
        4096, /* a point only in an MLP without a gate: else the activation is not yet multiplied */
    LL_REF_RAW_LOGITS = 8192,  /* before scale and soft cap of the head */
    LL_REF_QKV = 16384,        /* q, k and v side by side */
    LL_REF_GROUPED = 32768,    /* with LL_REF_QKV: for each key/value head its queries, key and value */
    LL_REF_GATE_UP = 65536,    /* pre and pre_linear side by side */
    LL_REF_POSITIONS = 131072, /* learned positions, which TransformerLens' hook_embed does not hold yet */
};
struct ll_ref_name {
    const char *pattern;
    int hook;
    unsigned flags;
};
extern const struct ll_ref_name ll_ref_names[]; /* pattern NULL at the end */
extern const struct ll_ref_name
    ll_ref_modules[]; /* of transformers' modules without a wrapper's prefixes; likewise */
/* The name behind a wrapper's prefixes, inside it. */
const char *ll_ref_bare_name(const char *name);
int ll_ref_same_separator(char a, char b); /* equal, or both of . _ / - */
/* The most values that one array for n_tokens tokens of this model can have, whatever its name; at most 2^31
 * - 1. */
int64_t ll_ref_most_values(const struct ll_model *m, long long n_tokens);
/* A type of --raw: its number, -1 for none: float32, float64, float16, bfloat16. */
int ll_ref_raw_type(const char *name);
/* Values alone as rows of width (or one row, where that may be): *out is a with x owned by the caller, n and
 * dtype. type NULL: what the size of the file says. Returns LL_OK, LL_EUSAGE (fits none, or several) or
 * LL_EFAIL. */
int ll_ref_raw_read(const struct ll_ref_array *a, const char *type, int64_t width, int64_t rows, int one,
                    struct ll_ref_array *out, struct ll_err *err);
/* File name of a point in a folder of .bin dumps ("layer3_q_proj.bin") into out; NULL: it has none. layer -1
 * outside the blocks. */
const char *ll_ref_bin_name(const struct ll_model *m, int hook, int layer, char out[64]);

/* Rows of a map file: "PATTERN<tab>HOOK", HOOK "-" to pass a node over; '#' begins a comment. Owned. */
struct ll_ref_map {
    struct ll_ref_name *rows;
    int n;
    char *text;
};
int ll_ref_map_read(struct ll_ref_map *map, const char *path, struct ll_err *err);
int ll_ref_map_parse(struct ll_ref_map *map, const char *file, const char *text, size_t n,
                     struct ll_err *err);
void ll_ref_map_free(struct ll_ref_map *map);

struct ll_ref_place {
    const struct ll_model *m; /* borrowed */
    int n_pos;                /* tokens of the sequence */
    const int *ids;           /* [n_pos] them, borrowed; NULL: what hook_embed alone holds is not asked */
    int pos; /* token of a one-row array when n_pos > 1; -1: only nodes that may, the last one */
    const struct ll_ref_map *map; /* NULL: none */
    const char *raw;              /* type of values alone; NULL: by the size of the file */
    /* filled: */
    int n_placed, n_ignored, n_bad, n_sums; /* n_bad: with NaN or infinities; n_sums: only the sum is known */
    struct ll_buf unknown;                  /* names without a meaning, one a line; owned */
    struct ll_buf passed;                   /* "NAME: why it is not compared", one a line; owned */
    struct ll_buf bad;                      /* "NAME: value 17 is not finite", one a line; owned */
    int llama;                              /* nodes of llama.cpp were placed */
    unsigned char *paired; /* [n_layers] bits 1 q, 2 k, 4 rot_q, 8 rot_k: came from such nodes; owned */
};
/* Move every array of r into acts (fresh; owned by the caller also after an error). Returns LL_OK, LL_EUSAGE
 * (a count that fits neither the width of its point nor the tokens: name, expected, found) or LL_EFAIL. */
int ll_ref_place(struct ll_ref_place *p, const struct ll_ref *r, struct ll_acts *acts, struct ll_err *err);
void ll_ref_place_free(struct ll_ref_place *p);
/* The names with a meaning that are most like one of the unknown ones, ", " between; nothing where there is
 * none. */
void ll_ref_nearest(const struct ll_ref_place *p, struct ll_buf *out);
/* Lines "NAME: why" with layers and equal reasons taken together: "blocks.%d.x (30), y: why; ...". */
void ll_ref_fold(const struct ll_buf *lines, struct ll_buf *out);
/* Are q and k of llama.cpp nodes in GGUF's order? Decided at the first layer that has one, by which reading
 * is nearer to what the pass gives, and undone in all. *found: 0 no such nodes, 1 as they are, 2 put in
 * order. */
int ll_ref_settle_order(struct ll_ref_place *p, struct ll_acts *acts, struct ll_engine *eng, const int *ids,
                        int *found, struct ll_err *err);
/* Heads of `act` in place: from neighbouring pairs to halves, and back. Odd or more than 4096 wide ones
 * stay. */
void ll_ref_unpair(struct ll_actv *act, int d_head);
void ll_ref_pair(struct ll_actv *act, int d_head);
#endif
