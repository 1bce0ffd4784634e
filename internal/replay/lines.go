package replay

import (
	"bufio"
	"errors"
	"io"
)

// lineReader reads lines, of which it hands out maxLine bytes at most.
type lineReader struct {
	br  *bufio.Reader
	buf []byte
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{br: bufio.NewReaderSize(in, 64<<10)}
}

// next returns the next line with its newline, and how many bytes it has. The last
// one may have no newline; the error is io.EOF then. A line that is longer than
// maxLine comes back as its beginning with a newline, which is no line of the
// stream.
func (l *lineReader) next() (text []byte, size int64, err error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.br.ReadSlice('\n')
		size += int64(len(part))
		if err == nil && len(l.buf) == 0 {
			return part, size, nil
		}
		if len(l.buf) < maxLine {
			l.buf = append(l.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case size > maxLine && (err == nil || errors.Is(err, io.EOF)):
			return append(l.buf[:64], '\n'), size, err
		}
		return l.buf, size, err
	}
}
