// Package inspect tells what the processes of one PID namespace are and were,
// from what /proc shows of them (proc(5)).
//
// FS reads /proc. A Table keeps an entry for every process: what it runs, who
// created it, since when it is dead. A Source feeds a Table while it runs: Sample
// needs no privilege, Exact is told by the kernel of everything below a filter,
// Connector of everything on a host. The reaper asks Table.Dying for everything
// known of a child it is about to reap.
//
// What the package says of a process is what was seen of that very process, told
// apart from others of the same PID by its start time. What nobody saw is unknown
// and stays so; what follows from session, process group or memory image is
// called inferred.
package inspect
