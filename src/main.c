/* main.c - argv to the command table (cmd/cmd.c). */
#include "cmd.h"

#include <locale.h>

int main(int argc, char **argv)
{
    /* Character widths for terminal tables; numbers keep the C locale's point. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    return ll_main(argc, argv);
}
