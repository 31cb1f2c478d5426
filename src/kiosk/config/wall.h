/* What both walls must grant in a build for tests. */
#ifndef SOTTO_KIOSK_CONFIG_WALL_H
#define SOTTO_KIOSK_CONFIG_WALL_H

/* LeakSanitizer looks into /proc when a process ends; a build without it does not. */
/* Versions of clang-format disagree on braces in macros. */
/* clang-format off */
#ifdef __SANITIZE_ADDRESS__
#define KIOSK_LEAK_CHECK_GRANT {"/proc", false}
#else
#define KIOSK_LEAK_CHECK_GRANT {"", false} /* no such path: skipped */
#endif
/* clang-format on */

#endif
