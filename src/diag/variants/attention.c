/* attention.c - mistakes in attention: cap, scale and window. */
#include "edit.h"

#include <math.h>

EACH_LAYER(ll_edit_attn_cap_off, PUT(L->attn_cap, 0.0f);)
EACH_LAYER(ll_edit_attn_scale_head, PUT(L->attn_scale, (float)(1.0 / sqrt((double)e->m->d_head)));)
EACH_LAYER(ll_edit_attn_scale_model, PUT(L->attn_scale, (float)(1.0 / sqrt((double)e->m->d_model)));)
EACH_LAYER(ll_edit_attn_scale_one, PUT(L->attn_scale, 1.0f);)
EACH_LAYER(ll_edit_window_off, PUT(L->window, 0);)
EACH_LAYER(
    ll_edit_window_shift, if (L->window + (int)e->value > 0 && L->window) {
        L->window += (int)e->value;
        n++;
    })
