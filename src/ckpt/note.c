/* note.c - what a user of a checkpoint should be told (ckpt.h). */
#include "ckpt.h"

#include "shown.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ll_ckpt_note(struct ll_ckpt *c, struct ll_err *err, const char *fmt, ...)
{
    char line[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    ll_shown_name(line); /* names of tensors and files stand in it */
    for (int i = 0; i < c->n_notes; i++)
        if (!strcmp(c->notes[i], line))
            return LL_OK;
    char *text = strdup(line);
    char **grown = realloc(c->notes, sizeof *grown * (size_t)(c->n_notes + 1));
    if (grown)
        c->notes = grown;
    if (!grown || !text) {
        free(text);
        return ll_fail_mem(err, "notes", sizeof *grown * (size_t)(c->n_notes + 1));
    }
    c->notes[c->n_notes++] = text;
    return LL_OK;
}
