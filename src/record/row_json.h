/* row_json.h - cells of a row as members of a JSON object, named as their columns. */
#ifndef LL_ROW_JSON_H
#define LL_ROW_JSON_H
#include "json_write.h"
#include "record.h"

/* Columns first..last of the row into the open object; an empty cell is null. */
void ll_row_json(struct ll_json *j, const struct ll_row *row, int first, int last);
#endif
