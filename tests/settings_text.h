/* settings_text.h - a value of a settings document as compact JSON text. */
#ifndef LL_TEST_SETTINGS_TEXT_H
#define LL_TEST_SETTINGS_TEXT_H
#include "settings.h"

/* Freed by free(); NULL: absent or null. */
static inline char *settings_text(const struct ll_settings *s, const char *path)
{
    struct ll_buf out = {0};
    struct ll_json j;
    if (*path && !ll_settings_has(s, path))
        return NULL;
    ll_json_init(&j, &out);
    ll_settings_put(s, path, &j, NULL);
    if (out.len && out.s[out.len - 1] == '\n')
        out.s[out.len - 1] = 0;
    return out.s;
}
#endif
