# Answers every request in a child of its own, and never waits for it.
#
# With "fixed" it waits for all that have ended, as the doctor advises.
use strict;
use warnings;
use POSIX ":sys_wait_h";

my $fixed = grep { $_ eq "fixed" } @ARGV;
$| = 1;

sub answer {
    my ($request) = @_;
    exit($request % 2);
}

for (my $n = 0; ; $n++) {
    my $pid = fork;
    die "cannot fork: $!" unless defined $pid;
    answer($n) unless $pid;
    select undef, undef, undef, 0.25;
    if ($fixed) { 1 while waitpid(-1, WNOHANG) > 0 }
    print "settled\n" if $n == 20;
}
