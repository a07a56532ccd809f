/* run_settings.h - the settings of an experiment that are one word or one number: a row each says where it is
 * asked for, what it is by default and how every output names it.
 *
 * The experiment file, the options of `run`, the settings in the outputs and the key of a run (run_key.h) all
 * follow these rows, so that none of them can forget one. */
#ifndef LL_RUN_SETTINGS_H
#define LL_RUN_SETTINGS_H
#include "experiment.h"

struct ll_run_options;

/* The number of the word s [n] among "a|b|c"; -1: none of them. */
int ll_word_nr(const char *words, const char *s, size_t n);

/* Read those that have a key of their own, defaults for what is absent. LL_OK or LL_EUSAGE (key, expected,
 * found). */
int ll_run_settings_read(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err);
/* One of the words at `key`, *nr its number; absent: *nr stays. LL_OK or LL_EUSAGE. */
int ll_read_word(const struct ll_settings *s, const char *key, const char *words, int *nr,
                 struct ll_err *err);
/* Take over those that an option gives. Words must be among the choices of the option (opt.h sees to it). */
void ll_run_settings_choose(struct ll_experiment *e, const struct ll_run_options *o);

/* Setting nr = 0, 1, ... as it stands in e, for a key of everything that was asked; 0: there is none of that
 * number. */
int ll_run_setting_at(const struct ll_experiment *e, int nr, const char **name, int *value);

/* The settings of a run for every output: key, value, ..., NULL. Pointers into *out and e, which must outlive
 * it. */
enum { LL_MAX_SETTINGS = 64 };
struct ll_run_settings {
    const char *v[LL_MAX_SETTINGS + 1];
    char text[LL_MAX_SETTINGS][96];
};
void ll_run_settings(const struct ll_experiment *e, struct ll_run_settings *out);
#endif
