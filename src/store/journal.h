/* journal.h - results kept as they come, so that a run that is killed loses nothing that was whole.
 *
 * One append-only file: a header (magic, version, key of 64 hex digits), then frames of
 *   "LLFR", frame number (4 bytes), length (8 bytes), payload, first 32 hex digits of SHA-256 over all before
 * it in the frame; numbers little-endian. A frame is one write. Frames are numbered 0, 1, 2, ...; reading
 * ends at the first that is cut short, out of order or whose sum is wrong, and what follows is cut off. The
 * key says what the results are of: with another key, or without a valid header, the file is begun anew. */
#ifndef LL_JOURNAL_H
#define LL_JOURNAL_H
#include "fail.h"
#include "map.h"

enum { LL_JOURNAL_EMPTY = 72 }; /* bytes of a journal without frames */
struct ll_journal {
    int fd;            /* -1: closed */
    char *path;        /* owned */
    int n_frames;      /* whole ones */
    struct ll_map map; /* the frames found when it was opened */
    size_t *at;        /* [n_read + 1] offsets of these; owned */
    int n_read;
    int was_other; /* there was one with another key, or without a valid header */
};
/* Open or make. key: 64 hex digits. Afterwards frames 0..n_read-1 can be read. LL_OK or LL_EFAIL; after a
 * failure there is nothing to free. */
int ll_journal_open(struct ll_journal *j, const char *path, const char *key, struct ll_err *err);
/* Payload of frame nr (0..n_read-1), borrowed until close. */
const void *ll_journal_frame(const struct ll_journal *j, int nr, size_t *n);
/* Forget the frames from nr on (a payload that its reader does not understand). */
int ll_journal_cut(struct ll_journal *j, int nr, struct ll_err *err);
/* Append frame number n_frames. */
int ll_journal_add(struct ll_journal *j, const void *payload, size_t n, struct ll_err *err);
void ll_journal_close(struct ll_journal *j); /* {.fd = -1} and twice are fine */
#endif
