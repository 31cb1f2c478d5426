# Nothing was killed, no line of a unit was not understood, no call was found that the filters refuse.
found=$(journalctl -b --no-pager -o cat | grep -i 'type=1326\|SIGSYS\|status=31\|status=226\|status=218\|apparmor="DENIED"\|oom-kill\|Out of memory\|Failed at step\|Unknown key\|Unknown lvalue\|is deprecated' | head -n 10)
same "the journal's bad words" "" "$found"
same "units that failed" "" "$(systemctl --failed --no-legend --plain --no-pager | grep sotto)"
