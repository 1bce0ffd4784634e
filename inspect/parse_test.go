package inspect

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestCmdline(t *testing.T) {
	many := strings.Repeat("a\x00", 100)
	long := strings.Repeat("x", MaxCmdline+1)
	for _, c := range []struct {
		name, raw string
		want      []string
		cut       bool
	}{
		{"nothing", "", nil, false},
		{"one", "sleep\x00", []string{"sleep"}, false},
		{"two", "sleep\x001\x00", []string{"sleep", "1"}, false},
		{"not ended", "sleep\x001", []string{"sleep", "1"}, false},
		{"empty argument last", "sh\x00-c\x00\x00", []string{"sh", "-c", ""}, false},
		{"two empty ones last", "x\x00\x00\x00", []string{"x", "", ""}, false},
		{"a title and its padding", "nginx: worker\x00\x00\x00\x00\x00\x00", []string{"nginx: worker"}, false},
		{"only padding", "\x00\x00\x00\x00\x00", nil, false},
		{"an empty name", "\x00x\x00", []string{"", "x"}, false},
		{"too many", many, strings.Split(many, "\x00")[:MaxArgs], true},
		{"exactly as many", many[:2*MaxArgs], strings.Split(many, "\x00")[:MaxArgs], false},
		{"too long", long, []string{long[:MaxCmdline]}, true},
		{"exactly as long", long[:MaxCmdline], []string{long[:MaxCmdline]}, false},
		{"cut inside a character", long[:MaxCmdline-1] + "é", []string{long[:MaxCmdline-1]}, true},
		{"cut behind a character", long[:MaxCmdline-2] + "éx", []string{long[:MaxCmdline-2] + "é"}, true},
		{"cut inside what is no character", long[:MaxCmdline-1] + "\x80\x80", []string{long[:MaxCmdline-1] + "\x80"}, true},
	} {
		kept, cut := boundCmdline([]byte(c.raw[:min(len(c.raw), MaxCmdline+1)]))
		if d := cmp.Diff(c.want, splitArgs(kept)); d != "" || cut != c.cut {
			t.Errorf("%s: cut %v, want %v; -want +got\n%s", c.name, cut, c.cut, d)
		}
	}
}

func FuzzCmdline(f *testing.F) {
	f.Add([]byte("sh\x00-c\x00\x00"))
	f.Add([]byte(strings.Repeat("é\x00", 3000)))
	f.Add([]byte(strings.Repeat("\x00", 5000)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = raw[:min(len(raw), MaxCmdline+1)]
		kept, cut := boundCmdline(raw)
		args := splitArgs(kept)
		size := len(args)
		for _, a := range args {
			size += len(a)
		}
		if len(args) > MaxArgs || size > MaxCmdline+1 {
			t.Errorf("%d arguments of %d bytes were kept of %q", len(args), size, raw)
		}
		if !cut && utf8.Valid(raw) != utf8.Valid(kept) {
			t.Errorf("%q became %q", raw, kept)
		}
	})
}

func TestDisposition(t *testing.T) {
	const status = "Name:\tx\\nSigIgn:\\tffffffffffffffff\nState:\tS (sleeping)\nSigQ:\t0/1\n" +
		"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"
	for _, c := range []struct{ masks, want string }{
		{"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n", "default"},
		{"SigBlk:\t0000000000000000\nSigIgn:\t0000000000010000\nSigCgt:\t0000000000000000\n", "ignored"},
		{"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000180014a07\n", "handled"},
		{"SigBlk:\t0000000000010000\nSigIgn:\tfffffffffffeffff\nSigCgt:\tfffffffffffeffff\n", "default blocked"},
		{"SigBlk:\t00000000fff9feff\nSigIgn:\t0000000000000000\nSigCgt:\tffffffffffffffff\n", "handled blocked"},
		{"SigBlk:\tfffffffe7ffbfeff\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n", "default"}, // Perl's fork
		{"SigBlk:\tfffffffffffbfeff\nSigIgn:\t0000000000000000\nSigCgt:\tffffffffffffffff\n", "handled"}, // glibc's
		{"SigBlk:\t0000000000010000\n", ""},
		{"SigBlk:\tg\nSigIgn:\t0\nSigCgt:\t0\n", ""},
		{"SigBlk:\t00000000000000000\nSigIgn:\t0\nSigCgt:\t0\n", ""},
	} {
		d := parseDisposition([]byte(status + c.masks))
		got := d.String()
		if d.blocked {
			got += " blocked"
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.masks, got, c.want)
		}
	}
}

func TestCursor(t *testing.T) {
	for line, want := range map[string]int{
		"0.89 0.55 0.53 2/139 12479\n": 12479,
		"0.89 0.55 0.53 2/139 12479":   0, // short
		"0.89 0.55 0.53 2/139 12":      0, // shorter
		"0.89 0.55 0.53 2/139":         0,
		"0.89 0.55 0.53 2/139 x\n":     0,
		"1 2 3 4 5 6\n":                0,
		"1 2 3 4 99999999\n":           0,
		"":                             0,
	} {
		got, ok := parseCursor([]byte(line))
		if got != want && ok || ok != (want != 0) {
			t.Errorf("%q: %d %v, want %d", line, got, ok, want)
		}
	}
}

func TestParsePID(t *testing.T) {
	for name, want := range map[string]int{
		"1": 1, "4194304": 4194304, "0": 0, "": 0, "self": 0, "12a": 0, "-1": 0, "12345678": 0, ".": 0,
	} {
		if got, ok := parsePID([]byte(name)); ok != (want != 0) || ok && got != want {
			t.Errorf("%q: %d %v, want %d", name, got, ok, want)
		}
	}
}

func TestHidesPIDs(t *testing.T) {
	for mounts, want := range map[string]bool{
		"proc /proc proc rw,relatime 0 0\n":                                           false,
		"proc /proc proc rw,relatime,hidepid=2 0 0\n":                                 true,
		"proc /proc proc rw,hidepid=invisible 0 0\n":                                  true,
		"proc /proc proc rw,hidepid=0 0 0\n":                                          false,
		"proc /other proc rw,hidepid=2 0 0\n":                                         false,
		"proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw 0 0\n":                  false,
		"tmpfs /proc tmpfs rw,hidepid=2 0 0\n":                                        false,
		"/dev/sda / ext4 rw 0 0\nproc /proc proc rw,nosuid,gid=5,hidepid=ptraceable ": true,
		"": false,
	} {
		if got := hidesPIDs([]byte(mounts), "/proc"); got != want {
			t.Errorf("%q: %v, want %v", mounts, got, want)
		}
	}
}

func FuzzParsers(f *testing.F) {
	f.Add([]byte("0.89 0.55 0.53 2/139 12479\n"))
	f.Add([]byte("Name:\tx\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t10000\n"))
	f.Add([]byte("proc /proc proc rw,hidepid=2 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pid, ok := parseCursor(b); ok && (pid < 0 || pid > maxPID) {
			t.Errorf("%q: cursor %d", b, pid)
		}
		parseDisposition(b)
		hidesPIDs(b, "/proc")
	})
}
