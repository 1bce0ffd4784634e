package main

import (
	"io"
	"strings"
	"testing"
)

// FuzzOptions gives pid1 any arguments and any variables, in every dialect: it takes
// them or refuses them in words.
func FuzzOptions(f *testing.F) {
	f.Add("pid1", "--signal\x00TERM=QUIT\x00--map-exit\x0099=0\x00--\x00sh", "PID1_GRACE=1h\x00PID1_SIGNAL=USR1=ignore")
	f.Add("tini", "-vvv\x00-p\x00SIGTERM\x00-e\x00143\x00sh", "TINI_SUBREAPER=1\x00TINI_VERBOSITY=9")
	f.Add("dumb-init", "-r\x0015:0\x00--rewrite=1:64\x00sh", "DUMB_INIT_SETSID=0")
	f.Add("catatonit", "-P\x00-g\x00sh", "")
	f.Add("pid1", "--as\x00tini\x00-s\x00sh", "=\x00PID1_\x00PID1_REDACT=(")
	f.Add("pid1", "--record-max-size\x00999999999999TiB\x00-t\x001e400\x00--socket-mode\x00777777777\x00sh", "PID1_HISTORY=-1")
	f.Fuzz(func(t *testing.T, name, args, env string) {
		c := &call{name: name, args: strings.Split(args, "\x00"), env: strings.Split(env, "\x00"), stdout: io.Discard, stderr: io.Discard}
		d, err := speaks(c)
		if d != nil {
			if o, status := d.parse(c); o == nil && (status < 0 || status > 255) {
				t.Errorf("%q: status %d", args, status)
			}
			return
		}
		if err == nil {
			_, err = parse(c.args, c.env)
		}
		if err != nil && err.Error() == "" {
			t.Errorf("%q is refused without a word", args)
		}
	})
}
