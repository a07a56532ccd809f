/* map.c - see map.h */
#include "map.h"

#include "shown.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what a path is -------------------------------------------------------------------------- */

const char *ll_not_a_file(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return lstat(path, &st) ? "nothing" : "a link to nothing";
    return S_ISREG(st.st_mode) ? NULL
        : S_ISDIR(st.st_mode)  ? "a folder"
        : S_ISFIFO(st.st_mode) ? "a FIFO"
        : S_ISSOCK(st.st_mode) ? "a socket"
                               : "a device";
}

int ll_is_there(const char *path)
{
    struct stat st;
    return !lstat(path, &st);
}

int ll_fail_not_a_file(const char *path, struct ll_err *err)
{
    struct stat st;
    char to[512];
    const char *what = ll_not_a_file(path);
    int loops = stat(path, &st) && errno == ELOOP;
    ssize_t n = !lstat(path, &st) && S_ISLNK(st.st_mode) ? readlink(path, to, sizeof to - 1) : -1;
    if (what && n > 0 && !strcmp(what, "a link to nothing")) {
        to[n] = 0;
        return ll_fail(err, LL_EUSAGE, "%s: expected a regular file, found a link to %s, %s", path, to,
                       loops ? "which leads back to itself" : "where nothing is (incomplete download?)");
    }
    return ll_fail(err, LL_EUSAGE, "%s: expected a regular file, found %s", path,
                   what ? what : "one that went away");
}

int ll_is_lfs_pointer(const void *bytes, size_t n)
{
    static const char first[] = "version https://git-lfs";
    return n >= sizeof first - 1 && n < 1024
        && !memcmp(bytes, first, sizeof first - 1); /* the format's limit */
}

int ll_fail_lfs(const char *name, struct ll_err *err)
{
    return ll_fail(err, LL_EUSAGE,
                   "%s: expected the file itself, found a git-lfs pointer (Git LFS keeps the content "
                   "elsewhere: fetch it with git lfs pull)",
                   name);
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct ll_file_mark mark_of(const struct stat *st)
{
#ifdef __APPLE__
    const struct timespec *t = &st->st_mtimespec;
#else
    const struct timespec *t = &st->st_mtim;
#endif
    return (struct ll_file_mark){(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
                                 (long long)st->st_size, (long long)t->tv_sec, t->tv_nsec};
}

/* A descriptor of a regular file (-1: *err says why), its size and mark in *st. */
static int open_file(const char *path, struct stat *st, struct ll_err *err)
{
    const char *what = ll_not_a_file(path);
    if (what && strcmp(what, "nothing")) /* before open: with some devices that alone does something */
        return ll_fail_not_a_file(path, err), -1;
    int fd = open(path,
                  O_RDONLY | O_CLOEXEC | O_NONBLOCK
                      | O_NOCTTY); /* a FIFO put there meanwhile: no waiting for its writer */
    if (fd < 0)
        return ll_fail(err, ll_open_code(errno), "%s: cannot open: %s", path, strerror(errno)), -1;
    if (fstat(fd, st))
        ll_fail(err, LL_EFAIL, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st->st_mode))
        ll_fail_not_a_file(path, err);
    else
        return fd;
    close(fd);
    return -1;
}

/* From fd until n bytes are there, the end or an error. Bytes read, or -1. */
static ssize_t read_up_to(int fd, char *to, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t got = read(fd, to + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (!got)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

static int refuse_pointer(int fd, const struct stat *st, const char *path, struct ll_err *err)
{
    char start[64];
    ssize_t n = st->st_size < 1024 ? pread(fd, start, sizeof start, 0) : 0;
    return n > 0 && ll_is_lfs_pointer(start, (size_t)n) ? ll_fail_lfs(path, err) : LL_OK;
}

int ll_map_open(struct ll_map *map, const char *path, struct ll_err *err)
{
    struct stat st;
    struct ll_err own = {0};
    memset(map, 0, sizeof *map);
    err = err ? err : &own;
    int fd = open_file(path, &st, err);
    if (fd < 0)
        return err->code;
    int rc = refuse_pointer(fd, &st, path, err);
    if (!rc)
        map->mark = mark_of(&st);
    if (!rc && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = ll_fail(err, LL_EFAIL, "%s: cannot map %lld bytes: %s", path, (long long)st.st_size,
                         strerror(errno));
        else {
            map->data = p;
            map->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

int ll_map_unchanged(const struct ll_map *map, const char *path, struct ll_err *err)
{
    struct stat st;
    if (stat(path, &st))
        return LL_OK; /* its name is gone, its content is not */
    struct ll_file_mark now = mark_of(&st), then = map->mark;
    if (now.dev != then.dev || now.ino != then.ino
        || (now.size == then.size && now.sec == then.sec && now.nsec == then.nsec))
        return LL_OK;
    if (now.size != then.size)
        return ll_fail(err, LL_EFAIL, "%s: changed while it was in use: %lld bytes when opened, %lld now",
                       path, then.size, now.size);
    return ll_fail(err, LL_EFAIL, "%s: changed while it was in use (written to after it was opened)", path);
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

void ll_map_will_need(const struct ll_map *map, size_t off, size_t len)
{
    advise(map, off, len, MADV_WILLNEED, 0);
}
void ll_map_dont_need(const struct ll_map *map, size_t off, size_t len)
{
    advise(map, off, len, MADV_DONTNEED, 1);
}

/* A stream that whoever called the program has opened for it: standard input, or what <(...) of a shell
 * gives. */
static int is_given_stream(const char *path)
{
    static const char *const streams[] = {"/dev/stdin", "/dev/fd/", "/proc/self/fd/"};
    struct stat st;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (!strncmp(path, streams[i], strlen(streams[i])))
            return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    return 0;
}

static int read_stream(const char *path, size_t limit, struct ll_buf *b, struct ll_err *err)
{
    char part[8192];
    size_t before = b->len;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = LL_OK;
    if (fd < 0)
        return ll_fail(err, ll_open_code(errno), "%s: cannot open: %s", path, strerror(errno));
    while (!rc && ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR))) {
        ll_buf_add(b, part, n > 0 ? (size_t)n : 0);
        rc = ll_buf_ok(b, err);
        if (!rc && b->len - before > limit)
            rc = ll_fail(err, LL_EUSAGE, "%s: expected at most %zu bytes, found more", path, limit);
    }
    if (!rc && n < 0)
        rc = ll_fail(err, LL_EFAIL, "%s: %s", path, strerror(errno));
    close(fd);
    return rc;
}

int ll_file_read(const char *path, size_t limit, struct ll_buf *b, struct ll_err *err)
{
    struct stat st;
    struct ll_err own = {0};
    err = err ? err : &own;
    if (is_given_stream(path))
        return read_stream(path, limit, b, err);
    int fd = open_file(path, &st, err);
    if (fd < 0)
        return err->code;
    size_t n = (size_t)st.st_size;
    char *bytes = NULL;
    int rc = refuse_pointer(fd, &st, path, err);
    if (!rc && n > limit)
        rc = ll_fail(err, LL_EUSAGE, "%s: %zu bytes, expected at most %zu", path, n, limit);
    if (!rc && !(bytes = malloc(n + 1)))
        rc = ll_fail_mem(err, path, n + 1);
    ssize_t got = rc ? 0 : read_up_to(fd, bytes, n + 1); /* one more: has it grown? */
    if (!rc && got < 0)
        rc = ll_fail(err, LL_EFAIL, "%s: cannot read: %s", path, strerror(errno));
    else if (!rc && (size_t)got != n)
        rc = ll_fail(err, LL_EFAIL, "%s: changed while it was being read: %zu bytes when opened, then %s",
                     path, n, (size_t)got < n ? "fewer" : "more");
    if (!rc) {
        ll_buf_add(b, bytes, n);
        rc = ll_buf_ok(b, err);
    }
    free(bytes);
    close(fd);
    return rc;
}

int ll_is_dir(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int ll_is_empty_dir(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    if (!d)
        return 0;
    for (struct dirent *e; n < 3 && (e = readdir(d)); n++)
        ;
    closedir(d);
    return n <= 2; /* . and .. */
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
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a folder, found something else", path);
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
    char *name = strndup(path + at, end - at);
    if (name)
        ll_shown_name(name);
    return name;
}

int ll_make_temp_dir(char path[256])
{
    enum { LONGEST = 200 };
    const char *tmp = getenv("TMPDIR");
    snprintf(path, 256, "%s/logitlens-XXXXXX", tmp && *tmp && strlen(tmp) < LONGEST ? tmp : "/tmp");
    if (mkdtemp(path))
        return 0;
    *path = 0;
    return -1;
}
