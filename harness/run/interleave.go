package run

import (
	"context"
	"encoding/json"
	"slices"

	"hepex/harness/record"
)

// Points that are measured interleaved each have a worker of their own, and these take turns: one evaluation each, round after
// round, so that what slows the machine down for a while slows all of them. Only one works at a time. What a pruned network saves is held
// against the unpruned one, so that points of one family, alike but for their pruning, take turns with each other, however many they are.
// Where memory does not hold all of a family at once, its unpruned network stays while the others come and go.

const maxGroup = 8 // workers of several families that take turns

// What a worker waits for.
const (
	turn = "\"go\"\n"
	stay = "\"stay\"\n" // a turn, after which it asks for another
)

// ask is what a worker waits for: to be let in with a peak of so many bytes, or, if that is 0, for its next evaluation.
type ask struct {
	Peak int64 `json:"peak,omitempty"`
}

// turns asks the runner, as trial.Turns.
type turns struct {
	in  *json.Decoder
	out *json.Encoder
}

func (t turns) Admit(peak int64) error {
	_, err := t.ask(ask{max(peak, 1)})
	return err
}

func (t turns) Next() (bool, error) {
	answer, err := t.ask(ask{})
	return answer == "stay", err
}

func (t turns) ask(a ask) (answer string, err error) {
	if err := t.out.Encode(event{Asks: &a}); err != nil {
		return "", err
	}
	err = t.in.Decode(&answer)
	return answer, err
}

// takesTurns tells whether a point is to be measured interleaved.
func takesTurns(p Planned) bool {
	return p.Spec.Measure.Order == record.Interleaved && p.Spec.Measure.Encrypted
}

// related tells whether points are of one family.
func related(a, b Planned) bool {
	return record.AlikeBut(&record.Record{Params: a.Params}, &record.Record{Params: b.Params}, "prune.")
}

// turnTakers counts the points at the head of the list that are to be measured interleaved.
func turnTakers(ready []prepared) int {
	n := slices.IndexFunc(ready, func(p prepared) bool { return !takesTurns(p.Planned) })
	if n < 0 {
		return len(ready)
	}
	return n
}

// group is workers that take turns.
type group struct {
	*runner
	budget  int64 // of memory
	points  []prepared
	queue   []int     // indices of the points without a worker
	parked  []*member // of the next family, that wait to be let in
	members []*member
	started func(i int) // is called before point i starts
}

type member struct {
	*worker
	index           int   // of its point
	peak            int64 // that it was let in with
	base            bool  // the unpruned network of a family
	turns           int   // taken, those for warming up among them
	repeats, shared int   // turns that count, and those of them in rounds with others
}

// took notes a turn.
func (m *member) took(shared bool) {
	if m.turns++; m.turns <= m.job.Spec.Measure.Warmup {
		return
	}
	m.repeats++
	if shared {
		m.shared++
	}
}

// order is what the record says: interleaved if at least half of the repeats were, so that the median is of those.
func (m *member) order() string {
	if m.shared > 0 && 2*m.shared >= m.repeats {
		return record.Interleaved
	}
	return record.Sequential
}

// interleave measures the points by turns, as many at a time as memory holds.
func (r *runner) interleave(ctx context.Context, points []prepared, started func(i int)) error {
	g := &group{runner: r, budget: turnMemory(r.limits.Memory, r.Memory), points: points, started: started}
	return g.run(ctx)
}

// run forms group after group.
func (g *group) run(ctx context.Context) error {
	defer g.stop()
	for i := range g.points {
		g.queue = append(g.queue, i)
	}
	for len(g.members) > 0 || (len(g.parked) > 0 || len(g.queue) > 0) && !g.hopeless() {
		if err := g.gather(ctx); err != nil {
			return err
		}
		if err := g.rounds(ctx); err != nil {
			return err
		}
	}
	return nil
}

// gather lets workers in up to their first evaluation, one after the other, family by family: the first as far as it fits, others only as
// a whole. What is there already is the unpruned network of the family that is parked; if none fits beside it, it does not stay.
func (g *group) gather(ctx context.Context) error {
	rest := len(g.members) > 0
	if rest {
		defer func() { g.members[0].base = g.members[0].base && len(g.members) > 1 }()
	}
	for (len(g.parked) > 0 || len(g.queue) > 0) && !g.hopeless() {
		if len(g.parked) == 0 {
			if err := g.recruit(ctx); err != nil {
				return err
			}
		}
		if !rest && len(g.members) > 0 && (len(g.members)+len(g.parked) > maxGroup || peakOf(g.members)+peakOf(g.parked) > g.budget) {
			return nil
		}
		rest = false
		for len(g.parked) > 0 && !g.hopeless() {
			m := g.parked[0]
			if len(g.members) > 0 && peakOf(g.members)+m.peak > g.budget {
				return nil
			}
			g.parked = g.parked[1:]
			if err := g.admit(ctx, m); err != nil {
				return err
			}
		}
	}
	if g.hopeless() {
		g.dismiss()
	}
	return nil
}

// dismiss stops the workers that were not let in. Those that were to have another try have failed.
func (g *group) dismiss() {
	for _, m := range g.parked {
		m.stop()
		if g.tries[m.job.Point] > 0 {
			g.failed++
			g.summary.Failed++
		}
	}
	g.parked = nil
}

func peakOf(members []*member) (sum int64) {
	for _, m := range members {
		sum += m.peak
	}
	return sum
}

// recruit starts the workers of the next family, until they ask to be let in: so far each holds a plain network, nothing large.
func (g *group) recruit(ctx context.Context) error {
	var family, others []int
	for _, i := range g.queue {
		if related(g.points[g.queue[0]].Planned, g.points[i].Planned) {
			family = append(family, i)
		} else {
			others = append(others, i)
		}
	}
	g.queue = others
	base := slices.IndexFunc(family, func(i int) bool { return record.Dense(g.points[i].Params) })
	if base > 0 {
		family = slices.Concat(family[base:base+1], family[:base], family[base+1:])
	}
	for k, i := range family {
		if g.hopeless() {
			g.queue = append(g.queue, family[k:]...)
			return nil
		}
		g.started(i)
		m, err := g.launch(ctx, i, k == 0 && base >= 0 && len(family) > 1)
		if err != nil {
			return err
		}
		if m != nil {
			g.parked = append(g.parked, m)
		}
	}
	return nil
}

// launch starts a worker, until it asks to be let in, and again if it fails and has another try; nil if it has ended for good.
func (g *group) launch(ctx context.Context, i int, base bool) (*member, error) {
	for {
		w, err := g.start(ctx, stageInterleave, g.job(g.points[i].Planned))
		if err != nil {
			return nil, err
		}
		g.await(w)
		m := &member{worker: w, index: i, base: base}
		if m.asks != nil {
			m.peak = m.asks.Peak
			return m, nil
		}
		if again, err := g.conclude(ctx, m); err != nil || !again {
			return nil, err
		}
	}
}

// admit lets a worker in, up to its first evaluation. Another try of one that fails on the way needs no more memory.
func (g *group) admit(ctx context.Context, m *member) error {
	for m != nil {
		if g.resume(m.worker, turn); !m.ended {
			g.members = append(g.members, m)
			return nil
		}
		again, err := g.conclude(ctx, m)
		if err != nil || !again {
			return err
		}
		if m, err = g.launch(ctx, m.index, m.base); err != nil {
			return err
		}
	}
	return nil
}

// rounds gives one turn after the other until all workers have ended, or until an unpruned network is left that others are to join. One that
// dies leaves the others as they are.
func (g *group) rounds(ctx context.Context) error {
	for len(g.members) > 0 {
		if len(g.members) == 1 && g.stays(g.members[0]) {
			return nil
		}
		round := slices.Clone(g.members)
		for _, m := range round {
			m.took(len(round) > 1)
			answer := turn
			if g.stays(m) {
				answer = stay
			}
			if g.resume(m.worker, answer); !m.ended {
				continue
			}
			g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
			again, err := g.conclude(ctx, m)
			if again {
				if m, err = g.launch(ctx, m.index, m.base); m != nil {
					err = g.admit(ctx, m)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stays tells whether a worker is an unpruned network that others of its family still take turns with, or are to.
func (g *group) stays(m *member) bool {
	return m.base && slices.ContainsFunc(slices.Concat(g.members, g.parked), func(other *member) bool {
		return other != m && related(g.points[m.index].Planned, g.points[other.index].Planned)
	})
}

// conclude stores what became of a worker that ended. A point that failed may have another try.
func (g *group) conclude(ctx context.Context, m *member) (again bool, err error) {
	out := g.outcome(m.worker)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if out.result != nil {
		out.result.Record.Order = m.order()
	}
	result, again, err := g.settle(stageMeasure, m.job, out, m.began, g.limits.Timeout-m.left)
	if err != nil {
		return false, err
	}
	return again, g.keep(g.points[m.index], result)
}

// stop ends the workers that are left.
func (g *group) stop() {
	for _, m := range slices.Concat(g.parked, g.members) {
		m.stop()
	}
}
