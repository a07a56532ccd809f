/* tuned_facts.h - what a tuned lens's config.json says of it. */
#ifndef LL_TUNED_FACTS_H
#define LL_TUNED_FACTS_H
#include "settings.h"

/* Strings are owned; NULL: not said. */
struct ll_tuned_facts {
    char *name; /* of the folder: no machine paths */
    char *base_model, *revision, *unembed_hash, *lens_type;
    char *identity; /* of the checkpoint that `tune` fitted it to */
    int d_model, n_layers, has_bias;
    struct ll_settings *config; /* all of it: its member "logitlens" is what `tune` wrote; owned */
};
int ll_tuned_facts_read(struct ll_tuned_facts *f, const char *dir, struct ll_err *err);
void ll_tuned_facts_free(struct ll_tuned_facts *f); /* {0} and twice are fine */
/* One line on stderr when the lens was fitted to another checkpoint than this (identity known). */
void ll_tuned_warn(const struct ll_tuned_facts *f, const char *identity, int quiet);
#endif
