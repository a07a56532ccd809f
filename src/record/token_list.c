/* token_list.c - see token_list.h */
#include "token_list.h"

#include <stdlib.h>
#include <string.h>

void ll_token_list_free(struct ll_token_list *l)
{
    for (int i = 0; i < l->n; i++) {
        ll_buf_free(&l->v[i].text);
        ll_buf_free(&l->v[i].bytes);
    }
    free(l->v);
    memset(l, 0, sizeof *l);
}
