package inference

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
)

// crew are goroutines that share the limbs of one row. A key switch has several short pieces of work, which need each other's
// results: members that wait do not sleep, as waking them would take as long as a piece.
type crew struct {
	turn    atomic.Int64 // raised for each list of stages; dismissed ends it
	busy    atomic.Int64 // members at work
	members int
	stages  []*stage
	taken   [][]atomic.Bool // parts of stages
	left    atomic.Int64    // parts that are not taken
	failed  atomic.Pointer[error]
}

// stage is a piece of work in parts. Earlier stages may still be at work when a part begins, but for those that it names. It is taken
// by the lane of its limb, if that is free: what other parts left in the cache of a core takes long to reach from another.
type stage struct {
	n     int
	limb  func(i int) int  // nil: i
	after []*stage         // done before any part begins
	ready func(i int) bool // whether what a part needs besides is there; nil: yes
	do    func(i int, l *lane)
	done  atomic.Int64 // parts
}

func (s *stage) limbOf(i int) int {
	if s.limb == nil {
		return i
	}
	return s.limb(i)
}

// open tells whether stages that come before are done.
func (s *stage) open() bool {
	return !slices.ContainsFunc(s.after, func(before *stage) bool { return before.done.Load() < int64(before.n) })
}

// dismissed is the turn that members go home at.
const dismissed = -1

// patience is how often a member looks for work before it lets others run.
const patience = 1 << 8

// newCrew gathers a member for each lane but the first, which is the caller's.
func newCrew(lanes []*lane) *crew {
	c := &crew{members: len(lanes)}
	for k, l := range lanes[1:] {
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
				c.work(1+k, l)
				c.busy.Add(-1)
			}
		}()
	}
	return c
}

func (c *crew) dismiss() { c.turn.Store(dismissed) }

// do does all parts of stages, in the members and here.
func (c *crew) do(stages []*stage, own *lane) error {
	c.stages, c.taken = stages, c.taken[:0]
	n := 0
	for _, s := range stages {
		c.taken = append(c.taken, make([]atomic.Bool, s.n))
		n += s.n
	}
	c.failed.Store(nil)
	c.left.Store(int64(n))
	c.busy.Store(int64(c.members - 1))
	c.turn.Add(1)
	c.work(0, own)
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

// work takes parts until there are none.
func (c *crew) work(member int, l *lane) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("panic: %v", p)
			c.failed.CompareAndSwap(nil, &err)
		}
	}()
	own, others := make([]int, len(c.stages)), make([]int, len(c.stages))
	for spins := 1; c.left.Load() > 0 && c.failed.Load() == nil; spins++ {
		if c.take(l, own, func(limb int) bool { return limb%c.members == member }) || c.take(l, others, func(int) bool { return true }) {
			spins = 0
		} else if spins%patience == 0 {
			runtime.Gosched()
		}
	}
}

// take does the first part that is ready, of the limbs that are meant. No part of theirs before first is left in a stage.
func (c *crew) take(l *lane, first []int, meant func(limb int) bool) bool {
	for k := range c.stages {
		s, taken := c.stages[k], c.taken[k]
		for first[k] < s.n && (taken[first[k]].Load() || !meant(s.limbOf(first[k]))) {
			first[k]++
		}
		if first[k] == s.n || !s.open() {
			continue
		}
		for i := first[k]; i < s.n; i++ {
			if taken[i].Load() || !meant(s.limbOf(i)) || s.ready != nil && !s.ready(i) || !taken[i].CompareAndSwap(false, true) {
				continue
			}
			c.left.Add(-1)
			s.do(i, l)
			s.done.Add(1)
			return true
		}
	}
	return false
}
