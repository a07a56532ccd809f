/* index_import.c - a run folder into the index, see index.h
 *
 * What a run is: its timestamp file (to the second) and, among runs of the same second, the folder it lies in
 * or any file of the same name and SHA-256. A rotated or copied folder is therefore the run that it was, a
 * changed file belongs to the run it changed in, and shards that began in one second stay apart. What is
 * replaced is a model: when name or SHA-256 of any of its files is new, its rows go and all its files are
 * read again. All in one transaction.
 *
 * A broken file costs its own rows only: each is read inside a savepoint, and its reason is kept in `files`
 * and told at this and every later import, until the file changes. What a model should have but lacks
 * (document, pure rows, records) is told as missing. */
#include "index.h"
#include "index_db.h"
#include "index_folder.h"
#include "literal.h"
#include "record_cols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which run it is ------------------------------------------------------------------------- */
/* The folder's path, relative to the index's own folder where it lies below that, so that both can move
 * together. */
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

static int find_run(struct ll_load *l, const struct ll_folder *s, const char *folder, struct ll_err *err)
{
    const char *started = *s->started ? s->started : NULL;
    int rc = ll_db_get(l->db, &l->run, 0, err,
                       "SELECT run_id FROM runs WHERE stamp = ?1 AND started_at IS ?2 AND folder = ?3", "sss",
                       s->stamp, started, folder);
    for (int i = 0; i < s->n && !rc && !l->run; i++)
        rc = ll_db_get(l->db, &l->run, 0, err,
                       "SELECT r.run_id FROM runs r JOIN files f ON f.run = r.run_id WHERE r.stamp = ?1 AND "
                       "r.started_at IS ?2 AND f.name = ?3 AND f.sha256 = ?4",
                       "ssss", s->stamp, started, s->file[i].name, s->file[i].sha256);
    return rc;
}

/* Other runs that were last seen under this name have been rotated away: to <root>/run-<stamp>, or to the
 * first of -2, -3, ... that no other run has, as the rotation does; else their place is unknown. */
static int rename_displaced(struct ll_load *l, const char *folder, struct ll_err *err)
{
    const char *slash = strrchr(folder, '/');
    int head = slash ? (int)(slash - folder) + 1 : 0;
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%.*srun-", head, folder);
    return ll_db_do(
        l->db, err,
        "UPDATE runs SET folder = CASE WHEN stamp <> '' AND ?1 LIKE '%run-latest' THEN ?3 || stamp ||"
        " (SELECT CASE count(*) WHEN 0 THEN '' ELSE '-' || (count(*) + 1) END FROM runs o WHERE o.stamp = "
        "runs.stamp AND (o.folder = ?3 || o.stamp OR o.folder GLOB ?3 || o.stamp || '-[0-9]*')) END"
        " WHERE folder = ?1 AND run_id <> ?2",
        "sis", folder, l->run, prefix);
}

static int make_or_move_run(struct ll_load *l, const struct ll_folder *s, const char *folder,
                            struct ll_err *err)
{
    int rc = find_run(l, s, folder, err);
    if (!rc && !l->run) {
        rc = ll_db_do(l->db, err,
                      "INSERT INTO runs (folder, stamp, started_at, era) VALUES (?, ?, ?, 'unknown')", "sss",
                      folder, s->stamp, *s->started ? s->started : NULL);
        l->run = sqlite3_last_insert_rowid(l->db);
    } else if (!rc) {
        rc = ll_db_do(l->db, err, "UPDATE runs SET folder = ?1 WHERE run_id = ?2 AND folder IS NOT ?1", "si",
                      folder, l->run);
    }
    return rc ? rc : rename_displaced(l, folder, err);
}

/* ---- the import ------------------------------------------------------------------------------ */
struct import {
    struct ll_load l;
    struct ll_import_report *report; /* borrowed */
    char first[900];                 /* the first problem; "" none */
};

/* ---- models ---------------------------------------------------------------------------------- */
static int is_unchanged(struct ll_load *l, const struct ll_folder_file *f, int n, int *same,
                        struct ll_err *err)
{
    long long known = 0, total = 0;
    int rc = ll_db_get(l->db, &total, 0, err,
                       "SELECT count(*) FROM files f JOIN run_models m ON m.id = f.run_model WHERE m.run = "
                       "?1 AND m.stem = ?2",
                       "is", l->run, f->stem);
    *same = total == n;
    for (int i = 0; i < n && *same && !rc; i++) {
        rc = ll_db_get(l->db, &known, 0, err,
                       "SELECT 1 FROM files WHERE run = ?1 AND name = ?2 AND sha256 = ?3", "iss", l->run,
                       f[i].name, f[i].sha256);
        *same = known == 1;
    }
    return rc;
}

/* One line for a person; the first becomes the reason of the whole import. */
static void problem(struct import *im, const char *text)
{
    im->report->n_problems++;
    if (!*im->first)
        snprintf(im->first, sizeof im->first, "%.800s", text);
    ll_talk(&im->l, "%s", text);
}

/* Back to the savepoint. Tokens made since then are gone, so the memory of them goes too. */
static int undo(struct ll_load *l, struct ll_err *err)
{
    ll_tokens_free(&l->tokens);
    int rc = ll_db_exec(l->db, "ROLLBACK TO file; RELEASE file", err);
    return rc ? rc : ll_tokens_init(&l->tokens, l->db, err);
}

static int note_file(struct ll_load *l, const struct ll_folder_file *f, struct ll_err *err)
{
    int rc =
        ll_db_do(l->db, err, "INSERT INTO files (run, run_model, name, sha256, bytes) VALUES (?, ?, ?, ?, ?)",
                 "iissi", l->run, l->run_model, f->name, f->sha256, (long long)f->map.size);
    l->file = sqlite3_last_insert_rowid(l->db);
    return rc;
}

static int load_csv(struct import *im, const struct ll_folder_file *f, struct ll_err *err)
{
    struct ll_load *l = &im->l;
    const struct ll_csv_file text = {f->name, f->map.data, f->map.size,
                                     l->is_ours ? LL_RFC4180 : ll_guess_dialect(f->map.data, f->map.size)};
    struct ll_csv_size size = {0};
    struct ll_err why = {0};
    int rc = note_file(l, f, err);
    if (!rc)
        rc = ll_db_exec(l->db, "SAVEPOINT file", err);
    if (rc)
        return rc;
    rc = ll_load_csv(l, f->kind, &text, &size, &why);
    if (rc == LL_EUSAGE) { /* the file's own fault */
        problem(im, why.msg);
        rc = undo(l, err);
        return rc ? rc
                  : ll_db_do(l->db, err, "UPDATE files SET problem = ? WHERE id = ?", "si", why.msg, l->file);
    }
    if (rc)
        return ll_fail(err, rc, "%s", why.msg);
    im->report->n_files++;
    im->report->n_rows += size.n_rows;
    rc = ll_db_do(l->db, err, "RELEASE file", "");
    return rc ? rc
              : ll_db_do(l->db, err, "UPDATE files SET n_rows = ?, n_columns = ?, dialect = ? WHERE id = ?",
                         "iisi", size.n_rows, (long long)size.n_columns,
                         text.dialect == LL_RFC4180 ? "rfc4180" : "backslash-twice", l->file);
}

static int load_doc(struct import *im, const struct ll_folder_file *f, struct ll_err *err)
{
    struct ll_load *l = &im->l;
    struct ll_err why = {0};
    int rc = ll_db_exec(l->db, "SAVEPOINT file", err);
    if (rc)
        return rc;
    rc = ll_load_doc(l, f->name, f->stem, f->map.data, f->map.size, &why);
    if (rc == LL_EUSAGE) {
        problem(im, why.msg);
        rc = undo(l, err);
        if (!rc)
            rc = ll_load_no_doc(l, f->stem, "the JSON file is broken", err);
        if (!rc)
            rc = note_file(l, f, err);
        return rc ? rc
                  : ll_db_do(l->db, err, "UPDATE files SET problem = ? WHERE id = ?", "si", why.msg, l->file);
    }
    if (rc)
        return ll_fail(err, rc, "%s", why.msg);
    im->report->n_files++;
    rc = ll_db_exec(l->db, "RELEASE file", err);
    return rc ? rc : note_file(l, f, err);
}

/* A pass that one of the two tables has and the other has not: a file cut short between two passes. */
static int compare_tables(struct import *im, const struct ll_folder_file *f, int n, struct ll_err *err)
{
    static const struct {
        const char *suffix, *sql;
    } t[] = {
        {LL_PURE_FILE ".csv",
         "SELECT p.pass_key FROM passes p WHERE p.run_model = ?1 AND NOT EXISTS (SELECT 1 FROM pure c WHERE "
         "c.pass = p.id) AND"
         " (p.token_ids IS NOT NULL OR EXISTS (SELECT 1 FROM records c WHERE c.pass = p.id)) LIMIT 1"},
        {LL_RECORDS_FILE ".csv",
         "SELECT p.pass_key FROM passes p WHERE p.run_model = ?1 AND NOT EXISTS (SELECT 1 FROM records c "
         "WHERE c.pass = p.id)"
         " AND EXISTS (SELECT 1 FROM pure c WHERE c.pass = p.id) LIMIT 1"},
    };
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof t / sizeof t[0] && !rc; i++)
        for (int k = 0; k < n && !rc; k++) {
            sqlite3_stmt *st;
            char line[400] = "";
            if (strcmp(ll_kind_suffix(f[k].kind), t[i].suffix))
                continue;
            long long broken = 0;
            if ((rc = ll_db_get(im->l.db, &broken, 0, err,
                                "SELECT problem IS NOT NULL FROM files WHERE run = ? AND name = ?", "is",
                                im->l.run, f[k].name))
                || broken || (rc = ll_db_prepare(im->l.db, &st, t[i].sql, err)))
                continue;
            sqlite3_bind_int64(st, 1, im->l.run_model);
            if (sqlite3_step(st) == SQLITE_ROW)
                snprintf(line, sizeof line, "%s: expected rows of pass %.100s, found none (file cut short?)",
                         f[k].name, (const char *)sqlite3_column_text(st, 0));
            sqlite3_finalize(st);
            if (*line) {
                problem(im, line);
                rc = ll_db_do(im->l.db, err, "UPDATE files SET problem = ? WHERE run = ? AND name = ?", "sis",
                              line, im->l.run, f[k].name);
            }
        }
    return rc;
}

static int has_kind(const struct ll_folder_file *f, int n, const char *suffix)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(ll_kind_suffix(f[i].kind), suffix))
            return 1;
    return 0;
}

static void missing(struct import *im, const char *stem, const char *suffix, const char *otherwise)
{
    char line[400];
    snprintf(line, sizeof line, "output-%.200s%s: missing; %s", stem, suffix, otherwise);
    problem(im, line);
}

/* Tell, at each import, what the files of a model lack. Also counts a model that has no results. */
static int look_at_model(struct import *im, const struct ll_folder_file *f, int n, struct ll_err *err)
{
    long long is_ok = 0, last_only = 0, skipped = 0;
    int rc = ll_db_get(im->l.db, &is_ok, 0, err,
                       "SELECT status IN ('ok', 'unknown') FROM run_models WHERE run = ?1 AND stem = ?2",
                       "is", im->l.run, f->stem);
    if (!rc)
        rc = ll_db_get(im->l.db, &last_only, 0, err,
                       "SELECT last_position_only FROM run_models WHERE run = ?1 AND stem = ?2", "is",
                       im->l.run, f->stem);
    skipped = !is_ok;
    im->report->n_skipped_models += skipped != 0;
    if (rc)
        return rc;
    if (!has_kind(f, n, ".json"))
        missing(im, f->stem, ".json", "only the rows are imported");
    if (is_ok && !has_kind(f, n, LL_PURE_FILE ".csv"))
        missing(im, f->stem, LL_PURE_FILE ".csv", "the rest is imported");
    if (is_ok && !last_only && !has_kind(f, n, LL_RECORDS_FILE ".csv"))
        missing(im, f->stem, LL_RECORDS_FILE ".csv", "the rest is imported");
    return rc;
}

/* An unchanged model: its broken files are still broken. */
static int repeat_problems(struct import *im, const struct ll_folder_file *f, int n, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(im->l.db, &st,
                           "SELECT f.problem FROM files f JOIN run_models m ON m.id = f.run_model WHERE "
                           "m.run = ?1 AND m.stem = ?2 AND f.problem IS NOT NULL ORDER BY f.id",
                           err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, im->l.run);
    ll_db_bind_cstr(st, 2, f->stem);
    while (sqlite3_step(st) == SQLITE_ROW)
        problem(im, (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    im->report->n_unchanged += n;
    return LL_OK;
}

/* The n files of one stem. */
static int load_model(struct import *im, const struct ll_folder_file *f, int n, struct ll_err *err)
{
    struct ll_load *l = &im->l;
    int same, rc = is_unchanged(l, f, n, &same, err);
    if (rc)
        return rc;
    im->report->n_models++;
    if (same) {
        rc = repeat_problems(im, f, n, err);
        return rc ? rc : look_at_model(im, f, n, err);
    }
    rc = ll_db_do(l->db, err, "DELETE FROM run_models WHERE run = ?1 AND stem = ?2", "is", l->run, f->stem);
    if (!rc)
        rc = f->kind->shape == LL_SHAPE_DOC ? load_doc(im, f, err)
                                            : ll_load_no_doc(l, f->stem, "no JSON file", err);
    for (int i = f->kind->shape == LL_SHAPE_DOC; i < n && !rc; i++)
        rc = load_csv(im, &f[i], err);
    if (!rc)
        rc = compare_tables(im, f, n, err);
    return rc ? rc : look_at_model(im, f, n, err);
}

static int load_models(struct import *im, const struct ll_folder *s, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0, k; i < s->n && !rc; i = k) {
        for (k = i + 1; k < s->n && !strcmp(s->file[i].stem, s->file[k].stem); k++)
            ;
        rc = load_model(im, &s->file[i], k - i, err);
    }
    return rc;
}

/* The index mirrors the folder: a model whose files are gone goes too, and models that nothing refers to. */
static int drop_missing(struct ll_load *l, const struct ll_folder *s, struct ll_err *err)
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
        rc = ll_db_do(l->db, err, "DELETE FROM run_models WHERE id = ?1", "i",
                      (long long)sqlite3_column_int64(st, 0));
    }
    sqlite3_finalize(st);
    return rc ? rc
              : ll_db_exec(l->db, "DELETE FROM models WHERE id NOT IN (SELECT model FROM run_models)", err);
}

/* evaluation-<stem>.md, evaluation-cross-model(s).md, evaluation-meta.md or meta-evaluation.md
 * (docs/experiment.md 14.1). */
static const char *kind_of_text(const char *name)
{
    return !strcmp(name, "meta-evaluation.md") || !strcmp(name, "evaluation-meta.md") ? "meta"
        : LL_BEGINS(name, "evaluation-cross-model")                                   ? "cross"
                                                                                      : "single";
}

static int put_texts(struct ll_load *l, const struct ll_folder *s, struct ll_err *err)
{
    int rc = ll_db_do(l->db, err, "DELETE FROM evaluations WHERE run = ?", "i", l->run);
    for (int i = 0; i < s->n_texts && !rc; i++) {
        const char *name = s->text[i], *kind = kind_of_text(name);
        char *stem = strcmp(kind, "single") ? NULL : strndup(name + 11, strlen(name) - 11 - 3);
        rc = ll_db_do(l->db, err, "INSERT INTO evaluations (run, path, kind, model) VALUES (?, ?, ?, ?)",
                      "isss", l->run, name, kind, stem);
        free(stem);
    }
    return rc;
}

static int import_scan(struct import *im, const struct ll_folder *s, const char *folder, struct ll_err *err)
{
    struct ll_load *l = &im->l;
    int rc = ll_db_exec(l->db, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = ll_tokens_init(&l->tokens, l->db, err);
    if (!rc)
        rc = make_or_move_run(l, s, folder, err);
    if (!rc)
        rc = load_models(im, s, err);
    if (!rc)
        rc = drop_missing(l, s, err);
    if (!rc)
        rc = put_texts(l, s, err);
    ll_tokens_free(&l->tokens);
    if (!rc)
        rc = ll_db_exec(l->db, "COMMIT", err);
    if (rc)
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int ll_index_import(const char *db_path, const char *run_folder, struct ll_import_report *report,
                    void (*talk)(void *, const char *), void *talk_arg, struct ll_err *err)
{
    struct ll_import_report unused;
    struct import im = {.l = {.talk = talk, .talk_arg = talk_arg}, .report = report ? report : &unused};
    struct ll_folder s;
    char *folder = NULL;
    long long pages = -1;
    memset(im.report, 0, sizeof *im.report);
    int rc = ll_folder_scan(&s, &im.l, run_folder, err);
    if (!rc)
        rc = ll_db_open_write(&im.l.db, db_path, err);
    if (!rc)
        rc = ll_db_get(im.l.db, &pages, 0, err, "PRAGMA page_count", "");
    if (!rc)
        rc = folder_name(db_path, run_folder, &folder, err);
    if (!rc)
        rc = import_scan(&im, &s, folder, err);
    if (rc)
        memset(im.report, 0, sizeof *im.report);
    ll_db_close_write(im.l.db, rc ? -1 : pages);
    free(folder);
    ll_folder_free(&s);
    if (!rc && im.report->n_problems)
        rc = ll_fail(err, LL_EUSAGE, "%s: imported but for %d file%s: %s", run_folder, im.report->n_problems,
                     im.report->n_problems == 1 ? "" : "s", im.first);
    return rc;
}
