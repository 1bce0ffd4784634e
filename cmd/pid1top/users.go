package main

import (
	"os"
	"strconv"
	"strings"
)

// userNames names users as /etc/passwd of this container does (passwd(5)), or by
// number. It is read once.
func userNames() func(uid int) string {
	names := map[int]string{}
	data, _ := os.ReadFile("/etc/passwd") // images without one are common
	for line := range strings.Lines(string(data)) {
		f := strings.Split(line, ":")
		if len(f) < 3 {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if _, twice := names[uid]; err == nil && !twice && f[0] != "" {
			names[uid] = clean(f[0])
		}
	}
	return func(uid int) string {
		switch name := names[uid]; {
		case name != "":
			return name
		case uid < 0:
			return "?"
		}
		return strconv.Itoa(uid)
	}
}
