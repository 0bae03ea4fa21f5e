package run

import (
	"errors"
	"testing"
	"time"

	"hepex/harness/config"
)

// Points wait for nothing that another trains while there are others to do; then, and alone, they come in their order.
func TestQueue(t *testing.T) {
	networks := map[string][]string{"a1": {"A"}, "a2": {"A", "A pruned"}, "a3": {"A", "A pruned"}, "b1": {"B"}, "b2": {"B"}}
	var todo []Planned
	for _, label := range []string{"a1", "a2", "a3", "b1", "b2"} {
		todo = append(todo, Planned{Point: config.Point{Label: label}})
	}
	trained := map[string]bool{}
	q := newQueue(todo, func(p Planned) (missing []string, err error) {
		for _, name := range networks[p.Label] {
			if !trained[name] {
				missing = append(missing, name)
			}
		}
		return missing, nil
	})
	begun := 0
	take := func(want string) (end func()) {
		t.Helper()
		i, before, end, err := q.next()
		if err != nil || i < 0 || todo[i].Label != want || before != begun {
			t.Fatalf("point %d after %d, %v: want %s after %d", i, before, err, want, begun)
		}
		begun++
		return end
	}
	a, b := take("a1"), take("b1")
	trained["A"] = true
	a()
	a = take("a2")
	trained["B"] = true
	b()
	take("b2")() // rather than a3, which shares what a2 trains
	again := take("a3")
	again()
	a()
	if i, _, _, err := q.next(); i >= 0 || err != nil {
		t.Errorf("point %d, %v: want none", i, err)
	}

	alone := newQueue(todo, func(p Planned) ([]string, error) { return networks[p.Label], nil })
	for k := range todo {
		i, _, end, err := alone.next()
		if i != k || err != nil {
			t.Errorf("point %d, %v: want %d", i, err, k)
		}
		end()
	}

	waiting := newQueue(todo[1:3], func(p Planned) ([]string, error) { return networks[p.Label], nil })
	for k := range 2 { // both share all that is left
		if i, _, _, err := waiting.next(); i != k || err != nil {
			t.Errorf("point %d, %v: want %d", i, err, k)
		}
	}

	// what is in hand is all that the point in hand trains, and all that another would train counts
	several := map[string][]string{"a1": {"A", "B"}, "a2": {"C", "B"}, "a3": {"C"}}
	mixed := newQueue(todo[:3], func(p Planned) ([]string, error) { return several[p.Label], nil })
	for _, want := range []int{0, 2, 1} {
		if i, _, _, err := mixed.next(); i != want || err != nil {
			t.Errorf("point %d, %v: want %d", i, err, want)
		}
	}

	broken := errors.New("no cache")
	if _, _, _, err := newQueue(todo, func(Planned) ([]string, error) { return nil, broken }).next(); !errors.Is(err, broken) {
		t.Errorf("%v: want %v", err, broken)
	}
}

// The time left follows from the training that is done and the training that is left, not from how many points there are.
func TestTimeLeftOfTraining(t *testing.T) {
	points := []Planned{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}}
	r := &runner{efforts: efforts{of: map[string]float64{"a": 2, "b": 0, "c": 6, "d": 1}, rest: 9}}
	if left := r.efforts.left(); left != 0 {
		t.Errorf("%v left before anything is known", left)
	}
	for i, want := range []time.Duration{35 * time.Second, 35 * time.Second, 5 * time.Second, 0} {
		r.trained(points[i], time.Duration(r.efforts.of[points[i].ID])*5*time.Second)
		if left := r.efforts.left(); left != want {
			t.Errorf("%v left after point %s: want %v", left, points[i].ID, want)
		}
	}
}
