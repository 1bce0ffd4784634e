package ui

import (
	"strings"
	"unicode/utf8"
)

// prompt is a line that is typed at the foot of the screen.
type prompt struct {
	kind promptKind
	text string
	at   int // the cursor, in bytes
}

type promptKind uint8

const (
	noPrompt promptKind = iota
	askFilter
	askPID
	askFile
	askTime
)

// promptKinds are what stands before the text, and the hint behind it.
var promptKinds = [...]struct{ before, hint string }{
	askFilter: {"/", "words, | ! /re/ user: state: exit!=0 life<1s   Enter keeps   Esc clears"},
	askPID:    {":", "a PID   Enter goes there"},
	askFile:   {"write to ", "Enter writes   Esc does not"},
	askTime:   {"time ", "15:04:05, -5m or +30s   Enter goes there"},
}

// maxPrompt is how long a text may be, in bytes.
const maxPrompt = 200

func (p *prompt) open(kind promptKind, text string) {
	*p = prompt{kind: kind, text: text, at: len(text)}
}

// insert puts typed or pasted text at the cursor; what is no text becomes spaces.
func (p *prompt) insert(text string) {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	room := maxPrompt - len(p.text)
	for len(text) > room {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	p.text = p.text[:p.at] + text + p.text[p.at:]
	p.at += len(text)
}

// edit acts on a key that moves in the text or takes from it, and reports whether
// it was one.
func (p *prompt) edit(key string) bool {
	before, after := p.text[:p.at], p.text[p.at:]
	switch key {
	case "left":
		_, n := utf8.DecodeLastRuneInString(before)
		p.at -= n
	case "right":
		_, n := utf8.DecodeRuneInString(after)
		p.at += n
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "backspace", "ctrl+h":
		_, n := utf8.DecodeLastRuneInString(before)
		p.cut(p.at-n, p.at)
	case "delete":
		_, n := utf8.DecodeRuneInString(after)
		p.cut(p.at, p.at+n)
	case "ctrl+u":
		p.cut(0, p.at)
	case "ctrl+k":
		p.cut(p.at, len(p.text))
	case "ctrl+w":
		words := strings.TrimRight(before, " ")
		p.cut(strings.LastIndexByte(words, ' ')+1, p.at)
	default:
		return false
	}
	return true
}

func (p *prompt) cut(from, to int) {
	p.text = p.text[:from] + p.text[to:]
	p.at = from
}

// drawPrompt draws the line being typed, the part around the cursor if it is long.
func (m *model) drawPrompt(c *canvas) {
	k := promptKinds[m.prompt.kind]
	c.put(accent, " "+k.before)
	before := clean(m.prompt.text[:m.prompt.at], c.t.ascii)
	room := max(c.width-c.x-2, 1)
	for cellWidth(before) > room {
		_, n := utf8.DecodeRuneInString(before)
		before = before[n:]
	}
	c.put(plain, before)
	under, n := " ", 0
	if m.prompt.at < len(m.prompt.text) {
		_, n = utf8.DecodeRuneInString(m.prompt.text[m.prompt.at:])
		under = clean(m.prompt.text[m.prompt.at:m.prompt.at+n], c.t.ascii)
	}
	c.text(barOn, under, c.width)
	c.text(plain, m.prompt.text[m.prompt.at+n:], c.width-c.x)
	hint, look := k.hint, faint
	if m.prompt.kind == askFilter && m.filter().err != nil {
		hint, look = m.filter().err.Error(), warn
	}
	if c.width-c.x > min(40, len(hint)+3) || look == warn {
		c.text(look, "   "+hint, c.width-c.x)
	}
	c.end(plain)
}
