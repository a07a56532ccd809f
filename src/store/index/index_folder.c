/* index_folder.c - see index_folder.h */
#include "index_folder.h"
#include "grow.h"
#include "literal.h"
#include "sha256.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 100000, MAX_STAMP = 1 << 20 };

void ll_folder_free(struct ll_folder *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->file[i].name);
        free(s->file[i].stem);
        ll_map_close(&s->file[i].map);
    }
    free(s->file);
    for (int i = 0; i < s->n_texts; i++)
        free(s->text[i]);
    free(s->text);
    memset(s, 0, sizeof *s);
}

static int by_stem(const void *a, const void *b)
{
    const struct ll_folder_file *x = a, *y = b;
    int d = strcmp(x->stem, y->stem);
    return d ? d : x->kind < y->kind ? -1 : x->kind > y->kind; /* one table: its order */
}

/* Room for one more in a list of n. */
static int grow(void **list, int n, int *cap, size_t size, struct ll_err *err)
{
    if (n < *cap)
        return LL_OK;
    void *p = ll_grow_int(*list, cap, size, 16, "file list", err);
    if (!p)
        return LL_EFAIL;
    *list = p;
    return LL_OK;
}

static int add_file(struct ll_folder *s, const char *folder, const char *name,
                    const struct ll_file_kind *kind, int stem_len, struct ll_err *err)
{
    if (s->n == MAX_FILES)
        return ll_fail(err, LL_EUSAGE, "%s: more than %d output files", folder, MAX_FILES);
    int rc = grow((void **)&s->file, s->n, &s->cap, sizeof *s->file, err);
    if (rc)
        return rc;
    struct ll_folder_file *f = &s->file[s->n++];
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->name = strdup(name);
    f->stem = strndup(name + strlen("output-"), (size_t)stem_len);
    char *path = ll_path_join(folder, name);
    rc = f->name && f->stem && path ? ll_map_open(&f->map, path, err)
                                    : ll_fail_mem(err, "file name", strlen(name));
    free(path);
    if (rc)
        return rc;
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, f->map.data, f->map.size);
    ll_sha256_hex(&sha, f->sha256);
    return LL_OK;
}

static int add_text(struct ll_folder *s, int *cap, const char *name, struct ll_err *err)
{
    int rc = s->n_texts < MAX_FILES ? grow((void **)&s->text, s->n_texts, cap, sizeof *s->text, err) : LL_OK;
    if (rc || s->n_texts == MAX_FILES)
        return rc;
    s->text[s->n_texts] = strdup(name);
    return s->text[s->n_texts++] ? LL_OK : ll_fail_mem(err, "file name", strlen(name));
}

/* One line of a small file: what follows `head`, as far as it is made of `allowed`; "" where there is no such
 * file. */
static int read_line(const char *folder, const char *name, const char *head, const char *allowed, char *out,
                     size_t size, struct ll_err *err)
{
    struct ll_buf text = {0};
    char *path = ll_path_join(folder, name);
    int rc = !path         ? ll_fail_mem(err, "file name", strlen(name))
        : ll_is_file(path) ? ll_file_read(path, MAX_STAMP, &text, err)
                           : LL_OK;
    const char *line = ll_buf_str(&text);
    *out = 0;
    if (!rc && !strncmp(line, head, strlen(head)))
        snprintf(out, size, "%.*s", (int)strspn(line + strlen(head), allowed), line + strlen(head));
    ll_buf_free(&text);
    free(path);
    return rc;
}

static int read_timestamp(struct ll_folder *s, const char *folder, const char *name, struct ll_err *err)
{
    const char *stamp = name + strlen("timestamp-");
    if (strlen(stamp) >= sizeof s->stamp || strspn(stamp, "0123456789-") != strlen(stamp)
        || strcmp(stamp, s->stamp) < 0)
        return LL_OK;
    snprintf(s->stamp, sizeof s->stamp, "%s", stamp);
    char fraction[16];
    int rc = read_line(folder, name, "Experiment started: ", "0123456789-: ", s->started, 32, err);
    if (!rc) /* ours: runs of one second differ here */
        rc = read_line(folder, ".started", ".", "0123456789", fraction, sizeof fraction, err);
    if (!rc && *s->started && *fraction)
        snprintf(s->started + strlen(s->started), sizeof s->started - strlen(s->started), ".%s", fraction);
    return rc;
}

int ll_folder_scan(struct ll_folder *s, const struct ll_load *l, const char *folder, struct ll_err *err)
{
    memset(s, 0, sizeof *s);
    DIR *d = opendir(folder);
    if (!d)
        return ll_fail(err, ll_open_code(errno), "%s: cannot read the run folder: %s", folder,
                       strerror(errno));
    int rc = LL_OK, n_other = 0, cap = 0, stem_len;
    struct dirent *e;
    while (!rc && (e = readdir(d))) {
        const struct ll_file_kind *kind;
        if (LL_BEGINS(e->d_name, "timestamp-"))
            rc = read_timestamp(s, folder, e->d_name, err);
        else if (ll_ends_with(e->d_name, ".md")
                 && (LL_BEGINS(e->d_name, "evaluation-") || !strcmp(e->d_name, "meta-evaluation.md")))
            rc = add_text(s, &cap, e->d_name, err);
        else if (!LL_BEGINS(e->d_name, "output-"))
            continue; /* logs, folders */
        else if ((kind = ll_file_kind_of(e->d_name, &stem_len)))
            rc = add_file(s, folder, e->d_name, kind, stem_len, err);
        else
            n_other++;
    }
    closedir(d);
    if (n_other)
        ll_talk(l, "%s: %d files of kinds that have no table in this version are not imported", folder,
                n_other);
    if (!rc && !s->n)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a run folder, found no output-*.json or .csv in it",
                     folder);
    if (!rc)
        qsort(s->file, (size_t)s->n, sizeof s->file[0], by_stem);
    if (!rc && s->n_texts)
        qsort(s->text, (size_t)s->n_texts, sizeof s->text[0], ll_compare_strings);
    return rc;
}
