/* column_names.c - see column_names.h. Distance: Damerau 1964 (a swap of neighbours is one slip), its
 * restricted form. */
#include "column_names.h"

#include "utf8.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 60 };

/* Lower case, without white space around, "_" for "-" and " "; its length, or -1 when it is too long. */
static int plain(const char *s, size_t n, char out[LONGEST])
{
    int to = 0;
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    if (n > LONGEST)
        return -1;
    for (size_t i = 0; i < n; i++)
        out[to++] = (char)(s[i] == '-' || s[i] == ' ' ? '_' : tolower((unsigned char)s[i]));
    return to;
}

static int least(int a, int b) { return a < b ? a : b; }

/* Slips between a[n] and b[m]; a wrong letter costs `wrong`. */
static int distance(const char *a, int n, const char *b, int m, int wrong)
{
    int rows[3][LONGEST + 1], *last2 = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= m; j++)
        last[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : wrong));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], last2[j - 2] + 1);
        }
        int *spare = last2;
        last2 = last;
        last = now;
        now = spare;
    }
    return last[m];
}

int ll_name_near(const char *name, size_t n, const char *known)
{
    char a[LONGEST], b[LONGEST];
    int la = plain(name, n, a), lb = plain(known, strlen(known), b);
    if (la < 1 || lb < 1 || (strlen(known) == n && !memcmp(name, known, n)))
        return 0;
    if (la == lb && !memcmp(a, b, (size_t)la))
        return 1;
    if (lb < 3 || la < 3)
        return 0;
    int slips = distance(a, la, b, lb, lb < 5 ? 2 : 1);
    return slips <= (lb < 5 ? 1 : 2) ? 1 + slips : 0;
}

void ll_put_name(struct ll_buf *out, const char *name, size_t n, size_t width)
{
    struct ll_buf clean = {0};
    ll_utf8_clean(&clean, name, n < width ? n : width);
    for (size_t i = 0; i < clean.len; i++)
        ll_buf_addc(out, (unsigned char)clean.s[i] < 0x20 || clean.s[i] == 0x7f ? '?' : clean.s[i]);
    ll_buf_free(&clean);
}
