package inspect

import "time"

// budget limits how much time goes into something, on average: it accrues at one
// part in every parts of the time that passes, up to most.
type budget struct {
	every time.Duration
	most  time.Duration
	left  time.Duration
	at    time.Time // when it was last added to
}

// spend takes what passed between began and now, and reports whether something is
// left.
func (b *budget) spend(began, now time.Time) bool {
	if !b.at.IsZero() {
		b.left += now.Sub(b.at) / b.every
	} else {
		b.left = b.most
	}
	b.at = now
	b.left = max(-b.most, min(b.most, b.left)-now.Sub(began))
	return b.left > 0
}
