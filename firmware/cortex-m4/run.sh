#!/bin/sh
# Builds the engine for a Cortex-M4 without an operating system and runs it under QEMU (mps2-an386): the golden rows, bit for bit
# (the very test of the other CPUs), then the example, with what it takes of flash, RAM and instructions.
#   firmware/cortex-m4/run.sh [BUILD_FOLDER [MODEL.sotto]]       exit status 77: a tool is missing
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${1:-$top/build/cortex-m4}
model=${2:-$top/tests/data/model/golden.sotto}

for tool in arm-none-eabi-gcc arm-none-eabi-size qemu-system-arm; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
echo 'int main(void) { return 0; }' | arm-none-eabi-gcc --specs=rdimon.specs -x c - -o /dev/null 2>/dev/null ||
    { echo "skipped: no newlib for semihosting"; exit 77; }

# Some compilers bring a stdint.h of their own, which does not say what newlib's inttypes.h asks for.
flags="-D__int64_t_defined=1 -mcpu=cortex-m4 -mthumb -mfloat-abi=soft -Os -std=gnu11 -ffunction-sections -fdata-sections -fno-strict-aliasing
    -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
    -I$top/include -I$top/src/model -I$top/src/fixed -I$here"
link="--specs=rdimon.specs -T $here/link.ld -Wl,--gc-sections"

mkdir -p "$out"
objects=
for source in "$top"/src/base/status.c "$top"/src/base/diag.c "$top"/src/base/span.c "$top"/src/base/arena.c "$top"/src/base/sat.c \
    "$top"/src/fixed/*.c "$top"/src/codec/cursor.c "$top"/src/codec/crc32.c "$top"/src/codec/utf8.c \
    "$top"/src/tags/value.c "$top"/src/tags/profile.c "$top"/src/tags/dictionary.c "$top"/src/model/*.c; do
    object=$out/$(basename "$(dirname "$source")")-$(basename "$source" .c).o
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $flags -c "$source" -o "$object"
    objects="$objects $object"
done
# shellcheck disable=SC2086
{
    arm-none-eabi-gcc $flags -c "$here/start.c" -o "$out/start.o"
    arm-none-eabi-gcc $flags -c "$here/score.c" -o "$out/score.o"
    arm-none-eabi-gcc $flags -DSOTTO_SOURCE_DIR="\"$top\"" -c "$top/tests/model/test_golden.c" -o "$out/golden.o"
    printf '.section .model, "a"\n.incbin "%s"\n' "$model" | arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -x assembler -c - -o "$out/model.o"
    arm-none-eabi-gcc $flags $link "$out/start.o" "$out/golden.o" $objects -o "$out/golden.elf"
    arm-none-eabi-gcc $flags --specs=nano.specs $link "$out/start.o" "$out/score.o" "$out/model.o" $objects -o "$out/score.elf" -Wl,-Map="$out/score.map"
}

run() {
    timeout 90 qemu-system-arm -M mps2-an386 -display none -serial null -monitor none -semihosting-config enable=on,target=native \
        -icount shift=0 -kernel "$1"
}
run "$out/golden.elf"
run "$out/score.elf" | tee "$out/score.txt"

# One tick of the emulated 25 MHz clock is 40 ns, and an instruction 1 ns (-icount shift=0).
awk '/^ticks of/ { printf "instructions a row: %d margin, %d with reasons\n", $5 * 40 / $3, $7 * 40 / $3 }' "$out/score.txt"
# What the linker kept of the engine, without the example, the C library and the model.
awk 'function hex(text, n, i) { for (i = 3; i <= length(text); i++) n = n * 16 + index("123456789abcdef", substr(text, i, 1)); return n }
    /^ \.(text|rodata|data|bss)/ && NF == 1 { name = $1; getline; $0 = name " " $0 }
    $4 ~ /(base|fixed|codec|tags|model)-[a-z0-9_]+\.o$/ && $1 ~ /^\.(text|rodata|data)/ { flash += hex($3) }
    $4 ~ /(base|fixed|codec|tags|model)-[a-z0-9_]+\.o$/ && $1 ~ /^\.(data|bss)/ { ram += hex($3) }
    END { printf "engine: %d bytes of flash, %d bytes of static RAM\n", flash, ram }' "$out/score.map"
arm-none-eabi-size "$out/score.elf"
