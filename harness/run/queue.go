package run

import (
	"slices"
	"sync"
)

// queue hands out points to prepare, in their order, but for those that would wait for what another is training: they come first again when
// it is there.
type queue struct {
	todo      []Planned
	trainings func(Planned) ([]string, error) // names what a point has yet to train

	mu      sync.Mutex
	pending []int
	inHand  map[string]int // points that train it
}

func newQueue(todo []Planned, trainings func(Planned) ([]string, error)) *queue {
	q := &queue{todo: todo, trainings: trainings, inHand: map[string]int{}}
	for i := range todo {
		q.pending = append(q.pending, i)
	}
	return q
}

// next gives the index of a point, or -1, how many were begun before it, and what to call when it is prepared. Where all that are left would
// wait, it is the first of them.
func (q *queue) next() (i, begun int, end func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == 0 {
		return -1, len(q.todo), nil, nil
	}
	at, names := 0, []string(nil)
	for k, i := range q.pending {
		own, err := q.trainings(q.todo[i])
		if err != nil {
			return -1, 0, nil, err
		}
		free := !slices.ContainsFunc(own, func(name string) bool { return q.inHand[name] > 0 })
		if free || k == 0 {
			at, names = k, own
		}
		if free {
			break
		}
	}
	i, begun = q.pending[at], len(q.todo)-len(q.pending)
	q.pending = slices.Delete(q.pending, at, at+1)
	q.take(names, 1)
	return i, begun, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.take(names, -1)
	}, nil
}

func (q *queue) take(names []string, n int) {
	for _, name := range names {
		q.inHand[name] += n
	}
}
