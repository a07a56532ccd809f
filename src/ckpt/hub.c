/* hub.c - see hub.h */
#include "hub.h"

#include "buf.h"
#include "literal.h"
#include "map.h"

#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

static const struct place {
    const char *variable, *below;
} places[] = {
    {"HF_HUB_CACHE", ""},
    {"HUGGINGFACE_HUB_CACHE", ""},
    {"HF_HOME", "/hub"},
    {"XDG_CACHE_HOME", "/huggingface/hub"},
    {"HOME", "/.cache/huggingface/hub"},
};

/* One part of a repository name: what the hub allows, so that no part can be "..", empty or hold a '/'. */
static int good_part(const char *s, size_t n)
{
    if (!n || n > 96 || s[0] == '.' || s[0] == '-' || s[n - 1] == '.' || s[n - 1] == '-'
        || strspn(s, plain) < n)
        return 0;
    for (size_t i = 0; i + 1 < n; i++)
        if ((s[i] == '.' || s[i] == '-') && s[i + 1] == s[i])
            return 0;
    return 1;
}

/* "org/name" or "name" of n bytes. */
static int good_id(const char *s, size_t n)
{
    const char *slash = memchr(s, '/', n);
    size_t org = slash ? (size_t)(slash - s) : 0;
    return slash ? good_part(s, org) && good_part(slash + 1, n - org - 1) : good_part(s, n);
}

/* A revision may hold slashes ("refs/pr/1") but must not lead out of refs/. */
static int good_revision(const char *s)
{
    for (const char *part = s;; part++) {
        size_t n = strcspn(part, "/");
        if (!n || n > 200 || part[0] == '.')
            return 0;
        part += n;
        if (!*part)
            return 1;
    }
}

/* "~" and "~user" at the beginning as Python's expanduser reads them; what names nobody stays. Returns the
 * rest of v. */
static const char *put_home(struct ll_buf *b, const char *v)
{
    size_t n = strcspn(v, "/");
    char *user = *v == '~' && n > 1 ? strndup(v + 1, n - 1) : NULL;
    const char *home = *v == '~' && n == 1 ? getenv("HOME") : NULL;
    const struct passwd *who = *v != '~' || home ? NULL
        : user                                   ? getpwnam(user)
        : n == 1                                 ? getpwuid(getuid())
                                                 : NULL;
    free(user);
    home = home ? home : who ? who->pw_dir : NULL;
    if (!home)
        return v;
    ll_buf_adds(b, home);
    return v + n;
}

/* $NAME and ${NAME} as Python's expandvars reads them; what is not set stays. */
static void put_variables(struct ll_buf *b, const char *v)
{
    static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    while (*v) {
        int braces = *v == '$' && v[1] == '{';
        const char *name = v + 1 + braces;
        size_t n = *v == '$' ? braces ? strcspn(name, "}") : strspn(name, word) : 0;
        char *key = n && (!braces || name[n] == '}') ? strndup(name, n) : NULL;
        const char *value = key ? getenv(key) : NULL;
        free(key);
        if (value) {
            ll_buf_adds(b, value);
            v = name + n + braces;
        } else
            ll_buf_addc(b, *v++);
    }
}

/* The folder that a variable's value names. */
static void put_folder(struct ll_buf *b, const char *value)
{
    struct ll_buf v = {0};
    const char *rest = put_home(&v, value);
    ll_buf_adds(&v, rest);
    put_variables(b, ll_buf_str(&v));
    b->failed |= v.failed;
    ll_buf_free(&v);
}

/* CACHE/models--org--name */
static int repo_folder(struct ll_buf *b, const char *id, struct ll_err *err)
{
    size_t i = 0, n = sizeof places / sizeof places[0];
    const char *v = NULL;
    while (i < n && !((v = getenv(places[i].variable)) && *v))
        i++;
    if (i == n)
        return ll_fail(err, LL_EUSAGE,
                       "%s: no such file or folder, and neither HF_HOME nor HOME says where the hub cache is",
                       id);
    put_folder(b, v);
    ll_buf_addf(b, "%s/models--", places[i].below);
    for (const char *c = id; *c; c++)
        ll_buf_add(b, *c == '/' ? "--" : c, *c == '/' ? 2 : 1);
    return ll_buf_ok(b, err);
}

/* The hash in a file of refs/; NULL when there is no such file or no name of a snapshot in it. Owned. */
static char *read_ref(const char *repo, const char *revision)
{
    struct ll_buf path = {0}, text = {0};
    char *hash = NULL;
    ll_buf_addf(&path, "%s/refs/%s", repo, revision);
    if (!path.failed && ll_is_file(path.s) && ll_file_read(path.s, 4096, &text, NULL) == LL_OK) {
        size_t n = strspn(ll_buf_str(&text), plain);
        if (good_part(ll_buf_str(&text), n))
            hash = strndup(text.s, n);
    }
    ll_buf_free(&path);
    ll_buf_free(&text);
    return hash;
}

/* The name of the only snapshot; NULL when there are none or several. Owned. */
static char *only_snapshot(const char *repo)
{
    char *path = ll_path_join(repo, "snapshots"), *name = NULL;
    DIR *d = path ? opendir(path) : NULL;
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' && !n++)
            name = strdup(e->d_name);
    if (d)
        closedir(d);
    free(path);
    if (n == 1)
        return name;
    free(name);
    return NULL;
}

/* The snapshot folder of a revision (NULL: the default), or NULL. Owned. */
static char *snapshot(const char *repo, const char *revision)
{
    struct ll_buf b = {0};
    char *hash = read_ref(repo, revision ? revision : "main");
    if (!hash && !revision)
        hash = only_snapshot(repo);
    if (!hash && revision && !strchr(revision, '/'))
        hash = strdup(revision);
    if (hash)
        ll_buf_addf(&b, "%s/snapshots/%s", repo, hash);
    free(hash);
    if (b.s && !b.failed && ll_is_dir(b.s))
        return b.s;
    ll_buf_free(&b);
    return NULL;
}

int ll_hub_find(const char *asked, char **dir, char **model_id, struct ll_err *err)
{
    const char *at = strchr(asked, '@'), *revision = at ? at + 1 : NULL;
    size_t n = at ? (size_t)(at - asked) : strlen(asked);
    struct ll_buf repo = {0};
    *dir = *model_id = NULL;
    if (!good_id(asked, n) || (revision && !good_revision(revision)))
        return ll_fail(err, LL_EUSAGE,
                       "%.400s: no such file or folder, and no model name of the form org/name[@revision]",
                       asked);
    char *id = strndup(asked, n);
    int rc = id ? repo_folder(&repo, id, err) : ll_fail_mem(err, "model name", n);
    if (!rc && !ll_is_dir(repo.s))
        rc = ll_fail(err, LL_EUSAGE,
                     "%.200s: no such file or folder, and not in the hub cache (looked for %.600s); nothing "
                     "is downloaded",
                     asked, repo.s);
    if (!rc && !(*dir = snapshot(repo.s, revision)))
        rc = ll_fail(err, LL_EUSAGE,
                     "%.200s: the hub cache holds no snapshot of revision %.200s (looked in %.500s); nothing "
                     "is downloaded",
                     id, revision ? revision : "main", repo.s);
    ll_buf_free(&repo);
    if (rc)
        free(id);
    else
        *model_id = id;
    return rc;
}

/* Take the slashes at the end off, and the last part, too, when asked. */
static void cut_path(char *path, int last_part)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (last_part && n > 0 && path[n - 1] != '/')
        n--;
    path[n] = 0;
    if (last_part && n > 1)
        cut_path(path, 0);
}

int ll_hub_repo(const char *folder, int *is, char **dir, struct ll_err *err)
{
    static const char mark[] = "models--";
    char *repo = strdup(folder), *base = ll_path_base(folder);
    int inside = base && !strcmp(base, "snapshots"), rc = LL_OK;
    *dir = NULL;
    if (repo)
        cut_path(repo, inside);
    free(base);
    base = repo ? ll_path_base(repo) : NULL;
    char *snapshots = repo ? ll_path_join(repo, "snapshots") : NULL;
    if (!base || !snapshots)
        rc = ll_fail_mem(err, "path", strlen(folder));
    *is = !rc && !strncmp(base, mark, sizeof mark - 1) && ll_is_dir(snapshots);
    if (*is && !(*dir = snapshot(repo, NULL)))
        rc = ll_fail(err, LL_EUSAGE,
                     "%s: this folder of the hub cache holds no snapshot of revision main (incomplete "
                     "download?); nothing is downloaded",
                     repo);
    free(snapshots);
    free(base);
    free(repo);
    return rc;
}

char *ll_hub_id_of_path(const char *dir)
{
    static const char mark[] = "models--";
    for (const char *p = dir; (p = strstr(p, mark)); p++) {
        size_t n = strcspn(p, "/"), skip = sizeof mark - 1;
        if ((p > dir && p[-1] != '/') || !LL_BEGINS(p + n, "/snapshots/"))
            continue;
        char *id = strndup(p + skip, n - skip), *dashes = id ? strstr(id, "--") : NULL;
        if (dashes) {
            *dashes = '/';
            memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
        }
        if (id && good_id(id, strlen(id)))
            return id;
        free(id);
    }
    return NULL;
}
