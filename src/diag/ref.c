/* ref.c - see ref.h: the list, and which reader a path needs. */
#include "ref.h"

#include "grow.h"
#include "literal.h"
#include "map.h"
#include "safetensors.h"
#include "settings.h"
#include "stats.h"
#include "torch_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ll_ref_free(struct ll_ref *r)
{
    for (int i = 0; i < r->n; i++) {
        free(r->a[i].name);
        free(r->a[i].x);
        free(r->a[i].raw);
    }
    ll_buf_free(&r->passed);
    for (int i = 0; i < r->n_seq; i++)
        free(r->seq[i].v);
    free(r->a);
    free(r->seq);
    memset(r, 0, sizeof *r);
}

static const int64_t MOST = 0x7fffffff; /* values of one array */

int ll_ref_may_take(const struct ll_ref *r, const char *file, const char *name, uint64_t bytes,
                    struct ll_err *err)
{
    if (r->room <= 0 || bytes <= (uint64_t)(r->room - r->used))
        return LL_OK;
    return ll_fail(err, LL_EFIT,
                   "%s: %.100s: %llu bytes would not fit beside %lld already read: %lld were available", file,
                   name, (unsigned long long)bytes, r->used, r->room);
}

struct ll_ref_array *ll_ref_add(struct ll_ref *r, const struct ll_ref_new *new, struct ll_err *err)
{
    struct ll_ref_array a = {.n = 1, .dtype = new->dtype};
    const int64_t *dims = new->dims;
    int n_dims = new->n_dims;
    for (; n_dims > 1 && dims[0] == 1; n_dims--)
        dims++;
    if (n_dims > LL_REF_DIMS)
        return ll_fail(err, LL_EUNSUP, "%s: %.*s: expected at most %d dimensions, found %d", new->file,
                       (int)new->name_len, new->name, LL_REF_DIMS, n_dims),
               NULL;
    for (int i = 0; i < n_dims; i++) {
        if (dims[i] < 1 || dims[i] > MOST / a.n)
            return ll_fail(err, LL_EUSAGE,
                           "%s: %.*s: expected dimensions from 1 on and at most %lld values, found a "
                           "dimension of %lld",
                           new->file, (int)new->name_len, new->name, (long long)MOST, (long long)dims[i]),
                   NULL;
        a.n *= dims[i];
        a.dims[a.n_dims++] = dims[i];
    }
    if (!a.n_dims)
        a.dims[a.n_dims++] = 1;
    size_t bytes = new->with_values ? sizeof *a.x *(size_t)a.n : 0;
    if (ll_ref_may_take(r, new->file, new->name, bytes, err))
        return NULL;
    if (r->n == r->cap) {
        struct ll_ref_array *grown = ll_grow_int(r->a, &r->cap, sizeof *grown, 64, "reference", err);
        if (!grown)
            return NULL;
        r->a = grown;
    }
    a.name = strndup(new->name, new->name_len);
    a.x = new->with_values ? malloc(bytes) : NULL;
    if (!a.name || (new->with_values && !a.x)) {
        free(a.name);
        free(a.x);
        return ll_fail_mem(err, "reference", sizeof *a.x * (size_t)a.n), NULL;
    }
    for (char *c = a.name; *c; c++) /* names are shown: nothing in them may move a cursor */
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
    r->used += (long long)bytes;
    r->a[r->n] = a;
    return &r->a[r->n++];
}

void ll_ref_pass_over(struct ll_ref *r, const char *name, const char *why)
{
    for (const char *c = name; *c; c++)
        ll_buf_addc(&r->passed, (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e ? '?' : *c);
    ll_buf_addf(&r->passed, ": %s\n", why);
}

/* ---- token ids and sequences ----------------------------------------------------------------- */

static int is_ids_name(const char *s)
{
    return !strcmp(s, "input_ids") || !strcmp(s, "token_ids") || !strcmp(s, "tokens");
}

int ll_ref_take_ids(struct ll_ref *r, const char *name, int64_t rows, int64_t n,
                    long long (*value)(const void *arg, int64_t i), const void *arg, struct ll_err *err)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    size_t prefix = dot ? (size_t)(dot - name) : 0;
    if (!is_ids_name(last) || prefix >= sizeof r->seq->sequence)
        return ll_ref_pass_over(r, name, "integers that are no token ids"), LL_OK;
    if (rows != 1)
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected the ids of one text, found a batch of %lld: save one of them", name,
                       (long long)rows);
    if (n < 1 || n > 1 << 24)
        return ll_fail(err, LL_EUSAGE, "%s: expected 1..%d token ids, found %lld", name, 1 << 24,
                       (long long)n);
    struct ll_ref_ids *grown = realloc(r->seq, sizeof *grown * (size_t)(r->n_seq + 1));
    if (!grown)
        return ll_fail_mem(err, "reference", sizeof *grown);
    r->seq = grown;
    struct ll_ref_ids s = {.n = (int)n, .v = malloc(sizeof(int) * (size_t)n)};
    if (!s.v)
        return ll_fail_mem(err, "token ids", sizeof(int) * (size_t)n);
    memcpy(s.sequence, name, prefix);
    for (int i = 0; i < s.n; i++) {
        long long v = value(arg, i);
        if (v < 0 || v > 0x7fffffff) {
            free(s.v);
            return ll_fail(err, LL_EUSAGE, "%s: value %d: expected a token id, found %lld", name, i, v);
        }
        s.v[i] = (int)v;
    }
    r->seq[r->n_seq++] = s;
    return LL_OK;
}

static int belongs(const char *name, const char *sequence)
{
    size_t n = strlen(sequence);
    return n && !strncmp(name, sequence, n) && name[n] == '.';
}

static int count(const struct ll_ref *r, const char *sequence)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += belongs(r->a[i].name, sequence);
    return n;
}

static int choose(const struct ll_ref *r, const char *want)
{
    int best = -1;
    for (int s = 0; s < r->n_seq; s++)
        if (want ? !strcmp(r->seq[s].sequence, want)
                 : best < 0 || count(r, r->seq[s].sequence) > count(r, r->seq[best].sequence))
            best = s;
    return best;
}

/* Keep one sequence: its arrays without the prefix, and what belongs to none. */
static int keep_sequence(struct ll_ref *r, const char *path, const char *want, struct ll_err *err)
{
    int best = choose(r, want), kept = 0;
    if (best < 0)
        return want
            ? ll_fail(err, LL_EUSAGE, "%s: no sequence \"%s\" (its token ids would be \"%s.input_ids\")",
                      path, want, want)
            : LL_OK;
    for (int i = 0; i < r->n; i++) {
        int other = 0, own = belongs(r->a[i].name, r->seq[best].sequence);
        for (int s = 0; s < r->n_seq && !own; s++)
            other |= belongs(r->a[i].name, r->seq[s].sequence);
        if (other) {
            free(r->a[i].name);
            free(r->a[i].x);
            free(r->a[i].raw);
            continue;
        }
        if (own)
            memmove(r->a[i].name, r->a[i].name + strlen(r->seq[best].sequence) + 1,
                    strlen(r->a[i].name) - strlen(r->seq[best].sequence));
        r->a[kept++] = r->a[i];
    }
    r->n = kept;
    struct ll_ref_ids mine = r->seq[best];
    for (int s = 0; s < r->n_seq; s++)
        if (s != best)
            free(r->seq[s].v);
    r->seq[0] = mine;
    r->n_seq = 1;
    return LL_OK;
}

/* ---- safetensors ----------------------------------------------------------------------------- */

struct ints {
    const struct ll_tensor *t;
    int bytes, is_signed;
};

static long long int_at(const void *arg, int64_t i)
{
    const struct ints *p = arg;
    uint64_t v = 0;
    for (int b = p->bytes; b-- > 0;)
        v = v << 8 | p->t->data[i * p->bytes + b];
    if (p->is_signed && p->bytes < 8 && v >> (8 * p->bytes - 1))
        v |= ~(uint64_t)0 << 8 * p->bytes;
    return (long long)v;
}

int ll_ref_take_tensor(struct ll_ref *r, const char *file, const struct ll_tensor *t, struct ll_err *err)
{
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    int64_t n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= t->dims[i];
    if (n == 0)
        return ll_ref_pass_over(r, t->name, "empty"), LL_OK;
    if (t->opaque)
        return ll_fail(err, LL_EUNSUP, "%s: tensor %s: values stored as %s are not supported", file, t->name,
                       t->opaque);
    if (!d->is_float) {
        struct ints p = {t, d->block_bytes,
                         t->dtype == LL_I64 || t->dtype == LL_I32 || t->dtype == LL_I16 || t->dtype == LL_I8};
        return d->block == 1
            ? ll_ref_take_ids(r, t->name, t->n_dims ? n / t->dims[t->n_dims - 1] : 1, n, int_at, &p, err)
            : LL_OK;
    }
    struct ll_ref_array *a =
        ll_ref_add(r,
                   &(struct ll_ref_new){file, t->name, strlen(t->name), t->dims, t->n_dims,
                                        d->torch_name ? d->torch_name : d->name, 1},
                   err);
    if (!a)
        return ll_err_code(err, LL_EFAIL);
    d->to_f32(t->data, a->x, (size_t)a->n);
    return LL_OK;
}

/* Who made it, from the header's __metadata__ (the header has been checked). */
static void read_maker(struct ll_ref *r, const char *file, const uint8_t *bytes)
{
    struct ll_settings *s = NULL;
    uint64_t len = 0;
    for (int i = 7; i >= 0; i--)
        len = len << 8 | bytes[i];
    if (ll_settings_parse(&s, file, (const char *)bytes + 8, (size_t)len, NULL))
        return;
    snprintf(r->model, sizeof r->model, "%s", ll_settings_str(s, "__metadata__.model", ""));
    snprintf(r->identity, sizeof r->identity, "%s", ll_settings_str(s, "__metadata__.identity", ""));
    ll_settings_free(s);
}

static int parse_safetensors(struct ll_ref *r, const char *file, const uint8_t *bytes, size_t n,
                             struct ll_err *err)
{
    struct ll_st_header h;
    int rc = ll_st_parse(&h, file, bytes, n, err);
    if (rc)
        return rc;
    for (int i = 0; i < h.n_tensors && !rc; i++)
        rc = ll_ref_take_tensor(r, file, &h.tensors[i], err);
    ll_st_free(&h);
    if (!rc)
        read_maker(r, file, bytes);
    return rc;
}

/* ---- folders and files ----------------------------------------------------------------------- */

static int has_end(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

/* Files of a folder that hold one array; a torch file may hold more. */
static const struct plain {
    const char *end;
    int (*parse)(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                 struct ll_err *err);
} plain[] = {
    {".bin", ll_ref_parse_bin},
    {".npy", ll_ref_parse_npy},
    {".pt", ll_ref_parse_torch},
    {".pth", ll_ref_parse_torch},
};

static const struct plain *plain_of(const char *name)
{
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (has_end(name, plain[i].end))
            return &plain[i];
    return NULL;
}

/* Names end at their last dot. */
static int read_plain(struct ll_ref *r, const char *dir, const char *name, struct ll_err *err)
{
    const struct plain *how = plain_of(name);
    char *path = ll_path_join(dir, name), stem[256];
    struct ll_map map;
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(name) - strlen(how->end)), name);
    int rc = path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(dir));
    if (!rc) {
        rc = how->parse(r, name, stem, map.data, map.size, err);
        ll_map_close(&map);
    }
    free(path);
    return rc;
}

static long long id_at(const void *arg, int64_t i)
{
    char key[48];
    snprintf(key, sizeof key, "token_ids.%lld", (long long)i);
    return ll_settings_int(arg, key, -1);
}

static int read_manifest(struct ll_ref *r, const char *dir, struct ll_err *err)
{
    char *path = ll_path_join(dir, "manifest.json");
    struct ll_settings *s = NULL;
    int rc = !path         ? ll_fail_mem(err, "path", strlen(dir))
        : ll_is_file(path) ? ll_settings_read(&s, path, err)
                           : LL_OK;
    if (!rc && s && ll_settings_is_array(s, "token_ids"))
        rc = ll_ref_take_ids(r, "token_ids", 1, ll_settings_len(s, "token_ids"), id_at, s, err);
    ll_settings_free(s);
    free(path);
    return rc;
}

static int wanted_file(const struct dirent *e)
{
    return e->d_name[0] != '.' && strlen(e->d_name) < 256 && strcmp(e->d_name, "manifest.json") != 0;
}
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct ll_ref *r, const char *dir, struct ll_err *err)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, wanted_file, by_bytes), rc = read_manifest(r, dir, err);
    for (int i = 0; i < n; i++) {
        if (!rc && plain_of(list[i]->d_name))
            rc = read_plain(r, dir, list[i]->d_name, err);
        else if (!rc)
            ll_ref_pass_over(r, list[i]->d_name, "not read beside .bin, .npy and .pt files");
        free(list[i]);
    }
    free(list);
    return rc || r->n
        ? rc
        : ll_fail(err, LL_EUSAGE,
                  "%s: expected after_layer_N.bin or other .bin, .npy or .pt files, found none", dir);
}

/* Whatever its name: a header length that fits, and an object. */
static int looks_like_safetensors(const uint8_t *bytes, size_t n)
{
    uint64_t header = 0;
    for (int i = 7; i >= 0 && n > 8; i--)
        header = header << 8 | bytes[i];
    return n > 8 && bytes[8] == '{' && header <= n - 8;
}

static int read_file(struct ll_ref *r, const char *path, struct ll_err *err)
{
    struct ll_map map;
    char *base = ll_path_base(path);
    int rc = base ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(path));
    if (rc) {
        free(base);
        return rc;
    }
    /* a value or a length may begin as a pickle does */
    int begins_otherwise = has_end(base, ".bin") || looks_like_safetensors(map.data, map.size);
    if (ll_torch_is(map.data, map.size) && !(begins_otherwise && map.data[0] == 0x80)) {
        char *dot = strrchr(base, '.');
        if (dot && dot != base)
            *dot = 0;
        r->kind = "torch file", rc = ll_ref_parse_torch(r, path, base, map.data, map.size, err);
    } else if (map.size >= 4 && (LL_BYTES_ARE(map.data, "PK\3\4") || LL_BYTES_ARE(map.data, "PK\5\6")))
        r->kind = "npz", rc = ll_ref_parse_npz(r, base, map.data, map.size, err);
    else if (map.size >= 6 && LL_BYTES_ARE(map.data, "\x93NUMPY")) {
        if (has_end(base, ".npy"))
            base[strlen(base) - 4] = 0;
        r->kind = "npy", rc = ll_ref_parse_npy(r, path, base, map.data, map.size, err);
    } else if (has_end(base, ".bin")) {
        base[strlen(base) - 4] = 0;
        r->kind = "bin", rc = ll_ref_parse_bin(r, path, base, map.data, map.size, err);
    } else if (has_end(path, ".safetensors") || looks_like_safetensors(map.data, map.size))
        r->kind = "safetensors", rc = parse_safetensors(r, base, map.data, map.size, err);
    else
        r->kind = "callback text", rc = ll_ref_parse_text(r, base, map.data, map.size, err);
    ll_map_close(&map);
    free(base);
    return rc;
}

int ll_ref_open(struct ll_ref *r, const char *path, const char *sequence, int64_t most_values,
                struct ll_err *err)
{
    *r = (struct ll_ref){.kind = "folder", .room = ll_available_bytes(), .most_values = most_values};
    int rc = ll_is_dir(path) ? read_folder(r, path, err) : read_file(r, path, err);
    if (!rc)
        rc = keep_sequence(r, path, sequence, err);
    if (!rc && !r->n)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected activations, found none", path);
    if (rc)
        ll_ref_free(r);
    return rc;
}
