/* torch_pickle.c - see torch_pickle.h, torch_file.h: a stack machine that builds containers and views. */
#include "torch_pickle.h"

#include "grow.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PICKLE = 4 << 20, PROTOCOL = 2, MAX_VIEWS = 1 << 16 };
enum { MAX_BUILDS = 16 }; /* each looks through all entries; torch writes one */

enum kind {
    V_MARK,
    V_NONE,
    V_BOOL,
    V_INT,
    V_REAL,
    V_TEXT,
    V_TUPLE,
    V_LIST,
    V_DICT,
    V_GLOBAL,
    V_STORAGE,
    V_VIEW
};
static const char *const kind_names[] = {"a mark",       "None",   "a truth value", "a number",
                                         "a number",     "a text", "a tuple",       "a list",
                                         "a dictionary", "a name", "a storage",     "a tensor"};

/* A value on the stack, in a tuple, in a dictionary or remembered. */
struct val {
    enum kind kind;
    union {
        int64_t i; /* V_BOOL, V_INT */
        struct {
            const char *s;
            size_t n;
        } t; /* V_TEXT, inside the pickle */
        struct {
            size_t at, n;
        } tuple; /* vm->items[at..at+n) */
        size_t
            at; /* V_LIST, V_DICT: its number; V_GLOBAL: row of globals[]; V_STORAGE, V_VIEW: vm->views[at] */
    } u;
};
/* at: of all, in the order they were set; key of a list: V_MARK */
struct entry {
    size_t dict, at;
    struct val key, value;
};

struct vm {
    const char *file, *root;
    const uint8_t *p, *end, *start;
    struct val *stack, *items, *memo; /* owned; memo: V_MARK where nothing is remembered */
    struct entry *entries;            /* owned: of all lists and dictionaries */
    struct ll_torch_view *views;      /* owned; storages, too: those without dims */
    size_t n_stack, n_items, n_memo, n_entries, n_views, n_dicts;
    int n_builds;
    size_t cap_stack, cap_items, cap_memo, cap_entries, cap_views;
    struct ll_err *err;
};

enum { G_DICT, G_TENSOR, G_STORAGE };
/* free: only where any container is read (root given). */
static const struct global {
    const char *module, *name;
    int is;
    enum ll_dtype dtype;
    int free;
} globals[] = {
    {"collections", "OrderedDict", G_DICT, 0, 0},    {"torch._utils", "_rebuild_tensor_v2", G_TENSOR, 0, 0},
    {"torch", "FloatStorage", G_STORAGE, LL_F32, 0}, {"torch", "DoubleStorage", G_STORAGE, LL_F64, 0},
    {"torch", "HalfStorage", G_STORAGE, LL_F16, 0},  {"torch", "BFloat16Storage", G_STORAGE, LL_BF16, 0},
    {"torch", "LongStorage", G_STORAGE, LL_I64, 1},  {"torch", "IntStorage", G_STORAGE, LL_I32, 1},
    {"torch", "ShortStorage", G_STORAGE, LL_I16, 1}, {"torch", "CharStorage", G_STORAGE, LL_I8, 1},
    {"torch", "ByteStorage", G_STORAGE, LL_U8, 1},   {"torch", "BoolStorage", G_STORAGE, LL_BOOL8, 1},
};
static const char *what_is_read(const struct vm *v)
{
    return v->root ? "lists, tuples and dictionaries of tensors" : "dictionaries of float tensors";
}

static unsigned long at_byte(const struct vm *v) { return (unsigned long)(v->p - v->start); }
static int broken(struct vm *v, const char *what)
{
    return ll_fail(v->err, LL_EUSAGE, "%s: pickle, before byte %lu: expected %s", v->file, at_byte(v), what);
}
static int wrong(struct vm *v, const char *where, const char *expected, const struct val *found)
{
    return ll_fail(v->err, LL_EUSAGE, "%s: pickle, before byte %lu: %s: expected %s, found %s", v->file,
                   at_byte(v), where, expected, found ? kind_names[found->kind] : "nothing");
}

/* Room for one more element of a list. */
static int grow(struct vm *v, void *list, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return LL_OK;
    void **p = list, *q = ll_grow(*p, cap, size, 64, "pickle", v->err);
    if (!q)
        return LL_EFAIL;
    *p = q;
    return LL_OK;
}
#define GROW(v, list) grow(v, &(v)->list, &(v)->cap_##list, (v)->n_##list, sizeof *(v)->list)

static int push(struct vm *v, struct val x)
{
    int rc = GROW(v, stack);
    if (!rc)
        v->stack[v->n_stack++] = x;
    return rc;
}

/* The k-th value from the top (0: the top), not counting beyond a mark; NULL when there is none. */
static struct val *peek(struct vm *v, size_t k)
{
    for (size_t i = 0; i <= k; i++)
        if (i >= v->n_stack || v->stack[v->n_stack - 1 - i].kind == V_MARK)
            return NULL;
    return &v->stack[v->n_stack - 1 - k];
}

/* ---- opcodes --------------------------------------------------------------------------------- */

static int64_t le_signed(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = n; i--;)
        x = x << 8 | p[i];
    if (n && n < 8 && p[n - 1] & 0x80)
        x |= ~(uint64_t)0 << 8 * n;
    return (int64_t)x;
}

static int op_proto(struct vm *v, const uint8_t *a)
{
    if (a[0] == PROTOCOL && at_byte(v) == 2)
        return LL_OK;
    return ll_fail(v->err, LL_EUNSUP, "%s: pickle: expected protocol %d at its start, found protocol %d",
                   v->file, PROTOCOL, a[0]);
}
static int op_mark(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_MARK});
}
static int op_none(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_NONE});
}
static int op_true(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_BOOL, .u.i = 1});
}
static int op_false(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_BOOL});
}
static int push_int(struct vm *v, int64_t i) { return push(v, (struct val){.kind = V_INT, .u.i = i}); }
static int op_int1(struct vm *v, const uint8_t *a) { return push_int(v, a[0]); }
static int op_int2(struct vm *v, const uint8_t *a) { return push_int(v, a[0] | a[1] << 8); }
static int op_int4(struct vm *v, const uint8_t *a) { return push_int(v, le_signed(a, 4)); }
/* its value is not asked for */
static int op_real(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_REAL});
}
static int op_long1(struct vm *v, const uint8_t *a)
{
    size_t n = a[0];
    if (n > 8 || n > (size_t)(v->end - v->p))
        return broken(v, "a number of at most 8 bytes");
    v->p += n;
    return push_int(v, le_signed(a + 1, n));
}
static int op_text(struct vm *v, const uint8_t *a)
{
    size_t n = (size_t)a[0] | (size_t)a[1] << 8 | (size_t)a[2] << 16 | (size_t)a[3] << 24;
    if (n > (size_t)(v->end - v->p))
        return broken(v, "a text that ends inside the pickle");
    const char *s = (const char *)v->p;
    if (memchr(s, 0, n) || ll_utf8_check(s, n) != n)
        return broken(v, "a text in UTF-8 without NUL");
    v->p += n;
    return push(v, (struct val){.kind = V_TEXT, .u.t = {s, n}});
}
static int op_dict(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_DICT, .u.at = v->n_dicts++});
}
static int op_list(struct vm *v, const uint8_t *a)
{
    (void)a;
    return push(v, (struct val){.kind = V_LIST, .u.at = v->n_dicts++});
}

/* One line of text up to '\n'; NULL when there is none. */
static const char *line(struct vm *v, size_t *n)
{
    const uint8_t *s = v->p, *e = memchr(s, '\n', (size_t)(v->end - s));
    if (!e)
        return NULL;
    *n = (size_t)(e - s);
    v->p = e + 1;
    return (const char *)s;
}

static int same(const char *s, size_t n, const char *name)
{
    return strlen(name) == n && !memcmp(s, name, n);
}

static int op_global(struct vm *v, const uint8_t *a)
{
    size_t n_module = 0, n_name = 0;
    (void)a;
    const char *module = line(v, &n_module), *name = module ? line(v, &n_name) : NULL;
    if (!name)
        return broken(v, "two lines after an opcode GLOBAL");
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if ((v->root || !globals[i].free) && same(module, n_module, globals[i].module)
            && same(name, n_name, globals[i].name))
            return push(v, (struct val){.kind = V_GLOBAL, .u.at = i});
    return ll_fail(
        v->err, LL_EUNSUP,
        "%s: pickle: refused the name \"%.*s.%.*s\": expected only %s (nothing in a pickle is executed)",
        v->file, (int)(n_module < 100 ? n_module : 100), module, (int)(n_name < 100 ? n_name : 100), name,
        what_is_read(v));
}

/* The top n values become a tuple. */
static int make_tuple(struct vm *v, size_t n)
{
    struct val t = {.kind = V_TUPLE, .u.tuple = {v->n_items, n}};
    if (n && !peek(v, n - 1))
        return broken(v, "as many values as the tuple wants");
    for (size_t i = 0; i < n; i++) {
        int rc = GROW(v, items);
        if (rc)
            return rc;
        v->items[v->n_items++] = v->stack[v->n_stack - n + i];
    }
    v->n_stack -= n;
    return push(v, t);
}
/* Values above the topmost mark; -1: no mark. */
static long above_mark(const struct vm *v)
{
    for (size_t n = 0; n < v->n_stack; n++)
        if (v->stack[v->n_stack - 1 - n].kind == V_MARK)
            return (long)n;
    return -1;
}
static int op_tuple0(struct vm *v, const uint8_t *a)
{
    (void)a;
    return make_tuple(v, 0);
}
static int op_tuple1(struct vm *v, const uint8_t *a)
{
    (void)a;
    return make_tuple(v, 1);
}
static int op_tuple2(struct vm *v, const uint8_t *a)
{
    (void)a;
    return make_tuple(v, 2);
}
static int op_tuple3(struct vm *v, const uint8_t *a)
{
    (void)a;
    return make_tuple(v, 3);
}
static int op_tuple(struct vm *v, const uint8_t *a)
{
    long n = above_mark(v);
    (void)a;
    if (n < 0)
        return broken(v, "a mark below a tuple");
    int rc = make_tuple(v, (size_t)n);
    if (rc)
        return rc;
    v->stack[v->n_stack - 2] = v->stack[v->n_stack - 1]; /* in place of the mark */
    v->n_stack--;
    return LL_OK;
}

static int remember(struct vm *v, size_t at)
{
    const struct val *top = peek(v, 0);
    if (!top)
        return broken(v, "a value to remember");
    if (at >= (size_t)(v->end - v->start)) /* each takes two bytes of the pickle at least */
        return ll_fail(v->err, LL_EUSAGE, "%s: pickle: memo number: expected below %lu, found %zu", v->file,
                       (unsigned long)(v->end - v->start), at);
    struct val keep = *top;
    while (v->n_memo <= at) {
        int rc = GROW(v, memo);
        if (rc)
            return rc;
        v->memo[v->n_memo++] = (struct val){.kind = V_MARK};
    }
    v->memo[at] = keep;
    return LL_OK;
}
static int recall(struct vm *v, size_t at)
{
    if (at >= v->n_memo || v->memo[at].kind == V_MARK)
        return ll_fail(v->err, LL_EUSAGE,
                       "%s: pickle, before byte %lu: memo %zu: expected a value, found none", v->file,
                       at_byte(v), at);
    return push(v, v->memo[at]);
}
static size_t u32(const uint8_t *a)
{
    return (size_t)a[0] | (size_t)a[1] << 8 | (size_t)a[2] << 16 | (size_t)a[3] << 24;
}
static int op_put1(struct vm *v, const uint8_t *a) { return remember(v, a[0]); }
static int op_put4(struct vm *v, const uint8_t *a) { return remember(v, u32(a)); }
static int op_get1(struct vm *v, const uint8_t *a) { return recall(v, a[0]); }
static int op_get4(struct vm *v, const uint8_t *a) { return recall(v, u32(a)); }

static int set_entry(struct vm *v, size_t dict, struct val key, struct val value)
{
    int rc = GROW(v, entries);
    if (!rc) {
        v->entries[v->n_entries] = (struct entry){dict, v->n_entries, key, value};
        v->n_entries++;
    }
    return rc;
}

/* n values above a dictionary, key and value in turn, go into it; below them n_below values that go, too (a
 * mark). */
static int set_items(struct vm *v, size_t n, size_t n_below)
{
    size_t dict = n + n_below;
    if (n % 2 || v->n_stack <= dict || v->stack[v->n_stack - 1 - dict].kind != V_DICT)
        return broken(v, "a dictionary below keys and values");
    for (size_t i = 0; i < n; i += 2) {
        const struct val *key = &v->stack[v->n_stack - n + i];
        if (key->kind != V_TEXT && !(v->root && key->kind == V_INT))
            return wrong(v, "key of a dictionary", v->root ? "a text or a number" : "a text", key);
        int rc = set_entry(v, v->stack[v->n_stack - 1 - dict].u.at, *key, key[1]);
        if (rc)
            return rc;
    }
    v->n_stack -= dict;
    return LL_OK;
}

/* The same of a list: n values. */
static int append_items(struct vm *v, size_t n, size_t n_below)
{
    size_t list = n + n_below;
    int rc = LL_OK;
    if (v->n_stack <= list || v->stack[v->n_stack - 1 - list].kind != V_LIST)
        return broken(v, "a list below its values");
    for (size_t i = 0; i < n && !rc; i++)
        rc = set_entry(v, v->stack[v->n_stack - 1 - list].u.at, (struct val){.kind = V_MARK},
                       v->stack[v->n_stack - n + i]);
    v->n_stack -= list;
    return rc;
}
static int op_append(struct vm *v, const uint8_t *a)
{
    (void)a;
    return peek(v, 1) ? append_items(v, 1, 0) : broken(v, "a list and a value");
}
static int op_appends(struct vm *v, const uint8_t *a)
{
    long n = above_mark(v);
    (void)a;
    return n < 0 ? broken(v, "a mark below values of a list") : append_items(v, (size_t)n, 1);
}
static int op_setitem(struct vm *v, const uint8_t *a)
{
    (void)a;
    return peek(v, 2) ? set_items(v, 2, 0) : broken(v, "a dictionary, a key and a value");
}
static int op_setitems(struct vm *v, const uint8_t *a)
{
    long n = above_mark(v);
    (void)a;
    return n < 0 ? broken(v, "a mark below keys and values") : set_items(v, (size_t)n, 1);
}

/* Attributes of a dictionary: torch gives a module's state the versions of its parts. They say nothing about
 * tensors. */
static int op_build(struct vm *v, const uint8_t *a)
{
    const struct val *state = peek(v, 0), *object = peek(v, 1);
    (void)a;
    if (!object || object->kind != V_DICT || state->kind != V_DICT)
        return wrong(v, "attributes", "those of a dictionary, as a dictionary", object);
    if (v->n_builds++ == MAX_BUILDS)
        return ll_fail(v->err, LL_EUNSUP, "%s: pickle: expected at most %d BUILD opcodes, found more",
                       v->file, MAX_BUILDS);
    for (size_t i = 0; i < v->n_entries; i++) {
        const struct val *key = &v->entries[i].key;
        if (v->entries[i].dict != state->u.at
            || (key->kind == V_TEXT && same(key->u.t.s, key->u.t.n, "_metadata")))
            continue;
        if (key->kind != V_TEXT)
            return wrong(v, "attributes", "texts as their names", key);
        return ll_fail(v->err, LL_EUNSUP, "%s: pickle: refused to set an attribute \"%.*s\"", v->file,
                       (int)(key->u.t.n & 0x7f), key->u.t.s);
    }
    v->n_stack--;
    return LL_OK;
}

/* i-th value of a tuple of that kind, or NULL. */
static const struct val *item(const struct vm *v, const struct val *tuple, size_t i, enum kind kind)
{
    const struct val *x = i < tuple->u.tuple.n ? &v->items[tuple->u.tuple.at + i] : NULL;
    return x && x->kind == kind ? x : NULL;
}

/* ("storage", type, key, place, number of values) */
static int op_persistent(struct vm *v, const uint8_t *a)
{
    struct val *t = peek(v, 0);
    (void)a;
    if (!t || t->kind != V_TUPLE || t->u.tuple.n != 5)
        return wrong(v, "storage", "a tuple of 5", t);
    const struct val *tag = item(v, t, 0, V_TEXT), *type = item(v, t, 1, V_GLOBAL),
                     *key = item(v, t, 2, V_TEXT), *n = item(v, t, 4, V_INT);
    if (!tag || !same(tag->u.t.s, tag->u.t.n, "storage") || !type || globals[type->u.at].is != G_STORAGE
        || !key || !n || n->u.i < 0)
        return broken(v, "(\"storage\", type, key, place, number of values)");
    int rc = GROW(v, views);
    if (rc)
        return rc;
    v->views[v->n_views] = (struct ll_torch_view){.key = key->u.t.s,
                                                  .key_len = key->u.t.n,
                                                  .dtype = globals[type->u.at].dtype,
                                                  .storage_len = n->u.i};
    *t = (struct val){.kind = V_STORAGE, .u.at = v->n_views++};
    return LL_OK;
}

/* A tuple of up to LL_MAX_DIMS numbers >= 0; returns how many, -1 when it is none. */
static int numbers(const struct vm *v, const struct val *t, int64_t out[LL_MAX_DIMS])
{
    if (!t || t->u.tuple.n > LL_MAX_DIMS)
        return -1;
    for (size_t i = 0; i < t->u.tuple.n; i++) {
        const struct val *x = item(v, t, i, V_INT);
        if (!x || x->u.i < 0)
            return -1;
        out[i] = x->u.i;
    }
    return (int)t->u.tuple.n;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static int make_view(struct vm *v, const struct val *args, struct val *out)
{
    const struct val *storage = item(v, args, 0, V_STORAGE), *offset = item(v, args, 1, V_INT),
                     *hooks = item(v, args, 5, V_DICT);
    if (args->u.tuple.n != 6 || !storage || !offset || offset->u.i < 0 || !item(v, args, 4, V_BOOL) || !hooks)
        return broken(v, "_rebuild_tensor_v2(storage, offset >= 0, size, stride, requires_grad, hooks)");
    struct ll_torch_view w = v->views[storage->u.at];
    const struct val *size = item(v, args, 2, V_TUPLE);
    int n = numbers(v, size, w.dims), too_many = v->root && size && size->u.tuple.n > LL_MAX_DIMS;
    if (!too_many && (n < 0 || numbers(v, item(v, args, 3, V_TUPLE), w.strides) != n))
        return broken(v, "size and stride of a tensor, at most 8 numbers >= 0 each");
    if (too_many)
        w.why = "more than 8 dimensions";
    w.n_dims = n;
    w.offset = offset->u.i;
    int rc = GROW(v, views);
    if (rc)
        return rc;
    v->views[v->n_views] = w;
    *out = (struct val){.kind = V_VIEW, .u.at = v->n_views++};
    return LL_OK;
}

static int op_reduce(struct vm *v, const uint8_t *a)
{
    struct val *args = peek(v, 0), *fn = peek(v, 1);
    int rc = LL_OK;
    (void)a;
    if (!fn || fn->kind != V_GLOBAL || args->kind != V_TUPLE)
        return wrong(v, "call", "a name and a tuple", fn);
    switch (globals[fn->u.at].is) {
    case G_DICT:
        if (args->u.tuple.n)
            return broken(v, "OrderedDict()");
        *fn = (struct val){.kind = V_DICT, .u.at = v->n_dicts++};
        break;
    case G_TENSOR: rc = make_view(v, args, fn); break;
    default:
        return ll_fail(v->err, LL_EUNSUP, "%s: pickle: refused to call %s.%s", v->file,
                       globals[fn->u.at].module, globals[fn->u.at].name);
    }
    if (!rc)
        v->n_stack--;
    return rc;
}

struct op {
    uint8_t code;
    const char *name;
    size_t n_arg;
    int (*run)(struct vm *v, const uint8_t *arg);
};
static const struct op ops[] = {
    {0x80, "PROTO", 1, op_proto},         {'(', "MARK", 0, op_mark},         {'N', "NONE", 0, op_none},
    {0x88, "NEWTRUE", 0, op_true},        {0x89, "NEWFALSE", 0, op_false},   {'K', "BININT1", 1, op_int1},
    {'M', "BININT2", 2, op_int2},         {'J', "BININT", 4, op_int4},       {0x8a, "LONG1", 1, op_long1},
    {'X', "BINUNICODE", 4, op_text},      {'}', "EMPTY_DICT", 0, op_dict},   {'c', "GLOBAL", 0, op_global},
    {')', "EMPTY_TUPLE", 0, op_tuple0},   {0x85, "TUPLE1", 0, op_tuple1},    {0x86, "TUPLE2", 0, op_tuple2},
    {0x87, "TUPLE3", 0, op_tuple3},       {'t', "TUPLE", 0, op_tuple},       {'q', "BINPUT", 1, op_put1},
    {'r', "LONG_BINPUT", 4, op_put4},     {'h', "BINGET", 1, op_get1},       {'j', "LONG_BINGET", 4, op_get4},
    {'s', "SETITEM", 0, op_setitem},      {'u', "SETITEMS", 0, op_setitems}, {'b', "BUILD", 0, op_build},
    {'Q', "BINPERSID", 0, op_persistent}, {'R', "REDUCE", 0, op_reduce},
};
/* only where any container is read */
static const struct op free_ops[] = {
    {']', "EMPTY_LIST", 0, op_list},
    {'a', "APPEND", 0, op_append},
    {'e', "APPENDS", 0, op_appends},
    {'G', "BINFLOAT", 8, op_real},
};

static const struct op *find_op(const struct vm *v, uint8_t code)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i].code == code)
            return &ops[i];
    for (size_t i = 0; v->root && i < sizeof free_ops / sizeof *free_ops; i++)
        if (free_ops[i].code == code)
            return &free_ops[i];
    return NULL;
}

static int run(struct vm *v)
{
    while (v->p < v->end) {
        uint8_t code = *v->p++;
        if (code == '.')
            return LL_OK;
        const struct op *op = find_op(v, code);
        if (!op)
            return ll_fail(v->err, LL_EUNSUP,
                           "%s: pickle: refused the opcode 0x%02x at byte %lu: expected only what %s in "
                           "protocol %d need",
                           v->file, code, at_byte(v) - 1, what_is_read(v), PROTOCOL);
        const uint8_t *arg = v->p;
        if (op->n_arg > (size_t)(v->end - v->p))
            return broken(v, "the argument of the last opcode");
        v->p += op->n_arg;
        int rc = op->run(v, arg);
        if (rc)
            return rc;
    }
    return broken(v, "an opcode STOP at the end");
}

/* ---- what is left on the stack, as a list of views ------------------------------------------- */

struct list {
    struct ll_torch_view *v;
    int n;
    size_t cap;
}; /* v owned */

static int is_container(enum kind k) { return k == V_TUPLE || k == V_LIST || k == V_DICT; }

static int add(struct vm *v, struct list *out, const struct ll_torch_key *names, int n_names,
               const struct val *value)
{
    int rc = grow(v, &out->v, &out->cap, (size_t)out->n, sizeof *out->v);
    if (rc)
        return rc;
    if (out->n == MAX_VIEWS)
        return ll_fail(v->err, LL_EUNSUP, "%s: pickle: expected at most %d values, found more", v->file,
                       MAX_VIEWS);
    struct ll_torch_view *w = &out->v[out->n++];
    *w = value->kind == V_VIEW ? v->views[value->u.at]
                               : (struct ll_torch_view){.why = kind_names[value->kind]};
    if (is_container(value->kind) && v->root)
        w->why = n_names == 1
            ? "empty"
            : "nested deeper than one level"; /* those with values inside the first one are opened */
    memcpy(w->name, names, sizeof *names * (size_t)n_names);
    w->n_names = n_names;
    return LL_OK;
}

static int by_container(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->dict != y->dict ? (x->dict < y->dict ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* Entries of a list or dictionary: [from, to) of the sorted ones. */
static size_t first_of(const struct vm *v, size_t dict)
{
    size_t from = 0, to = v->n_entries;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (v->entries[mid].dict < dict)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* The i-th value of a container and its key; NULL: there is none. */
static const struct val *inside(const struct vm *v, const struct val *c, size_t i, struct ll_torch_key *key)
{
    *key = (struct ll_torch_key){.i = (int64_t)i};
    if (c->kind == V_TUPLE)
        return i < c->u.tuple.n ? &v->items[c->u.tuple.at + i] : NULL;
    size_t at = first_of(v, c->u.at) + i;
    if (at >= v->n_entries || v->entries[at].dict != c->u.at)
        return NULL;
    const struct val *k = &v->entries[at].key;
    if (k->kind == V_TEXT)
        *key = (struct ll_torch_key){.s = k->u.t.s, .n = k->u.t.n};
    else if (k->kind == V_INT)
        key->i = k->u.i;
    return &v->entries[at].value;
}

/* Values of a container; those of containers inside it, too, where there is room for another name. */
static int add_all(struct vm *v, struct list *out, struct ll_torch_key names[2], int n_names,
                   const struct val *container)
{
    const struct val *value;
    int rc = LL_OK;
    for (size_t i = 0; !rc && (value = inside(v, container, i, &names[n_names])); i++)
        if (v->root && !n_names && is_container(value->kind) && inside(v, value, 0, &names[1]))
            rc = add_all(v, out, names, 1, value);
        else
            rc = add(v, out, names, n_names + 1, value);
    return rc;
}

/* root NULL: a dictionary of tensors and nothing else. */
static int check_flat(struct vm *v, const struct list *l)
{
    for (int i = 0; i < l->n; i++) {
        const struct ll_torch_key *k = &l->v[i].name[0];
        if (l->v[i].why)
            return ll_fail(v->err, LL_EUSAGE, "%s: \"%.*s\": expected a tensor, found %s", v->file,
                           (int)(k->n < 100 ? k->n : 100), k->s, l->v[i].why);
    }
    return LL_OK;
}

static int collect(struct vm *v, struct list *out)
{
    const struct val *top = peek(v, 0);
    struct ll_torch_key names[2] = {{.s = v->root, .n = v->root ? strlen(v->root) : 0}};
    int named = top && (top->kind == V_TUPLE || top->kind == V_LIST || top->kind == V_VIEW); /* by the file */
    if (v->n_stack != 1 || !top || (top->kind != V_DICT && !(v->root && named)))
        return wrong(v, "result",
                     v->root ? "one list, tuple or dictionary of tensors" : "one dictionary of tensors", top);
    if (v->n_entries)
        qsort(v->entries, v->n_entries, sizeof *v->entries, by_container);
    if (top->kind == V_VIEW)
        return add(v, out, names, 1, top);
    int rc = add_all(v, out, names, named, top);
    return rc || v->root ? rc : check_flat(v, out);
}

int ll_torch_unpickle(struct ll_torch_view **views, int *n_views, const char *file, const char *root,
                      const uint8_t *bytes, size_t n, struct ll_err *err)
{
    struct vm v = {.file = file, .root = root, .start = bytes, .p = bytes, .end = bytes + n, .err = err};
    struct list out = {0};
    if (n > MAX_PICKLE)
        return ll_fail(err, LL_EUNSUP, "%s: pickle: expected at most %d bytes, found %zu", file, MAX_PICKLE,
                       n);
    int rc = n && bytes[0] == 0x80
        ? run(&v)
        : ll_fail(err, LL_EUNSUP, "%s: pickle: expected protocol %d at its start, found none", file,
                  PROTOCOL);
    if (!rc)
        rc = collect(&v, &out);
    if (rc) {
        free(out.v);
        out = (struct list){0};
    }
    *views = out.v;
    *n_views = out.n;
    void *owned[] = {v.stack, v.items, v.memo, v.entries, v.views};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    return rc;
}
