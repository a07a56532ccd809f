/* term.c - see term.h */
#include "term.h"

#include "shown.h"
#include "stats.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct ll_term ll_term_of(FILE *f)
{
    struct ll_term t = {0, 80};
    struct winsize w;
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    if (isatty(fileno(f))) {
        t.colour = !(no && *no) && term && strcmp(term, "dumb");
        if (!ioctl(fileno(f), TIOCGWINSZ, &w) && w.ws_col >= 40)
            t.width = w.ws_col;
    }
    return t;
}

static const char *const styles[] = {
    [LL_PLAIN] = "\033[0m",    [LL_BOLD] = "\033[1m",    [LL_DIM] = "\033[2m",
    [LL_GREEN] = "\033[1;32m", [LL_YELLOW] = "\033[33m", [LL_CYAN] = "\033[36m"};

void ll_style(struct ll_buf *out, const struct ll_term *t, enum ll_style s)
{
    if (t->colour)
        ll_buf_adds(out, styles[s]);
}

size_t ll_style_len(const char *s)
{
    for (size_t i = 0; isatty(STDOUT_FILENO) && i < sizeof styles / sizeof *styles; i++)
        if (!strncmp(s, styles[i], strlen(styles[i])))
            return strlen(styles[i]);
    return 0;
}

int ll_stdout_columns(void) { return isatty(fileno(stdout)) ? ll_term_of(stdout).width : 0; }

void ll_put_wrapped(struct ll_buf *out, int width, const char *lead, const char *text)
{
    int indent = ll_text_width(lead, strlen(lead)), at = indent;
    ll_buf_adds(out, lead);
    for (const char *w = text; *w;) {
        int n = (int)strcspn(w, " "), cols = ll_text_width(w, (size_t)n);
        if (width > 0 && at + cols + (at > indent) > width && at > indent) {
            ll_buf_addf(out, "\n%*s", indent, "");
            at = indent;
        }
        ll_buf_addf(out, "%s%.*s", at > indent ? " " : "", n, w);
        at += cols + (at > indent);
        w += n + (w[n] == ' ');
    }
    ll_buf_addc(out, '\n');
}

void ll_put_cell(struct ll_buf *out, const char *s, size_t n, int width, int pad)
{
    int at = 0, whole = ll_text_width(s, n) <= width;
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0xFFFD;
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        cp = len ? ll_cp_shown(cp) : 0xFFFD;
        int w = ll_cp_width(cp);
        if (at + w > width - !whole) {
            ll_utf8_put(out, 0x2026);
            at++;
            break;
        }
        ll_utf8_put(out, cp);
        at += w;
        i += (size_t)(len ? len : bad);
    }
    for (; pad && at < width; at++)
        ll_buf_addc(out, ' ');
}

void ll_put_bar(struct ll_buf *out, double value, int width)
{
    int eighths = (int)((value < 0 ? 0 : value > 1 ? 1 : value) * width * 8 + 0.5), at = 0;
    for (; eighths >= 8; eighths -= 8, at++)
        ll_utf8_put(out, 0x2588);
    if (eighths && at < width) {
        ll_utf8_put(out, 0x2590 - (uint32_t)eighths); /* U+258F one eighth .. U+2589 seven eighths */
        at++;
    }
    for (; at < width; at++)
        ll_buf_addc(out, ' ');
}

static const char *human(double n, const char *const *units, char out[16])
{
    int u = 0;
    while (n >= 999.5 && units[u + 1]) {
        n /= 1000;
        u++;
    }
    snprintf(out, 16, n < 9.95 && u ? "%.1f%s" : "%.0f%s", n, units[u]);
    return out;
}

const char *ll_human_bytes(double bytes, char out[16])
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB", NULL};
    return human(bytes, units, out);
}

const char *ll_human_count(double n, char out[16])
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P", NULL};
    return human(n, units, out);
}

const char *ll_human_time(double s, char out[24])
{
    if (s < 60)
        snprintf(out, 24, s < 9.95 ? "%.1f s" : "%.0f s", s);
    else if (s < 3600)
        snprintf(out, 24, "%d min %02d s", (int)(s / 60), (int)s % 60);
    else
        snprintf(out, 24, "%d h %02d min", (int)(s / 3600), (int)(s / 60) % 60);
    return out;
}

void ll_progress_start(struct ll_progress *p, const char *label, int quiet)
{
    *p = (struct ll_progress){.label = label, .t0 = ll_now_s(), .on = !quiet && isatty(STDERR_FILENO)};
}

void ll_progress_show(struct ll_progress *p, double done)
{
    enum {
        LABEL = 18,
        BAR = 20
    }; /* the whole line stays below 80 columns: a wrapped line cannot be redrawn */
    double now = ll_now_s(), gone = now - p->t0;
    if (!p->on || gone < 2 || now - p->last < 0.1)
        return;
    struct ll_buf line = {0};
    char b[24];
    double left = done > 1e-6 ? gone * (1 - done) / done : 0;
    ll_buf_adds(&line, "\r\033[K");
    ll_put_cell(&line, p->label, strlen(p->label), LABEL, 1);
    ll_buf_adds(&line, " [");
    ll_put_bar(&line, done, BAR);
    ll_buf_addf(&line, "] %3.0f %%  %.2g %%/s  %s left", 100 * done, 100 * done / gone,
                ll_human_time(left, b));
    if (!line.failed)
        fwrite(line.s, 1, line.len, stderr);
    fflush(stderr);
    ll_buf_free(&line);
    p->last = now;
    p->shown = 1;
}

void ll_progress_end(struct ll_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    fflush(stderr);
    p->on = p->shown = 0;
}
