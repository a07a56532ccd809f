/* original_memory.c - see original_memory.h */
#include "original_memory.h"
#include "literal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define GIB ((double)(1 << 30))

/* The cpu keeps float32 below 30e9 parameters; from 25e9 on source and target copies meet while loading. */
static const double bf16_from = 30e9, two_copies_from = 25e9, two_copies_reserve = 12;

static const struct device {
    const char *name;
    double overhead, reserve_gib;
} devices[LL_N_DEVICES] = {
    [LL_CUDA] = {"cuda", 0.30, 1.5}, [LL_MPS] = {"mps", 0.35, 3.5}, [LL_CPU] = {"cpu", 0.20, 4}};

static const struct known {
    const char *part;
    double params;
} known[] = {{"Mistral-7B", 7.3e9}, {"Llama-3-8B", 8.0e9},       {"Qwen3-8B", 8.0e9},
             {"gemma-2-9b", 9.2e9}, {"Qwen3-14B", 14e9},         {"gemma-2-27b", 27e9},
             {"Yi-34B", 34e9},      {"Mistral-Small-24B", 24e9}, {"Qwen2.5-72B", 72e9}};

const char *ll_device_name(enum ll_device d) { return devices[d].name; }

static const char *last_part(const char *id)
{
    const char *slash = strrchr(id, '/');
    return slash ? slash + 1 : id;
}

double ll_params_of_name(const char *model_id)
{
    const char *name = last_part(model_id);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(name, known[i].part))
            return known[i].params;
    for (const char *p = name; *p;) {
        if (!isdigit((unsigned char)*p)) {
            p++;
            continue;
        }
        char *end;
        double v = strtod(p, &end);
        size_t digits = strspn(p, "0123456789.");
        if (end > p + digits) /* "1e9": only digits and a point count */
            end = (char *)(size_t)(p + digits);
        if ((*end == 'b' || *end == 'B') && !isalpha((unsigned char)end[1]))
            return v * 1e9;
        p += digits;
    }
    return 0;
}

static int is_gemma(const char *name) { return LL_BEGINS(name, "gemma") || LL_BEGINS(name, "Gemma"); }

/* The estimate for one device. */
static struct ll_device_estimate estimate_on(enum ll_device d, const char *model_id, double params,
                                             const struct ll_capacity *c)
{
    const struct device *v = &devices[d];
    struct ll_device_estimate f = {.device = d,
                                   .params = params > 0 ? params : ll_params_of_name(model_id),
                                   .overhead = v->overhead,
                                   .free_bytes = c->free_bytes[d],
                                   .peak_bytes = -1};
    int wide = d == LL_CPU && f.params < bf16_from;
    double bytes = wide ? 4 : 2, reserve = v->reserve_gib;
    f.dtype = wide                                                       ? "float32"
        : d == LL_CPU || (d == LL_CUDA && is_gemma(last_part(model_id))) ? "bfloat16"
                                                                         : "float16";
    if (wide && f.params >= two_copies_from) {
        bytes += 2;
        reserve += two_copies_reserve;
    }
    f.reserve_bytes = (long long)(reserve * GIB);
    if (f.params > 0)
        f.peak_bytes = (long long)(f.params * bytes * (1 + v->overhead) + 0.5) + f.reserve_bytes;
    f.fits = f.peak_bytes >= 0 && f.free_bytes >= 0 && f.peak_bytes < f.free_bytes;
    return f;
}

int ll_estimate_devices(const char *model_id, double params, const struct ll_capacity *c, int only,
                        struct ll_device_estimate all[LL_N_DEVICES])
{
    int chosen = -1;
    for (int d = 0; d < LL_N_DEVICES; d++) {
        all[d] = estimate_on((enum ll_device)d, model_id, params, c);
        if (chosen < 0 && all[d].fits && (only < 0 || only == d))
            chosen = d;
    }
    return chosen;
}

static int parse_bytes(const char *s, size_t n, long long *bytes)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},      {"B", 1},           {"KiB", 1024.0}, {"MiB", 1024.0 * 1024},
                 {"GiB", GIB}, {"TiB", 1024 * GIB}};
    char *end;
    double v = strtod(s, &end);
    size_t left = n - (size_t)(end - s);
    if (end == s || (size_t)(end - s) > n || !(v >= 0) || v > 1e15 || !isdigit((unsigned char)*s))
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (left == strlen(units[i].unit) && !strncmp(end, units[i].unit, left)) {
            *bytes = v * units[i].factor < 9e18 ? (long long)(v * units[i].factor) : 0;
            return v * units[i].factor < 9e18;
        }
    return 0;
}

int ll_capacity_parse(struct ll_capacity *c, const char *text, struct ll_err *err)
{
    for (int d = 0; d < LL_N_DEVICES; d++)
        c->free_bytes[d] = -1;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ","), key = strcspn(p, "=");
        int d = 0;
        while (d < LL_N_DEVICES && (strlen(devices[d].name) != key || strncmp(p, devices[d].name, key)))
            d++;
        if (key >= n || d == LL_N_DEVICES || !parse_bytes(p + key + 1, n - key - 1, &c->free_bytes[d]))
            return ll_fail(err, LL_EUSAGE,
                           "capacity: expected cuda=, mps= or cpu= and a size such as 24GiB, found \"%.*s\"",
                           (int)n, p);
        p += n + (p[n] == ',');
    }
    return LL_OK;
}
