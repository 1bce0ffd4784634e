package ui

import (
	"io"
	"os"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
)

// openInput finds the terminal to read keys from.
func openInput(in io.Reader) (io.Reader, func(), error) {
	if in != nil {
		return in, func() {}, nil
	}
	if term.IsTerminal(os.Stdin.Fd()) {
		return os.Stdin, func() {}, nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, ErrNoTerminal
	}
	return tty, func() { _ = tty.Close() }, nil
}

// watch makes the end of the input end the program. Bubble Tea goes on without
// keys when it reads an end of file, which is what a terminal gives that hung up.
func watch(in io.Reader, gone func()) io.Reader {
	if f, ok := in.(*os.File); ok {
		return &watchedFile{f, f.Fd(), gone}
	}
	return &watched{in, gone}
}

type watched struct {
	io.Reader
	gone func()
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil {
		w.gone()
	}
	return n, err
}

// watchedFile still is the terminal it wraps, for raw mode and polling. Bubble
// Tea's reader asks for the descriptor even after the end, when the file may be
// closed.
type watchedFile struct {
	*os.File
	fd   uintptr
	gone func()
}

func (w *watchedFile) Fd() uintptr { return w.fd }

func (w *watchedFile) Read(b []byte) (int, error) {
	n, err := w.File.Read(b)
	if err != nil {
		w.gone()
	}
	return n, err
}

// sizes turns what the terminal says about its size into what the screen uses:
// docker exec -t starts at 0x0, until the first change of the window's size tells.
type sizes struct{ env []string }

// filter sees the messages before the program does, so that the renderer too is
// given a size to draw on.
func (s sizes) filter(m tea.Model, msg tea.Msg) tea.Msg {
	w, ok := msg.(tea.WindowSizeMsg)
	if !ok {
		return msg
	}
	unknown := w.Width <= 0 || w.Height <= 0
	if unknown {
		w = tea.WindowSizeMsg{Width: s.lookup("COLUMNS", 80), Height: s.lookup("LINES", 24)}
	}
	if m, ok := m.(*model); ok {
		m.assumed = unknown
		if unknown && m.width == w.Width && m.height == w.Height {
			return nil // nothing new
		}
	}
	return w
}

func (s sizes) lookup(name string, otherwise int) int {
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 && n < 10000 {
				return n
			}
		}
	}
	return otherwise
}
