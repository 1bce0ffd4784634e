package ui

import (
	"strconv"
	"strings"
	"time"
)

// age writes how long ago something began, in at most six cells: 0.3s 59s 12m
// 1h02m 3d04h 412d. Negative: not known.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "?"
	case d < 10*time.Second:
		return strconv.FormatFloat(float64(d/(100*time.Millisecond))/10, 'f', 1, 64) + "s"
	case d < time.Minute:
		return itoa(int64(d/time.Second)) + "s"
	case d < 10*time.Minute:
		return itoa(int64(d/time.Minute)) + "m" + two(int64(d%time.Minute/time.Second)) + "s"
	case d < time.Hour:
		return itoa(int64(d/time.Minute)) + "m"
	case d < day:
		return itoa(int64(d/time.Hour)) + "h" + two(int64(d%time.Hour/time.Minute)) + "m"
	case d < 100*day:
		return itoa(int64(d/day)) + "d" + two(int64(d%day/time.Hour)) + "h"
	}
	return itoa(int64(d/day)) + "d"
}

// span writes how long something lasted, finer than age below a minute: 3ms
// 0.14s 2.01s 59.9s.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "?"
	case d < 100*time.Millisecond:
		return itoa(int64(d/time.Millisecond)) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(float64(d/(10*time.Millisecond))/100, 'f', 2, 64) + "s"
	case d < time.Minute:
		return strconv.FormatFloat(float64(d/(100*time.Millisecond))/10, 'f', 1, 64) + "s"
	}
	return age(d)
}

func two(n int64) string {
	if n < 10 {
		return "0" + itoa(n)
	}
	return itoa(n)
}

// rate writes a rate in few cells: 0 0.4 6.1 42 1.2k.
func rate(f float64) string {
	switch {
	case f <= 0:
		return "0"
	case f < 0.05:
		return "<.1"
	case f < 9.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	case f < 999.5:
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f/1000, 'f', 1, 64) + "k"
}

// signed is rate with its sign; 0 stays bare.
func signed(f float64) string {
	switch {
	case f > 0.05:
		return "+" + rate(f)
	case f < -0.05:
		return "-" + rate(-f)
	}
	return "0"
}

// percent writes a share of 0…1.
func percent(f float64) string {
	switch {
	case f <= 0:
		return "0%"
	case f < 0.001:
		return "<.1%"
	case f < 0.0995:
		return strconv.FormatFloat(f*100, 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(f*100, 'f', 0, 64) + "%"
}

// plural writes "1 zombie", "2 zombies".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "s") {
		one += "e"
	}
	return itoa(n) + " " + one + "s"
}

// bars draws values as a row of bars, the newest last, in exactly width cells.
// A negative value is not known and stays empty.
// With ascii the heights are the ten digits' lesser cousins.
func bars(values []float64, width int, ascii bool) string {
	if width <= 0 {
		return ""
	}
	marks := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		marks = []rune("_.-:=+*#")
	}
	if len(values) > width {
		values = squeeze(values, width)
	}
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	out := make([]rune, 0, width)
	for range width - len(values) {
		out = append(out, marks[0])
	}
	for _, v := range values {
		if v < 0 {
			out = append(out, ' ')
			continue
		}
		i := 0
		if top > 0 && v > 0 {
			i = min(int(v/top*float64(len(marks)-1)+0.5), len(marks)-1)
			i = max(i, 1) // something is never drawn like nothing
		}
		out = append(out, marks[i])
	}
	return string(out)
}

// squeeze makes n values of more, each the highest of those it stands for.
func squeeze(values []float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = -1
		from, to := i*len(values)/n, (i+1)*len(values)/n
		for _, v := range values[from:max(to, from+1)] {
			out[i] = max(out[i], v)
		}
	}
	return out
}

func floats(values []int) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// gauge writes a share of 0…1 as a bar of exactly width cells; what is more than
// nothing shows.
func gauge(share float64, width int, ascii bool) string {
	if width <= 0 {
		return ""
	}
	eighths := int(min(max(share, 0), 1)*float64(width*8) + 0.5)
	if share > 0 {
		eighths = max(eighths, 1)
	}
	if ascii {
		n := (eighths + 7) / 8
		return strings.Repeat("#", n) + strings.Repeat(".", width-n)
	}
	out := strings.Repeat("█", eighths/8)
	n := eighths / 8
	if rest := eighths % 8; rest > 0 {
		out += string([]rune("▏▎▍▌▋▊▉")[rest-1])
		n++
	}
	return out + strings.Repeat("·", width-n)
}
