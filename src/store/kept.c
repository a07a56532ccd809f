/* kept.c - see kept.h */
#include "kept.h"

#include "literal.h"
#include "manifest.h"
#include "map.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int has(const struct ll_names *names, const char *name)
{
    return names->n && bsearch(&name, names->v, (size_t)names->n, sizeof *names->v, by_text);
}

static int add(struct ll_names *names, const char *name, struct ll_err *err)
{
    if (!(names->n & (names->n - 1))) { /* capacity doubles at powers of two */
        char **more = realloc(names->v, sizeof *more * (size_t)(names->n ? 2 * names->n : 1));
        if (!more)
            return ll_fail_mem(err, "file names", sizeof *more * 2 * (size_t)names->n);
        names->v = more;
    }
    if (!(names->v[names->n] = strdup(name)))
        return ll_fail_mem(err, "file names", strlen(name));
    names->n++;
    return LL_OK;
}

int ll_names_read(struct ll_names *names, const char *folder, struct ll_err *err)
{
    int rc = LL_OK;
    memset(names, 0, sizeof *names);
    DIR *d = opendir(folder);
    if (!d)
        return ll_fail(err, LL_EFAIL, "%s: cannot read the folder: %s", folder, strerror(errno));
    for (struct dirent *e; !rc && (e = readdir(d));)
        if (e->d_name[0] != '.')
            rc = add(names, e->d_name, err);
    closedir(d);
    if (rc)
        ll_names_free(names);
    else if (names->n)
        qsort(names->v, (size_t)names->n, sizeof *names->v, by_text);
    return rc;
}

void ll_names_free(struct ll_names *names)
{
    for (int i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
    memset(names, 0, sizeof *names);
}

int ll_kept_mark(const char *folder, const char *name, const char *key, const struct ll_names *before,
                 struct ll_err *err)
{
    struct ll_names now;
    struct ll_manifest m = {0};
    int rc = ll_names_read(&now, folder, err);
    for (int i = 0; i < now.n && !rc; i++)
        if (!has(before, now.v[i]))
            rc = ll_manifest_add(&m, folder, now.v[i], err);
    if (!rc)
        rc = ll_manifest_write(&m, folder, name, key, err);
    ll_manifest_free(&m);
    ll_names_free(&now);
    return rc;
}

/* A name in a mark is a name in this folder and nowhere else. */
static int is_here(const char *name) { return *name && *name != '.' && !strchr(name, '/'); }

static int is_whole(const struct ll_manifest *m, const char *folder)
{
    struct ll_manifest now = {0};
    int whole = 1;
    for (int i = 0; i < m->n && whole; i++)
        whole = is_here(m->files[i].name) && !ll_manifest_add(&now, folder, m->files[i].name, NULL)
            && !strcmp(now.files[i].sha256, m->files[i].sha256);
    ll_manifest_free(&now);
    return whole;
}

static void remove_in(const char *folder, const char *name)
{
    char *path = ll_path_join(folder, name);
    if (path)
        unlink(path);
    free(path);
}

void ll_kept_drop(const char *folder, const char *name)
{
    struct ll_manifest m;
    if (!ll_manifest_read(&m, folder, name, NULL)) {
        for (int i = 0; i < m.n; i++)
            if (is_here(m.files[i].name))
                remove_in(folder, m.files[i].name);
        ll_manifest_free(&m);
    }
    remove_in(folder, name);
}

int ll_kept_holds(const char *folder, const char *name, const char *key, int *was_other)
{
    struct ll_manifest m;
    char *path = ll_path_join(folder, name);
    int is_there = path && ll_is_file(path), holds = 0;
    free(path);
    if (is_there && !ll_manifest_read(&m, folder, name, NULL)) {
        holds = !strcmp(m.key, key) && is_whole(&m, folder);
        ll_manifest_free(&m);
    }
    if (is_there && !holds)
        ll_kept_drop(folder, name);
    *was_other = is_there && !holds;
    return holds;
}

/* "<name>.tmp<number>", as outfile.h writes. */
static int is_unwritten(const char *name)
{
    const char *tail = NULL;
    for (const char *p = name; (p = strstr(p, ".tmp")); p++)
        tail = p + 4;
    return tail && *tail && strspn(tail, "0123456789") == strlen(tail);
}

static int read_marks(struct ll_names *named, const char *folder, const char *head, DIR *d,
                      struct ll_err *err)
{
    int rc = LL_OK;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        struct ll_manifest m;
        if (strncmp(e->d_name, head, strlen(head)) || is_unwritten(e->d_name)
            || ll_manifest_read(&m, folder, e->d_name, NULL))
            continue; /* a mark that cannot be read names nothing */
        for (int i = 0; i < m.n && !rc; i++)
            rc = add(named, m.files[i].name, err);
        ll_manifest_free(&m);
    }
    if (!rc && named->n)
        qsort(named->v, (size_t)named->n, sizeof *named->v, by_text);
    return rc;
}

int ll_kept_tidy(const char *folder, const char *head, struct ll_err *err)
{
    struct ll_names named = {0};
    DIR *d = opendir(folder);
    if (!d)
        return ll_fail(err, LL_EFAIL, "%s: cannot read the folder: %s", folder, strerror(errno));
    int rc = read_marks(&named, folder, head, d, err);
    rewinddir(d);
    for (struct dirent *e; !rc && (e = readdir(d));) {
        int goes = e->d_name[0] == '.' ? is_unwritten(e->d_name)
                                       : !LL_BEGINS(e->d_name, "timestamp-") && !has(&named, e->d_name);
        if (goes && unlinkat(dirfd(d), e->d_name, 0) && errno != ENOENT)
            rc = ll_fail(err, LL_EFAIL, "%s/%s: cannot remove: %s", folder, e->d_name, strerror(errno));
    }
    closedir(d);
    ll_names_free(&named);
    return rc;
}
