package ui

import (
	"errors"
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

// watch tells of what comes, and makes the end of the input end the program. Bubble Tea goes on without
// keys when it reads an end of file, which is what a terminal gives that hung up.
func watch(in io.Reader, heard func([]byte), gone func()) io.Reader {
	if f, ok := in.(*os.File); ok {
		return &watchedFile{f, f.Fd(), heard, gone}
	}
	return &watched{in, heard, gone}
}

type watched struct {
	io.Reader
	heard func([]byte)
	gone  func()
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.heard(b[:n])
	}
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
	fd    uintptr
	heard func([]byte)
	gone  func()
}

func (w *watchedFile) Fd() uintptr { return w.fd }

func (w *watchedFile) Read(b []byte) (int, error) {
	n, err := w.File.Read(b)
	if n > 0 {
		w.heard(b[:n])
	}
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

// writeNew makes a file that was not there before: nothing is ever overwritten.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// reason is why something could not be done to a file, without its name.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
