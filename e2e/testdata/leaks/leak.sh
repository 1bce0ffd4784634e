#!/bin/sh
# Starts a few jobs in the background, then sits in a builtin until somebody has
# something to say. A plain sh looks after its jobs with its next command.
#
# With "fixed" it waits for them first, as the doctor advises.
convert() {
	sleep 1
	exit 0
}

mkfifo /tmp/orders
for name in 1 2 3 4 5; do
	sleep 0.2
	convert "picture-$name.png" &
done
if [ "$1" = fixed ]; then
	wait
fi
echo settled
read -r order <>/tmp/orders
