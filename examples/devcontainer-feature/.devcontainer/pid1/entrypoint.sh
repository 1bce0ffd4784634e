# Read by the shell that is the container's PID 1 to begin with. That shell then
# executes its arguments, if it has any, in its own place; with pid1 in front of
# them it is pid1 that becomes PID 1.
[ $# -gt 0 ] || set -- sleep infinity
set -- /usr/local/bin/pid1 --map-exit 143=0 -- "$@"
