/* opened.c - see opened.h */
#include "opened.h"

#include <string.h>

int ll_open_model(struct ll_session *s, const struct ll_open_ask *ask, struct ll_err *err)
{
    int rc = ll_session_open(s, ask->model, NULL, ask->threads, err);
    if (!rc)
        ll_warn_notes(s->model, ask->quiet);
    return rc;
}

int ll_open_prompt(struct ll_opened *o, const struct ll_open_ask *ask, struct ll_err *err)
{
    const struct ll_text_how how = {ask->exact, ask->quiet};
    return ll_prompt_read(&o->p, &o->s, ask->ids, ask->text, &how, ask->kept, err);
}

int ll_open(struct ll_opened *o, const struct ll_open_ask *ask, struct ll_err *err)
{
    memset(o, 0, sizeof *o);
    int rc = ll_open_model(&o->s, ask, err);
    return rc ? rc : ll_open_prompt(o, ask, err);
}

void ll_opened_close(struct ll_opened *o)
{
    ll_prompt_free(&o->p);
    ll_session_close(&o->s);
}
