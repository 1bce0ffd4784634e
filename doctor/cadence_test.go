package doctor

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestCadenceOf(t *testing.T) {
	beats := func(n, each int, every, within time.Duration) []time.Duration {
		var ago []time.Duration
		for i := range n {
			for j := range each {
				ago = append(ago, time.Duration(i)*every+time.Duration(each-j)*within)
			}
		}
		return ago
	}
	random := func(n int, mean time.Duration) []time.Duration {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		var ago []time.Duration
		at := time.Duration(0)
		for range n {
			at += time.Duration(r.ExpFloat64() * float64(mean))
			ago = append(ago, at)
		}
		return ago
	}
	late := func(ago []time.Duration, by time.Duration) []time.Duration {
		for i := range ago {
			ago[i] += by
		}
		return ago
	}
	jitter := func(ago []time.Duration, by time.Duration) []time.Duration {
		r := rand.New(rand.NewPCG(2, 2))
		for i := range ago {
			ago[i] += time.Duration(r.Float64() * float64(by))
		}
		return ago
	}
	tests := []struct {
		name string
		ago  []time.Duration
		want string
	}{
		{"a job of cron", beats(6, 26, 5*time.Minute, 20*time.Millisecond), "26 every 5m"},
		{"a health check", beats(5, 1, 30*time.Second, 0), "1 every 30s"},
		{"a health check, a little off", jitter(beats(9, 1, 30*time.Second, 0), 3*time.Second), "1 every 30s"},
		{"two at once", beats(5, 2, 10*time.Second, 0), "2 every 10s"},
		{"three times only", beats(3, 26, 5*time.Minute, 20*time.Millisecond), ""},
		{"the first group is not complete", beats(6, 26, 5*time.Minute, 20*time.Millisecond)[20:], "26 every 5m"},
		{"over for long", late(beats(6, 1, 30*time.Second, 0), 5*time.Minute), ""},
		{"as chance will", random(60, 10*time.Second), ""},
		{"as chance will, few", random(6, 10*time.Second), ""},
		{"all at once", make([]time.Duration, 40), ""},
		{"faster than a second", beats(50, 1, 200*time.Millisecond, 0), ""},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := CadenceOf(tt.ago)
			if tt.want == "1 every 30s" && got.Each == 1 && got.Every > 28*time.Second && got.Every < 32*time.Second {
				return
			}
			if got.String() != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
