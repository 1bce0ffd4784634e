package event

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var allTypes = []Type{
	TypeHello, TypeStart, TypeExec, TypeOrphan, TypeZombie, TypeZombieGone, TypeExit,
	TypeReap, TypeSignal, TypeLeak, TypePressure, TypeOOM, TypeMainExit, TypeShutdown,
	TypeStats, TypeGap, TypeSource, TypeSubscribed, TypeProcess, TypeProcessesEnd, TypeError,
	TypeEnd, TypeInspect,
}

// fill gives every field below v a value of its own, so that a field the encoder
// forgets shows up as a difference.
func fill(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, *n, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "1", "b": "2"}))
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.25)
	default:
		panic(v.Kind())
	}
}

func filled(t Type) Event {
	ev := New(t)
	n := 0
	fill(reflect.ValueOf(ev).Elem(), &n)
	ev.Header().Type = t
	if f := reflect.ValueOf(ev).Elem().FieldByName("Ended"); f.IsValid() {
		f.Set(reflect.ValueOf(Ended{Code: Unknown, Signal: "SIGABRT", Core: true}))
	}
	return ev
}

func TestEveryFieldSurvivesTheLine(t *testing.T) {
	for _, typ := range allTypes {
		t.Run(string(typ), func(t *testing.T) {
			want := filled(typ)
			line := Append(nil, want)
			if !json.Valid(line) || !strings.HasSuffix(string(line), "}\n") || strings.Count(string(line), "\n") != 1 {
				t.Fatalf("not one line of JSON: %s", line)
			}
			got, err := Decode(line)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s\n%s", d, line)
			}
		})
	}
}

func TestUnknownIsLeftOutAndComesBackAsUnknown(t *testing.T) {
	for _, typ := range allTypes {
		want := New(typ)
		line := Append(nil, want)
		got, err := Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", line, d)
		}
		if strings.Contains(string(line), "-1") {
			t.Errorf("an unknown number is on the line: %s", line)
		}
	}
}

func TestCodeZeroIsToldAndCodeAndSignalExclude(t *testing.T) {
	r := New(TypeReap).(*Reap)
	r.Code = 0
	if line := string(Append(nil, r)); !strings.Contains(line, `"code":0`) {
		t.Errorf("exit 0 is missing: %s", line)
	}
	r.Code, r.Signal = Unknown, "SIGKILL"
	if line := string(Append(nil, r)); strings.Contains(line, `"code"`) || !strings.Contains(line, `"signal":"SIGKILL"`) {
		t.Errorf("want a signal and no code: %s", line)
	}
}

func TestHostileStrings(t *testing.T) {
	for _, s := range []string{
		"plain", "5 (x) S", "a\"b\\c", "new\nline\ttab\x00nul", "\x1b]0;owned\x07", "\x7f\u009b31m",
		"caf\xe9", "\xff\xfe", "ok é ⌘ 漢", "\u202Eevil", "\ufffd", "half \xe2\x82", "\u2028",
	} {
		r := New(TypeReap).(*Reap)
		r.Comm, r.Exe = s, s
		r.Cmdline = []string{s, "", s}
		r.Origin = &Proc{ID: ID{PID: 1}, Comm: s, Cmdline: []string{s, ""}}
		r.Lineage = []Ancestor{{PID: 2, Comm: s}}
		line := Append(nil, r)
		if !json.Valid(line) {
			t.Fatalf("%q: not JSON: %s", s, line)
		}
		for _, c := range string(line[:len(line)-1]) {
			if c < 0x20 || c == 0x7f || unsafeRune(c) {
				t.Errorf("%q: %U stands raw on the line", s, c)
			}
		}
		got, err := Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Event(r), got); d != "" {
			t.Errorf("%q: -want +got\n%s", s, d)
		}
	}
}

func TestForeignLines(t *testing.T) {
	for _, c := range []struct{ line, err string }{
		{`{"v":1,"type":"of_tomorrow","x":1}`, ""},
		{`{"v":1,"type":"gap","lost":3,"from_seq":1,"to_seq":3,"new":{"a":[1]}}`, ""},
		{`{"v":2,"type":"reap"}`, "version 2"},
		{`{"v":1}`, "no type"},
		{`nonsense`, "cannot read the line"},
		{`{"v":1,"type":"reap","pid":"x"}`, "cannot read a reap line"},
		{`{"v":1,"type":"reap","comm_b64":"!"}`, "cannot read a reap line"},
	} {
		_, err := Decode([]byte(c.line))
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.line, err, c.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, typ := range allTypes {
		f.Add(Append(nil, filled(typ)))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		ev, err := Decode(line)
		if err != nil || ev == nil {
			return
		}
		again := Append(nil, ev)
		if !json.Valid(again) {
			t.Fatalf("%q became %q", line, again)
		}
	})
}

func BenchmarkAppendReap(b *testing.B) {
	ev := filled(TypeReap)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], ev)
	}
}

// BenchmarkMarshalReap is the peer of BenchmarkAppendReap: the same event through
// encoding/json.
func BenchmarkMarshalReap(b *testing.B) {
	ev := filled(TypeReap)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(ev); err != nil {
			b.Fatal(err)
		}
	}
}

// A number JSON has no word for is left out: the line stays one.
func TestNumbersJSONHasNoWordFor(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		l := New(TypeLeak).(*Leak)
		l.RatePerMin = f
		if line := Append(nil, l); !json.Valid(line) || strings.Contains(string(line), "rate_per_min") {
			t.Errorf("%v is on the line: %s", f, line)
		}
	}
}

// Wherever a name, a command line or a path from outside stands, its exact bytes
// come back.
func TestExactBytesEverywhere(t *testing.T) {
	outside := map[string]bool{"Comm": true, "Cmdline": true, "Exe": true, "Was": true, "Cwd": true, "Root": true, "Target": true}
	var spoil func(v reflect.Value, name string)
	spoil = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				spoil(v.Field(i), v.Type().Field(i).Name)
			}
		case reflect.Pointer:
			spoil(v.Elem(), name)
		case reflect.Slice:
			for i := range v.Len() {
				spoil(v.Index(i), name)
			}
		case reflect.String:
			if outside[name] {
				v.SetString("caf\xe9\n" + v.String())
			}
		}
	}
	for _, typ := range allTypes {
		want := filled(typ)
		if s, ok := want.(*Signal); ok {
			s.Target, s.From.Comm = "main", "caf\xe9" // its target is a word
			s.From.Cmdline = []string{"caf\xe9", ""}
		} else {
			spoil(reflect.ValueOf(want).Elem(), "")
		}
		got, err := Decode(Append(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", typ, d)
		}
	}
}
