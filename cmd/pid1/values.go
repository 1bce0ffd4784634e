package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// size is a number of bytes.
type size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"m", 1 << 20}, {"g", 1 << 30},
	{"B", 1}, {"", 1},
}

func (s *size) Type() string { return "SIZE" }

func (s *size) String() string {
	n, unit := int64(*s), ""
	for _, u := range sizeUnits[:3] {
		if int64(*s)%u.bytes == 0 && *s != 0 {
			n, unit = int64(*s)/u.bytes, u.name
		}
	}
	return strconv.FormatInt(n, 10) + unit
}

// minSize is the least a record's file may have: a line can have half of it.
const minSize = 4 << 10

func (s *size) Set(v string) error {
	for _, u := range sizeUnits {
		num, ok := strings.CutSuffix(v, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(num, 64)
		if err != nil || !(f >= 0 && f*float64(u.bytes) < 1<<60) {
			break
		}
		if n := int64(f * float64(u.bytes)); n >= minSize {
			*s = size(n)
			return nil
		}
		return fmt.Errorf("less than %dKiB", minSize>>10)
	}
	return errors.New("not a size such as 64MiB, 500kB or 1G")
}

// keep is how many old files there are.
type keep int

func (k *keep) Type() string   { return "N" }
func (k *keep) String() string { return strconv.Itoa(int(*k)) }

func (k *keep) Set(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1000 {
		return errors.New("not a number from 0 to 1000")
	}
	*k = keep(n)
	return nil
}

// fileMode is the mode of a socket: who may write to it may connect.
type fileMode uint32

func (m *fileMode) Type() string   { return "MODE" }
func (m *fileMode) String() string { return fmt.Sprintf("%04o", uint32(*m)) }

func (m *fileMode) Set(v string) error {
	n, err := strconv.ParseUint(v, 8, 32)
	if err != nil || n&^0o666 != 0 || n&0o600 != 0o600 {
		return errors.New("not a mode such as 0600, 0660 or 0666")
	}
	*m = fileMode(n)
	return nil
}
