/* index_folder.h - what a run folder holds for the index: files of known kinds, hashed; evaluation texts; the
 * timestamp. For src/store only. */
#ifndef LL_INDEX_FOLDER_H
#define LL_INDEX_FOLDER_H
#include "index_load.h"
#include "map.h"

struct ll_folder_file {
    char *name, *stem;               /* owned */
    const struct ll_file_kind *kind; /* NULL: an evaluation text, of which only the name is kept */
    struct ll_map map;               /* owned: hashed and read from the same bytes */
    char sha256[65];
};

struct ll_folder {
    struct ll_folder_file *file; /* owned, [n], by stem and kind; evaluations in a list of their own */
    int n, cap;
    char **text;
    int n_texts;      /* owned: names of evaluation texts, sorted */
    char stamp[16];   /* "" without a timestamp file */
    char started[48]; /* "YYYY-MM-DD HH:MM:SS", with ".fraction" where the folder has one; "" unknown */
};

/* Free with ll_folder_free, also after a failure. LL_EUSAGE: no run folder. Files of unknown kinds are told
 * through l. */
int ll_folder_scan(struct ll_folder *s, const struct ll_load *l, const char *folder, struct ll_err *err);
void ll_folder_free(struct ll_folder *s);
#endif
