/* cmd.c - see cmd.h */
#include "cmd.h"

#include <string.h>

#define X(name, args, summary, example) \
    {#name, args, summary, example, ll_cmd_##name, ll_cmd_##name##_options},
const struct ll_cmd ll_cmds[] = {LL_CMD_LIST(X){NULL, NULL, NULL, NULL, NULL, NULL}};
#undef X

const struct ll_cmd *ll_cmd_find(const char *name)
{
    for (const struct ll_cmd *c = ll_cmds; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}
