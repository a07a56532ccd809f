/* text_in.h - text from standard input or a file, read as its writer meant it.
 *
 * Shells and editors add what no writer means: one line end at the very end, CRLF for a line end, a byte
 * order mark in front. These are removed (as Python's text mode reads them), and one line on stderr says so;
 * with --exact every byte stays. A text given on the command line is taken as it is. */
#ifndef LL_TEXT_IN_H
#define LL_TEXT_IN_H
#include "buf.h"
#include "fail.h"

struct ll_text_how {
    int exact, quiet;
}; /* --exact, --quiet */
#define LL_OPT_EXACT(o) \
    { \
        "--exact", LL_OPT_FLAG, &(o).exact, NULL, \
            "keep every byte of standard input: its final line end, CRLF, a byte order mark", 0, 0, NULL \
    }
#define LL_OPT_EXACT_FILES(o) \
    { \
        "--exact", LL_OPT_FLAG, &(o).exact, NULL, \
            "keep every byte of the text read: CRLF, a byte order mark", 0, 0, NULL \
    }

enum ll_text_end {
    LL_END_SHELLS, /* one final line end is the shell's, not the text's */
    LL_END_OWN,    /* line ends are the text's own, or divide it */
};
/* Clean b in place by these rules (nothing with how->exact), and say what was done in one line; where:
 * "standard input" or a file's name. LL_OK, or LL_EUSAGE for UTF-16 (told by its byte order mark). */
int ll_text_clean(struct ll_buf *b, const char *where, enum ll_text_end end, const struct ll_text_how *how,
                  struct ll_err *err);
/* Text of a command: arg as it is, or standard input when it is NULL or "-", cleaned. Appended to b (empty
 * before). */
int ll_text_read(const char *arg, const struct ll_text_how *how, struct ll_buf *b, struct ll_err *err);
#endif
