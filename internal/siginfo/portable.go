//go:build linux

package siginfo

import (
	"os"
	"os/signal"
	"syscall"
)

// portable is the backend that uses os/signal.
type portable struct {
	signals  chan os.Signal
	children chan os.Signal
}

// portableQueue is how many signals wait: os/signal drops what does not fit.
const portableQueue = 1024

// notPortable are the signals the program raises itself, see [Options].
const notPortable = 1<<(syscall.SIGURG-1) | 1<<(syscall.SIGPIPE-1)

func openPortable(r *Receiver) backend {
	p := &portable{
		signals:  make(chan os.Signal, portableQueue),
		children: make(chan os.Signal, 1),
	}
	r.readers.Go(func() {
		for {
			select {
			case sig := <-p.signals:
				info := Info{Signal: sig.(syscall.Signal), Code: Unknown, PID: UnknownID, UID: UnknownID}
				if !r.deliver(info) {
					return
				}
			case <-r.done:
				return
			}
		}
	})
	r.readers.Go(func() {
		for {
			select {
			case <-p.children:
				r.childDied()
			case <-r.done:
				return
			}
		}
	})
	return p
}

func (p *portable) exact() bool  { return false }
func (p *portable) lost() uint64 { return 0 }

func (p *portable) install(set uint64) error {
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		switch {
		case set&^notPortable&(1<<(sig-1)) == 0:
		case sig == syscall.SIGCHLD:
			signal.Notify(p.children, sig)
		default:
			signal.Notify(p.signals, sig)
		}
	}
	return nil
}

func (p *portable) stop() {
	signal.Stop(p.signals)
	signal.Stop(p.children)
}
