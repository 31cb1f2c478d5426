/* base, private: helpers that more than one file of the room uses. */
#ifndef SOTTO_BASE_PRIV_H
#define SOTTO_BASE_PRIV_H

#include <stddef.h>

/* Makes text[0..len) one harmless line: control bytes become '?', so that input quoted in a message can
 * neither forge a log line nor drive the operator's terminal. Returns len less an incomplete UTF-8 sequence
 * at the end, which a cut may have left there. */
size_t sotto_base_clean_line(char *text, size_t len);

#endif
