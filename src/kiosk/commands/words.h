/* The words of a command that asks the engine: each NULL, or as it was typed. */
#ifndef SOTTO_KIOSK_COMMANDS_WORDS_H
#define SOTTO_KIOSK_COMMANDS_WORDS_H

#include "sotto/base.h"

typedef struct kiosk_words {
    const char *command, *customer, *offers, *slot, *channel, *language, *kind, *campaign, *at, *id, *amount,
        *balance, *product, *page, *due;
    bool explain, json, lines;
} kiosk_words;

/* allowed: the options that this command takes, each between two spaces. False when a word is wrong, which
 * was told already. */
bool kiosk_take_words(kiosk_words *w, int argc, char **argv, const char *allowed);
/* The body of the request. NO_SPACE. */
SOTTO_MUST_USE sotto_status kiosk_words_request(const kiosk_words *w, sotto_buf *out);

#endif
