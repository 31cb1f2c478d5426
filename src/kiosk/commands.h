/* The commands of sotto; main.c has their table. argv[0] is the command's word. The result is the exit code.
 */
#ifndef SOTTO_KIOSK_COMMANDS_H
#define SOTTO_KIOSK_COMMANDS_H

#include "config/config.h"

typedef struct kiosk_command {
    const char *name;
    const char *summary;
    const char *help; /* usage, options, an example */
    int (*run)(const kiosk_config *config, int argc, char **argv);
} kiosk_command;
int kiosk_cmd_init(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_enrol(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_import(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_pack(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_serve(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_decide(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_event(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_sync(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_status(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_audit(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_forget(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_replay(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_doctor(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_model(const kiosk_config *config, int argc, char **argv); /* config may be NULL */

#endif
