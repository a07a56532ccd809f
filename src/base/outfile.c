/* outfile.c - see outfile.h */
#include "outfile.h"

#include "buf.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_LINKS = 40 /* as the kernel has it */, MAX_FD = 1 << 20, COPY_BYTES = 1 << 16 };

static int cannot(struct ll_err *err, const char *path, int why)
{
    return ll_fail(err, LL_EFAIL, "%s: cannot write: %s", path, strerror(why));
}

/* ---- where to -------------------------------------------------------------------------------- */

/* The descriptor that a path names; -1: none. By name, because following such a link would open the file
 * behind it anew, from its beginning, and a socket not at all. */
static int named_fd(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};
    if (!strcmp(path, "/dev/stdout"))
        return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr"))
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        char *end;
        if (strncmp(path, folders[i], n) || path[n] < '0' || path[n] > '9')
            continue;
        long fd = strtol(path + n, &end, 10);
        return *end || fd > MAX_FD ? -1 : (int)fd;
    }
    return -1;
}

/* What the link at path says, relative to the link's own folder; owned. NULL: no memory, or no link any
 * more. */
static char *follow(const char *path)
{
    char to[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to - 1);
    const char *slash = strrchr(path, '/');
    struct ll_buf b = {0};
    if (n < 0)
        return NULL;
    to[n] = 0;
    if (*to != '/' && slash)
        ll_buf_add(&b, path, (size_t)(slash + 1 - path));
    ll_buf_add(&b, to, (size_t)n);
    if (b.failed)
        ll_buf_free(&b);
    return b.s;
}

/* path with its last part's links followed, as far as they lead; *fd: the descriptor it names on the way,
 * else -1. Owned. */
static char *resolve(const char *path, int *fd, struct ll_err *err)
{
    struct stat st;
    char *at = strdup(path);
    for (int n = 0; at; n++) {
        if ((*fd = named_fd(at)) >= 0 || lstat(at, &st) || !S_ISLNK(st.st_mode))
            return at;
        char *next = n < MAX_LINKS ? follow(at) : NULL;
        free(at);
        if (!next && n == MAX_LINKS) {
            cannot(err, path, ELOOP);
            return NULL;
        }
        at = next;
    }
    cannot(err, path, errno);
    return NULL;
}

static int connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof to.sun_path)
        return errno = ENAMETOOLONG, -1;
    memcpy(to.sun_path, path, n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to)) {
        int why = errno;
        close(fd);
        return errno = why, -1;
    }
    return fd;
}

/* Take fd over as out->f. */
static int write_to(struct ll_outfile *out, int fd, struct ll_err *err)
{
    int why = errno;
    if (fd >= 0 && !(out->f = fdopen(fd, "wb"))) {
        why = errno;
        close(fd);
    }
    return out->f ? LL_OK : cannot(err, out->path, why);
}

/* A new file beside the target; one left there by a process of our number that was killed goes. */
static int open_tmp(struct ll_outfile *out, struct ll_err *err)
{
    struct ll_buf tmp = {0};
    ll_buf_addf(&tmp, "%s.tmp%ld", out->target, (long)getpid());
    if (tmp.failed)
        return ll_fail_mem(err, "file name", strlen(out->target));
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, fd = open(tmp.s, flags, 0666);
    if (fd < 0 && errno == EEXIST && !unlink(tmp.s))
        fd = open(tmp.s, flags, 0666);
    if (fd >= 0)
        out->tmp = tmp.s;
    else {
        int why = errno;
        ll_buf_free(&tmp);
        errno = why;
    }
    return write_to(out, fd, err);
}

/* What is at the path. *fd: of an open descriptor, else -1; *direct: it is written to as it is. */
static int look(struct ll_outfile *out, int *fd, int *direct, struct ll_err *err)
{
    struct stat st;
    *direct = 0;
    if (!(out->target = resolve(out->path, fd, err)))
        return LL_EFAIL;
    if (*fd >= 0)
        return LL_OK;
    if (stat(out->path, &st)) /* by the name given: links of /proc lead where their text does not */
        return errno == ENOENT ? LL_OK : cannot(err, out->path, errno);
    if (S_ISDIR(st.st_mode))
        return ll_fail(err, LL_EUSAGE, "%s: expected a file, found a folder", out->path);
    *direct = S_ISSOCK(st.st_mode) ? 2 : !S_ISREG(st.st_mode);
    if (*direct)
        return LL_OK;
    if (faccessat(AT_FDCWD, out->path, W_OK, AT_EACCESS))
        return cannot(err, out->path, errno);
    out->has_old = 1;
    out->mode = st.st_mode & 07777;
    out->uid = st.st_uid;
    out->gid = st.st_gid;
    return LL_OK;
}

/* ---- public ---------------------------------------------------------------------------------- */

static int open_there(struct ll_outfile *out, struct ll_err *err)
{
    int fd = -1, direct = 0, rc = look(out, &fd, &direct, err);
    if (rc)
        return rc;
    if (fd < 0 && !direct)
        return open_tmp(out, err);
    free(out->target);
    out->target = NULL;
    if (fd >= 0)
        return write_to(out, fcntl(fd, F_DUPFD_CLOEXEC, 0), err);
    return write_to(out,
                    direct == 2 ? connect_to(out->path) : open(out->path, O_WRONLY | O_CLOEXEC | O_NOCTTY),
                    err);
}

int ll_outfile_open(struct ll_outfile *out, const char *path, struct ll_err *err)
{
    memset(out, 0, sizeof *out);
    if (!*path)
        return ll_fail(err, LL_EUSAGE, "output file: expected a name, found an empty one");
    if (!(out->path = strdup(path)))
        return ll_fail_mem(err, "file name", strlen(path));
    int rc = open_there(out, err);
    if (rc)
        ll_outfile_abort(out);
    return rc;
}

int ll_outfile_check(const char *path, struct ll_err *err)
{
    struct ll_outfile out = {0};
    int fd, direct,
        rc = (out.path = strdup(path)) ? look(&out, &fd, &direct, err)
                                       : ll_fail_mem(err, "file name", strlen(path));
    if (!rc && fd < 0 && !direct) { /* the folder must take a new name */
        char *slash = strrchr(out.target, '/');
        if (slash)
            slash[slash == out.target] = 0;
        if (faccessat(AT_FDCWD, slash ? out.target : ".", W_OK | X_OK, AT_EACCESS))
            rc = cannot(err, path, errno);
    }
    ll_outfile_abort(&out);
    return rc;
}

/* The finished content into the file that is there: a rename would give it another owner. 0, or errno. */
static int copy_into(const struct ll_outfile *out)
{
    char part[COPY_BYTES];
    int from = open(out->tmp, O_RDONLY | O_CLOEXEC), to = open(out->target, O_WRONLY | O_TRUNC | O_CLOEXEC),
        bad = from < 0 || to < 0;
    ssize_t n = 0;
    while (!bad && (n = read(from, part, sizeof part)) > 0)
        for (ssize_t done = 0, k; !bad && done < n; done += k)
            bad = (k = write(to, part + done, (size_t)(n - done))) <= 0;
    bad = bad || n < 0 || fsync(to);
    int why = errno;
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) && !bad) {
        bad = 1;
        why = errno;
    }
    return bad ? why ? why : EIO : 0;
}

/* Mode and owner of the file that was there; 0: they cannot be kept by a rename. */
static int keep_owner(const struct ll_outfile *out)
{
    struct stat st;
    int fd = fileno(out->f);
    if (fstat(fd, &st))
        return 0;
    int same = (st.st_uid == out->uid && st.st_gid == out->gid) || !fchown(fd, out->uid, out->gid);
    return same && !fchmod(fd, (mode_t)out->mode);
}

void ll_outfile_write(struct ll_outfile *out, const void *bytes, size_t n)
{
    if (n && fwrite(bytes, 1, n, out->f) != n && !out->why)
        out->why = errno ? errno : EIO;
}

int ll_outfile_commit(struct ll_outfile *out, struct ll_err *err)
{
    if (ll_memory_ok(err)) {
        ll_outfile_abort(out);
        return LL_EFAIL;
    }
    int is_ours = !out->has_old || keep_owner(out), why = out->why;
    errno = 0;
    int bad = why || ferror(out->f) || fflush(out->f) || (out->tmp && fsync(fileno(out->f)));
    why = why ? why : errno;
    errno = 0;
    if (fclose(out->f) && !bad) {
        bad = 1;
        why = errno;
    }
    out->f = NULL;
    if (!bad && out->tmp && !is_ours)
        bad = (why = copy_into(out)) != 0;
    else if (!bad && out->tmp && rename(out->tmp, out->target)) {
        bad = 1;
        why = errno;
    } else if (!bad) {
        free(out->tmp); /* nothing to remove any more */
        out->tmp = NULL;
    }
    int rc = bad ? ll_fail(err, LL_EFAIL, "%s: write failed: %s", out->path,
                           why ? strerror(why) : "disk full or I/O error")
                 : LL_OK;
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
    free(out->target);
    free(out->path);
    memset(out, 0, sizeof *out);
}

int ll_file_write(const char *path, const void *bytes, size_t n, struct ll_err *err)
{
    struct ll_outfile out;
    int rc = ll_outfile_open(&out, path, err);
    if (rc)
        return rc;
    ll_outfile_write(&out, bytes, n);
    return ll_outfile_commit(&out, err);
}
