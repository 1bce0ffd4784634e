package journal

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"pid1/event"
)

// shorten appends a line for ev that is not longer than MaxLine and tells
// nothing that is not so: a process's own command line is cut and marked
// cmdline_cut; other command lines, and names and paths that do not fit, are left
// out, as if unknown; free text ends in "…". Where that is not enough, lists of
// objects (the survivors of a shutdown) lose their end, and cut and a field ending in
// _cut say so.
//
// It works on a copy: ev may be in use elsewhere. It is slow, and rare.
func shorten(dst []byte, ev event.Event) (line []byte, cut bool, err error) {
	for _, b := range bounds {
		small, ok := copyWithin(ev, b)
		if !ok {
			break
		}
		if dst = event.Append(dst[:0], small); len(dst) <= MaxLine {
			return dst, b.list < noBound, nil
		}
	}
	return nil, false, fmt.Errorf("cannot tell a %s event: its line is longer than %d bytes", ev.Header().Type, MaxLine)
}

// bound is what a string or a command line may have in bytes, and a list of
// objects in elements.
type bound struct{ text, list int }

const noBound = 1 << 30

var bounds = []bound{
	{8 << 10, noBound},
	{2 << 10, noBound},
	{512, noBound},
	{128, noBound},
	{32, noBound},
	{32, 512},
	{32, 128},
	{32, 32},
}

// freeText are the fields people read, which may be cut anywhere.
var freeText = map[string]bool{"Summary": true, "Reason": true, "Message": true, "Error": true}

// copyWithin returns a copy of ev that keeps within b.
func copyWithin(ev event.Event, b bound) (event.Event, bool) {
	v := reflect.New(reflect.TypeOf(ev).Elem())
	v.Elem().Set(reflect.ValueOf(ev).Elem())
	cutStruct(v.Elem(), b)
	small, ok := v.Interface().(event.Event)
	return small, ok
}

func cutStruct(v reflect.Value, b bound) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	c, isCommand := v.Addr().Interface().(*event.Command)
	if isCommand {
		var cut bool
		c.Cmdline, cut = cutArgs(c.Cmdline, b.text)
		c.CmdlineCut = c.CmdlineCut || cut
	}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !isCommand || name != "Cmdline" {
			cutField(name, v, v.Field(i), b)
		}
	}
}

// cutField cuts field f of struct v.
func cutField(name string, v, f reflect.Value, b bound) {
	switch f.Kind() {
	case reflect.String:
		if f.Len() > b.text {
			f.SetString(cutText(name, f.String(), b.text))
		}
	case reflect.Struct:
		cutStruct(f, b)
	case reflect.Pointer:
		if !f.IsNil() {
			c := reflect.New(f.Type().Elem())
			c.Elem().Set(f.Elem())
			f.Set(c)
			cutStruct(c.Elem(), b)
		}
	case reflect.Map:
		if f.Len() > b.list {
			f.SetZero()
		}
	case reflect.Slice:
		cutSlice(name, v, f, b)
	}
}

func cutSlice(name string, v, f reflect.Value, b bound) {
	if args, ok := f.Interface().([]string); ok {
		kept, cut := cutArgs(args, b.text)
		switch {
		case !cut:
		case name == "Command": // Hello's: it has no mark of its own
			f.Set(reflect.ValueOf(append(kept, "…")))
		default:
			f.SetZero()
		}
		return
	}
	n := min(f.Len(), b.list)
	if mark := v.FieldByName(name + "Cut"); n < f.Len() && mark.IsValid() {
		mark.SetBool(true)
	}
	c := reflect.MakeSlice(f.Type(), n, n)
	reflect.Copy(c, f)
	f.Set(c)
	for i := range n {
		if e := c.Index(i); e.Kind() == reflect.Struct {
			cutStruct(e, b)
		}
	}
}

func cutText(name, s string, limit int) string {
	if !freeText[name] {
		return ""
	}
	return prefix(s, limit) + "…"
}

// cutArgs keeps the first limit bytes of args, an ending NUL of each counted.
func cutArgs(args []string, limit int) (kept []string, cut bool) {
	for i, a := range args {
		if len(a) < limit {
			limit -= len(a) + 1
			continue
		}
		if a = prefix(a, limit); a == "" {
			return args[:i:i], true
		}
		return append(args[:i:i], a), true
	}
	return args, false
}

// prefix returns at most n bytes of s and breaks no rune.
func prefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for range utf8.UTFMax - 1 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}
