package inference

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// crew are goroutines that share the limbs of one row. A key switch has several short pieces of work, with all waiting for each other
// between them: members that wait do not sleep, as waking them would take as long as a piece.
type crew struct {
	turn       atomic.Int64 // raised for each piece of work; dismissed ends it
	next, busy atomic.Int64 // the next limb, members at work
	n          int
	f          func(i int, l *lane)
	members    int
	failed     atomic.Pointer[error]
}

// dismissed is the turn that members go home at.
const dismissed = -1

// patience is how often a member looks for work before it lets others run.
const patience = 1 << 8

// newCrew gathers a member for each lane.
func newCrew(lanes []*lane) *crew {
	c := &crew{members: len(lanes)}
	for _, l := range lanes {
		go func() {
			for seen := int64(0); ; {
				for spins := 1; c.turn.Load() == seen; spins++ {
					if spins%patience == 0 {
						runtime.Gosched()
					}
				}
				if seen = c.turn.Load(); seen == dismissed {
					return
				}
				c.work(l)
				c.busy.Add(-1)
			}
		}()
	}
	return c
}

func (c *crew) dismiss() { c.turn.Store(dismissed) }

// each calls f for 0 … n−1, in the members and here.
func (c *crew) each(n int, own *lane, f func(i int, l *lane)) error {
	c.n, c.f = n, f
	c.failed.Store(nil)
	c.next.Store(0)
	c.busy.Store(int64(c.members))
	c.turn.Add(1)
	c.work(own)
	for spins := 1; c.busy.Load() > 0; spins++ {
		if spins%patience == 0 {
			runtime.Gosched()
		}
	}
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *crew) work(l *lane) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("panic: %v", p)
			c.failed.Store(&err)
			c.next.Store(int64(c.n))
		}
	}()
	for i := int(c.next.Add(1)) - 1; i < c.n; i = int(c.next.Add(1)) - 1 {
		c.f(i, l)
	}
}
