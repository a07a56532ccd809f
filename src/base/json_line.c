/* json_line.c - where in a JSON text a dotted path stands. The text has passed ll_json_scan, so that it may
 * be skimmed. */
#include "json_tree.h"

#include <stdlib.h>
#include <string.h>

struct skim {
    const char *s;
    size_t n, at;
};

static void skip_blank(struct skim *k)
{
    while (k->at < k->n && strchr(" \t\r\n", k->s[k->at]))
        k->at++;
}

/* At a quote; stops behind the closing one. */
static void skip_string(struct skim *k)
{
    for (k->at++; k->at < k->n && k->s[k->at] != '"'; k->at++)
        k->at += k->s[k->at] == '\\';
    k->at++;
}

static void skip_value(struct skim *k)
{
    int depth = 0;
    do {
        skip_blank(k);
        if (k->at >= k->n)
            return;
        char c = k->s[k->at];
        if (c == '"')
            skip_string(k);
        else if (strchr("{[", c))
            depth++, k->at++;
        else if (strchr("}]", c))
            depth--, k->at++;
        else if (strchr(",:", c))
            k->at++;
        else
            k->at += strcspn(k->s + k->at, ",:]} \t\r\n");
    } while (depth > 0);
}

/* Does the path begin with this key (as written, n bytes)? Bytes of the path that it takes, the dot included;
 * 0: no. */
static size_t matches(const char *path, const char *key, size_t n)
{
    if (strncmp(path, key, n) || (path[n] && path[n] != '.'))
        return 0;
    return path[n] ? n + 1 : n;
}

/* Go into the object or array at k as far as the path leads. *best: where the last part found begins. */
static void follow(struct skim *k, const char *path, size_t *best)
{
    skip_blank(k);
    if (!*path || k->at >= k->n || !strchr("{[", k->s[k->at]))
        return;
    int is_obj = k->s[k->at++] == '{';
    long wanted = is_obj ? -1 : strtol(path, NULL, 10);
    for (long i = 0;; i++) {
        skip_blank(k);
        if (k->at >= k->n || strchr("}]", k->s[k->at]))
            return;
        size_t begin = k->at, used = 0;
        if (is_obj) {
            skip_string(k);
            used = matches(path, k->s + begin + 1, k->at - begin - 2);
            skip_blank(k);
            k->at++; /* the colon */
        } else if (i == wanted) {
            used = strcspn(path, ".");
            used += path[used] == '.';
        }
        if (used) {
            *best = begin;
            struct skim in = *k;
            follow(&in, path + used, best);
            return;
        }
        skip_value(k);
        skip_blank(k);
        k->at += k->at < k->n && k->s[k->at] == ',';
    }
}

size_t ll_json_line(const char *text, size_t n, const char *path)
{
    struct skim k = {text, n, 0};
    size_t best = 0, line = 1;
    follow(&k, path, &best);
    for (size_t i = 0; i < best; i++)
        line += text[i] == '\n';
    return line;
}
