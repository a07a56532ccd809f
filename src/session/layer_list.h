/* layer_list.h - layers and depths as they are named in an option: "2,22,23". */
#ifndef LL_LAYER_LIST_H
#define LL_LAYER_LIST_H
#include "fail.h"

enum { LL_MAX_MARKS = 256, LL_MAX_DEPTHS = 4097 };

/* --isolate, --parts: "all" or layers -> owned flags [n_layers]; NULL for NULL. opt: the option's name. */
int ll_layers_chosen(const char *opt, const char *list, int n_layers, unsigned char **out,
                     struct ll_err *err);
/* --mark: layers in the order given; NULL: none. */
int ll_layers_marked(const char *list, int n_layers, int marks[LL_MAX_MARKS], int *n, struct ll_err *err);
/* --layers of depth: numbers from 0 to n_layers, n for n_layers, each once, or "all". usual: the list is the
 * option's default, and depths that the model lacks are left out. */
int ll_depths_read(const char *list, int usual, int n_layers, int k[LL_MAX_DEPTHS], int *n,
                   struct ll_err *err);
#endif
