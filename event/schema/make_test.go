package schema_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pid1/event"
	"pid1/event/schema"
)

// The schema is made from the types of package event, their comments, and what
// they cannot say, which stands here: UPDATE_SCHEMA=1 go test ./event/schema writes
// it.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	want, err := json.MarshalIndent(newMaker(t).make(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if string(want) == string(schema.JSON) {
		return
	}
	if os.Getenv("UPDATE_SCHEMA") == "" {
		t.Fatal("stream.json is not what follows from the types; UPDATE_SCHEMA=1 writes it anew")
	}
	if err := os.WriteFile("stream.json", want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// words are the values of strings that have a few only, by type and field.
var words = map[string][]string{
	"Hello.role":          {"init", "subreaper", "local"},
	"Command.cmdline_how": {"exact", "seen", "inferred", "none"},
	"Proc.how":            {"exact", "seen", "inferred", "none"},
	"Exit.oom":            {"probable"},
	"Reap.oom":            {"probable"},
	"MainExit.oom":        {"probable"},
	"Signal.target":       {"main", "group", "all"},
	"Leak.state":          {"began", "ended"},
	"Shutdown.reason":     {"main_exit", "timeout"},
	"Survivor.outcome":    {"left", "killed", "remains"},
	"Source.state":        {"on", "off"},
	"End.reason":          {event.EndExit, event.EndStopped},
	"Process.sigchld":     {"default", "ignored", "handled"},
	"Inspect.sigchld":     {"default", "ignored", "handled"},
	"Inspect.seccomp":     {"off", "strict", "filter"},
}

// patterns are what other strings look like.
var patterns = map[string]string{
	"Signal.signal": `^SIG[A-Z0-9+]+$`, "Signal.became": `^(SIG[A-Z0-9+]+|ignore)$`,
	"Ended.signal": `^SIG[A-Z0-9+]+$`, "Sent.signal": `^SIG[A-Z0-9+]+$`,
	"Process.state": `^[RSDZTtXIPKW]$`, "Inspect.state": `^[RSDZTtXIPKW]$`,
	"Inspect.umask": `^[0-7]+$`, "Inspect.cap_eff": `^[0-9a-f]+$`,
}

// negative are the numbers that may be below 0.
var negative = map[string]bool{"Inspect.nice": true, "Inspect.oom_score_adj": true, "Leak.rate_per_min": true}

// raw are the strings that come from outside: beside each may stand its exact
// bytes.
var raw = map[string]bool{"comm": true, "cmdline": true, "exe": true, "was": true, "cwd": true, "root": true, "target": true}

// types are all there are, in the order in which the protocol tells of them.
var types = []event.Type{
	event.TypeHello, event.TypeStart, event.TypeExec, event.TypeOrphan, event.TypeZombie, event.TypeZombieGone,
	event.TypeExit, event.TypeReap, event.TypeSignal, event.TypeLeak, event.TypePressure, event.TypeOOM,
	event.TypeMainExit, event.TypeShutdown, event.TypeStats, event.TypeSource, event.TypeEnd, event.TypeGap,
	event.TypeSubscribed, event.TypeProcess, event.TypeProcessesEnd, event.TypeInspect, event.TypeError,
}

type object = map[string]any

// maker makes the schema.
type maker struct {
	defs   object
	types  map[string]string            // what a type says of itself
	fields map[string]map[string]string // and of its fields, by their Go names
}

func newMaker(t *testing.T) *maker {
	m := &maker{defs: object{}, types: map[string]string{}, fields: map[string]map[string]string{}}
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source: %v", err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				return true
			}
			spec := d.Specs[0].(*ast.TypeSpec)
			m.types[spec.Name.Name] = oneLine(d.Doc.Text())
			if s, ok := spec.Type.(*ast.StructType); ok {
				m.comments(spec.Name.Name, s)
			}
			return false
		})
	}
	return m
}

func (m *maker) comments(name string, s *ast.StructType) {
	m.fields[name] = map[string]string{}
	for _, f := range s.Fields.List {
		text := oneLine(f.Doc.Text() + " " + f.Comment.Text())
		for _, n := range f.Names {
			m.fields[name][n.Name] = text
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (m *maker) make() object {
	var branches []object
	for _, t := range types {
		ev := event.New(t)
		of := reflect.TypeOf(ev).Elem()
		def := m.object(of, ev)
		props := def["properties"].(object)
		props["type"] = object{"const": string(t)}
		def["required"] = append([]string{"v", "type", "ts"}, def["required"].([]string)...)
		switch {
		case t == event.TypeStats || t == event.TypeEnd: // the answer to a request; a recorder's own
		case t.Numbered():
			def["required"] = append(def["required"].([]string), "seq")
		default:
			delete(props, "seq")
		}
		if t == event.TypeReap {
			def["oneOf"] = []object{{"required": []string{"code"}}, {"required": []string{"signal"}}}
		} else if props["code"] != nil {
			def["not"] = object{"required": []string{"code", "signal"}}
		}
		m.defs[of.Name()] = def
		branches = append(branches, object{
			"if":   object{"properties": object{"type": object{"const": string(t)}}},
			"then": object{"$ref": "#/$defs/" + of.Name()},
		})
	}
	return object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "A line of the stream of pid1",
		"description": "UTF-8 JSON, one object a line. What is not known is left out. Fields and types that are not listed here are to be ignored.",
		"type":        "object",
		"properties":  object{"v": object{"const": event.Version}, "type": object{"type": "string"}, "ts": moment()},
		"required":    []string{"v", "type", "ts"},
		"allOf":       branches,
		"$defs":       m.defs,
	}
}

func moment() object { return object{"type": "string", "format": "date-time"} }

// object describes a struct. What New leaves in a line is required; in a struct
// that is no event, what its encoder always writes.
func (m *maker) object(of reflect.Type, ev event.Event) object {
	props := object{}
	m.properties(of, props)
	def := object{"type": "object", "description": m.types[of.Name()], "properties": props}
	required := []string{}
	if ev != nil {
		var line object
		if json.Unmarshal(event.Append(nil, ev), &line) != nil {
			panic("no JSON")
		}
		for k := range line {
			if k != "v" && k != "type" && k != "ts" {
				required = append(required, k)
			}
		}
		props["v"], props["ts"] = object{"const": event.Version}, moment()
		slices.Sort(required)
	} else if props["pid"] != nil && of.Name() != "Sender" {
		required = []string{"pid"}
	}
	def["required"] = required
	return def
}

func (m *maker) properties(of reflect.Type, props object) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			m.properties(f.Type, props)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := m.value(f.Type, of.Name()+"."+name)
		if text := m.fields[of.Name()][f.Name]; text != "" {
			p["description"] = text
		}
		props[name] = p
		if raw[name] && !(of.Name() == "Signal" || of.Name() == "Hello") {
			props[name+"_b64"] = object{
				"type": "string", "contentEncoding": "base64",
				"description": "the exact bytes of " + name + ", where they are no UTF-8",
			}
		}
	}
}

func (m *maker) value(of reflect.Type, where string) object {
	if of == reflect.TypeFor[time.Time]() {
		return moment()
	}
	switch of.Kind() {
	case reflect.Pointer:
		return m.value(of.Elem(), where)
	case reflect.Struct:
		if m.defs[of.Name()] == nil {
			m.defs[of.Name()] = object{} // no type holds itself, but one may come twice
			m.defs[of.Name()] = m.object(of, nil)
		}
		return object{"$ref": "#/$defs/" + of.Name()}
	case reflect.Slice:
		return object{"type": "array", "items": m.value(of.Elem(), where+"[]")}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	case reflect.String:
		p := object{"type": "string"}
		if w := words[where]; w != nil {
			p["enum"] = w
		}
		if re := patterns[where]; re != "" {
			p["pattern"] = re
		}
		return p
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return number("number", where)
	default:
		return number("integer", where)
	}
}

func number(kind, where string) object {
	p := object{"type": kind}
	if !negative[where] {
		p["minimum"] = 0
	}
	return p
}
