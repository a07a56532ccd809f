/* index_schema.h - the tables of the index; for src/store only. */
#ifndef LL_INDEX_SCHEMA_H
#define LL_INDEX_SCHEMA_H

enum {
    LL_INDEX_VERSION = 1,                /* PRAGMA user_version; another version is rebuilt, not migrated */
    LL_INDEX_APPLICATION = 0x4C4F4749,   /* PRAGMA application_id: "LOGI" */
    LL_INDEX_TOP = 5,                    /* tokens kept within a row; the others go to the _more tables */
};
extern const char ll_index_schema[];     /* SQL that makes an empty index */
#endif
