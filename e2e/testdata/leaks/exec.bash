#!/bin/bash
# A start script that logs through a helper and watches a file, then becomes the
# server.
#
# With "fixed" pid1 gets the helpers, as the doctor advises.
watch() {
	sleep 1
}

if [ "$1" = fixed ]; then
	(watch &)
	(watch &)
else
	exec 3> >(sleep 1)
	watch &
	watch &
fi
sleep 0.7 # what start scripts do before they are done
echo settled
exec sleep 1000
