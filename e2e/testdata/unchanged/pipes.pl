# fork, pipe, backticks, system, open to and from programs, and children that die of signals.
use strict;
$| = 1;
my %want;
for my $i (1 .. 20) {
  my $pid = fork // die;
  exit $i unless $pid;
  $want{$pid} = $i;
}
my $wrong = 0;
while ((my $pid = wait) > 0) { $wrong++ if $? >> 8 != delete $want{$pid} }
print "children: $wrong wrong, ", scalar(keys %want), " missing\n";
print "lines: ", `seq 1000 | sort -rn | head -n 3 | tr '\\n' ' '`, "\n";
print "system: ", system("exit 9") >> 8, " ", system("true") >> 8, "\n";
open my $out, "|-", "sort", "-u" or die;
print $out "b\na\nb\n";
close $out;
open my $in, "-|", "sh", "-c", "echo dying; kill -USR1 \$\$" or die;
print "read: ", <$in>;
close $in;
print "signal: ", $? & 127, "\n";
exec "perl", "-e", "exit 8";
