package soak

import "math"

// Trend is a straight line through measurements, by least squares.
type Trend struct {
	Growth float64 // along the line, from the first to the last
	Noise  float64 // standard deviation of the measurements from the line
	N      int
}

// trend fits a line to y over x, which ascends.
func trend(x, y []float64) Trend {
	n := float64(len(x))
	if len(x) < 3 {
		return Trend{N: len(x)}
	}
	var sx, sy float64
	for i := range x {
		sx += x[i]
		sy += y[i]
	}
	mx, my := sx/n, sy/n
	var sxx, sxy float64
	for i := range x {
		sxx += (x[i] - mx) * (x[i] - mx)
		sxy += (x[i] - mx) * (y[i] - my)
	}
	if sxx == 0 {
		return Trend{N: len(x)}
	}
	slope := sxy / sxx
	var left float64
	for i := range x {
		d := y[i] - my - slope*(x[i]-mx)
		left += d * d
	}
	return Trend{Growth: slope * (x[len(x)-1] - x[0]), Noise: math.Sqrt(left / (n - 2)), N: len(x)}
}

// page is the least by which memory can grow, in KiB.
const page = 4

// Flat reports whether the growth is within the noise: no more than twice the
// standard deviation, or four pages where there is hardly any noise.
func (t Trend) Flat() bool { return t.Growth <= max(2*t.Noise, 4*page) }
