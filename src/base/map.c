/* map.c - see map.h */
#include "map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int ll_map_open(struct ll_map *map, const char *path, struct ll_err *err)
{
    struct stat st;
    memset(map, 0, sizeof *map);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ll_fail(err, LL_EUSAGE, "%s: cannot open: %s", path, strerror(errno));
    int rc = LL_OK;
    if (fstat(fd, &st))
        rc = ll_fail(err, LL_EFAIL, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a regular file", path);
    else if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = ll_fail(err, LL_EFAIL, "%s: cannot map %lld bytes: %s", path, (long long)st.st_size, strerror(errno));
        else
            *map = (struct ll_map){p, (size_t)st.st_size};
    }
    close(fd);
    return rc;
}

void ll_map_close(struct ll_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    memset(map, 0, sizeof *map);
}

/* Round outward for "will need", inward for "do not need", so that neighbours keep their pages. */
static void advise(const struct ll_map *map, size_t off, size_t len, int advice, int inward)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!map->data || off >= map->size)
        return;
    size_t end = len > map->size - off ? map->size : off + len;
    size_t a = inward ? (off + page - 1) / page * page : off / page * page;
    size_t b = inward ? end / page * page : end;
    if (b > a)
        madvise((void *)(uintptr_t)(map->data + a), b - a, advice);
}

void ll_map_will_need(const struct ll_map *map, size_t off, size_t len) { advise(map, off, len, MADV_WILLNEED, 0); }
void ll_map_dont_need(const struct ll_map *map, size_t off, size_t len) { advise(map, off, len, MADV_DONTNEED, 1); }

int ll_file_read(const char *path, size_t limit, struct ll_buf *b, struct ll_err *err)
{
    struct ll_map m;
    int rc = ll_map_open(&m, path, err);
    if (rc)
        return rc;
    if (m.size > limit)
        rc = ll_fail(err, LL_EUSAGE, "%s: %zu bytes, expected at most %zu", path, m.size, limit);
    else {
        ll_buf_add(b, m.data, m.size);
        rc = ll_buf_ok(b, err);
    }
    ll_map_close(&m);
    return rc;
}

int ll_outfile_open(struct ll_outfile *out, const char *path, struct ll_err *err)
{
    memset(out, 0, sizeof *out);
    struct ll_buf tmp = {0};
    ll_buf_addf(&tmp, "%s.tmp%ld", path, (long)getpid());
    out->path = strdup(path);
    out->tmp = tmp.s;
    if (!out->path || tmp.failed) {
        ll_outfile_abort(out);
        return ll_fail_mem(err, "file name", strlen(path));
    }
    out->f = fopen(out->tmp, "wb");
    if (!out->f) {
        int rc = ll_fail(err, LL_EFAIL, "%s: cannot write: %s", path, strerror(errno));
        free(out->path);
        free(out->tmp);
        memset(out, 0, sizeof *out);
        return rc;
    }
    return LL_OK;
}

int ll_outfile_commit(struct ll_outfile *out, struct ll_err *err)
{
    errno = 0;
    int bad = ferror(out->f) || fflush(out->f) || fsync(fileno(out->f));
    int why = errno;
    bad |= fclose(out->f) != 0;
    out->f = NULL;
    if (!bad && rename(out->tmp, out->path)) {
        bad = 1;
        why = errno;
    }
    int rc = bad ? ll_fail(err, LL_EFAIL, "%s: write failed: %s", out->path, why ? strerror(why) : "disk full or I/O error") : LL_OK;
    if (!bad) {
        free(out->tmp);
        out->tmp = NULL;
    }
    ll_outfile_abort(out);
    return rc;
}

void ll_outfile_abort(struct ll_outfile *out)
{
    if (out->f)
        fclose(out->f);
    if (out->tmp)
        unlink(out->tmp);
    free(out->tmp);
    free(out->path);
    memset(out, 0, sizeof *out);
}

int ll_file_write(const char *path, const void *bytes, size_t n, struct ll_err *err)
{
    struct ll_outfile out;
    int rc = ll_outfile_open(&out, path, err);
    if (rc)
        return rc;
    if (n && fwrite(bytes, 1, n, out.f) != n) {
        rc = ll_fail(err, LL_EFAIL, "%s: write failed: %s", path, strerror(errno));
        ll_outfile_abort(&out);
        return rc;
    }
    return ll_outfile_commit(&out, err);
}

int ll_is_dir(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int ll_is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

int ll_make_dirs(const char *path, struct ll_err *err)
{
    char *p = strdup(path);
    if (!p)
        return ll_fail_mem(err, "path", strlen(path));
    int rc = LL_OK;
    for (char *q = p + 1; !rc; q++) {
        char c = *q;
        if (c != '/' && c)
            continue;
        *q = 0;
        if (mkdir(p, 0777) && errno != EEXIST)
            rc = ll_fail(err, LL_EFAIL, "%s: cannot make the folder: %s", p, strerror(errno));
        *q = c;
        if (!c)
            break;
    }
    if (!rc && !ll_is_dir(path))
        rc = ll_fail(err, LL_EFAIL, "%s: expected a folder", path);
    free(p);
    return rc;
}

char *ll_path_join(const char *dir, const char *name)
{
    struct ll_buf b = {0};
    size_t n = strlen(dir);
    ll_buf_add(&b, dir, n);
    if (n && dir[n - 1] != '/')
        ll_buf_addc(&b, '/');
    ll_buf_adds(&b, name);
    if (b.failed)
        ll_buf_free(&b);
    return b.s;
}

char *ll_path_base(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t at = end;
    while (at > 0 && path[at - 1] != '/')
        at--;
    return strndup(path + at, end - at);
}
