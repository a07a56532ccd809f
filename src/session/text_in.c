/* text_in.c - see text_in.h */
#include "text_in.h"

#include "literal.h"
#include "print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* CRLF becomes LF in place; how many there were. */
static long long join_line_ends(struct ll_buf *b)
{
    size_t to = 0;
    long long n = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->s[i] == '\r' && i + 1 < b->len && b->s[i + 1] == '\n')
            n++;
        else
            b->s[to++] = b->s[i];
    }
    b->len = to;
    return n;
}

static void say(const char *where, int bom, long long n_crlf, int end)
{
    char crlf[80] = "";
    if (n_crlf)
        snprintf(crlf, sizeof crlf, "%sread %lld CRLF as line end%s", bom ? ", " : "", n_crlf,
                 n_crlf > 1 ? "s" : "");
    ll_say_line("logitlens: note: %s: %s%s%s (--exact keeps every byte)", where,
                bom ? "left out the byte order mark" : "", crlf,
                !end                ? ""
                    : bom || n_crlf ? ", left out the final line end"
                                    : "left out the final line end");
}

int ll_text_clean(struct ll_buf *b, const char *where, enum ll_text_end end, const struct ll_text_how *how,
                  struct ll_err *err)
{
    static const char utf8_mark[] = {'\xef', '\xbb', '\xbf'};
    if (how->exact || !b->len)
        return LL_OK;
    if (b->len >= 2 && (LL_BYTES_ARE(b->s, "\xff\xfe") || LL_BYTES_ARE(b->s, "\xfe\xff")))
        return ll_fail(err, LL_EUSAGE, "%s: expected UTF-8, found UTF-16 (by its byte order mark)", where);
    int bom = b->len >= sizeof utf8_mark && !memcmp(b->s, utf8_mark, sizeof utf8_mark);
    if (bom)
        memmove(b->s, b->s + sizeof utf8_mark, b->len -= sizeof utf8_mark);
    long long n_crlf = join_line_ends(b);
    int drop = end == LL_END_SHELLS && b->len && b->s[b->len - 1] == '\n';
    b->len -= (size_t)drop;
    b->s[b->len] = 0;
    if (!how->quiet && (bom || n_crlf || drop))
        say(where, bom, n_crlf, drop);
    return LL_OK;
}

int ll_text_read(const char *arg, const struct ll_text_how *how, struct ll_buf *b, struct ll_err *err)
{
    char part[4096];
    if (arg && strcmp(arg, "-")) {
        ll_buf_adds(b, arg);
        return ll_buf_ok(b, err);
    }
    if (isatty(STDIN_FILENO))
        ll_say_line("reading the text from the keyboard, end with Ctrl-D");
    for (size_t n; !feof(stdin) && (n = fread(part, 1, sizeof part, stdin)) > 0;)
        ll_buf_add(b, part, n);
    if (ferror(stdin))
        return ll_fail(err, LL_EFAIL, "standard input: %s", strerror(errno));
    int rc = ll_buf_ok(b, err);
    return rc ? rc : ll_text_clean(b, "standard input", LL_END_SHELLS, how, err);
}
