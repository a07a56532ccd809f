/* tensor_json.c - see tensor_json.h */
#include "tensor_json.h"

void ll_tensor_stats_json(struct ll_json *j, const struct ll_tensor_stats *s)
{
    ll_json_int(j, "n", s->n);
    ll_json_num(j, "rms", ll_tensor_rms(s));
    ll_json_num(j, "min", s->min);
    ll_json_num(j, "max", s->max);
    ll_json_num(j, "mean", ll_tensor_mean(s));
    ll_json_num(j, "std", ll_tensor_std(s));
    ll_json_num(j, "l2", ll_tensor_l2(s));
    ll_json_num(j, "max_abs", s->max_abs);
    ll_json_int(j, "n_nan", s->n_nan);
    ll_json_int(j, "n_inf", s->n_pos_inf + s->n_neg_inf);
    ll_json_int(j, "n_subnormal", s->n_subnormal);
    ll_json_int(j, "n_zero", s->n_zero);
}
