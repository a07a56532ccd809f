/* run_options.h - options of `run` that take the place of the experiment's keys. */
#ifndef LL_RUN_OPTIONS_H
#define LL_RUN_OPTIONS_H
#include "experiment.h"
#include "intervene_opt.h"
#include "opt.h"
#include "session.h"

/* Option targets; NULL and 0: as the experiment says. */
struct ll_run_options {
    const char *norm, *ln_bias, *head, *site, *raw_lens, *tuned, *tuned_mode;
    const char *device, *capacity, *residual_cache, *prism, *prism_dir, *repeat_forward;
    struct ll_opt_list intervene;
    int no_norm_lens, fp32_unembed;
    const char *copy_rule, *copy_threshold, *copy_margin, *copy_thresholds, *soft, *soft_ks, *soft_list;
    int last_only, no_analysis, no_calibrate;
};
/* clang-format off */
#define LL_OPT_RUN(c) \
    {"--norm", LL_OPT_STR, &(c).norm, "KIND", "gain of the lens norm, in place of the experiment's", 0, 0, \
    LL_LENS_CHOICES}, \
    {"--ln-bias", LL_OPT_STR, &(c).ln_bias, "WHAT", "bias of a LayerNorm at the rows before the last, in " \
    "place of the experiment's", 0, 0, "keep|drop"}, \
    LL_OPT_HEAD(c), LL_OPT_SITE(c), \
    {"--raw-lens", LL_OPT_STR, &(c).raw_lens, "ROWS", "rows read without any norm, too (or LOGOS_RAW_LENS " \
    "in the environment)", 0, 0, LL_RAW_CHOICES}, \
    {"--tuned", LL_OPT_STR, &(c).tuned, "DIR", "tuned lens: a folder for the model, or one that holds a " \
    "folder of its name; or auto, off, require: as --tuned-mode", 0, 0, NULL}, \
    {"--tuned-mode", LL_OPT_STR, &(c).tuned_mode, "MODE", "a tuned lens that is missing or does not fit " \
    "is passed over (auto) or an error (require)", 0, 0, LL_TUNED_CHOICES}, \
    {"--repeat-forward", LL_OPT_STR, &(c).repeat_forward, "WHEN", "the main pass a second time; auto: " \
    "when its rows did not decode to the same again (or LOGOS_REPEAT_FORWARD)", 0, 0, LL_REPEAT_CHOICES}, \
    LL_OPT_INTERVENE((c).intervene), \
    {"--copy-rule", LL_OPT_STR, &(c).copy_rule, "RULE", "copy detection, in place of the experiment's", 0, \
    0, "strict|legacy"}, \
    {"--copy-threshold", LL_OPT_STR, &(c).copy_threshold, "P", "a copy's probability must be above", 0, 0, \
    NULL}, \
    {"--copy-margin", LL_OPT_STR, &(c).copy_margin, "P", "its lead over the second must be above", 0, 0, \
    NULL}, \
    {"--copy-thresh-list", LL_OPT_STR, &(c).copy_thresholds, "LIST", "further strict thresholds, a column " \
    "each: 0.7,0.8", 0, 0, NULL}, \
    {"--copy-soft-thresh", LL_OPT_STR, &(c).soft, "P", "soft copy: the probability must be above", 0, 0, \
    NULL}, \
    {"--copy-soft-window-ks", LL_OPT_STR, &(c).soft_ks, "LIST", "soft copy: lengths of the run of top " \
    "tokens: 1,2,3", 0, 0, NULL}, \
    {"--copy-soft-thresh-list", LL_OPT_STR, &(c).soft_list, "LIST", "further soft thresholds", 0, 0, NULL}, \
    \
    LL_OPT_DEVICE(c), \
    {"--capacity", LL_OPT_STR, &(c).capacity, "LIST", "take this for the free memory, such as cpu=10MiB: " \
    "what would not fit is skipped", 0, 0, NULL}, \
    LL_OPT_NO_NORM(c), LL_OPT_FP32_UNEMBED(c), \
    {"--residual-cache", LL_OPT_STR, &(c).residual_cache, "TYPE", "type of the residuals kept for the " \
    "lens: float32 is also what is computed in, so both are the same", 0, 0, "fp32|compute"}, \
    {"--prism", LL_OPT_STR, &(c).prism, "MODE", "the Prism lens is read from the original's files only " \
    "(see index); on is refused", 0, 0, "auto|on|off"}, \
    {"--prism-dir", LL_OPT_STR, &(c).prism_dir, "DIR", "taken and not read, as --prism says", 0, 0, NULL}, \
    {"--last-position-only", LL_OPT_FLAG, &(c).last_only, NULL, "no records and positions CSV", 0, 0, \
    NULL}, \
    {"--no-analysis", LL_OPT_FLAG, &(c).no_analysis, NULL, "only the tables that the walk itself gives: " \
    "faster", 0, 0, NULL}, \
    {"--no-calibrate", LL_OPT_FLAG, &(c).no_calibrate, NULL, "no norm-lens temperatures", 0, 0, NULL}
/* clang-format on */
enum { LL_N_RUN_OPTIONS = 26 };
/* Choices that were not made by an option, from LOGOS_RAW_LENS and LOGOS_REPEAT_FORWARD. more: the options
 * that would have said the same, *n of them, borrowed from the environment (and constants). LL_OK, or
 * LL_EUSAGE: variable, expected, found. */
enum { LL_N_ENV_WORDS = 4 };
int ll_run_options_env(struct ll_run_options *c, const char *more[LL_N_ENV_WORDS], int *n,
                       struct ll_err *err);
/* Put the choices into e. LL_OK; LL_EUSAGE: option, expected, found; LL_EFIT: a device that this program
 * cannot use; LL_EUNSUP: Prism. */
int ll_run_options_take(struct ll_experiment *e, const struct ll_run_options *c, struct ll_err *err);
/* What cannot go together, wherever it was said: LL_EUSAGE. */
int ll_run_check(const struct ll_experiment *e, struct ll_err *err);
#endif
