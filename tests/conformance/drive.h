/* tuf-client run as a process. */
#ifndef SOTTO_TESTS_CONFORMANCE_DRIVE_H
#define SOTTO_TESTS_CONFORMANCE_DRIVE_H

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Its exit code; metadata lies in dir/md, what it says on standard error in dir/err. */
static inline int drive(const char *dir, const char *arguments)
{
    char command[2048];
    int n = snprintf(command, sizeof command, "%s --metadata-dir %s/md %s 2>%s/err", TUF_CLIENT, dir,
                     arguments, dir);
    assert_in_range(n, 1, (int)sizeof command - 1);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
