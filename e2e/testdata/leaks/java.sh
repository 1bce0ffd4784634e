#!/bin/sh
# The start script of a Java program, with helpers beside it that end some time.
#
# With "fixed" pid1 gets the helpers, as the doctor advises.
warm_cache() {
	sleep "$1"
}

if [ "$1" = fixed ]; then
	(warm_cache 2 &)
	(warm_cache 2 &)
else
	warm_cache 2 &
	warm_cache 2 &
fi
sleep 0.7 # what start scripts do before they are done
exec java /app/Leak.java
