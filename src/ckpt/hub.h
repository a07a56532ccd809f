/* hub.h - internal to ckpt: where the local Hugging Face cache keeps a model. Nothing is ever downloaded.
 *
 *     CACHE/models--org--name/refs/<branch, tag or refs/pr/n>    a file that holds a commit hash
 *     CACHE/models--org--name/snapshots/<commit hash>/           the folder (links into ../../blobs)
 *
 * CACHE is $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else $HF_HOME/hub, else
 * $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; "~", "~user", $NAME and ${NAME} in their
 * values are expanded. Source: huggingface_hub, "Understand caching" and constants.py. */
#ifndef LL_CKPT_HUB_H
#define LL_CKPT_HUB_H
#include "fail.h"

/* asked: "org/name", "name", either with "@revision" (default main; a branch, a tag or a full hash). When the
 * cache has no ref "main" but exactly one snapshot, that one is taken. On success the caller owns *dir (the
 * snapshot) and *model_id ("org/name"). LL_EUSAGE when `asked` has another form or is not in the cache (the
 * message says where it looked), or LL_EFAIL. */
int ll_hub_find(const char *asked, char **dir, char **model_id, struct ll_err *err);

/* *is: 1 when folder is a model's folder in some cache (".../models--org--name", or the snapshots folder in
 * it). Then the caller owns *dir, the snapshot of the default revision. LL_EUSAGE when such a folder lacks
 * that snapshot, or LL_EFAIL. */
int ll_hub_repo(const char *folder, int *is, char **dir, struct ll_err *err);

/* "org/name" when dir lies inside some cache (".../models--org--name/snapshots/..."), owned; else NULL. */
char *ll_hub_id_of_path(const char *dir);
#endif
