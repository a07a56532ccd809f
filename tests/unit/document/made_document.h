/* made_document.h - the document of the made run (record/made_rows.h). */
#ifndef LL_TEST_MADE_DOCUMENT_H
#define LL_TEST_MADE_DOCUMENT_H
#include "unit/record/made_rows.h"

#include "document.h"

static const char *const made_settings[] = {"norm", "final", NULL};
static const struct ll_run_info made_run = {"made", "logitlens run made", "logitlens 0.1.0", 316,
                                            made_settings};
static const struct ll_top made_top[] = {{" Berlin", 7, 42, 0.75}, {"\xff", 1, 3, 0.125}};
static const struct ll_prediction made_final = {NULL, 0, 0, 0.5, made_top, 2};
static const struct ll_prediction made_test = {"Berlin is", 9, 0, 1.5, made_top, 2};
static const struct ll_prediction made_temp = {NULL, 0, 0.1, 0.25, made_top, 1};
static const char *const made_warnings[] = {"a warning"};
static const struct ll_document made_document = {
    .run = &made_run,
    .model = &made_model,
    .status = "ok",
    .passes = made_passes,
    .milestones = made_milestones,
    .n_passes = 2,
    .test_prompts = &made_test,
    .n_test_prompts = 1,
    .temperatures = &made_temp,
    .n_temperatures = 1,
    .final_prediction = &made_final,
    .copy_threshold = 0.95,
    .copy_margin = 0.1,
    .last_row_equal = 1,
    .warnings = made_warnings,
    .n_warnings = 1,
};
#endif
