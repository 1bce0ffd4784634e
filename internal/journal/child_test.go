package journal

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// childEnv makes the test binary connect to a socket and print what it is sent,
// so that another user can be seen to try.
const childEnv = "JOURNAL_TEST_CONNECT"

func child() int {
	conn, err := net.Dial("unix", os.Getenv(childEnv))
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return 1
	}
	defer conn.Close()
	if _, err := io.Copy(os.Stdout, io.LimitReader(conn, 4096)); err != nil {
		return 1
	}
	return 0
}

// connectAs returns what user uid is told by the server at path, up to the end of
// the connection.
func connectAs(t *testing.T, uid uint32, path string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = "/"
	cmd.Env = []string{childEnv + "=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	return out.String()
}
