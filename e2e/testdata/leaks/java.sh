#!/bin/sh
# The start script of a Java program, with helpers beside it that end some time.
#
# With "fixed" pid1 gets the helpers, as the doctor advises.
warm_cache() {
	sleep "$1"
}

if [ "$1" = fixed ]; then
	(warm_cache 0.5 &)
	(warm_cache 1 &)
else
	warm_cache 0.5 &
	warm_cache 1 &
fi
exec java /app/Leak.java
