/* main.c - argv to the command table (cmd/cmd.c). The program stays in the C locale: numbers have a point. */
#include "bus.h"
#include "cmd.h"

int main(int argc, char **argv)
{
    ll_bus_catch();
    return ll_main(argc, argv);
}
