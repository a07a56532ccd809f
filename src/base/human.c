/* human.c - see human.h */
#include "human.h"

#include <stdio.h>

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
