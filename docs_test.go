package pid1

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/pages"
	"pid1/internal/schematest"
)

// Every block of every page says what it is for, so that e2e's TestPages runs what
// can be run, and of the rest the page says why not.
func TestPagesSayWhatIsRun(t *testing.T) {
	found, err := pages.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	run := 0
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := pages.Read(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, b := range blocks {
			if b.Runs() {
				run++
			}
		}
	}
	if run < 60 {
		t.Errorf("only %d blocks are run", run)
	}
}

// A link to a file leads to one.
func TestLinks(t *testing.T) {
	found, err := pages.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// What the scenarios' table names as shown by a test is shown by a test.
func TestScenariosNameTests(t *testing.T) {
	tests := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(table), -1)
	if len(named) < 24 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
}

// Every verdict is explained, and of all advice it is told how it was confirmed.
func TestDoctorIsExplained(t *testing.T) {
	text, err := os.ReadFile("docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range doctor.Programs() {
		if line := "| " + p.Name + " | " + p.Tried + " |\n"; !strings.Contains(string(text), line) {
			t.Errorf("docs/doctor.md lacks the line %s", line)
		}
	}
	for _, v := range doctor.Verdicts() {
		if !strings.Contains(string(text), "| `"+string(v)+"` | ") {
			t.Errorf("docs/doctor.md does not explain %s", v)
		}
	}
}

// Every type is documented, with a line that was really sent and that a reader of
// today takes.
func TestProtocolHasAnExampleOfEveryType(t *testing.T) {
	text, err := os.ReadFile("docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range schematest.Types() {
		line, ok := schematest.Example(string(text), typ)
		if !ok {
			t.Errorf("there is no example of %s", typ)
			continue
		}
		if err := schematest.Line([]byte(line)); err != nil {
			t.Errorf("the example of %s: %v", typ, err)
		}
		if ev, err := event.Decode([]byte(line)); err != nil || ev == nil || string(ev.Header().Type) != typ {
			t.Errorf("the example of %s is read as %v, %v", typ, ev, err)
		}
	}
}
