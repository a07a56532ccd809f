/* blame_sweep.h - a NaN put into each tensor of a model in turn: the pass must name that tensor, or not
 * notice what it does not reach. Shared by test_blame.c (the fixtures) and oracle/test_blame_gguf.c. The
 * right answer is known by construction. */
#ifndef BLAME_SWEEP_H
#define BLAME_SWEEP_H
#include "forward.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int blame_ids[] = {3, 1, 4, 1, 5};
enum { BLAME_IDS = 5 };

/* The mapping is private: writing to it changes no file. */
static void make_writable(const struct ll_ckpt *c)
{
    for (int i = 0; i < c->n_files; i++)
        if (c->files[i].map.data)
            assert_int_equal(mprotect((void *)(uintptr_t)c->files[i].map.data, c->files[i].map.size,
                                      PROT_READ | PROT_WRITE),
                             0);
}

/* A stored value of t, and what keeps it: the float copies of small tensors too. */
struct poison {
    uint8_t *at;
    uint8_t was[256];
    size_t n;
    float *small, small_was;
};

/* The bytes of a NaN in each plain type; in block types all ones make every scale one. */
static struct poison poison(const struct ll_model *m, const struct ll_tensor *t, size_t value)
{
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    size_t block = value / (size_t)d->block;
    struct poison p = {.at = (uint8_t *)(uintptr_t)t->data + block * (size_t)d->block_bytes,
                       .n = (size_t)d->block_bytes};
    assert_true(p.n <= sizeof p.was && (block + 1) * (size_t)d->block_bytes <= t->size);
    memcpy(p.was, p.at, p.n);
    memset(p.at, 0xff, p.n);
    for (int i = 0; i < m->n_small; i++)
        if (m->small[i].from == t) {
            p.small = &m->small[i].v[value];
            p.small_was = *p.small;
            *p.small = NAN;
        }
    return p;
}

static void heal(const struct poison *p)
{
    memcpy(p->at, p->was, p->n);
    if (p->small)
        *p->small = p->small_was;
}

static int ignore_logits(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)arg, (void)v, (void)err;
    return LL_OK;
}

static int run_pass(struct ll_pass *pass, struct ll_err *err)
{
    static const int start[] = {0, 2, BLAME_IDS}; /* two sequences */
    struct ll_batch batch = {2, start, blame_ids};
    *err = (struct ll_err){0};
    return ll_forward(pass, &batch, 0, pass->model->n_layers, err);
}

/* Does the reason name t? */
static int names(const struct ll_err *err, const struct ll_tensor *t)
{
    char want[300];
    snprintf(want, sizeof want, "tensor %s: value ", t->name);
    return strstr(err->msg, want) != NULL && strstr(err->msg, "not finite") != NULL;
}

struct sweep_counts {
    int named, unreached;
};

/* Is value 0 of t something that these ids need not reach: an expert's weights, the embedding's and the
 * positions' first row? */
static int may_be_unreached(const struct ll_model *m, const struct ll_tensor *t)
{
    return t == m->W_E || strstr(t->name, "experts.") || strstr(t->name, "_exps");
}

static struct sweep_counts blame_sweep(struct ll_model *m, struct ll_engine *eng, const char *label)
{
    struct ll_pass pass;
    struct ll_err err = {0};
    struct sweep_counts n = {0, 0};
    const struct ll_listener logits = {LL_HOOK_BIT(LL_HOOK_LOGITS), ignore_logits, NULL};
    make_writable(m->ckpt);
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, BLAME_IDS, BLAME_IDS, &logits, 1}, eng,
                                  &err),
                     LL_OK);
    if (run_pass(&pass, &err))
        fail_msg("%s: %s", label, err.msg);
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        if (m->layer_of[i] == LL_UNUSED)
            continue;
        struct poison p = poison(m, t, 0);
        int rc = run_pass(&pass, &err);
        if (!rc && may_be_unreached(m, t))
            n.unreached++;
        else if (!rc || !names(&err, t))
            fail_msg("%s: a NaN in %s: %s", label, t->name, rc ? err.msg : "not noticed");
        else
            n.named++;
        heal(&p);
    }
    if (run_pass(&pass, &err))
        fail_msg("%s: healed: %s", label, err.msg);
    ll_pass_free(&pass);
    return n;
}
#endif
