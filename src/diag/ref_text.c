/* ref_text.c - what llama.cpp's evaluation callback prints (see ref.h).
 *
 *     ggml_debug:        l_out-3 = (f32)        ADD(l_in-3{64, 4, 1, 1}, ffn_out-3{64, 4, 1, 1}}) = \
 *                          {64, 4, 1, 1}
 *                          [ [ [ 0.0012, -0.0400, 1.2000, ..., 0.1000 ], ... ], ]
 *                          sum = 1.250000
 *
 * Sizes come innermost first. Long rows are cut with "...": then only the sum is known. What stands before
 * the name's colon and between the blocks does not matter. */
#include "literal.h"
#include "grow.h"
#include "ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct text {
    const char *p, *end, *file;
    int line;
    struct ll_err *err;
};
struct block {
    char name[128], op[24];
    int64_t dims[LL_REF_DIMS], n;
    float *x;
    size_t n_x, cap;
    int cut;
};

/* The next line [*from, *to), or 0. */
static int next_line(struct text *t, const char **from, const char **to)
{
    if (t->p >= t->end)
        return 0;
    *from = t->p;
    const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p));
    *to = nl ? nl : t->end;
    t->p = nl ? nl + 1 : t->end;
    t->line++;
    return 1;
}

static const char *find(const char *p, const char *end, const char *what)
{
    size_t n = strlen(what);
    for (; (size_t)(end - p) >= n; p++)
        if (!memcmp(p, what, n))
            return p;
    return NULL;
}

static void copy_trimmed(char *out, size_t size, const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t n = (size_t)(end - p) < size - 1 ? (size_t)(end - p) : size - 1;
    memcpy(out, p, n);
    out[n] = 0;
}

/* "{64, 4, 1, 1}" at the end of the line, outermost first into dims. */
static int read_sizes(struct block *b, const char *p, const char *end)
{
    int64_t v[LL_REF_DIMS];
    int n = 0;
    for (p++; p < end && n < LL_REF_DIMS; n++) {
        char *stop, number[24];
        copy_trimmed(number, sizeof number, p, p + strcspn(p, ",}\n"));
        v[n] = strtoll(number, &stop, 10);
        if (stop == number || *stop || v[n] < 1 || v[n] > 0x7fffffff)
            return 0;
        p += strcspn(p, ",}\n");
        if (*p != ',') {
            n++;
            break;
        }
        p++;
    }
    b->n = 1;
    for (int i = 0; i < n; i++) {
        b->dims[LL_REF_DIMS - 1 - i] = v[i];
        if (v[i] > 0x7fffffff / b->n)
            return 0;
        b->n *= v[i];
    }
    for (int i = n; i < LL_REF_DIMS; i++)
        b->dims[LL_REF_DIMS - 1 - i] = 1;
    return n > 0;
}

/* Is this line the head of a block? */
static int read_head(struct block *b, const char *from, const char *to)
{
    const char *type = find(from, to, " = ("), *sizes = NULL;
    if (!type)
        return 0;
    for (const char *p = type; (p = find(p, to, "= {")); p++)
        sizes = p + 2;
    const char *op = memchr(type, ')', (size_t)(to - type));
    if (!sizes || !op || !memchr(sizes, '}', (size_t)(to - sizes)))
        return 0;
    const char *name = from, *op_end = memchr(op, '(', (size_t)(to - op));
    for (const char *p = from; p < type; p++)
        if (*p == ':')
            name = p + 1;
    copy_trimmed(b->name, sizeof b->name, name, type);
    copy_trimmed(b->op, sizeof b->op, op + 1, op_end ? op_end : op + 1);
    b->n_x = 0;
    b->cut = 0;
    return b->name[0] && read_sizes(b, sizes, to);
}

static int push(struct block *b, float v, struct ll_err *err)
{
    if (b->n_x == b->cap) {
        float *grown = ll_grow(b->x, &b->cap, sizeof *grown, 4096, "reference", err);
        if (!grown)
            return LL_EFAIL;
        b->x = grown;
    }
    b->x[b->n_x++] = v;
    return LL_OK;
}

/* The numbers of a line of values. */
static int read_values(struct text *t, struct block *b, const char *p, const char *end)
{
    while (p < end) {
        if (strchr(" \t\r,[]", *p)) {
            p++;
            continue;
        }
        if (end - p >= 3 && LL_BYTES_ARE(p, "...")) {
            b->cut = 1;
            p += 3;
            continue;
        }
        char number[64], *stop;
        const char *q = p;
        while (q < end && !strchr(" \t\r,[]", *q))
            q++;
        copy_trimmed(number, sizeof number, p, q);
        double v = strtod(number, &stop);
        if (stop == number || *stop)
            return ll_fail(t->err, LL_EUSAGE, "%s: line %d: value of %s: expected a number, found \"%.20s\"",
                           t->file, t->line, b->name, number);
        int rc = (int64_t)b->n_x < b->n
            ? push(b, (float)v, t->err)
            : ll_fail(t->err, LL_EUSAGE, "%s: line %d: %s: expected %lld values, found more", t->file,
                      t->line, b->name, (long long)b->n);
        if (rc)
            return rc;
        p = q;
    }
    return LL_OK;
}

static int finish(struct ll_ref *r, struct text *t, struct block *b, int has_sum, double sum)
{
    if (!b->cut && (int64_t)b->n_x != b->n && b->n_x)
        return ll_fail(t->err, LL_EUSAGE, "%s: line %d: %s: expected %lld values, found %zu", t->file,
                       t->line, b->name, (long long)b->n, b->n_x);
    int whole = !b->cut && (int64_t)b->n_x == b->n;
    if (!whole && !has_sum)
        return LL_OK;
    struct ll_ref_array *a = ll_ref_add(r,
                                        &(struct ll_ref_new){t->file, b->name, strlen(b->name), b->dims,
                                                             LL_REF_DIMS, "text", whole},
                                        t->err);
    if (!a)
        return ll_err_code(t->err, LL_EFAIL);
    if (whole)
        memcpy(a->x, b->x, sizeof *a->x * b->n_x);
    memcpy(a->op, b->op, sizeof a->op);
    a->has_sum = has_sum;
    a->sum = sum;
    return LL_OK;
}

/* From the line after the head to "sum =", the next head or the end. */
static int read_block(struct ll_ref *r, struct text *t, struct block *b)
{
    const char *from, *to, *back;
    for (int rc;;) {
        struct block next = {0};
        back = t->p;
        if (!next_line(t, &from, &to))
            return finish(r, t, b, 0, 0);
        const char *sum = find(from, to, "sum =");
        if (sum) {
            char number[64], *stop;
            copy_trimmed(number, sizeof number, sum + 5, to);
            double v = strtod(number, &stop);
            if (stop == number)
                return ll_fail(t->err, LL_EUSAGE,
                               "%s: line %d: sum of %s: expected a number, found \"%.20s\"", t->file, t->line,
                               b->name, number);
            return finish(r, t, b, 1, v);
        }
        if (read_head(&next, from, to)) {
            t->p = back;
            t->line--;
            return finish(r, t, b, 0, 0);
        }
        const char *first = from + strspn(from, " \t");
        if (first < to && (*first == '[' || *first == ']' || *first == '.')
            && (rc = read_values(t, b, from, to)))
            return rc;
    }
}

int ll_ref_parse_text(struct ll_ref *r, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    /* a copy with a NUL after it, so that strcspn and strspn end */
    char *copy = malloc(n + 1);
    if (!copy)
        return ll_fail_mem(err, "reference", n + 1);
    if (n)
        memcpy(copy, bytes, n);
    copy[n] = 0;
    struct text t = {copy, copy + n, file, 0, err};
    struct block b = {0};
    const char *from, *to;
    int rc = LL_OK, heads = 0;
    while (!rc && next_line(&t, &from, &to))
        if (read_head(&b, from, to)) {
            heads++;
            rc = read_block(r, &t, &b);
        }
    free(b.x);
    free(copy);
    if (!rc && !heads)
        rc = ll_fail(err, LL_EUSAGE,
                     "%s: expected safetensors, npz, npy, or lines of llama.cpp's evaluation callback (NAME "
                     "= (f32) OP(...) = {...}), found none",
                     file);
    return rc;
}
