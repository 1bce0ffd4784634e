package event

import "strconv"

// SocketEnv names the environment variable that holds the feed's address for
// COMMAND and its children.
const SocketEnv = "PID1_SOCKET"

// Places returns where the feed of a pid1 running as uid listens unless it was
// told otherwise, in the order in which they are tried.
func Places(uid int) []string {
	name := "pid1-" + strconv.Itoa(uid) + "/pid1.sock"
	return []string{"/run/pid1/pid1.sock", "/dev/shm/" + name, "/tmp/" + name}
}
