/* ref_torch.c - what torch.save wrote (see ref.h): every tensor under its joined name; what is no tensor is
 * passed over by name. */
#include "ref.h"

#include "torch_file.h"

#include <string.h>

/* The lines "NAME: what it is". */
static void pass_over_all(struct ll_ref *r, const struct ll_buf *lines)
{
    for (const char *c = ll_buf_str(lines); *c; c++)
        ll_buf_addc(&r->passed,
                    *c == '\n' || ((unsigned char)*c >= 0x20 && (unsigned char)*c <= 0x7e) ? *c : '?');
}

int ll_ref_parse_torch(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                       struct ll_err *err)
{
    struct ll_torch_file f;
    int rc = ll_torch_parse(&f, file, name, bytes, n, err);
    if (rc)
        return rc;
    for (int i = 0; i < f.n_tensors && !rc; i++)
        rc = ll_ref_take_tensor(r, file, &f.tensors[i], err);
    pass_over_all(r, &f.passed);
    ll_torch_free(&f);
    return rc;
}
