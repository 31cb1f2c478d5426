/* A plugin for qemu-user: prints how many instructions of the guest were run. Exact from run to run. Declares
 * the part of version 1 of the plugin interface that it uses, as QEMU documents it (docs/devel/tcg-plugins).
 *
 *   cc -shared -fPIC -o count_insn.so count_insn.c;  qemu-arm -d plugin -plugin ./count_insn.so PROGRAM */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb plugin_block;
enum { INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, plugin_block *));
size_t qemu_plugin_tb_n_insns(const plugin_block *block);
void qemu_plugin_register_vcpu_tb_exec_inline(plugin_block *block, int op, void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*at_exit)(plugin_id, void *), void *data);
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
static uint64_t instructions;

static void translated(plugin_id id, plugin_block *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &instructions,
                                             qemu_plugin_tb_n_insns(block));
}

static void at_exit(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    fprintf(stderr, "instructions %" PRIu64 "\n", instructions);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
