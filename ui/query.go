package ui

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pid1/event"
)

// subject is what a query can ask of a line. What is not known is negative, zero
// or empty, as in package event, and then no comparison with it holds.
type subject struct {
	pid, ppid int
	user      string
	state     byte
	ended     event.Ended
	life, age time.Duration
	texts     []string // where words are looked for, the PID aside
	args      []string // so are these, and phrases in all of them together
	line      string   // args in one; made when first asked for
}

// commandLine is what phrases and regular expressions are looked for in.
func (s *subject) commandLine() string {
	if s.line == "" {
		s.line = joinArgs(s.args)
	}
	return s.line
}

// query is a filter that was understood.
//
//	gunicorn worker      both words, in any case
//	cron | mailer        either
//	!sleep               not
//	"two words" /re+/    a phrase, a regular expression
//	pid:812 ppid:7 user:app state:Z sig:KILL
//	exit!=0 exit=1 life<1s age>10m
//
// "and" binds tighter than "or".
type query struct{ any []allOf }

type allOf []clause

type clause struct {
	not   bool
	holds func(*subject) bool
}

func (q *query) match(s *subject) bool {
	for _, all := range q.any {
		if all.match(s) {
			return true
		}
	}
	return len(q.any) == 0
}

func (a allOf) match(s *subject) bool {
	for i := range a {
		if a[i].holds(s) == a[i].not {
			return false
		}
	}
	return true
}

// parseQuery understands text. An error names the word it stumbled over.
func parseQuery(text string) (query, error) {
	var q query
	var all allOf
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" {
			break
		}
		if text[0] == '|' {
			if len(all) > 0 {
				q.any = append(q.any, all)
				all = nil
			}
			text = text[1:]
			continue
		}
		t, rest, err := parseTerm(text)
		if err != nil {
			return query{}, err
		}
		if t.holds != nil {
			all = append(all, t)
		}
		text = rest
	}
	if len(all) > 0 {
		q.any = append(q.any, all)
	}
	return q, nil
}

func parseTerm(text string) (t clause, rest string, err error) {
	for text != "" && text[0] == '!' {
		t.not = !t.not
		text = text[1:]
	}
	if text == "" {
		return t, "", nil
	}
	switch text[0] {
	case '/':
		t.holds, rest, err = parseRegexp(text)
	case '"':
		phrase, after, _ := strings.Cut(text[1:], `"`)
		t.holds, rest = word(phrase), after
	default:
		end := strings.IndexAny(text, " \t|")
		if end < 0 {
			end = len(text)
		}
		t.holds, err = parseWord(text[:end])
		rest = text[end:]
	}
	return t, rest, err
}

// parseRegexp takes /…/ from the front of text; without its end it is a word, as
// in a path.
func parseRegexp(text string) (func(*subject) bool, string, error) {
	end := strings.IndexByte(text[1:], '/')
	after := ""
	if end >= 0 {
		after = text[end+2:]
	}
	if end <= 0 || after != "" && !strings.ContainsAny(after[:1], " \t|") {
		stop := strings.IndexAny(text, " \t|")
		if stop < 0 {
			stop = len(text)
		}
		return word(text[:stop]), text[stop:], nil
	}
	expr := text[1 : end+1]
	re, err := regexp.Compile("(?i)" + expr)
	if err != nil {
		var syntax interface{ Error() string } = err
		return nil, "", fmt.Errorf("/%s/: %s", expr, strings.TrimPrefix(syntax.Error(), "error parsing regexp: "))
	}
	return func(s *subject) bool {
		for _, t := range s.texts {
			if re.MatchString(t) {
				return true
			}
		}
		return re.MatchString(s.commandLine())
	}, after, nil
}

// word looks for text, in any case.
func word(text string) func(*subject) bool {
	if text == "" {
		return nil
	}
	lower := strings.ToLower(text)
	_, err := strconv.Atoi(text)
	number, phrase := err == nil, strings.Contains(text, " ")
	return func(s *subject) bool {
		for _, t := range s.texts {
			if contains(t, lower) {
				return true
			}
		}
		if number && s.pid >= 0 && strings.Contains(itoa(s.pid), text) {
			return true
		}
		if phrase {
			return contains(s.commandLine(), lower)
		}
		for _, t := range s.args {
			if contains(t, lower) {
				return true
			}
		}
		return false
	}
}

// fields are what can be asked by name, with the operators each knows. An operator
// alone makes it a question: "state" is a word, "state:Z" asks.
var fields = map[string]func(op, value string) (func(*subject) bool, error){
	"pid":   number(func(s *subject) int { return s.pid }),
	"ppid":  number(func(s *subject) int { return s.ppid }),
	"exit":  number(func(s *subject) int { return exitOf(s) }),
	"life":  duration(func(s *subject) time.Duration { return s.life }),
	"age":   duration(func(s *subject) time.Duration { return s.age }),
	"user":  oneOf(func(s *subject) string { return s.user }),
	"state": oneOf(func(s *subject) string { return string(rune(s.state)) }),
	"sig":   oneOf(func(s *subject) string { return strings.TrimPrefix(s.ended.Signal, "SIG") }),
}

func exitOf(s *subject) int {
	if s.ended.Signal != "" {
		return event.Unknown
	}
	return s.ended.Code
}

// parseWord understands one word without spaces: a question where it has the form
// of one, else itself.
func parseWord(w string) (func(*subject) bool, error) {
	i := strings.IndexAny(w, ":=!<>")
	if i <= 0 {
		return word(w), nil
	}
	question, known := fields[strings.ToLower(w[:i])]
	if !known {
		return word(w), nil
	}
	op, value := w[i:i+1], w[i+1:]
	if strings.HasPrefix(value, "=") && op != ":" && op != "=" {
		op, value = op+"=", value[1:]
	}
	switch op {
	case ":":
		op = "="
	case "!":
		return nil, fmt.Errorf("%s: write %s!=", w, w[:i])
	}
	if value == "" {
		return nil, nil // not typed to its end yet
	}
	holds, err := question(op, value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w, err)
	}
	return holds, nil
}

func compare[T int | time.Duration](op string, a, b T) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func number(of func(*subject) int) func(op, value string) (func(*subject) bool, error) {
	return func(op, value string) (func(*subject) bool, error) {
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, errors.New("a number is wanted")
		}
		return func(s *subject) bool {
			v := of(s)
			return v >= 0 && compare(op, v, n)
		}, nil
	}
}

func duration(of func(*subject) time.Duration) func(op, value string) (func(*subject) bool, error) {
	return func(op, value string) (func(*subject) bool, error) {
		d, err := parseSpan(value)
		if err != nil {
			return nil, err
		}
		return func(s *subject) bool {
			v := of(s)
			return v >= 0 && compare(op, v, d)
		}, nil
	}
}

func oneOf(of func(*subject) string) func(op, value string) (func(*subject) bool, error) {
	return func(op, value string) (func(*subject) bool, error) {
		if op != "=" && op != "!=" {
			return nil, errors.New("it is one or it is not: use : or !=")
		}
		if len(value) > 3 && strings.EqualFold(value[:3], "SIG") {
			value = value[3:]
		}
		return func(s *subject) bool {
			v := of(s)
			return v != "" && strings.EqualFold(v, value) == (op == "=")
		}, nil
	}
}

// parseSpan reads a duration: 10, 1.5s, 200ms, 3m, 2h, 4d. A bare number is
// seconds.
func parseSpan(text string) (time.Duration, error) {
	unit := time.Second
	num := text
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}} {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			num, unit = n, u.unit
			break
		}
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil || f < 0 || f > 1e7 || f != f {
		return 0, errors.New("a time is wanted, such as 200ms, 10s, 5m, 2h or 1d")
	}
	return time.Duration(f * float64(unit)), nil
}

// contains reports whether s contains the lower-case word, in any case.
func contains(s, lower string) bool {
	n := len(lower)
	if n == 0 {
		return true
	}
	first := lower[0]
	upper := first
	if first >= 'a' && first <= 'z' {
		upper -= 'a' - 'A'
	}
	if first >= 0x80 { // the other case may begin with another byte
		return strings.Contains(strings.ToLower(s), lower)
	}
	for i := 0; i+n <= len(s); i++ {
		if (s[i] == first || s[i] == upper) && strings.EqualFold(s[i:i+n], lower) {
			return true
		}
	}
	return false
}
