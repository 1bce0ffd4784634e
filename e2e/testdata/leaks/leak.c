/*
 * A prefork server: a worker serves a few requests and exits, and the master starts
 * another one. It forgets to wait.
 *
 * With "fixed" it waits for all that have ended, as the doctor advises.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int requests)
{
	while (requests-- > 0)
		usleep(10000);
	_exit(0);
}

int main(int argc, char **argv)
{
	int fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;

	for (int n = 0;; n++) {
		if (fork() == 0)
			serve(5);
		usleep(250000);
		while (fixed && waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (n == 20) {
			puts("settled");
			fflush(stdout);
		}
	}
}
