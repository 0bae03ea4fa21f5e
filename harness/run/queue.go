package run

import (
	"slices"
	"sync"
)

// queue hands out points to prepare, in their order, but for those whose unpruned network another is training: they would only wait
// for it, and come first again when it is there.
type queue struct {
	todo   []Planned
	shared func(Planned) (string, error) // names what a point would train or wait for, "" is nothing

	mu       sync.Mutex
	pending  []int
	training map[string]int // points in hand, by what they share
}

func newQueue(todo []Planned, shared func(Planned) (string, error)) *queue {
	q := &queue{todo: todo, shared: shared, training: map[string]int{}}
	for i := range todo {
		q.pending = append(q.pending, i)
	}
	return q
}

// next gives the index of a point, or -1, how many were begun before it, and what to call when it is prepared. Where all that are left share what
// is being trained, it is the first of them.
func (q *queue) next() (i, begun int, end func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == 0 {
		return -1, len(q.todo), nil, nil
	}
	at, name := 0, ""
	for k, i := range q.pending {
		own, err := q.shared(q.todo[i])
		if err != nil {
			return -1, 0, nil, err
		}
		if free := q.training[own] == 0; free || k == 0 {
			at, name = k, own
			if free {
				break
			}
		}
	}
	i, begun = q.pending[at], len(q.todo)-len(q.pending)
	q.pending = slices.Delete(q.pending, at, at+1)
	if name == "" {
		return i, begun, func() {}, nil
	}
	q.training[name]++
	return i, begun, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.training[name]--
	}, nil
}
