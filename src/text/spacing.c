/* spacing.c - see spacing.h. Classes of characters: Unicode 16 (unicode_class.h). Scripts without spaces: the
 * list of Unicode's line breaking classes ID, CJ and SA (UAX 14), as blocks. Languages use the same quotes
 * differently (German „…“ and »…«, French «…», Swedish ”…”): which quote is open tells them apart. */
#include "spacing.h"

#include "unicode_class.h"
#include "utf8.h"

enum { WINDOW = 1024 }; /* characters of the end that are looked at: a long line of text */

struct tail {
    uint32_t c[WINDOW];
    int n;
};

/* The last WINDOW characters of a text. */
static void read_tail(struct tail *t, const char *s, size_t n)
{
    size_t from = n > 4 * WINDOW ? n - 4 * WINDOW : 0;
    while (from > 0 && from < n && ((unsigned char)s[from] & 0xC0) == 0x80)
        from++;
    t->n = 0;
    for (size_t i = from; i < n;) {
        uint32_t cp;
        int len = ll_utf8_next(s + i, n - i, &cp, NULL);
        if (t->n == WINDOW) { /* keep the last half */
            for (int k = 0; k < WINDOW / 2; k++)
                t->c[k] = t->c[k + WINDOW / 2];
            t->n = WINDOW / 2;
        }
        t->c[t->n++] = len ? cp : 'x';
        i += len ? (size_t)len : 1;
    }
}

/* ---- classes --------------------------------------------------------------------------------- */

static int has_class(uint32_t c, unsigned bits) { return (LL_BIT(ll_category(c)) & bits) != 0; }
static int is_letter(uint32_t c) { return has_class(c, LL_L_BITS | LL_M_BITS); }
static int is_digit(uint32_t c) { return has_class(c, LL_BIT(LL_ND)); }
static int is_alnum(uint32_t c) { return is_letter(c) || has_class(c, LL_N_BITS); }
static int is_blank(uint32_t c)
{
    return ll_is_space(c) || has_class(c, LL_BIT(LL_CC)) || c == 0x200B
        || c == 0xFEFF; /* breaks without a width */
}
static int is_one_of(uint32_t c, const uint32_t *list)
{
    while (*list && *list != c)
        list++;
    return *list != 0;
}

static int is_spaceless(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } blocks[] = {{0x0E00, 0x0EFF} /* Thai, Lao */,
                  {0x0F00, 0x109F} /* Tibetan, Myanmar */,
                  {0x1780, 0x17FF} /* Khmer */,
                  {0x1950, 0x19FF} /* Tai Le, New Tai Lue, Khmer signs */,
                  {0x1A20, 0x1AAF} /* Tai Tham */,
                  {0x1B00, 0x1B7F} /* Balinese */,
                  {0x2E80, 0x2FFF} /* radicals */,
                  {0x3001, 0x312F} /* CJK marks, kana, Bopomofo */,
                  {0x3190, 0x4DBF} /* kanbun, strokes, enclosed, Han A */,
                  {0x4E00, 0xA4CF} /* Han, Yi */,
                  {0xA980, 0xA9FF} /* Javanese, Myanmar B */,
                  {0xAA60, 0xAADF} /* Myanmar A, Tai Viet */,
                  {0xF900, 0xFAFF} /* Han */,
                  {0xFE10, 0xFE1F},
                  {0xFE30, 0xFE6F} /* vertical, small forms */,
                  {0xFF01, 0xFF9F} /* full-width and half-width forms */,
                  {0x1AFF0, 0x1B2FF} /* kana, Nushu */,
                  {0x1F200, 0x1F2FF} /* enclosed */,
                  {0x20000, 0x3FFFD} /* Han */};
    int hangul = c >= 0x3200
        && (c <= 0x321E || (c >= 0x3260 && c <= 0x327F)); /* enclosed: Korean is written with spaces */
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (c >= blocks[i].first && c <= blocks[i].last)
            return !hangul;
    return 0;
}

/* ---- what stands before ---------------------------------------------------------------------- */

/* The character before place i; the start of the text counts as a line end. */
static uint32_t before(const struct tail *t, int i) { return i > 0 ? t->c[i - 1] : '\n'; }

/* Does a mark at place i stand free: at the start, behind white space or an opening bracket? */
static int stands_free(const struct tail *t, int i)
{
    return is_blank(before(t, i)) || has_class(before(t, i), LL_BIT(LL_PS));
}

static int line_start(const struct tail *t, int i)
{
    while (i > 0 && t->c[i - 1] != '\n' && t->c[i - 1] != '\r' && t->c[i - 1] != 0x2028
           && t->c[i - 1] != 0x2029)
        i--;
    return i;
}

/* How many `mark` stand in the line up to place i, that one included; an apostrophe inside a word is none. */
static int count_marks(const struct tail *t, int i, uint32_t mark)
{
    int n = 0;
    for (int k = line_start(t, i); k <= i; k++)
        n += t->c[k] == mark && !(mark == '\'' && k < i && is_alnum(before(t, k)) && is_alnum(t->c[k + 1]));
    return n;
}

/* Is one of `open` still without its `close` before place i? */
static int still_open(const struct tail *t, int i, uint32_t open, uint32_t close)
{
    int depth = 0;
    for (int k = 0; k < i; k++)
        depth += t->c[k] == open ? 1 : t->c[k] == close && depth > 0 ? -1 : 0;
    return depth > 0;
}

/* A word of one or two letters that marks a kind of string: print(f" */
static int is_string_prefix(const struct tail *t, int i)
{
    static const uint32_t letters[] = {'f', 'F', 'r', 'R', 'b', 'B', 'u', 'U', 'L', 0};
    int n = 0;
    while (n < 3 && i - n > 0 && is_alnum(t->c[i - n - 1]))
        n++;
    for (int k = 1; k <= n; k++)
        if (!is_one_of(t->c[i - k], letters))
            return 0;
    return n == 1 || n == 2;
}

/* ---- marks at the end: 1 when a space belongs behind ----------------------------------------- */

/* " and `: an odd one opens, unless it stands on a word or a number (6" tall). */
static int after_straight_quote(const struct tail *t, int i)
{
    int odd = count_marks(t, i, t->c[i]) % 2;
    return !(stands_free(t, i) || (odd && (!is_alnum(before(t, i)) || is_string_prefix(t, i))));
}

/* ' and its typographic twin: an opening quote, or an elision (l', don'), or what closes (the dogs',
 * 'yes'). */
static int after_apostrophe(const struct tail *t, int i)
{
    uint32_t last = before(t, i);
    int word = 0;
    if (stands_free(t, i))
        return 0;
    while (word < 3 && is_letter(before(t, i - word)))
        word++;
    if (t->c[i] == 0x2019)
        return !word || still_open(t, i, 0x2018, 0x2019) || still_open(t, i, 0x201A, 0x2018)
            || (word > 2 && (last == 's' || last == 'S'));
    return count_marks(t, i, '\'') % 2 == 0 || (word > 2 && (last == 's' || last == 'S'));
}

/* Typographic quotes: each opens in one language and closes in another. */
static int after_quote(const struct tail *t, int i)
{
    switch (t->c[i]) {
    case 0x201C:
    case 0x201F: return still_open(t, i, 0x201E, 0x201C); /* „German“ */
    case 0x2018:
    case 0x201B: return still_open(t, i, 0x201A, 0x2018); /* ‚German‘ */
    case 0x00AB: return still_open(t, i, 0x00BB, 0x00AB); /* »German« */
    case 0x2039: return still_open(t, i, 0x203A, 0x2039);
    case 0x00BB: return still_open(t, i, 0x00AB, 0x00BB) || !stands_free(t, i);
    case 0x203A: return still_open(t, i, 0x2039, 0x203A) || !stands_free(t, i);
    case 0x201D:
        return still_open(t, i, 0x201C, 0x201D) || still_open(t, i, 0x201E, 0x201D)
            || !stands_free(t, i); /* else ”Swedish” */
    default: return has_class(t->c[i], LL_BIT(LL_PF));
    }
}

/* * and _ : emphasis opens where it stands free, several of them also at the start of a line; a single *
 * there begins a list item. */
static int after_emphasis(const struct tail *t, int i)
{
    int from = i;
    while (from > 0 && t->c[from - 1] == t->c[i])
        from--;
    int n = i - from + 1, free = stands_free(t, from);
    if (free)
        return t->c[i] == '*' && n == 1 && from == line_start(t, from);
    if (t->c[i] == '_') /* snake_case, unless _word_ closes */
        return count_marks(t, i, '_') % 2 == 0 && stands_free(t, line_start(t, from))
            && !is_alnum(t->c[line_start(t, from)]);
    return !is_digit(before(t, from)); /* 3*4 */
}

/* Does a number, a closing bracket or a variable of one letter stand before the white space in front of place
 * i? */
static int has_left_side(const struct tail *t, int i)
{
    while (i > 0 && is_blank(t->c[i - 1]))
        i--;
    return i > 0
        && (is_digit(t->c[i - 1]) || has_class(t->c[i - 1], LL_BIT(LL_PE))
            || (is_letter(t->c[i - 1]) && !is_alnum(before(t, i - 1))));
}

/* Hyphens, dashes, slashes, operators: they lean on what follows as they lean on what stands before. */
static int after_operator(const struct tail *t, int i, uint32_t next)
{
    static const uint32_t signs[] = {'-', '+', 0x2212, 0xB1, '~', 0}, joins[] = {'/', '&', ':', '!', 0};
    int from = i;
    if (t->c[i] == '/' && before(t, i) == '<')
        return 0;
    while (from > 0
           && (has_class(t->c[from - 1], LL_BIT(LL_SM) | LL_BIT(LL_PD)) || is_one_of(t->c[from - 1], joins)))
        from--;
    if (!is_blank(before(t, from)))
        return 0;
    return !(is_one_of(t->c[i], signs) && i == from && is_digit(next) && !has_left_side(t, i)); /* -5 */
}

/* > : no space after a tag such as <answer> or <|assistant|>; else it is an operator. */
static int after_greater(const struct tail *t, int i, uint32_t next)
{
    int k = i - 1;
    while (k >= 0 && t->c[k] != '<' && t->c[k] != '>' && t->c[k] != '\n')
        k--;
    return k >= 0 && t->c[k] == '<' && k < i - 1 && !is_blank(t->c[k + 1]) ? 0 : after_operator(t, i, next);
}

/* < opens a tag unless a value stands before it. */
static int after_less(const struct tail *t, int i)
{
    int k = i;
    while (k > 0 && t->c[k - 1] == ' ')
        k--;
    return k < i && k > 0 && (is_alnum(t->c[k - 1]) || t->c[k - 1] == ')');
}

/* . and : between digits, in file names and addresses, :: */
static int after_point(const struct tail *t, int i, uint32_t next)
{
    static const uint32_t slashes[] = {'/', 0};
    int from = i;
    if (is_digit(before(t, i)) && is_digit(next))
        return 0;
    if (t->c[i] == ':')
        return before(t, i) != ':' || !is_alnum(before(t, i - 1));
    if (is_blank(before(t, i)))
        return 0;
    while (from > 0 && !is_blank(t->c[from - 1]))
        from--;
    for (int k = from; k + 1 < i; k++)
        if (t->c[k] == ':' && is_one_of(t->c[k + 1], slashes))
            return 0;
    return !(i - from == 3 && t->c[from] == 'w' && t->c[from + 1] == 'w');
}

static int after_mark(const struct tail *t, int i, uint32_t next)
{
    uint32_t c = t->c[i];
    switch (c) {
    case '"':
    case '`': return after_straight_quote(t, i);
    case '\'':
    case 0x2019: return after_apostrophe(t, i);
    case '*':
    case '_': return after_emphasis(t, i);
    case '<': return after_less(t, i);
    case '>': return after_greater(t, i, next);
    case '.':
    case ':': return after_point(t, i, next);
    case '/':
    case '&': return after_operator(t, i, next);
    case '\\':
    case '@':
    case 0xBF:
    case 0xA1: return 0; /* \alpha, @name, ¿ ¡ */
    case '#':
        return i == line_start(t, i) || before(t, i) == '#'
            || is_alnum(before(t, i)); /* headings, C#; else #5 */
    }
    switch (ll_category(c)) {
    case LL_PS: return 0;
    case LL_PI:
    case LL_PF: return after_quote(t, i);
    case LL_PD:
    case LL_SM: return after_operator(t, i, next);
    case LL_PC: return 0;
    case LL_SC: return is_digit(before(t, i)); /* 5€, else $5 */
    default: return 1;
    }
}

/* ---- what comes next ------------------------------------------------------------------------- */

/* Does what comes next close or continue the text? */
static int leans_back(const struct tail *next)
{
    static const uint32_t stops[] = {'.',    ',',    ';',  ':',    '!',    '?', '%',
                                     0x2026, 0x2030, 0xB0, 0x2032, 0x2033, 0};
    uint32_t c = next->c[0], second = next->n > 1 ? next->c[1] : ' ';
    if (has_class(c, LL_M_BITS | LL_BIT(LL_PE)) || is_blank(c))
        return 1;
    if (c == '\'' || c == 0x2019) { /* 's, but not 'quoted' */
        int quoted = 0;
        for (int i = 1; i < next->n; i++)
            quoted |= next->c[i] == c && !(i + 1 < next->n && is_letter(next->c[i + 1]));
        return !quoted;
    }
    return (is_one_of(c, stops) || c == '"' || has_class(c, LL_BIT(LL_PF))) && !is_alnum(second);
}

/* Latin letters or digits right after a script without spaces belong to it; after a number the counted word
 * follows without a space. */
static int is_among_spaceless(const struct tail *t)
{
    int i = t->n;
    if (is_digit(t->c[i - 1]))
        return 1;
    while (i > 0 && is_alnum(t->c[i - 1]) && !is_spaceless(t->c[i - 1]))
        i--;
    return i > 0 && is_spaceless(t->c[i - 1]);
}

int ll_takes_space(const char *text, size_t n, const char *next, size_t m)
{
    struct tail t, follows;
    read_tail(&t, text, n);
    read_tail(&follows, next, m < 256 ? m : 256);
    while (t.n > 1 && has_class(t.c[t.n - 1], LL_BIT(LL_MN) | LL_BIT(LL_ME) | LL_BIT(LL_CF))
           && t.c[t.n - 1] != 0x200B && t.c[t.n - 1] != 0xFEFF && !is_spaceless(t.c[t.n - 1]))
        t.n--; /* combining marks on the last character do not count */
    if (!t.n || !follows.n || is_blank(t.c[t.n - 1]) || leans_back(&follows))
        return 0;
    if (is_spaceless(t.c[t.n - 1]))
        return 0;
    if (is_spaceless(follows.c[0]) && is_among_spaceless(&t))
        return 0;
    return after_mark(&t, t.n - 1, follows.c[0]);
}
