/* unused.h - what a checkpoint stores and the pass does not read, where a user should know. */
#ifndef LL_MODEL_UNUSED_H
#define LL_MODEL_UNUSED_H
#include "model.h"

/* Note (m->ckpt->notes) the tensors that no layer reads: of a GGUF file all of them; of safetensors more
 * layers than the settings ask for, unmerged adapters, and what lies inside the model's own blocks or beside
 * its head. Buffers that carry no weights (rotary frequencies, masks, scales of activations) and the other
 * parts of a wrapped model are not noted. m's weights have been read. LL_OK or LL_EFAIL (memory). */
int ll_note_unused(struct ll_model *m, struct ll_err *err);
#endif
