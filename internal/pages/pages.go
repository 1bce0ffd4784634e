// Package pages reads the documentation's fenced blocks so that tests can run
// them: what a page tells its reader to type is what is tested, and no copy of it.
//
// What a block is for stands behind its language:
//
//	sh                  typed into a shell; a text block that follows is what comes out
//	sh again            the same, again and again until that comes out
//	sh screen           opens a full screen that shows what follows; q leaves it
//	LANGUAGE file=NAME  written to NAME
//	LANGUAGE in=NAME    a part of the file NAME
//	LANGUAGE no-run: WHY
//
// In a text block … stands for any characters, alone on a line for any lines.
// Text and JSON need no word; a block that could be typed or saved and does not
// say what it is for is an error.
package pages

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Use is what a block is for.
type Use int

// What a block can be for.
const (
	Shown  Use = iota // only to be looked at
	Typed             // run once
	Again             // run until Want comes out
	Screen            // run in a terminal
	Saved             // written to the file Name
	Part              // contained in the file Name
	NotRun            // left out, for a reason that is given
)

// Block is a fenced block.
type Block struct {
	Line int // of its first fence, from 1
	Use  Use
	Name string // of the file, with Saved and Part
	Text string
	// Want is the text block that directly follows one that is run; HasWant
	// tells an empty one from none.
	Want    string
	HasWant bool
}

// Runs reports whether the block is a command that is run.
func (b Block) Runs() bool { return b.Use == Typed || b.Use == Again || b.Use == Screen }

// Find returns the paths of all pages below root, relative to it.
func Find(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			rel, err := filepath.Rel(root, path)
			found = append(found, rel)
			return err
		}
		return nil
	})
	return found, err
}

// Read returns the blocks of a page.
func Read(text string) ([]Block, error) {
	var blocks []Block
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		indent, info, ok := strings.Cut(lines[i], "```")
		if !ok || strings.TrimSpace(indent) != "" {
			continue
		}
		end := slices.IndexFunc(lines[i+1:], func(l string) bool { return strings.TrimSpace(l) == "```" })
		if end < 0 {
			return nil, fmt.Errorf("line %d: the block has no end", i+1)
		}
		b := Block{Line: i + 1}
		for _, l := range lines[i+1 : i+1+end] {
			b.Text += strings.TrimPrefix(l, indent) + "\n"
		}
		lang, word, _ := strings.Cut(info, " ")
		var err error
		b.Use, b.Name, err = use(lang, word)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", b.Line, err)
		}
		if last := len(blocks) - 1; lang == "text" && b.Use == Shown && last >= 0 && blocks[last].Runs() && !blocks[last].HasWant {
			blocks[last].Want, blocks[last].HasWant = b.Text, true
		} else {
			blocks = append(blocks, b)
		}
		i += end + 1
	}
	for _, b := range blocks {
		if (b.Use == Again || b.Use == Screen) && strings.TrimSpace(b.Want) == "" {
			return nil, fmt.Errorf("line %d: what comes out has to follow in a text block", b.Line)
		}
	}
	return blocks, nil
}

// use reads what stands behind the first fence.
func use(lang, word string) (u Use, name string, err error) {
	if why, ok := strings.CutPrefix(word, "no-run:"); ok {
		if strings.TrimSpace(why) == "" {
			return 0, "", fmt.Errorf("no-run needs a reason")
		}
		return NotRun, "", nil
	}
	if name, ok := strings.CutPrefix(word, "file="); ok && filepath.IsLocal(name) {
		return Saved, name, nil
	}
	if name, ok := strings.CutPrefix(word, "in="); ok && filepath.IsLocal(name) {
		return Part, name, nil
	}
	switch {
	case word == "" && (lang == "" || lang == "text" || lang == "json"):
		return Shown, "", nil
	case word == "" && lang == "sh":
		return Typed, "", nil
	case word == "again" && lang == "sh":
		return Again, "", nil
	case word == "screen" && lang == "sh":
		return Screen, "", nil
	}
	return 0, "", fmt.Errorf("cannot tell what the block %q is for: see internal/pages", strings.TrimSpace(lang+" "+word))
}
