/* stats.c - see stats.h. Linux: /proc and the control groups (containers and cluster jobs get less than the
 * machine has); elsewhere what POSIX offers. */
#define _GNU_SOURCE
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double ll_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

long long ll_peak_rss_bytes(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u))
        return -1;
#ifdef __APPLE__
    return u.ru_maxrss;
#else
    return (long long)u.ru_maxrss * 1024;
#endif
}

/* The number after `key` at the start of a line of a file of "key number" lines; key "" takes the first line.
 * -1 when the file, the line or the number ("max") is not there. */
static long long number_after(const char *path, const char *key)
{
    char line[512];
    long long v = -1;
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    while (v < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%lld", &v) != 1)
            v = -1;
    fclose(f);
    return v;
}

/* How a control group says its limit, its use, and how much of the use is page cache (which would be given
 * back). */
static const struct cgroup {
    const char *controller; /* middle field of /proc/self/cgroup; "" is version 2 */
    const char *mount, *limit, *usage, *cache_active, *cache_inactive;
} cgroups[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", "active_file", "inactive_file"},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file",
     "total_inactive_file"},
};

/* Room left in one group, or -1 when it sets no limit. */
static long long group_room(const struct cgroup *g, const char *path)
{
    char file[1200];
    long long v[4] = {0};
    const char *names[4] = {g->limit, g->usage, "memory.stat", "memory.stat"};
    const char *keys[4] = {"", "", g->cache_active, g->cache_inactive};
    for (int i = 0; i < 4; i++) {
        snprintf(file, sizeof file, "%s%s/%s", g->mount, path, names[i]);
        v[i] = number_after(file, keys[i]);
        if (v[i] < 0 && i < 2)
            return -1;
    }
    long long used = v[1] - (v[2] > 0 ? v[2] : 0) - (v[3] > 0 ? v[3] : 0);
    if (used < 0)
        used = 0;
    return v[0] > used ? v[0] - used : 0;
}

/* The least room of this process's groups and all groups above them, or -1 when none sets a limit. */
static long long cgroup_room(void)
{
    char line[1024];
    long long least = -1;
    FILE *f = fopen("/proc/self/cgroup", "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *name = strchr(line, ':'), *path = name ? strchr(name + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        for (size_t i = 0; i < sizeof cgroups / sizeof cgroups[0]; i++)
            for (char *end = path + strlen(path); !strcmp(name + 1, cgroups[i].controller) && end;) {
                *end = 0;
                long long room = group_room(&cgroups[i], path);
                if (room >= 0 && (least < 0 || room < least))
                    least = room;
                end = strrchr(path, '/');
            }
    }
    fclose(f);
    return least;
}

long long ll_available_bytes(void)
{
    long long kb = number_after("/proc/meminfo", "MemAvailable:"), room = cgroup_room();
    if (kb < 0)
        return room;
    return room >= 0 && room < kb * 1024 ? room : kb * 1024;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ll_percentile(double *v, size_t n, double q)
{
    qsort(v, n, sizeof *v, by_value);
    double at = (double)(n - 1) * (q < 0 ? 0 : q > 1 ? 1 : q), whole = floor(at);
    size_t i = (size_t)whole;
    return i + 1 < n && at > whole ? v[i] + (v[i + 1] - v[i]) * (at - whole) : v[i];
}

double ll_median(double *v, size_t n) { return ll_percentile(v, n, 0.5); }
