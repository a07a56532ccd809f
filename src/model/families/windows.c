/* windows.c - which layers have a window or experts, where several families say it alike. */
#include "config.h"
#include "rows.h"

int ll_window_every_layer(const struct ll_model *m, int layer)
{
    (void)layer;
    return ll_window_width(m);
}

int ll_window_where_used(const struct ll_model *m, int layer)
{
    return ll_setting_on(m, LL_S_USE_WINDOW) ? ll_window_every_layer(m, layer) : 0;
}

int ll_window_upper_layers(const struct ll_model *m, int layer)
{
    int from = 0;
    ll_setting_int(m, LL_S_WINDOW_LAYERS, &from);
    return layer < from ? 0 : ll_window_where_used(m, layer);
}

int ll_window_by_pattern(const struct ll_model *m, int layer)
{
    int every = 1, listed = ll_setting_len(m, LL_S_WINDOW_PATTERN) >= 0;
    if (listed) /* GGUF may say it layer by layer */
        return ll_setting_item_int(m, LL_S_WINDOW_PATTERN, layer, 0) ? ll_window_every_layer(m, layer) : 0;
    ll_setting_int(m, LL_S_WINDOW_PATTERN, &every);
    return every && (layer + 1) % every == 0 ? 0 : ll_window_every_layer(m, layer);
}

int ll_check_window_switch(const struct ll_model *m, struct ll_err *err)
{
    for (int i = 0; i < ll_setting_len(m, LL_S_LAYER_TYPES) && !ll_setting_on(m, LL_S_USE_WINDOW); i++)
        if (!strcmp(ll_setting_item_str(m, LL_S_LAYER_TYPES, i), LL_SLIDING))
            return ll_setting_fail(m, LL_S_USE_WINDOW, err,
                                   "expected true, as layer_types.%d is %s, found false", i, LL_SLIDING);
    return LL_OK;
}

int ll_experts_everywhere(const struct ll_model *m, int layer)
{
    (void)m, (void)layer;
    return 1;
}

int ll_experts_by_step(const struct ll_model *m, int layer)
{
    int step = 1;
    for (int i = 0; i < ll_setting_len(m, LL_S_MLP_ONLY); i++)
        if (ll_setting_item_int(m, LL_S_MLP_ONLY, i, -1) == layer)
            return 0;
    ll_setting_int(m, LL_S_EXPERT_STEP, &step);
    return (layer + 1) % step == 0;
}
