/* journal.c - see journal.h */
#include "journal.h"

#include "buf.h"
#include "endian.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_LEN = 64,
    /* 8 bytes of magic before it */ HEAD_LEN = LL_JOURNAL_EMPTY,
    FRAME_HEAD = 16,
    FRAME_SUM = 32
};
static const char magic[8] = {'L', 'L', 'J', 'O', 'U', 'R', 'N', '1'}, frame_magic[4] = {'L', 'L', 'F', 'R'};

static void sum_of(const void *head, const void *payload, size_t n, char out[65])
{
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, head, FRAME_HEAD);
    ll_sha256_add(&sha, payload, n);
    ll_sha256_hex(&sha, out);
}

/* Length of the whole frame at p when it is number nr and unharmed, else 0. */
static size_t frame_len(const uint8_t *p, size_t left, int nr)
{
    char sum[65];
    if (left < FRAME_HEAD + FRAME_SUM || memcmp(p, frame_magic, 4) || ll_le_get(p + 4, 4) != (uint64_t)nr)
        return 0;
    uint64_t n = ll_le_get(p + 8, 8);
    if (n > left - FRAME_HEAD - FRAME_SUM)
        return 0;
    sum_of(p, p + FRAME_HEAD, (size_t)n, sum);
    return memcmp(sum, p + FRAME_HEAD + n, FRAME_SUM) ? 0 : (size_t)n + FRAME_HEAD + FRAME_SUM;
}

static int write_all(struct ll_journal *j, const void *bytes, size_t n, struct ll_err *err)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(j->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ll_fail(err, LL_EFAIL, "%s: cannot write: %s", j->path, strerror(errno));
        p += done;
        n -= (size_t)done;
    }
    return LL_OK;
}

static int cut_file(struct ll_journal *j, size_t size, struct ll_err *err)
{
    if (ftruncate(j->fd, (off_t)size) || lseek(j->fd, (off_t)size, SEEK_SET) < 0)
        return ll_fail(err, LL_EFAIL, "%s: cannot cut: %s", j->path, strerror(errno));
    return LL_OK;
}

/* Find the whole frames of the mapped file; *end: where they end. */
static int find_frames(struct ll_journal *j, size_t *end, struct ll_err *err)
{
    size_t len;
    *end = HEAD_LEN;
    for (int cap = 0; (len = frame_len(j->map.data + *end, j->map.size - *end, j->n_read)); j->n_read++) {
        if (j->n_read + 1 >= cap) {
            cap = cap ? 2 * cap : 64;
            size_t *more = realloc(j->at, sizeof *more * (size_t)cap);
            if (!more)
                return ll_fail_mem(err, "frames of a journal", sizeof *more * (size_t)cap);
            j->at = more;
        }
        j->at[j->n_read] = *end;
        *end += len;
        j->at[j->n_read + 1] = *end;
    }
    j->n_frames = j->n_read;
    return LL_OK;
}

int ll_journal_open(struct ll_journal *j, const char *path, const char *key, struct ll_err *err)
{
    size_t end = 0;
    int rc = LL_OK;
    memset(j, 0, sizeof *j);
    j->path = strdup(path);
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (!j->path || j->fd < 0) {
        rc = ll_fail(err, LL_EFAIL, "%s: cannot open: %s", path, strerror(errno));
        ll_journal_close(j);
        return rc;
    }
    if ((rc = ll_map_open(&j->map, path, err)))
        goto done;
    if (j->map.size >= HEAD_LEN && !memcmp(j->map.data, magic, sizeof magic)
        && !memcmp(j->map.data + sizeof magic, key, KEY_LEN))
        rc = find_frames(j, &end, err);
    j->was_other = !end && j->map.size > HEAD_LEN;
    if (!rc)
        rc = cut_file(j, end, err);
    if (!rc && !end) {
        struct ll_buf head = {0};
        ll_buf_add(&head, magic, sizeof magic);
        ll_buf_add(&head, key, KEY_LEN);
        if (!(rc = ll_buf_ok(&head, err)))
            rc = write_all(j, head.s, head.len, err);
        ll_buf_free(&head);
    }
done:
    if (rc)
        ll_journal_close(j);
    return rc;
}

const void *ll_journal_frame(const struct ll_journal *j, int nr, size_t *n)
{
    *n = j->at[nr + 1] - j->at[nr] - FRAME_HEAD - FRAME_SUM;
    return j->map.data + j->at[nr] + FRAME_HEAD;
}

int ll_journal_cut(struct ll_journal *j, int nr, struct ll_err *err)
{
    if (nr >= j->n_read)
        return LL_OK;
    j->n_read = j->n_frames = nr;
    return cut_file(j, j->at[nr], err);
}

int ll_journal_add(struct ll_journal *j, const void *payload, size_t n, struct ll_err *err)
{
    unsigned char head[FRAME_HEAD];
    char sum[65];
    struct ll_buf frame = {0};
    off_t before = lseek(j->fd, 0, SEEK_CUR);
    memcpy(head, frame_magic, 4);
    ll_le_put(head + 4, (uint64_t)j->n_frames, 4);
    ll_le_put(head + 8, n, 8);
    sum_of(head, payload, n, sum);
    ll_buf_add(&frame, head, sizeof head);
    ll_buf_add(&frame, payload, n);
    ll_buf_add(&frame, sum, FRAME_SUM);
    int rc = ll_buf_ok(&frame, err);
    if (!rc && (rc = write_all(j, frame.s, frame.len, err)) && before >= 0)
        cut_file(j, (size_t)before, NULL); /* half a frame would end the reading of what comes after */
    j->n_frames += !rc;
    ll_buf_free(&frame);
    return rc;
}

void ll_journal_close(struct ll_journal *j)
{
    if (!j->path)
        return;
    ll_map_close(&j->map);
    if (j->fd >= 0)
        close(j->fd);
    free(j->at);
    free(j->path);
    memset(j, 0, sizeof *j);
    j->fd = -1;
}
