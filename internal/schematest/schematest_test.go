package schematest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"pid1/event"
)

const head = `{"v":1,"ts":"2026-03-01T12:00:00.5Z",`

func TestWhatIsNotByTheSchema(t *testing.T) {
	for _, c := range []struct {
		line  string
		loose bool // a reader must take it all the same
	}{
		{`"type":"gap","lost":3,"from_seq":1,"to_seq":3,"new":1}`, true},
		{`"type":"of_tomorrow"}`, true},
		{`"type":"gap","lost":3,"from_seq":1,"to_seq":3,"seq":4}`, true},
		{`"type":"gap","lost":3,"from_seq":1}`, false},
		{`"type":"gap","lost":-3,"from_seq":1,"to_seq":3}`, false},
		{`"type":"gap","lost":"3","from_seq":1,"to_seq":3}`, false},
		{`"type":"oom","kills":1,"total":1}`, false},
		{`"type":"reap","seq":1,"pid":2,"main":true,"adopted":true,"exec_session":true,"code":1,"signal":"SIGTERM"}`, false},
		{`"type":"reap","seq":1,"pid":2,"main":true,"adopted":true,"exec_session":true}`, false},
		{`"type":"reap","seq":1,"pid":2,"main":true,"adopted":true,"exec_session":true,"signal":"TERM"}`, false},
		{`"type":"reap","seq":1,"pid":2,"main":true,"adopted":true,"exec_session":true,"code":0,"started":"today"}`, false},
		{`"type":"reap","seq":1,"pid":2,"main":true,"adopted":true,"exec_session":true,"code":0,"comm_b64":"%"}`, false},
		{`"type":"hello","version":"1","pid":1,"role":"boss","first_seq":1,"last_seq":1}`, false},
	} {
		line := []byte(head + c.line)
		if Line(line) == nil {
			t.Errorf("%s passed", line)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Loose()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != c.loose {
			t.Errorf("for a reader: %s: %v", line, err)
		}
	}
	if Line([]byte(`{"v":2,"type":"stats","ts":"2026-03-01T12:00:00Z"}`)) == nil || Line([]byte("nonsense")) == nil {
		t.Error("another version or nonsense passed")
	}
}

// What comes from outside may be any bytes.
func TestAnyBytesAreByTheSchema(t *testing.T) {
	r := event.New(event.TypeReap).(*event.Reap)
	r.Seq, r.PID, r.Code = 1, 2, 0
	r.TS = r.TS.AddDate(2025, 0, 0)
	for _, s := range []string{"plain", "caf\xe9", "\x1b[31m\n\x00", "\u202e\ufeff", strings.Repeat("\xff", 300)} {
		r.Comm, r.Exe, r.Cmdline, r.CmdlineHow = s, s, []string{s, "", s}, event.HowSeen
		r.Origin = &event.Proc{ID: event.ID{PID: 3}, Comm: s, Cmdline: []string{s}, How: event.HowExact}
		r.Lineage = []event.Ancestor{{PID: 3, Comm: s}}
		if err := Line(event.Append(nil, r)); err != nil {
			t.Error(err)
		}
	}
}
