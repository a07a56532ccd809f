/* replay.c - see replay.h */
#include "replay.h"

#include "json_write.h"
#include "map.h"
#include "outfile.h"
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WORDS = 1 << 20 };
static const char command_name[] = ".command";

static int is_arg(const struct ll_command_line *line, const char *word)
{
    for (int i = 0; i < line->n_args; i++)
        if (line->args[i] == word)
            return 1;
    return 0;
}

int ll_replay_write(const char *folder, const struct ll_command_line *line, struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_json j;
    char *here = realpath(".", NULL), *path = ll_path_join(folder, command_name);
    ll_json_init(&j, &text);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "folder", here);
    ll_json_arr(&j, "options");
    for (int i = 1; i < line->argc; i++)
        if (!is_arg(line, line->argv[i]) && strcmp(line->argv[i], "--resume") && strcmp(line->argv[i], "--"))
            ll_json_cstr(&j, NULL, line->argv[i]);
    for (int i = 0; i < line->n_more; i++)
        ll_json_cstr(&j, NULL, line->more[i]);
    ll_json_end(&j);
    ll_json_cstr(&j, "experiment", line->args[0]);
    ll_json_arr(&j, "models");
    for (int i = 1; i < line->n_args; i++)
        ll_json_cstr(&j, NULL, line->args[i]);
    ll_json_end(&j);
    ll_json_end(&j);
    int rc = path && here
        ? ll_buf_ok(&text, err)
        : ll_fail(err, LL_EFAIL, "%s: cannot note the command: %s", folder, strerror(errno));
    if (!rc)
        rc = ll_file_write(path, text.s, text.len, err);
    ll_buf_free(&text);
    free(here);
    free(path);
    return rc;
}

/* Words of the list at key, behind argv[*n]; borrowed. */
static int add_list(const struct ll_settings *s, const char *key, char **argv, int *n, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0, len = ll_settings_len(s, key); i < len && !rc; i++) {
        char path[64];
        const char *word;
        snprintf(path, sizeof path, "%s.%d", key, i);
        if (!(rc = ll_settings_need_str(s, path, &word, err)))
            argv[(*n)++] = (char *)(size_t)word;
    }
    return rc;
}

static int read_command(struct ll_settings **s, const char *folder, struct ll_err *err)
{
    char *path = ll_path_join(folder, command_name);
    int rc = !path ? ll_fail_mem(err, "path", strlen(folder))
        : !ll_is_file(path)
        ? ll_fail(err, LL_EUSAGE, "%s: no command is recorded there: expected a run folder of this program",
                  folder)
        : ll_settings_read(s, path, err);
    if (!rc
        && (ll_settings_len(*s, "options") < 0 || ll_settings_len(*s, "models") < 0
            || ll_settings_len(*s, "options") + ll_settings_len(*s, "models") > MAX_WORDS))
        rc = ll_fail(err, LL_EUSAGE, "%s: expected lists \"options\" and \"models\"", path);
    free(path);
    return rc;
}

int ll_replay_run(const struct ll_replay *r, struct ll_err *err)
{
    struct ll_settings *s = NULL;
    const char *there, *recorded;
    char *here = NULL, *file = NULL, **argv = NULL;
    int argc = 0, rc = read_command(&s, r->folder, err);
    if (rc || (rc = ll_settings_need_str(s, "folder", &there, err))
        || (rc = ll_settings_need_str(s, "experiment", &recorded, err)))
        goto done;
    argv = calloc((size_t)(ll_settings_len(s, "options") + ll_settings_len(s, "models") + r->n_models
                           + r->n_more + 4),
                  sizeof *argv);
    here = realpath(".", NULL);
    /* as it was spelled then where the folder is that one, too: a bare name is the experiment's own */
    file = r->experiment                   ? realpath(r->experiment, NULL)
        : *recorded == '/' || !r->n_models ? strdup(recorded)
                                           : ll_path_join(there, recorded);
    if (!argv || !here || !file) {
        rc = ll_fail(err, LL_EUSAGE, "%s: %s", r->experiment ? r->experiment : r->folder, strerror(errno));
        goto done;
    }
    argv[argc++] = (char *)(size_t) "run";
    if ((rc = add_list(s, "options", argv, &argc, err)))
        goto done;
    for (int i = 0; i < r->n_more; i++)
        argv[argc++] = (char *)(size_t)r->more[i];
    argv[argc++] = file;
    for (int i = 0; i < r->n_models; i++)
        argv[argc++] = (char *)(size_t)r->models[i];
    if (!r->n_models && (rc = add_list(s, "models", argv, &argc, err)))
        goto done;
    if (!r->n_models && chdir(there)) /* r->models named now are meant from here */
        rc =
            ll_fail(err, LL_EFAIL, "%s: the folder in which the run was started: %s", there, strerror(errno));
    unsetenv("LOGOS_RAW_LENS"); /* what they said then is among the options */
    unsetenv("LOGOS_REPEAT_FORWARD");
    if (!rc)
        rc = r->run(argc, argv, err);
    if (chdir(here) && !rc)
        rc = ll_fail(err, LL_EFAIL, "%s: %s", here, strerror(errno));
done:
    free(argv);
    free(here);
    free(file);
    ll_settings_free(s);
    return rc;
}
