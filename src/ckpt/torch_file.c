/* torch_file.c - see torch_file.h: views of the pickle, joined to the storages of the archive. */
#include "torch_file.h"

#include "literal.h"
#include "torch_pickle.h"
#include "zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 4096 };

struct parse {
    const char *file;
    struct ll_zip zip;
    const char *prefix;
    size_t prefix_len; /* "X/" */
    size_t room;       /* bytes that copies may still take */
    struct ll_err *err;
};

/* X/<name>; <name> is below 300 bytes. */
static const struct ll_zip_entry *entry(const struct parse *p, const char *name, size_t len)
{
    char full[512];
    if (p->prefix_len + len > sizeof full)
        return NULL;
    memcpy(full, p->prefix, p->prefix_len);
    memcpy(full + p->prefix_len, name, len);
    return ll_zip_find(&p->zip, full, p->prefix_len + len);
}

/* The one entry X/data.pkl. */
static const struct ll_zip_entry *find_pickle(struct parse *p)
{
    static const char tail[] = "/data.pkl";
    const size_t n = sizeof tail - 1;
    for (int i = 0; i < p->zip.n; i++) {
        const struct ll_zip_entry *e = &p->zip.entries[i];
        if (e->name_len <= n || memcmp(e->name + e->name_len - n, tail, n)
            || memchr(e->name, '/', e->name_len - n))
            continue;
        p->prefix = e->name;
        p->prefix_len = e->name_len - n + 1;
        return e;
    }
    return NULL;
}

static int check_order(const struct parse *p)
{
    const struct ll_zip_entry *e = entry(p, "byteorder", 9);
    if (!e || LL_IS(e->data, e->size, "little"))
        return LL_OK;
    return ll_fail(p->err, LL_EUNSUP, "%s: byteorder: expected \"little\", found \"%.*s\"", p->file,
                   (int)(e->size < 16 ? e->size : 16), (const char *)e->data);
}

/* torch writes entries as they are, so that they can be mapped. */
static int check_stored(const struct parse *p)
{
    for (int i = 0; i < p->zip.n; i++)
        if (p->zip.entries[i].deflated)
            return ll_fail(p->err, LL_EUNSUP,
                           "%s: entry \"%.*s\": expected it stored (method 0), found compression method 8",
                           p->file, (int)(p->zip.entries[i].name_len & 0x7f), p->zip.entries[i].name);
    return LL_OK;
}

static int bad_view(const struct parse *p, const struct ll_tensor *t, const char *what)
{
    return ll_fail(p->err, LL_EUSAGE, "%s: tensor \"%.100s\": expected %s", p->file, t->name, what);
}

/* Number of values of a view and the largest index it reaches, both checked against overflow and the
 * storage's length. */
static int measure(const struct parse *p, const struct ll_tensor *t, const struct ll_torch_view *w,
                   int64_t *count, int *row_major)
{
    int64_t n = 1, last = w->offset, stride = 1, step;
    *row_major = 1;
    for (int i = w->n_dims; i--; n *= w->dims[i]) {
        if (w->dims[i] && n > INT64_MAX / w->dims[i])
            return bad_view(p, t, "a size that fits 63 bits");
        if (w->dims[i] != 1 && w->strides[i] != stride)
            *row_major = 0;
        stride = n * w->dims[i];
        if (!w->dims[i])
            continue;
        if (__builtin_mul_overflow(w->dims[i] - 1, w->strides[i], &step)
            || __builtin_add_overflow(last, step, &last))
            return bad_view(p, t, "strides that fit 63 bits");
    }
    if (n && (last >= w->storage_len || n > w->storage_len))
        return bad_view(p, t, "a view inside its storage");
    *count = n;
    return LL_OK;
}

/* The view's values in row-major order. */
static void gather(uint8_t *out, const uint8_t *in, const struct ll_torch_view *w, size_t size, int64_t count)
{
    int64_t at[LL_MAX_DIMS] = {0};
    for (int64_t i = 0; i < count; i++, out += size) {
        int64_t from = w->offset;
        for (int k = 0; k < w->n_dims; k++)
            from += at[k] * w->strides[k];
        memcpy(out, in + (size_t)from * size, size);
        for (int k = w->n_dims; k-- && ++at[k] == w->dims[k];)
            at[k] = 0;
    }
}

static int copy_view(struct ll_torch_file *f, struct parse *p, struct ll_tensor *t, const uint8_t *storage,
                     const struct ll_torch_view *w, int64_t count)
{
    size_t size = (size_t)ll_dtype_info(t->dtype)->block_bytes;
    if (t->size > p->room) /* only many views of one storage get here */
        return ll_fail(p->err, LL_EUNSUP,
                       "%s: tensor \"%.100s\": expected views of shared storages not larger than the file",
                       p->file, t->name);
    uint8_t *copy = malloc(t->size + 1);
    if (!copy)
        return ll_fail_mem(p->err, t->name, t->size);
    gather(copy, storage, w, size, count);
    p->room -= t->size;
    t->data = f->owned[f->n_owned++] = copy;
    return LL_OK;
}

static int join(struct ll_torch_file *f, struct parse *p, struct ll_tensor *t, const struct ll_torch_view *w)
{
    char key[300] = "data/";
    int64_t count = 0;
    int row_major = 0;
    size_t size = (size_t)ll_dtype_info(w->dtype)->block_bytes;
    if (w->key_len > sizeof key - 5)
        return bad_view(p, t, "a storage with a shorter key");
    memcpy(key + 5, w->key, w->key_len);
    const struct ll_zip_entry *e = entry(p, key, 5 + w->key_len);
    if (!e)
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: tensor \"%.100s\": expected its storage as entry data/%.*s, found none", p->file,
                       t->name, (int)(w->key_len & 0x7f), w->key);
    if (e->size % size || (uint64_t)w->storage_len != e->size / size)
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: tensor \"%.100s\": expected a storage of %lld values, found %zu bytes", p->file,
                       t->name, (long long)w->storage_len, e->packed);
    int rc = measure(p, t, w, &count, &row_major);
    if (rc)
        return rc;
    t->dtype = w->dtype;
    t->n_dims = w->n_dims;
    memcpy(t->dims, w->dims, sizeof t->dims);
    t->size = (size_t)count * size;
    if (!row_major && count)
        return copy_view(f, p, t, e->data, w, count);
    t->data = count ? e->data + (size_t)w->offset * size : e->data;
    return LL_OK;
}

/* The name into out; returns the bytes it takes with its end. out NULL: only those, at most. */
static size_t name_of(const struct ll_torch_view *w, char *out)
{
    size_t at = 0;
    for (int i = 0; i < w->n_names; i++) {
        const struct ll_torch_key *k = &w->name[i];
        char number[24];
        size_t n = k->s ? k->n : (size_t)snprintf(number, sizeof number, "%lld", (long long)k->i);
        if (out) {
            memcpy(out + at, k->s ? k->s : number, n);
            out[at + n] = i + 1 < w->n_names ? '.' : 0;
        }
        at += n + 1;
    }
    return at;
}

static void pass_over(struct ll_torch_file *f, const char *name, const char *why)
{
    for (; *name; name++)
        ll_buf_addc(&f->passed, (unsigned char)*name < 0x20 ? '?' : *name);
    ll_buf_addf(&f->passed, ": %s\n", why);
}

static int join_all(struct ll_torch_file *f, struct parse *p, const struct ll_torch_view *views, int n)
{
    size_t bytes = 1;
    for (int i = 0; i < n; i++) {
        size_t one = name_of(&views[i], NULL);
        if (one > MAX_NAME)
            return ll_fail(p->err, LL_EUNSUP, "%s: expected names of at most %d bytes, found \"%.60s...\"",
                           p->file, MAX_NAME, views[i].name[0].s ? views[i].name[0].s : "");
        bytes += one;
    }
    f->tensors = calloc((size_t)n + 1, sizeof *f->tensors);
    f->owned = calloc((size_t)n + 1, sizeof *f->owned);
    f->names = malloc(bytes);
    if (!f->tensors || !f->owned || !f->names)
        return ll_fail_mem(p->err, "tensors", bytes + (size_t)n * sizeof *f->tensors);
    char *name = f->names;
    for (int i = 0; i < n; i++) {
        char *next = name + name_of(&views[i], name);
        if (views[i].why) {
            pass_over(f, name, views[i].why);
            name = next;
            continue;
        }
        struct ll_tensor *t = &f->tensors[f->n_tensors++];
        t->name = name;
        name = next;
        int rc = join(f, p, t, &views[i]);
        if (rc)
            return rc;
    }
    return LL_OK;
}

static int is_legacy(const uint8_t *b, size_t n)
{
    static const uint8_t magic[] = {0x80, 2,    0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                    0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return n >= sizeof magic && !memcmp(b, magic, sizeof magic);
}

int ll_torch_is(const uint8_t *bytes, size_t n)
{
    struct parse p = {.file = ""};
    if (n > 1 && bytes[0] == 0x80 && bytes[1] >= 1 && bytes[1] <= 5)
        return 1;
    if (n < 4 || !LL_BYTES_ARE(bytes, "PK\3\4") || ll_zip_list(&p.zip, "", bytes, n, NULL))
        return 0;
    int found = find_pickle(&p) != NULL;
    ll_zip_free(&p.zip);
    return found;
}

int ll_torch_parse(struct ll_torch_file *f, const char *file, const char *root, const uint8_t *bytes,
                   size_t n, struct ll_err *err)
{
    struct parse p = {.file = file, .room = n, .err = err};
    struct ll_torch_view *views = NULL;
    int n_views = 0;
    memset(f, 0, sizeof *f);
    if (is_legacy(bytes, n))
        return ll_fail(err, LL_EUNSUP,
                       "%s: expected a zip archive, found the format of torch before 1.6 (load and save it "
                       "with a newer one)",
                       file);
    if (n && bytes[0] == 0x80)
        return ll_fail(err, LL_EUNSUP, "%s: expected torch.save's zip archive, found a pickle alone", file);
    int rc = ll_zip_list(&p.zip, file, bytes, n, err);
    if (rc)
        return rc;
    const struct ll_zip_entry *pickle = find_pickle(&p);
    rc = check_stored(&p);
    if (!rc)
        rc = pickle ? check_order(&p)
                    : ll_fail(err, LL_EUSAGE, "%s: expected an entry NAME/data.pkl, found none", file);
    if (!rc)
        rc = ll_torch_unpickle(&views, &n_views, file, root, pickle->data, pickle->packed, err);
    if (!rc)
        rc = join_all(f, &p, views, n_views);
    if (rc)
        ll_torch_free(f);
    free(views);
    ll_zip_free(&p.zip);
    return rc;
}

void ll_torch_free(struct ll_torch_file *f)
{
    for (int i = 0; i < f->n_owned; i++)
        free(f->owned[i]);
    free(f->owned);
    free(f->tensors);
    free(f->names);
    ll_buf_free(&f->passed);
    memset(f, 0, sizeof *f);
}
