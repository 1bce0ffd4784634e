package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"pid1/event"
)

const (
	// maxSkip is how much of a line that is too long is read in the hope that it
	// ends.
	maxSkip = 64 << 10

	// maxRate is how many requests a client may send in a second; the rest waits.
	maxRate = 100

	// maxID is how long a request's id may be in bytes.
	maxID = 64
)

// asked is what came from a client: a request, or what is wrong with it.
type asked struct {
	event.Request
	err   error
	leave bool // there is no going on after it
}

var (
	errTooLong = fmt.Errorf("the request is longer than %d bytes", event.MaxRequest)
	errEndless = fmt.Errorf("the request is longer than %d bytes and does not end; closing", event.MaxRequest)
)

// requests reads a client's lines.
type requests struct {
	br     *bufio.Reader
	count  int
	second time.Time // when count began
}

func newRequests(r io.Reader) *requests {
	return &requests{br: bufio.NewReaderSize(r, event.MaxRequest)}
}

// next returns the next request. The error is the connection's.
func (r *requests) next() (asked, error) {
	for {
		line, err := r.br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return r.skip()
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			if err != nil {
				return asked{}, err
			}
			continue
		}
		// A last line without a newline is a line, too: the end comes next time.
		return parse(line), nil
	}
}

func (r *requests) skip() (asked, error) {
	for n := event.MaxRequest; n < maxSkip; {
		line, err := r.br.ReadSlice('\n')
		if err == nil {
			return asked{err: errTooLong}, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return asked{}, err
		}
		n += len(line)
	}
	return asked{err: errEndless, leave: true}, nil
}

// early returns how long to wait before the next request is due.
func (r *requests) early(now time.Time) time.Duration {
	if now.Sub(r.second) >= time.Second {
		r.second, r.count = now, 0
	}
	if r.count++; r.count <= maxRate {
		return 0
	}
	return r.second.Add(time.Second).Sub(now)
}

func parse(line []byte) asked {
	var a asked
	if err := json.Unmarshal(line, &a.Request); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			// The fields that could be read are, the id among them.
			a.err = fmt.Errorf("cannot read the request: %q cannot be a %s", wrong.Field, wrong.Value)
			if wrong.Field == "" {
				a.err = fmt.Errorf("cannot read the request: it is a %s and not an object", wrong.Value)
			}
		} else {
			a.err = fmt.Errorf("cannot read the request: %w", err)
		}
	} else {
		a.err = check(&a.Request)
	}
	if len(a.ID) > maxID {
		a.ID = ""
	}
	return a
}

func check(q *event.Request) error {
	switch q.Op {
	case event.OpSubscribe, event.OpProcesses, event.OpStats:
	case event.OpInspect:
		if q.PID <= 0 {
			return errors.New("inspect needs a pid")
		}
	case "":
		return errors.New("the request has no op")
	default:
		return fmt.Errorf("unknown op %.64q; there are %q, %q, %q and %q",
			q.Op, event.OpSubscribe, event.OpProcesses, event.OpInspect, event.OpStats)
	}
	if len(q.ID) > maxID {
		return fmt.Errorf("the id is longer than %d bytes", maxID)
	}
	if q.Since != nil && q.Now {
		return errors.New("since and now exclude each other")
	}
	for _, t := range q.Types {
		if event.New(t) == nil {
			return fmt.Errorf("unknown type %.64q", t)
		}
	}
	return nil
}
