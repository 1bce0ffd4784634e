package main

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"pid1/internal/faultpoint"
)

// logger makes pid1's own log. Its lines go through a writer of their own: a
// full pipe behind stderr may hold the log up, never the reaping.
func logger(o *options, w *lineWriter) *slog.Logger {
	level := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[o.logLevel.value]
	if o.logFormat.value == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(&textHandler{level: level, w: w})
}

// textHandler writes "pid1: warn: message key=value" lines, harmless on a
// terminal.
type textHandler struct {
	level slog.Level
	w     *lineWriter
	attrs []slog.Attr
}

func (h *textHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }
func (h *textHandler) WithGroup(string) slog.Handler                { return h }

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textHandler{h.level, h.w, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString("pid1: ")
	if r.Level != slog.LevelError {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(harmless(r.Message))
	attr := func(a slog.Attr) bool {
		v := a.Value.String()
		if strings.ContainsAny(v, " \"=") || v == "" || harmless(v) != v {
			v = strconv.QuoteToGraphic(v)
		}
		b.WriteString(" " + a.Key + "=" + v)
		return true
	}
	for _, a := range h.attrs {
		attr(a)
	}
	r.Attrs(attr)
	b.WriteByte('\n')
	_, err := h.w.Write(b.Bytes())
	return err
}

// harmless escapes what could steer a terminal or break the line.
func harmless(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) < 0 {
		return s
	}
	q := strconv.QuoteToGraphic(s)
	return q[1 : len(q)-1]
}

// lineWriter writes lines to a descriptor from a goroutine of its own. What does
// not fit into its queue is dropped and counted. It writes by write(2): a
// program that writes to a broken stderr through os.File is ended by the Go
// runtime with SIGPIPE.
type lineWriter struct {
	fd    int
	lines chan []byte
	done  chan struct{}

	mu      sync.Mutex // guards what follows
	dropped int
	closed  bool
}

func newLineWriter(fd int) *lineWriter {
	w := &lineWriter{fd: fd, lines: make(chan []byte, 64), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return len(line), nil
	}
	if w.dropped > 0 {
		note := "pid1: warn: " + strconv.Itoa(w.dropped) + " lines of this log were lost: stderr did not take them\n"
		select {
		case w.lines <- []byte(note):
			w.dropped = 0
		default:
		}
	}
	select {
	case w.lines <- bytes.Clone(line):
	default:
		w.dropped++
	}
	return len(line), nil
}

func (w *lineWriter) run() {
	defer close(w.done)
	defer func() { _ = recover() }() // there is no place left to say so
	for line := range w.lines {
		faultpoint.Here("log")
		for len(line) > 0 {
			n, err := unix.Write(w.fd, line)
			if err == unix.EINTR {
				continue
			}
			if err == unix.EAGAIN {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			if err != nil {
				break
			}
			line = line[n:]
		}
	}
}

// close writes what is queued and gives up after a moment.
func (w *lineWriter) close() {
	w.mu.Lock()
	w.closed = true
	close(w.lines)
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-time.After(200 * time.Millisecond):
	}
}
