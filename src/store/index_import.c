/* index_import.c - a run folder into the index, see index.h
 *
 * What a run is: its timestamp file (to the second) and, among runs of the same second, the folder it lies in or any file
 * of the same name and SHA-256. A rotated or copied folder is therefore the run that it was, a changed file belongs to the
 * run it changed in, and shards that began in one second stay apart. What is replaced is a model: when name or SHA-256 of any
 * of its files is new, its rows go and all its files are read again. All in one transaction. */
#include "index.h"
#include "index_db.h"
#include "index_load.h"
#include "map.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 100000 };
enum role { R_DOC, R_PURE, R_RECORDS, R_N }; /* the order in which a model's files are read */
static const char *const suffixes[R_N] = {".json", "-pure-next-token.csv", "-records.csv"};

struct file {
    char *name, *stem;  /* owned */
    enum role role;
    struct ll_map map;  /* owned: hashed and read from the same bytes */
    char sha256[65];
};

struct scan {
    struct file *file;  /* owned, [n], by stem and role */
    int n, cap;
    char stamp[16];     /* "" without a timestamp file */
    char started[48];   /* "YYYY-MM-DD HH:MM:SS", with ".fraction" where the folder has one; "" unknown */
};

/* ---- the folder ------------------------------------------------------------------------------------------------- */
static void scan_free(struct scan *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->file[i].name);
        free(s->file[i].stem);
        ll_map_close(&s->file[i].map);
    }
    free(s->file);
    memset(s, 0, sizeof *s);
}

static int by_stem(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    int d = strcmp(x->stem, y->stem);
    return d ? d : (int)x->role - (int)y->role;
}

static int role_of(const char *name, enum role *role)
{
    size_t n = strlen(name);
    for (int r = 0; r < R_N; r++) {
        size_t k = strlen(suffixes[r]);
        if (n > strlen("output-") + k && !strcmp(name + n - k, suffixes[r]))
            return *role = (enum role)r, 1;
    }
    return 0;
}

static int add_file(struct scan *s, const char *folder, const char *name, enum role role, struct ll_err *err)
{
    if (s->n == MAX_FILES)
        return ll_fail(err, LL_EUSAGE, "%s: more than %d output files", folder, MAX_FILES);
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 16;
        struct file *more = realloc(s->file, (size_t)cap * sizeof *more);
        if (!more)
            return ll_fail_mem(err, "file list", (size_t)cap * sizeof *more);
        s->file = more;
        s->cap = cap;
    }
    struct file *f = &s->file[s->n++];
    size_t head = strlen("output-");
    memset(f, 0, sizeof *f);
    f->role = role;
    f->name = strdup(name);
    f->stem = strndup(name + head, strlen(name) - head - strlen(suffixes[role]));
    char *path = ll_path_join(folder, name);
    int rc = f->name && f->stem && path ? ll_map_open(&f->map, path, err) : ll_fail_mem(err, "file name", strlen(name));
    free(path);
    if (rc)
        return rc;
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, f->map.data, f->map.size);
    ll_sha256_hex(&sha, f->sha256);
    return LL_OK;
}

/* One line of a small file: what follows `head`, as far as it is made of `allowed`; "" where there is no such file. */
static void read_line(const char *folder, const char *name, const char *head, const char *allowed, char *out, size_t size)
{
    char line[64] = "", *path = ll_path_join(folder, name);
    FILE *f = path ? fopen(path, "r") : NULL;
    *out = 0;
    if (f && fgets(line, sizeof line, f) && !strncmp(line, head, strlen(head)))
        snprintf(out, size, "%.*s", (int)strspn(line + strlen(head), allowed), line + strlen(head));
    if (f)
        fclose(f);
    free(path);
}

static int read_timestamp(struct scan *s, const char *folder, const char *name)
{
    const char *stamp = name + strlen("timestamp-");
    if (strlen(stamp) >= sizeof s->stamp || strspn(stamp, "0123456789-") != strlen(stamp) || strcmp(stamp, s->stamp) < 0)
        return 0;
    snprintf(s->stamp, sizeof s->stamp, "%s", stamp);
    char fraction[16];
    read_line(folder, name, "Experiment started: ", "0123456789-: ", s->started, 32);
    read_line(folder, ".started", ".", "0123456789", fraction, sizeof fraction); /* ours: runs of one second differ here */
    if (*s->started && *fraction)
        snprintf(s->started + strlen(s->started), sizeof s->started - strlen(s->started), ".%s", fraction);
    return 1;
}

static int scan_folder(struct scan *s, const struct ll_load *l, const char *folder, struct ll_err *err)
{
    memset(s, 0, sizeof *s);
    DIR *d = opendir(folder);
    if (!d)
        return ll_fail(err, LL_EUSAGE, "%s: cannot read the run folder: %s", folder, strerror(errno));
    int rc = LL_OK, n_other = 0;
    struct dirent *e;
    while (!rc && (e = readdir(d))) {
        enum role role;
        if (!strncmp(e->d_name, "timestamp-", 10))
            read_timestamp(s, folder, e->d_name);
        else if (strncmp(e->d_name, "output-", 7))
            continue; /* logs, evaluations, folders */
        else if (role_of(e->d_name, &role))
            rc = add_file(s, folder, e->d_name, role, err);
        else
            n_other++;
    }
    closedir(d);
    if (n_other)
        ll_talk(l, "%s: %d files of kinds that have no table in this version are not imported", folder, n_other);
    if (!rc && !s->n)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a run folder, found no output-*.json or .csv in it", folder);
    if (!rc)
        qsort(s->file, (size_t)s->n, sizeof s->file[0], by_stem);
    return rc;
}

/* ---- which run it is -------------------------------------------------------------------------------------------- */
/* The folder's path, relative to the index's own folder where it lies below that, so that both can move together. */
static int folder_name(const char *db_path, const char *folder, char **name, struct ll_err *err)
{
    char *real = realpath(folder, NULL), *db_real = realpath(db_path, NULL);
    char *slash = db_real ? strrchr(db_real, '/') : NULL;
    *name = NULL;
    if (real && slash) {
        size_t n = (size_t)(slash - db_real) + 1;
        *name = strdup(!strncmp(real, db_real, n) && real[n] ? real + n : real);
    }
    free(real);
    free(db_real);
    return *name ? LL_OK : ll_fail(err, LL_EFAIL, "%s: cannot resolve the path: %s", folder, strerror(errno));
}

static int find_run(struct ll_load *l, const struct scan *s, const char *folder, struct ll_err *err)
{
    const char *started = *s->started ? s->started : NULL;
    int rc = ll_db_get(l->db, &l->run, 0, err, "SELECT run_id FROM runs WHERE stamp = ?1 AND started_at IS ?2 AND folder = ?3", "sss", s->stamp, started, folder);
    for (int i = 0; i < s->n && !rc && !l->run; i++)
        rc = ll_db_get(l->db, &l->run, 0, err,
                       "SELECT r.run_id FROM runs r JOIN files f ON f.run = r.run_id WHERE r.stamp = ?1 AND r.started_at IS ?2 AND f.name = ?3 AND f.sha256 = ?4",
                       "ssss", s->stamp, started, s->file[i].name, s->file[i].sha256);
    return rc;
}

/* Other runs that were last seen under this name have been rotated away: to <root>/run-<stamp>, or we do not know. */
static int rename_displaced(struct ll_load *l, const char *folder, struct ll_err *err)
{
    const char *slash = strrchr(folder, '/');
    int head = slash ? (int)(slash - folder) + 1 : 0;
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%.*srun-", head, folder);
    return ll_db_do(l->db, err, "UPDATE runs SET folder = CASE WHEN stamp <> '' AND ?1 LIKE '%run-latest' THEN ?3 || stamp END WHERE folder = ?1 AND run_id <> ?2", "sis", folder, l->run, prefix);
}

static int make_or_move_run(struct ll_load *l, const struct scan *s, const char *folder, struct ll_err *err)
{
    int rc = find_run(l, s, folder, err);
    if (!rc && !l->run) {
        rc = ll_db_do(l->db, err, "INSERT INTO runs (folder, stamp, started_at, era) VALUES (?, ?, ?, 'unknown')", "sss", folder, s->stamp, *s->started ? s->started : NULL);
        l->run = sqlite3_last_insert_rowid(l->db);
    } else if (!rc) {
        rc = ll_db_do(l->db, err, "UPDATE runs SET folder = ?1 WHERE run_id = ?2 AND folder IS NOT ?1", "si", folder, l->run);
    }
    return rc ? rc : rename_displaced(l, folder, err);
}

/* ---- models ----------------------------------------------------------------------------------------------------- */
static int is_unchanged(struct ll_load *l, const struct file *f, int n, int *same, struct ll_err *err)
{
    long long known = 0, total = 0;
    int rc = ll_db_get(l->db, &total, 0, err, "SELECT count(*) FROM files f JOIN run_models m ON m.id = f.run_model WHERE m.run = ?1 AND m.stem = ?2", "is", l->run, f->stem);
    *same = total == n;
    for (int i = 0; i < n && *same && !rc; i++) {
        rc = ll_db_get(l->db, &known, 0, err, "SELECT 1 FROM files WHERE run = ?1 AND name = ?2 AND sha256 = ?3", "iss", l->run, f[i].name, f[i].sha256);
        *same = known == 1;
    }
    return rc;
}

static int load_file(struct ll_load *l, const struct file *f, struct ll_import_report *report, struct ll_err *err)
{
    enum ll_dialect dialect = LL_RFC4180;
    long long n_rows = -1;
    int rc = LL_OK;
    if (f->role != R_DOC) {
        dialect = ll_guess_dialect(f->map.data, f->map.size);
        rc = ll_load_csv(l, f->role == R_PURE ? LL_IN_PURE : LL_IN_RECORDS, f->name, f->map.data, f->map.size, dialect, &n_rows, err);
        report->n_rows += n_rows > 0 ? n_rows : 0;
    }
    if (rc)
        return rc;
    report->n_files++;
    return ll_db_do(l->db, err, "INSERT INTO files (run, run_model, name, sha256, bytes, n_rows, dialect) VALUES (?, ?, ?, ?, ?, nullif(?, -1), ?)", "iissiis",
                    l->run, l->run_model, f->name, f->sha256, (long long)f->map.size, n_rows, f->role == R_DOC ? NULL : dialect == LL_RFC4180 ? "rfc4180" : "backslash-twice");
}

/* The n files of one stem. */
static int load_model(struct ll_load *l, const struct file *f, int n, struct ll_import_report *report, struct ll_err *err)
{
    int same, rc = is_unchanged(l, f, n, &same, err);
    if (rc)
        return rc;
    report->n_models++;
    if (same) {
        report->n_unchanged += n;
        long long not_ok = 0;
        rc = ll_db_get(l->db, &not_ok, 0, err, "SELECT status NOT IN ('ok', 'unknown') FROM run_models WHERE run = ?1 AND stem = ?2", "is", l->run, f->stem);
        report->n_skipped_models += not_ok != 0;
        return rc;
    }
    rc = ll_db_do(l->db, err, "DELETE FROM run_models WHERE run = ?1 AND stem = ?2", "is", l->run, f->stem);
    if (!rc)
        rc = f->role == R_DOC ? ll_load_doc(l, f->name, f->stem, f->map.data, f->map.size, err) : ll_load_no_doc(l, f->stem, err);
    if (!rc && f->role != R_DOC)
        ll_talk(l, "output-%s.json: missing; only the rows are imported", f->stem);
    for (int i = 0; i < n && !rc; i++)
        rc = load_file(l, &f[i], report, err);
    report->n_skipped_models += strcmp(l->status, "ok") && strcmp(l->status, "unknown");
    return rc;
}

static int load_models(struct ll_load *l, const struct scan *s, struct ll_import_report *report, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0, k; i < s->n && !rc; i = k) {
        for (k = i + 1; k < s->n && !strcmp(s->file[i].stem, s->file[k].stem); k++)
            ;
        rc = load_model(l, &s->file[i], k - i, report, err);
    }
    return rc;
}

/* The index mirrors the folder: a model whose files are gone goes too, and models that nothing refers to. */
static int drop_missing(struct ll_load *l, const struct scan *s, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st, "SELECT id, stem FROM run_models WHERE run = ?1 ORDER BY id", err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, l->run);
    while (!rc && sqlite3_step(st) == SQLITE_ROW) {
        const char *stem = (const char *)sqlite3_column_text(st, 1);
        int i = 0;
        while (i < s->n && stem && strcmp(s->file[i].stem, stem))
            i++;
        if (i < s->n)
            continue;
        ll_talk(l, "output-%s...: no longer in the folder, removed from the index", stem ? stem : "");
        rc = ll_db_do(l->db, err, "DELETE FROM run_models WHERE id = ?1", "i", (long long)sqlite3_column_int64(st, 0));
    }
    sqlite3_finalize(st);
    return rc ? rc : ll_db_exec(l->db, "DELETE FROM models WHERE id NOT IN (SELECT model FROM run_models)", err);
}

static int import_scan(struct ll_load *l, const struct scan *s, const char *folder, struct ll_import_report *report, struct ll_err *err)
{
    int rc = ll_db_exec(l->db, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = ll_tokens_init(&l->tokens, l->db, err);
    if (!rc)
        rc = make_or_move_run(l, s, folder, err);
    if (!rc)
        rc = load_models(l, s, report, err);
    if (!rc)
        rc = drop_missing(l, s, err);
    ll_tokens_free(&l->tokens);
    if (!rc)
        rc = ll_db_exec(l->db, "COMMIT", err);
    if (rc)
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int ll_index_import(const char *db_path, const char *run_folder, struct ll_import_report *report, void (*talk)(void *, const char *), void *talk_arg, struct ll_err *err)
{
    struct ll_import_report unused;
    struct ll_load l = {.talk = talk, .talk_arg = talk_arg};
    struct scan s;
    char *folder = NULL;
    if (!report)
        report = &unused;
    memset(report, 0, sizeof *report);
    int rc = scan_folder(&s, &l, run_folder, err);
    if (!rc)
        rc = ll_db_open_write(&l.db, db_path, err);
    if (!rc)
        rc = folder_name(db_path, run_folder, &folder, err);
    if (!rc)
        rc = import_scan(&l, &s, folder, report, err);
    if (rc)
        memset(report, 0, sizeof *report);
    ll_db_close_write(l.db);
    free(folder);
    scan_free(&s);
    return rc;
}
