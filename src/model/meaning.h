/* meaning.h - inside src/model: one row a meaning of setting.h, with the name most families give it in
 * config.json, its key in GGUF metadata, its kind and its range. */
#ifndef LL_MODEL_MEANING_H
#define LL_MODEL_MEANING_H
#include "setting.h"
#include "settings.h"

struct ll_meaning {
    const char *usual; /* in config.json; NULL: no family has it there */
    enum ll_settings_kind kind;
    double lo, hi;
    enum ll_settings_kind entries; /* of a list */
    const char
        *gguf;     /* after "<architecture>.", "a|b": the first that is there counts; NULL: GGUF has none */
    int per_layer; /* in GGUF: one value, or one a layer */
};

extern const struct ll_meaning ll_meanings[LL_N_SETTINGS];
#endif
