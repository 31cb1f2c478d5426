/* The learning commands by themselves, as sotto-hq runs them. */
#include "learn.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } COMMANDS[] = {
        {"train", sotto_hq_cmd_train}, {"model", sotto_hq_cmd_model}, {"describe", sotto_hq_cmd_describe}};
    for (size_t i = 0; argc > 1 && i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    fprintf(stderr, "train, model or describe\n");
    return 2;
}
