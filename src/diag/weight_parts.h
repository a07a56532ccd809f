/* weight_parts.h - the weights of every layer under names that all families share, whatever way they are
 * stored.
 *
 * Works on a model of ll_model_open_settings, so that a checkpoint with holes can be described: a missing
 * tensor, an odd shape or a layer too many is a note, never an end. Fused matrices fall apart: W_QKV into Q,
 * K, V (stacked or grouped by key/value head), gate_up into gate and up; all experts of a layer count as one
 * gate, up and down. */
#ifndef LL_WEIGHT_PARTS_H
/* clang-format off */
#define LL_WEIGHT_PARTS_H
/* clang-format on */
#include "buf.h"
#include "model.h"
#include "tensor_stats.h"

enum ll_part_kind { LL_PART_MATRIX, LL_PART_BIAS, LL_PART_NORM };
/* X(enum, name, kind, in a layer) */
/* clang-format off */
#define LL_WEIGHT_PARTS(X) \
    X(LN1, "ln1", NORM, 1) X(LN1_B, "ln1.bias", BIAS, 1) X(LN1_POST, "ln1_post", NORM, 1) \
    X(Q, "Q", MATRIX, 1) X(K, "K", MATRIX, 1) X(V, "V", MATRIX, 1) X(O, "O", MATRIX, 1) \
    X(B_Q, "Q.bias", BIAS, 1) X(B_K, "K.bias", BIAS, 1) X(B_V, "V.bias", BIAS, 1) X(B_O, "O.bias", BIAS, 1) \
    \
    X(Q_NORM, "q_norm", NORM, 1) X(K_NORM, "k_norm", NORM, 1) \
    X(LN2, "ln2", NORM, 1) X(LN2_B, "ln2.bias", BIAS, 1) X(LN2_POST, "ln2_post", NORM, 1) \
    X(GATE, "Gate", MATRIX, 1) X(UP, "Up", MATRIX, 1) X(DOWN, "Down", MATRIX, 1) \
    X(B_GATE, "Gate.bias", BIAS, 1) X(B_UP, "Up.bias", BIAS, 1) X(B_DOWN, "Down.bias", BIAS, 1) \
    X(ROUTER, "Router", MATRIX, 1) X(SHARED_MIX, "SharedMix", MATRIX, 1) X(SHARED_GATE, "SharedGate", \
    MATRIX, 1) \
    X(SHARED_UP, "SharedUp", MATRIX, 1) X(SHARED_DOWN, "SharedDown", MATRIX, 1) \
    X(EMBED, "W_E", MATRIX, 0) X(POSITIONS, "W_pos", MATRIX, 0) X(HEAD, "W_U", MATRIX, 0) X(B_HEAD, \
    "W_U.bias", BIAS, 0) \
    X(LN_FINAL, "ln_final", NORM, 0) X(LN_FINAL_B, "ln_final.bias", BIAS, 0)
/* clang-format on */
enum ll_weight_part {
#define X(e, name, kind, layered) LL_WP_##e,
    LL_WEIGHT_PARTS(X)
#undef X
        LL_N_WEIGHT_PARTS
};
struct ll_weight_part_info {
    const char *name;
    enum ll_part_kind kind;
    int layered;
};
const struct ll_weight_part_info *ll_weight_part(int part);

/* One part of one layer. */
struct ll_weight_cell {
    const struct ll_tensor *tensor; /* where it lies (the first expert's); NULL: not there; borrowed */
    int n_tensors;                  /* 1; of experts stored apart their number */
    int64_t n, rows,
        cols; /* values in all; of one matrix rows and columns as multiplied (a vector: rows 1) */
    struct ll_tensor_stats stats; /* filled by ll_weight_scan */
    const struct ll_tensor
        *bad; /* tensor with the first NaN or infinity, and its flat index there; NULL: none */
    int64_t bad_at;
};

struct ll_weight_layer {
    struct ll_weight_cell cell[LL_N_WEIGHT_PARTS];
    int64_t params;
    struct ll_buf missing;      /* names of tensors that the family needs, "; " between; owned */
    struct ll_buf wrong_shapes; /* tensors whose shape is not what config.json says; owned */
    struct ll_buf
        extra; /* tensors of this layer that the family does not read, without the layer's prefix; owned */
};

/* Where the values of a cell lie: rows of row_len values from row0 on, columns col0..col0+n_cols of each. */
struct ll_weight_run {
    const struct ll_tensor *tensor;
    int row, part; /* of ll_weights.layers */
    int64_t row0, n_rows, row_len, col0, n_cols;
};

struct ll_weights {
    struct ll_model *model; /* borrowed; layer_of gets filled */
    int n_config;           /* layers that config.json says */
    int n_layers;           /* layers described: the larger of n_config and what tensors are named for */
    int n_stored;           /* layers that have at least one tensor */
    struct ll_weight_layer *layers; /* [n_layers + 1], the last one: embedding, head, final norm; owned */
    struct ll_weight_run *runs;
    int n_runs, cap_runs; /* owned */
};
/* Find everything. Returns LL_OK or LL_EFAIL (memory). Free with ll_weights_free, also after a failure. */
int ll_weights_find(struct ll_weights *w, struct ll_model *m, struct ll_err *err);
void ll_weights_free(struct ll_weights *w);
#endif
