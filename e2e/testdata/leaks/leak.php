<?php
// Answers every request in a child of its own, and never waits for it.
//
// With "fixed" it waits for all that have ended, as the doctor advises.
$fixed = in_array("fixed", $argv);

function answer(int $request): void
{
    exit($request % 2);
}

for ($n = 0; ; $n++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        answer($n);
    }
    usleep(250000);
    if ($fixed) {
        while (pcntl_waitpid(-1, $status, WNOHANG) > 0) {
        }
    }
    if ($n === 20) {
        fwrite(STDOUT, "settled\n");
    }
}
